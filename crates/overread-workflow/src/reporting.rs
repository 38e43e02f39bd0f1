//! The second report: draft with autosave, signature, addendum, PDF.

mod addenda;
mod drafting;
mod editor;
mod questions;
mod signing;

use std::collections::BTreeMap;

use bytes::Bytes;
use overread_model::access::{Actor, Right};
use overread_model::case::{CaseRole, CaseState};
use overread_model::ids::{CaseId, ReportId};
use overread_model::letter::Language;
use overread_model::report::{ReportDraft, SignContext, SignedReport, check_to_sign};
use overread_model::time::Timestamp;
use overread_store::reports::{self, ReportRow};
use overread_store::review_tasks::TaskRow;
use overread_store::{Tx, checks};

use crate::casework::{self, CaseFile};
use crate::reading::{self, OriginalChange};
use crate::{StepError, StepResult, Workflow, printing};

pub use addenda::{AddendumRow, addendum};
pub(crate) use addenda::{addenda_of, addendum_row, addendum_times};
pub use drafting::{DraftEdit, DraftSaved, autosave, drop_kept, save_draft};
pub(crate) use editor::signed_fields;
use editor::{completed, fields_of, kept_of, suggestions};
pub use questions::{request_info, supply_info};
pub(crate) use signing::signature_of;
pub use signing::{Signature, Signing, sign};

/// Texts of the report by section id (`findings`, `impression`, ...), plus `quality` (`diagnostic`, `limited`,
/// `non_diagnostic`) and `agreement_overall` where asked.
pub type Sections = BTreeMap<String, String>;

/// One section of the editor.
pub struct SectionField {
    /// Section id: `findings`.
    pub key: String,
    /// Heading.
    pub title: String,
    /// What belongs here, for the page; may be empty.
    pub hint: String,
    /// Needed to sign.
    pub required: bool,
    /// Text so far.
    pub text: String,
    /// Text offered while the section is empty; may be empty.
    pub suggested: String,
    /// Fixed choices instead of free text, value and label; empty for free text.
    pub choices: Vec<(String, String)>,
}

/// A text that was saved from another tab and did not win; nothing is lost.
pub struct KeptVersion {
    /// Names it.
    pub kept_id: String,
    /// When.
    pub saved_at: Timestamp,
    /// Its sections.
    pub sections: Sections,
}

/// What the report page shows: the editor for its writer, the signed report for readers.
pub struct ReportDesk {
    /// The report.
    pub report_id: ReportId,
    /// Version of the draft to hand back.
    pub version: i64,
    /// Version of the case.
    pub case_version: i64,
    /// Sections in order.
    pub sections: Vec<SectionField>,
    /// What keeps it from being signed, field = section id.
    pub problems: Vec<crate::FieldProblem>,
    /// Versions of other tabs that did not win, newest first.
    pub kept: Vec<KeptVersion>,
    /// Signature, once signed.
    pub signature: Option<Signature>,
    /// Addenda in order.
    pub addenda: Vec<AddendumRow>,
    /// The first impression with its time, when locked and this reader may see it.
    pub first_impression: Option<(String, Timestamp)>,
    /// What changed in the original report after this reader, the reviewer, had locked a first impression.
    pub original_change: Option<OriginalChange>,
    /// Overridden findings of the check, to be named as limits.
    pub limitations: Vec<String>,
    /// This reader may write the draft.
    pub may_edit: bool,
    /// This reader may sign now.
    pub may_sign: bool,
    /// This reader may add an addendum.
    pub may_add_addendum: bool,
    /// This reader has the comparison to sign that counts an addendum in.
    pub comparison_to_sign: bool,
    /// Last save.
    pub saved_at: Option<Timestamp>,
}

/// Returns the report page; for the accepted reviewer a draft is made on the first visit.
///
/// # Errors
/// `NotFound` when there is nothing this reader may see: drafts are the writer's alone.
pub async fn desk(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ReportDesk> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let desk = match file.own_task() {
        Ok(task) => own_desk(&mut tx, ctx, actor, &file, task, now).await?,
        Err(_) => {
            let row = readable(&mut tx, &file).await?.ok_or(StepError::NotFound)?;
            casework::note_read(&mut tx, actor, case_id, "second report", now).await?;
            desk_of(&mut tx, ctx, &file, row).await?
        }
    };
    tx.commit().await?;
    Ok(desk)
}

/// Returns the signed report as PDF, addenda included; noted as read.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn pdf(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Bytes> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::ViewReport)?;
    let row = readable(&mut tx, &file).await?.ok_or(StepError::NotFound)?;
    let paper = printing::report(&mut tx, ctx, &file, &row).await?;
    casework::note_read(&mut tx, actor, case_id, "second report", now).await?;
    tx.commit().await?;
    printing::print_report(paper).await
}

/// States in which the reviewer writes.
const BEING_WRITTEN: [CaseState; 3] = [
    CaseState::InReview,
    CaseState::InfoRequested,
    CaseState::ReportPreliminary,
];

pub(crate) fn draft_of(row: &ReportRow) -> StepResult<ReportDraft> {
    serde_json::from_str(&row.draft).map_err(StepError::internal)
}

/// Returns what was signed.
pub(crate) fn signed_content(row: &ReportRow) -> StepResult<SignedReport> {
    serde_json::from_str(row.signed.as_deref().unwrap_or_default()).map_err(StepError::internal)
}

