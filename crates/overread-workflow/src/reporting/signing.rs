//! Signing the report, over the original report the reviewer saw.

use overread_model::access::Actor;
use overread_model::case::CaseEvent;
use overread_model::ids::CaseId;
use overread_model::report::{SignedReport, Signer, sign as sign_report};
use overread_model::time::Timestamp;
use overread_store::reports;
use overread_store::review_tasks::TaskRow;
use overread_store::{Tx, reviewers as directory};

use super::{
    BEING_WRITTEN, completed, draft_of, limitations, sign_context, signed_fields, suggestions,
};
use crate::casework::{self, CaseFile, Said};
use crate::reading;
use crate::{
    StepError, StepResult, Workflow, checking, choosing, comparing, exams, reviewers, signing_in,
};

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

/// What a reviewer says in order to sign.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    /// Version of the draft that was read through.
    pub version: i64,
    /// The password once more.
    pub password: &'a str,
    /// Version of the original report that was read after a change; 0 when none was confirmed.
    pub seen_original_version: i64,
    /// Doubts about patient, side or exam were read, and the text holds as it stands.
    pub seen_doubts: bool,
}

/// Signs: the password is asked again, the text is locked, hash and time are kept; in_review -> report_final.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Limit`, `Invalid` with missing sections, field `password`, or field
/// `seen_original` when the original report changed after the lock and its new version was not confirmed as read, or field
/// `seen_doubts` when the text speaks of another patient, side or exam and that was not confirmed.
pub async fn sign(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    signing: Signing<'_>,
    now: Timestamp,
) -> StepResult<Signature> {
    require_own_report(ctx, actor, case_id, now).await?;
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
    confirm_doubts(
        &mut tx,
        ctx,
        &file,
        actor,
        &signed,
        signing.seen_doubts,
        now,
    )
    .await?;
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

/// Refuses who does not write the report of this case: nobody is asked for a password for a report that is not theirs.
async fn require_own_report(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.own_task().map(|_| ())
}

/// Refuses to sign a text that speaks of another patient, side or exam until that is confirmed.
async fn confirm_doubts(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    actor: &Actor,
    signed: &SignedReport,
    is_seen: bool,
    now: Timestamp,
) -> StepResult<()> {
    let mut doubts = comparing::doubts_of_harm(tx, file, signed).await?;
    doubts.extend(on_other_side(ctx, file, signed));
    if doubts.is_empty() {
        return Ok(());
    }
    if !is_seen {
        let doubts = doubts.join(" ");
        return Err(StepError::invalid(
            "seen_doubts",
            format!(
                "Check the patient, the side and the exam before you sign. {doubts} Correct your text, or confirm that it is right as it stands."
            ),
        ));
    }
    let what =
        "The reviewer confirmed the patient, the side and the exam of the report before signing";
    let said = Said {
        note: "",
        staff_only: true,
    };
    casework::note(tx, file, actor, "report.doubts_seen", what, said, now).await
}

/// Says which sections name the other side of the exam: what was filled in from the request may be older than its correction.
fn on_other_side(ctx: &Workflow, file: &CaseFile, signed: &SignedReport) -> Vec<String> {
    let asked = exams::asked(&file.intake);
    let fields = signed_fields(ctx, signed).into_iter();
    let doubts = fields.filter_map(|field| {
        let told = asked.differs_in_side(&field.text, &ctx.knowledge.specialties)?;
        Some(format!("{}: {told}.", field.title))
    });
    doubts.collect()
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

/// Returns who signs, as it stands under the report.
pub(super) async fn signer_of(
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
