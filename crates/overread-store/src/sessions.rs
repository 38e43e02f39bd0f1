//! Sessions: kept by the digest of their token.

use overread_model::ids::PersonId;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;

/// A session's row.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SessionRow {
    /// Names it in lists.
    pub id: String,
    /// Whose.
    pub person_id: String,
    /// The role it acts in.
    pub role: String,
    /// Browser and system.
    pub device: String,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs, to the minute.
    pub last_seen_at: i64,
    /// Absolute end, UTC µs.
    pub expires_at: i64,
    /// UTC µs.
    pub revoked_at: Option<i64>,
}

/// Adds a session.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, row: &SessionRow, token_hash: &[u8]) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into session (id, token_hash, person_id, role, device, created_at, last_seen_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&row.id).bind(token_hash).bind(&row.person_id).bind(&row.role).bind(&row.device)
        .bind(row.created_at).bind(row.last_seen_at).bind(row.expires_at)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Finds a session by the digest of its token, ended ones too.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, token_hash: &[u8]) -> StoreResult<Option<SessionRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, person_id, role, device, created_at, last_seen_at, expires_at, revoked_at \
             from session where token_hash = $1")
        .bind(token_hash).fetch_optional(&mut *c).await?))
}

/// Lists a person's sessions that are not revoked and not past `seen_since` and their absolute end, newest first.
///
/// # Errors
/// When the database fails.
pub async fn open_of(
    tx: &mut Tx,
    person: &PersonId,
    seen_since: Timestamp,
    now: Timestamp,
) -> StoreResult<Vec<SessionRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, person_id, role, device, created_at, last_seen_at, expires_at, revoked_at \
             from session where person_id = $1 and revoked_at is null and expires_at > $2 and last_seen_at > $3 \
             order by created_at desc, id")
        .bind(person.as_str()).bind(now.as_micros()).bind(seen_since.as_micros())
        .fetch_all(&mut *c).await?))
}

/// Notes a request.
///
/// # Errors
/// When the database fails.
pub async fn touch(tx: &mut Tx, id: &str, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update session set last_seen_at = $1 where id = $2 and last_seen_at < $1")
        .bind(now.as_micros()).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Changes the role a session acts in.
///
/// # Errors
/// When the database fails.
pub async fn set_role(tx: &mut Tx, id: &str, role: &str) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update session set role = $1 where id = $2").bind(role).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Ends one session of a person; says whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn revoke(tx: &mut Tx, person: &PersonId, id: &str, now: Timestamp) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update session set revoked_at = $1 where id = $2 and person_id = $3 and revoked_at is null")
        .bind(now.as_micros()).bind(id).bind(person.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Ends every session of a person but one (an empty id: every one).
///
/// # Errors
/// When the database fails.
pub async fn revoke_others(
    tx: &mut Tx,
    person: &PersonId,
    keep_id: &str,
    now: Timestamp,
) -> StoreResult<u64> {
    Ok(on!(tx, c => sqlx::query(
            "update session set revoked_at = $1 where person_id = $2 and id <> $3 and revoked_at is null")
        .bind(now.as_micros()).bind(person.as_str()).bind(keep_id).execute(&mut *c).await?.rows_affected()))
}

/// Forgets sessions that ended before an instant.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx, before: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query("delete from session where expires_at < $1")
        .bind(before.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}
