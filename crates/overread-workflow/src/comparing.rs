//! Comparing both reports: the engine proposes, the reviewer signs the category.

use bytes::Bytes;
use overread_concordance::Concordance;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, ConcordanceId};
use overread_model::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{StepResult, Workflow};

/// A reviewer's correction of one item.
#[derive(Clone, Serialize, Deserialize)]
pub struct Correction {
    /// Position of the item in the comparison, from 0.
    pub item_idx: usize,
    /// Class in the reviewer's judgement.
    pub class: String,
    /// Why; may be empty.
    pub note: String,
}

/// What the reviewer decided.
pub struct Decision {
    /// Category the reviewer signed.
    pub overall: String,
    /// Remark; may be empty.
    pub note: String,
    /// Who.
    pub decided_by: String,
    /// When.
    pub decided_at: Timestamp,
}

/// What the comparison page shows.
pub struct ComparisonView {
    /// Names the comparison.
    pub concordance_id: ConcordanceId,
    /// Version of the case.
    pub case_version: i64,
    /// The engine's result.
    pub concordance: Concordance,
    /// Version of the engine that made it.
    pub engine_version: String,
    /// When.
    pub made_at: Timestamp,
    /// `MRI lumbar spine`.
    pub exam: String,
    /// Original report, verbatim, as it was compared.
    pub original_text: String,
    /// Second report, verbatim, as it was compared.
    pub second_text: String,
    /// Corrections by the reviewer.
    pub corrections: Vec<Correction>,
    /// The reviewer's decision, once made.
    pub decision: Option<Decision>,
    /// This reader may correct and decide.
    pub may_decide: bool,
}

/// What the reviewer sends.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct DecideComparison {
    /// `concordant`, `minor` or `major` (the engine's own names for the overall category).
    pub overall: String,
    /// Remark.
    pub note: String,
    /// Corrections of single items.
    pub corrections: Vec<Correction>,
}

/// Compares the signed report with the original report and keeps the result; asked twice, the first result stands
/// unless a text changed.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` when either report is missing.
pub async fn compare(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ConcordanceId> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Returns the comparison; noted as read.
///
/// # Errors
/// `NotFound` while there is none this reader may see.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ComparisonView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Signs the overall category, with corrections kept beside the engine's result.
///
/// # Errors
/// `NotFound`, `Forbidden` unless the reviewer who signed, `Invalid` for an unknown category.
pub async fn decide(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    form: &DecideComparison,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, form.overall.as_str(), now))
}

/// Returns both reports side by side as one PDF; noted as read.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn pdf(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Bytes> {
    crate::unfinished((ctx, actor, case_id, now))
}
