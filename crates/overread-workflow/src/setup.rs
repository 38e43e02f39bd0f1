//! First start: the first administrator, by a secret that works once.

use overread_model::time::Timestamp;

use crate::secrets::Secret;
use crate::sessions::NewSession;
use crate::signing_in::Client;
use crate::{StepResult, Workflow};

/// What the first administrator types.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct FirstAdministrator {
    /// Full name.
    pub name: String,
    /// E-mail address, the name to sign in with.
    pub email: String,
    /// Password.
    pub password: String,
    /// The password once more.
    pub password_again: String,
    /// Runs cases too (the usual one-person practice): adds the role coordinator.
    pub also_coordinator: bool,
}

/// Returns a new setup secret while nobody has an account yet; each call replaces the one before.
///
/// # Errors
/// Fails when the store does.
pub async fn prepare(ctx: &Workflow, now: Timestamp) -> StepResult<Option<Secret>> {
    crate::unfinished((ctx, now))
}

/// Says whether the secret opens the setup page.
///
/// # Errors
/// `NotFound` when it is wrong, used or replaced.
pub async fn open(ctx: &Workflow, secret: &str, now: Timestamp) -> StepResult<()> {
    crate::unfinished((ctx, secret, now))
}

/// Creates the first administrator and signs in.
///
/// # Errors
/// `NotFound` for a wrong or used secret, `Invalid` for a weak password or a missing field.
pub async fn create_administrator(
    ctx: &Workflow,
    secret: &str,
    form: &FirstAdministrator,
    client: &Client,
    now: Timestamp,
) -> StepResult<NewSession> {
    crate::unfinished((ctx, secret, form, client, now))
}
