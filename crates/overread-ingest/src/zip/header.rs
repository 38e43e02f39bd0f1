//! Local headers and data descriptors.

use std::io::Read;

use super::source::Source;
use super::{DESCRIPTOR, ZipError};

const FIXED_BYTES: usize = 30;
const ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 1 << 3;
const UTF8_NAME: u16 = 1 << 11;
const ZIP64_EXTRA: u16 = 1;
const UNKNOWN_32: u32 = u32::MAX;

/// What an entry says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryHead {
    /// Name as it stands there, in whatever encoding.
    pub(crate) raw_name: Vec<u8>,
    /// The name is UTF-8.
    pub(crate) is_utf8: bool,
    /// Size when unpacked, if it is known before; not to be trusted.
    pub(crate) unpacked_bytes: Option<u64>,
}

/// How an entry is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
    Other,
}

/// A local header.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) head: EntryHead,
    pub(super) method: Method,
    pub(super) encrypted: bool,
    pub(super) crc: u32,
    /// Packed size; `None` when it stands behind the data.
    pub(super) packed_bytes: Option<u64>,
    /// Length of the header itself.
    pub(super) length_bytes: u64,
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// Looks at the local header that comes next, without using it; `None` when it does not fit the window.
pub(super) fn peek<R: Read>(source: &mut Source<R>) -> Result<Option<Header>, ZipError> {
    let fixed = source.peek(FIXED_BYTES)?;
    let lengths = (u16_at(fixed, 26), u16_at(fixed, 28));
    let (Some(name), Some(extra)) = lengths else { return Err(ZipError::Truncated) };
    let (name, extra) = (usize::from(name), usize::from(extra));
    let whole = FIXED_BYTES + name + extra;
    let bytes = source.peek(whole)?;
    if bytes.len() < whole {
        return Err(ZipError::Truncated);
    }
    Ok(parse(bytes, name))
}

// APPNOTE 4.3.7.
fn parse(bytes: &[u8], name: usize) -> Option<Header> {
    let flags = u16_at(bytes, 6)?;
    let method = match u16_at(bytes, 8)? {
        0 => Method::Stored,
        8 => Method::Deflated,
        _ => Method::Other,
    };
    let (packed, unpacked) = (u32_at(bytes, 18)?, u32_at(bytes, 22)?);
    let extra = bytes.get(FIXED_BYTES + name..)?;
    let (packed, unpacked) = sizes(packed, unpacked, extra);
    let later = flags & HAS_DESCRIPTOR != 0;
    Some(Header {
        head: EntryHead {
            raw_name: bytes.get(FIXED_BYTES..FIXED_BYTES + name)?.to_vec(),
            is_utf8: flags & UTF8_NAME != 0,
            unpacked_bytes: (!later).then_some(unpacked),
        },
        method,
        encrypted: flags & ENCRYPTED != 0,
        crc: u32_at(bytes, 14)?,
        packed_bytes: (!later).then_some(packed),
        length_bytes: bytes.len() as u64,
    })
}

/// Returns packed and unpacked size, from the ZIP64 extra field where the short fields are full.
fn sizes(packed: u32, unpacked: u32, extra: &[u8]) -> (u64, u64) {
    let (mut wide_packed, mut wide_unpacked) = (u64::from(packed), u64::from(unpacked));
    let mut at = 0;
    while let (Some(id), Some(length)) = (u16_at(extra, at), u16_at(extra, at + 2)) {
        if id == ZIP64_EXTRA {
            // APPNOTE 4.5.3: only the full fields are there, unpacked size first.
            let mut field = at + 4;
            if unpacked == UNKNOWN_32 {
                wide_unpacked = u64_at(extra, field).unwrap_or(wide_unpacked);
                field += 8;
            }
            if packed == UNKNOWN_32 {
                wide_packed = u64_at(extra, field).unwrap_or(wide_packed);
            }
        }
        at += 4 + usize::from(length);
    }
    (wide_packed, wide_unpacked)
}

/// Reads the descriptor behind an entry and returns the checksum it states.
// APPNOTE 4.3.9: with or without signature, sizes of four or eight bytes; the counted sizes tell which.
pub(super) fn read_descriptor<R: Read>(
    source: &mut Source<R>,
    crc: u32,
    packed_bytes: u64,
    unpacked_bytes: u64,
) -> Result<u32, ZipError> {
    let bytes = source.peek(24)?;
    let signed = u32_at(bytes, 0) == Some(DESCRIPTOR);
    let mut fitting = None;
    for start in if signed { [4, 0] } else { [0, 0] } {
        let Some(stated) = u32_at(bytes, start) else { return Err(ZipError::Truncated) };
        let wide = u64_at(bytes, start + 4) == Some(packed_bytes) && u64_at(bytes, start + 12) == Some(unpacked_bytes);
        // Sizes beyond four bytes are written modulo 2^32 by some.
        let low = |size: u64| Some(size as u32);
        let short = u32_at(bytes, start + 4) == low(packed_bytes) && u32_at(bytes, start + 8) == low(unpacked_bytes);
        if wide || short {
            let length = start as u64 + if wide { 20 } else { 12 };
            fitting = fitting.or(Some((stated, length)));
            if stated == crc {
                fitting = Some((stated, length));
                break;
            }
        }
    }
    let (stated, length) = fitting.ok_or(ZipError::Damaged)?;
    source.skip(length)?;
    Ok(stated)
}
