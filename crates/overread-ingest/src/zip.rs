//! Reads a ZIP while it arrives: entry by entry from the local headers, checked against the central directory at its end.
//!
//! Nothing is read twice and nothing is kept but a few numbers an entry. What cannot be streamed honestly (a stored
//! entry whose length stands behind it, a rare compression) is left to the caller, who spools the rest to a file.

mod directory;
mod header;
mod source;

use std::io::{self, Read};

use flate2::Crc;

pub(crate) use directory::Ending;
pub(crate) use header::EntryHead;

use header::{Header, Method, read_descriptor};
use source::Source;

// APPNOTE 4.3: signatures of the records.
const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END_OF_DIRECTORY: u32 = 0x0605_4b50;
const END_OF_DIRECTORY_64: u32 = 0x0606_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const SPANNING_MARKER: u32 = 0x3030_4b50;

/// Why a ZIP cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ZipError {
    /// The bytes end inside an entry or before the central directory.
    #[error("the ZIP ends early")]
    Truncated,
    /// The bytes are no ZIP from here on.
    #[error("the ZIP is damaged")]
    Damaged,
    /// The sender stopped or the disc failed.
    #[error("the ZIP could not be read")]
    Io(#[source] io::Error),
}

impl From<io::Error> for ZipError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Truncated } else { Self::Io(error) }
    }
}

/// What comes next in the stream.
#[derive(Debug)]
pub(crate) enum Next {
    /// A file: read it with [`ZipStream::body`] (or not at all), then ask on.
    Entry(EntryHead),
    /// An entry that only a password opens; it was passed over.
    Encrypted(EntryHead),
    /// From here on the stream cannot be read in order: spool it by [`ZipStream::into_rest`].
    Spool,
    /// The archive is complete.
    End(Ending),
}

/// What is remembered of an entry, to compare it with the central directory.
#[derive(Debug, Clone, Copy)]
struct Seen {
    offset_bytes: u64,
    crc: Option<u32>,
}

/// A ZIP in the order in which it arrives.
pub(crate) struct ZipStream<R> {
    source: Source<R>,
    current: Option<Body>,
    seen: Vec<Seen>,
}

/// The entry whose bytes come next.
struct Body {
    offset_bytes: u64,
    header: Header,
    crc: Crc,
    out_bytes: u64,
    in_bytes: u64,
    inflate: Option<Box<flate2::Decompress>>,
    done: bool,
}

/// How an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// Bytes and checksum agree.
    Right,
    /// They do not: the entry is damaged.
    Wrong,
}

impl<R: Read> ZipStream<R> {
    /// Begins to read.
    pub(crate) fn new(inner: R) -> Self {
        Self { source: Source::new(inner), current: None, seen: Vec::new() }
    }

    /// Returns how many bytes of the ZIP have been used so far.
    pub(crate) fn position_bytes(&self) -> u64 {
        self.source.position_bytes()
    }

    /// Goes to the next entry; what was left of the one before is passed over.
    ///
    /// # Errors
    /// When the bytes end early or are no ZIP.
    pub(crate) fn next(&mut self) -> Result<Next, ZipError> {
        self.finish_current()?;
        let offset_bytes = self.source.position_bytes();
        let Some(signature) = self.source.peek_u32()? else { return Err(ZipError::Truncated) };
        match signature {
            LOCAL_HEADER => self.entry(offset_bytes),
            SPANNING_MARKER | DESCRIPTOR if offset_bytes == 0 => {
                self.source.skip(4)?;
                self.next()
            }
            CENTRAL_HEADER | END_OF_DIRECTORY | END_OF_DIRECTORY_64 => {
                Ok(Next::End(directory::read(&mut self.source, &self.seen)?))
            }
            _ if offset_bytes == 0 => Ok(Next::Spool),
            _ => Err(ZipError::Damaged),
        }
    }

    fn entry(&mut self, offset_bytes: u64) -> Result<Next, ZipError> {
        let Some(header) = header::peek(&mut self.source)? else { return Ok(Next::Spool) };
        if header.encrypted {
            let Some(packed_bytes) = header.packed_bytes else { return Ok(Next::Spool) };
            self.source.skip(header.length_bytes)?;
            self.source.skip(packed_bytes)?;
            self.seen.push(Seen { offset_bytes, crc: None });
            return Ok(Next::Encrypted(header.head));
        }
        if matches!(header.method, Method::Other) || (header.method == Method::Stored && header.packed_bytes.is_none()) {
            return Ok(Next::Spool);
        }
        self.source.skip(header.length_bytes)?;
        let head = header.head.clone();
        let inflate = (header.method == Method::Deflated).then(|| Box::new(flate2::Decompress::new(false)));
        self.current =
            Some(Body { offset_bytes, header, crc: Crc::new(), out_bytes: 0, in_bytes: 0, inflate, done: false });
        Ok(Next::Entry(head))
    }

