//! The central directory at the end, compared with what was streamed.

use std::collections::HashMap;
use std::io::Read;

use super::header::{u16_at, u32_at, u64_at};
use super::source::Source;
use super::{CENTRAL_HEADER, END_OF_DIRECTORY, END_OF_DIRECTORY_64, Seen, ZipError};

const FIXED_BYTES: usize = 46;
const ARCHIVE_EXTRA: u32 = 0x0806_4b50;
const SIGNATURE: u32 = 0x0505_4b50;
const FILE_TYPE: u32 = 0o170_000;
const SYMBOLIC_LINK: u32 = 0o120_000;
const MADE_BY_UNIX: u16 = 3;

/// What the central directory adds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Positions, in streaming order from 0, of entries that are symbolic links.
    pub(crate) links: Vec<usize>,
    /// Positions of entries that the directory does not list: a reader by directory would not see them.
    pub(crate) unlisted: Vec<usize>,
    /// How many entries the directory lists that did not come by: a reader in order would not see them.
    pub(crate) unseen_count: usize,
    /// Positions of entries whose checksum in the directory is another.
    pub(crate) disagreeing: Vec<usize>,
}

/// Reads the directory to its end.
pub(super) fn read<R: Read>(source: &mut Source<R>, seen: &[Seen]) -> Result<Ending, ZipError> {
    let positions: HashMap<u64, usize> =
        seen.iter().enumerate().map(|(position, entry)| (entry.offset_bytes, position)).collect();
    let mut listed = vec![false; seen.len()];
    let mut ending = Ending::default();
    while source.peek_u32()? == Some(CENTRAL_HEADER) {
        let Some(entry) = next_listed(source)? else { return Err(ZipError::Truncated) };
        let Some(position) = positions.get(&entry.offset_bytes).copied() else {
            ending.unseen_count += 1;
            continue;
        };
        if let Some(flag) = listed.get_mut(position) {
            *flag = true;
        }
        if entry.is_link {
            ending.links.push(position);
        }
        let streamed = seen.get(position).and_then(|entry| entry.crc);
        if streamed.is_some_and(|crc| crc != entry.crc) {
            ending.disagreeing.push(position);
        }
    }
    ending.unlisted = listed.iter().enumerate().filter(|(_, listed)| !**listed).map(|(position, _)| position).collect();
    match source.peek_u32()? {
        Some(END_OF_DIRECTORY | END_OF_DIRECTORY_64 | SIGNATURE | ARCHIVE_EXTRA) => Ok(ending),
        Some(_) => Err(ZipError::Damaged),
        None => Err(ZipError::Truncated),
    }
}

struct Listed {
    offset_bytes: u64,
    crc: u32,
    is_link: bool,
}

// APPNOTE 4.3.12.
fn next_listed<R: Read>(source: &mut Source<R>) -> Result<Option<Listed>, ZipError> {
    let fixed = source.peek(FIXED_BYTES)?;
    let lengths = (u16_at(fixed, 28), u16_at(fixed, 30), u16_at(fixed, 32));
    let (Some(name), Some(extra), Some(comment)) = lengths else { return Ok(None) };
    let (name, extra, comment) = (usize::from(name), usize::from(extra), usize::from(comment));
    let header = FIXED_BYTES + name + extra;
    let bytes = source.peek(header)?;
    let listed = parse(bytes, name);
    source.skip(header as u64 + comment as u64)?;
    Ok(listed)
}

fn parse(bytes: &[u8], name: usize) -> Option<Listed> {
    let made_by = u16_at(bytes, 4)? >> 8;
    let mode = u32_at(bytes, 38)? >> 16;
    let short = [u32_at(bytes, 24)?, u32_at(bytes, 20)?, u32_at(bytes, 42)?];
    let extra = bytes.get(FIXED_BYTES + name..)?;
    Some(Listed {
        offset_bytes: wide_offset(short, extra),
        crc: u32_at(bytes, 16)?,
        is_link: made_by == MADE_BY_UNIX && mode & FILE_TYPE == SYMBOLIC_LINK,
    })
}

/// Returns the offset of the local header; `short` holds unpacked size, packed size and offset.
fn wide_offset(short: [u32; 3], extra: &[u8]) -> u64 {
    let [_, _, offset] = short;
    if offset != u32::MAX {
        return u64::from(offset);
    }
    let mut at = 0;
    while let (Some(id), Some(length)) = (u16_at(extra, at), u16_at(extra, at + 2)) {
        if id == 1 {
            let before = short.iter().take(2).filter(|size| **size == u32::MAX).count();
            return u64_at(extra, at + 4 + before * 8).unwrap_or(u64::MAX);
        }
        at += 4 + usize::from(length);
    }
    u64::MAX
}
