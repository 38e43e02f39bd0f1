//! Here synthetic discs, DICOM objects and throw-away stores are made, for tests and the demonstration.

pub mod dicom;
pub mod disc;
pub mod lumbar;
mod phantom;
pub mod postgres;
