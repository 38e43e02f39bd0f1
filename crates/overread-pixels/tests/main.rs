//! Decoding, drawing and encoding, on made frames and on real files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test may say so by a panic"
)]

mod drawing;
mod presentation;
mod real_files;
mod writing;
