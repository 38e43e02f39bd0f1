//! Legal holds: placing and lifting.

use overread_model::access::Actor;
use overread_model::case::CaseRole;
use overread_model::ids::{CaseId, LegalHoldId};
use overread_model::time::Timestamp;
use overread_store::Tx;
use overread_store::audit::{self, AuditEvent};
use overread_store::legal_holds::{self, Held};

use super::Target;
use crate::casework::{self, checked_reason, new_id};
use crate::people::require_administrator;
use crate::{StepError, StepResult, Workflow};

/// Places a hold on a case (by number) or a study (by UID), also on one that is deleted and not erased yet.
///
/// # Errors
/// `Forbidden` unless administrator; `Invalid` without a reason or when nothing of that name is there.
pub async fn place_hold(
    ctx: &Workflow,
    actor: &Actor,
    named: &str,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    require_administrator(actor)?;
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let held = match Target::find(&mut tx, named).await? {
        Target::Case(case_id) => Held::Case(case_id),
        Target::Study(study) => Held::Study(study),
    };
    place(&mut tx, actor, &held, reason, now).await?;
    Ok(tx.commit().await?)
}

/// Places a hold on a case, as a coordinator.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Invalid` without a reason.
pub async fn place_hold_on_case(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    let reason = checked_reason(reason)?;
    place(&mut tx, actor, &Held::Case(case_id.clone()), reason, now).await?;
    Ok(tx.commit().await?)
}

async fn place(
    tx: &mut Tx,
    actor: &Actor,
    held: &Held,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let id = new_id(LegalHoldId::from_random)?;
    legal_holds::place(tx, &id, held, reason, actor.id(), now).await?;
    let event = AuditEvent::new("hold.placed").with(serde_json::json!({"hold": id}));
    let event = match held {
        Held::Case(case_id) => event.in_case(case_id),
        Held::Study(study) => event.on("study", study),
    };
    Ok(audit::record(tx, actor, &event, now).await?)
}

/// Lifts a hold. What it alone kept from being erased can be restored for a whole period of grace again.
///
/// # Errors
/// `Forbidden` unless administrator; `Invalid` without a reason; `Stale` when it was lifted meanwhile.
pub async fn lift_hold(
    ctx: &Workflow,
    actor: &Actor,
    hold_id: &LegalHoldId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    require_administrator(actor)?;
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let row = legal_holds::find(&mut tx, hold_id).await?;
    let row = row.ok_or(StepError::Stale)?;
    let erase_at = ctx.config.keeping.erase_at(now);
    if !legal_holds::lift(&mut tx, hold_id, reason, actor.id(), erase_at, now).await? {
        return Err(StepError::Stale);
    }
    let mut event = AuditEvent::new("hold.lifted").with(serde_json::json!({"hold": hold_id}));
    if let Some(case_id) = row.case_id {
        event = event.in_case(&case_id.parse().map_err(StepError::internal)?);
    }
    if let Some(study) = row.study_id {
        event = event.on("study", study);
    }
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}
