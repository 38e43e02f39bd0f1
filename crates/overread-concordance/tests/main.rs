//! Tests of the concordance as its callers see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may say so by a panic"
)]

mod alone;
mod amended;
mod answers;
mod classes;
mod different_lesions;
mod discerning;
mod guarded;
mod indication;
mod metamorphic;
mod negation;
mod opposites;
mod pairs;
mod plain_words;
mod raising;
mod reassurance;
mod score;
mod spanish;
mod tables;
mod taken_back;
mod total;
mod tubes;
mod twins;
mod wording;
