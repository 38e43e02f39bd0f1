use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use overread_model::problem::ProblemKind;
use zip::ZipArchive;

use super::entry::words;
use super::headers::{CENTRAL, END, END_64, LOCATOR_64, Local, signature, u32_at, u64_at};
use super::input::Input;
use super::listing::{self, LINK, Listed};
use super::{Archive, Guarded, Method, Step, names};
use crate::content;
use crate::{IngestError, limits};

/// Reads what was not streamed yet.
pub(crate) fn read(mut archive: Archive<'_>) -> Result<(), IngestError> {
    let from = archive.input.offset();
    // The bytes before stay a hole of the file, so that every offset in the archive holds.
    let spooled = spool(&mut archive, from);
    let Some(file) = archive.session.hear(spooled)? else {
        archive.problem(
            archive.path,
            ProblemKind::LimitExceeded,
            "the archive is too large for the way it is packed; unpack it and send the folder",
        );
        return Ok(());
    };
    let Some(place) = find_list(&file) else {
        archive.incomplete();
        return Ok(());
    };
    let Some(lines) = read_list(&archive, &file, &place)? else {
        return Ok(());
    };
    let (mut rare, mut end) = (None, from);
    for listed in lines {
        if listed.offset < from {
            listing::judge(&mut archive, &listed);
        } else if listed.offset < end {
            // Files that share bytes are how small archives become endless.
            let path = archive.path_of(&names::shown(&listed.name, listed.is_utf8));
            let message = "the archive puts this file where another one is; it was not looked at";
            archive.problem(&path, ProblemKind::HiddenEntry, message);
        } else {
            end = listed
                .offset
                .saturating_add(listed.packed_bytes)
                .saturating_add(30);
            entry(&archive, &file, &listed, &mut rare)?;
        }
    }
    listing::tell_hidden(&archive);
    Ok(())
}

/// Where the list of an archive lies.
struct ListPlace {
    start_bytes: u64,
    shift_bytes: u64,
}

/// Finds the list by the end record (4.3.16), or its ZIP64 form.
fn find_list(file: &File) -> Option<ListPlace> {
    let length = file.metadata().ok()?.len();
    let tail = length.min(20 + 22 + u64::from(u16::MAX));
    let mut bytes = vec![0; usize::try_from(tail).ok()?];
    file.read_exact_at(&mut bytes, length - tail).ok()?;
    let end = (0..bytes.len().saturating_sub(21))
        .rev()
        .find(|start| bytes.get(*start..).and_then(signature) == Some(END))?;
    let (mut size, mut offset) = (
        u64::from(u32_at(&bytes, end + 12)?),
        u64::from(u32_at(&bytes, end + 16)?),
    );
    let mut list_end = length - tail + end as u64;
    let locator = end.checked_sub(20).and_then(|start| bytes.get(start..));
    if let Some(locator) = locator.filter(|locator| signature(locator) == Some(LOCATOR_64)) {
        let mut record = [0; 56];
        let at = u64_at(locator, 8)?;
        file.read_exact_at(&mut record, at).ok()?;
        if signature(&record) == Some(END_64) {
            (size, offset, list_end) = (u64_at(&record, 40)?, u64_at(&record, 48)?, at);
        }
    }
    let start_bytes = list_end.checked_sub(size)?;
    Some(ListPlace {
        start_bytes,
        shift_bytes: start_bytes.checked_sub(offset)?,
    })
}

/// Reads the list; `None` when a problem was told instead.
fn read_list(
    archive: &Archive<'_>,
    mut file: &File,
    place: &ListPlace,
) -> Result<Option<Vec<Listed>>, IngestError> {
    file.seek(SeekFrom::Start(place.start_bytes))
        .map_err(IngestError::Spool)?;
    let mut input = Input::new(&mut file);
    let mut lines = Vec::new();
    while signature(input.at_least(4).map_err(IngestError::Spool)?) == Some(CENTRAL) {
        let Some(mut listed) = Listed::read(&mut input).map_err(IngestError::Spool)? else {
            archive.incomplete();
            return Ok(None);
        };
        // A program before the archive shifts every offset, when its writer did not count it.
        listed.offset = listed.offset.saturating_add(place.shift_bytes);
        lines.push(listed);
        if lines.len() > limits::SPOOLED_ENTRIES {
            archive.problem(
                archive.path,
                ProblemKind::LimitExceeded,
                "the archive lists more files than it may",
            );
            return Ok(None);
        }
    }
    lines.sort_by_key(|listed| listed.offset);
    Ok(Some(lines))
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
        archive.session.check_room()?;
        file.write_all(bytes).map_err(IngestError::Spool)?;
        archive.input.consume(count);
        left -= count as u64;
    }
    file.seek(SeekFrom::Start(0)).map_err(IngestError::Spool)?;
    Ok(Some(file))
}

/// Reads one entry where the list says it is, with the lengths that the list gives.
fn entry(
    archive: &Archive<'_>,
    mut file: &File,
    listed: &Listed,
    rare: &mut Option<ZipArchive<File>>,
) -> Result<(), IngestError> {
    file.seek(SeekFrom::Start(listed.offset))
        .map_err(IngestError::Spool)?;
    let mut one = Archive {
        session: archive.session,
        input: Input::new(&mut file),
        path: archive.path,
        depth: archive.depth,
        listing: listing::Listing::default(),
    };
    let name = names::shown(&listed.name, listed.is_utf8);
    let path = archive.path_of(&name);
    let is_entry = signature(one.input.at_least(4).map_err(IngestError::Spool)?)
        == Some(super::headers::LOCAL);
    let local = if is_entry {
        Local::read(&mut one.input).map_err(IngestError::Spool)?
    } else {
        None
    };
    let Some(mut local) = local else {
        archive.problem(
            &path,
            ProblemKind::HiddenEntry,
            "the archive lists this file, but does not hold it where it says",
        );
        return Ok(());
    };
    if listed.is_link {
        archive.problem(&path, ProblemKind::UnsafeName, LINK);
        return Ok(());
    }
    local.has_descriptor = false;
    local.name.clone_from(&listed.name);
    (local.crc, local.packed_bytes, local.bytes) = (listed.crc, listed.packed_bytes, listed.bytes);
    if local.method != Method::Other {
        return one
            .take(&local, listed.is_utf8, listed.offset)
            .map(|_: Step| ());
    }
    if !one.announce(&name, &path, listed.bytes) || names::is_folder(&name) {
        return Ok(());
    }
    if rare.is_none() {
        *rare = file
            .try_clone()
            .ok()
            .and_then(|file| ZipArchive::new(file).ok());
    }
    let index = rare.as_mut().and_then(|zip| {
        (0..zip.len()).find(|index| {
            zip.by_index_raw(*index)
                .is_ok_and(|raw| raw.header_start() == listed.offset)
        })
    });
    match (rare, index) {
        (Some(zip), Some(index)) => content(archive, zip, index, &path, listed.bytes),
        _ => {
            archive.problem(
                &path,
                ProblemKind::Unreadable,
                "one file of the archive cannot be found in it",
            );
            Ok(())
        }
    }
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
        Ok(taken) => taken.settle(session, path),
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
            self.session.strike();
            return Err(super::Fault::Ratio.into_error());
        }
        if !self.session.count_bytes(count as u64) {
            return Err(super::Fault::Total.into_error());
        }
        Ok(count)
    }
}
