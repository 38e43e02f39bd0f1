//! The gate before a reviewer is asked: somebody has agreed to pay, and how much.
//!
//! Small on purpose: a quote the patient accepts, or a payer's yes with the expected share. Plans, prior
//! authorisations and appeals have their own track later.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use serde::Deserialize;

use crate::{StepResult, Workflow};

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
    crate::unfinished((ctx, actor, case_id, now))
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
    crate::unfinished((ctx, actor, case_id, version, form.kind.as_str(), now))
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
    crate::unfinished((ctx, actor, case_id, version, share_cents, now))
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
    crate::unfinished((ctx, actor, case_id, version, reason, now))
}
