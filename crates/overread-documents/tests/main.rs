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
mod mails;
#[cfg(feature = "pdf")]
mod paper;
#[cfg(feature = "pdf")]
mod reports;
mod snapshots;
mod worlds;
