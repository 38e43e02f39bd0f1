//! Mail that waits to be handed over.

use overread_model::ids::{CaseId, LinkId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;
use crate::tokens::random_id;

/// A mail to queue.
#[derive(Clone)]
pub struct NewMail<'a> {
    /// The same news is queued once: `case:event:version:address`.
    pub dedup_key: String,
    /// Receiver's name.
    pub to_name: &'a str,
    /// Receiver's address.
    pub to_address: &'a str,
    /// Subject; no name, no clinical content.
    pub subject: String,
    /// Plain text.
    pub body_text: String,
    /// HTML.
    pub body_html: String,
    /// About which case.
    pub case_id: Option<&'a CaseId>,
    /// For which share link.
    pub link_id: Option<&'a LinkId>,
}

/// A queued mail.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MailRow {
    /// Names it.
    pub id: String,
    /// Receiver's name.
    pub to_name: String,
    /// Receiver's address.
    pub to_address: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub body_text: String,
    /// HTML.
    pub body_html: String,
    /// Queued, UTC µs.
    pub created_at: i64,
    /// Tries so far.
    pub try_count: i64,
}

/// Queues a mail; the same key a second time does nothing.
///
/// # Errors
/// When the database fails.
pub async fn queue(tx: &mut Tx, mail: &NewMail<'_>, now: Timestamp) -> StoreResult<()> {
    let id = CaseId::from_random(random_id()?);
    on!(tx, c => sqlx::query(
            "insert into outbox (id, dedup_key, to_name, to_address, subject, body_text, body_html, case_id, link_id, \
             created_at, due_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict (dedup_key) do nothing")
        .bind(id.as_str()).bind(&mail.dedup_key).bind(mail.to_name).bind(mail.to_address).bind(&mail.subject)
        .bind(&mail.body_text).bind(&mail.body_html).bind(mail.case_id.map(CaseId::as_str))
        .bind(mail.link_id.map(LinkId::as_str)).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Claims mails that are due, so that another node leaves them alone until `claimed_until`.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    tx: &mut Tx,
    now: Timestamp,
    claimed_until: Timestamp,
    limit: i64,
) -> StoreResult<Vec<MailRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "update outbox set claimed_until = $1 where id in (select id from outbox where sent_at is null \
             and given_up_at is null and due_at <= $2 and claimed_until <= $2 order by due_at, id limit $3) \
             and claimed_until <= $2 \
             returning id, to_name, to_address, subject, body_text, body_html, created_at, try_count")
        .bind(claimed_until.as_micros()).bind(now.as_micros()).bind(limit).fetch_all(&mut *c).await?))
}

/// Notes that a mail was handed over.
///
/// # Errors
/// When the database fails.
pub async fn sent(tx: &mut Tx, id: &str, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "update outbox set sent_at = $1, try_count = try_count + 1, last_error = null where id = $2 and sent_at is null")
        .bind(now.as_micros()).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// What to do with a mail that could not be handed over.
#[derive(Debug, Clone, Copy)]
pub struct Retry<'a> {
    /// What went wrong; no address, no text.
    pub error: &'a str,
    /// Try again at; `None`: give up.
    pub at: Option<Timestamp>,
}

/// Notes that a mail could not be handed over.
///
/// # Errors
/// When the database fails.
pub async fn failed(tx: &mut Tx, id: &str, retry: Retry<'_>, now: Timestamp) -> StoreResult<()> {
    let gives_up = retry.at.is_none().then_some(now.as_micros());
    on!(tx, c => sqlx::query(
            "update outbox set try_count = try_count + 1, claimed_until = 0, last_error = $1, due_at = $2, given_up_at = $3 \
             where id = $4 and sent_at is null")
        .bind(retry.error).bind(retry.at.unwrap_or(now).as_micros()).bind(gives_up).bind(id)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns when the mail that brought a share link was handed over; later mails about it do not count.
///
/// # Errors
/// When the database fails.
pub async fn sent_for_link(tx: &mut Tx, link_id: &str) -> StoreResult<Option<i64>> {
    let row: Option<(Option<i64>,)> = on!(tx, c => sqlx::query_as(
            "select sent_at from outbox where dedup_key = 'link:' || $1").bind(link_id).fetch_optional(&mut *c).await?);
    Ok(row.and_then(|(at,)| at))
}

/// Returns the text of the last mail with a share link.
///
/// # Errors
/// When the database fails.
pub async fn text_for_link(tx: &mut Tx, link_id: &str) -> StoreResult<Option<String>> {
    let row: Option<(String,)> = on!(tx, c => sqlx::query_as(
            "select body_text from outbox where link_id = $1 order by created_at desc, id limit 1")
        .bind(link_id).fetch_optional(&mut *c).await?);
    Ok(row.map(|(text,)| text))
}
