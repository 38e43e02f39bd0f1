//! Every query on SQLite, and on PostgreSQL when a server is offered.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod access;
mod audit;
mod cases;
mod house;
mod people;
mod search;
mod tables;
mod tokens;
