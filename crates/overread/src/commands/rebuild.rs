//! `overread rebuild`: the index made anew from the packs.

use std::process::ExitCode;

use anyhow::{Context, Result};
use overread_ingest::RebuildReport;

use super::ingest::Bar;
use crate::cli::{Data, REBUILD_LEAVES};
use crate::clock;
use crate::home::{Home, ServeLock, check_is_there};
use crate::output::{json, line, remark};

/// Takes in what the index does not know; fails when something could not be taken in.
pub(crate) async fn run(arguments: Data) -> Result<ExitCode> {
    check_is_there(&arguments.data)?;
    let _lock = ServeLock::take(&arguments.data)?;
    let home = Home::open_alone(&arguments.data).await?;
    let bar = Bar::new("taking batches in");
    let rebuilt = overread_ingest::rebuild(&home.store, &home.archive, clock::now(), |report| {
        bar.say(format!(
            "{} packs read, {} batches in, {} left",
            report.packs, report.batches, report.left
        ));
    })
    .await;
    bar.clear();
    let report = rebuilt.context(
        "the rebuild was interrupted; what is in is kept, and the same command goes on where it was",
    )?;
    home.close().await;
    if arguments.json {
        json(&report)?;
    } else {
        tell(&report)?;
    }
    Ok(if report.damaged.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn tell(report: &RebuildReport) -> Result<()> {
    for damage in &report.damaged {
        line(&format!("damaged: {damage}"))?;
    }
    line(&format!(
        "{} packs read; {} batches taken in: {} instances and {} papers that the index did not know, {} known already, {} set \
         aside for a coordinator, {} deleted before and left so",
        report.packs,
        report.batches,
        report.instances,
        report.documents,
        report.duplicates,
        report.aside,
        report.deleted
    ))?;
    if report.unseen > 0 {
        line(&format!(
            "{} files that had been set aside name a study that was deleted since; they stay in the packs, and nobody sees them",
            report.unseen
        ))?;
    }
    if report.completed > 0 {
        line(&format!(
            "{} series that an earlier version had stored were completed: they are found by station, step and request, too",
            report.completed
        ))?;
    }
    if report.batches > 0 {
        remark(REBUILD_LEAVES);
    }
    Ok(())
}
