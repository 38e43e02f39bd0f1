//! The door of a link: found, guarded by its passcode, unlocked; and who stands in it.

use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, LinkId};
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::links::{self, LinkRow};
use overread_store::{Tx, grants, people};

use crate::casework::{self, CaseFile, Said};
use crate::signing_in::Client;
use crate::{StepError, StepResult, Workflow, limits, passwords, secrets, throttling};

/// Checks the passcode and returns the cookie value that opens the link from this browser.
///
/// # Errors
/// As [`super::open`]; `Invalid` with field `passcode`; `Limit` after too many wrong ones: the link is then revoked.
pub async fn unlock(
    ctx: &Workflow,
    secret: &str,
    passcode: &str,
    client: &Client,
    now: Timestamp,
) -> StepResult<String> {
    let row = guarded_find(ctx, secret, client, now).await?;
    let guess = throttling::Guess {
        target: format!("link {}", row.id),
        address: client.address.clone(),
        known_browser: None,
    };
    let turn = throttling::begin(&ctx.store, &guess, now).await?;
    if passwords::fits(
        ctx.config.password_cost,
        turn,
        passcode,
        row.passcode_hash.as_deref(),
    )
    .await?
    {
        throttling::succeeded(ctx, &guess).await?;
        let mut tx = ctx.store.begin().await?;
        let (mut row, _, _) = find(&mut tx, secret, now).await?;
        row.wrong_passcode_count = 0;
        links::update(&mut tx, &row).await?;
        tx.commit().await?;
        return Ok(unlock_value(
            &row,
            secret,
            now.plus_seconds(limits::LINK_UNLOCK_SECONDS),
        ));
    }
    let mut tx = ctx.store.begin().await?;
    let (mut row, file, actor) = find(&mut tx, secret, now).await?;
    row.wrong_passcode_count += 1;
    let over = row.wrong_passcode_count >= limits::LINK_PASSCODE_TRIES;
    if over {
        row.revoked_at = Some(now.as_micros());
        let what = "A link was closed after too many wrong passcodes";
        casework::note(
            &mut tx,
            &file,
            &Actor::System,
            "link.locked",
            what,
            Said::default(),
            now,
        )
        .await?;
    }
    links::update(&mut tx, &row).await?;
    audit::record(
        &mut tx,
        &actor,
        &AuditEvent::new("link.refused")
            .in_case(&file.case_id)
            .on("link", &row.id),
        now,
    )
    .await?;
    tx.commit().await?;
    if over {
        return Err(StepError::Limit(
            "There were too many wrong passcodes, so this link is closed. Ask for a new one."
                .to_owned(),
        ));
    }
    Err(StepError::invalid(
        "passcode",
        "This passcode is not right. Please check it and try again.",
    ))
}

/// Returns the actor of an open link without noting a reading: for `/dicom-web` requests made from its viewer.
///
/// # Errors
/// As [`super::open`].
pub async fn actor(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    now: Timestamp,
) -> StepResult<Actor> {
    let mut tx = ctx.store.read().await?;
    let (row, _, actor) = enter(&mut tx, secret, session, now).await?;
    if row.with_images == 0 {
        return Err(StepError::NotFound);
    }
    Ok(actor)
}

/// Says whether the token of a form belongs to this link (constant time).
pub fn csrf_matches(secret: &str, presented: &str) -> bool {
    crate::secrets::same(
        crate::secrets::derive("overread 2026 link csrf", secret).as_bytes(),
        presented.as_bytes(),
    )
}

/// Returns who is signed in in the same browser when that is a party of the case and not the receiver of the link: the secret
/// proves only that somebody has it. The receiver is known by the address, but whoever shares types that: it tells only of a
/// physician.
pub(super) async fn other_party<'a>(
    tx: &mut Tx,
    person: Option<&'a Actor>,
    link: &LinkRow,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Option<&'a Actor>> {
    let Some(actor @ Actor::Person { person_id, .. }) = person else {
        return Ok(None);
    };
    let account = people::find(tx, person_id).await?;
    let receiver = people::fold_email(&link.recipient_email);
    if actor.role() == Some(Role::ReferringPhysician)
        && account.is_some_and(|row| row.email_folded == receiver)
    {
        return Ok(None);
    }
    let is_party = !grants::ties_of(tx, case_id, person_id.as_str())
        .await?
        .is_empty()
        || !casework::rights(tx, actor, case_id, now).await?.is_empty();
    Ok(is_party.then_some(actor))
}

