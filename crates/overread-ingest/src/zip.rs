//! Reads ZIP archives while they arrive.
//!
//! Entries are taken one after another as their local headers stand in the stream; the archive's own list at its end is
//! compared with what was found. What cannot be streamed (a stored entry whose length comes after it, rare methods,
//! something before the first entry) is written to an unnamed temporary file from there on, and read by that list.

mod entry;
mod headers;
mod input;
mod listing;
mod names;
mod rest;
mod whole;

use std::io::{self, Read};

use overread_model::problem::ProblemKind;
use tokio::sync::OwnedSemaphorePermit;

use crate::content::{self, Taken};
use crate::session::Session;
use crate::{IngestError, limits};

use entry::{Broken, Entry, Fault};
pub(crate) use entry::{CUT_OFF_HERE, is_of_fault, words};
use headers::{Local, Method};
use input::Input;
use listing::Listing;
pub(crate) use whole::Packed;

/// What a delivery has cost so far, over all nested archives.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    pub(crate) strikes: u64,
}

/// How the reading of one archive goes on after an entry.
enum Step {
    /// With the next header.
    Next,
    /// Not by streaming: the rest is spooled.
    Spool,
    /// Not at all; a problem says why.
    Stop,
}

/// Reads an archive; `path` is where it lies in the delivery (empty for the delivery itself).
///
/// # Errors
/// When the source fails or the archive cannot store. Whatever is wrong with the archive is a problem of the session.
pub(crate) fn read(
    session: &Session,
    source: &mut dyn Read,
    path: &str,
    depth: usize,
) -> Result<(), IngestError> {
    let before = session.files_seen();
    read_all(Archive {
        session,
        input: Input::new(source),
        path,
        depth,
        listing: Listing::default(),
    })?;
    // An archive among other files is counted by what is in it, and not as one file more.
    if !path.is_empty() && session.files_seen() > before {
        session.count_no_file();
    }
    Ok(())
}

fn read_all(mut archive: Archive<'_>) -> Result<(), IngestError> {
    loop {
        match archive.step()? {
            Step::Next => {}
            Step::Spool => return rest::read(archive),
            Step::Stop => return archive.drain(),
        }
    }
}

struct Archive<'a> {
    session: &'a Session,
    input: Input<'a>,
    path: &'a str,
    depth: usize,
    listing: Listing,
}

