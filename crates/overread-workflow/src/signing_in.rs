//! Signing in with a password, throttled, without telling who has an account.

use overread_model::access::Actor;
use overread_model::ids::PersonId;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::people::{self, PersonRow};

use crate::sessions::{self, NewSession};
use crate::{StepError, StepResult, Workflow, known_browsers, passwords, throttling};

/// One text for an unknown name, a wrong password and a closed account.
const WRONG: &str = "E-mail address or password are not right. Please check both and try again.";

/// Where a request comes from, as far as sessions and throttling need it.
///
/// No `Debug`: the cookie is a secret.
#[derive(Clone, Default)]
pub struct Client {
    /// Address of the peer, as text; empty when unknown.
    pub address: String,
    /// Browser and system in a few words, for the list of sessions: `Firefox on Linux`.
    pub device: String,
    /// Cookie that proves who signed in from this browser before; empty for a new one.
    pub known_browser: String,
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
/// `Limit` after too many tries for the account, except in a browser where the person signed in before.
pub async fn sign_in(
    ctx: &Workflow,
    form: &SignIn,
    client: &Client,
    now: Timestamp,
) -> StepResult<NewSession> {
    let folded = people::fold_email(&form.email);
    let known = {
        let mut tx = ctx.store.read().await?;
        people::find_by_email(&mut tx, &folded)
            .await?
            .filter(|row| row.disabled_at.is_none())
    };
    let guess = guess_at(&folded, known.as_ref(), client);
    let turn = throttling::begin(&ctx.store, &guess, now).await?;
    let fits = passwords::fits(
        ctx.config.password_cost,
        turn,
        &form.password,
        known.as_ref().map(|row| row.password_hash.as_str()),
    )
    .await?;
    let Some(person) = known.filter(|_| fits) else {
        note_failure(ctx, client, now).await?;
        return Err(StepError::invalid("", WRONG));
    };
    throttling::succeeded(ctx, &guess).await?;
    let person_id = person.person_id()?;
    let mut tx = ctx.store.begin().await?;
    // Asked again inside: the account may have been closed while the password was checked.
    let still_open = people::find(&mut tx, &person_id)
        .await?
        .is_some_and(|row| row.disabled_at.is_none());
    let roles = people::roles(&mut tx, &person_id).await?;
    let Some(role) = sessions::first_role(&roles).filter(|_| still_open) else {
        return Err(StepError::invalid("", WRONG));
    };
    let session = sessions::begin(&mut tx, &person_id, role, client, now).await?;
    tx.commit().await?;
    Ok(session)
}

/// Returns the guess at an account's password, from this browser.
pub(crate) fn guess_at(
    email_folded: &str,
    person: Option<&PersonRow>,
    client: &Client,
) -> throttling::Guess {
    throttling::Guess {
        target: format!("account {email_folded}"),
        address: client.address.clone(),
        known_browser: person
            .and_then(|person| known_browsers::known(&client.known_browser, person)),
    }
}

/// Writes down the first, second, fourth, eighth … refused try of a network, so that no stranger fills the audit trail.
async fn note_failure(ctx: &Workflow, client: &Client, now: Timestamp) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let tries = throttling::count_refusal(&mut tx, &client.address, now).await?;
    if tries.count_ones() == 1 {
        let detail = serde_json::json!({ "address": client.address, "tries": tries });
        let event = AuditEvent::new("session.refused").with(detail);
        audit::record(&mut tx, &Actor::System, &event, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Asks a signed-in person's password again, as signing and other grave steps need.
///
/// # Errors
/// `Invalid` with field `password`, `Limit`, or `Forbidden` for an actor who is no person.
pub(crate) async fn ask_again(
    ctx: &Workflow,
    actor: &Actor,
    password: &str,
    now: Timestamp,
) -> StepResult<()> {
    let person_id: &PersonId = crate::casework::person_of(actor)?;
    let guess = throttling::Guess {
        target: format!("again {person_id}"),
        address: String::new(),
        known_browser: None,
    };
    let turn = throttling::begin(&ctx.store, &guess, now).await?;
    let person = {
        let mut tx = ctx.store.read().await?;
        people::find(&mut tx, person_id)
            .await?
            .filter(|row| row.disabled_at.is_none())
    };
    if !passwords::fits(
        ctx.config.password_cost,
        turn,
        password,
        person.as_ref().map(|row| row.password_hash.as_str()),
    )
    .await?
    {
        return Err(StepError::invalid(
            "password",
            "This is not your password. Please try again.",
        ));
    }
    throttling::succeeded(ctx, &guess).await
}
