//! Invitations to one case: who may be asked in, and what they have there once they joined.

use overread_model::access::{Actor, Right, Role};
use overread_model::case::{CaseRole, CaseState};
use overread_model::ids::CaseId;
use overread_model::letter::Requester;
use overread_model::time::Timestamp;
use overread_store::{Tx, grants, invitations as rows, people, review_tasks};

use super::{InvitationRow, Invite, row_of};
use crate::casework::{self, CaseFile, Intake};
use crate::{StepError, StepResult, Workflow, consenting};

/// Who is in a case, who was asked in, and who should be next.
pub struct InCase {
    /// Who has joined, by name.
    pub people: Vec<TiedPerson>,
    /// Open invitations, newest first.
    pub invitations: Vec<InvitationRow>,
    /// Whom to invite next, as the request tells: who signs the consent, and once somebody can, the treating physician.
    pub next: Invite,
    /// Roles that may be invited now.
    pub roles: Vec<Role>,
    /// The patient of the request; an account of another name is worth a second look.
    pub patient_name: String,
    /// Nobody who may sign the consent has joined.
    pub lacks_signer: bool,
}

/// Somebody who joined a case.
pub struct TiedPerson {
    /// Name of the account.
    pub name: String,
    /// How they are tied to the case.
    pub tie: &'static str,
}

/// Says whether who is invited under this role may sign the consent of the case.
pub(crate) fn may_sign(role: &str) -> bool {
    matches!(role.parse(), Ok(Role::Patient | Role::Representative))
}

/// Returns who is in a case and who should be invited next; noted as read.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator.
pub async fn in_case(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<InCase> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    let joined = grants::has_signer(&mut tx, case_id, now).await?;
    let invitations = rows::open_of_case(&mut tx, case_id, now).await?;
    let mut roles = vec![Role::Patient, Role::Representative];
    for (role, scope) in [
        (Role::Insurer, consenting::INSURER),
        (Role::ReferringPhysician, consenting::SHARE),
    ] {
        if consenting::is_given(&mut tx, case_id, scope, now).await? {
            roles.push(role);
        }
    }
    if !takes_people(&file) {
        roles.clear();
    }
    let people = grants::people_of(&mut tx, case_id).await?;
    casework::note_read(&mut tx, actor, case_id, "people", now).await?;
    tx.commit().await?;
    Ok(InCase {
        people: people
            .into_iter()
            .map(|(name, tie)| TiedPerson {
                name,
                tie: words_of(&tie),
            })
            .collect(),
        invitations: invitations
            .into_iter()
            .map(row_of)
            .collect::<StepResult<_>>()?,
        next: next_to_invite(case_id, &file.intake, joined),
        roles,
        patient_name: file.intake.who.patient_name,
        lacks_signer: !joined,
    })
}

fn words_of(tie: &str) -> &'static str {
    match tie {
        "treats" => "treats the patient",
        "insures" => "insures the patient",
        _ => "asks",
    }
}

/// Fills in whom the request names.
fn next_to_invite(case_id: &CaseId, intake: &Intake, joined: bool) -> Invite {
    let (who, why) = (&intake.who, &intake.why);
    let (role, name, email) = match who.requester.parse() {
        _ if joined => (
            Role::ReferringPhysician,
            &why.physician_name,
            why.physician_email.as_str(),
        ),
        Ok(Requester::ParentGuardian | Requester::PersonalRepresentative) => (
            Role::Representative,
            &who.sender_name,
            who.sender_email.as_str(),
        ),
        Ok(Requester::Patient) | Err(_) => {
            (Role::Patient, &who.patient_name, who.sender_email.as_str())
        }
        // The address is the physician's or the insurer's.
        Ok(Requester::ReferringPhysician | Requester::Insurer) => {
            (Role::Patient, &who.patient_name, "")
        }
    };
    Invite {
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
        role,
        case_id: Some(case_id.clone()),
        language: who.language.clone(),
    }
}

/// Says whether people are still asked in: the request was sent, and the case has not ended.
fn takes_people(file: &CaseFile) -> bool {
    file.state != CaseState::Draft && !file.state.is_end()
}

