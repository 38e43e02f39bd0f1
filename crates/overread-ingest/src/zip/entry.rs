//! One entry: its bytes, unpacked and bounded, and the proof that they are what the archive promised.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};
use overread_model::problem::ProblemKind;

use super::headers::{DESCRIPTOR, Local, Method, signature, u32_at, u64_at};
use super::input::Input;
use crate::limits;
use crate::session::Session;

/// What is said of an entry that has a password.
pub(crate) const ENCRYPTED: &str = "protected by a password; unpack it with the password, or ask the facility for a copy without one";

/// What is wrong with an entry.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The archive ends inside the entry.
    Ended,
    /// The packed bytes cannot be unpacked, or the checksum differs.
    Corrupt,
    /// Lengths in the headers and in the data differ.
    Lengths,
    /// It unpacks to more than an entry may.
    TooLarge,
    /// It unpacks to too many times its size.
    Ratio,
    /// The whole delivery unpacks to more than it may.
    Total,
    /// The source failed.
    Source(io::Error),
}

/// What is told of the file in which an archive ends.
pub(crate) const CUT_OFF_HERE: &str = "the archive ends inside this file; send it again";

impl Fault {
    /// Returns the fault for people.
    pub(crate) fn words(&self) -> (ProblemKind, &'static str) {
        match self {
            Self::Ended => (ProblemKind::Truncated, CUT_OFF_HERE),
            Self::Corrupt => (
                ProblemKind::Unreadable,
                "damaged on its way: its checksum is wrong or it cannot be unpacked; ask for a new copy",
            ),
            Self::Lengths => (
                ProblemKind::Unreadable,
                "the archive contradicts itself about this file's length; ask for a new copy",
            ),
            Self::TooLarge => (
                ProblemKind::LimitExceeded,
                "larger than a file may be once unpacked; it was not taken",
            ),
            Self::Ratio => (
                ProblemKind::LimitExceeded,
                "it unpacks to a suspicious multiple of its size; it was not taken",
            ),
            Self::Total => (
                ProblemKind::LimitExceeded,
                "the delivery is larger than a delivery may be; the rest was not taken",
            ),
            Self::Source(_) => (ProblemKind::Io, "the delivery broke off"),
        }
    }

