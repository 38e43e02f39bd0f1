//! Here live the nouns of a second opinion and the rules between them: no I/O, no async, no clock.

pub mod access;
pub mod hidden;
pub mod ids;
pub mod imaging;
pub mod problem;
pub mod time;
pub mod uid;
