//! The completeness and quality check of a case's records, and its overrides.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::{StepResult, Workflow};

/// One finding of the check.
pub struct FindingRow {
    /// Rule: `F01`.
    pub rule: String,
    /// `blocker`, `warning`, `info`.
    pub severity: String,
    /// What it is about: a series, a document.
    pub subject: String,
    /// In plain words, with what to do.
    pub message: String,
    /// Why it was waved through, when it was.
    pub overridden: Option<String>,
    /// Kind of letter that asks for what is missing: `records_request_access`; empty for none.
    pub letter_kind: String,
}

/// The last check.
pub struct CheckView {
    /// When.
    pub checked_at: Timestamp,
    /// Nothing blocks any more.
    pub ready: bool,
    /// Patients named in the images, for reading.
    pub patients: Vec<String>,
    /// Findings, blockers first.
    pub findings: Vec<FindingRow>,
    /// What is missing, in plain words.
    pub missing: Vec<String>,
}

/// Runs the check now and keeps its result.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn run(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CheckView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Waves findings of these rules through, with a reason that the reviewer and the report show.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Invalid` without reason or for rules that found nothing.
pub async fn override_rules(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    rules: &[String],
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, rules, reason, now))
}
