//! The original report: shown after the lock, entered, or declared missing.

use overread_model::access::{Actor, Right};
use overread_model::case::{CaseRole, CaseState, Notify};
use overread_model::completeness::report_hints;
use overread_model::ids::{CaseId, DocumentId};
use overread_model::report::{OriginalSource, check_original};
use overread_model::time::Timestamp;
use overread_store::original_reports::{self, OriginalRow};
use overread_store::{Tx, concordances, documents, held_papers, review_tasks};

use super::{OriginalChange, after_lock, locked_impression, may_open};
use crate::casework::{self, CaseFile, Said, checked_reason, checked_text};
use crate::{StepError, StepResult, Workflow, checking, exams, limits, news, papers, records};

/// How an original report came.
pub enum OriginalInput {
    /// Typed or pasted.
    Pasted(String),
    /// A text file or a PDF with text.
    File {
        /// Name as it came.
        name: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A document that came with a delivery.
    Document(overread_model::ids::DocumentId),
}

/// Who wrote the original report, as typed.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct OriginalFacts {
    /// Day of the report, 2026-03-02; may be empty.
    pub report_date: String,
    /// Who signed it; may be empty.
    pub author: String,
    /// Where; may be empty.
    pub institution: String,
}

/// The original report.
pub struct OriginalReport {
    /// 1 for the first text entered, higher for corrections.
    pub version: i64,
    /// The text, verbatim.
    pub text: String,
    /// `paste`, `text_file`, `pdf`.
    pub source: String,
    /// Day of the report.
    pub report_date: String,
    /// Who signed it.
    pub author: String,
    /// Where.
    pub institution: String,
    /// Entered.
    pub entered_at: Timestamp,
}

/// What the page of the original report shows.
pub struct OriginalView {
    /// The text in force, if this reader may see it.
    pub report: Option<OriginalReport>,
    /// Why the text seems to be of another exam than the one asked about.
    pub other_exam: Option<String>,
    /// There is one, but this reader (a reviewer before the lock) may not see it yet.
    pub locked_away: bool,
    /// There will be none, and somebody said so.
    pub declared_missing: bool,
    /// Documents that look like a report and could be taken, id and name.
    pub candidates: Vec<(overread_model::ids::DocumentId, String)>,
    /// This reader may enter or correct it (until the comparison is made).
    pub may_enter: bool,
    /// What changed after this reader, the reviewer, had locked a first impression.
    pub change: Option<OriginalChange>,
}

/// Returns the page of the original report; showing the text is audited and noted as read.
///
/// # Errors
/// `NotFound`.
pub async fn original(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<OriginalView> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let exists = original_reports::exists(&mut tx, case_id).await?;
    let may_see = may_open(&file);
    let row = if may_see {
        original_reports::newest(&mut tx, case_id).await?
    } else {
        None
    };
    if row.is_some() {
        casework::note_read(&mut tx, actor, case_id, "original report", now).await?;
        if let (true, Some(task)) = (file.reads, &file.task) {
            review_tasks::note_original_opened(&mut tx, &task.id, now).await?;
        }
    }
    let change = after_lock(&mut tx, &file).await?;
    let may_enter = may_enter(&mut tx, &file).await?;
    let candidates = if may_enter {
        candidates(&mut tx, case_id).await?
    } else {
        Vec::new()
    };
    tx.commit().await?;
    let other_exam = row.as_ref().and_then(|row| {
        let heading = report_hints(&row.body).heading;
        exams::asked(&file.intake).differs_from_report(
            heading.reveal(),
            &[],
            &ctx.knowledge.specialties,
        )
    });
    Ok(OriginalView {
        other_exam,
        report: row.map(report_of),
        locked_away: exists && !may_see,
        declared_missing: file.row.original_missing != 0,
        candidates,
        may_enter,
        change,
    })
}

