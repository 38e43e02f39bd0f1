//! What arrives, what is kept, what is said: whole deliveries against a real store and archive.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test may say so by a panic, a skipped one says so"
)]

mod access;
mod crash;
mod folders;
mod house;
mod pdf;
mod quotas;
mod rebuild;
mod recover;
mod shared;
mod stow;
mod verify;
mod zips;
