//! An entry whose lengths stand before it and fit into memory: unpacked at once, which takes half the time.

use libdeflater::{DecompressionError, Decompressor};
use tokio::sync::OwnedSemaphorePermit;

use super::entry::{Broken, Fault};
use super::headers::{Local, Method};
use super::input::Input;
use super::names;
use crate::limits;
use crate::session::Session;

/// Returns the memory for an entry; `None` when it must be read piece by piece.
pub(super) fn room(session: &Session, local: &Local) -> Option<OwnedSemaphorePermit> {
    let bytes = match local.method {
        Method::Stored => local.bytes.max(local.packed_bytes),
        Method::Deflate => local.bytes.saturating_add(local.packed_bytes),
        Method::Other => return None,
    };
    let fits = !local.has_descriptor && bytes <= limits::IN_MEMORY_BYTES;
    if fits && !names::is_folder_bytes(&local.name) {
        session.reserve(bytes)
    } else {
        None
    }
}

/// Reads an entry, unpacks it and proves that it is what the archive promised.
pub(super) fn read(
    input: &mut Input<'_>,
    local: &Local,
    session: &Session,
) -> Result<Vec<u8>, Broken> {
    let mut packed = vec![0; local.packed_bytes as usize];
    let filled = input
        .fill(&mut packed)
        .map_err(|error| Broken::Lost(Fault::Source(error)))?;
    if filled < packed.len() {
        return Err(Broken::Lost(Fault::Ended));
    }
    // Counted before the work is done, so that broken entries cost as much as whole ones.
    if !session.count_bytes(local.bytes) {
        return Err(Broken::Lost(Fault::Total));
    }
    let bytes = match local.method {
        Method::Deflate => inflate(&packed, local.bytes as usize).map_err(Broken::Skipped)?,
        Method::Stored | Method::Other => packed,
    };
    if bytes.len() as u64 != local.bytes {
        return Err(Broken::Skipped(Fault::Lengths));
    }
    if libdeflater::crc32(&bytes) != local.crc {
        return Err(Broken::Skipped(Fault::Corrupt));
    }
    Ok(bytes)
}

fn inflate(packed: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; length];
    let found = Decompressor::new()
        .deflate_decompress(packed, &mut bytes)
        .map_err(|error| match error {
            DecompressionError::BadData => Fault::Corrupt,
            DecompressionError::InsufficientSpace => Fault::Lengths,
        })?;
    bytes.truncate(found);
    Ok(bytes)
}
