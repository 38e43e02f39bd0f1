//! Here live the nouns of a second opinion and the rules between them: no I/O, no async, no clock.

pub mod access;
pub mod case;
pub mod choosing;
pub mod completeness;
pub mod consent;
pub mod duration;
pub mod extent;
pub mod hidden;
pub mod ids;
pub mod imaging;
pub mod intake;
pub mod keeping;
pub mod letter;
pub mod limits;
pub mod name;
pub mod pattern;
pub mod peers;
pub mod person;
pub mod problem;
pub mod reading;
pub mod refusal;
pub mod report;
pub mod text;
pub mod time;
pub mod uid;
pub mod verdict;
