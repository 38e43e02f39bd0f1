//! Renders every kind of document and compares it with what was read and found good.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod hostile;
mod letters;
#[cfg(feature = "pdf")]
mod paper;
mod snapshots;
mod worlds;
