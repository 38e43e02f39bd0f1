//! The command line's contract: scripts outside the project rely on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod dimse;
#[path = "../../overread-dimse/tests/peer.rs"]
#[expect(dead_code, reason = "the door's own tests use the rest")]
mod peer;
mod program;
mod records;
mod serving;
mod texts;
