//! Here is the DICOMweb door: QIDO-RS, WADO-RS, STOW-RS (PS3.18).
//!
//! Who asks is an `Actor` that the layer around this router puts into the request; every query carries what that
//! actor reaches, so that what may not be seen does not exist here.

mod accept;
mod address;
mod blinding;
mod bulkdata;
mod cache;
mod caller;
mod capabilities;
mod frames;
mod incoming;
mod instances;
pub mod limits;
mod metadata;
mod multipart;
mod params;
mod quoted;
mod range;
mod refusal;
mod results;
mod router;
mod search;
mod state;
mod stow;

pub use incoming::{ContentType, PartReader};
pub use router::router;
pub use state::DicomWebState;
pub use stow::{StoredStudies, case_of};
