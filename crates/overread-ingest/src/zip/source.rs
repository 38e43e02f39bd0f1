//! The incoming bytes, with a window to look ahead.

use std::io::{self, Read};

const WINDOW_BYTES: usize = 256 * 1024;

/// A reader that knows its position and can look at what comes next.
pub(super) struct Source<R> {
    inner: R,
    window: Vec<u8>,
    start: usize,
    end: usize,
    position_bytes: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, window: vec![0; WINDOW_BYTES], start: 0, end: 0, position_bytes: 0 }
    }

    pub(super) const fn position_bytes(&self) -> u64 {
        self.position_bytes
    }

    fn held(&self) -> &[u8] {
        self.window.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns at least one byte, or none at the end.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.end = read_some(&mut self.inner, &mut self.window)?;
        }
        Ok(self.held())
    }

    /// Returns this many bytes without using them, or fewer at the end. At most the window.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let count = count.min(WINDOW_BYTES);
        if self.end - self.start < count {
            self.window.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            while self.end < count {
                let room = self.window.get_mut(self.end..).unwrap_or_default();
                let read = read_some(&mut self.inner, room)?;
                if read == 0 {
                    break;
                }
                self.end += read;
            }
        }
        let held = self.held();
        Ok(held.get(..count).unwrap_or(held))
    }

    /// Returns the next four bytes as a number; `None` when fewer are left.
    pub(super) fn peek_u32(&mut self) -> io::Result<Option<u32>> {
        Ok(self.peek(4)?.try_into().ok().map(u32::from_le_bytes))
    }

    /// Uses bytes that [`Source::fill`] showed.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.position_bytes += count as u64;
    }

    /// Passes over bytes.
    pub(super) fn skip(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            let available = self.fill()?.len();
            if available == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(available);
            self.consume(step);
            count -= step as u64;
        }
        Ok(())
    }

    pub(super) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && out.len() >= WINDOW_BYTES {
            let read = read_some(&mut self.inner, out)?;
            self.position_bytes += read as u64;
            return Ok(read);
        }
        let available = self.fill()?;
        let count = available.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), available.get(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }

    /// Returns the rest: what is held, then what still comes.
    pub(super) fn into_rest(self) -> impl Read {
        let held = self.held().to_vec();
        io::Cursor::new(held).chain(self.inner)
    }
}

fn read_some(inner: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    loop {
        match inner.read(out) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
