//! Bytes by offset, from memory or from a file, without trusting any length.

use std::io::{Read, Seek, SeekFrom};

use crate::limits::READ_WINDOW_BYTES;

/// Where the bytes of an instance come from.
pub(crate) trait Source {
    /// Returns how many bytes there are.
    fn length_bytes(&self) -> u64;

    /// Returns bytes; `None` when they are not all there (or cannot be read).
    fn view(&mut self, offset_bytes: u64, length_bytes: usize) -> Option<&[u8]>;

    /// Says whether reading failed for another reason than the end.
    fn failed(&self) -> bool {
        false
    }
}

/// Bytes in memory.
pub(crate) struct SliceSource<'a>(pub(crate) &'a [u8]);

impl Source for SliceSource<'_> {
    fn length_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    #[inline]
    fn view(&mut self, offset_bytes: u64, length_bytes: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset_bytes).ok()?;
        self.0.get(start..start.checked_add(length_bytes)?)
    }
}

/// Bytes of a file, a window at a time.
pub(crate) struct ReaderSource<R> {
    reader: R,
    length_bytes: u64,
    window: Vec<u8>,
    window_offset_bytes: u64,
    failed: bool,
}

impl<R: Read + Seek> ReaderSource<R> {
    pub(crate) fn new(reader: R, length_bytes: u64) -> Self {
        Self {
            reader,
            length_bytes,
            window: Vec::new(),
            window_offset_bytes: 0,
            failed: false,
        }
    }

    fn fill(&mut self, offset_bytes: u64, length_bytes: usize) -> std::io::Result<()> {
        let wanted = (length_bytes.max(READ_WINDOW_BYTES) as u64)
            .min(self.length_bytes.saturating_sub(offset_bytes));
        self.reader.seek(SeekFrom::Start(offset_bytes))?;
        self.window.clear();
        self.window_offset_bytes = offset_bytes;
        // `take` keeps the buffer as long as what is there, not as long as what was announced.
        (&mut self.reader)
            .take(wanted)
            .read_to_end(&mut self.window)?;
        Ok(())
    }
}

impl<R: Read + Seek> Source for ReaderSource<R> {
    fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    fn view(&mut self, offset_bytes: u64, length_bytes: usize) -> Option<&[u8]> {
        let end = offset_bytes.checked_add(length_bytes as u64)?;
        if end > self.length_bytes {
            return None;
        }
        let window_end = self.window_offset_bytes + self.window.len() as u64;
        if (offset_bytes < self.window_offset_bytes || end > window_end)
            && self.fill(offset_bytes, length_bytes).is_err()
        {
            self.failed = true;
            self.window.clear();
            return None;
        }
        let start = usize::try_from(offset_bytes - self.window_offset_bytes).ok()?;
        self.window.get(start..start + length_bytes)
    }

    fn failed(&self) -> bool {
        self.failed
    }
}
