//! Choosing a reviewer: ranked with reasons, offered, accepted or declined.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, ReviewTaskId, ReviewerId};
use overread_model::time::Timestamp;
use serde::Deserialize;

use crate::{StepResult, Workflow};

/// A reviewer as a choice for this case.
pub struct Suggestion {
    /// Names the entry.
    pub reviewer_id: ReviewerId,
    /// Name with credentials.
    pub name: String,
    /// Institution.
    pub institution: String,
    /// `radiologist` or `clinical_specialist`.
    pub kind: String,
    /// Points, higher is better.
    pub score: i64,
    /// Why it fits, one reason an item, in words.
    pub reasons: Vec<String>,
    /// What to think of, one doubt an item, in words.
    pub doubts: Vec<String>,
    /// Why it cannot be chosen; empty when it can.
    pub excluded_because: Vec<String>,
    /// Fee in cents.
    pub fee_cents: Option<i64>,
    /// Currency.
    pub currency: String,
    /// Usual working days.
    pub turnaround_business_days: Option<i64>,
    /// Languages.
    pub languages: Vec<String>,
}

/// An offer made in this case.
pub struct OfferRow {
    /// Names the task.
    pub task_id: ReviewTaskId,
    /// Whom.
    pub reviewer_name: String,
    /// `chosen`, `offered`, `accepted`, `declined`, `lapsed`, `withdrawn`, `done`.
    pub state: String,
    /// Made.
    pub offered_at: Option<Timestamp>,
    /// Answer wanted by.
    pub respond_by: Option<Timestamp>,
    /// Answered.
    pub answered_at: Option<Timestamp>,
    /// Why declined.
    pub decline_reason: String,
}

/// What the page of reviewers shows.
pub struct ChoiceView {
    /// Version of the case.
    pub version: i64,
    /// State of the case.
    pub state: String,
    /// Sub-specialty the exam calls for, in words.
    pub subspecialty: String,
    /// Why: `Study description says LUMBAR SPINE`.
    pub subspecialty_because: Vec<String>,
    /// Not sure: a coordinator must look.
    pub low_confidence: bool,
    /// Radiologists, best first.
    pub radiologists: Vec<Suggestion>,
    /// Clinical specialists, best first.
    pub clinical_specialists: Vec<Suggestion>,
    /// Kinds of clinical specialists that fit, in words.
    pub clinical_kinds: Vec<String>,
    /// Offers so far.
    pub offers: Vec<OfferRow>,
    /// This reader may choose.
    pub may_choose: bool,
}

/// What a reviewer sees of an offer before accepting: no name, no images.
pub struct OfferView {
    /// The task.
    pub task_id: ReviewTaskId,
    /// Version of the case.
    pub version: i64,
    /// `MRI lumbar spine`.
    pub exam: String,
    /// Question.
    pub question: String,
    /// Urgency.
    pub urgency: String,
    /// Where the exam was done: for the conflict statement.
    pub facility: String,
    /// Who read it first: for the conflict statement; empty when unknown.
    pub first_reader: String,
    /// Region of the patient: for the licence.
    pub patient_region: String,
    /// Answer wanted by.
    pub respond_by: Option<Timestamp>,
    /// Report wanted by, if accepted now.
    pub report_due_at: Timestamp,
    /// Agreed fee in cents.
    pub fee_cents: Option<i64>,
    /// Currency.
    pub currency: String,
    /// How many studies and images.
    pub study_count: i64,
    /// How many images.
    pub instance_count: i64,
}

/// What a reviewer declares when accepting.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AcceptOffer {
    /// Did not read this exam first, and is not in the first reader's group.
    pub independent: bool,
    /// Has the licence that is needed.
    pub licensed: bool,
    /// What else should be known; may be empty.
    pub statement: String,
}

/// Returns the ranked choice.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ChoiceView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Chooses a reviewer: matching -> coverage_pending.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` with why this reviewer cannot be chosen.
pub async fn choose(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reviewer_id: &ReviewerId,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, reviewer_id, now))
}

/// Goes back to the choice: coverage_pending -> matching.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid`.
pub async fn change(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, now))
}

/// Says that nobody fits: matching -> declined.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` without a reason.
pub async fn nobody(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, reason, now))
}

/// Returns the offer to the reviewer it was made to.
///
/// # Errors
/// `NotFound` for everybody else.
pub async fn offer(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<OfferView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Accepts: offered -> in_review; the grant to read and write begins.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid` when not independent or not licensed.
pub async fn accept(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    form: &AcceptOffer,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, form.independent, now))
}

/// Declines with a reason: offered -> matching; not asked again for this case.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid` without a reason.
pub async fn decline(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, reason, now))
}
