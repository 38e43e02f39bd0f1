//! `overread demo`: a synthetic case and people of every role, on an empty data folder.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::serve::{Door, Stop};
use crate::cli::Demo;
use crate::clock;
use crate::demo::{Demonstration, seed};
use crate::home::{Home, Layout, ServeLock};
use crate::output::{json, line, remark};

/// Fills an empty data folder and serves it until told to stop.
pub(crate) async fn run(arguments: Demo) -> Result<ExitCode> {
    if !Layout::of(&arguments.data).is_empty() {
        bail!(
            "{} is not empty; the demonstration wants a folder of its own",
            arguments.data.display()
        );
    }
    if !arguments.listen.ip().is_loopback() {
        bail!("the demonstration listens on this machine only; choose 127.0.0.1");
    }
    let _lock = ServeLock::take(&arguments.data)?;
    let home = Home::open(&arguments.data).await?;
    let door = Door::open(&home, arguments.listen).await?;
    remark("making a synthetic lumbar spine MR, two cases and people of every role …");
    let demonstration = seed(&door.workflow, clock::now())
        .await
        .context("the demonstration could not be made")?;
    let stop = Stop::new()?;
    if arguments.json {
        json(&json!({
            "address": door.address,
            "people": demonstration.people,
            "cases": demonstration.cases,
            "physician_address": format!("{}{}", door.address, demonstration.physician_path),
        }))?;
    } else {
        tell(&demonstration, &door.address)?;
    }
    door.serve(stop).await?;
    home.close().await;
    Ok(ExitCode::SUCCESS)
}

fn tell(demonstration: &Demonstration, address: &str) -> Result<()> {
    line(&format!(
        "\nOverread listens on {address}  (Ctrl-C ends it)\n\nSign in at {address}/sign-in as"
    ))?;
    for person in &demonstration.people {
        let role = person.role.title();
        line(&format!(
            "  {role:<20} {:<24} {:<30} {}",
            person.name, person.email, person.password
        ))?;
    }
    line("\nCases")?;
    for case in &demonstration.cases {
        line(&format!(
            "  {address}/cases/{}  {}",
            case.case_id, case.about
        ))?;
    }
    line(&format!(
        "\nThe treating physician's link\n  {address}{}\n",
        demonstration.physician_path
    ))?;
    line("Nobody in the demonstration exists. Passwords were made for this start.")
}