impl Archive<'_> {
    fn problem(&self, path: &str, kind: ProblemKind, message: impl Into<String>) {
        self.session.problem(path, kind, message);
    }

    fn incomplete(&self) {
        self.problem(
            self.path,
            ProblemKind::IncompleteArchive,
            // How much of it came is told at the end of the delivery.
            "the archive is cut off: it ends before its own list of contents",
        );
    }

    /// Puts the path of an entry behind the path of its archive.
    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        }
    }

    /// Reads on to the end, so that whoever sends is not cut off in the middle; bounded by what a delivery may cost.
    fn drain(&mut self) -> Result<(), IngestError> {
        let mut left = limits::SPOOL_BYTES;
        while left > 0 {
            let count = self.input.available().map_err(IngestError::Body)?.len();
            if count == 0 {
                break;
            }
            self.input.consume(count);
            left = left.saturating_sub(count as u64);
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Step, IngestError> {
        let offset = self.input.offset();
        let signature = headers::signature(self.input.at_least(4).map_err(IngestError::Body)?);
        match signature {
            Some(headers::LOCAL) => self.local(offset),
            Some(headers::CENTRAL | headers::END | headers::END_64) => {
                let whole = listing::read(self)?;
                if !whole {
                    self.incomplete();
                }
                Ok(Step::Stop)
            }
            None => {
                self.incomplete();
                Ok(Step::Stop)
            }
            // Something before the first entry (a program that unpacks itself, the mark of a split archive).
            Some(_) if self.listing.is_empty() => Ok(Step::Spool),
            Some(_) => {
                self.problem(
                    self.path,
                    ProblemKind::Unreadable,
                    "the archive is damaged here; what comes after could not be read",
                );
                Ok(Step::Stop)
            }
        }
    }

    fn local(&mut self, offset: u64) -> Result<Step, IngestError> {
        let Some(local) = Local::read(&mut self.input).map_err(IngestError::Body)? else {
            self.incomplete();
            return Ok(Step::Stop);
        };
        if local.needs_listing() {
            self.input.rewind_to(offset);
            return Ok(Step::Spool);
        }
        let is_utf8 = local.is_utf8;
        self.take(&local, is_utf8, offset)
    }

    /// Counts an entry and says what is odd about its name; says whether there may be one more.
    fn announce(&self, name: &str, path: &str, bytes: u64) -> bool {
        if !self.session.count_entry() {
            self.problem(
                self.path,
                ProblemKind::LimitExceeded,
                format!(
                    "more than {} files, or too many that unpack to a suspicious size; the rest was not looked at",
                    limits::ENTRIES
                ),
            );
            return false;
        }
        if !names::is_folder(name) {
            self.session.saw_file(path, bytes);
            if !names::is_inside(name) {
                self.problem(path, ProblemKind::UnsafeName, names::OUTSIDE);
            }
        }
        true
    }

    /// Takes the entry whose header was just read.
    fn take(&mut self, local: &Local, is_utf8: bool, offset: u64) -> Result<Step, IngestError> {
        let name = names::shown(&local.name, is_utf8);
        let path = self.path_of(&name);
        if !self.announce(&name, &path, local.bytes) {
            return Ok(Step::Stop);
        }
        if local.is_encrypted {
            return self.encrypted(&path, local, offset);
        }
        self.content(&path, local, offset)
    }

    fn encrypted(&mut self, path: &str, local: &Local, offset: u64) -> Result<Step, IngestError> {
        self.problem(path, ProblemKind::Encrypted, entry::ENCRYPTED);
        self.listing.streamed(offset, &local.name);
        let mut left = local.packed_bytes;
        while left > 0 {
            let count = self.input.available().map_err(IngestError::Body)?.len() as u64;
            if count == 0 {
                self.incomplete();
                return Ok(Step::Stop);
            }
            let count = count.min(left);
            self.input.consume(count as usize);
            left -= count;
        }
        Ok(Step::Next)
    }

    fn content(&mut self, path: &str, local: &Local, offset: u64) -> Result<Step, IngestError> {
        self.listing.streamed(offset, &local.name);
        let session = self.session;
        if let Some(room) = whole::room(session, local) {
            return self.whole(path, local, room);
        }
        let declared = (!local.has_descriptor).then_some(local.bytes);
        let mut entry = Entry::new(&mut self.input, local, session);
        let taken = if names::is_folder_bytes(&local.name) {
            Ok(Taken::Done)
        } else {
            content::read(session, path, &mut entry, declared, self.depth)
        };
        let taken = match taken {
            // The entry's own faults come as errors of its reader; `finish` names them.
            Err(IngestError::Body(_)) if entry.fault().is_some() => None,
            Err(error) => return Err(error),
            Ok(taken) => Some(taken),
        };
        match entry.finish() {
            Ok(()) => {
                if let Some(taken) = taken {
                    taken.settle(session, path)?;
                }
                Ok(Step::Next)
            }
            Err(broken) => self.broken(path, broken),
        }
    }

    /// Takes an entry that fits into memory.
    fn whole(
        &mut self,
        path: &str,
        local: &Local,
        room: OwnedSemaphorePermit,
    ) -> Result<Step, IngestError> {
        let session = self.session;
        let packed = match whole::read(&mut self.input, local, session) {
            Ok(packed) => packed,
            Err(broken) => return self.broken(path, broken),
        };
        let kind = overread_dicom::sniff(&packed.head());
        if session.wants(path, kind, Some(packed.promised_bytes())) {
            let kept = session.keep(packed.held_bytes)?;
            drop(room);
            session.submit_packed(path, packed, kept, kind)?;
            return Ok(Step::Next);
        }
        match packed.unpack() {
            Ok(unpacked) => {
                let length_bytes = Some(unpacked.bytes().len() as u64);
                content::take(
                    session,
                    path,
                    &mut unpacked.bytes(),
                    length_bytes,
                    self.depth,
                )?;
                Ok(Step::Next)
            }
            Err(fault) => self.broken(path, Broken::Skipped(fault)),
        }
    }

    /// Tells of an entry that cannot be used, and how the reading goes on.
    fn broken(&self, path: &str, broken: Broken) -> Result<Step, IngestError> {
        let (fault, step) = match broken {
            Broken::Lost(Fault::Source(error)) => return Err(IngestError::Body(error)),
            Broken::Lost(fault) => (fault, Step::Stop),
            Broken::Skipped(fault) => (fault, Step::Next),
        };
        let (kind, message) = fault.words();
        self.problem(path, kind, message);
        if matches!(fault, Fault::Ended) {
            self.incomplete();
        }
        Ok(step)
    }
}

/// Bounds what an unknown reader may bring: the limits of an entry, without its headers.
pub(crate) struct Guarded<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Guarded<R> {
    pub(crate) const fn new(inner: R) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self
            .inner
            .read(buffer)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Fault::Ended.into_error(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    Fault::Corrupt.into_error()
                }
                _ => error,
            })?;
        self.bytes += count as u64;
        if self.bytes > limits::ENTRY_BYTES {
            return Err(Fault::TooLarge.into_error());
        }
        Ok(count)
    }
}

/// Says whether a method needs no list to be read.
const fn streams(method: Method, has_descriptor: bool) -> bool {
    match method {
        Method::Stored => !has_descriptor,
        Method::Deflate => true,
        Method::Other => false,
    }
}
