//! `overread check-config`: the settings in force, without secrets.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Data;
use crate::config::Config;
use crate::output::{json, line};

/// Prints the settings of a data folder.
pub(crate) fn run(arguments: &Data) -> Result<ExitCode> {
    let config = Config::load(&arguments.data)?;
    if arguments.json {
        json(&config)?;
    } else {
        line(toml::to_string_pretty(&config)?.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}
