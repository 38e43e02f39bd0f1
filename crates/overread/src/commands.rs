//! One module a command.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod check_config;
pub(crate) mod demo;
pub(crate) mod ingest;
pub(crate) mod keeping;
pub(crate) mod letter;
pub(crate) mod lines;
pub(crate) mod migrate;
pub(crate) mod moving;
pub(crate) mod pacs;
pub(crate) mod rebuild;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod verify;
