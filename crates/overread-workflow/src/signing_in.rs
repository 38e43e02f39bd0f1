//! Signing in with a password, throttled, without telling who has an account.

use overread_model::time::Timestamp;

use crate::sessions::NewSession;
use crate::{StepResult, Workflow};

/// Where a request comes from, as far as sessions and throttling need it.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Address of the peer, as text; empty when unknown.
    pub address: String,
    /// Browser and system in a few words, for the list of sessions: `Firefox on Linux`.
    pub device: String,
}

/// What is typed to sign in.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct SignIn {
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// Starts a session when name and password fit.
///
/// # Errors
/// `Invalid` with one and the same text for an unknown name, a wrong password and a closed account;
/// `Limit` after too many tries for the account or from the address.
pub async fn sign_in(
    ctx: &Workflow,
    form: &SignIn,
    client: &Client,
    now: Timestamp,
) -> StepResult<NewSession> {
    crate::unfinished((ctx, form, client, now))
}
