//! `overread migrate`: the tables of a data folder, brought up to date, or everything moved to another.

use std::process::ExitCode;

use anyhow::Result;

use super::moving;
use crate::cli::Migrate;
use crate::home::Home;
use crate::output::{json, line};

/// Opens the data folder, which brings its tables up to date, and says so.
pub(crate) async fn run(arguments: Migrate) -> Result<ExitCode> {
    if let Some(to) = &arguments.to {
        return moving::run(&arguments.data, to).await;
    }
    let arguments = arguments.data;
    let home = Home::open_existing(&arguments.data).await?;
    let kind = home.store.kind();
    home.close().await;
    if arguments.json {
        json(&serde_json::json!({ "database": kind, "up_to_date": true }))?;
    } else {
        line(&format!("the tables are up to date ({kind})"))?;
    }
    Ok(ExitCode::SUCCESS)
}
