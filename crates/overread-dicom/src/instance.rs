//! One file's bytes in, its facts, metadata and frame table out.

use std::io::{Read, Seek};

use overread_model::imaging::InstanceFacts;
use overread_model::problem::ProblemKind;

use crate::dataset::{self, DataSet, NodeKind};
use crate::dicomdir::{self, Dicomdir};
use crate::facts;
use crate::frames::FrameTable;
use crate::inflate;
use crate::json;
use crate::limits::ParseLimits;
use crate::numbers::swap_words;
use crate::part10::{self, Meta};
use crate::problem::DicomProblem;
use crate::source::{ReaderSource, SliceSource, Source};
use crate::syntax::Syntax;
use crate::tags;

/// What one DICOM file turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// An instance of a study.
    Instance(Box<ParsedInstance>),
    /// The directory of a medium; a hint, never the truth.
    Dicomdir(Dicomdir),
}

/// Everything that is computed once, when an instance arrives.
#[derive(Clone, PartialEq)]
pub struct ParsedInstance {
    /// What the index and the checks need.
    pub facts: InstanceFacts,
    /// DICOM JSON model of the instance (one object, UTF-8). Bulk data are `BulkDataURI`s relative to the series:
    /// `instances/{sop_instance_uid}/bulkdata/{GGGGEEEE}`.
    pub metadata_json: Vec<u8>,
    /// Where the frames lie.
    pub frames: FrameTable,
    /// What is wrong although the instance can be kept: it ends early, its pixel data do not fit.
    pub problems: Vec<DicomProblem>,
}

impl std::fmt::Debug for ParsedInstance {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The metadata hold the patient's name in plain bytes.
        formatter
            .debug_struct("ParsedInstance")
            .field("facts", &self.facts)
            .field("metadata_json_bytes", &self.metadata_json.len())
            .field("frames", &self.frames)
            .field("problems", &self.problems)
            .finish()
    }
}

/// Reads a whole instance (or DICOMDIR) that lies in memory.
///
/// # Errors
/// The bytes are no DICOM, lack usable identifiers, or pass a limit.
pub fn parse_instance(bytes: &[u8], limits: &ParseLimits) -> Result<Parsed, DicomProblem> {
    parse(&mut SliceSource(bytes), limits)
}

/// Reads an instance (or DICOMDIR) from a file; pixel data are never read into memory.
///
/// # Errors
/// As [`parse_instance`], and when the reader fails.
pub fn parse_reader<R: Read + Seek>(
    reader: R,
    length_bytes: u64,
    limits: &ParseLimits,
) -> Result<Parsed, DicomProblem> {
    let mut source = ReaderSource::new(reader, length_bytes);
    let parsed = parse(&mut source, limits);
    if source.failed() {
        return Err(DicomProblem::new(
            ProblemKind::Io,
            "the file could not be read to its end",
        ));
    }
    parsed
}

/// Returns how much memory, in bytes, [`parse_instance`] may take for inflating these; `None` when they are not deflated.
pub fn inflating_bytes(bytes: &[u8], limits: &ParseLimits) -> Option<u64> {
    inflating_of(&mut SliceSource(bytes), limits)
}

/// As [`inflating_bytes`], for [`parse_reader`].
pub fn inflating_bytes_of_reader<R: Read + Seek>(
    reader: R,
    length_bytes: u64,
    limits: &ParseLimits,
) -> Option<u64> {
    inflating_of(&mut ReaderSource::new(reader, length_bytes), limits)
}

/// As [`inflating_bytes`], for a deflated file of which only its length is known: the most that it can be.
pub fn inflating_bytes_of_length(length_bytes: u64, limits: &ParseLimits) -> u64 {
    inflate::memory_bytes(length_bytes, limits)
}

fn inflating_of<S: Source>(source: &mut S, limits: &ParseLimits) -> Option<u64> {
    let (meta, syntax) = part10::read_meta(source).ok()?;
    let at = meta.data_set_offset_bytes;
    syntax
        .deflated
        .then(|| inflate::memory_bytes(source.length_bytes().saturating_sub(at), limits))
}

fn parse<S: Source>(source: &mut S, limits: &ParseLimits) -> Result<Parsed, DicomProblem> {
    let (meta, syntax) = part10::read_meta(source)?;
    if !syntax.deflated {
        let data_set = dataset::walk(source, meta.data_set_offset_bytes, syntax, limits)?;
        return judge(source, &data_set, &meta, syntax, limits);
    }
    let at = meta.data_set_offset_bytes;
    let inflated = inflate::inflate(source, at, limits)?;
    let mut source = SliceSource(&inflated.bytes);
    let mut data_set = dataset::walk(&mut source, 0, Syntax::EXPLICIT_LITTLE, limits)?;
    data_set.truncated |= inflated.truncated;
    let mut parsed = judge(&mut source, &data_set, &meta, syntax, limits)?;
    if let Parsed::Instance(instance) = &mut parsed {
        let inner = std::mem::replace(&mut instance.frames, FrameTable::None);
        instance.frames = FrameTable::Deflated {
            data_set_offset_bytes: at,
            inner: Box::new(inner),
        };
    }
    Ok(parsed)
}

