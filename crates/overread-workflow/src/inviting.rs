//! Invitations: accounts are made by people who were asked in.

mod to_case;

use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, PersonId};
use overread_model::person;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::people::PersonRow;
use overread_store::{Tx, invitations as rows, outbox};

use crate::people::NewPerson;
use crate::secrets::{self, Secret};
use crate::sessions::{self, NewSession};
use crate::signing_in::{self, Client};
use crate::{
    StepError, StepResult, Workflow, casework, limits, mailing, passwords, people, throttling,
};

pub use to_case::{InCase, TiedPerson, in_case};
pub(crate) use to_case::{join_case, may_sign};

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
    let invited_by = casework::person_of(actor)?;
    let mut problems = Vec::new();
    let name = person::check_name("name", &invite.name)
        .map_err(|problem| problems.push(problem))
        .ok();
    let email = person::check_email(&invite.email)
        .map_err(|problem| problems.push(problem))
        .ok();
    let (Some(name), Some(email)) = (name, email) else {
        return Err(StepError::Invalid(problems));
    };
    let mut tx = ctx.store.begin().await?;
    may_invite(&mut tx, actor, invite, now).await?;
    if rows::open_count(&mut tx, invited_by, now).await? >= limits::INVITATIONS_OPEN {
        return Err(StepError::Limit(
            "You have too many open invitations. Take some back first.".to_owned(),
        ));
    }
    let secret = Secret::new()?;
    let language = if invite.language == "es" { "es" } else { "en" };
    let row = rows::InvitationRow {
        id: casework::new_id(PersonId::from_random)?.as_str().to_owned(),
        name,
        email_folded: overread_store::people::fold_email(&email),
        email,
        role: invite.role.as_str().to_owned(),
        language: language.to_owned(),
        case_id: invite.case_id.as_ref().map(|id| id.as_str().to_owned()),
        invited_by: invited_by.as_str().to_owned(),
        created_at: now.as_micros(),
        expires_at: now.plus_days(limits::INVITATION_DAYS).as_micros(),
        accepted_at: None,
        revoked_at: None,
    };
    rows::insert(&mut tx, &row, &secrets::hash(secret.reveal())).await?;
    let address = format!("{}/invitations/{}", ctx.config.public_url, secret.reveal());
    queue_mail(&mut tx, ctx, &row, &address, now).await?;
    let mut event = AuditEvent::new("invitation.made")
        .on("invitation", &row.id)
        .with(serde_json::json!({ "role": row.role }));
    event.case_id.clone_from(&invite.case_id);
    audit::record(&mut tx, actor, &event, now).await?;
    tx.commit().await?;
    Ok(Invited {
        invitation_id: row.id,
        secret,
        address,
        expires_at: Timestamp::from_micros(row.expires_at),
    })
}