/// Returns the signed report when this reader may see it: staff from the signature on, others once it is delivered.
pub(crate) async fn readable(tx: &mut Tx, file: &CaseFile) -> StepResult<Option<ReportRow>> {
    let staff = file.wears(CaseRole::Coordinator) || file.own_task().is_ok();
    let allowed =
        file.rights.contains(&Right::ViewReport) && (staff || file.row.delivered_at.is_some());
    if allowed {
        Ok(reports::signed(tx, &file.case_id).await?)
    } else {
        Ok(None)
    }
}

/// Returns the reviewer's own draft, made on the first visit.
async fn own_draft(
    tx: &mut Tx,
    actor: &Actor,
    file: &CaseFile,
    task: &TaskRow,
    now: Timestamp,
) -> StepResult<ReportRow> {
    if let Some(row) = reports::of_task(tx, &task.id).await? {
        return Ok(row);
    }
    let draft = ReportDraft {
        language: language_of(file),
        ..ReportDraft::default()
    };
    let row = ReportRow {
        id: casework::new_id(ReportId::from_random)?.as_str().to_owned(),
        case_id: file.case_id.as_str().to_owned(),
        task_id: task.id.clone(),
        person_id: casework::person_of(actor)?.as_str().to_owned(),
        version: 1,
        draft: serde_json::to_string(&draft).map_err(StepError::internal)?,
        created_at: now.as_micros(),
        saved_at: now.as_micros(),
        signed: None,
        signed_at: None,
        limitations: "[]".to_owned(),
    };
    reports::insert(tx, &row).await?;
    Ok(row)
}

pub(crate) fn language_of(file: &CaseFile) -> Language {
    if file.intake.who.language == "es" {
        Language::Es
    } else {
        Language::En
    }
}

/// Returns the overrides in force, as texts for the limits of the report.
pub(crate) async fn limitations(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<String>> {
    let rows = checks::overrides(tx, case_id).await?;
    Ok(rows
        .into_iter()
        .map(|row| format!("{}: {}", row.rule, row.reason))
        .collect())
}

fn sign_context(
    file: &CaseFile,
    task: &TaskRow,
    limitation_needed: bool,
    reauthenticated: bool,
) -> SignContext {
    SignContext {
        original_present: file.facts.report.original_present,
        first_impression_locked: task.first_impression_at.is_some(),
        urgent_opened: false,
        limitation_needed,
        reauthenticated,
        conflict_stated: task.independent != 0,
    }
}

/// The desk of the reviewer: the editor until the signature, then the signed report.
async fn own_desk(
    tx: &mut Tx,
    ctx: &Workflow,
    actor: &Actor,
    file: &CaseFile,
    task: &TaskRow,
    now: Timestamp,
) -> StepResult<ReportDesk> {
    let row = own_draft(tx, actor, file, task, now).await?;
    let original_change = reading::after_lock(tx, file).await?;
    if row.signed_at.is_some() {
        let mut desk = desk_of(tx, ctx, file, row).await?;
        desk.original_change = original_change;
        let report = &file.facts.report;
        desk.comparison_to_sign = !desk.addenda.is_empty()
            && (report.comparison_outdated || (report.comparison_built && report.result.is_none()));
        desk.may_add_addendum = matches!(file.state, CaseState::ReportFinal | CaseState::Delivered);
        return Ok(desk);
    }
    let open = BEING_WRITTEN.contains(&file.state);
    let draft = draft_of(&row)?;
    let limitations = limitations(tx, &file.case_id).await?;
    let context = sign_context(file, task, !limitations.is_empty(), true);
    let suggested = suggestions(tx, file).await?;
    let whole = completed(ctx, draft.clone(), &suggested);
    let problems = check_to_sign(&whole, &context, &ctx.knowledge.report);
    let kept = reports::kept(tx, &row.id).await?;
    Ok(ReportDesk {
        report_id: row.id.parse().map_err(StepError::internal)?,
        version: row.version,
        case_version: file.row.version,
        sections: fields_of(ctx, &draft, &context, &suggested),
        may_sign: open
            && problems.is_empty()
            && matches!(
                file.state,
                CaseState::InReview | CaseState::ReportPreliminary
            ),
        problems,
        kept: kept.into_iter().map(kept_of).collect::<StepResult<_>>()?,
        signature: None,
        addenda: Vec::new(),
        first_impression: reading::locked_impression(file)
            .map(|impression| (impression.text, impression.locked_at)),
        original_change,
        limitations,
        may_edit: open,
        may_add_addendum: false,
        comparison_to_sign: false,
        saved_at: Some(Timestamp::from_micros(row.saved_at)),
    })
}

/// The desk of a reader of the signed report.
async fn desk_of(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    row: ReportRow,
) -> StepResult<ReportDesk> {
    let signed = signed_content(&row)?;
    let addenda = addenda_of(tx, &row.id).await?;
    let impression = reading::locked_impression(file).filter(|_| reading::may_see_impression(file));
    Ok(ReportDesk {
        report_id: signed.report_id.clone(),
        version: row.version,
        case_version: file.row.version,
        sections: signed_fields(ctx, &signed),
        problems: Vec::new(),
        kept: Vec::new(),
        signature: Some(signature_of(&signed)),
        addenda: addenda.iter().map(addendum_row).collect(),
        first_impression: impression.map(|impression| (impression.text, impression.locked_at)),
        original_change: None,
        limitations: serde_json::from_str(&row.limitations).map_err(StepError::internal)?,
        may_edit: false,
        may_sign: false,
        may_add_addendum: false,
        comparison_to_sign: false,
        saved_at: None,
    })
}
