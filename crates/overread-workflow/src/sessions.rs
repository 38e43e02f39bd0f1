//! Sessions: a 32-byte random token in a cookie, its hash in the store, idle and absolute ends.

use overread_model::access::{Actor, Role};
use overread_model::ids::PersonId;
use overread_model::time::Timestamp;

use overread_store::audit::{self, AuditEvent};
use overread_store::{Tx, people, sessions as rows};

use crate::secrets::{self, Secret};
use crate::signing_in::{self, Client};
use crate::{StepError, StepResult, Workflow, known_browsers, limits, passwords};

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
    /// Goes into a cookie of its own that stays after signing out: the person has signed in from this browser.
    pub known_browser: Secret,
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
    if token.len() > 64 {
        return Ok(None);
    }
    let mut tx = ctx.store.read().await?;
    let Some(row) = rows::find(&mut tx, &secrets::hash(token)).await? else {
        return Ok(None);
    };
    let idle_since = now.plus_seconds(-limits::SESSION_IDLE_SECONDS).as_micros();
    if row.revoked_at.is_some()
        || row.expires_at <= now.as_micros()
        || row.last_seen_at <= idle_since
    {
        return Ok(None);
    }
    let person_id: PersonId = row.person_id.parse().map_err(StepError::internal)?;
    let Some(person) = people::find(&mut tx, &person_id)
        .await?
        .filter(|row| row.disabled_at.is_none())
    else {
        return Ok(None);
    };
    let roles = people::roles(&mut tx, &person_id).await?;
    drop(tx);
    let wanted = row.role.parse().ok().filter(|role| roles.contains(role));
    let Some(role) = wanted.or_else(|| first_role(&roles)) else {
        return Ok(None);
    };
    if row.last_seen_at <= now.plus_seconds(-limits::SESSION_TOUCH_SECONDS).as_micros() {
        let mut tx = ctx.store.begin().await?;
        rows::touch(&mut tx, &row.id, now).await?;
        tx.commit().await?;
    }
    Ok(Some(SignedIn {
        actor: Actor::Person {
            person_id: person_id.clone(),
            role,
        },
        person_id,
        name: person.name,
        email: person.email,
        role,
        roles,
        language: person.language,
        csrf: secrets::derive("overread 2026 session csrf", token),
        session_id: row.id,
        expires_at: Timestamp::from_micros(row.expires_at),
    }))
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
    let mut tx = ctx.store.begin().await?;
    rows::revoke(&mut tx, &session.person_id, &session.session_id, now).await?;
    note(&mut tx, session, "session.ended", &session.session_id, now).await?;
    Ok(tx.commit().await?)
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
    let mut tx = ctx.store.read().await?;
    let seen_since = now.plus_seconds(-limits::SESSION_IDLE_SECONDS);
    let open = rows::open_of(&mut tx, &session.person_id, seen_since, now).await?;
    let row = |row: rows::SessionRow| SessionRow {
        current: row.id == session.session_id,
        session_id: row.id,
        device: row.device,
        created_at: Timestamp::from_micros(row.created_at),
        last_seen_at: Timestamp::from_micros(row.last_seen_at),
    };
    Ok(open.into_iter().map(row).collect())
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
    let mut tx = ctx.store.begin().await?;
    if !rows::revoke(&mut tx, &session.person_id, session_id, now).await? {
        return Err(StepError::NotFound);
    }
    note(&mut tx, session, "session.revoked", session_id, now).await?;
    Ok(tx.commit().await?)
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
    let mut tx = ctx.store.begin().await?;
    if !people::roles(&mut tx, &session.person_id)
        .await?
        .contains(&role)
    {
        return Err(StepError::Forbidden);
    }
    rows::set_role(&mut tx, &session.session_id, role.as_str()).await?;
    note(
        &mut tx,
        session,
        "session.role_switched",
        role.as_str(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
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
    let words = [
        session.name.as_str(),
        session.email.as_str(),
        ctx.config.organisation.as_str(),
        "overread",
    ];
    signing_in::ask_again(ctx, &session.actor, &form.current_password, now)
        .await
        .map_err(|error| match error {
            StepError::Invalid(_) => {
                StepError::invalid("current_password", "This is not your password.")
            }
            other => other,
        })?;
    passwords::check_new(&form.password, &form.password_again, &words)?;
    let hash = passwords::hash(
        ctx.config.password_cost,
        session.person_id.as_str(),
        &form.password,
    )
    .await?;
    let mut tx = ctx.store.begin().await?;
    people::set_password(&mut tx, &session.person_id, &hash, now).await?;
    rows::revoke_others(&mut tx, &session.person_id, &session.session_id, now).await?;
    note(
        &mut tx,
        session,
        "person.password_changed",
        session.person_id.as_str(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

async fn note(
    tx: &mut Tx,
    session: &SignedIn,
    event: &'static str,
    id: &str,
    now: Timestamp,
) -> StepResult<()> {
    Ok(audit::record(
        tx,
        &session.actor,
        &AuditEvent::new(event).on("session", id),
        now,
    )
    .await?)
}

/// Returns the role a session starts in: the one with the most to do.
pub(crate) fn first_role(roles: &[Role]) -> Option<Role> {
    const ORDER: [Role; 7] = [
        Role::Coordinator,
        Role::Reviewer,
        Role::Administrator,
        Role::ReferringPhysician,
        Role::Insurer,
        Role::Patient,
        Role::Representative,
    ];
    ORDER.into_iter().find(|role| roles.contains(role))
}

/// Starts a session in the transaction of its reason; of too many the oldest end.
pub(crate) async fn begin(
    tx: &mut Tx,
    person_id: &PersonId,
    role: Role,
    client: &Client,
    now: Timestamp,
) -> StepResult<NewSession> {
    let token = Secret::new()?;
    let seconds = match role {
        Role::Patient | Role::Representative => limits::SESSION_PATIENT_SECONDS,
        _ => limits::SESSION_STAFF_SECONDS,
    };
    let expires_at = now.plus_seconds(seconds);
    let seen_since = now.plus_seconds(-limits::SESSION_IDLE_SECONDS);
    let open = rows::open_of(tx, person_id, seen_since, now).await?;
    for oldest in open
        .iter()
        .skip(limits::SESSIONS_PER_PERSON.saturating_sub(1))
    {
        rows::revoke(tx, person_id, &oldest.id, now).await?;
    }
    rows::sweep(tx, now.plus_days(-1)).await?;
    let row = rows::SessionRow {
        id: crate::casework::new_id(PersonId::from_random)?
            .as_str()
            .to_owned(),
        person_id: person_id.as_str().to_owned(),
        role: role.as_str().to_owned(),
        device: client
            .device
            .chars()
            .filter(|c| !c.is_control())
            .take(limits::SHORT_TEXT_CHARACTERS)
            .collect(),
        created_at: now.as_micros(),
        last_seen_at: now.as_micros(),
        expires_at: expires_at.as_micros(),
        revoked_at: None,
    };
    rows::insert(tx, &row, &secrets::hash(token.reveal())).await?;
    people::note_sign_in(tx, person_id, now).await?;
    let actor = Actor::Person {
        person_id: person_id.clone(),
        role,
    };
    let event = AuditEvent::new("session.began").on("session", &row.id);
    audit::record(tx, &actor, &event, now).await?;
    let person = people::find(tx, person_id)
        .await?
        .ok_or(StepError::NotFound)?;
    Ok(NewSession {
        token,
        expires_at,
        person_id: person_id.clone(),
        role,
        known_browser: Secret::made(known_browsers::remember(&client.known_browser, &person)?),
    })
}
