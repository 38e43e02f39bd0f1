//! A consent signed on paper: a coordinator enters what the paper says, and takes it back when its signer asks for that.

use overread_model::access::Actor;
use overread_model::case::{CaseRole, CaseState};
use overread_model::ids::CaseId;
use overread_model::text::folded;
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::consents::{self, ConsentRow as Row};
use overread_store::{Tx, audit};
use serde::Deserialize;

use super::{ConsentRow, put_in_force, row_of, scopes_of};
use crate::casework::{self, CaseFile, Said, checked_text};
use crate::error::refuse_if_any;
use crate::{FieldProblem, StepError, StepResult, Workflow, limits};

/// What a coordinator reads off the paper.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct PaperConsent {
    /// It allows the second opinion.
    pub scope_review: bool,
    /// It allows letters in the patient's name.
    pub scope_letters: bool,
    /// It allows the treating physician to see the result.
    pub scope_share: bool,
    /// It allows news by e-mail.
    pub scope_email: bool,
    /// It allows the insurer to read the result.
    pub scope_insurer: bool,
    /// Who may receive.
    pub receivers: String,
    /// Last day it holds, 2026-03-02.
    pub expires_on: String,
    /// Whose signature it bears.
    pub signature: String,
    /// What the authority of a representative rests on.
    pub authority: String,
    /// Day of the signature, 2026-03-02.
    pub signed_on: String,
    /// Where the paper is kept.
    pub paper_at: String,
}

/// Enters a consent that was signed on paper; in consent_pending the case moves on to records_collecting.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Invalid` for what no paper may say, when a consent is in force, or when one was taken
/// back after the paper was signed.
pub async fn enter_paper(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    form: &PaperConsent,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_enter(&file) {
        return Err(StepError::Forbidden);
    }
    let (row, signed_on) = checked(actor, &file, form, now)?;
    let before = consents::list(&mut tx, case_id).await?;
    if let Some(day) = taken_back_since(&before, signed_on) {
        return Err(StepError::invalid(
            "signed_on",
            format!(
                "A consent was taken back on {}. A paper signed on that day or before does not count any more; a new signature is needed.",
                day.in_english()
            ),
        ));
    }
    let by_patient = consents::taken_back_by_patient(&mut tx, case_id).await?;
    if by_patient.is_some() && row.authority_needed != 0 {
        return Err(StepError::invalid(
            "signature",
            "The patient took the consent back here. A paper counts now only when the patient has signed it.",
        ));
    }
    if before.into_iter().any(|row| row_of(row, now).active) {
        return Err(StepError::invalid(
            "",
            "A consent is in force already. It must be taken back before another one counts.",
        ));
    }
    // The paper bears the signature of the asking side; who entered it stands in its row and in the audit.
    file.hats.push(CaseRole::Requester);
    let note = format!(
        "Signed on paper by {} on {}. The paper is kept: {}",
        row.signature,
        signed_on.in_english(),
        row.paper_at
    );
    let said = Said {
        note: &note,
        staff_only: false,
    };
    put_in_force(&mut tx, ctx, &mut file, actor, (&row, said), now).await?;
    let event = audit::AuditEvent::new("consent.entered_from_paper")
        .in_case(case_id)
        .on("consent", &row.id);
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}

/// Says whether the reader may enter what was signed on paper.
pub(super) fn may_enter(file: &CaseFile) -> bool {
    file.wears(CaseRole::Coordinator) && !file.state.is_end() && file.state != CaseState::Draft
}

/// Says whether the reader may take a consent back for whoever signed it on paper.
pub(super) fn may_take_back(file: &CaseFile, signed: &[ConsentRow]) -> bool {
    may_enter(file)
        && signed
            .iter()
            .any(|row| row.active && !row.paper_at.is_empty())
}

/// Lets a coordinator take back, with a reason, what was signed on paper: its signer may have no account to do it with.
pub(super) async fn take_back_for(
    tx: &mut Tx,
    file: &mut CaseFile,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let rows = consents::list(tx, &file.case_id).await?;
    let signed: Vec<ConsentRow> = rows.into_iter().map(|row| row_of(row, now)).collect();
    if !may_take_back(file, &signed) {
        return Err(StepError::Forbidden);
    }
    casework::checked_reason(reason)?;
    file.hats.push(CaseRole::Requester);
    Ok(())
}

