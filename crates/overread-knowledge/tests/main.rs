//! The data is whole, and the rules of the model do with it what the vectors say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

mod case;
mod choosing;
mod completeness;
mod data;
mod exam;
mod glossary;
mod rules;
