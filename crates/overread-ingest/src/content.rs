//! The bytes of one file, in memory or in a temporary file, and what is done with them by their kind.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use overread_dicom::ContentKind;
use overread_dicom::limits::SNIFF_BYTES;
use overread_model::extent::Digest;
use overread_model::problem::ProblemKind;
use tokio::sync::OwnedSemaphorePermit;

use crate::IngestError;
use crate::limits;
use crate::session::Session;
use crate::zip;

/// Bytes that temporary files have before their content, so that one can become a pack.
pub(crate) const BEFORE_BYTES: u64 = overread_archive::limits::PACK_HEADER_BYTES;

/// A file as it was received.
#[derive(Debug)]
pub(crate) enum Part {
    /// In memory.
    Memory(Bytes),
    /// In a file.
    File {
        /// Open for reading; where it is read at means nothing.
        file: File,
        /// Bytes before it: none in a file of somebody else's, room for the header of a pack in ours.
        begin_bytes: u64,
        /// Its length.
        length_bytes: u64,
    },
}

impl Part {
    /// Returns its length.
    pub(crate) fn length_bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { length_bytes, .. } => *length_bytes,
        }
    }

    /// Returns its bytes once more, whoever reads the part itself.
    pub(crate) fn copy(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Memory(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            Self::File {
                file,
                begin_bytes,
                length_bytes,
            } => Box::new(Within::new(file.try_clone()?, *begin_bytes, *length_bytes)),
        })
    }

    /// Returns its first bytes, as far as [`overread_dicom::sniff`] wants them.
    pub(crate) fn head(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::Memory(bytes) => Ok(bytes
                .get(..bytes.len().min(SNIFF_BYTES))
                .unwrap_or_default()
                .to_vec()),
            Self::File {
                file,
                begin_bytes,
                length_bytes,
            } => {
                let mut head =
                    vec![0; SNIFF_BYTES.min(usize::try_from(*length_bytes).unwrap_or(SNIFF_BYTES))];
                file.read_exact_at(&mut head, *begin_bytes)?;
                Ok(head)
            }
        }
    }
}

/// A piece of a file as if it were a file; whoever else reads the file is not disturbed.
#[derive(Debug)]
pub(crate) struct Within<F> {
    file: F,
    begin_bytes: u64,
    length_bytes: u64,
    position: u64,
}

impl<F: Borrow<File>> Within<F> {
    pub(crate) const fn new(file: F, begin_bytes: u64, length_bytes: u64) -> Self {
        Self {
            file,
            begin_bytes,
            length_bytes,
            position: 0,
        }
    }
}

impl<F: Borrow<File>> Read for Within<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length_bytes.saturating_sub(self.position);
        let count = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let free = buffer.get_mut(..count).unwrap_or_default();
        let at = self.begin_bytes.saturating_add(self.position);
        let count = self.file.borrow().read_at(free, at)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<F: Borrow<File>> Seek for Within<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(behind) => self.length_bytes.checked_add_signed(behind),
            SeekFrom::Current(behind) => self.position.checked_add_signed(behind),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// A part together with its share of the memory, or of the temporary files.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) part: Part,
    /// Of its bytes, where they were digested on their way in.
    pub(crate) digest: Option<Digest>,
    /// Given back when the part is dropped.
    pub(crate) _permit: Option<OwnedSemaphorePermit>,
}

/// Reads as much as there is, up to `limit`; what the reader says wrong is the caller's to judge.
pub(crate) fn read_up_to(reader: &mut dyn Read, limit: u64, into: &mut Vec<u8>) -> io::Result<()> {
    reader.take(limit).read_to_end(into).map(|_| ())
}

/// What became of reading one content.
pub(crate) enum Taken {
    /// It was looked into, or needs nothing.
    Done,
    /// Nobody wants it; the caller counts it once it is proven.
    Left(ContentKind),
    /// It is whole and wanted; the caller hands it on once its checksum is proven.
    Wanted(Held, ContentKind),
}

/// Reads one content that nothing else proves (a file, a body) and hands it on.
pub(crate) fn take(
    session: &Session,
    path: &str,
    reader: &mut dyn Read,
    length_bytes: Option<u64>,
    depth: usize,
) -> Result<(), IngestError> {
    read(session, path, reader, length_bytes, depth)?.settle(session, path)
}

impl Taken {
    /// Hands on what is wanted and counts what is not, now that it is proven.
    pub(crate) fn settle(self, session: &Session, path: &str) -> Result<(), IngestError> {
        match self {
            Self::Done => Ok(()),
            Self::Left(kind) => {
                leave(session, path, kind);
                Ok(())
            }
            Self::Wanted(held, kind) => session.submit(path, held, kind),
        }
    }
}

/// Counts what nobody wants, and names an archive that is damaged from its first bytes on.
pub(crate) fn leave(session: &Session, path: &str, kind: ContentKind) {
    if path.to_ascii_lowercase().ends_with(".zip") {
        session.problem(
            path,
            ProblemKind::Unreadable,
            "named like a ZIP archive, but it is damaged or no archive at all, so nothing in it could be read; send it again",
        );
    }
    session.leave(path, kind);
}

