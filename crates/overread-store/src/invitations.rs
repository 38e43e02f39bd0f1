//! Invitations, kept by the digest of their secret.

use overread_model::ids::{CaseId, PersonId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::{StoreError, StoreResult};

/// An invitation's row.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct InvitationRow {
    /// Names it.
    pub id: String,
    /// Who.
    pub name: String,
    /// Address as typed.
    pub email: String,
    /// Address as compared.
    pub email_folded: String,
    /// `Role::as_str`.
    pub role: String,
    /// `en` or `es`.
    pub language: String,
    /// The case, when it is for one.
    pub case_id: Option<String>,
    /// Who asks them in.
    pub invited_by: String,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs.
    pub expires_at: i64,
    /// UTC µs.
    pub accepted_at: Option<i64>,
    /// UTC µs.
    pub revoked_at: Option<i64>,
}

impl InvitationRow {
    /// Returns the case it is for.
    ///
    /// # Errors
    /// When the column is damaged.
    pub fn case_id(&self) -> StoreResult<Option<CaseId>> {
        let parsed = self.case_id.as_deref().map(str::parse).transpose();
        parsed.map_err(|_| StoreError::Damaged {
            table: "invitation",
        })
    }
}

macro_rules! columns {
    () => {
        "id, name, email, email_folded, role, language, case_id, invited_by, created_at, expires_at, accepted_at, revoked_at"
    };
}

/// Adds an invitation.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, row: &InvitationRow, secret_hash: &[u8]) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into invitation (id, secret_hash, name, email, email_folded, role, language, case_id, invited_by, \
             created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(&row.id).bind(secret_hash).bind(&row.name).bind(&row.email).bind(&row.email_folded).bind(&row.role)
        .bind(&row.language).bind(&row.case_id).bind(&row.invited_by).bind(row.created_at).bind(row.expires_at)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Finds an invitation by the digest of its secret, whatever became of it.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, secret_hash: &[u8]) -> StoreResult<Option<InvitationRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from invitation where secret_hash = $1"))
        .bind(secret_hash).fetch_optional(&mut *c).await?),
    )
}

/// Finds an invitation by its id.
///
/// # Errors
/// When the database fails.
pub async fn find_by_id(tx: &mut Tx, id: &str) -> StoreResult<Option<InvitationRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from invitation where id = $1"))
        .bind(id).fetch_optional(&mut *c).await?),
    )
}

/// Lists invitations: open ones first, then the newest. `invited_by` empty means everybody's.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Tx,
    invited_by: &str,
    now: Timestamp,
    limit: i64,
) -> StoreResult<Vec<InvitationRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from invitation \
            where $1 = '' or invited_by = $1 \
            order by case when accepted_at is null and revoked_at is null and expires_at > $2 then 0 else 1 end, \
            created_at desc, id limit $3"))
        .bind(invited_by).bind(now.as_micros()).bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Lists the open invitations to a case, newest first.
///
/// # Errors
/// When the database fails.
pub async fn open_of_case(
    tx: &mut Tx,
    case_id: &CaseId,
    now: Timestamp,
) -> StoreResult<Vec<InvitationRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from invitation \
            where case_id = $1 and accepted_at is null and revoked_at is null and expires_at > $2 order by created_at desc, id"))
        .bind(case_id.as_str()).bind(now.as_micros()).fetch_all(&mut *c).await?),
    )
}

/// Lists the invitations to a case that a person took.
///
/// # Errors
/// When the database fails.
pub async fn taken_by(
    tx: &mut Tx,
    case_id: &CaseId,
    person_id: &str,
) -> StoreResult<Vec<InvitationRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from invitation \
            where case_id = $1 and accepted_by = $2 order by created_at desc, id"))
        .bind(case_id.as_str()).bind(person_id).fetch_all(&mut *c).await?),
    )
}

/// Counts one person's open invitations.
///
/// # Errors
/// When the database fails.
pub async fn open_count(tx: &mut Tx, invited_by: &PersonId, now: Timestamp) -> StoreResult<i64> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(
            "select count(*) from invitation where invited_by = $1 and accepted_at is null and revoked_at is null \
             and expires_at > $2")
        .bind(invited_by.as_str()).bind(now.as_micros()).fetch_one(&mut *c).await?);
    Ok(count)
}

/// Takes an open invitation; says whether it was still open (so that it works once).
///
/// # Errors
/// When the database fails.
pub async fn accept(tx: &mut Tx, id: &str, person: &PersonId, now: Timestamp) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update invitation set accepted_at = $1, accepted_by = $2 \
             where id = $3 and accepted_at is null and revoked_at is null and expires_at > $1")
        .bind(now.as_micros()).bind(person.as_str()).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Takes an open invitation back; says whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn revoke(tx: &mut Tx, id: &str, now: Timestamp) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update invitation set revoked_at = $1 where id = $2 and accepted_at is null and revoked_at is null")
        .bind(now.as_micros()).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}
