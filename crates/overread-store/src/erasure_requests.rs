//! Requests that the images of a case be deleted, and what administrators answered.

use overread_model::ids::{CaseId, ErasureRequestId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RequestRow {
    /// `ErasureRequestId`.
    pub id: String,
    /// The case.
    pub case_id: String,
    /// Its number.
    pub case_number: Option<String>,
    /// UTC µs.
    pub asked_at: i64,
    /// Id of who asked.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// UTC µs.
    pub answered_at: Option<i64>,
    /// `deleted` or `declined`.
    pub answer: Option<String>,
    /// What the administrator wrote.
    pub answer_note: Option<String>,
}

macro_rules! columns {
    () => {
        "select r.id, r.case_id, k.number as case_number, r.asked_at, r.asked_by, r.reason, r.answered_at, r.answer, \
         r.answer_note from erasure_request r join case_ k on k.id = r.case_id"
    };
}

/// Adds a request; `false` when one is open in the case.
///
/// # Errors
/// When the database fails.
pub async fn add(
    tx: &mut Tx,
    id: &ErasureRequestId,
    case_id: &CaseId,
    asked_by: &str,
    reason: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let added = on!(tx, c => sqlx::query(
            "insert into erasure_request (id, case_id, asked_by, asked_at, reason) values ($1, $2, $3, $4, $5) \
             on conflict do nothing")
        .bind(id.as_str()).bind(case_id.as_str()).bind(asked_by).bind(now.as_micros()).bind(reason)
        .execute(&mut *c).await?.rows_affected());
    Ok(added == 1)
}

/// Notes an answer; says whether the request was open.
///
/// # Errors
/// When the database fails.
pub async fn answer(
    tx: &mut Tx,
    id: &ErasureRequestId,
    answer: &'static str,
    note: &str,
    answered_by: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update erasure_request set answer = $2, answer_note = $3, answered_by = $4, answered_at = $5 \
             where id = $1 and answered_at is null")
        .bind(id.as_str()).bind(answer).bind(note).bind(answered_by).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Finds an open request.
///
/// # Errors
/// When the database fails.
pub async fn find_open(tx: &mut Tx, id: &ErasureRequestId) -> StoreResult<Option<RequestRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(columns!(), " where r.id = $1 and r.answered_at is null"))
        .bind(id.as_str()).fetch_optional(&mut *c).await?),
    )
}

/// Lists the open requests, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_open(tx: &mut Tx, limit: i64) -> StoreResult<Vec<RequestRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(columns!(), " where r.answered_at is null order by r.asked_at, r.id limit $1"))
        .bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Returns the last request of a case.
///
/// # Errors
/// When the database fails.
pub async fn last_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<RequestRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(columns!(), " where r.case_id = $1 order by r.asked_at desc, r.id limit 1"))
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?),
    )
}
