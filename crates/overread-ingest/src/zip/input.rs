//! A window over the bytes of an archive that arrives.

use std::io::{self, Read};

use crate::limits;

/// A reader with a window to look ahead, and a count of where it is.
pub(crate) struct Input<'a> {
    source: &'a mut dyn Read,
    window: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the source before `start`.
    offset: u64,
}

impl<'a> Input<'a> {
    pub(crate) fn new(source: &'a mut dyn Read) -> Self {
        Self {
            source,
            window: vec![0; limits::WINDOW_BYTES],
            start: 0,
            end: 0,
            offset: 0,
        }
    }

    /// Returns how many bytes were consumed.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns what is in the window.
    pub(crate) fn seen(&self) -> &[u8] {
        self.window.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns at least one byte, unless the source ends.
    pub(crate) fn available(&mut self) -> io::Result<&[u8]> {
        self.at_least(1)
    }

    /// Returns at least this many bytes (at most a window), unless the source ends.
    pub(crate) fn at_least(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.end - self.start < count && self.start > 0 {
            self.window.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < count {
            let Some(free) = self
                .window
                .get_mut(self.end..)
                .filter(|free| !free.is_empty())
            else {
                break;
            };
            match self.source.read(free) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.seen())
    }

    /// Leaves bytes of the window behind.
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Goes back to an offset that is still in the window; headers are, since they are shorter than it.
    pub(crate) fn rewind_to(&mut self, offset: u64) {
        let back = usize::try_from(self.offset.saturating_sub(offset))
            .unwrap_or(0)
            .min(self.start);
        self.start -= back;
        self.offset -= back as u64;
    }

    /// Reads into a buffer; large reads go past the window.
    pub(crate) fn read_into(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && buffer.len() >= 16 * 1024 {
            let read = loop {
                match self.source.read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            self.offset += read as u64;
            // What lies before the window now cannot be gone back to.
            self.start = 0;
            self.end = 0;
            return Ok(read);
        }
        let seen = self.available()?;
        let count = seen.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), seen.get(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }

    /// Reads until the buffer is full or the source ends; returns how much was read.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.read_into(free)? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_into(buffer)
    }
}
