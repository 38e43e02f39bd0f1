//! The people of the installation, for its administrator.

use overread_model::access::{Actor, Role};
use overread_model::ids::PersonId;
use overread_model::time::Timestamp;

use crate::{StepResult, Workflow};

/// One person in the list.
pub struct PersonRow {
    /// Who.
    pub person_id: PersonId,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Every role.
    pub roles: Vec<Role>,
    /// Account made.
    pub created_at: Timestamp,
    /// Last signed in.
    pub last_signed_in_at: Option<Timestamp>,
    /// Account closed.
    pub disabled_at: Option<Timestamp>,
}

/// Lists everybody, by name.
///
/// # Errors
/// `Forbidden` unless administrator.
pub async fn list(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<Vec<PersonRow>> {
    crate::unfinished((ctx, actor, now))
}

/// Replaces a person's roles; the last administrator stays one.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`.
pub async fn set_roles(
    ctx: &Workflow,
    actor: &Actor,
    person_id: &PersonId,
    roles: &[Role],
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, person_id, roles, now))
}

/// Closes (or reopens) an account and ends its sessions; not one's own, not the last administrator's.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`.
pub async fn set_disabled(
    ctx: &Workflow,
    actor: &Actor,
    person_id: &PersonId,
    disabled: bool,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, person_id, disabled, now))
}
