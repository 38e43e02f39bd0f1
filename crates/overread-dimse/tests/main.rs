//! The door as peers meet it: dicom-ul's requestor, raw bytes, and DCMTK where it is installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod asked_again;
mod calling;
mod dcmtk;
mod house;
mod malformed;
mod moving;
mod not_taken;
mod refusing;
mod retrieving;
mod sharing;
mod storing;
mod tls;
mod worklist;
