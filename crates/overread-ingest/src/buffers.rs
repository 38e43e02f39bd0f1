//! Memory for files of an everyday length, used again and again: fresh memory costs more than what is copied into it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::limits;

/// The buffers that nobody uses at the moment, each of [`limits::PART_IN_MEMORY_BYTES`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffers {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// Returns how many bytes of memory a buffer for so many takes: what the budget must be asked for.
pub(crate) const fn memory_for(bytes: u64) -> u64 {
    if is_everyday(bytes) {
        limits::PART_IN_MEMORY_BYTES
    } else {
        bytes
    }
}

/// Says whether so many bytes are worth a buffer that is used again.
const fn is_everyday(bytes: u64) -> bool {
    bytes <= limits::PART_IN_MEMORY_BYTES && bytes > limits::PART_IN_MEMORY_BYTES / 2
}

/// Bytes of one file in a buffer. What the buffer held before stands behind them and is never shown.
pub(crate) struct Lent {
    memory: Vec<u8>,
    length: usize,
    home: Buffers,
}

impl Buffers {
    /// Lends a buffer for so many bytes, of which it holds none yet; it takes [`memory_for`] them.
    pub(crate) fn lend(&self, bytes: u64) -> Lent {
        let used = if is_everyday(bytes) {
            self.free().pop()
        } else {
            None
        };
        let memory = used.unwrap_or_else(|| vec![0; memory_for(bytes) as usize]);
        Lent {
            memory,
            length: 0,
            home: self.clone(),
        }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_back(&self, memory: Vec<u8>) {
        if memory.len() as u64 != limits::PART_IN_MEMORY_BYTES {
            return;
        }
        let mut free = self.free();
        if free.len() < limits::KEPT_BUFFERS {
            free.push(memory);
        }
    }
}

impl Lent {
    /// Lends another buffer from where this one came.
    pub(crate) fn another(&self, bytes: u64) -> Self {
        self.home.lend(bytes)
    }

    /// Returns what it holds.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }

    /// Adds bytes behind those it holds; the buffer grows when it must.
    pub(crate) fn extend(&mut self, more: &[u8]) {
        self.reserve(more.len());
        let end = self.length + more.len();
        if let Some(place) = self.memory.get_mut(self.length..end) {
            place.copy_from_slice(more);
            self.length = end;
        }
    }

    /// Makes room for so many bytes more, at once.
    pub(crate) fn reserve(&mut self, more: usize) {
        if self.length + more > self.memory.len() {
            let mut memory = vec![0; self.length + more];
            if let Some(place) = memory.get_mut(..self.length) {
                place.copy_from_slice(self.bytes());
            }
            self.home
                .take_back(std::mem::replace(&mut self.memory, memory));
        }
    }

    /// Makes it hold so many bytes, for the caller to write every one of them.
    pub(crate) fn fill(&mut self, length: usize) -> &mut [u8] {
        self.length = 0;
        self.reserve(length);
        self.length = length;
        self.memory.get_mut(..length).unwrap_or_default()
    }

    /// Leaves out what stands behind so many bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Gives the bytes to whoever shares them; the buffer comes back when the last one is done, or at once when they are few.
    pub(crate) fn freeze(self) -> Bytes {
        if self.length <= self.memory.len() / 2 {
            Bytes::copy_from_slice(self.bytes())
        } else {
            Bytes::from_owner(self)
        }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.take_back(std::mem::take(&mut self.memory));
    }
}

/// Its `Debug` prints lengths, never what a stranger sent.
impl std::fmt::Debug for Lent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Lent({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffers, memory_for};
    use crate::limits;

    const EVERYDAY: usize = limits::PART_IN_MEMORY_BYTES as usize;

    fn free(buffers: &Buffers) -> usize {
        buffers.free().len()
    }

    #[test]
    fn a_buffer_comes_back_and_shows_nothing_of_its_last_file() {
        let buffers = Buffers::default();
        let mut lent = buffers.lend(limits::PART_IN_MEMORY_BYTES);
        lent.extend(&vec![7; EVERYDAY]);
        let shared = lent.freeze();
        let second = shared.clone();
        drop(shared);
        assert_eq!((free(&buffers), second.len()), (0, EVERYDAY));
        drop(second);
        assert_eq!(free(&buffers), 1);
        let mut again = buffers.lend(limits::PART_IN_MEMORY_BYTES);
        assert_eq!((free(&buffers), again.bytes()), (0, &[][..]));
        again.extend(b"few");
        assert_eq!(format!("{again:?}"), "Lent(3 bytes)");
        let few = again.freeze();
        assert_eq!(
            (free(&buffers), &few[..]),
            (1, &b"few"[..]),
            "few bytes keep no buffer"
        );
    }

    #[test]
    fn what_grows_keeps_its_bytes_and_is_not_kept() {
        let buffers = Buffers::default();
        let mut lent = buffers.lend(limits::PART_IN_MEMORY_BYTES);
        lent.extend(&vec![1; EVERYDAY - 1]);
        lent.extend(&[2, 3]);
        assert_eq!(free(&buffers), 1, "the everyday buffer came back");
        assert_eq!(lent.bytes().len(), EVERYDAY + 1);
        assert!(lent.bytes().ends_with(&[1, 2, 3]));
        lent.truncate(1);
        assert_eq!(lent.bytes(), [1]);
        lent.fill(3).copy_from_slice(b"abc");
        assert_eq!(lent.bytes(), b"abc");
        drop(lent);
        drop(buffers.lend(limits::PART_IN_MEMORY_BYTES + 1));
        assert_eq!(free(&buffers), 1);
    }

    #[test]
    fn a_small_file_takes_no_more_than_it_needs() {
        let buffers = Buffers::default();
        drop(buffers.lend(limits::PART_IN_MEMORY_BYTES / 2 + 1));
        assert_eq!(free(&buffers), 1);
        let small = buffers.lend(10_000);
        assert_eq!((free(&buffers), small.memory.len()), (1, 10_000));
        assert_eq!(memory_for(10_000), 10_000);
        assert_eq!(memory_for(600_000), limits::PART_IN_MEMORY_BYTES);
    }

    #[test]
    fn no_more_are_kept_than_the_limit_says() {
        let buffers = Buffers::default();
        let many: Vec<_> = (0..limits::KEPT_BUFFERS + 3)
            .map(|_| buffers.lend(limits::PART_IN_MEMORY_BYTES))
            .collect();
        drop(many);
        assert_eq!(free(&buffers), limits::KEPT_BUFFERS);
    }
}