fn judge<S: Source>(
    source: &mut S,
    data_set: &DataSet,
    meta: &Meta,
    syntax: Syntax,
    limits: &ParseLimits,
) -> Result<Parsed, DicomProblem> {
    if data_set.nodes.is_empty() {
        return Err(DicomProblem::new(
            ProblemKind::Truncated,
            "the file holds no data behind its header",
        ));
    }
    if data_set
        .find(None, tags::DIRECTORY_RECORD_SEQUENCE)
        .is_some()
    {
        return Ok(Parsed::Dicomdir(dicomdir::read(source, data_set)));
    }
    let (facts, pixels) = facts::read(source, data_set, meta, syntax).map_err(|problem| {
        if data_set.truncated {
            DicomProblem::new(
                ProblemKind::Truncated,
                format!("the file ends before its data do; {}", problem.message),
            )
        } else {
            problem
        }
    })?;
    let base = format!("instances/{}/", facts.sop_instance_uid);
    let metadata_json = json::write(source, data_set, &base, limits.metadata_bytes)?;
    let mut problems = Vec::new();
    if data_set.truncated {
        problems.push(DicomProblem::new(
            ProblemKind::Truncated,
            "the file ends before its data do; what is there was kept",
        ));
    } else if data_set.damaged {
        problems.push(DicomProblem::new(
            ProblemKind::Unreadable,
            "a sequence in the header is damaged; what could be read was kept",
        ));
    }
    if pixels.has_pixel_data && (pixels.does_not_fit || pixels.is_short && !data_set.truncated) {
        problems.push(DicomProblem::new(
            ProblemKind::BadPixelData,
            "the pixel data do not fit the size and number of frames that the header states",
        ));
    }
    Ok(Parsed::Instance(Box::new(ParsedInstance {
        facts,
        metadata_json,
        frames: pixels.frames,
        problems,
    })))
}

/// One value of a file.
pub struct StatedValue {
    /// VR as the file states it; where it states none, the one the standard gives.
    pub vr: String,
    /// The bytes, little endian.
    pub bytes: Vec<u8>,
}

/// Returns the bytes of one value, little endian, for a BulkDataURI: `GGGGEEEE`, or through sequences
/// `GGGGEEEE.0.GGGGEEEE` with items from 0. Encapsulated pixel data are not a value: ask for frames.
///
/// # Errors
/// The bytes cannot be read; `Ok(None)` when there is no such value.
pub fn value_of(
    bytes: &[u8],
    path: &str,
    limits: &ParseLimits,
) -> Result<Option<Vec<u8>>, DicomProblem> {
    let value = value_in(&mut SliceSource(bytes), path, limits)?;
    Ok(value.map(|value| value.bytes))
}

/// Does what [`value_of`] does on a file, of which only headers and the value are read, and tells the value's VR.
///
/// # Errors
/// As [`value_of`], and when the reader fails.
pub fn value_of_reader<R: Read + Seek>(
    reader: R,
    length_bytes: u64,
    path: &str,
    limits: &ParseLimits,
) -> Result<Option<StatedValue>, DicomProblem> {
    let mut source = ReaderSource::new(reader, length_bytes);
    let value = value_in(&mut source, path, limits);
    if source.failed() {
        return Err(DicomProblem::new(
            ProblemKind::Io,
            "the file could not be read to its end",
        ));
    }
    value
}

fn value_in<S: Source>(
    source: &mut S,
    path: &str,
    limits: &ParseLimits,
) -> Result<Option<StatedValue>, DicomProblem> {
    let (meta, syntax) = part10::read_meta(source)?;
    if !syntax.deflated {
        let data_set = dataset::walk(source, meta.data_set_offset_bytes, syntax, limits)?;
        return Ok(find_value(source, &data_set, path));
    }
    let inflated = inflate::inflate(source, meta.data_set_offset_bytes, limits)?;
    let mut source = SliceSource(&inflated.bytes);
    let data_set = dataset::walk(&mut source, 0, Syntax::EXPLICIT_LITTLE, limits)?;
    Ok(find_value(&mut source, &data_set, path))
}

fn find_value<S: Source>(source: &mut S, data_set: &DataSet, path: &str) -> Option<StatedValue> {
    let mut parts = path.split('.');
    let mut parent = None;
    loop {
        let text = parts.next().filter(|text| text.len() == 8)?;
        let tag = u32::from_str_radix(text, 16).ok()?;
        let index = data_set.find(parent, tag)?;
        let node = data_set.nodes.get(index)?;
        let Some(item) = parts.next() else {
            if node.kind != NodeKind::Value {
                return None;
            }
            let mut bytes = source
                .view(node.offset_bytes, node.length_bytes as usize)?
                .to_vec();
            if node.big_endian {
                swap_words(&mut bytes, node.vr.word_bytes());
            }
            let vr = node.vr.as_str().to_owned();
            return Some(StatedValue { vr, bytes });
        };
        let item: usize = item.parse().ok()?;
        parent = Some(data_set.children(Some(index)).nth(item)?.0);
    }
}
