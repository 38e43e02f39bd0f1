//! The command line's contract: scripts outside the project rely on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod auditing;
mod crash;
mod dimse;
mod doors;
mod faults;
mod hostile;
mod keeping;
mod left_behind;
mod moving;
mod nodes;
mod outside;
mod pacs;
mod program;
mod rebuilding;
mod records;
mod sending;
mod serving;
mod texts;
mod trouble;
