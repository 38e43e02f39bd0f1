//! Studies that are in no case and wait in none for a decision. A case that is not there any more (its rows were lost with the
//! database, and the index made anew from the packs) counts for nothing.

use overread_model::ids::CaseId;

use super::StudyKey;
use crate::Tx;
use crate::checks::{StudyRow, study_columns};
use crate::error::StoreResult;
use crate::script::values;

macro_rules! is_unfiled {
    () => {
        " from study s where s.instance_count > 0 \
         and not exists (select 1 from case_study cs join case_ k on k.id = cs.case_id where cs.study_id = s.id) \
         and not exists (select 1 from quarantine q where q.study_id = s.id and q.decided_at is null) \
         and s.id not in (select study_id from deletion where ended_at is null)"
    };
}

/// Lists those behind this row, the first to arrive first.
///
/// # Errors
/// When the database fails.
pub async fn unfiled(tx: &mut Tx, after: StudyKey, limit: i64) -> StoreResult<Vec<StudyRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", study_columns!(), is_unfiled!(), " and s.id > $1 order by s.id limit $2"))
        .bind(after.0).bind(limit).fetch_all(&mut *c).await?),
    )
}

/// Counts them all.
///
/// # Errors
/// When the database fails.
pub async fn count_unfiled(tx: &mut Tx) -> StoreResult<i64> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(concat!("select count(*)", is_unfiled!()))
        .fetch_one(&mut *c).await?);
    Ok(count)
}

/// Finds the one of this UID, and lets nobody else find it so until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_unfiled(tx: &mut Tx, study_instance_uid: &str) -> StoreResult<Option<StudyRow>> {
    let Some(study) = key_of(tx, study_instance_uid).await? else {
        return Ok(None);
    };
    lock(tx, study).await?;
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", study_columns!(), is_unfiled!(), " and s.study_instance_uid = $1"))
        .bind(study_instance_uid).fetch_optional(&mut *c).await?),
    )
}

/// Finds the key of a study by its UID, also of one that is deleted and not erased yet.
///
/// # Errors
/// When the database fails.
pub async fn key_of(tx: &mut Tx, study_instance_uid: &str) -> StoreResult<Option<StudyKey>> {
    let row: Option<(i64,)> = on!(tx, c => sqlx::query_as("select id from study where study_instance_uid = $1")
        .bind(study_instance_uid).fetch_optional(&mut *c).await?);
    Ok(row.map(|(id,)| StudyKey(id)))
}

/// Lets nobody else put a study into a case until the transaction ends. Who also writes an audit row takes its turn there first. Also
/// part of a batch.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock(tx: &mut Tx, study: StudyKey) -> StoreResult<()> {
    // PostgreSQL locks a row that is written, and the statement behind it sees what was committed while it waited.
    let sql = "update study set instance_count = instance_count where id = $1";
    tx.run(sql, values![study.0]).await?;
    Ok(())
}

/// Says whether a person decided in this case that the study is another patient's.
///
/// # Errors
/// When the database fails.
pub async fn is_of_other_patient(
    tx: &mut Tx,
    study: StudyKey,
    case_id: &CaseId,
) -> StoreResult<bool> {
    let found: Option<(i64,)> = on!(tx, c => sqlx::query_as(
            "select study_id from quarantine where case_id = $1 and study_id = $2 and decision = 'other_patient'")
        .bind(case_id.as_str()).bind(study.0).fetch_optional(&mut *c).await?);
    Ok(found.is_some())
}
