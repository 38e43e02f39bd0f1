//! `overread pacs`: asking other DICOM archives.

use std::process::ExitCode;

use anyhow::{Context, Result};
use overread_dimse::{Answer, Committed, FindLevel, Remote, Scu, ScuError};
use overread_model::ids::CaseId;
use overread_store::{reports, studies};
use overread_workflow::keeping;

use crate::cli::{Data, Pacs, PacsCommand};
use crate::home::Home;
use crate::output::{json, line, plain, remark};

/// What is told of a study that was found: name in JSON, tag.
const TOLD: [(&str, u32); 9] = [
    ("study_instance_uid", 0x0020_000D),
    ("study_date", 0x0008_0020),
    ("modalities", 0x0008_0061),
    ("patient_id", 0x0010_0020),
    ("patient_name", 0x0010_0010),
    ("patient_birth_date", 0x0010_0030),
    ("accession_number", 0x0008_0050),
    ("study_description", 0x0008_1030),
    ("instances", 0x0020_1208),
];
/// Nothing usable was found.
const NOTHING: u8 = 3;

/// Echoes, finds, pulls or sends.
pub(crate) async fn run(arguments: Pacs) -> Result<ExitCode> {
    match arguments.command {
        PacsCommand::Echo { peer, data } => {
            let (home, scu, remote) = open(&data, &peer).await?;
            let answered = scu.echo(&remote).await;
            home.close().await;
            answered.with_context(|| named(&peer, &remote))?;
            line(&format!("{peer} answers"))?;
            Ok(ExitCode::SUCCESS)
        }
        PacsCommand::Find {
            peer,
            patient_id,
            patient_name,
            date,
            accession,
            modality,
            data,
        } => {
            let asked = [
                (0x0010_0020, patient_id),
                (0x0010_0010, patient_name),
                (0x0008_0020, date),
                (0x0008_0050, accession),
                (0x0008_0061, modality),
            ];
            find(&data, &peer, asked).await
        }
        PacsCommand::Pull { peer, study, data } => pull(&data, &peer, study.as_str()).await,
        PacsCommand::Send {
            peer,
            study,
            case,
            data,
        } => {
            let study = study.as_ref().map(|uid| uid.as_str());
            send(&data, &peer, study, case.as_deref()).await
        }
    }
}

async fn open(data: &Data, peer: &str) -> Result<(Home, Scu, Remote)> {
    let home = Home::open_existing(&data.data).await?;
    let remote = home.config.dimse.peer(peer)?;
    let config = home.config.dimse.door()?;
    let scu = Scu::new(config.ae_title, config.outgoing, home.dimse_rooms());
    Ok((home, scu, remote))
}

/// Names a peer with its address, as config.toml gives it.
fn named(peer: &str, remote: &Remote) -> String {
    format!("{peer} ({}:{})", remote.host, remote.port)
}

