//! The people of the installation, for its administrator.

use overread_model::access::{Actor, Role};
use overread_model::ids::PersonId;
use overread_model::peers::Call;
use overread_model::time::Timestamp;

use overread_store::audit::{self, AuditEvent};
use overread_store::scrubbing::{self, Scrub};
use overread_store::{Tx, peer_calls, people as rows};

use crate::{StepError, StepResult, Workflow, limits};

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
    require_administrator(actor)?;
    let mut tx = ctx.store.begin().await?;
    let mut list = Vec::new();
    for row in rows::list(&mut tx, limits::PEOPLE_ON_A_PAGE).await? {
        let person_id = row.person_id()?;
        list.push(PersonRow {
            roles: rows::roles(&mut tx, &person_id).await?,
            person_id,
            name: row.name,
            email: row.email,
            created_at: Timestamp::from_micros(row.created_at),
            last_signed_in_at: row.last_signed_in_at.map(Timestamp::from_micros),
            disabled_at: row.disabled_at.map(Timestamp::from_micros),
        });
    }
    audit::record(&mut tx, actor, &AuditEvent::new("person.listed"), now).await?;
    tx.commit().await?;
    Ok(list)
}

/// What the proof of the archive that runs beside everything else found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveProof {
    /// When the round that is under way, or the last one, was begun.
    pub begun_at: Timestamp,
    /// A round is under way.
    pub is_under_way: bool,
    /// Images that this round has read and found whole.
    pub instances: i64,
    /// Places that did not hold in this round, in words without patient data.
    pub damages: Vec<String>,
    /// When the last whole round ended; `None` when the first has not.
    pub finished_at: Option<Timestamp>,
    /// Places that did not hold in the last whole round, in the same words.
    pub last_damages: Vec<String>,
}

impl From<Scrub> for ArchiveProof {
    fn from(state: Scrub) -> Self {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Self {
            begun_at: Timestamp::from_micros(state.begun_at),
            is_under_way: !state.is_over(),
            instances: state.instances,
            damages: lines(&state.damaged),
            finished_at: state.finished_at.map(Timestamp::from_micros),
            last_damages: lines(&state.last_damaged),
        }
    }
}

/// Returns what the proof of the archive found; `None` before its first round.
///
/// # Errors
/// `Forbidden` unless administrator.
pub async fn archive_proof(ctx: &Workflow, actor: &Actor) -> StepResult<Option<ArchiveProof>> {
    require_administrator(actor)?;
    let state = scrubbing::state(&mut ctx.store.read().await?).await?;
    Ok(state.map(ArchiveProof::from))
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
    require_administrator(actor)?;
    if roles.is_empty() || roles.contains(&Role::Archive) {
        return Err(StepError::invalid("roles", "Choose at least one role."));
    }
    let mut tx = ctx.store.begin().await?;
    rows::find(&mut tx, person_id)
        .await?
        .ok_or(StepError::NotFound)?;
    if !roles.contains(&Role::Administrator) {
        keep_one_administrator(&mut tx, person_id).await?;
    }
    rows::clear_roles(&mut tx, person_id).await?;
    for role in roles {
        rows::add_role(&mut tx, person_id, *role).await?;
    }
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    let event = AuditEvent::new("person.roles_set")
        .on("person", person_id)
        .with(serde_json::json!({ "roles": names }));
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}

/// Lists whom this installation called over the DICOM network, the latest first.
///
/// # Errors
/// `Forbidden`.
pub async fn calls(ctx: &Workflow, actor: &Actor) -> StepResult<Vec<Call>> {
    require_administrator(actor)?;
    Ok(peer_calls::list(&mut ctx.store.read().await?).await?)
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
    require_administrator(actor)?;
    if disabled && actor.id() == person_id.as_str() {
        return Err(StepError::invalid("", "You cannot close your own account."));
    }
    let mut tx = ctx.store.begin().await?;
    rows::find(&mut tx, person_id)
        .await?
        .ok_or(StepError::NotFound)?;
    if disabled {
        keep_one_administrator(&mut tx, person_id).await?;
        overread_store::sessions::revoke_others(&mut tx, person_id, "", now).await?;
    }
    rows::set_disabled(&mut tx, person_id, disabled.then_some(now)).await?;
    let event = AuditEvent::new(if disabled {
        "person.closed"
    } else {
        "person.reopened"
    })
    .on("person", person_id);
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}

/// Refuses whoever is no administrator.
pub(crate) fn require_administrator(actor: &Actor) -> StepResult<()> {
    match actor {
        Actor::Person {
            role: Role::Administrator,
            ..
        } => Ok(()),
        _ => Err(StepError::Forbidden),
    }
}

/// Refuses to take away the last administrator.
async fn keep_one_administrator(tx: &mut Tx, person_id: &PersonId) -> StepResult<()> {
    let others = rows::with_role(tx, Role::Administrator).await?;
    if others.iter().all(|row| row.id == person_id.as_str()) && !others.is_empty() {
        return Err(StepError::invalid(
            "",
            "This is the last administrator. Make another one first.",
        ));
    }
    Ok(())
}

/// A person about to be added; every part was checked.
pub(crate) struct NewPerson {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) password_hash: String,
    pub(crate) language: String,
}

/// Adds a person without a role.
pub(crate) async fn add(tx: &mut Tx, new: &NewPerson, now: Timestamp) -> StepResult<PersonId> {
    let person_id = crate::casework::new_id(PersonId::from_random)?;
    let row = rows::PersonRow {
        id: person_id.as_str().to_owned(),
        name: new.name.clone(),
        email: new.email.clone(),
        email_folded: rows::fold_email(&new.email),
        password_hash: new.password_hash.clone(),
        language: new.language.clone(),
        created_at: now.as_micros(),
        password_changed_at: now.as_micros(),
        last_signed_in_at: Some(now.as_micros()),
        disabled_at: None,
    };
    rows::insert(tx, &row).await.map_err(|error| {
        if error.is_unique_violation() {
            StepError::invalid("email", "There is an account with this address already.")
        } else {
            error.into()
        }
    })?;
    Ok(person_id)
}