/// Looks at the head of a content and reads it, or looks into it, or leaves it.
///
/// An error of the reader comes back as [`IngestError::Body`]; the caller knows what it means.
pub(crate) fn read(
    session: &Session,
    path: &str,
    reader: &mut dyn Read,
    length_bytes: Option<u64>,
    depth: usize,
) -> Result<Taken, IngestError> {
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    read_up_to(reader, SNIFF_BYTES as u64, &mut head).map_err(IngestError::Body)?;
    let kind = overread_dicom::sniff(&head);
    match kind {
        ContentKind::Zip | ContentKind::Gzip if depth >= limits::ARCHIVE_DEPTH_LEVELS => {
            session.problem(
                path,
                ProblemKind::LimitExceeded,
                format!(
                    "archives inside archives, more than {} deep; this one was not opened",
                    limits::ARCHIVE_DEPTH_LEVELS
                ),
            );
            Ok(Taken::Done)
        }
        ContentKind::Zip => {
            let mut whole = head.as_slice().chain(reader);
            zip::read(session, &mut whole, path, depth + 1)?;
            Ok(Taken::Done)
        }
        ContentKind::Gzip => {
            gunzip(session, path, &mut head.as_slice().chain(reader), depth).map(|()| Taken::Done)
        }
        _ if session.wants(path, kind, length_bytes) => {
            let held = hold(session, head, reader, length_bytes)?;
            Ok(Taken::Wanted(held, kind))
        }
        _ => Ok(Taken::Left(kind)),
    }
}

/// Keeps what has arrived in memory.
fn keep(
    session: &Session,
    bytes: Vec<u8>,
    arriving: OwnedSemaphorePermit,
) -> Result<Held, IngestError> {
    let permit = session.keep(bytes.len() as u64)?;
    drop(arriving);
    Ok(Held {
        part: Part::Memory(Bytes::from(bytes)),
        digest: None,
        _permit: Some(permit),
    })
}

/// Looks into a gzip file; what it holds is judged like any other file.
fn gunzip(
    session: &Session,
    path: &str,
    reader: &mut dyn Read,
    depth: usize,
) -> Result<(), IngestError> {
    let mut guarded = zip::Guarded::new(flate2::read::GzDecoder::new(reader));
    match read(session, path, &mut guarded, None, depth + 1) {
        Ok(taken) => taken.settle(session, path),
        Err(IngestError::Body(error)) => {
            let (kind, message) = zip::words(&error);
            session.problem(path, kind, message);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Holds a content in memory when it is small enough, otherwise in an unnamed temporary file.
fn hold(
    session: &Session,
    mut bytes: Vec<u8>,
    reader: &mut dyn Read,
    length_bytes: Option<u64>,
) -> Result<Held, IngestError> {
    let expected = length_bytes.unwrap_or(limits::IN_MEMORY_BYTES);
    if expected > limits::IN_MEMORY_BYTES {
        return session.hear(spool(session, &bytes, reader));
    }
    let Some(arriving) = session.reserve(expected) else {
        return session.hear(spool(session, &bytes, reader));
    };
    bytes.reserve_exact(length_bytes.map_or(0, |length| {
        (length as usize + 1).saturating_sub(bytes.len())
    }));
    // One more than expected, so that a content longer than its header says is seen, and not cut off in silence.
    let room = (expected + 1).saturating_sub(bytes.len() as u64);
    read_up_to(reader, room, &mut bytes).map_err(IngestError::Body)?;
    if bytes.len() as u64 > expected {
        return session.hear(spool(session, &bytes, reader));
    }
    keep(session, bytes, arriving)
}

/// Copies what is read and the rest into an unnamed temporary file, which no crash can leave behind.
fn spool(session: &Session, start: &[u8], rest: &mut dyn Read) -> Result<Held, IngestError> {
    let mut file = temporary(session.spool_folder()).map_err(IngestError::Spool)?;
    file.write_all(start).map_err(IngestError::Spool)?;
    let mut length_bytes = start.len() as u64;
    let mut buffer = vec![0; limits::WINDOW_BYTES];
    loop {
        let count = match rest.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(IngestError::Body(error)),
        };
        session.check_room()?;
        file.write_all(buffer.get(..count).unwrap_or_default())
            .map_err(IngestError::Spool)?;
        length_bytes += count as u64;
    }
    Ok(Held {
        part: Part::File {
            file,
            begin_bytes: BEFORE_BYTES,
            length_bytes,
        },
        digest: None,
        _permit: Some(session.file_turn()?),
    })
}

/// Makes an unnamed temporary file, to be written from [`BEFORE_BYTES`] on.
pub(crate) fn temporary(folder: &Path) -> io::Result<File> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.seek(SeekFrom::Start(BEFORE_BYTES))?;
    Ok(file)
}
