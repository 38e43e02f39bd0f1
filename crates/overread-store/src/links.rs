//! Share links, kept by the digest of their secret.

use overread_model::access::{Actor, Right};
use overread_model::ids::{CaseId, LinkId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;

/// A link's row.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LinkRow {
    /// `LinkId`.
    pub id: String,
    /// The case it opens.
    pub case_id: String,
    /// Receiver.
    pub recipient_name: String,
    /// Receiver's address; may be empty.
    pub recipient_email: String,
    /// Who made it.
    pub created_by: String,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs.
    pub not_before: i64,
    /// UTC µs.
    pub expires_at: i64,
    /// argon2id of the passcode, when there is one.
    pub passcode_hash: Option<String>,
    /// Wrong tries in a row.
    pub wrong_passcode_count: i64,
    /// The images may be seen (0, 1).
    pub with_images: i32,
    /// UTC µs.
    pub opened_at: Option<i64>,
    /// UTC µs.
    pub last_used_at: Option<i64>,
    /// UTC µs.
    pub acknowledged_at: Option<i64>,
    /// UTC µs.
    pub decided_at: Option<i64>,
    /// What was decided.
    pub decision: Option<String>,
    /// Remark.
    pub decision_note: Option<String>,
    /// UTC µs.
    pub revoked_at: Option<i64>,
}

macro_rules! columns {
    () => {
        "id, case_id, recipient_name, recipient_email, created_by, created_at, not_before, expires_at, passcode_hash, \
         wrong_passcode_count, with_images, opened_at, last_used_at, acknowledged_at, decided_at, decision, decision_note, revoked_at"
    };
}

/// Adds a link.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, row: &LinkRow, secret_hash: &[u8]) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into share_link (id, case_id, secret_hash, recipient_name, recipient_email, created_by, created_at, \
             not_before, expires_at, passcode_hash, with_images) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(&row.id).bind(&row.case_id).bind(secret_hash).bind(&row.recipient_name).bind(&row.recipient_email)
        .bind(&row.created_by).bind(row.created_at).bind(row.not_before).bind(row.expires_at).bind(&row.passcode_hash)
        .bind(row.with_images)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Finds a link by the digest of its secret, whatever became of it.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, secret_hash: &[u8]) -> StoreResult<Option<LinkRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from share_link where secret_hash = $1"))
        .bind(secret_hash).fetch_optional(&mut *c).await?),
    )
}

/// Lists the links of a case, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<LinkRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from share_link where case_id = $1 order by created_at desc, id"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?),
    )
}

/// Saves what happened to a link: opened, used, acknowledged, decided, wrong passcodes, revoked. A later acknowledgement
/// takes the place of an earlier one, never the other way round.
///
/// # Errors
/// When the database fails.
pub async fn update(tx: &mut Tx, row: &LinkRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "update share_link set wrong_passcode_count = $1, opened_at = coalesce(opened_at, $2), last_used_at = $3, \
             acknowledged_at = case when $4 < acknowledged_at then acknowledged_at else coalesce($4, acknowledged_at) end, decided_at = $5, decision = $6, decision_note = $7, \
             revoked_at = coalesce(revoked_at, $8) where id = $9")
        .bind(row.wrong_passcode_count).bind(row.opened_at).bind(row.last_used_at).bind(row.acknowledged_at)
        .bind(row.decided_at).bind(&row.decision).bind(&row.decision_note).bind(row.revoked_at).bind(&row.id)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Takes a link of a case back; says whether there was one in force.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    tx: &mut Tx,
    case_id: &CaseId,
    id: &LinkId,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update share_link set revoked_at = $1 where id = $2 and case_id = $3 and revoked_at is null")
        .bind(now.as_micros()).bind(id.as_str()).bind(case_id.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Takes every link of a case back.
///
/// # Errors
/// When the database fails.
pub async fn revoke_all(tx: &mut Tx, case_id: &CaseId, now: Timestamp) -> StoreResult<u64> {
    Ok(
        on!(tx, c => sqlx::query("update share_link set revoked_at = $1 where case_id = $2 and revoked_at is null")
        .bind(now.as_micros()).bind(case_id.as_str()).execute(&mut *c).await?.rows_affected()),
    )
}

/// Lists links that were made before an instant and never opened, in cases the actor may see, longest first.
///
/// # Errors
/// When the database fails.
pub async fn unread(
    tx: &mut Tx,
    actor: &Actor,
    made_before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> StoreResult<Vec<LinkRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from share_link where opened_at is null \
            and revoked_at is null and not_before <= $1 and created_at <= $1 and ($2 = 1 or case_id in (select case_id \
            from case_grant where subject_kind = $3 and subject_id = $4 and right_ = $5 and revoked_at is null \
            and from_at <= $6 and (until_at is null or until_at > $6))) and case_id in (select id from case_ where ended_at is null) \
            order by not_before, id limit $7"))
        .bind(made_before.as_micros()).bind(i64::from(actor.sees_every_case())).bind(actor.kind()).bind(actor.id())
        .bind(Right::ViewCase.as_str()).bind(now.as_micros()).bind(limit)
        .fetch_all(&mut *c).await?),
    )
}

/// Lists the cases the actor may see with a link that was opened before an addendum, or before a comparison signed again after
/// the release, that was signed before an instant, and not acknowledged since, longest first.
///
/// # Errors
/// When the database fails.
pub async fn unread_changes(
    tx: &mut Tx,
    actor: &Actor,
    signed_before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> StoreResult<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select case_id from share_link where revoked_at is null \
            and opened_at is not null and (exists (select 1 from report_addendum a join report r on r.id = a.report_id \
            where r.case_id = share_link.case_id and a.signed_at <= $1 \
            and a.signed_at > coalesce(share_link.acknowledged_at, share_link.opened_at)) \
            or exists (select 1 from concordance k join case_ d on d.id = k.case_id \
            where k.case_id = share_link.case_id and k.decided_at > d.delivered_at and k.decided_at <= $1 \
            and k.decided_at > coalesce(share_link.acknowledged_at, share_link.opened_at))) and ($2 = 1 or case_id in (select case_id \
            from case_grant where subject_kind = $3 and subject_id = $4 and right_ = $5 and revoked_at is null \
            and from_at <= $6 and (until_at is null or until_at > $6))) and case_id in (select id from case_ where ended_at is null) \
            group by case_id order by min(not_before), case_id limit $7")
        .bind(signed_before.as_micros()).bind(i64::from(actor.sees_every_case())).bind(actor.kind()).bind(actor.id())
        .bind(Right::ViewCase.as_str()).bind(now.as_micros()).bind(limit)
        .fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(case_id,)| case_id).collect())
}
