//! Images that arrived for no case (by C-STORE, by STOW, from the command line), and the case a coordinator puts them into.

use overread_ingest::Receipt;
use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::{checks, studies};

use crate::records::{self, StudyRow};
use crate::{StepError, StepResult, Workflow, limits};

/// Lists the studies that are in no case, the last to arrive first, at most `limits::UNFILED_ON_A_PAGE`; the reading is
/// audited.
///
/// # Errors
/// `NotFound` unless coordinator.
pub async fn list(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<Vec<StudyRow>> {
    coordinates(actor)?;
    let mut tx = ctx.store.begin().await?;
    let unfiled = checks::unfiled(&mut tx, None, limits::UNFILED_ON_A_PAGE).await?;
    for study in &unfiled {
        let event = AuditEvent::new("study.listed").on("study", study.id);
        audit::record(&mut tx, actor, &event, now).await?;
    }
    tx.commit().await?;
    Ok(unfiled.into_iter().map(records::study_of).collect())
}

/// Puts a study that is in no case into one. Whose images they are is judged there as for every delivery: what names
/// another patient is held back.
///
/// # Errors
/// `NotFound` unless coordinator and for an unknown case, `Invalid` while the case takes no records, `Stale` when the study
/// is in a case by now.
pub async fn put(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    study_instance_uid: &str,
    now: Timestamp,
) -> StepResult<()> {
    coordinates(actor)?;
    records::may_receive(ctx, actor, case_id, now).await?;
    let mut tx = ctx.store.begin().await?;
    let unfiled = checks::unfiled(&mut tx, Some(study_instance_uid), 1).await?;
    let study = unfiled.into_iter().next().ok_or(StepError::Stale)?;
    studies::link_pending(&mut tx, studies::StudyKey(study.id), case_id, now).await?;
    let event = AuditEvent::new("study.filed")
        .in_case(case_id)
        .on("study", study.id);
    audit::record(&mut tx, actor, &event, now).await?;
    tx.commit().await?;
    let receipt = Receipt {
        duplicates: u64::try_from(study.instance_count).unwrap_or_default(),
        ..Receipt::default()
    };
    records::arrived(ctx, actor, case_id, &receipt, now).await
}

fn coordinates(actor: &Actor) -> StepResult<()> {
    match actor.role() {
        Some(Role::Coordinator) => Ok(()),
        _ => Err(StepError::NotFound),
    }
}
