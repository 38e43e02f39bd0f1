//! Steps that move a case or stop it: withdrawn, on hold, resumed, reopened, its urgency.

use overread_model::access::Actor;
use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_model::ids::CaseId;
use overread_model::intake::UrgencyLevel;
use overread_model::time::Timestamp;

use super::is_being_read;
use crate::casework::{self, CaseFile, Said, checked_reason};
use crate::{StepError, StepResult, Workflow};

/// Withdraws the case; everyone's grants but the requester's end.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` when the state does not allow it.
pub async fn withdraw(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    move_on(
        ctx,
        actor,
        case_id,
        version,
        (CaseEvent::Withdraw, reason),
        now,
    )
    .await
}

/// Puts the case on hold; clocks stop.
///
/// # Errors
/// As [`withdraw`].
pub async fn hold(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    move_on(ctx, actor, case_id, version, (CaseEvent::Hold, reason), now).await
}

/// Takes the case off hold.
///
/// # Errors
/// As [`withdraw`].
pub async fn resume(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    move_on(ctx, actor, case_id, version, (CaseEvent::Resume, ""), now).await
}

/// Reopens an expired or closed case.
///
/// # Errors
/// As [`withdraw`].
pub async fn reopen(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    move_on(
        ctx,
        actor,
        case_id,
        version,
        (CaseEvent::Reopen, reason),
        now,
    )
    .await
}

/// Moves a case by an event that needs nothing but a reason.
async fn move_on(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    what: (CaseEvent, &str),
    now: Timestamp,
) -> StepResult<()> {
    let (event, note) = what;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    file.facts.given.reason = !note.is_empty();
    let held = file.state == CaseState::OnHold;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        event,
        Said {
            note,
            staff_only: false,
        },
        now,
    )
    .await?;
    // A revoked consent took the reviewer's grants; they come back only with a consent in force.
    if held && is_being_read(file.state) && file.facts.consent.is_complete() {
        casework::give_reviewer(&mut tx, &file, actor, None, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Sets another urgency: raising is free, lowering needs a reason.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Stale`, `Invalid`.
pub async fn set_urgency(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    level: &str,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let wanted = UrgencyLevel::from_text(level)
        .ok_or_else(|| StepError::invalid("urgency", "Choose from the list."))?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    file.expect(version)?;
    let level = overread_model::intake::change_urgency(
        file.facts.urgency,
        wanted,
        !reason.trim().is_empty(),
    )
    .map_err(|problem| StepError::Invalid(vec![problem]))?;
    file.row.urgency = level.as_str().to_owned();
    file.facts.urgency = level;
    set_due(ctx, &mut file);
    file.save(&mut tx).await?;
    let said = Said {
        note: reason.trim(),
        staff_only: false,
    };
    casework::note(
        &mut tx,
        &file,
        actor,
        "case.urgency_set",
        "The urgency was changed",
        said,
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Sets when the present state is due, counted from its beginning.
pub(crate) fn set_due(ctx: &Workflow, file: &mut CaseFile) {
    let since = Timestamp::from_micros(file.row.state_since);
    let due_at = file.state.due_at(&file.facts, &ctx.config.calendar, since);
    file.row.due_at = due_at.map(Timestamp::as_micros);
}