    /// Wraps the fault for a reader's error.
    pub(crate) fn into_error(self) -> io::Error {
        match self {
            Self::Source(error) => error,
            fault => io::Error::other(Wrapped(fault)),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the entry of the archive is faulty")]
struct Wrapped(Fault);

/// Says whether this is told of a file that did not come whole out of its archive.
pub(crate) fn is_of_fault(message: &str) -> bool {
    let faults = [
        Fault::Ended,
        Fault::Corrupt,
        Fault::Lengths,
        Fault::TooLarge,
        Fault::Ratio,
        Fault::Total,
        Fault::Source(io::ErrorKind::Other.into()),
    ];
    faults.iter().any(|fault| fault.words().1 == message)
}

/// Returns the words for a reader's error that may hold a fault.
pub(crate) fn words(error: &io::Error) -> (ProblemKind, &'static str) {
    let wrapped = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Wrapped>());
    wrapped.map_or_else(|| Fault::Corrupt.words(), |Wrapped(fault)| fault.words())
}

/// An entry that cannot be used.
pub(crate) enum Broken {
    /// The next one follows.
    Skipped(Fault),
    /// Where the next one begins is not known.
    Lost(Fault),
}

enum Unpack {
    Stored,
    Deflate(Box<Decompress>),
}

/// The reader of one entry's content.
pub(crate) struct Entry<'e, 'i> {
    input: &'e mut Input<'i>,
    local: &'e Local,
    session: &'e Session,
    unpack: Unpack,
    crc: flate2::Crc,
    produced: u64,
    consumed: u64,
    ended: bool,
    fault: Option<Fault>,
}

impl<'e, 'i> Entry<'e, 'i> {
    pub(crate) fn new(input: &'e mut Input<'i>, local: &'e Local, session: &'e Session) -> Self {
        let unpack = match local.method {
            Method::Deflate => Unpack::Deflate(Box::new(Decompress::new(false))),
            Method::Stored | Method::Other => Unpack::Stored,
        };
        let ended = matches!(unpack, Unpack::Stored) && local.packed_bytes == 0;
        let crc = flate2::Crc::new();
        Self {
            input,
            local,
            session,
            unpack,
            crc,
            produced: 0,
            consumed: 0,
            ended,
            fault: None,
        }
    }

    pub(crate) const fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Bytes of the packed data that are known to be left; everything when the length comes later.
    const fn left(&self) -> u64 {
        if self.local.has_descriptor {
            u64::MAX
        } else {
            self.local.packed_bytes.saturating_sub(self.consumed)
        }
    }

    fn read_stored(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let room = usize::try_from(self.left())
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let room = buffer.get_mut(..room).unwrap_or_default();
        let count = self.input.read_into(room).map_err(Fault::Source)?;
        if count == 0 && !room.is_empty() {
            return Err(Fault::Ended);
        }
        self.consumed += count as u64;
        self.ended = self.left() == 0;
        Ok(count)
    }

    fn read_deflate(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let left = self.left();
        let Unpack::Deflate(inflater) = &mut self.unpack else {
            return Err(Fault::Corrupt);
        };
        loop {
            let seen = self.input.available().map_err(Fault::Source)?;
            let usable = usize::try_from(left).unwrap_or(usize::MAX).min(seen.len());
            let packed = seen.get(..usable).unwrap_or_default();
            let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
            let status = inflater
                .decompress(packed, buffer, FlushDecompress::None)
                .map_err(|_| Fault::Corrupt)?;
            let consumed = inflater.total_in() - before_in;
            let produced = inflater.total_out() - before_out;
            self.input.consume(consumed as usize);
            self.consumed += consumed;
            if status == Status::StreamEnd {
                self.ended = true;
                return Ok(produced as usize);
            }
            if produced > 0 {
                return Ok(produced as usize);
            }
            if consumed == 0 {
                return Err(if usable == 0 && left > 0 {
                    Fault::Ended
                } else {
                    Fault::Corrupt
                });
            }
            if left != u64::MAX && self.consumed >= self.local.packed_bytes {
                return Err(Fault::Corrupt);
            }
        }
    }

    fn advance(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let count = match self.unpack {
            Unpack::Stored => self.read_stored(buffer),
            Unpack::Deflate(_) => self.read_deflate(buffer),
        }?;
        self.crc.update(buffer.get(..count).unwrap_or_default());
        self.produced += count as u64;
        if self.produced > limits::ENTRY_BYTES {
            return Err(Fault::TooLarge);
        }
        if self.produced > limits::FREE_BYTES && self.produced / limits::RATIO > self.consumed {
            return Err(Fault::Ratio);
        }
        if !self.session.count_bytes(count as u64) {
            return Err(Fault::Total);
        }
        Ok(count)
    }

    fn found(&mut self, fault: Fault) {
        if matches!(fault, Fault::Ratio | Fault::TooLarge) {
            self.session.strike();
        }
        self.fault = Some(fault);
    }

    /// Reads what nobody wanted, checks lengths and checksum, and stands before the next header.
    pub(crate) fn finish(mut self) -> Result<(), Broken> {
        let mut sink = vec![0; limits::WINDOW_BYTES / 4];
        while !self.ended && self.fault.is_none() {
            if let Err(fault) = self.advance(&mut sink) {
                self.found(fault);
            }
        }
        match self.fault.take() {
            None => self.prove(),
            Some(fault @ (Fault::Source(_) | Fault::Ended | Fault::Total)) => {
                Err(Broken::Lost(fault))
            }
            // Where the packed bytes end is known: go there.
            Some(fault) if !self.local.has_descriptor => Err(self.skip(fault)),
            Some(fault) => Err(Broken::Lost(fault)),
        }
    }

    fn skip(mut self, fault: Fault) -> Broken {
        self.go_to_end().err().unwrap_or(Broken::Skipped(fault))
    }

    /// Leaves behind what is packed and was not needed.
    fn go_to_end(&mut self) -> Result<(), Broken> {
        while self.left() > 0 {
            match self.input.available().map(<[u8]>::len) {
                Err(error) => return Err(Broken::Lost(Fault::Source(error))),
                Ok(0) => return Err(Broken::Lost(Fault::Ended)),
                Ok(count) => {
                    let count = (count as u64).min(self.left());
                    self.input.consume(count as usize);
                    self.consumed += count;
                }
            }
        }
        Ok(())
    }

    fn prove(mut self) -> Result<(), Broken> {
        if self.local.has_descriptor {
            return self.prove_by_descriptor();
        }
        if self.produced != self.local.bytes {
            return Err(self.skip(Fault::Lengths));
        }
        // Bytes behind the packed data's own end say nothing about the content.
        self.go_to_end()?;
        if self.crc.sum() != self.local.crc {
            return Err(Broken::Skipped(Fault::Corrupt));
        }
        Ok(())
    }

    /// 4.3.9: the lengths follow the data, with or without a signature, in four or eight bytes.
    fn prove_by_descriptor(&mut self) -> Result<(), Broken> {
        let bytes = match self.input.at_least(24) {
            Ok(bytes) => bytes,
            Err(error) => return Err(Broken::Lost(Fault::Source(error))),
        };
        let start = if signature(bytes) == Some(DESCRIPTOR) {
            4
        } else {
            0
        };
        let narrow = (
            u32_at(bytes, start + 4).map(u64::from),
            u32_at(bytes, start + 8).map(u64::from),
            start + 12,
        );
        let wide = (
            u64_at(bytes, start + 4),
            u64_at(bytes, start + 12),
            start + 20,
        );
        let forms = if self.local.is_zip64 {
            [wide, narrow]
        } else {
            [narrow, wide]
        };
        let fits = |form: &(Option<u64>, Option<u64>, usize)| {
            form.0 == Some(self.consumed) && form.1 == Some(self.produced)
        };
        let Some((_, _, length)) = forms.into_iter().find(fits) else {
            let fault = if bytes.len() < 12 {
                Fault::Ended
            } else {
                Fault::Lengths
            };
            return Err(Broken::Lost(fault));
        };
        let crc = u32_at(bytes, start);
        self.input.consume(length);
        if crc == Some(self.crc.sum()) {
            Ok(())
        } else {
            Err(Broken::Skipped(Fault::Corrupt))
        }
    }
}

impl Read for Entry<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Err(io::Error::other("the entry is faulty"));
        }
        match self.advance(buffer) {
            Ok(count) => Ok(count),
            Err(fault) => {
                self.found(fault);
                Err(io::Error::other("the entry is faulty"))
            }
        }
    }
}