/// Refuses an invitation to a case that is not the actor's to make, or not now.
pub(super) async fn may_invite(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    invite: &Invite,
    now: Timestamp,
) -> StepResult<()> {
    let file = casework::load(tx, actor, case_id, now).await?;
    let allowed = match actor.role() {
        Some(Role::Coordinator) => !matches!(invite.role, Role::Administrator | Role::Archive),
        Some(Role::Administrator) => false,
        _ => {
            let asks = file.wears(CaseRole::Requester) && file.require(Right::AddRecords).is_ok();
            asks && matches!(invite.role, Role::Representative | Role::ReferringPhysician)
        }
    };
    if !allowed {
        return Err(StepError::Forbidden);
    }
    // A reviewer reads by an accepted offer, never by an invitation.
    if matches!(invite.role, Role::Reviewer | Role::Coordinator) {
        return Err(StepError::invalid(
            "role",
            "Invite without a case: these roles get cases in another way.",
        ));
    }
    if !takes_people(&file) {
        return Err(StepError::invalid(
            "",
            "Nobody is invited to a case before its request is sent, or after it has ended.",
        ));
    }
    let own = people::find(tx, casework::person_of(actor)?).await?;
    if own.is_some_and(|own| own.email_folded == people::fold_email(&invite.email)) {
        return Err(StepError::invalid(
            "email",
            "This is your own address. Write the address of the person who is invited.",
        ));
    }
    if reads_or_runs(tx, case_id, &people::fold_email(&invite.email)).await? {
        return Err(StepError::invalid(
            "email",
            "This address belongs to somebody who reads or runs the case. They cannot also be its patient, act for the patient, insure or treat. Invite somebody else.",
        ));
    }
    require_consent(tx, case_id, invite.role, now).await
}

/// Says whether the person with this address reads the case, or coordinates: who said no to reading it, or never answered, does not.
async fn reads_or_runs(tx: &mut Tx, case_id: &CaseId, email_folded: &str) -> StepResult<bool> {
    let tasks = review_tasks::list(tx, case_id).await?;
    let reads = |task: &review_tasks::TaskRow| {
        task.reviewer_email == email_folded && !matches!(task.state.as_str(), "declined" | "lapsed")
    };
    if tasks.iter().any(reads) {
        return Ok(true);
    }
    let Some(account) = people::find_by_email(tx, email_folded).await? else {
        return Ok(false);
    };
    let roles = people::roles(tx, &account.person_id()?).await?;
    Ok(roles.contains(&Role::Coordinator))
}

/// Refuses a physician or an insurer while the consent in force does not say that one may see the result.
async fn require_consent(
    tx: &mut Tx,
    case_id: &CaseId,
    role: Role,
    now: Timestamp,
) -> StepResult<()> {
    let (scope, message) = match role {
        Role::ReferringPhysician => (
            consenting::SHARE,
            "The consent in force does not allow a doctor to see this case. It must be signed first.",
        ),
        Role::Insurer => (
            consenting::INSURER,
            "No consent in force allows an insurer to see this case. The patient must allow it first.",
        ),
        _ => return Ok(()),
    };
    if consenting::is_given(tx, case_id, scope, now).await? {
        Ok(())
    } else {
        Err(StepError::invalid("", message))
    }
}

/// Ties who took an invitation to its case, unless the case has ended since, the consent was taken back, or they came to read or
/// run it.
pub(super) async fn join_invited(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    role: Role,
    now: Timestamp,
) -> StepResult<()> {
    let file = casework::load(tx, &Actor::System, case_id, now).await?;
    if !takes_people(&file) {
        return Err(StepError::invalid(
            "",
            "The case you were invited to has ended. Ask who invited you.",
        ));
    }
    let own = people::find(tx, casework::person_of(actor)?).await?;
    let own = own.ok_or(StepError::NotFound)?;
    if reads_or_runs(tx, case_id, &own.email_folded).await? {
        return Err(StepError::invalid(
            "",
            "You read or run this case, so you cannot also be its patient, act for the patient, insure or treat. Tell who invited you.",
        ));
    }
    require_consent(tx, case_id, role, now).await?;
    join_case(tx, actor, case_id, role, now).await
}

/// Ties a person to a case and gives what their role has there.
pub(crate) async fn join_case(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    role: Role,
    now: Timestamp,
) -> StepResult<()> {
    let tie = match role {
        Role::ReferringPhysician => "treats",
        Role::Insurer => "insures",
        _ => "asked",
    };
    grants::tie(tx, case_id, actor.id(), tie).await?;
    let grant = grants::NewGrant {
        case_id,
        subject_kind: "person",
        subject_id: actor.id(),
        rights: casework::ceiling(role),
        until_at: None,
    };
    Ok(grants::give(tx, grant, actor, now).await?)
}
