//! Who pays for the second opinion of a case.

use overread_model::ids::CaseId;

use crate::Tx;
use crate::error::StoreResult;

/// A coverage row.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct CoverageRow {
    /// `quoted`, `accepted`, `covered`, `charity`, `denied`.
    pub status: String,
    /// `self_pay`, `covered`, `charity`.
    pub kind: String,
    /// Whole cost.
    pub quote_cents: Option<i64>,
    /// What the patient pays of it.
    pub share_cents: Option<i64>,
    /// Currency.
    pub currency: String,
    /// Payer.
    pub payer: String,
    /// Authorisation number.
    pub reference: String,
    /// Why denied.
    pub denial_reason: String,
    /// UTC µs.
    pub quoted_at: Option<i64>,
    /// UTC µs.
    pub accepted_at: Option<i64>,
    /// Who accepted.
    pub accepted_by: Option<String>,
}

/// Returns the coverage of a case.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<CoverageRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select status, kind, quote_cents, share_cents, currency, payer, reference, denial_reason, quoted_at, \
             accepted_at, accepted_by from coverage where case_id = $1")
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}

/// Saves the coverage of a case.
///
/// # Errors
/// When the database fails.
pub async fn save(tx: &mut Tx, case_id: &CaseId, row: &CoverageRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into coverage (case_id, status, kind, quote_cents, share_cents, currency, payer, reference, \
             denial_reason, quoted_at, accepted_at, accepted_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             on conflict (case_id) do update set status = excluded.status, kind = excluded.kind, \
             quote_cents = excluded.quote_cents, share_cents = excluded.share_cents, currency = excluded.currency, \
             payer = excluded.payer, reference = excluded.reference, denial_reason = excluded.denial_reason, \
             quoted_at = excluded.quoted_at, accepted_at = excluded.accepted_at, accepted_by = excluded.accepted_by")
        .bind(case_id.as_str()).bind(&row.status).bind(&row.kind).bind(row.quote_cents).bind(row.share_cents)
        .bind(&row.currency).bind(&row.payer).bind(&row.reference).bind(&row.denial_reason).bind(row.quoted_at)
        .bind(row.accepted_at).bind(&row.accepted_by)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}
