//! The steps as people take them, and as people try to take them who may not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a failed test may say so by a panic, and a story is told in one go"
)]

mod accounts;
mod addenda;
mod birth_dates;
mod blind;
mod blind_numbers;
mod comparisons;
mod correcting;
mod desk;
mod door;
mod held_papers;
mod house;
mod insurer;
mod keeping;
mod letters;
mod mail;
mod on_behalf;
mod refusals;
mod repaired;
mod several_exams;
mod sexes;
mod sides;
mod walk;
mod work_items;
