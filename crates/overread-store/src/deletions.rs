//! Deletions: a marked study is out of everybody's reach at once, can be restored for a while, and is then erased.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, DeletionId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::access::{Reach, restrict_deleted};
use crate::error::{StoreError, StoreResult};
use crate::studies::sql::Clause;
use crate::studies::{self, ErasedStudy, Page, StudyFilter, StudyKey};

/// What is marked, and why.
#[derive(Debug, Clone)]
pub struct NewDeletion<'a> {
    /// Its id.
    pub id: &'a DeletionId,
    /// The study.
    pub study: StudyKey,
    /// Why.
    pub reason: &'a str,
    /// Until then it can be restored.
    pub erase_at: Timestamp,
}

/// A deletion, as lists show it; no patient data.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeletionRow {
    /// `DeletionId`.
    pub id: String,
    /// The study; its row is gone once it is erased.
    pub study_id: i64,
    /// Why.
    pub reason: String,
    /// Id of who marked it; empty for the program itself.
    pub marked_by: String,
    /// UTC µs.
    pub marked_at: i64,
    /// UTC µs; until then it can be restored.
    pub erase_at: i64,
    /// How many instances it had when it was marked.
    pub instance_count: i64,
    /// How many bytes they were.
    pub length_bytes: i64,
    /// UTC µs; when it was restored or its rows were erased.
    pub ended_at: Option<i64>,
    /// `restored` or `erased`.
    pub outcome: Option<String>,
    /// UTC µs; when the last of its bytes was overwritten.
    pub finished_at: Option<i64>,
    /// (0020,000D), while the study is there.
    pub study_instance_uid: Option<String>,
    /// (0008,0061), while the study is there.
    pub modalities: Option<String>,
    /// (0008,0020), while the study is there.
    pub study_date: Option<String>,
    /// The number of one case that it was taken out of.
    pub case_number: Option<String>,
}

macro_rules! columns {
    () => {
        "select d.id, d.study_id, d.reason, d.marked_by, d.marked_at, d.erase_at, d.instance_count, d.length_bytes, \
         d.ended_at, d.outcome, d.finished_at, s.study_instance_uid, s.modalities, s.study_date, (select min(k.number) from deletion_case dc \
         join case_ k on k.id = dc.case_id where dc.deletion_id = d.id) as case_number \
         from deletion d left join study s on s.id = d.study_id and (d.outcome is null or d.outcome = 'restored')"
    };
}

/// Says which study was erased to whoever knows its UID, and tells nobody else what the UID was.
fn digest_of(study_instance_uid: &str) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_derive_key("overread erased study 1");
    hasher.update(study_instance_uid.as_bytes());
    hasher.finalize().as_bytes().to_vec()
}

/// Takes a study out of everybody's reach; `false` when it is already, or is not there. Who also writes an audit row takes its
/// turn there first.
///
/// # Errors
/// When the database fails.
pub async fn mark(
    tx: &mut Tx,
    new: &NewDeletion<'_>,
    actor: &Actor,
    now: Timestamp,
) -> StoreResult<bool> {
    // Who puts it into a case meanwhile waits here, and finds it deleted.
    studies::lock(tx, new.study).await?;
    let row: Option<(String, i64, i64)> = on!(&mut *tx, c => sqlx::query_as(
            "select study_instance_uid, instance_count, length_bytes from study where id = $1")
        .bind(new.study.0).fetch_optional(&mut *c).await?);
    let Some((uid, instances, bytes)) = row else {
        return Ok(false);
    };
    let marked = on!(&mut *tx, c => sqlx::query(
            "insert into deletion (id, study_id, study_digest, reason, marked_by, marked_at, erase_at, instance_count, \
             length_bytes) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing")
        .bind(new.id.as_str()).bind(new.study.0).bind(digest_of(&uid)).bind(new.reason).bind(actor.id())
        .bind(now.as_micros()).bind(new.erase_at.as_micros()).bind(instances).bind(bytes)
        .execute(&mut *c).await?.rows_affected());
    if marked == 0 {
        return Ok(false);
    }
    on!(&mut *tx, c => sqlx::query(
            "insert into deletion_case (deletion_id, case_id, linked_at, pending) \
             select $1, case_id, linked_at, pending from case_study where study_id = $2")
        .bind(new.id.as_str()).bind(new.study.0).execute(&mut *c).await?.rows_affected());
    on!(tx, c => sqlx::query("delete from case_study where study_id = $1")
        .bind(new.study.0).execute(&mut *c).await?.rows_affected());
    Ok(true)
}

