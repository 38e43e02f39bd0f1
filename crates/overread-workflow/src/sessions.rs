//! Sessions: a 32-byte random token in a cookie, its hash in the store, idle and absolute ends.

use overread_model::access::{Actor, Role};
use overread_model::ids::PersonId;
use overread_model::time::Timestamp;

use crate::secrets::Secret;
use crate::{StepResult, Workflow};

/// A session that just began.
pub struct NewSession {
    /// Goes into the cookie and nowhere else.
    pub token: Secret,
    /// Absolute end: 12 h for staff, 24 h for patients and representatives.
    pub expires_at: Timestamp,
    /// Who signed in.
    pub person_id: PersonId,
    /// The role the session starts in.
    pub role: Role,
}

/// A person behind a request.
#[derive(Clone)]
pub struct SignedIn {
    /// Who, in the session's role: what every step takes.
    pub actor: Actor,
    /// Who.
    pub person_id: PersonId,
    /// Name for the page header.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The role the session acts in.
    pub role: Role,
    /// Every role the person has; more than one: the page offers to switch.
    pub roles: Vec<Role>,
    /// `en` or `es`.
    pub language: String,
    /// Token for forms and the header `x-overread-csrf`.
    pub csrf: String,
    /// Names the session in the list of sessions (not the token).
    pub session_id: String,
    /// Absolute end.
    pub expires_at: Timestamp,
}

/// One session of a person, for the account page.
pub struct SessionRow {
    /// Names it.
    pub session_id: String,
    /// Browser and system.
    pub device: String,
    /// Began.
    pub created_at: Timestamp,
    /// Last request.
    pub last_seen_at: Timestamp,
    /// It is the one asking.
    pub current: bool,
}

/// What is typed to change a password.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct ChangePassword {
    /// The one in use.
    pub current_password: String,
    /// The new one.
    pub password: String,
    /// The new one once more.
    pub password_again: String,
}

/// Finds the session of a cookie and notes the visit; `None` when it ended (30 min idle, absolute end, revoked).
///
/// # Errors
/// Fails when the store does.
pub async fn find(ctx: &Workflow, token: &str, now: Timestamp) -> StepResult<Option<SignedIn>> {
    crate::unfinished((ctx, token, now))
}

/// Says whether a form's or header's token belongs to this session (constant time).
pub fn csrf_matches(session: &SignedIn, presented: &str) -> bool {
    crate::secrets::same(session.csrf.as_bytes(), presented.as_bytes())
}

/// Ends this session.
///
/// # Errors
/// Fails when the store does.
pub async fn sign_out(ctx: &Workflow, session: &SignedIn, now: Timestamp) -> StepResult<()> {
    crate::unfinished((ctx, session.session_id.as_str(), now))
}

/// Lists the person's open sessions, newest first.
///
/// # Errors
/// Fails when the store does.
pub async fn list(
    ctx: &Workflow,
    session: &SignedIn,
    now: Timestamp,
) -> StepResult<Vec<SessionRow>> {
    crate::unfinished((ctx, session.session_id.as_str(), now))
}

/// Ends one of the person's own sessions.
///
/// # Errors
/// `NotFound` when it is not theirs or over.
pub async fn revoke(
    ctx: &Workflow,
    session: &SignedIn,
    session_id: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, session.session_id.as_str(), session_id, now))
}

/// Acts in another of the person's roles from now on.
///
/// # Errors
/// `Forbidden` when the person does not have it.
pub async fn switch_role(
    ctx: &Workflow,
    session: &SignedIn,
    role: Role,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, session.session_id.as_str(), role, now))
}

/// Changes the password and ends every other session of the person.
///
/// # Errors
/// `Invalid` when the current password is wrong or the new one is weak; `Limit` after too many tries.
pub async fn change_password(
    ctx: &Workflow,
    session: &SignedIn,
    form: &ChangePassword,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, session.session_id.as_str(), form, now))
}
