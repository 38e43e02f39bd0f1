//! `overread check`: what a disc or a case holds and what is missing; writes nothing.

use std::process::ExitCode;

use anyhow::{Context, Result};
use overread_ingest::{Survey, SurveyDocument, survey};
use overread_knowledge::Knowledge;
use overread_model::access::Actor;
use overread_model::completeness::{
    self, CheckInput, CheckResult, DocumentFacts, DocumentKind, Gathered, MediumFacts,
    SeriesSummary, report_hints,
};
use overread_model::text::{counted, images_and_others};
use overread_model::time::CalendarDate;
use overread_workflow::checking;

use super::ingest::{Bar, NOTHING_USABLE, all_there};
use crate::cli::Check;
use crate::clock;
use crate::home::Home;
use crate::output::{json, line, plain};

/// Checks paths, or what is stored for a case.
pub(crate) async fn run(arguments: Check) -> Result<ExitCode> {
    let (result, usable) = match &arguments.case {
        Some(case_id) => {
            let home = Home::open_existing(&arguments.data.data).await?;
            let workflow = home.workflow("");
            let result = checking::look(&workflow, &Actor::System, case_id, clock::now()).await;
            home.close().await;
            (result.context("the case cannot be checked")?, true)
        }
        None => of_paths(&arguments).await?,
    };
    if arguments.data.json {
        json(&result)?;
    } else {
        tell(&result)?;
    }
    Ok(if usable {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOTHING_USABLE)
    })
}

async fn of_paths(arguments: &Check) -> Result<(CheckResult, bool)> {
    all_there(&arguments.paths)?;
    let knowledge = Knowledge::embedded();
    let mut gathered = Gathered::default();
    let bar = Bar::new("files looked at");
    let survey = survey(&arguments.paths, bar.clone(), |facts| {
        gathered.add(facts, &knowledge.rules)
    })
    .await;
    bar.clear();
    let survey = survey?;
    let documents: Vec<DocumentFacts> = survey.documents.iter().filter_map(paper).collect();
    let input = CheckInput {
        documents: &documents,
        problems: &survey.problems,
        medium: medium(&survey),
        today: Some(clock::now().date()),
        ..CheckInput::default()
    };
    let result = completeness::check(&gathered, &input, &knowledge.rules, &knowledge.specialties);
    Ok((result, survey.instances > 0))
}

fn paper(document: &SurveyDocument) -> Option<DocumentFacts> {
    let hints = document
        .text
        .as_deref()
        .map(report_hints)
        .unwrap_or_default();
    (document.kind != "picture").then(|| DocumentFacts {
        kind: DocumentKind::guess(&document.name),
        name: document.name.clone(),
        clinical_date: hints.exam_date,
        accession_number: None,
        hints,
    })
}

fn medium(survey: &Survey) -> MediumFacts {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    MediumFacts {
        has_dicomdir: Some(survey.has_dicomdir),
        no_header_count: 0,
        duplicate_count: count(survey.duplicates),
        program_count: count(survey.other_files),
        picture_count: survey
            .documents
            .iter()
            .filter(|document| document.kind == "picture")
            .count(),
        ..MediumFacts::default()
    }
}

fn tell(result: &CheckResult) -> Result<()> {
    line(&result.summary())?;
    for study in &result.studies {
        line(&format!(
            "\n{}, {}, {}",
            words(&study.description, "exam without a name"),
            day(&study.date, "no date"),
            words(&study.institution, "no institution")
        ))?;
        for series in &study.series {
            line(&format!(
                "  {:<4} {:>12}  {}",
                plain(&series.modality),
                objects(series),
                words(&series.description, "(no description)")
            ))?;
        }
    }
    if !result.patients.is_empty() {
        line("\nPatients the images name")?;
    }
    for patient in &result.patients {
        let born = match patient.birth_date.trim() {
            "" => "no birth date".to_owned(),
            date => format!("born {}", day(date, "")),
        };
        line(&format!(
            "  {}, {born}, {}",
            words(&patient.name, "no name"),
            images_and_others(patient.images, patient.instances)
        ))?;
    }
    let papers = result.timeline.iter().filter(|item| item.kind != "study");
    for (number, paper) in papers.enumerate() {
        if number == 0 {
            line("\nPapers found, by their file names")?;
        }
        let date = paper
            .date
            .map_or_else(String::new, |date| format!(", {}", date.in_english()));
        let kind = paper.kind.replace('_', " ");
        line(&format!("  {}: {kind}{date}", plain(&paper.title)))?;
    }
    if !result.findings.is_empty() {
        line("\nWhat was found")?;
    }
    for finding in &result.findings {
        let severity = serde_json::to_value(finding.severity)?;
        let severity = severity.as_str().unwrap_or_default();
        line(&format!(
            "  {severity:<8} {}  {}: {}",
            finding.rule,
            plain(&finding.subject),
            plain(&finding.message)
        ))?;
    }
    if !result.missing.is_empty() {
        line("\nWhat is missing, and the letter that asks for it")?;
    }
    for missing in &result.missing {
        line(&format!(
            "  {}  (overread letter {})",
            plain(&missing.message),
            missing.letter
        ))?;
    }
    Ok(())
}

/// Returns how many images a series has, or what it holds instead.
fn objects(series: &SeriesSummary) -> String {
    let others = series.instances - series.images.min(series.instances);
    if series.images > 0 || others == 0 {
        return images_and_others(series.images, series.instances);
    }
    let (one, many) = match series.modality.as_str() {
        "SR" => ("report", "reports"),
        "KO" => ("note", "notes"),
        "PR" => ("set of marks", "sets of marks"),
        "SEG" => ("segmentation", "segmentations"),
        "DOC" => ("document", "documents"),
        _ => ("other object", "other objects"),
    };
    counted(others, one, many)
}

/// Returns a DICOM day as people write it; what is no day stays as it is.
fn day(text: &str, otherwise: &str) -> String {
    text.trim()
        .parse::<CalendarDate>()
        .map_or_else(|_| words(text.trim(), otherwise), CalendarDate::in_english)
}

fn words(text: &str, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        plain(text)
    }
}
