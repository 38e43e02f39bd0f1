//! Legal holds: while one stands, nothing that it covers is erased by anybody.

use overread_model::ids::{CaseId, LegalHoldId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;
use crate::studies::StudyKey;

/// What a hold covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Every study that is or was in the case, also one that is deleted and not erased yet.
    Case(CaseId),
    /// One study.
    Study(StudyKey),
}

/// A hold, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HoldRow {
    /// `LegalHoldId`.
    pub id: String,
    /// The case that is held.
    pub case_id: Option<String>,
    /// Its number.
    pub case_number: Option<String>,
    /// The study that is held.
    pub study_id: Option<i64>,
    /// (0020,000D) of it.
    pub study_instance_uid: Option<String>,
    /// Why.
    pub reason: String,
    /// Id of who placed it.
    pub placed_by: String,
    /// UTC µs.
    pub placed_at: i64,
}

macro_rules! columns {
    () => {
        "select h.id, h.case_id, k.number as case_number, h.study_id, s.study_instance_uid, h.reason, h.placed_by, h.placed_at \
         from legal_hold h left join case_ k on k.id = h.case_id left join study s on s.id = h.study_id \
         where h.lifted_at is null"
    };
}

/// The holds that cover a study (`$1`), by which cases it is in, was taken out of by a deletion, or waits in.
macro_rules! covers {
    () => {
        "h.lifted_at is null and (h.study_id = $1 or h.case_id in (select case_id from case_study where study_id = $1 \
         union select dc.case_id from deletion_case dc join deletion d on d.id = dc.deletion_id where d.study_id = $1 \
         union select case_id from quarantine where study_id = $1))"
    };
}

/// Places a hold.
///
/// # Errors
/// When the database fails.
pub async fn place(
    tx: &mut Tx,
    id: &LegalHoldId,
    held: &Held,
    reason: &str,
    placed_by: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let (case_id, study_id) = match held {
        Held::Case(case_id) => (Some(case_id.as_str()), None),
        Held::Study(study) => (None, Some(study.0)),
    };
    on!(tx, c => sqlx::query(
            "insert into legal_hold (id, case_id, study_id, reason, placed_by, placed_at) values ($1, $2, $3, $4, $5, $6)")
        .bind(id.as_str()).bind(case_id).bind(study_id).bind(reason).bind(placed_by).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lifts a hold; says whether it stood. What it alone kept from being erased can be restored until `erase_at` again.
///
/// # Errors
/// When the database fails.
pub async fn lift(
    tx: &mut Tx,
    id: &LegalHoldId,
    reason: &str,
    lifted_by: &str,
    erase_at: Timestamp,
    now: Timestamp,
) -> StoreResult<bool> {
    // No study that it covers is erased in the moment in which it is lifted.
    on!(&mut *tx, c => sqlx::query(
            "update deletion set erase_at = $2 where ended_at is null and erase_at < $2 and exists (select 1 from legal_hold h \
             where h.id = $1 and h.lifted_at is null and (h.study_id = deletion.study_id or h.case_id in (select case_id \
             from deletion_case where deletion_id = deletion.id union select case_id from case_study \
             where study_id = deletion.study_id union select case_id from quarantine where study_id = deletion.study_id)))")
        .bind(id.as_str()).bind(erase_at.as_micros()).execute(&mut *c).await?.rows_affected());
    let done = on!(tx, c => sqlx::query(
            "update legal_hold set lifted_by = $2, lifted_at = $3, lift_reason = $4 where id = $1 and lifted_at is null")
        .bind(id.as_str()).bind(lifted_by).bind(now.as_micros()).bind(reason).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Finds a hold that stands.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &LegalHoldId) -> StoreResult<Option<HoldRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(columns!(), " and h.id = $1"))
        .bind(id.as_str()).fetch_optional(&mut *c).await?),
    )
}

/// Lists the holds that stand, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, limit: i64) -> StoreResult<Vec<HoldRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(columns!(), " order by h.placed_at desc, h.id limit $1"))
        .bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Lists the holds that stand on a case or on a study of it, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<HoldRow>> {
    Ok(on!(tx, c => sqlx::query_as(concat!(columns!(),
            " and (h.case_id = $1 or h.study_id in (select study_id from case_study where case_id = $1)) \
             order by h.placed_at desc, h.id"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?))
}

/// Says whether a hold covers a study.
///
/// # Errors
/// When the database fails.
pub async fn covers(tx: &mut Tx, study: StudyKey) -> StoreResult<bool> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(concat!("select count(*) from legal_hold h where ", covers!()))
        .bind(study.0).fetch_one(&mut *c).await?);
    Ok(count > 0)
}
