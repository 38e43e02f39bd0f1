//! Here synthetic discs, DICOM objects and throw-away stores are made, for tests and the demonstration.

pub mod case;
pub mod dicom;
pub mod disc;
pub mod gate;
pub mod lumbar;
pub mod pdf;
#[cfg(feature = "peer")]
pub mod peer;
mod phantom;
pub mod place;
pub mod postgres;
pub mod program;
pub mod readability;
pub mod s3;