    /// Returns the bytes of the entry that [`ZipStream::next`] named.
    pub(crate) fn body(&mut self) -> EntryBody<'_, R> {
        EntryBody { stream: self }
    }

    /// Ends the current entry and says whether its checksum is right; `None` when there is none.
    ///
    /// # Errors
    /// When the bytes end early.
    pub(crate) fn finish_current(&mut self) -> Result<Option<Checksum>, ZipError> {
        if self.current.is_none() {
            return Ok(None);
        }
        let mut waste = [0; 16 * 1024];
        while self.read_current(&mut waste)? > 0 {}
        let Some(body) = self.current.take() else { return Ok(None) };
        let crc = body.crc.sum();
        let expected = match body.header.packed_bytes {
            Some(_) => body.header.crc,
            None => read_descriptor(&mut self.source, crc, body.in_bytes, body.out_bytes)?,
        };
        self.seen.push(Seen { offset_bytes: body.offset_bytes, crc: Some(crc) });
        Ok(Some(if expected == crc { Checksum::Right } else { Checksum::Wrong }))
    }

    /// Returns where the unread rest begins, and the rest itself.
    pub(crate) fn into_rest(self) -> (u64, impl Read) {
        (self.source.position_bytes(), self.source.into_rest())
    }

    fn read_current(&mut self, out: &mut [u8]) -> Result<usize, ZipError> {
        let Some(body) = self.current.as_mut() else { return Ok(0) };
        if body.done || out.is_empty() {
            return Ok(0);
        }
        let read = match body.inflate.as_mut() {
            None => read_stored(&mut self.source, body, out)?,
            Some(_) => read_deflated(&mut self.source, body, out)?,
        };
        body.crc.update(out.get(..read).unwrap_or_default());
        body.out_bytes += read as u64;
        Ok(read)
    }
}

fn read_stored<R: Read>(source: &mut Source<R>, body: &mut Body, out: &mut [u8]) -> Result<usize, ZipError> {
    let left = body.header.packed_bytes.unwrap_or(0) - body.in_bytes;
    if left == 0 {
        body.done = true;
        return Ok(0);
    }
    let want = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
    let read = source.read(out.get_mut(..want).unwrap_or_default())?;
    if read == 0 {
        return Err(ZipError::Truncated);
    }
    body.in_bytes += read as u64;
    Ok(read)
}

fn read_deflated<R: Read>(source: &mut Source<R>, body: &mut Body, out: &mut [u8]) -> Result<usize, ZipError> {
    let Some(inflate) = body.inflate.as_mut() else { return Ok(0) };
    loop {
        let available = source.fill()?;
        let left = body.header.packed_bytes.map_or(u64::MAX, |packed| packed - body.in_bytes);
        let usable = usize::try_from(left).unwrap_or(usize::MAX).min(available.len());
        let input = available.get(..usable).unwrap_or_default();
        let (in_before, out_before) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(input, out, flate2::FlushDecompress::None)
            .map_err(|_| ZipError::Damaged)?;
        let used = inflate.total_in() - in_before;
        let made = usize::try_from(inflate.total_out() - out_before).unwrap_or(0);
        source.consume(usize::try_from(used).unwrap_or(0));
        body.in_bytes += used;
        if status == flate2::Status::StreamEnd {
            body.done = true;
            let left = body.header.packed_bytes.map_or(0, |packed| packed - body.in_bytes);
            source.skip(left)?;
            return Ok(made);
        }
        if made > 0 {
            return Ok(made);
        }
        if usable == 0 {
            return Err(if left == 0 { ZipError::Damaged } else { ZipError::Truncated });
        }
        if used == 0 {
            return Err(ZipError::Damaged);
        }
    }
}

/// The bytes of one entry.
pub(crate) struct EntryBody<'a, R> {
    stream: &'a mut ZipStream<R>,
}

impl<R: Read> Read for EntryBody<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.stream.read_current(out).map_err(|error| match error {
            ZipError::Io(error) => error,
            ZipError::Truncated => io::Error::new(io::ErrorKind::UnexpectedEof, error),
            ZipError::Damaged => io::Error::new(io::ErrorKind::InvalidData, error),
        })
    }
}

#[cfg(test)]
mod tests;
