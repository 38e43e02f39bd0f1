//! Comparisons of both reports; the engine's result never changes, corrections stand beside it.

use overread_model::ids::CaseId;

use crate::Tx;
use crate::error::StoreResult;

/// A comparison's row.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConcordanceRow {
    /// `ConcordanceId`.
    pub id: String,
    /// In which case.
    pub case_id: String,
    /// The second report.
    pub report_id: String,
    /// Version of the original report.
    pub original_version: i64,
    /// Digest of both texts.
    pub inputs_digest: Vec<u8>,
    /// Engine that made it.
    pub engine_version: String,
    /// The engine's result as JSON.
    pub result: String,
    /// Original report as compared.
    pub original_text: String,
    /// Second report as compared.
    pub second_text: String,
    /// UTC µs.
    pub made_at: i64,
    /// Counts up with each decision.
    pub version: i64,
    /// Corrections as JSON.
    pub corrections: String,
    /// Category that was signed.
    pub overall: Option<String>,
    /// Remark.
    pub note: String,
    /// Who signed the category.
    pub decided_by: Option<String>,
    /// Name of who signed it.
    pub decided_name: Option<String>,
    /// UTC µs.
    pub decided_at: Option<i64>,
}

/// Adds a comparison.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, row: &ConcordanceRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into concordance (id, case_id, report_id, original_version, inputs_digest, engine_version, result, \
             original_text, second_text, made_at, version, corrections) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(&row.id).bind(&row.case_id).bind(&row.report_id).bind(row.original_version).bind(&row.inputs_digest)
        .bind(&row.engine_version).bind(&row.result).bind(&row.original_text).bind(&row.second_text).bind(row.made_at)
        .bind(row.version).bind(&row.corrections)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns the newest comparison of a case.
///
/// # Errors
/// When the database fails.
pub async fn newest(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<ConcordanceRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, case_id, report_id, original_version, inputs_digest, engine_version, result, original_text, \
             second_text, made_at, version, corrections, overall, note, decided_by, decided_name, decided_at \
             from concordance where case_id = $1 order by made_at desc, id limit 1")
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}

/// Returns the newest comparison of a case that was signed.
///
/// # Errors
/// When the database fails.
pub async fn newest_signed(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<ConcordanceRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, case_id, report_id, original_version, inputs_digest, engine_version, result, original_text, \
             second_text, made_at, version, corrections, overall, note, decided_by, decided_name, decided_at \
             from concordance where case_id = $1 and overall is not null order by made_at desc, id limit 1")
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}

/// Returns when the comparisons of a case were signed that were signed after an instant; UTC µs, in order.
///
/// # Errors
/// When the database fails.
pub async fn signed_after(tx: &mut Tx, case_id: &CaseId, after: i64) -> StoreResult<Vec<i64>> {
    let rows: Vec<(i64,)> = on!(tx, c => sqlx::query_as(
            "select decided_at from concordance where case_id = $1 and decided_at > $2 order by decided_at, id")
        .bind(case_id.as_str()).bind(after).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(at,)| at).collect())
}

/// Signs the category, when nobody did in between; says whether it was so.
///
/// # Errors
/// When the database fails.
pub async fn decide(tx: &mut Tx, row: &ConcordanceRow) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update concordance set corrections = $1, overall = $2, note = $3, decided_by = $4, decided_name = $5, \
             decided_at = $6, version = version + 1 where id = $7 and version = $8")
        .bind(&row.corrections).bind(&row.overall).bind(&row.note).bind(&row.decided_by).bind(&row.decided_name)
        .bind(row.decided_at).bind(&row.id).bind(row.version)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}
