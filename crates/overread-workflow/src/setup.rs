//! First start: the first administrator, by a secret that works once.

use overread_model::access::{Actor, Role};
use overread_model::person;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::people;

use crate::people as persons;
use crate::people::NewPerson;
use crate::secrets::{self, Secret};
use crate::sessions::{self, NewSession};
use crate::signing_in::Client;
use crate::{StepError, StepResult, Workflow, passwords};

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

/// What opens the setup page.
pub struct SetupSecret {
    /// The secret.
    pub secret: Secret,
    /// One that was given out before, here or by another node, opens nothing any more.
    pub replaces_another: bool,
}

/// Returns a new setup secret while nobody has an account yet; each call replaces the one before.
///
/// # Errors
/// Fails when the store does.
pub async fn prepare(ctx: &Workflow, now: Timestamp) -> StepResult<Option<SetupSecret>> {
    let mut tx = ctx.store.begin().await?;
    if people::count(&mut tx).await? > 0 {
        return Ok(None);
    }
    let secret = Secret::new()?;
    let replaces_another = people::setup_secret(&mut tx).await?.is_some();
    people::set_setup_secret(&mut tx, &secrets::hash(secret.reveal()), now).await?;
    audit::record(
        &mut tx,
        &Actor::System,
        &AuditEvent::new("setup.prepared"),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(Some(SetupSecret {
        secret,
        replaces_another,
    }))
}

/// Says whether the secret opens the setup page.
///
/// # Errors
/// `NotFound` when it is wrong, used or replaced.
pub async fn open(ctx: &Workflow, secret: &str, _now: Timestamp) -> StepResult<()> {
    let mut tx = ctx.store.read().await?;
    let kept = people::setup_secret(&mut tx)
        .await?
        .ok_or(StepError::NotFound)?;
    let nobody = people::count(&mut tx).await? == 0;
    if nobody && secrets::same(&kept, &secrets::hash(secret)) {
        Ok(())
    } else {
        Err(StepError::NotFound)
    }
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
    open(ctx, secret, now).await?;
    let mut problems = Vec::new();
    let name = person::check_name("name", &form.name)
        .map_err(|problem| problems.push(problem))
        .ok();
    let email = person::check_email(&form.email)
        .map_err(|problem| problems.push(problem))
        .ok();
    let words = [
        form.name.as_str(),
        form.email.as_str(),
        ctx.config.organisation.as_str(),
        "overread",
    ];
    if let Err(StepError::Invalid(weak)) =
        passwords::check_new(&form.password, &form.password_again, &words)
    {
        problems.extend(weak);
    }
    let (Some(name), Some(email)) = (name, email) else {
        return Err(StepError::Invalid(problems));
    };
    crate::error::refuse_if_any(problems)?;
    let password_hash = passwords::hash(ctx.config.password_cost, "setup", &form.password).await?;
    let mut tx = ctx.store.begin().await?;
    // Removing the secret decides who was first, when two try at once.
    if people::count(&mut tx).await? > 0
        || !people::take_setup_secret(&mut tx, &secrets::hash(secret)).await?
    {
        return Err(StepError::NotFound);
    }
    let person_id = persons::add(
        &mut tx,
        &NewPerson {
            name,
            email,
            password_hash,
            language: "en".to_owned(),
        },
        now,
    )
    .await?;
    people::add_role(&mut tx, &person_id, Role::Administrator).await?;
    if form.also_coordinator {
        people::add_role(&mut tx, &person_id, Role::Coordinator).await?;
    }
    let actor = Actor::Person {
        person_id: person_id.clone(),
        role: Role::Administrator,
    };
    let event = AuditEvent::new("person.created").on("person", &person_id);
    audit::record(&mut tx, &actor, &event, now).await?;
    let session = sessions::begin(&mut tx, &person_id, Role::Administrator, client, now).await?;
    tx.commit().await?;
    Ok(session)
}
