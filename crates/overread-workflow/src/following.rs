//! After the result: follow-up, third opinion, outcome, and the list of what is overdue.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::{StepResult, Workflow};

/// One thing that waits too long.
pub struct OverdueRow {
    /// The case.
    pub case_id: CaseId,
    /// Its number.
    pub number: Option<String>,
    /// Case title.
    pub title: String,
    /// What waits: `Report not opened by Dr. Ruiz`, `Records letter not answered`, `Reviewer has not answered`.
    pub what: String,
    /// Since when it is overdue.
    pub due_at: Timestamp,
    /// Page where it is solved.
    pub path: String,
}

/// Opens the follow-up: delivered -> follow_up.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid`.
pub async fn open(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, now))
}

/// Asks for a third opinion: a child case with the same studies, first and second reader excluded.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` without a discordance.
pub async fn third_opinion(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<CaseId> {
    crate::unfinished((ctx, actor, case_id, version, now))
}

/// Closes with an outcome: `original_confirmed`, `second_confirmed`, `both_partly`, `undetermined`, `unknown`.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid`.
pub async fn close(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    outcome: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, outcome, now))
}

/// Lists what waits too long in the cases the actor may see, longest first.
///
/// # Errors
/// Fails when the store does.
pub async fn overdue(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<Vec<OverdueRow>> {
    crate::unfinished((ctx, actor, now))
}