async fn find(data: &Data, peer: &str, asked: [(u32, Option<String>); 5]) -> Result<ExitCode> {
    let (home, scu, remote) = open(data, peer).await?;
    let mut keys: Vec<(u32, &str)> = TOLD.iter().map(|(_, tag)| (*tag, "")).collect();
    for (tag, text) in &asked {
        if let Some(text) = text {
            keys.retain(|(key, _)| key != tag);
            keys.push((*tag, text));
        }
    }
    let found = scu.find(&remote, FindLevel::Study, &keys).await;
    home.close().await;
    let found = found.with_context(|| named(peer, &remote))?;
    for answer in &found {
        show(answer, data.json)?;
    }
    if found.is_empty() {
        remark(&format!("{peer} has no such study"));
        return Ok(ExitCode::from(NOTHING));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(answer: &Answer, as_json: bool) -> Result<()> {
    if as_json {
        let told = TOLD.map(|(name, tag)| (name.to_owned(), answer.text(tag).into()));
        return json(&serde_json::Map::from_iter(told));
    }
    let told = TOLD.map(|(_, tag)| plain(&answer.text(tag)));
    line(&told.join("  "))
}

async fn pull(data: &Data, peer: &str, study: &str) -> Result<ExitCode> {
    let (home, scu, remote) = open(data, peer).await?;
    let pulled = scu.pull(&remote, study).await;
    home.close().await;
    let pulled = match pulled {
        Err(ScuError::NoSuchStudy) => {
            remark(&format!("{peer} has no such study"));
            return Ok(ExitCode::from(NOTHING));
        }
        pulled => pulled.with_context(|| {
            let peer = named(peer, &remote);
            format!("{peer}: not everything came; what came is kept, and the same command goes on from there")
        })?,
    };
    let here = pulled.listed_count - pulled.missing_count;
    let fetched = here.saturating_sub(pulled.known_count);
    if data.json {
        json(&serde_json::json!({
            "listed": pulled.listed_count, "known": pulled.known_count, "fetched": fetched,
            "missing": pulled.missing_count,
        }))?;
    } else {
        line(&format!(
            "{here} of {} instances are here; {} were here before, {fetched} came now",
            pulled.listed_count, pulled.known_count
        ))?;
    }
    if pulled.missing_count > 0 {
        remark(&format!(
            "{} instances did not come: {peer} could not send them, or they are set aside here for a person to decide",
            pulled.missing_count
        ));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn send(
    data: &Data,
    peer: &str,
    study: Option<&str>,
    case: Option<&str>,
) -> Result<ExitCode> {
    let (home, scu, remote) = open(data, peer).await?;
    let sent = match named_case(&home, case).await {
        Ok(NamedCase::Missing) => {
            remark("there is no case with this number or id");
            Ok(ExitCode::from(NOTHING))
        }
        Ok(NamedCase::Found(case)) => {
            let what = (peer, study, case.as_ref());
            send_all(&home, &scu, &remote, what, data.json).await
        }
        Err(error) => Err(error),
    };
    home.close().await;
    sent
}

/// A case that was asked for.
enum NamedCase {
    /// It is there, or none was asked for.
    Found(Option<CaseId>),
    Missing,
}

async fn named_case(home: &Home, named: Option<&str>) -> Result<NamedCase> {
    let Some(named) = named else {
        return Ok(NamedCase::Found(None));
    };
    let row = keeping::case_named(&mut home.store.read().await?, named).await?;
    Ok(match row {
        None => NamedCase::Missing,
        Some(row) => NamedCase::Found(Some(row.case_id()?)),
    })
}

async fn send_all(
    home: &Home,
    scu: &Scu,
    remote: &Remote,
    (peer, study, case): (&str, Option<&str>, Option<&CaseId>),
    as_json: bool,
) -> Result<ExitCode> {
    let uids = match (study, case) {
        (Some(uid), _) => vec![uid.to_owned()],
        (None, Some(case)) => {
            let rows = studies::studies_of_case(&mut home.store.read().await?, case).await?;
            rows.into_iter().map(|row| row.study_instance_uid).collect()
        }
        (None, None) => Vec::new(),
    };
    let (mut held_count, mut failed_count) = (0, 0);
    for uid in uids {
        let sent = scu.send(remote, &uid).await;
        let sent = sent.with_context(|| named(peer, remote))?;
        held_count += sent.held_count;
        failed_count += sent.failed_count;
        if sent.failed_count > 0 {
            remark(&format!(
                "{} of {} instances were not taken: {}",
                sent.failed_count, sent.held_count, sent.why
            ));
        }
        if sent.held_count == 0 {
            continue;
        }
        let safe = scu.commit(remote, &uid).await;
        let safe = safe.map_or_else(|error| error.to_string(), told);
        if as_json {
            json(&serde_json::json!({
                "held": sent.held_count, "known": sent.known_count, "failed": sent.failed_count, "commitment": safe,
            }))?;
        } else {
            line(&format!(
                "{} instances: {} were there before, {} sent now; storage commitment: {safe}",
                sent.held_count,
                sent.known_count,
                sent.held_count - sent.known_count - sent.failed_count
            ))?;
        }
    }
    if let Some(case) = case
        && reports::signed(&mut home.store.read().await?, case)
            .await?
            .is_some()
    {
        remark(
            "images were sent, and not the second opinion: Overread keeps it as a report and a PDF, and makes no DICOM object of it; the treating physician gets it by the case",
        );
    }
    if held_count == 0 {
        remark("nothing of it is held here");
        return Ok(ExitCode::from(NOTHING));
    }
    if failed_count > 0 {
        remark(&format!(
            "the same command sends again what {peer} does not have"
        ));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn told(committed: Committed) -> String {
    match committed {
        Committed::Reported(safe, 0) => format!("it promises to keep all {safe}"),
        Committed::Reported(safe, not) => format!("it promises to keep {safe}, and not {not}"),
        Committed::Later => "asked; it answers later".to_owned(),
        Committed::NotOffered => "it offers none".to_owned(),
    }
}
