//! The DICOMweb routes over a real index and archive; tests carry the ids of the checks they make.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod access;
mod asked_again;
mod big_endian;
mod blinding;
mod channel;
mod checks;
mod collections;
mod composed;
mod conditional;
mod defaults;
mod deflated;
mod deleted;
mod further;
mod house;
mod long;
mod made;
mod not_kept;
mod partial;
mod pictures;
mod presentation;
mod races;
mod reads;
mod rendered;
mod retrieve;
mod search;
mod store;
mod wado;
mod workitems;
