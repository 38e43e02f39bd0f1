//! The archive's own list, compared with what was found: nothing may be hidden from either.

use std::collections::HashMap;
use std::io;

use overread_model::problem::ProblemKind;
use overread_model::text::counted;

use super::headers::{self, u16_at, u32_at, u64_at};
use super::input::Input;
use super::{Archive, names};
use crate::{IngestError, limits};

const CENTRAL_BYTES: usize = 46;

/// What is said of a link.
pub(crate) const LINK: &str = "a link to another place; it was not followed";

/// Entries that were streamed, by where their headers stood.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    streamed: HashMap<u64, [u8; 8]>,
    count: u64,
}

fn fingerprint(name: &[u8]) -> [u8; 8] {
    let hash = blake3::hash(name);
    let mut short = [0; 8];
    short
        .iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(slot, byte)| *slot = *byte);
    short
}

impl Listing {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn streamed(&mut self, offset: u64, name: &[u8]) {
        self.count += 1;
        self.streamed.insert(offset, fingerprint(name));
    }

    /// Takes an entry of the list off what was streamed; says whether it was there, and under this name.
    pub(crate) fn take(&mut self, offset: u64, name: &[u8]) -> Option<bool> {
        self.streamed
            .remove(&offset)
            .map(|known| known == fingerprint(name))
    }

    pub(crate) fn left(&self) -> usize {
        self.streamed.len()
    }
}

/// 4.4.15: the Unix mode of a link, when the writer was a Unix.
pub(crate) const fn is_link(made_by: u16, attributes: u32) -> bool {
    made_by >> 8 == 3 && (attributes >> 28) == 0xA
}

/// Reads the list to its end record; says whether it was whole.
pub(crate) fn read(archive: &mut Archive<'_>) -> Result<bool, IngestError> {
    loop {
        let head = archive.input.at_least(4).map_err(IngestError::Body)?;
        match headers::signature(head) {
            Some(headers::CENTRAL) => {
                let Some(listed) = Listed::read(&mut archive.input).map_err(IngestError::Body)?
                else {
                    return Ok(false);
                };
                judge(archive, &listed);
            }
            Some(headers::END_64) => {
                let head = archive.input.at_least(12).map_err(IngestError::Body)?;
                let length = u64_at(head, 4).and_then(|length| length.checked_add(12));
                if !skip(&mut archive.input, length).map_err(IngestError::Body)? {
                    return Ok(false);
                }
            }
            Some(headers::LOCATOR_64) => {
                if !skip(&mut archive.input, Some(20)).map_err(IngestError::Body)? {
                    return Ok(false);
                }
            }
            Some(headers::END) => return end(archive),
            _ => return Ok(false),
        }
    }
}

fn skip(input: &mut Input<'_>, length: Option<u64>) -> io::Result<bool> {
    let Some(mut left) = length else {
        return Ok(false);
    };
    while left > 0 {
        let count = input.available()?.len() as u64;
        if count == 0 {
            return Ok(false);
        }
        input.consume(count.min(left) as usize);
        left -= count.min(left);
    }
    Ok(true)
}

/// One line of the list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) offset: u64,
    pub(crate) name: Vec<u8>,
    pub(crate) is_utf8: bool,
    pub(crate) is_link: bool,
    pub(crate) crc: u32,
    pub(crate) packed_bytes: u64,
    pub(crate) bytes: u64,
}

impl Listed {
    /// Reads a line, which the input stands before; `None` when the archive ends in it.
    pub(crate) fn read(input: &mut Input<'_>) -> io::Result<Option<Self>> {
        let head = input.at_least(CENTRAL_BYTES)?;
        let words = [4, 8, 28, 30, 32].map(|offset| u16_at(head, offset));
        let [
            Some(made_by),
            Some(flags),
            Some(name),
            Some(extra),
            Some(comment),
        ] = words
        else {
            return Ok(None);
        };
        let numbers = [16, 20, 24, 38, 42].map(|offset| u32_at(head, offset));
        let [
            Some(crc),
            Some(packed),
            Some(bytes),
            Some(attributes),
            Some(offset),
        ] = numbers
        else {
            return Ok(None);
        };
        let names_end = CENTRAL_BYTES + usize::from(name);
        let end = names_end + usize::from(extra);
        let head = input.at_least(end)?;
        let (Some(name), Some(extra)) =
            (head.get(CENTRAL_BYTES..names_end), head.get(names_end..end))
        else {
            return Ok(None);
        };
        let wide = headers::zip64(extra, &[bytes, packed, offset]);
        let wide = |index: usize| wide.get(index).copied().unwrap_or(0);
        let listed = Self {
            offset: wide(2),
            name: name
                .get(..name.len().min(limits::NAME_BYTES))
                .unwrap_or_default()
                .to_vec(),
            is_utf8: flags & (1 << 11) != 0,
            is_link: is_link(made_by, attributes),
            crc,
            packed_bytes: wide(1),
            bytes: wide(0),
        };
        input.consume(end);
        Ok(skip(input, Some(u64::from(comment)))?.then_some(listed))
    }
}

/// Compares one line of the list with what was found.
pub(crate) fn judge(archive: &mut Archive<'_>, listed: &Listed) {
    let path = archive.path_of(&names::shown(&listed.name, listed.is_utf8));
    match archive.listing.take(listed.offset, &listed.name) {
        Some(true) => {}
        Some(false) => archive.problem(
            &path,
            ProblemKind::HiddenEntry,
            "the archive gives this file two different names; its content was looked at",
        ),
        None => archive.problem(
            &path,
            ProblemKind::HiddenEntry,
            "the archive lists this file, but does not hold it where it says",
        ),
    }
    if listed.is_link {
        archive.problem(&path, ProblemKind::UnsafeName, LINK);
    }
}

fn end(archive: &mut Archive<'_>) -> Result<bool, IngestError> {
    let head = archive.input.at_least(22).map_err(IngestError::Body)?;
    let Some(comment_length) = u16_at(head, 20) else {
        return Ok(false);
    };
    if !skip(&mut archive.input, Some(22 + u64::from(comment_length))).map_err(IngestError::Body)? {
        return Ok(false);
    }
    tell_hidden(archive);
    if !archive
        .input
        .available()
        .map_err(IngestError::Body)?
        .is_empty()
    {
        archive.problem(
            archive.path,
            ProblemKind::HiddenEntry,
            "more bytes follow after the end of the archive; they were not looked at",
        );
    }
    Ok(true)
}

/// Tells of entries that the list does not name.
pub(crate) fn tell_hidden(archive: &Archive<'_>) {
    let hidden = archive.listing.left();
    if hidden > 0 {
        archive.problem(
            archive.path,
            ProblemKind::HiddenEntry,
            format!(
                "{} missing from the archive's own list; what is in it was looked at all the same",
                counted(hidden, "file is", "files are")
            ),
        );
    }
}
