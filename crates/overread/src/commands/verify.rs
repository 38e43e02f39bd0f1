//! `overread verify`: proof that every stored byte and row is whole.

use std::process::ExitCode;

use anyhow::{Context, Result};

use super::ingest::Bar;
use crate::cli::Verify;
use crate::home::Home;
use crate::output::{json, line};

/// Re-reads everything; fails when anything is damaged.
pub(crate) async fn run(arguments: Verify) -> Result<ExitCode> {
    let home = Home::open_existing(&arguments.data.data)
        .await
        .context("nothing was proven")?;
    let bar = Bar::new("reading every byte again");
    let report = overread_ingest::verify(&home.store, &home.archive).await;
    bar.clear();
    let report = report?;
    home.close().await;
    if arguments.data.json {
        json(&report)?;
    } else {
        for damage in &report.damaged {
            line(&format!("damaged: {damage}"))?;
        }
        if report.more_damage > 0 {
            line(&format!("damaged: {} more, not listed", report.more_damage))?;
        }
        if report.unclaimed_bytes > 0 {
            line(&format!(
                "{:.1} MB in the packs are not in the index. `overread serve` takes in by itself what a failure left, and what an \
                 older copy of the database does not know. If this stays, the database is new or another one's: stop the server \
                 and run `overread rebuild`, which takes them in or says why not",
                report.unclaimed_bytes as f64 / 1e6
            ))?;
        }
        let megabytes = report.bytes as f64 / 1e6;
        let verdict = if report.ok {
            "everything is whole"
        } else {
            "not everything is whole"
        };
        line(&format!(
            "{verdict}: {} instances, {megabytes:.1} MB, {} audit rows",
            report.instances, report.audit_rows
        ))?;
    }
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
