//! The gate before a reviewer is asked: somebody has agreed to pay, and how much.
//!
//! Small on purpose: a quote the patient accepts, or a payer's yes with the expected share. Plans, prior
//! authorisations and appeals have their own track later.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use serde::Deserialize;

use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_store::coverages::{self, CoverageRow};

use crate::casework::{self, CaseFile, Said, checked_reason, checked_text};
use crate::{FieldProblem, StepError, StepResult, Workflow, choosing, limits, reviewers};

/// What is known about the cost.
pub struct CoverageView {
    /// Version of the case.
    pub version: i64,
    /// State of the case.
    pub state: String,
    /// `none`, `quoted`, `accepted`, `covered`, `charity`, `denied`.
    pub status: String,
    /// What the second opinion costs, in cents.
    pub quote_cents: Option<i64>,
    /// What the patient pays of it, in cents.
    pub share_cents: Option<i64>,
    /// Currency.
    pub currency: String,
    /// Payer's name, when one pays.
    pub payer: String,
    /// Number of the payer's authorisation, when there is one.
    pub reference: String,
    /// Reason of a denial.
    pub denial_reason: String,
    /// Accepted.
    pub accepted_at: Option<Timestamp>,
    /// This reader may quote or record a payer's answer.
    pub may_quote: bool,
    /// This reader may accept the quote.
    pub may_accept: bool,
    /// This reader may refuse it: what they quoted is not paid.
    pub may_refuse: bool,
}

/// What a coordinator records.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct CoverageForm {
    /// `self_pay` (then the patient accepts), `covered`, `charity`.
    pub kind: String,
    /// Whole cost in cents.
    pub quote_cents: i64,
    /// Patient's share in cents.
    pub share_cents: i64,
    /// Currency: `USD`.
    pub currency: String,
    /// Payer, for `covered`.
    pub payer: String,
    /// Authorisation number, or `none needed`, for `covered`.
    pub reference: String,
}

/// Returns what is known about the cost.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CoverageView> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let row = coverages::find(&mut tx, case_id).await?;
    let here = file.state == CaseState::CoveragePending;
    let coverage = row.clone().unwrap_or_default();
    let open = is_open(&coverage);
    Ok(CoverageView {
        version: file.row.version,
        state: file.state.as_str().to_owned(),
        status: if row.is_none() {
            "none".to_owned()
        } else {
            coverage.status
        },
        quote_cents: coverage.quote_cents,
        share_cents: coverage.share_cents,
        currency: coverage.currency,
        payer: coverage.payer,
        reference: coverage.reference,
        denial_reason: coverage.denial_reason,
        accepted_at: coverage.accepted_at.map(Timestamp::from_micros),
        may_quote: here && file.wears(CaseRole::Coordinator),
        may_accept: here && open && may_accept(&file),
        may_refuse: here && open && (may_accept(&file) || file.wears(CaseRole::Coordinator)),
    })
}

/// Records a quote, or that a payer or charity pays; the latter two with a share of 0 send the offer at once.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid`.
pub async fn quote(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    form: &CoverageForm,
    now: Timestamp,
) -> StepResult<()> {
    let coverage = checked(form, now)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    file.require_state(
        &[CaseState::CoveragePending],
        "The cost is settled when a reviewer is chosen and not asked yet.",
    )?;
    file.expect(version)?;
    coverages::save(&mut tx, case_id, &coverage).await?;
    casework::note(
        &mut tx,
        &file,
        actor,
        "coverage.quoted",
        "The cost was quoted",
        Said::default(),
        now,
    )
    .await?;
    if coverage.share_cents == Some(0) {
        clear(&mut tx, ctx, &mut file, actor, now).await?;
    } else {
        file.save(&mut tx).await?;
    }
    Ok(tx.commit().await?)
}

/// Accepts the amount the patient pays: coverage_pending -> offered; the reviewer is told.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` when `share_cents` is not the quoted one.
pub async fn accept(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    share_cents: i64,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_accept(&file) {
        return Err(StepError::Forbidden);
    }
    file.require_state(
        &[CaseState::CoveragePending],
        "There is no cost to accept at present.",
    )?;
    file.expect(version)?;
    let mut coverage = coverages::find(&mut tx, case_id)
        .await?
        .ok_or_else(|| StepError::invalid("", "No cost was quoted yet."))?;
    if coverage.status == "denied" || coverage.share_cents != Some(share_cents) {
        return Err(StepError::invalid(
            "share_cents",
            "The quoted amount has changed. Please look at it again.",
        ));
    }
    coverage.accepted_at = Some(now.as_micros());
    coverage.accepted_by = Some(actor.id().to_owned());
    if coverage.kind == "self_pay" {
        coverage.status = "accepted".to_owned();
    }
    coverages::save(&mut tx, case_id, &coverage).await?;
    clear(&mut tx, ctx, &mut file, actor, now).await?;
    Ok(tx.commit().await?)
}

