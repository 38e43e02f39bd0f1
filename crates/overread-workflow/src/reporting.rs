//! The second report: draft with autosave, signature, addendum, PDF.

mod editor;

use std::collections::BTreeMap;

use bytes::Bytes;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, ReportId};
use overread_model::time::Timestamp;

use overread_model::access::Right;
use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_model::letter::Language;
use overread_model::report::Addendum;
use overread_model::report::{
    ReportDraft, SignContext, SignedReport, Signer, add_addendum, check_to_sign,
    sign as sign_report,
};
use overread_store::reports::{self, ReportRow};
use overread_store::review_tasks::TaskRow;
use overread_store::{Tx, checks, reviewers as directory};

use crate::casework::{self, CaseFile, Said, checked_text};
use crate::reading::OriginalChange;
use crate::{
    StepError, StepResult, Workflow, checking, choosing, comparing, limits, printing, reading,
    reviewers, signing_in,
};

pub(crate) use editor::signed_fields;
use editor::{completed, fields_of, kept_of, suggestions};

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

/// An addendum.
pub struct AddendumRow {
    /// 1, 2, ...
    pub number: i64,
    /// Why.
    pub reason: String,
    /// Text.
    pub text: String,
    /// Who.
    pub signed_by: String,
    /// When.
    pub signed_at: Timestamp,
    /// BLAKE3 over report hash, number, reason and text, in hex.
    pub hash: String,
}

/// A signature.
pub struct Signature {
    /// Name with credentials.
    pub name: String,
    /// When.
    pub signed_at: Timestamp,
    /// BLAKE3 of the signed content in hex: the verification code.
    pub hash: String,
    /// Declared independence.
    pub conflict_statement: String,
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
    /// Last save.
    pub saved_at: Option<Timestamp>,
}

/// What a reviewer says in order to sign.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    /// Version of the draft that was read through.
    pub version: i64,
    /// The password once more.
    pub password: &'a str,
    /// Version of the original report that was read after a change; 0 when none was confirmed.
    pub seen_original_version: i64,
}

/// What saving a draft led to.
pub enum DraftSaved {
    /// Kept as the newest.
    Saved {
        /// New version.
        version: i64,
        /// When.
        saved_at: Timestamp,
    },
    /// Another tab saved first: this text was kept beside it, nothing is lost.
    Conflict {
        /// Version of the newest draft.
        version: i64,
        /// Names the text that was kept beside.
        kept_id: String,
    },
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

/// Saves the draft's sections (those given; others stay).
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for an unknown section, a text too long, or a signed report.
pub async fn save_draft(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    fields: &Sections,
    now: Timestamp,
) -> StepResult<DraftSaved> {
    let edit = DraftEdit {
        version,
        fields,
        before: None,
    };
    autosave(ctx, actor, case_id, edit, now).await
}

/// What an editor sends while somebody writes.
#[derive(Clone, Copy)]
pub struct DraftEdit<'a> {
    /// Version that the text was based on.
    pub version: i64,
    /// Sections as they are now.
    pub fields: &'a Sections,
    /// Sections as this editor sent them last without hearing an answer; when the newest draft is just that, it is the
    /// editor's own, and what it sends now goes on from there.
    pub before: Option<&'a Sections>,
}

/// Saves the draft as [`save_draft`] does, and knows an editor's own text again when its answer was lost on the way:
/// a page that was left, a connection that broke.
///
/// # Errors
/// As [`save_draft`].
pub async fn autosave(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    edit: DraftEdit<'_>,
    now: Timestamp,
) -> StepResult<DraftSaved> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let task = file.own_task()?;
    file.require_state(
        &BEING_WRITTEN,
        "The report is not open for writing at present.",
    )?;
    let mut row = own_draft(&mut tx, actor, &file, task, now).await?;
    if row.signed_at.is_some() {
        return Err(StepError::invalid(
            "",
            "The report is signed and cannot change. Add an addendum instead.",
        ));
    }
    let stored = draft_of(&row)?;
    let with = |fields: &Sections| {
        let mut draft = stored.clone();
        draft
            .apply(fields, &ctx.knowledge.report)
            .map_err(StepError::Invalid)?;
        serde_json::to_string(&draft).map_err(StepError::internal)
    };
    let text = with(edit.fields)?;
    let unchanged = serde_json::to_string(&stored).map_err(StepError::internal)?;
    let newest = row.version;
    if newest != edit.version && text == unchanged {
        return Ok(DraftSaved::Saved {
            version: newest,
            saved_at: Timestamp::from_micros(row.saved_at),
        });
    }
    let is_own = match edit.before {
        Some(before) => with(before)? == unchanged,
        None => false,
    };
    if newest == edit.version || is_own {
        row.draft = text;
        row.saved_at = now.as_micros();
        if reports::save(&mut tx, &row).await? {
            tx.commit().await?;
            return Ok(DraftSaved::Saved {
                version: newest + 1,
                saved_at: now,
            });
        }
        return Err(StepError::Stale);
    }
    let kept_id = casework::new_id(ReportId::from_random)?.as_str().to_owned();
    let kept = reports::KeptRow {
        id: kept_id.clone(),
        saved_at: now.as_micros(),
        draft: text,
    };
    reports::keep(&mut tx, &row.id, &kept, limits::KEPT_VERSIONS).await?;
    tx.commit().await?;
    Ok(DraftSaved::Conflict {
        version: newest,
        kept_id,
    })
}

