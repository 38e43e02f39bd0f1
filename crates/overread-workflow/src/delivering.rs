//! Delivering: release, share links for the treating physician, who has opened what.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, LinkId};
use overread_model::time::Timestamp;
use serde::Deserialize;

use overread_model::access::Right;
use overread_model::case::{CaseEvent, CaseRole, CaseState, rule_for};
use overread_model::person;
use overread_model::time::CalendarDate;
use overread_store::links::{self as rows, LinkRow as Row};
use overread_store::{Tx, outbox};

mod addendum;

pub(crate) use addendum::{changes, missed_by, missed_change, sign_time, tell_receivers};

use crate::cases::{self, ReadRow};
use crate::casework::{self, CaseFile, Said, checked_text};
use crate::comparing::Comparisons;
use crate::secrets::{self, Secret};
use crate::{
    FieldProblem, StepError, StepResult, Workflow, checking, consenting, limits, mailing, passwords,
};

/// What is filled in for a link.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct NewLink {
    /// Name of the receiver.
    pub recipient_name: String,
    /// Where the mail goes; empty: the address is handed over in another way.
    pub recipient_email: String,
    /// First day it opens, 2026-03-02; empty: at once.
    pub not_before: String,
    /// Last day it opens; empty: `limits::LINK_DAYS`.
    pub expires_on: String,
    /// Passcode told by another way; empty: none.
    pub passcode: String,
    /// The images may be seen too.
    pub with_images: bool,
}

/// A link just made: the address is shown once.
pub struct MadeLink {
    /// Names it.
    pub link_id: LinkId,
    /// Stands in the address.
    pub secret: Secret,
    /// `https://…/links/SECRET`.
    pub address: String,
}

/// How far a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkProgress {
    /// Sent, not opened.
    Sent,
    /// Opened.
    Opened,
    /// Opened or acknowledged before the result was changed, and not acknowledged since.
    BeforeChange,
    /// Acknowledged.
    Acknowledged,
    /// Said what will be done.
    Decided,
    /// Taken back.
    Revoked,
    /// Over before it was opened.
    Expired,
}

/// A link in the list.
pub struct LinkRow {
    /// Names it.
    pub link_id: LinkId,
    /// Receiver.
    pub recipient_name: String,
    /// Receiver's address.
    pub recipient_email: String,
    /// Made.
    pub created_at: Timestamp,
    /// Opens from.
    pub not_before: Timestamp,
    /// The last moment it opens.
    pub open_until: Timestamp,
    /// A passcode is asked.
    pub has_passcode: bool,
    /// Images may be seen.
    pub with_images: bool,
    /// How far.
    pub progress: LinkProgress,
    /// Mail handed over to the mail server (or written to the mail folder).
    pub mailed_at: Option<Timestamp>,
    /// First opened.
    pub opened_at: Option<Timestamp>,
    /// Last used.
    pub last_used_at: Option<Timestamp>,
    /// Acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// The first addendum, or comparison signed again, that the receiver, who had the result before it, has not acknowledged
    /// was signed at.
    pub unread_change: Option<Timestamp>,
    /// It does not open any more.
    pub is_over: bool,
    /// Decided.
    pub decided_at: Option<Timestamp>,
    /// What the physician decided, in words.
    pub decision: String,
    /// Remark of the physician.
    pub decision_note: String,
    /// Taken back.
    pub revoked_at: Option<Timestamp>,
    /// Unread past its time.
    pub overdue: bool,
}

/// What the page of acting shows.
pub struct ActView {
    /// Version of the case.
    pub version: i64,
    /// State of the case.
    pub state: String,
    /// Category the reviewer signed; none when nothing was compared.
    pub overall: Option<String>,
    /// Suggested receiver: name and e-mail from the request.
    pub suggested: NewLink,
    /// Links, newest first; only for those who share.
    pub links: Vec<LinkRow>,
    /// This reader may know who has it.
    pub sees_links: bool,
    /// Who has read what and when.
    pub reads: Vec<ReadRow>,
    /// Why it cannot be released yet; empty when it can or was.
    pub release_problems: Vec<crate::FieldProblem>,
    /// This reader may release now.
    pub may_release: bool,
    /// This reader may make and revoke links.
    pub may_share: bool,
    /// This reader may open the follow-up, ask for a third opinion or close.
    pub may_close: bool,
    /// Outcome, once closed.
    pub outcome: String,
}