/// Returns the last day on which a consent was taken back, unless the paper was signed after it.
fn taken_back_since(rows: &[Row], signed_on: CalendarDate) -> Option<CalendarDate> {
    let days = rows.iter().filter_map(|row| row.revoked_at);
    let last = days.map(|at| Timestamp::from_micros(at).date()).max()?;
    (signed_on <= last).then_some(last)
}

/// Checks what the paper says; returns the row and the day of the signature.
fn checked(
    actor: &Actor,
    file: &CaseFile,
    form: &PaperConsent,
    now: Timestamp,
) -> StepResult<(Row, CalendarDate)> {
    let signature = needed(
        &form.signature,
        "signature",
        "Write the name of who signed.",
    )?;
    let receivers = needed(
        &form.receivers,
        "receivers",
        "Write who may receive the records, as the paper form.",
    )?;
    let paper_at = needed(
        &form.paper_at,
        "paper_at",
        "Write where the paper or its scan is kept.",
    )?;
    let authority = checked_text(
        "authority",
        &form.authority,
        limits::SHORT_TEXT_CHARACTERS,
        None,
    )?;
    let mut problems = Vec::new();
    let mut tell = |field: &str, message: &str| problems.push(FieldProblem::new(field, message));
    if !form.scope_review {
        tell(
            "scope_review",
            "Without this the second opinion is not possible.",
        );
    }
    let is_patient = folded(signature) == folded(&file.intake.who.patient_name);
    if !is_patient && folded(authority).is_empty() {
        tell(
            "authority",
            "This is not the patient's name. Say what the authority to sign rests on, for example mother, or power of attorney; or correct the name.",
        );
    }
    let born = file.intake.who.patient_birth_date.parse().ok();
    let (signed_on, expires_on) = days(form, born, now, &mut tell);
    refuse_if_any(problems)?;
    let (Some(signed_on), Some(expires_on)) = (signed_on, expires_on) else {
        return Err(StepError::invalid("", "Write both days."));
    };
    let row = Row {
        id: casework::new_id(CaseId::from_random)?.as_str().to_owned(),
        case_id: file.case_id.as_str().to_owned(),
        signed_by: casework::person_of(actor)?.as_str().to_owned(),
        signature: signature.to_owned(),
        authority: authority.to_owned(),
        authority_needed: i32::from(!is_patient),
        scopes: scopes_of([
            form.scope_review,
            form.scope_letters,
            form.scope_share,
            form.scope_email,
            form.scope_insurer,
        ]),
        receivers: receivers.to_owned(),
        // What was signed is the paper, not a text of ours.
        text_digest: Vec::new(),
        signed_at: signed_on.start().as_micros(),
        expires_at: expires_on.plus_days(1).start().as_micros(),
        revoked_at: None,
        paper_at: paper_at.to_owned(),
    };
    Ok((row, signed_on))
}

/// Reads both days, and tells which of them no paper may say: nobody signs before the patient is born, and what was signed longer ago
/// than a consent may hold counts no more.
fn days(
    form: &PaperConsent,
    born: Option<CalendarDate>,
    now: Timestamp,
    tell: &mut impl FnMut(&str, &str),
) -> (Option<CalendarDate>, Option<CalendarDate>) {
    let today = now.date();
    let oldest = now.plus_days(-limits::CONSENT_MAX_DAYS).date();
    let earliest = born.map_or(oldest, |born| born.max(oldest));
    let signed_on = day(&form.signed_on).filter(|day| *day <= today && *day >= earliest);
    if signed_on.is_none() {
        tell(
            "signed_on",
            "Write the day of the signature, as 2026-03-02: not after today, not before the patient was born, and at most three years ago. An older paper does not count any more.",
        );
    }
    let last = signed_on
        .unwrap_or(today)
        .plus_days(limits::CONSENT_MAX_DAYS);
    let expires_on = day(&form.expires_on).filter(|day| *day >= today && *day <= last);
    if expires_on.is_none() {
        tell(
            "expires_on",
            "Write the last day on which it holds: from today on, at most three years after the signature, as 2026-03-02.",
        );
    }
    (signed_on, expires_on)
}

fn day(text: &str) -> Option<CalendarDate> {
    text.trim().parse().ok()
}

fn needed<'a>(text: &'a str, field: &str, message: &str) -> StepResult<&'a str> {
    checked_text(field, text, limits::LONG_TEXT_CHARACTERS, Some(message))
}
