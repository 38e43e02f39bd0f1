//! Every query on SQLite, and on PostgreSQL when a server is offered.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a failed test may say so by a panic, and a story is told in one go"
)]

mod access;
mod addenda;
mod audit;
mod batches;
mod cases;
mod commitments;
mod granted;
mod house;
mod joining;
mod keeping;
mod nodes;
mod peer_calls;
mod people;
mod rebuilding;
mod refused_callers;
mod refused_files;
mod search;
mod tables;
mod tokens;
mod transfer;
mod versions;
mod work_items;
