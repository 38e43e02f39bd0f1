//! Here is the DICOMweb door: QIDO-RS, WADO-RS, STOW-RS, UPS-RS (PS3.18), and WADO-URI beside it.
//!
//! Who asks is an `Actor` that the layer around this router puts into the request; every query carries what that
//! actor reaches, so that what may not be seen does not exist here.

mod accept;
mod address;
mod asked_again;
mod blinding;
mod bulkdata;
mod cache;
mod caller;
mod capabilities;
mod collections;
mod compression;
mod conditional;
mod content;
mod cors;
mod forms;
mod frames;
mod incoming;
mod instances;
pub mod limits;
mod looks;
mod metadata;
mod multipart;
mod not_sent;
mod pace;
mod params;
mod partial;
mod picture;
mod quoted;
mod range;
mod recoded;
mod refusal;
mod rendered;
mod report_text;
mod results;
mod room;
mod router;
mod search;
mod sets;
mod state;
mod stow;
mod wado;
mod warning;
mod workitems;

pub use caller::SendsFiles;
pub use cors::{NoOrigin, Origins, across_origins};
pub use incoming::{ContentType, PartReader};
pub use router::router;
pub use state::DicomWebState;
pub use stow::{StoredStudies, case_of};
pub use wado::uri_router;
