//! Bytes of packs that are never read into memory: each stands for a piece of a file, which a connection sends in its place.
//!
//! An answer is carried as bytes in memory, and copying a frame into them and out again costs more than everything else
//! about it. Unread bytes lie at addresses that belong to no other bytes, with nothing but zeros behind them;
//! [`file_behind`] tells by the address of any part of them which file is meant, and from where. Only a connection that
//! asks may be given them, since everybody else would take the zeros for the image.

use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::limits::{UNREAD_PLACE_BYTES, UNREAD_PLACES};

/// Addresses, no memory: pages of it that nobody reads do not exist. Made when they are first asked for, since a constant would
/// stand in the program's file.
static ADDRESSES: LazyLock<Vec<u8>> = LazyLock::new(|| vec![0; UNREAD_PLACES * UNREAD_PLACE_BYTES]);

static PLACES: Mutex<Places> = Mutex::new(Places {
    used: [const { None }; UNREAD_PLACES],
    used_count: 0,
});

struct Places {
    used: [Option<FilePart>; UNREAD_PLACES],
    used_count: usize,
}

/// A piece of a file, up to wherever who asks knows it to end.
#[derive(Debug, Clone)]
pub struct FilePart {
    /// The file.
    pub file: Arc<File>,
    /// Bytes from its start.
    pub offset_bytes: u64,
}

/// Keeps a place as long as bytes at it are there.
struct Kept {
    place: usize,
    length: usize,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        let start = self.place * UNREAD_PLACE_BYTES;
        ADDRESSES
            .get(start..start + self.length)
            .unwrap_or_default()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut places = places();
        if let Some(used) = places.used.get_mut(self.place) {
            *used = None;
            places.used_count -= 1;
        }
    }
}

fn places() -> MutexGuard<'static, Places> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns bytes that stand for a range of a file; `None` when too many are on their way already.
pub(crate) fn standing_for(file: &Arc<File>, range: Range<u64>) -> Option<Vec<Bytes>> {
    let place_bytes = UNREAD_PLACE_BYTES as u64;
    let mut pieces = Vec::new();
    let mut offset_bytes = range.start;
    while offset_bytes < range.end {
        let length = (range.end - offset_bytes).min(place_bytes);
        let part = FilePart {
            file: Arc::clone(file),
            offset_bytes,
        };
        let kept = Kept {
            place: take(part)?,
            length: usize::try_from(length).ok()?,
        };
        pieces.push(Bytes::from_owner(kept));
        offset_bytes += length;
    }
    Some(pieces)
}

fn take(part: FilePart) -> Option<usize> {
    let mut places = places();
    if places.used_count == UNREAD_PLACES {
        return None;
    }
    let free = places.used.iter().position(Option::is_none)?;
    *places.used.get_mut(free)? = Some(part);
    places.used_count += 1;
    Some(free)
}

/// Says whether these bytes are unread ones.
pub fn is_unread(bytes: &[u8]) -> bool {
    ADDRESSES.as_ptr_range().contains(&bytes.as_ptr())
}

/// Returns what is to be sent in the place of these bytes; `None` when they are to be sent themselves.
pub fn file_behind(bytes: &[u8]) -> Option<FilePart> {
    if !is_unread(bytes) {
        return None;
    }
    let within = bytes.as_ptr().addr() - ADDRESSES.as_ptr().addr();
    let places = places();
    let part = places.used.get(within / UNREAD_PLACE_BYTES)?.as_ref()?;
    Some(FilePart {
        file: Arc::clone(&part.file),
        offset_bytes: part.offset_bytes + (within % UNREAD_PLACE_BYTES) as u64,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use super::{UNREAD_PLACE_BYTES, file_behind, is_unread, standing_for};

    #[test]
    fn any_part_tells_its_file_and_from_where() {
        let file = Arc::new(File::open("/dev/null").expect("opens"));
        let length = 2 * UNREAD_PLACE_BYTES as u64 + 3;
        let pieces = standing_for(&file, 5..5 + length).expect("places");
        let lengths: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
        assert_eq!(lengths, [UNREAD_PLACE_BYTES, UNREAD_PLACE_BYTES, 3]);
        let part = file_behind(&pieces[1].slice(7..9)).expect("known");
        assert_eq!(part.offset_bytes, 5 + UNREAD_PLACE_BYTES as u64 + 7);
        assert!(file_behind(b"read").is_none());
        let address = pieces[0].as_ptr().addr();
        drop(part);
        drop(pieces);
        assert_eq!(Arc::strong_count(&file), 1, "nothing holds on to the file");
        let again = standing_for(&file, 0..1).expect("places");
        assert_eq!(again[0].as_ptr().addr(), address, "the place is free again");
        assert!(is_unread(&again[0]));
    }
}