/// Lists invitations, open ones first.
///
/// # Errors
/// `Forbidden` unless administrator or coordinator.
pub async fn list(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<Vec<InvitationRow>> {
    let invited_by = match actor.role() {
        Some(Role::Administrator) => "",
        Some(Role::Coordinator) => actor.id(),
        _ => return Err(StepError::Forbidden),
    };
    let mut tx = ctx.store.read().await?;
    let list = rows::list(&mut tx, invited_by, now, limits::PEOPLE_ON_A_PAGE).await?;
    list.into_iter().map(row_of).collect()
}

/// Takes an open invitation back; with `in_case`, one to that case alone.
///
/// # Errors
/// `NotFound` when there is none that is open.
pub async fn revoke(
    ctx: &Workflow,
    actor: &Actor,
    invitation_id: &str,
    in_case: Option<&CaseId>,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let row = rows::find_by_id(&mut tx, invitation_id)
        .await?
        .ok_or(StepError::NotFound)?;
    let case_id = row.case_id()?;
    if in_case.is_some() && in_case != case_id.as_ref() {
        return Err(StepError::NotFound);
    }
    let runs_it = match actor.role() {
        Some(Role::Administrator) => true,
        Some(Role::Coordinator) => case_id.is_some(),
        _ => false,
    };
    if !runs_it && row.invited_by != actor.id() {
        return Err(StepError::NotFound);
    }
    if !rows::revoke(&mut tx, invitation_id, now).await? {
        return Err(StepError::NotFound);
    }
    let mut event = AuditEvent::new("invitation.revoked").on("invitation", invitation_id);
    event.case_id = case_id;
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}

/// Opens the page behind an invitation.
///
/// # Errors
/// `NotFound` when the secret is wrong, used, over or taken back.
pub async fn open(ctx: &Workflow, secret: &str, now: Timestamp) -> StepResult<InvitationView> {
    let mut tx = ctx.store.read().await?;
    let row = find_open(&mut tx, secret, now).await?;
    let has_account = overread_store::people::find_by_email(&mut tx, &row.email_folded)
        .await?
        .is_some();
    let invited_by = overread_store::people::name_of(&mut tx, &row.invited_by)
        .await?
        .unwrap_or_default();
    Ok(InvitationView {
        role: row.role.parse().map_err(StepError::internal)?,
        name: row.name,
        email: row.email,
        invited_by,
        has_account,
        expires_at: Timestamp::from_micros(row.expires_at),
    })
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
    let (row, account) = {
        let mut tx = ctx.store.read().await?;
        let row = find_open(&mut tx, secret, now).await?;
        let account = overread_store::people::find_by_email(&mut tx, &row.email_folded).await?;
        (row, account)
    };
    let role: Role = row.role.parse().map_err(StepError::internal)?;
    let newcomer = match &account {
        Some(person) => {
            prove_account(ctx, person, form, client, now).await?;
            None
        }
        None => Some(newcomer(ctx, &row, form).await?),
    };
    let mut tx = ctx.store.begin().await?;
    let person_id = match (&account, newcomer) {
        (Some(person), _) => person.person_id()?,
        (None, Some(new)) => people::add(&mut tx, &new, now).await?,
        (None, None) => return Err(StepError::NotFound),
    };
    if !rows::accept(&mut tx, &row.id, &person_id, now).await? {
        return Err(StepError::NotFound);
    }
    overread_store::people::add_role(&mut tx, &person_id, role).await?;
    let actor = Actor::Person {
        person_id: person_id.clone(),
        role,
    };
    let mut event = AuditEvent::new("invitation.accepted").on("invitation", &row.id);
    event.case_id = row.case_id()?;
    if let Some(case_id) = &event.case_id {
        to_case::join_invited(&mut tx, &actor, case_id, role, now).await?;
    }
    audit::record(&mut tx, &actor, &event, now).await?;
    let session = sessions::begin(&mut tx, &person_id, role, client, now).await?;
    tx.commit().await?;
    Ok(session)
}

/// Refuses an invitation that is not the actor's to make.
async fn may_invite(tx: &mut Tx, actor: &Actor, invite: &Invite, now: Timestamp) -> StepResult<()> {
    if let Some(case_id) = &invite.case_id {
        return to_case::may_invite(tx, actor, case_id, invite, now).await;
    }
    let allowed = match actor.role() {
        Some(Role::Administrator) => invite.role != Role::Archive,
        Some(Role::Coordinator) => !matches!(invite.role, Role::Administrator | Role::Archive),
        _ => false,
    };
    if allowed {
        Ok(())
    } else {
        Err(StepError::Forbidden)
    }
}

async fn queue_mail(
    tx: &mut Tx,
    ctx: &Workflow,
    row: &rows::InvitationRow,
    address: &str,
    now: Timestamp,
) -> StepResult<()> {
    let until = Timestamp::from_micros(row.expires_at).date();
    let mail = mailing::invitation(ctx, &row.name, &row.language, address, until);
    let new = outbox::NewMail {
        dedup_key: format!("invitation:{}", row.id),
        to_name: &row.name,
        to_address: &row.email,
        subject: mail.subject,
        body_text: mail.text,
        body_html: mail.html,
        case_id: None,
        link_id: None,
    };
    Ok(outbox::queue(tx, &new, now).await?)
}

fn row_of(row: rows::InvitationRow) -> StepResult<InvitationRow> {
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    Ok(InvitationRow {
        role: row.role.parse().map_err(StepError::internal)?,
        case_id: row.case_id()?,
        invitation_id: row.id,
        name: row.name,
        email: row.email,
        created_at: Timestamp::from_micros(row.created_at),
        expires_at: Timestamp::from_micros(row.expires_at),
        accepted_at: at(row.accepted_at),
        revoked_at: at(row.revoked_at),
    })
}

/// Finds an invitation that can still be taken; everything else is not there.
async fn find_open(tx: &mut Tx, secret: &str, now: Timestamp) -> StepResult<rows::InvitationRow> {
    let row = rows::find(tx, &secrets::hash(secret))
        .await?
        .ok_or(StepError::NotFound)?;
    let open =
        row.accepted_at.is_none() && row.revoked_at.is_none() && row.expires_at > now.as_micros();
    if open {
        Ok(row)
    } else {
        Err(StepError::NotFound)
    }
}

/// Asks the password of an account that exists.
async fn prove_account(
    ctx: &Workflow,
    person: &PersonRow,
    form: &AcceptInvitation,
    client: &Client,
    now: Timestamp,
) -> StepResult<()> {
    let guess = signing_in::guess_at(&person.email_folded, Some(person), client);
    let turn = throttling::begin(&ctx.store, &guess, now).await?;
    let fits = passwords::fits(
        ctx.config.password_cost,
        turn,
        &form.password,
        Some(&person.password_hash),
    )
    .await?;
    if !fits || person.disabled_at.is_some() {
        return Err(StepError::invalid(
            "password",
            "This is not the password of your account. Please try again.",
        ));
    }
    throttling::succeeded(ctx, &guess).await
}

/// Checks what a newcomer typed and hashes the password.
async fn newcomer(
    ctx: &Workflow,
    row: &rows::InvitationRow,
    form: &AcceptInvitation,
) -> StepResult<NewPerson> {
    let typed = if form.name.trim().is_empty() {
        &row.name
    } else {
        &form.name
    };
    let name =
        person::check_name("name", typed).map_err(|problem| StepError::Invalid(vec![problem]))?;
    let words = [
        name.as_str(),
        row.email.as_str(),
        ctx.config.organisation.as_str(),
        "overread",
    ];
    passwords::check_new(&form.password, &form.password_again, &words)?;
    let password_hash = passwords::hash(ctx.config.password_cost, &row.id, &form.password).await?;
    Ok(NewPerson {
        name,
        email: row.email.clone(),
        password_hash,
        language: row.language.clone(),
    })
}
