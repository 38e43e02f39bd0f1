//! `overread migrate`: the tables of a data folder, brought up to date.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Data;
use crate::home::Home;
use crate::output::{json, line};

/// Opens the data folder, which brings its tables up to date, and says so.
pub(crate) async fn run(arguments: Data) -> Result<ExitCode> {
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