/// Returns the page of acting.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ActView> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::ViewReport)?;
    let shares = may_share(&file);
    let changes = changes(&mut tx, case_id, file.row.delivered_at).await?;
    let mut links = Vec::new();
    if shares {
        let of_case = rows::list(&mut tx, case_id).await?;
        let missed = missed_by(&of_case, &changes, now);
        for row in of_case {
            let mailed_at = outbox::sent_for_link(&mut tx, &row.id).await?;
            let unread_change = missed.of(&row, &changes);
            links.push(row_of(row, mailed_at, unread_change, now)?);
        }
    }
    let why = &file.intake.why;
    let may_release = file.wears(CaseRole::Coordinator) && file.state == CaseState::ReportFinal;
    let shown = file.row.delivered_at.is_some()
        || file.wears(CaseRole::Coordinator)
        || file.own_task().is_ok();
    let known = Comparisons::of(&mut tx, case_id).await?;
    let comparison = known
        .counted(file.row.delivered_at.is_some())
        .filter(|_| shown);
    Ok(ActView {
        version: file.row.version,
        state: file.state.as_str().to_owned(),
        overall: comparison.and_then(|row| row.overall.clone()),
        suggested: NewLink {
            recipient_name: why.physician_name.clone(),
            recipient_email: why.physician_email.clone(),
            expires_on: usual_last_day(now).to_string(),
            with_images: true,
            ..NewLink::default()
        },
        links,
        sees_links: shares,
        reads: if shares {
            cases::reads(&mut tx, case_id).await?
        } else {
            Vec::new()
        },
        release_problems: if may_release {
            release_problems(&mut tx, &file, now).await?
        } else {
            Vec::new()
        },
        may_release,
        may_share: shares && file.row.delivered_at.is_some(),
        may_close: shares && matches!(file.state, CaseState::Delivered | CaseState::FollowUp),
        outcome: file.row.outcome.clone().unwrap_or_default(),
    })
}

