//! Deleting, restoring and erasing.

use std::collections::BTreeSet;

use overread_ingest::Receipt;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, DeletionId};
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::deletions::{self, NewDeletion};
use overread_store::studies::StudyKey;
use overread_store::{Tx, checks, legal_holds};

use super::Target;
use crate::casework::{self, Said, checked_reason, new_id};
use crate::people::require_administrator;
use crate::{StepError, StepResult, Workflow, limits, records};

/// What was deleted, and what was left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marked {
    /// Studies that nobody reaches any more.
    pub studies: usize,
    /// Studies of the case that another case holds, too; they were left.
    pub shared: usize,
    /// Studies that a legal hold covers; they were left.
    pub held: usize,
}

/// What is deleted together, and its cases, which are judged again after the commit.
pub(super) struct Marking<'a> {
    pub(super) reason: &'a str,
    pub(super) marked: Marked,
    pub(super) cases: Vec<CaseId>,
    /// Other cases that hold what was left.
    pub(super) sharing: BTreeSet<CaseId>,
}

impl<'a> Marking<'a> {
    pub(super) fn new(reason: &'a str) -> Self {
        Self {
            reason,
            marked: Marked::default(),
            cases: Vec::new(),
            sharing: BTreeSet::new(),
        }
    }
}

/// Deletes a study, or what of a case no other case holds: nobody reaches it any more, and once the period of grace is over it
/// is erased.
///
/// # Errors
/// `Forbidden` unless administrator; `Invalid` without a reason, when nothing of that name is there, while somebody decides by
/// the images, or when there is nothing to delete.
pub async fn delete(
    ctx: &Workflow,
    actor: &Actor,
    named: &str,
    reason: &str,
    now: Timestamp,
) -> StepResult<Marked> {
    require_administrator(actor)?;
    let mut marking = Marking::new(checked_reason(reason)?);
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    match Target::find(&mut tx, named).await? {
        Target::Case(case_id) => {
            mark_case(&mut tx, ctx, actor, &case_id, &mut marking, now).await?
        }
        Target::Study(study) => {
            if legal_holds::covers(&mut tx, study).await? {
                return Err(StepError::invalid(
                    "named",
                    "A legal hold covers this exam. It was not deleted. Lift the hold first, if it may be lifted.",
                ));
            }
            mark_study(&mut tx, ctx, actor, study, &mut marking, now).await?;
        }
    }
    finish(ctx, tx, marking, now).await
}

/// Commits, and judges the open cases again: what they lack now must show.
pub(super) async fn finish(
    ctx: &Workflow,
    tx: Tx,
    marking: Marking<'_>,
    now: Timestamp,
) -> StepResult<Marked> {
    tx.commit().await?;
    judge_again(ctx, marking.cases, now).await;
    Ok(marking.marked)
}

/// Judges cases whose studies have changed. What fails here is done by the next round, or by the next delivery.
async fn judge_again(ctx: &Workflow, mut cases: Vec<CaseId>, now: Timestamp) {
    cases.sort();
    cases.dedup();
    for case_id in cases {
        let mut nothing = Receipt::default();
        let judged = records::arrived(ctx, &Actor::System, &case_id, &mut nothing, now).await;
        if let Err(error) = judged {
            tracing::warn!(case.id = %case_id, %error, "a case was not judged again after a deletion");
        }
    }
}

/// Marks what of a case no other case holds.
pub(super) async fn mark_case(
    tx: &mut Tx,
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    marking: &mut Marking<'_>,
    now: Timestamp,
) -> StepResult<()> {
    let mut studies = checks::studies_to_judge(tx, case_id).await?;
    let held_back = checks::held_back(tx, case_id).await?;
    studies.extend(held_back.into_iter().map(|row| row.study));
    for row in studies {
        let study = StudyKey(row.id);
        let cases = checks::cases_of_study(tx, study).await?;
        if cases.iter().any(|other| other != case_id) {
            marking.marked.shared += 1;
            let others = cases.into_iter().filter(|other| other != case_id);
            marking.sharing.extend(others);
        } else if legal_holds::covers(tx, study).await? {
            marking.marked.held += 1;
        } else {
            mark_study(tx, ctx, actor, study, marking, now).await?;
        }
    }
    if marking.marked == Marked::default() {
        return Err(StepError::invalid(
            "named",
            "There are no images to delete.",
        ));
    }
    Ok(())
}

