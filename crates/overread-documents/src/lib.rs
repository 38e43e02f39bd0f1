//! Here letters, reports and mails are rendered from their templates: pure, no I/O.
//!
//! What people typed is data on every way out: it reaches Typst as one JSON value, HTML escaped, and plain text
//! without control characters. A fact that is missing is a named problem, never an empty bracket.

mod blocks;
mod cleaning;
pub mod concordance;
pub mod dates;
pub mod letters;
pub mod limits;
pub mod mails;
#[cfg(feature = "pdf")]
mod pdf;
pub mod reports;

pub use overread_model::letter::Language;
#[cfg(feature = "pdf")]
pub use pdf::{PdfError, unprintable};
