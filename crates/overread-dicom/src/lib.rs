//! Here live bytes and the DICOM facts read from them: media walk, attributes, frames, quality facts.
//!
//! Everything is synchronous and bounded: no length field is believed before the bytes are seen, nesting has a limit,
//! and what is broken comes back as a [`DicomProblem`] in plain words, never as a panic.

pub mod dicomdir;
pub mod dictionary;
pub mod frames;
pub mod limits;
pub mod media;
pub mod text;

mod dataset;
mod explicit;
mod facts;
mod file_meta;
mod inflate;
mod instance;
mod json;
mod numbers;
mod part10;
mod pixels;
mod problem;
mod sniff;
mod source;
pub mod syntax;
mod tags;
mod vr;

pub use dicomdir::{Dicomdir, DirectoryRecord};
pub use explicit::{to_explicit_little_endian, to_explicit_little_endian_without};
pub use file_meta::{FileMeta, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
pub use frames::FrameTable;
pub use instance::{
    Parsed, ParsedInstance, StatedValue, parse_instance, parse_reader, value_of, value_of_reader,
};
pub use limits::ParseLimits;
pub use part10::data_set_start;
pub use problem::DicomProblem;
pub use sniff::{ContentKind, sniff};
pub use syntax::Syntax;
