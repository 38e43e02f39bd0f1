//! The steps as people take them, and as people try to take them who may not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod accounts;
mod desk;
mod door;
mod house;
mod mail;
mod refusals;
mod walk;
