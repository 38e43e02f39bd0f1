//! The archive's own list, compared with what was found: nothing may be hidden from either.

use std::collections::HashMap;

use overread_model::problem::ProblemKind;

use super::headers::{self, u16_at, u32_at, u64_at};
use super::{Archive, names};
use crate::IngestError;

const CENTRAL_BYTES: usize = 46;

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
                if !entry(archive)? {
                    return Ok(false);
                }
            }
            Some(headers::END_64) => {
                let head = archive.input.at_least(12).map_err(IngestError::Body)?;
                let length = u64_at(head, 4).and_then(|length| length.checked_add(12));
                if !skip(archive, length)? {
                    return Ok(false);
                }
            }
            Some(headers::LOCATOR_64) => {
                if !skip(archive, Some(20))? {
                    return Ok(false);
                }
            }
            Some(headers::END) => return end(archive),
            _ => return Ok(false),
        }
    }
}

fn skip(archive: &mut Archive<'_>, length: Option<u64>) -> Result<bool, IngestError> {
    let Some(mut left) = length else {
        return Ok(false);
    };
    while left > 0 {
        let count = archive.input.available().map_err(IngestError::Body)?.len() as u64;
        if count == 0 {
            return Ok(false);
        }
        archive.input.consume(count.min(left) as usize);
        left -= count.min(left);
    }
    Ok(true)
}

fn entry(archive: &mut Archive<'_>) -> Result<bool, IngestError> {
    let head = archive
        .input
        .at_least(CENTRAL_BYTES)
        .map_err(IngestError::Body)?;
    let (Some(made_by), Some(flags)) = (u16_at(head, 4), u16_at(head, 8)) else {
        return Ok(false);
    };
    let (Some(packed), Some(bytes)) = (u32_at(head, 20), u32_at(head, 24)) else {
        return Ok(false);
    };
    let lengths = [u16_at(head, 28), u16_at(head, 30), u16_at(head, 32)];
    let [Some(name_length), Some(extra_length), Some(comment_length)] =
        lengths.map(|length| length.map(usize::from))
    else {
        return Ok(false);
    };
    let (Some(attributes), Some(offset)) = (u32_at(head, 38), u32_at(head, 42)) else {
        return Ok(false);
    };
    let variable = name_length + extra_length;
    let head = archive
        .input
        .at_least(CENTRAL_BYTES + variable)
        .map_err(IngestError::Body)?;
    let Some(name) = head.get(CENTRAL_BYTES..CENTRAL_BYTES + name_length) else {
        return Ok(false);
    };
    let Some(extra) = head.get(CENTRAL_BYTES + name_length..CENTRAL_BYTES + variable) else {
        return Ok(false);
    };
    let values = headers::zip64(extra, &[bytes, packed, offset]);
    let offset = values.get(2).copied().unwrap_or(0);
    let name = name
        .get(..name.len().min(crate::limits::NAME_BYTES))
        .unwrap_or_default()
        .to_vec();
    judge(
        archive,
        offset,
        &name,
        flags & (1 << 11) != 0,
        is_link(made_by, attributes),
    );
    archive.input.consume(CENTRAL_BYTES + variable);
    skip(archive, Some(comment_length as u64))
}

/// Compares one line of the list with what was found.
pub(crate) fn judge(
    archive: &mut Archive<'_>,
    offset: u64,
    name: &[u8],
    is_utf8: bool,
    is_link: bool,
) {
    let path = archive.path_of(&names::shown(name, is_utf8));
    match archive.listing.take(offset, name) {
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
    if is_link {
        archive.problem(
            &path,
            ProblemKind::UnsafeName,
            "a link to another place; it was not followed",
        );
    }
}

fn end(archive: &mut Archive<'_>) -> Result<bool, IngestError> {
    let head = archive.input.at_least(22).map_err(IngestError::Body)?;
    let Some(comment_length) = u16_at(head, 20) else {
        return Ok(false);
    };
    if !skip(archive, Some(22 + u64::from(comment_length)))? {
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
            format!("{hidden} files are missing from the archive's own list; their content was looked at all the same"),
        );
    }
}
