//! What the page of a case tells beside its way: what the physician decided, and what the coordinator must look at.

use overread_model::access::Right;
use overread_model::case::CaseRole;
use overread_model::time::Timestamp;
use overread_store::{Tx, links};

use crate::casework::CaseFile;
use crate::{StepResult, Workflow, asking, checking, delivering, letters, reading, treating};

/// What a treating physician decided.
pub struct Decision {
    /// Who.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// What, as others are told.
    pub words: String,
    /// The newest addendum, or comparison signed again, that was signed since.
    pub changed_at: Option<Timestamp>,
}

/// Returns the newest decision that was recorded behind a link, for those who may read the result.
pub(super) async fn decision(tx: &mut Tx, file: &CaseFile) -> StepResult<Option<Decision>> {
    if !file.rights.contains(&Right::ViewReport) || reading::is_before_lock(file) {
        return Ok(None);
    }
    let decided = links::list(tx, &file.case_id).await?;
    let newest = decided
        .into_iter()
        .filter_map(|link| Some((link.decided_at?, link)))
        .max_by_key(|(at, _)| *at);
    let changes = delivering::changes(tx, &file.case_id, file.row.delivered_at).await?;
    Ok(newest.map(|(at, link)| Decision {
        at: Timestamp::from_micros(at),
        changed_at: changes
            .last()
            .copied()
            .filter(|change| change.as_micros() > at),
        words: treating::decision_told(link.decision.as_deref().unwrap_or_default()),
        who: link.recipient_name,
    }))
}

/// Returns what seems to be of another exam than the one asked about, for the coordinator of an open case.
pub(super) async fn warnings(tx: &mut Tx, file: &CaseFile) -> StepResult<Vec<String>> {
    if !is_looked_after(file) {
        return Ok(Vec::new());
    }
    checking::other_exams(tx, &file.case_id).await
}

/// Returns which answers are of another place or side than the scan, for the coordinator of an open case.
pub(super) fn differing_answers(ctx: &Workflow, file: &CaseFile) -> Vec<String> {
    if !is_looked_after(file) {
        return Vec::new();
    }
    asking::differing_answers(ctx, &file.intake)
}

/// Says whether the reader is a coordinator of an open case, who may know what the request says of the first reading.
fn is_looked_after(file: &CaseFile) -> bool {
    let looks = file.wears(CaseRole::Coordinator) && !reading::is_before_lock(file);
    looks && !file.state.is_end()
}

/// Returns which letters went out naming another patient or exam than the case does now, for those who write letters.
pub(super) async fn sent_astray(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
) -> StepResult<Vec<String>> {
    if !file.rights.contains(&Right::WriteLetters) || reading::is_before_lock(file) {
        return Ok(Vec::new());
    }
    letters::sent_astray(tx, ctx, file).await
}
