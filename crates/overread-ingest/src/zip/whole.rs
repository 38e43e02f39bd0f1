//! An entry whose lengths stand before it and fit into memory: unpacked at once, which takes half the time, and by whoever
//! reads it, so that the archive is read on meanwhile.

use flate2::{Decompress, FlushDecompress};
use libdeflater::{DecompressionError, Decompressor};
use overread_dicom::limits::SNIFF_BYTES;
use tokio::sync::OwnedSemaphorePermit;

use super::entry::{Broken, Fault};
use super::headers::{Local, Method};
use super::input::Input;
use super::names;
use crate::buffers::{Lent, memory_for};
use crate::content::{Held, Part};
use crate::limits;
use crate::session::{Session, share_of};

/// Returns the memory for an entry; `None` when it must be read piece by piece.
pub(super) fn room(session: &Session, local: &Local) -> Option<OwnedSemaphorePermit> {
    if local.method == Method::Other {
        return None;
    }
    let bytes = bytes_for(local);
    let fits = !local.has_descriptor && bytes <= limits::IN_MEMORY_BYTES;
    if fits && !names::is_folder_bytes(&local.name) {
        session.reserve(bytes)
    } else {
        None
    }
}

/// Returns how many bytes are in memory while an entry is unpacked.
fn bytes_for(local: &Local) -> u64 {
    match local.method {
        Method::Deflate => memory_for(local.bytes).saturating_add(memory_for(local.packed_bytes)),
        Method::Stored | Method::Other => memory_for(local.bytes.max(local.packed_bytes)),
    }
}

/// An entry as it stands in the archive, and what the archive promises of it. Its `Debug` prints lengths, never what a stranger sent.
pub(crate) struct Packed {
    packed: Lent,
    is_deflated: bool,
    bytes: u64,
    crc: u32,
    /// Bytes in memory while it is unpacked.
    pub(super) held_bytes: u64,
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Packed({} to {} bytes)",
            self.packed.bytes().len(),
            self.bytes
        )
    }
}

/// Reads an entry as it stands.
pub(super) fn read(
    input: &mut Input<'_>,
    local: &Local,
    session: &Session,
) -> Result<Packed, Broken> {
    let mut packed = session.lend(local.packed_bytes);
    let wanted = local.packed_bytes as usize;
    let filled = input
        .fill(packed.fill(wanted))
        .map_err(|error| Broken::Lost(Fault::Source(error)))?;
    if filled < wanted {
        return Err(Broken::Lost(Fault::Ended));
    }
    // Counted before the work is done, so that broken entries cost as much as whole ones.
    if !session.count_bytes(local.bytes) {
        return Err(Broken::Lost(Fault::Total));
    }
    Ok(Packed {
        packed,
        is_deflated: local.method == Method::Deflate,
        bytes: local.bytes,
        crc: local.crc,
        held_bytes: bytes_for(local),
    })
}

impl Packed {
    /// Returns how long the content is said to be.
    pub(super) const fn promised_bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the first bytes of the content, which nothing proves yet; fewer when they cannot be unpacked.
    pub(super) fn head(&self) -> Vec<u8> {
        if !self.is_deflated {
            let packed = self.packed.bytes();
            let length = packed.len().min(SNIFF_BYTES);
            return packed.get(..length).unwrap_or_default().to_vec();
        }
        let mut head = vec![0; SNIFF_BYTES];
        let mut inflate = Decompress::new(false);
        let _ended = inflate.decompress(self.packed.bytes(), &mut head, FlushDecompress::None);
        head.truncate(inflate.total_out() as usize);
        head
    }

    /// Unpacks it and proves that it is what the archive promised.
    pub(super) fn unpack(self) -> Result<Lent, Fault> {
        let lent = if self.is_deflated {
            inflate(&self.packed, self.bytes)?
        } else {
            self.packed
        };
        let bytes = lent.bytes();
        if bytes.len() as u64 != self.bytes {
            return Err(Fault::Lengths);
        }
        if libdeflater::crc32(bytes) != self.crc {
            return Err(Fault::Corrupt);
        }
        Ok(lent)
    }

    /// As [`Packed::unpack`], with the memory that was granted for it; what is not needed afterwards goes back.
    pub(crate) fn hold(self, mut room: OwnedSemaphorePermit) -> Result<Held, Fault> {
        let bytes = self.unpack()?.freeze();
        let spare = room.num_permits()
            - room
                .num_permits()
                .min(share_of(memory_for(bytes.len() as u64)) as usize);
        drop(room.split(spare));
        Ok(Held {
            part: Part::Memory(bytes),
            digest: None,
            _permit: Some(room),
        })
    }
}

fn inflate(packed: &Lent, length_bytes: u64) -> Result<Lent, Fault> {
    let mut unpacked = packed.another(length_bytes);
    let found = Decompressor::new()
        .deflate_decompress(packed.bytes(), unpacked.fill(length_bytes as usize))
        .map_err(|error| match error {
            DecompressionError::BadData => Fault::Corrupt,
            DecompressionError::InsufficientSpace => Fault::Lengths,
        })?;
    unpacked.truncate(found);
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::Packed;
    use crate::buffers::Buffers;

    #[test]
    fn an_entry_is_printed_by_its_lengths() {
        let mut name = Buffers::default().lend(5);
        name.extend(b"Smith");
        let packed = Packed {
            packed: name,
            is_deflated: false,
            bytes: 5,
            crc: 0,
            held_bytes: 5,
        };
        assert_eq!(format!("{packed:?}"), "Packed(5 to 5 bytes)");
    }
}