pub(super) async fn refuse_party(
    tx: &mut Tx,
    person: Option<&Actor>,
    link: &LinkRow,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    match other_party(tx, person, link, case_id, now).await? {
        None => Ok(()),
        Some(_) => Err(StepError::invalid("", NOT_THE_RECEIVER)),
    }
}

/// What a party of the case is told that opened somebody else's link.
const NOT_THE_RECEIVER: &str = "In this browser somebody is signed in who takes part in this case. Only the doctor this link was \
    sent to can confirm or decide here. If that is you, sign out first, or open the link in another browser.";

/// Finds a link that opens now. Wrong, revoked, expired, early and withdrawn ones look alike.
pub(super) async fn find(
    tx: &mut Tx,
    secret: &str,
    now: Timestamp,
) -> StepResult<(LinkRow, CaseFile, Actor)> {
    if secret.len() > 64 {
        return Err(StepError::NotFound);
    }
    let row = links::find(tx, &secrets::hash(secret))
        .await?
        .ok_or(StepError::NotFound)?;
    if !is_in_force(&row, now) {
        return Err(StepError::NotFound);
    }
    let case_id: CaseId = row.case_id.parse().map_err(StepError::internal)?;
    let link_id: LinkId = row.id.parse().map_err(StepError::internal)?;
    let actor = Actor::Link {
        link_id,
        case_id: case_id.clone(),
    };
    // The link itself is the grant; what it may see is fixed here.
    let mut file = casework::load(tx, &Actor::System, &case_id, now).await?;
    file.hats =
        overread_model::case::CaseRole::worn_by(&actor, overread_model::case::Ties::default());
    file.rights = vec![
        overread_model::access::Right::ViewReport,
        overread_model::access::Right::Acknowledge,
    ];
    if file.row.delivered_at.is_none() {
        return Err(StepError::NotFound);
    }
    Ok((row, file, actor))
}

pub(super) const fn is_in_force(row: &LinkRow, now: Timestamp) -> bool {
    row.revoked_at.is_none()
        && row.not_before <= now.as_micros()
        && row.expires_at > now.as_micros()
}

/// Finds a link, and slows an address down that tries secrets.
pub(super) async fn guarded_find(
    ctx: &Workflow,
    secret: &str,
    client: &Client,
    now: Timestamp,
) -> StepResult<LinkRow> {
    let found = {
        let mut tx = ctx.store.read().await?;
        find(&mut tx, secret, now).await
    };
    match found {
        Ok((row, _, _)) => Ok(row),
        Err(StepError::NotFound) if !client.address.is_empty() => {
            let guess = throttling::Guess {
                target: format!("links from {}", client.address),
                address: client.address.clone(),
                known_browser: None,
            };
            throttling::count(&ctx.store, &guess, now).await?;
            Err(StepError::NotFound)
        }
        Err(error) => Err(error),
    }
}

/// Finds a link whose passcode, if it has one, was given in this browser.
pub(super) async fn enter(
    tx: &mut Tx,
    secret: &str,
    session: Option<&str>,
    now: Timestamp,
) -> StepResult<(LinkRow, CaseFile, Actor)> {
    let found = find(tx, secret, now).await?;
    if is_unlocked(&found.0, secret, session, now) {
        Ok(found)
    } else {
        Err(StepError::NotFound)
    }
}

/// Returns what the browser keeps after the passcode fitted: an end, and a proof that only we can make.
fn unlock_value(row: &LinkRow, secret: &str, until: Timestamp) -> String {
    let until = until.as_micros();
    let bound = format!(
        "{secret}\n{}\n{until}",
        row.passcode_hash.as_deref().unwrap_or_default()
    );
    format!(
        "{until}.{}",
        secrets::derive("overread 2026 link unlock", &bound)
    )
}

pub(super) fn is_unlocked(
    row: &LinkRow,
    secret: &str,
    session: Option<&str>,
    now: Timestamp,
) -> bool {
    if row.passcode_hash.is_none() {
        return true;
    }
    let Some((until, _)) = session.and_then(|value| value.split_once('.')) else {
        return false;
    };
    let Ok(until) = until.parse::<i64>() else {
        return false;
    };
    let expected = unlock_value(row, secret, Timestamp::from_micros(until));
    until > now.as_micros()
        && session.is_some_and(|value| secrets::same(value.as_bytes(), expected.as_bytes()))
}