/// Puts a study back into its cases, where it waits until it is judged again whose it is; `None` when it can not be restored
/// any more. Who also writes an audit row takes its turn there first.
///
/// # Errors
/// When the database fails.
pub async fn restore(
    tx: &mut Tx,
    id: &DeletionId,
    actor: &Actor,
    now: Timestamp,
) -> StoreResult<Option<Vec<CaseId>>> {
    if end(tx, id, "restored", actor, now).await? == 0 {
        return Ok(None);
    }
    on!(&mut *tx, c => sqlx::query(
            "insert into case_study (case_id, study_id, linked_at, pending) select dc.case_id, d.study_id, dc.linked_at, 1 \
             from deletion_case dc join deletion d on d.id = dc.deletion_id where d.id = $1 \
             on conflict (case_id, study_id) do nothing")
        .bind(id.as_str()).execute(&mut *c).await?.rows_affected());
    cases_of(tx, id).await.map(Some)
}

async fn end(
    tx: &mut Tx,
    id: &DeletionId,
    outcome: &'static str,
    actor: &Actor,
    now: Timestamp,
) -> StoreResult<u64> {
    Ok(on!(tx, c => sqlx::query(
            "update deletion set ended_at = $2, outcome = $3, ended_by = $4 where id = $1 and ended_at is null")
        .bind(id.as_str()).bind(now.as_micros()).bind(outcome).bind(actor.id()).execute(&mut *c).await?.rows_affected()))
}

/// Lists the cases that a study was taken out of.
///
/// # Errors
/// When the database fails.
pub async fn cases_of(tx: &mut Tx, id: &DeletionId) -> StoreResult<Vec<CaseId>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select case_id from deletion_case where deletion_id = $1 order by case_id")
        .bind(id.as_str()).fetch_all(&mut *c).await?);
    to_cases(rows, "deletion_case")
}

pub(crate) fn to_cases(rows: Vec<(String,)>, table: &'static str) -> StoreResult<Vec<CaseId>> {
    let case_of = |(id,): (String,)| id.parse().map_err(|_| StoreError::Damaged { table });
    rows.into_iter().map(case_of).collect()
}

/// Finds a deletion.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &DeletionId) -> StoreResult<Option<DeletionRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(columns!(), " where d.id = $1"))
        .bind(id.as_str()).fetch_optional(&mut *c).await?),
    )
}

/// Lists what can still be restored, the next to be erased first.
///
/// # Errors
/// When the database fails.
pub async fn list_open(tx: &mut Tx, limit: i64) -> StoreResult<Vec<DeletionRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(columns!(), " where d.ended_at is null order by d.erase_at, d.id limit $1"))
        .bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Lists what was restored or erased, the last first.
///
/// # Errors
/// When the database fails.
pub async fn list_ended(tx: &mut Tx, limit: i64) -> StoreResult<Vec<DeletionRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(columns!(), " where d.ended_at is not null order by d.ended_at desc, d.id limit $1"))
        .bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Lists what of a case can still be restored.