/// Enters (or corrects) the original report.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for an empty text, a file that is no text, or a scan: its text must be typed.
pub async fn enter_original(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    input: OriginalInput,
    facts: &OriginalFacts,
    now: Timestamp,
) -> StepResult<()> {
    {
        let mut tx = ctx.store.read().await?;
        let file = casework::load(&mut tx, actor, case_id, now).await?;
        if !may_enter(&mut tx, &file).await? {
            return Err(StepError::Forbidden);
        }
    }
    let (text, source, document_id) = text_of(ctx, actor, case_id, input, now).await?;
    let body = check_original(&text).map_err(|problem| StepError::Invalid(vec![problem]))?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_enter(&mut tx, &file).await? {
        return Err(StepError::Forbidden);
    }
    let version = original_reports::newest(&mut tx, case_id)
        .await?
        .map_or(0, |row| row.version)
        + 1;
    let row = OriginalRow {
        version,
        body,
        source: source.as_str().to_owned(),
        document_id: document_id.map(|id| id.as_str().to_owned()),
        report_date: short("report_date", &facts.report_date)?,
        author: short("author", &facts.author)?,
        institution: short("institution", &facts.institution)?,
        entered_by: actor.id().to_owned(),
        entered_at: now.as_micros(),
    };
    original_reports::insert(&mut tx, case_id, &row).await?;
    file.row.original_missing = 0;
    if file.intake.exam.first_reader.trim().is_empty() && !row.author.is_empty() {
        file.intake.exam.first_reader.clone_from(&row.author);
        file.row.intake = serde_json::to_string(&file.intake).map_err(StepError::internal)?;
    }
    file.save(&mut tx).await?;
    let what = if version == 1 {
        "The original report was entered"
    } else {
        "The original report was corrected"
    };
    casework::note(
        &mut tx,
        &file,
        actor,
        "original_report.entered",
        what,
        Said::default(),
        now,
    )
    .await?;
    if locked_impression(&file).is_some() {
        news::tell_of_more(&mut tx, ctx, &file, Notify::Reviewer, now).await?;
    }
    checking::again(&mut tx, ctx, &mut file, now).await?;
    Ok(tx.commit().await?)
}

fn short(field: &str, text: &str) -> StepResult<String> {
    checked_text(field, text, limits::SHORT_TEXT_CHARACTERS, None).map(str::to_owned)
}

/// Says that there is no original report to compare with.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` when there is one.
pub async fn declare_original_missing(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_enter(&mut tx, &file).await? {
        return Err(StepError::Forbidden);
    }
    if original_reports::exists(&mut tx, case_id).await? {
        return Err(StepError::invalid(
            "",
            "There is an original report in this case.",
        ));
    }
    file.row.original_missing = 1;
    file.save(&mut tx).await?;
    let said = Said {
        note: reason,
        staff_only: false,
    };
    casework::note(
        &mut tx,
        &file,
        actor,
        "original_report.missing",
        "There is no original report",
        said,
        now,
    )
    .await?;
    checking::again(&mut tx, ctx, &mut file, now).await?;
    Ok(tx.commit().await?)
}

/// The asking side and the coordinator enter the original report, until the comparison is made.
async fn may_enter(tx: &mut Tx, file: &CaseFile) -> StepResult<bool> {
    let hat = file.wears(CaseRole::Requester) || file.wears(CaseRole::Coordinator);
    let open =
        !file.state.is_end() && file.state != CaseState::Draft && file.row.delivered_at.is_none();
    let free = open && hat && !file.reads && file.rights.contains(&Right::AddRecords);
    Ok(free && concordances::newest(tx, &file.case_id).await?.is_none())
}

/// Lists documents that could be the original report.
async fn candidates(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<(DocumentId, String)>> {
    let list = documents::list_of_case(tx, case_id).await?;
    let held = held_papers::list(tx, case_id).await?;
    let fits = |row: &documents::DocumentRow| {
        row.kind != papers::LETTER
            && !held.contains(&row.id)
            && (row.media_type == "application/pdf" || row.media_type.starts_with("text/"))
    };
    Ok(list
        .into_iter()
        .filter(fits)
        .map(|row| (row.id, row.name))
        .collect())
}

/// Returns the text of what was handed in.
async fn text_of(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    input: OriginalInput,
    now: Timestamp,
) -> StepResult<(String, OriginalSource, Option<DocumentId>)> {
    match input {
        OriginalInput::Pasted(text) => Ok((text, OriginalSource::Paste, None)),
        OriginalInput::File { name, bytes } => {
            if bytes.len() > limits::ORIGINAL_FILE_BYTES {
                let mib = limits::ORIGINAL_FILE_BYTES / 1024 / 1024;
                return Err(StepError::invalid(
                    "file",
                    format!("This file is too large: at most {mib} MiB."),
                ));
            }
            let (text, source) = papers::text_of(&bytes).await?;
            let new = papers::NewPaper {
                case_id,
                name: &name,
                media_type: papers::media_type_of(source),
                kind: "report",
                bytes,
            };
            let id = papers::keep(ctx, new, now).await?;
            Ok((text, source, Some(id)))
        }
        OriginalInput::Document(id) => {
            let held = held_papers::list(&mut ctx.store.read().await?, case_id).await?;
            if held.contains(&id) {
                return Err(StepError::invalid(
                    "document",
                    "This paper is held back, since it may be another patient's. Decide on it under Records first.",
                ));
            }
            let bytes = records::document(ctx, actor, case_id, &id, now)
                .await?
                .bytes;
            let (text, source) = papers::text_of(&bytes).await?;
            Ok((text, source, Some(id)))
        }
    }
}

fn report_of(row: OriginalRow) -> OriginalReport {
    OriginalReport {
        version: row.version,
        text: row.body,
        source: row.source,
        report_date: row.report_date,
        author: row.author,
        institution: row.institution,
        entered_at: Timestamp::from_micros(row.entered_at),
    }
}