/// Releases the result: report_final -> delivered; the requester is told.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` with what is missing.
pub async fn release(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    file.expect(version)?;
    if file.state == CaseState::ReportFinal {
        checking::require_one_patient(&mut tx, case_id).await?;
        crate::error::refuse_if_any(release_problems(&mut tx, &file, now).await?)?;
    }
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::Release,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Makes a share link for the treating physician and mails it when an address is given.
///
/// # Errors
/// `NotFound`, `Forbidden` (no consent to share), `Invalid`, `Limit`.
pub async fn share(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    form: &NewLink,
    now: Timestamp,
) -> StepResult<MadeLink> {
    let mut link = checked(form, actor, case_id, now)?;
    if !form.passcode.is_empty() {
        link.passcode_hash =
            Some(passwords::hash(ctx.config.password_cost, actor.id(), &form.passcode).await?);
    }
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_share(&file) {
        return Err(StepError::Forbidden);
    }
    file.require_state(
        &[CaseState::Delivered, CaseState::FollowUp],
        "Links are made once the result is delivered and while the case is open.",
    )?;
    consenting::require_scope(&mut tx, case_id, "share", now).await?;
    let open = rows::list(&mut tx, case_id).await?;
    let open = open
        .iter()
        .filter(|row| row.revoked_at.is_none() && row.expires_at > now.as_micros())
        .count();
    if i64::try_from(open).unwrap_or(i64::MAX) >= limits::LINKS_PER_CASE {
        return Err(StepError::Limit(
            "This case has too many open links. Revoke one first.".to_owned(),
        ));
    }
    let secret = Secret::new()?;
    rows::insert(&mut tx, &link, &secrets::hash(secret.reveal())).await?;
    let link_id: LinkId = link.id.parse().map_err(StepError::internal)?;
    let address = format!("{}/links/{}", ctx.config.public_url, secret.reveal());
    if !link.recipient_email.is_empty() {
        queue_mail(&mut tx, ctx, &file, &link, &address, now).await?;
    }
    let said = Said {
        note: &link.recipient_name,
        staff_only: false,
    };
    casework::note(
        &mut tx,
        &file,
        actor,
        "link.made",
        "The result was shared by a link",
        said,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(MadeLink {
        link_id,
        secret,
        address,
    })
}

/// Takes a link back at once.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn revoke(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    link_id: &LinkId,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_share(&file) {
        return Err(StepError::Forbidden);
    }
    if !rows::revoke(&mut tx, case_id, link_id, now).await? {
        return Err(StepError::NotFound);
    }
    casework::note(
        &mut tx,
        &file,
        actor,
        "link.revoked",
        "A link was taken back",
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// The asking side and the coordinator share.
fn may_share(file: &CaseFile) -> bool {
    file.wears(CaseRole::Coordinator) || file.wears(CaseRole::Requester)
}

/// Returns why the result cannot be released yet: the conditions of the rules, and the reviewer's category.
async fn release_problems(
    tx: &mut Tx,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<Vec<FieldProblem>> {
    let guards = rule_for(file.state, CaseEvent::Release)
        .map(|rule| rule.guards)
        .unwrap_or_default();
    let failed = guards.iter().filter(|guard| !guard.holds(&file.facts, now));
    let mut problems: Vec<FieldProblem> = failed
        .map(|guard| FieldProblem::new("", guard.refusal()))
        .collect();
    let known = Comparisons::of(tx, &file.case_id).await?;
    if known.newest.is_some() && known.complete().is_none_or(|row| row.overall.is_none()) {
        let message = if known.is_outdated() {
            "An addendum was signed. The reviewer has not signed yet what both reports together say with it."
        } else {
            "The reviewer has not signed yet what both reports together say."
        };
        problems.push(FieldProblem::new("", message));
    }
    Ok(problems)
}

/// Returns the last day of a link for which none was chosen; it is open for the whole of that day.
fn usual_last_day(now: Timestamp) -> CalendarDate {
    now.plus_days(limits::LINK_DAYS).date()
}

/// Returns the last moment of a link, for every page and mail that tells its end.
pub(crate) const fn open_until(link: &Row) -> Timestamp {
    Timestamp::from_micros(link.expires_at).last_moment_before()
}

/// Checks what was filled in and makes the row; the passcode is hashed by the caller.
fn checked(form: &NewLink, actor: &Actor, case_id: &CaseId, now: Timestamp) -> StepResult<Row> {
    let mut problems = Vec::new();
    let name = person::check_name("recipient_name", &form.recipient_name)
        .map_err(|problem| problems.push(problem))
        .ok();
    let email = match form.recipient_email.trim() {
        "" => Some(String::new()),
        typed => person::check_email(typed)
            .map_err(|problem| problems.push(FieldProblem::new("recipient_email", problem.message)))
            .ok(),
    };
    let day = |text: &str| text.trim().parse::<CalendarDate>().ok();
    let not_before = if form.not_before.trim().is_empty() {
        Some(now)
    } else {
        day(&form.not_before).map(CalendarDate::start)
    };
    let last_day = if form.expires_on.trim().is_empty() {
        Some(usual_last_day(now))
    } else {
        day(&form.expires_on)
    };
    let expires_at = last_day.map(|day| day.plus_days(1).start());
    let latest = now.plus_days(limits::LINK_MAX_DAYS);
    let fits = not_before
        .zip(expires_at)
        .is_some_and(|(from, until)| from < until && until > now && until <= latest.plus_days(1));
    if !fits {
        problems.push(FieldProblem::new(
            "expires_on",
            "Choose a last day after the first, at most one year ahead.",
        ));
    }
    let passcode = form.passcode.chars().count();
    if passcode > 0
        && !(limits::LINK_PASSCODE_MIN_CHARACTERS..=limits::SHORT_TEXT_CHARACTERS)
            .contains(&passcode)
    {
        problems.push(FieldProblem::new("passcode", "Use at least 6 characters."));
    }
    let (Some(recipient_name), Some(recipient_email), Some(not_before), Some(expires_at), true) =
        (name, email, not_before, expires_at, problems.is_empty())
    else {
        return Err(StepError::Invalid(problems));
    };
    checked_text(
        "recipient_name",
        &recipient_name,
        limits::SHORT_TEXT_CHARACTERS,
        None,
    )?;
    Ok(Row {
        id: casework::new_id(LinkId::from_random)?.as_str().to_owned(),
        case_id: case_id.as_str().to_owned(),
        recipient_name,
        recipient_email,
        created_by: actor.id().to_owned(),
        created_at: now.as_micros(),
        not_before: not_before.as_micros().max(now.as_micros()),
        expires_at: expires_at.as_micros(),
        passcode_hash: None,
        wrong_passcode_count: 0,
        with_images: i32::from(form.with_images),
        opened_at: None,
        last_used_at: None,
        acknowledged_at: None,
        decided_at: None,
        decision: None,
        decision_note: None,
        revoked_at: None,
    })
}

async fn queue_mail(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    link: &Row,
    address: &str,
    now: Timestamp,
) -> StepResult<()> {
    let until = open_until(link).date();
    let mail = mailing::result_link(
        ctx,
        &link.recipient_name,
        &file.intake.who.language,
        address,
        until,
    );
    let link_id: LinkId = link.id.parse().map_err(StepError::internal)?;
    let new = outbox::NewMail {
        dedup_key: format!("link:{}", link.id),
        to_name: &link.recipient_name,
        to_address: &link.recipient_email,
        subject: mail.subject,
        body_text: mail.text,
        body_html: mail.html,
        case_id: Some(&file.case_id),
        link_id: Some(&link_id),
    };
    Ok(outbox::queue(tx, &new, now).await?)
}

fn row_of(
    row: Row,
    mailed_at: Option<i64>,
    unread_change: Option<Timestamp>,
    now: Timestamp,
) -> StepResult<LinkRow> {
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let until = open_until(&row);
    let unread_since = Timestamp::from_micros(row.not_before).plus_days(limits::LINK_UNREAD_DAYS);
    let progress = if unread_change.is_some() {
        LinkProgress::BeforeChange
    } else if row.decided_at.is_some() {
        LinkProgress::Decided
    } else if row.acknowledged_at.is_some() {
        LinkProgress::Acknowledged
    } else if row.revoked_at.is_some() {
        LinkProgress::Revoked
    } else if row.opened_at.is_some() {
        LinkProgress::Opened
    } else if row.expires_at <= now.as_micros() {
        LinkProgress::Expired
    } else {
        LinkProgress::Sent
    };
    Ok(LinkRow {
        link_id: row.id.parse().map_err(StepError::internal)?,
        recipient_name: row.recipient_name,
        recipient_email: row.recipient_email,
        created_at: Timestamp::from_micros(row.created_at),
        not_before: Timestamp::from_micros(row.not_before),
        open_until: until,
        has_passcode: row.passcode_hash.is_some(),
        with_images: row.with_images != 0,
        overdue: match unread_change {
            Some(at) => at.plus_days(limits::LINK_UNREAD_DAYS) <= now,
            None => {
                matches!(progress, LinkProgress::Sent | LinkProgress::Expired)
                    && unread_since <= now
            }
        },
        unread_change,
        is_over: row.expires_at <= now.as_micros(),
        progress,
        mailed_at: at(mailed_at),
        opened_at: at(row.opened_at),
        last_used_at: at(row.last_used_at),
        acknowledged_at: at(row.acknowledged_at),
        decided_at: at(row.decided_at),
        decision: row
            .decision
            .as_deref()
            .map_or_else(String::new, crate::treating::decision_words),
        decision_note: row.decision_note.unwrap_or_default(),
        revoked_at: at(row.revoked_at),
    })
}
