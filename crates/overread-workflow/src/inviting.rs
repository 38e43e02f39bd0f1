//! Invitations: accounts are made by people who were asked in.

use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::secrets::Secret;
use crate::sessions::NewSession;
use crate::signing_in::Client;
use crate::{StepResult, Workflow};

/// Who is asked in.
#[derive(Clone)]
pub struct Invite {
    /// Full name.
    pub name: String,
    /// Where the mail goes; the name to sign in with later.
    pub email: String,
    /// As what.
    pub role: Role,
    /// The case they are asked in for, with the rights their role has there.
    pub case_id: Option<CaseId>,
    /// `en` or `es`.
    pub language: String,
}

/// An invitation just made. The mail is in the outbox; the secret is shown once, to be handed over in person.
pub struct Invited {
    /// Names the invitation.
    pub invitation_id: String,
    /// Stands in the address.
    pub secret: Secret,
    /// `https://…/invitations/SECRET`.
    pub address: String,
    /// End.
    pub expires_at: Timestamp,
}

/// One invitation in the list.
pub struct InvitationRow {
    /// Names the invitation.
    pub invitation_id: String,
    /// Who.
    pub name: String,
    /// Address.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Case, when it was for one.
    pub case_id: Option<CaseId>,
    /// Made.
    pub created_at: Timestamp,
    /// Ends.
    pub expires_at: Timestamp,
    /// Taken.
    pub accepted_at: Option<Timestamp>,
    /// Taken back.
    pub revoked_at: Option<Timestamp>,
}

/// What the invited person sees before the account exists.
pub struct InvitationView {
    /// Who is meant.
    pub name: String,
    /// The name to sign in with.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Who asks.
    pub invited_by: String,
    /// An account with this address exists: its password is asked, not a new one.
    pub has_account: bool,
    /// End.
    pub expires_at: Timestamp,
}

/// What the invited person types.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct AcceptInvitation {
    /// Full name, as they write it.
    pub name: String,
    /// New password, or the one of the account that exists.
    pub password: String,
    /// The new password once more; ignored when the account exists.
    pub password_again: String,
}

/// Invites a person: administrators for any role, coordinators for cases and reviewers,
/// a requester for a representative or treating physician of their own case.
///
/// # Errors
/// `Forbidden`, `NotFound` (the case), `Invalid`.
pub async fn invite(
    ctx: &Workflow,
    actor: &Actor,
    invite: &Invite,
    now: Timestamp,
) -> StepResult<Invited> {
    crate::unfinished((ctx, actor, invite.role, now))
}

/// Lists invitations, open ones first.
///
/// # Errors
/// `Forbidden` unless administrator or coordinator.
pub async fn list(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<Vec<InvitationRow>> {
    crate::unfinished((ctx, actor, now))
}

/// Takes an open invitation back.
///
/// # Errors
/// `NotFound` when there is none that is open.
pub async fn revoke(
    ctx: &Workflow,
    actor: &Actor,
    invitation_id: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, invitation_id, now))
}

/// Opens the page behind an invitation.
///
/// # Errors
/// `NotFound` when the secret is wrong, used, over or taken back.
pub async fn open(ctx: &Workflow, secret: &str, now: Timestamp) -> StepResult<InvitationView> {
    crate::unfinished((ctx, secret, now))
}

/// Makes the account (or adds the role to the one that exists), gives the case grant, signs in.
///
/// # Errors
/// As [`open`]; `Invalid` for a weak or wrong password; `Limit` after too many tries.
pub async fn accept(
    ctx: &Workflow,
    secret: &str,
    form: &AcceptInvitation,
    client: &Client,
    now: Timestamp,
) -> StepResult<NewSession> {
    crate::unfinished((ctx, secret, form.name.as_str(), client, now))
}
