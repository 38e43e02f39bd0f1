//! The parser against hand-checked vectors and, when it is there, the shared set of real and hostile files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test may say so by a panic"
)]

mod charsets;
mod json_vectors;
mod made;
mod real_files;
mod same;