///
/// # Errors
/// When the database fails.
pub async fn open_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<DeletionRow>> {
    Ok(on!(tx, c => sqlx::query_as(concat!(columns!(),
            " where d.ended_at is null and d.id in (select deletion_id from deletion_case where case_id = $1) \
             order by d.erase_at, d.id"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?))
}

/// Returns the last deletion in a case that was not taken back.
///
/// # Errors
/// When the database fails.
pub async fn last_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<DeletionRow>> {
    Ok(on!(tx, c => sqlx::query_as(concat!(columns!(),
            " where (d.outcome is null or d.outcome = 'erased') and d.id in \
             (select deletion_id from deletion_case where case_id = $1) order by d.marked_at desc, d.id limit 1"))
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}

/// Says whether nobody reaches a study any more.
///
/// # Errors
/// When the database fails.
pub async fn is_marked(tx: &mut Tx, study: StudyKey) -> StoreResult<bool> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(
            "select count(*) from deletion where study_id = $1 and ended_at is null")
        .bind(study.0).fetch_one(&mut *c).await?);
    Ok(count > 0)
}

/// Says whether a study is deleted or erased that whoever asks would reach, were it there; who never could see it is told as of
/// any other that is not there.
///
/// # Errors
/// When the database fails.
pub async fn was_in_reach(
    tx: &mut Tx,
    (actor, reach): (&Actor, &Reach),
    study_instance_uid: &str,
) -> StoreResult<bool> {
    let filter = StudyFilter {
        study_instance_uids: vec![study_instance_uid.to_owned()],
        ..StudyFilter::default()
    };
    let page = Page {
        limit: 1,
        ..Page::default()
    };
    // After an erasure the same study can come again as a new record.
    if !studies::search_studies(tx, reach, &filter, &page)
        .await?
        .is_empty()
    {
        return Ok(false);
    }
    let ids: Vec<(String,)> = on!(&mut *tx, c => sqlx::query_as(
            "select id from deletion where study_digest = $1 and (outcome is null or outcome = 'erased') order by id")
        .bind(digest_of(study_instance_uid)).fetch_all(&mut *c).await?);
    if ids.is_empty() {
        return Ok(false);
    }
    let ids: Vec<String> = ids.into_iter().map(|(id,)| id).collect();
    let mut clause = Clause::new("select deletion.id from deletion");
    clause.any_of("deletion.id", &ids);
    restrict_deleted(&mut clause, actor, reach);
    let reached: Vec<(String,)> = clause.rows(tx).await?;
    Ok(!reached.is_empty())
}

/// Lists the deletions whose time is over, those under a hold among them.
///
/// # Errors
/// When the database fails.
pub async fn due(tx: &mut Tx, now: Timestamp, limit: i64) -> StoreResult<Vec<DeletionId>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select d.id from deletion d where d.ended_at is null and d.erase_at <= $1 \
             and not exists (select 1 from legal_hold h where h.lifted_at is null and (h.study_id = d.study_id \
             or h.case_id in (select case_id from deletion_case where deletion_id = d.id))) \
             order by d.erase_at, d.id limit $2")
        .bind(now.as_micros()).bind(limit).fetch_all(&mut *c).await?);
    let id_of = |(id,): (String,)| id.parse().map_err(|_| DAMAGED);
    rows.into_iter().map(id_of).collect()
}

const DAMAGED: StoreError = StoreError::Damaged { table: "deletion" };

/// Erases the rows of a study whose time is over and notes which bytes are to be overwritten; `None` when it was restored, its
/// time is not over, or a hold covers it. Who also writes an audit row takes its turn there first.
///
/// # Errors
/// When the database fails.
pub async fn begin_erasure(
    tx: &mut Tx,
    id: &DeletionId,
    now: Timestamp,
) -> StoreResult<Option<(StudyKey, ErasedStudy)>> {
    let Some(row) = find(tx, id).await? else {
        return Ok(None);
    };
    if row.ended_at.is_some() || row.erase_at > now.as_micros() {
        return Ok(None);
    }
    let study = StudyKey(row.study_id);
    let Some(erased) = studies::delete(tx, study).await? else {
        return Ok(None);
    };
    if end(tx, id, "erased", &Actor::System, now).await? == 0 {
        return Err(DAMAGED);
    }
    Ok(Some((study, erased)))
}

/// Counts the studies that were ever erased.
///
/// # Errors
/// When the database fails.
pub async fn erased_count(tx: &mut Tx) -> StoreResult<i64> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as("select count(*) from deletion where outcome = 'erased'")
        .fetch_one(&mut *c).await?);
    Ok(count)
}

/// Counts the studies of which no byte is left in the archive.
///
/// # Errors
/// When the database fails.
pub async fn finished_count(tx: &mut Tx) -> StoreResult<i64> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(
            "select count(*) from deletion where outcome = 'erased' and finished_at is not null")
        .fetch_one(&mut *c).await?);
    Ok(count)
}

/// Says whether a study's rows are erased and not known to be overwritten.
///
/// # Errors
/// When the database fails.
pub async fn has_unfinished(tx: &mut Tx) -> StoreResult<bool> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(
            "select count(*) from deletion where outcome = 'erased' and finished_at is null")
        .fetch_one(&mut *c).await?);
    Ok(count > 0)
}

/// Notes of which studies no byte is left, and returns them with the deletions' ids; each is returned once.
///
/// # Errors
/// When the database fails.
pub async fn finish(tx: &mut Tx, now: Timestamp) -> StoreResult<Vec<(String, i64)>> {
    Ok(on!(tx, c => sqlx::query_as(
            "update deletion set finished_at = $1 where outcome = 'erased' and finished_at is null \
             and not exists (select 1 from erasure) and not exists (select 1 from study_erasure) returning id, study_id")
        .bind(now.as_micros()).fetch_all(&mut *c).await?))
}
