//! Here live bytes and the DICOM facts read from them: media walk, attributes, frames, quality facts.
//!
//! Everything is synchronous and bounded: no length field is believed before the bytes are seen, nesting has a limit,
//! and what is broken comes back as a [`DicomProblem`] in plain words, never as a panic.

pub mod dicomdir;
pub mod dictionary;
pub mod frames;
pub mod levels;
pub mod limits;
pub mod matching;
pub mod media;
pub mod text;
pub mod xml;

mod compose;
mod dataset;
mod explicit;
mod facts;
mod file_meta;
mod first_reading;
mod header;
mod identifier;
mod inflate;
mod instance;
mod json;
mod numbers;
mod part10;
mod pixels;
mod problem;
mod recoded;
mod same;
mod sniff;
mod source;
pub mod syntax;
mod tags;
mod vr;

pub use compose::{BulkData, part10_of_json};
pub use dicomdir::{Dicomdir, DirectoryRecord};
pub use explicit::{
    to_explicit_little_endian, to_explicit_little_endian_without, to_implicit_little_endian_without,
};
pub use file_meta::{FileMeta, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
pub use first_reading::FirstReading;
pub use frames::FrameTable;
pub use header::{Header, Item};
pub use identifier::{data_set_of_json, data_set_to_json, text_of};
pub use instance::{
    Parsed, ParsedInstance, StatedValue, inflating_bytes, inflating_bytes_of_length,
    inflating_bytes_of_reader, parse_instance, parse_reader, value_of, value_of_reader,
};
pub use limits::ParseLimits;
pub use part10::data_set_start;
pub use problem::DicomProblem;
pub use recoded::{Change, NewValue, Recoded, recoded_head};
pub use same::{WrittenDataSet, is_same_data_set};
pub use sniff::{ContentKind, sniff};
pub use syntax::Syntax;