/// Says that the asking side does not pay the quoted sum: coverage_pending -> matching; the coordinator is told why.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` without a reason or a quote that waits for an answer.
pub async fn refuse(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_accept(&file) && !file.wears(CaseRole::Coordinator) {
        return Err(StepError::Forbidden);
    }
    file.require_state(
        &[CaseState::CoveragePending],
        "There is no cost to refuse at present.",
    )?;
    file.expect(version)?;
    let mut coverage = coverages::find(&mut tx, case_id).await?.unwrap_or_default();
    if !is_open(&coverage) {
        return Err(StepError::invalid(
            "",
            "There is no quoted sum that waits for an answer.",
        ));
    }
    let said = Said {
        note: reason,
        staff_only: false,
    };
    casework::note(
        &mut tx,
        &file,
        actor,
        "coverage.refused",
        "The quoted sum was not accepted",
        said,
        now,
    )
    .await?;
    choosing::withdraw(&mut tx, ctx, &mut file, actor, now).await?;
    coverage.status = "none".to_owned();
    coverage.quote_cents = None;
    coverage.share_cents = None;
    coverage.quoted_at = None;
    coverages::save(&mut tx, case_id, &coverage).await?;
    Ok(tx.commit().await?)
}

/// Records that the payer said no.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` without a reason.
pub async fn denied(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    let mut coverage = coverages::find(&mut tx, case_id).await?.unwrap_or_default();
    coverage.status = "denied".to_owned();
    coverage.denial_reason = reason.to_owned();
    coverage.accepted_at = None;
    file.facts.coverage.denial_reason_stored = true;
    let said = Said {
        note: reason,
        staff_only: false,
    };
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::CoverageDenied,
        said,
        now,
    )
    .await?;
    coverages::save(&mut tx, case_id, &coverage).await?;
    Ok(tx.commit().await?)
}

/// Says whether a quoted sum waits for an answer.
fn is_open(coverage: &CoverageRow) -> bool {
    coverage.share_cents.is_some() && coverage.accepted_at.is_none() && coverage.status != "denied"
}

/// The asking side accepts; a coordinator does where the asking side has no account (a case asked by phone).
fn may_accept(file: &CaseFile) -> bool {
    file.wears(CaseRole::Requester) || file.wears(CaseRole::Insurer)
}

/// Settles the cost and asks the reviewer.
async fn clear(
    tx: &mut overread_store::Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    actor: &Actor,
    now: Timestamp,
) -> StepResult<()> {
    file.facts.coverage = crate::facts::coverage(tx, &file.row).await?;
    choosing::send_offer(tx, ctx, file, now).await?;
    casework::apply(
        tx,
        ctx,
        file,
        actor,
        CaseEvent::CoverageCleared,
        Said::default(),
        now,
    )
    .await?;
    Ok(())
}

fn checked(form: &CoverageForm, now: Timestamp) -> StepResult<CoverageRow> {
    let mut problems = Vec::new();
    let mut add = |field: &str, message: &str| problems.push(FieldProblem::new(field, message));
    let status = match form.kind.as_str() {
        "self_pay" => "quoted",
        "covered" => "covered",
        "charity" => "charity",
        _ => {
            add("kind", "Choose who pays.");
            ""
        }
    };
    if !(0..=limits::AMOUNT_CENTS).contains(&form.quote_cents) {
        add("quote_cents", "Enter the whole cost.");
    }
    if form.share_cents < 0 || form.share_cents > form.quote_cents {
        add(
            "share_cents",
            "The patient's share lies between nothing and the whole cost.",
        );
    }
    if form.kind == "self_pay" && form.share_cents != form.quote_cents {
        add("share_cents", "Who pays alone pays the whole cost.");
    }
    if !reviewers::is_currency(&form.currency) {
        add("currency", "Write the currency with three letters, as USD.");
    }
    if form.kind == "covered" && (form.payer.trim().is_empty() || form.reference.trim().is_empty())
    {
        add(
            "reference",
            "Name the payer and its authorization number, or write: none needed.",
        );
    }
    crate::error::refuse_if_any(problems)?;
    Ok(CoverageRow {
        status: status.to_owned(),
        kind: form.kind.clone(),
        quote_cents: Some(form.quote_cents),
        share_cents: Some(form.share_cents),
        currency: form.currency.clone(),
        payer: checked_text("payer", &form.payer, limits::SHORT_TEXT_CHARACTERS, None)?.to_owned(),
        reference: checked_text(
            "reference",
            &form.reference,
            limits::SHORT_TEXT_CHARACTERS,
            None,
        )?
        .to_owned(),
        quoted_at: Some(now.as_micros()),
        ..CoverageRow::default()
    })
}
