//! What the page of records says once the images of a case were deleted.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::{Tx, deletions, erasure_requests};

use crate::StepResult;

/// The last deletion in a case, as its people are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedImages {
    /// When.
    pub at: Timestamp,
    /// On whose word.
    pub by: DeletedBy,
    /// The case takes records, so that images may be brought again.
    pub may_come_again: bool,
}

/// On whose word images were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedBy {
    /// The reader asked for it.
    Reader,
    /// Somebody else of the case asked for it.
    Asked,
    /// An administrator.
    Administrator,
    /// A rule of retention.
    Rule,
}

/// Returns the last deletion in a case that was not taken back.
pub(super) async fn of_case(
    tx: &mut Tx,
    actor: &Actor,
    (case_id, may_come_again): (&CaseId, bool),
) -> StepResult<Option<DeletedImages>> {
    let Some(row) = deletions::last_of_case(tx, case_id).await? else {
        return Ok(None);
    };
    // What is deleted as it was asked for is answered in the same transaction.
    let request = erasure_requests::last_of_case(tx, case_id).await?;
    let request = request.filter(|request| {
        request.answered_at == Some(row.marked_at) && request.answer.as_deref() == Some("deleted")
    });
    let by = match request {
        Some(request) if request.asked_by == actor.id() => DeletedBy::Reader,
        Some(_) => DeletedBy::Asked,
        None if row.marked_by.is_empty() => DeletedBy::Rule,
        None => DeletedBy::Administrator,
    };
    Ok(Some(DeletedImages {
        at: Timestamp::from_micros(row.marked_at),
        by,
        may_come_again,
    }))
}
