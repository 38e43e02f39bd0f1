//! What cannot be streamed: the rest of the archive in an unnamed temporary file, read by the archive's own list.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use overread_model::problem::ProblemKind;
use zip::ZipArchive;
use zip::result::ZipError;

use super::entry::{ENCRYPTED, words};
use super::headers::{END, signature, u16_at};
use super::{Archive, Guarded, listing, names};
use crate::content::{self, Taken};
use crate::{IngestError, limits};

/// Reads what was not streamed yet.
pub(crate) fn read(mut archive: Archive<'_>) -> Result<(), IngestError> {
    let from = archive.input.offset();
    // The bytes before stay a hole of the file, so that every offset in the archive holds.
    let Some(file) = spool(&mut archive, from)? else {
        archive.problem(
            archive.path,
            ProblemKind::LimitExceeded,
            "the archive is too large for the way it is packed; unpack it and send the folder",
        );
        return Ok(());
    };
    if entries_of(&file).is_some_and(|entries| entries > limits::SPOOLED_ENTRIES) {
        archive.problem(
            archive.path,
            ProblemKind::LimitExceeded,
            "the archive lists more files than it may",
        );
        return Ok(());
    }
    let mut zip = match ZipArchive::new(file) {
        Ok(zip) => zip,
        Err(ZipError::Io(error)) => return Err(IngestError::Spool(error)),
        Err(_) => {
            archive.incomplete();
            return Ok(());
        }
    };
    for index in 0..zip.len() {
        entry(&mut archive, &mut zip, index, from)?;
    }
    listing::tell_hidden(&archive);
    Ok(())
}

fn spool(archive: &mut Archive<'_>, from: u64) -> Result<Option<File>, IngestError> {
    let mut file =
        tempfile::tempfile_in(archive.session.spool_folder()).map_err(IngestError::Spool)?;
    file.seek(SeekFrom::Start(from))
        .map_err(IngestError::Spool)?;
    let mut left = limits::SPOOL_BYTES;
    loop {
        let bytes = archive.input.available().map_err(IngestError::Body)?;
        if bytes.is_empty() {
            break;
        }
        let count = bytes.len();
        if count as u64 > left {
            return Ok(None);
        }
        file.write_all(bytes).map_err(IngestError::Spool)?;
        archive.input.consume(count);
        left -= count as u64;
    }
    file.seek(SeekFrom::Start(0)).map_err(IngestError::Spool)?;
    Ok(Some(file))
}

/// Reads how many entries the end record counts, before anything is built for them.
fn entries_of(file: &File) -> Option<usize> {
    let length = file.metadata().ok()?.len();
    let tail = length.min(22 + u64::from(u16::MAX));
    let mut bytes = vec![0; usize::try_from(tail).ok()?];
    file.read_exact_at(&mut bytes, length - tail).ok()?;
    let start = (0..bytes.len().saturating_sub(21))
        .rev()
        .find(|start| bytes.get(*start..).and_then(signature) == Some(END))?;
    let count = usize::from(u16_at(&bytes, start + 10)?);
    // All ones: the count is in a ZIP64 record; then the size of the list bounds it (46 bytes an entry at least).
    Some(if count == usize::from(u16::MAX) {
        usize::try_from(length / 46).ok()?
    } else {
        count
    })
}

fn entry(
    archive: &mut Archive<'_>,
    zip: &mut ZipArchive<File>,
    index: usize,
    from: u64,
) -> Result<(), IngestError> {
    let (offset, raw_name, encrypted, link, folder, bytes) = {
        let Ok(raw) = zip.by_index_raw(index) else {
            archive.problem(
                archive.path,
                ProblemKind::Unreadable,
                "one file of the archive cannot be found in it",
            );
            return Ok(());
        };
        let offset = raw.header_start();
        (
            offset,
            raw.name_raw().to_vec(),
            raw.encrypted(),
            raw.is_symlink(),
            raw.is_dir(),
            raw.size(),
        )
    };
    if offset < from {
        listing::judge(archive, offset, &raw_name, false, link);
        return Ok(());
    }
    let name = names::shown(&raw_name, false);
    let path = archive.path_of(&name);
    if folder || !archive.session.count_entry() {
        return Ok(());
    }
    archive.session.saw_file(&path);
    if !names::is_inside(&name) {
        archive.problem(&path, ProblemKind::UnsafeName, names::OUTSIDE);
    }
    if link {
        archive.problem(
            &path,
            ProblemKind::UnsafeName,
            "a link to another place; it was not followed",
        );
        return Ok(());
    }
    if encrypted {
        archive.problem(&path, ProblemKind::Encrypted, ENCRYPTED);
        return Ok(());
    }
    content(archive, zip, index, &path, bytes)
}

/// Reads one entry and proves it before it is handed on.
fn content(
    archive: &Archive<'_>,
    zip: &mut ZipArchive<File>,
    index: usize,
    path: &str,
    bytes: u64,
) -> Result<(), IngestError> {
    let session = archive.session;
    let Ok(file) = zip.by_index(index) else {
        session.problem(
            path,
            ProblemKind::Unreadable,
            "packed in a way that is not known; unpack it and send the folder",
        );
        return Ok(());
    };
    let packed = file.compressed_size();
    let mut bounded = Bounded {
        inner: Guarded::new(file),
        session,
        packed,
        bytes: 0,
    };
    let taken = content::read(session, path, &mut bounded, Some(bytes), archive.depth);
    // The checksum is proven at the end only: read on.
    let proven = taken.and_then(|taken| {
        std::io::copy(&mut bounded, &mut std::io::sink()).map_err(IngestError::Body)?;
        Ok(taken)
    });
    match proven {
        Ok(Taken::Wanted(held, kind)) => session.submit(path, held, kind),
        Ok(Taken::Done) => Ok(()),
        Err(IngestError::Body(error)) => {
            let (kind, message) = words(&error);
            session.problem(path, kind, message);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Keeps the ratio and the sum of a delivery in bounds.
struct Bounded<'a, R> {
    inner: Guarded<R>,
    session: &'a crate::session::Session,
    packed: u64,
    bytes: u64,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        if self.bytes > limits::FREE_BYTES && self.bytes / limits::RATIO > self.packed {
            return Err(super::Fault::Ratio.into_error());
        }
        if !self.session.count_bytes(count as u64) {
            return Err(super::Fault::Total.into_error());
        }
        Ok(count)
    }
}