/// Marks one study, which no hold covers, and tells its cases.
pub(super) async fn mark_study(
    tx: &mut Tx,
    ctx: &Workflow,
    actor: &Actor,
    study: StudyKey,
    marking: &mut Marking<'_>,
    now: Timestamp,
) -> StepResult<()> {
    let cases = checks::cases_of_study(tx, study).await?;
    for case_id in &cases {
        let file = casework::load(tx, &Actor::System, case_id, now).await?;
        if !file.state.may_lose_images() {
            return Err(StepError::invalid(
                "named",
                "A case that holds this exam is being worked on, and somebody may decide by its images. Nothing was deleted. \
                 Have the case withdrawn or closed first.",
            ));
        }
    }
    let id = new_id(DeletionId::from_random)?;
    let erase_at = ctx.config.keeping.erase_at(now);
    let new = NewDeletion {
        id: &id,
        study,
        reason: marking.reason,
        erase_at,
    };
    if !deletions::mark(tx, &new, actor, now).await? {
        return Err(StepError::invalid("named", "This exam is deleted already."));
    }
    let event = AuditEvent::new("study.deleted")
        .on("study", study)
        .with(serde_json::json!({"deletion": id, "erase_at": erase_at}));
    audit::record(tx, actor, &event, now).await?;
    let what = format!(
        "The images of an exam were deleted; an administrator can restore them until {}",
        erase_at.date().in_english()
    );
    tell(tx, actor, &cases, "case.study_deleted", &what, now).await?;
    marking.marked.studies += 1;
    marking.cases.extend(cases);
    Ok(())
}

/// Writes a line into each case.
async fn tell(
    tx: &mut Tx,
    actor: &Actor,
    cases: &[CaseId],
    event: &'static str,
    what: &str,
    now: Timestamp,
) -> StepResult<()> {
    for case_id in cases {
        let file = casework::load(tx, &Actor::System, case_id, now).await?;
        casework::note(tx, &file, actor, event, what, Said::default(), now).await?;
    }
    Ok(())
}

/// Puts a deleted study back where it was, and returns of how many cases. Whose images they are is judged again, since the
/// request may have been corrected.
///
/// # Errors
/// `Forbidden` unless administrator; `Stale` when it was restored or erased meanwhile.
pub async fn restore(
    ctx: &Workflow,
    actor: &Actor,
    deletion_id: &DeletionId,
    now: Timestamp,
) -> StepResult<usize> {
    require_administrator(actor)?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let row = deletions::find(&mut tx, deletion_id).await?;
    let row = row.ok_or(StepError::NotFound)?;
    let cases = deletions::restore(&mut tx, deletion_id, actor, now).await?;
    let cases = cases.ok_or(StepError::Stale)?;
    let event = AuditEvent::new("study.restored")
        .on("study", row.study_id)
        .with(serde_json::json!({"deletion": deletion_id}));
    audit::record(&mut tx, actor, &event, now).await?;
    let what = "The deleted images of an exam were restored";
    tell(&mut tx, actor, &cases, "case.study_restored", what, now).await?;
    tx.commit().await?;
    let count = cases.len();
    judge_again(ctx, cases, now).await;
    Ok(count)
}

/// Erases what can not be restored any more and no legal hold covers, and overwrites the bytes of what is erased; returns how
/// many studies' rows went.
///
/// # Errors
/// When the store or the archive fails; what is left is done by the next round.
pub async fn erase_due(ctx: &Workflow, now: Timestamp) -> StepResult<usize> {
    let due = deletions::due(&mut ctx.store.read().await?, now, limits::KEEPING_ROWS).await?;
    let mut erased = 0;
    for deletion_id in due {
        let gone = overread_ingest::erase_study(&ctx.store, &ctx.archive, &deletion_id, now).await;
        erased += usize::from(gone.map_err(StepError::internal)?);
    }
    overread_ingest::overwrite_erased(&ctx.store, &ctx.archive, now)
        .await
        .map_err(StepError::internal)?;
    Ok(erased)
}
