//! The records of a ZIP archive (PKWARE APPNOTE 6.3.10, section 4.3).

use std::io;

use super::input::Input;
use crate::limits;

/// 4.3.7: local file header.
pub(crate) const LOCAL: u32 = 0x0403_4b50;
/// 4.3.12: central directory header.
pub(crate) const CENTRAL: u32 = 0x0201_4b50;
/// 4.3.16: end of central directory.
pub(crate) const END: u32 = 0x0605_4b50;
/// 4.3.14: ZIP64 end of central directory.
pub(crate) const END_64: u32 = 0x0606_4b50;
/// 4.3.15: ZIP64 end of central directory locator.
pub(crate) const LOCATOR_64: u32 = 0x0706_4b50;
/// 4.3.9.3: data descriptor.
pub(crate) const DESCRIPTOR: u32 = 0x0807_4b50;

/// Reads the first four bytes.
pub(crate) fn signature(bytes: &[u8]) -> Option<u32> {
    u32_at(bytes, 0)
}

pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes
        .get(offset..offset + 2)?
        .try_into()
        .ok()
        .map(u16::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes
        .get(offset..offset + 4)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes
        .get(offset..offset + 8)?
        .try_into()
        .ok()
        .map(u64::from_le_bytes)
}

/// 4.4.5: how an entry is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Deflate,
    Other,
}

/// A local file header.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    pub(crate) method: Method,
    pub(crate) is_encrypted: bool,
    pub(crate) has_descriptor: bool,
    pub(crate) is_utf8: bool,
    pub(crate) crc: u32,
    pub(crate) packed_bytes: u64,
    pub(crate) bytes: u64,
    pub(crate) is_zip64: bool,
    pub(crate) name: Vec<u8>,
}

const LOCAL_BYTES: usize = 30;

impl Local {
    /// Reads a header and its variable parts; `None` when the archive ends in it.
    pub(crate) fn read(input: &mut Input<'_>) -> io::Result<Option<Self>> {
        let head = input.at_least(LOCAL_BYTES)?;
        let (Some(flags), Some(method), Some(crc)) =
            (u16_at(head, 6), u16_at(head, 8), u32_at(head, 14))
        else {
            return Ok(None);
        };
        let (Some(packed), Some(bytes)) = (u32_at(head, 18), u32_at(head, 22)) else {
            return Ok(None);
        };
        let (Some(name_length), Some(extra_length)) = (u16_at(head, 26), u16_at(head, 28)) else {
            return Ok(None);
        };
        let (name_length, extra_length) = (usize::from(name_length), usize::from(extra_length));
        let whole = LOCAL_BYTES + name_length + extra_length;
        let head = input.at_least(whole)?;
        let Some(name) = head.get(LOCAL_BYTES..LOCAL_BYTES + name_length) else {
            return Ok(None);
        };
        let Some(extra) = head.get(LOCAL_BYTES + name_length..whole) else {
            return Ok(None);
        };
        let sizes = zip64(extra, &[bytes, packed]);
        let local = Self {
            method: match method {
                0 => Method::Stored,
                8 => Method::Deflate,
                _ => Method::Other,
            },
            is_encrypted: flags & 1 != 0,
            has_descriptor: flags & (1 << 3) != 0,
            is_utf8: flags & (1 << 11) != 0,
            crc,
            packed_bytes: sizes.get(1).copied().unwrap_or(0),
            bytes: sizes.first().copied().unwrap_or(0),
            is_zip64: has_zip64(extra),
            name: name
                .get(..name.len().min(limits::NAME_BYTES))
                .unwrap_or_default()
                .to_vec(),
        };
        input.consume(whole);
        Ok(Some(local))
    }

    /// Says whether the entry's end cannot be found without the archive's list.
    pub(crate) fn needs_listing(&self) -> bool {
        if self.is_encrypted {
            return self.has_descriptor;
        }
        !super::streams(self.method, self.has_descriptor)
    }
}

/// Finds the extra field of ZIP64 (4.5.3).
fn zip64_field(mut extra: &[u8]) -> Option<&[u8]> {
    loop {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let body = extra.get(4..4 + length)?;
        if id == 1 {
            return Some(body);
        }
        extra = extra.get(4 + length..)?;
    }
}

fn has_zip64(extra: &[u8]) -> bool {
    zip64_field(extra).is_some()
}

/// Returns the values, those that are all ones replaced from the ZIP64 field, in its order.
pub(crate) fn zip64(extra: &[u8], values: &[u32]) -> Vec<u64> {
    let field = zip64_field(extra).unwrap_or_default();
    let mut next = 0;
    values
        .iter()
        .map(|value| {
            if *value != u32::MAX {
                return u64::from(*value);
            }
            let wide = u64_at(field, next).unwrap_or(u64::from(u32::MAX));
            next += 8;
            wide
        })
        .collect()
}
