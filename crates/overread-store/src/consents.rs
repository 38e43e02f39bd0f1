//! Consents of a case.

use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;

/// A consent's row.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConsentRow {
    /// Names it.
    pub id: String,
    /// In which case.
    pub case_id: String,
    /// Who signed; who entered it, when it was signed on paper.
    pub signed_by: String,
    /// Typed signature.
    pub signature: String,
    /// Authority of a representative.
    pub authority: String,
    /// A representative signed (0, 1).
    pub authority_needed: i32,
    /// `review letters share email insurer`, separated by blanks; `insurer` alone when it was added later.
    pub scopes: String,
    /// Receivers.
    pub receivers: String,
    /// Digest of the text that was signed.
    pub text_digest: Vec<u8>,
    /// UTC µs.
    pub signed_at: i64,
    /// UTC µs.
    pub expires_at: i64,
    /// UTC µs.
    pub revoked_at: Option<i64>,
    /// Where the paper is kept, when it was signed on paper; else empty.
    pub paper_at: String,
}

/// Adds a consent.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, row: &ConsentRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into consent (id, case_id, signed_by, signature, authority, authority_needed, scopes, receivers, \
             text_digest, signed_at, expires_at, paper_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(&row.id).bind(&row.case_id).bind(&row.signed_by).bind(&row.signature).bind(&row.authority)
        .bind(row.authority_needed).bind(&row.scopes).bind(&row.receivers).bind(&row.text_digest)
        .bind(row.signed_at).bind(row.expires_at).bind(&row.paper_at)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the consents of a case, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<ConsentRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, case_id, signed_by, signature, authority, authority_needed, scopes, receivers, text_digest, \
             signed_at, expires_at, revoked_at, paper_at from consent where case_id = $1 order by signed_at desc, id")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?))
}

/// Revokes every consent in force; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    tx: &mut Tx,
    case_id: &CaseId,
    reason: &str,
    now: Timestamp,
) -> StoreResult<u64> {
    Ok(on!(tx, c => sqlx::query(
            "update consent set revoked_at = $1, revoke_reason = $2 where case_id = $3 and revoked_at is null and expires_at > $1")
        .bind(now.as_micros()).bind(reason).bind(case_id.as_str()).execute(&mut *c).await?.rows_affected()))
}

/// Finds when a patient last took a consent of the case back, and which account did.
///
/// # Errors
/// When the database fails.
pub async fn taken_back_by_patient(
    tx: &mut Tx,
    case_id: &CaseId,
) -> StoreResult<Option<(i64, String)>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select at, actor_id from audit where case_id = $1 and actor_role = 'patient' and (event = 'consent.revoked' \
             or (event = 'case.moved' and detail like '%\"event\":\"consent_revoked\"%')) order by seq desc limit 1")
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}
