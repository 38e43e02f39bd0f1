//! After a consent was taken back: which invitations end with it, and who signs a new one.

use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::{Tx, consents, invitations};

use crate::{StepError, StepResult};

/// Ends the open invitations that the consent carried: of who would act for the patient, treat or insure.
pub(super) async fn end_invitations(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    for row in invitations::open_of_case(tx, case_id, now).await? {
        let role = row.role.parse().map_err(StepError::internal)?;
        let ends = matches!(
            role,
            Role::Representative | Role::ReferringPhysician | Role::Insurer
        );
        if ends && invitations::revoke(tx, &row.id, now).await? {
            let event = AuditEvent::new("invitation.revoked")
                .in_case(case_id)
                .on("invitation", &row.id);
            audit::record(tx, actor, &event, now).await?;
        }
    }
    Ok(())
}

/// Says whether the actor may sign although the patient took a consent back: the patient may, and a representative whom that patient
/// invited since. Whoever acts for the patient cannot undo what the patient said.
pub(super) async fn may_sign_anew(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
) -> StepResult<bool> {
    let Some((taken_back_at, patient)) = consents::taken_back_by_patient(tx, case_id).await? else {
        return Ok(true);
    };
    let taken = invitations::taken_by(tx, case_id, actor.id()).await?;
    let acts = |row: &&invitations::InvitationRow| row.role == Role::Representative.as_str();
    Ok(match actor.role() {
        // An account that was let in to act for the patient does not become the patient by changing its role.
        Some(Role::Patient) => actor.id() == patient || !taken.iter().any(|row| acts(&row)),
        Some(Role::Representative) => {
            let mut invited = taken.iter().filter(acts);
            invited.any(|row| row.invited_by == patient && row.created_at > taken_back_at)
        }
        _ => false,
    })
}

/// Refuses who may not sign since the patient took a consent back.
pub(super) async fn require_may_sign_anew(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
) -> StepResult<()> {
    if may_sign_anew(tx, actor, case_id).await? {
        return Ok(());
    }
    Err(StepError::invalid(
        "",
        "The patient took the consent back. Now only the patient can sign a new one, or a representative whom the patient has \
         invited since.",
    ))
}