/// Drops a kept version after its writer has taken over what was needed.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn drop_kept(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    kept_id: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let row = reports::of_task(&mut tx, &file.own_task()?.id)
        .await?
        .ok_or(StepError::NotFound)?;
    if !reports::drop_kept(&mut tx, &row.id, kept_id).await? {
        return Err(StepError::NotFound);
    }
    Ok(tx.commit().await?)
}

/// Signs: the password is asked again, the text is locked, hash and time are kept; in_review -> report_final.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Limit`, `Invalid` with missing sections, field `password`, or field
/// `seen_original` when the original report changed after the lock and its new version was not confirmed as read.
pub async fn sign(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    signing: Signing<'_>,
    now: Timestamp,
) -> StepResult<Signature> {
    {
        // Nobody is asked for a password for a report that is not theirs.
        let mut tx = ctx.store.read().await?;
        casework::load(&mut tx, actor, case_id, now)
            .await?
            .own_task()?;
    }
    signing_in::ask_again(ctx, actor, signing.password, now).await?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    let task = file.own_task()?.clone();
    file.require_state(&BEING_WRITTEN, "The report cannot be signed at present.")?;
    checking::require_one_patient(&mut tx, case_id).await?;
    let mut row = reports::of_task(&mut tx, &task.id)
        .await?
        .ok_or(StepError::NotFound)?;
    if row.version != signing.version || row.signed_at.is_some() {
        return Err(StepError::Stale);
    }
    confirm_original(&mut tx, &file, actor, signing.seen_original_version, now).await?;
    let limitations = limitations(&mut tx, case_id).await?;
    let context = sign_context(&file, &task, !limitations.is_empty(), true);
    let signer = signer_of(&mut tx, ctx, actor, &task).await?;
    let ids = (
        case_id.clone(),
        row.id.parse().map_err(StepError::internal)?,
        1,
    );
    let suggested = suggestions(&mut tx, &file).await?;
    let signed = sign_report(
        &completed(ctx, draft_of(&row)?, &suggested),
        ids,
        &context,
        signer,
        &ctx.knowledge.report,
        now,
    )
    .map_err(StepError::Invalid)?;
    row.signed = Some(serde_json::to_string(&signed).map_err(StepError::internal)?);
    row.signed_at = Some(now.as_micros());
    row.limitations = serde_json::to_string(&limitations).map_err(StepError::internal)?;
    if !reports::sign(&mut tx, &row).await? {
        return Err(StepError::Stale);
    }
    let facts = &mut file.facts.report;
    (facts.reauthenticated, facts.mandatory_sections_filled) = (true, true);
    (facts.quality_assessed, facts.agreement_set) = (true, true);
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::Sign,
        Said::default(),
        now,
    )
    .await?;
    overread_store::review_tasks::end(&mut tx, &task.id, "done", "", now).await?;
    let original_exists = file.facts.report.original_present;
    tx.commit().await?;
    if original_exists && let Err(error) = comparing::compare(ctx, actor, case_id, now).await {
        // The signature stands; the comparison can be asked for again from its page.
        tracing::error!(case.id = %case_id, %error, "the comparison was not made after signing");
    }
    Ok(signature_of(&signed))
}

/// Refuses to sign over an original report that changed after the lock until its new version is confirmed as read.
async fn confirm_original(
    tx: &mut Tx,
    file: &CaseFile,
    actor: &Actor,
    seen_version: i64,
    now: Timestamp,
) -> StepResult<()> {
    let Some(change) = reading::after_lock(tx, file).await? else {
        return Ok(());
    };
    if change.version != seen_version {
        return Err(StepError::invalid(
            "seen_original",
            "The first report was changed after you locked your first impression. Read it as it is now, and confirm that you have.",
        ));
    }
    let what = "The reviewer confirmed having read the first report as changed after the lock";
    let event = "report.original_change_seen";
    casework::note(tx, file, actor, event, what, Said::default(), now).await
}

