//! The first report of a case, verbatim; a correction is a further version.

use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;

/// A version of the original report.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OriginalRow {
    /// Counts from 1.
    pub version: i64,
    /// The text.
    pub body: String,
    /// `paste`, `text_file`, `pdf`.
    pub source: String,
    /// The document it was read from, when it was one of the case.
    pub document_id: Option<String>,
    /// Day as typed.
    pub report_date: String,
    /// Signer as typed.
    pub author: String,
    /// Place as typed.
    pub institution: String,
    /// Person who entered it.
    pub entered_by: String,
    /// UTC µs.
    pub entered_at: i64,
}

/// Returns the newest version.
///
/// # Errors
/// When the database fails.
pub async fn newest(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<OriginalRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select version, body, source, document_id, report_date, author, institution, entered_by, entered_at \
             from original_report where case_id = $1 order by version desc limit 1")
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}

/// Returns the version that was in force at an instant.
///
/// # Errors
/// When the database fails.
pub async fn in_force_at(
    tx: &mut Tx,
    case_id: &CaseId,
    at: Timestamp,
) -> StoreResult<Option<OriginalRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select version, body, source, document_id, report_date, author, institution, entered_by, entered_at \
             from original_report where case_id = $1 and entered_at <= $2 order by version desc limit 1")
        .bind(case_id.as_str()).bind(at.as_micros()).fetch_optional(&mut *c).await?))
}

/// Says whether there is one, without reading it.
///
/// # Errors
/// When the database fails.
pub async fn exists(tx: &mut Tx, case_id: &CaseId) -> StoreResult<bool> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as("select count(*) from original_report where case_id = $1")
        .bind(case_id.as_str()).fetch_one(&mut *c).await?);
    Ok(count > 0)
}

/// Returns the documents whose text was taken as the original report, in any version.
///
/// # Errors
/// When the database fails.
pub async fn documents(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select distinct document_id from original_report where case_id = $1 and document_id is not null")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Adds a version.
///
/// # Errors
/// When the database fails, or another tab added the same version ([`crate::StoreError::is_unique_violation`]).
pub async fn insert(tx: &mut Tx, case_id: &CaseId, row: &OriginalRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into original_report (case_id, version, body, source, document_id, report_date, author, institution, \
             entered_by, entered_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(case_id.as_str()).bind(row.version).bind(&row.body).bind(&row.source).bind(&row.document_id)
        .bind(&row.report_date).bind(&row.author).bind(&row.institution).bind(&row.entered_by).bind(row.entered_at)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}