/// Adds a signed addendum to the signed report.
///
/// # Errors
/// As [`sign`].
pub async fn addendum(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    text: &str,
    password: &str,
    now: Timestamp,
) -> StepResult<()> {
    {
        let mut tx = ctx.store.read().await?;
        casework::load(&mut tx, actor, case_id, now)
            .await?
            .own_task()?;
    }
    signing_in::ask_again(ctx, actor, password, now).await?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    let task = file.own_task()?.clone();
    let row = reports::of_task(&mut tx, &task.id)
        .await?
        .filter(|row| row.signed_at.is_some())
        .ok_or(StepError::NotFound)?;
    let signed = signed_content(&row)?;
    let earlier = addenda_of(&mut tx, &row.id).await?;
    let signer = signer_of(&mut tx, ctx, actor, &task).await?;
    let addendum = add_addendum(&signed, &earlier, (reason, text), signer, true, now)
        .map_err(StepError::Invalid)?;
    let kept = reports::AddendumRow {
        number: i64::from(addendum.number),
        content: serde_json::to_string(&addendum).map_err(StepError::internal)?,
        signed_at: now.as_micros(),
    };
    reports::add_addendum(&mut tx, &row.id, &kept)
        .await
        .map_err(|error| {
            if error.is_unique_violation() {
                StepError::Stale
            } else {
                error.into()
            }
        })?;
    file.facts.given.reason = true;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::Addendum,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Asks the requester for more: in_review -> info_requested; the clock stops.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` without a question.
pub async fn request_info(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    question: &str,
    now: Timestamp,
) -> StepResult<()> {
    let question = checked_text(
        "question",
        question,
        limits::LONG_TEXT_CHARACTERS,
        Some("Write your question."),
    )?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.own_task()?;
    file.facts.given.question = true;
    let said = Said {
        note: question,
        staff_only: false,
    };
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::RequestInfo,
        said,
        now,
    )
    .await?;
    let row = reports::InfoRow {
        id: casework::new_id(ReportId::from_random)?.as_str().to_owned(),
        question: question.to_owned(),
        asked_at: now.as_micros(),
        answer: None,
        answered_at: None,
    };
    reports::ask(&mut tx, case_id, &row, actor.id()).await?;
    Ok(tx.commit().await?)
}

/// Answers the reviewer's question: info_requested -> in_review.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn supply_info(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    answer: &str,
    now: Timestamp,
) -> StepResult<()> {
    let answer = checked_text(
        "answer",
        answer,
        limits::LONG_TEXT_CHARACTERS,
        Some("Write your answer."),
    )?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    let said = Said {
        note: answer,
        staff_only: false,
    };
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::InfoSupplied,
        said,
        now,
    )
    .await?;
    reports::answer(&mut tx, case_id, answer, actor.id(), now.as_micros()).await?;
    Ok(tx.commit().await?)
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

pub(crate) async fn addenda_of(tx: &mut Tx, report_id: &str) -> StepResult<Vec<Addendum>> {
    let rows = reports::addenda(tx, report_id).await?;
    rows.iter()
        .map(|row| serde_json::from_str(&row.content).map_err(StepError::internal))
        .collect()
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

/// Returns who signs, as it stands under the report.
async fn signer_of(
    tx: &mut Tx,
    ctx: &Workflow,
    actor: &Actor,
    task: &TaskRow,
) -> StepResult<Signer> {
    let person_id = casework::person_of(actor)?;
    let id = task.reviewer_id.parse().map_err(StepError::internal)?;
    let entry = directory::find(tx, &id).await?.ok_or(StepError::NotFound)?;
    let form = reviewers::form_of(&entry)?;
    let statement = task.conflict_statement.trim();
    let subspecialty = form.subspecialties.first().map_or("", String::as_str);
    let licence = if form.npi.is_empty() {
        form.licence_regions.join(", ")
    } else {
        format!("NPI {}", form.npi)
    };
    Ok(Signer {
        person_id: person_id.clone(),
        name: form.name,
        credentials: form.credentials,
        licence,
        subspecialty: choosing::title_of(ctx, subspecialty),
        conflict_statement: if statement.is_empty() {
            INDEPENDENT.to_owned()
        } else {
            format!("{INDEPENDENT} {statement}")
        },
    })
}

const INDEPENDENT: &str =
    "I did not read this exam before and belong to no group of the first reader.";

pub(crate) fn signature_of(signed: &SignedReport) -> Signature {
    Signature {
        name: choosing::signed_name(&signed.signer.name, &signed.signer.credentials),
        signed_at: signed.signed_at,
        hash: signed.hash.to_string(),
        conflict_statement: signed.signer.conflict_statement.clone(),
    }
}

pub(crate) fn addendum_row(addendum: &Addendum) -> AddendumRow {
    AddendumRow {
        number: i64::from(addendum.number),
        reason: addendum.reason.clone(),
        text: addendum.text.clone(),
        signed_by: choosing::signed_name(&addendum.signer.name, &addendum.signer.credentials),
        signed_at: addendum.signed_at,
        hash: addendum.hash.to_string(),
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
        saved_at: None,
    })
}
