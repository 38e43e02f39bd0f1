//! Which case a study is a part of, and who may add to it.

use overread_model::access::Right;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use super::super::{StudyKey, study_counts, unfiled};
use super::DeliveryScope;
use crate::Tx;
use crate::error::StoreResult;
use crate::script::values;

/// Says whether the scope may add to a study that is there already.
///
/// A UID is only a claim: whoever writes it into a file must not thereby reach, or add to, somebody else's study.
pub(super) async fn may_add(
    tx: &mut Tx,
    study: StudyKey,
    scope: &DeliveryScope,
    now: Timestamp,
) -> StoreResult<bool> {
    if scope.actor.sees_every_case() {
        return Ok(true);
    }
    if let Some(case_id) = &scope.case_id {
        return is_of_case(tx, study, case_id).await;
    }
    let sql = "select cs.study_id from case_study cs join case_grant g on g.case_id = cs.case_id \
             where cs.study_id = $1 and g.subject_kind = $2 and g.subject_id = $3 and g.right_ = $4 \
             and g.revoked_at is null and g.from_at <= $5 and (g.until_at is null or g.until_at > $5) limit 1";
    let values = values![
        study.0,
        scope.actor.kind(),
        scope.actor.id(),
        Right::AddRecords.as_str(),
        now.as_micros(),
    ];
    let found: Vec<(i64,)> = tx.rows(sql, values).await?;
    Ok(!found.is_empty())
}

/// Says whether a study is a part of a case, or was brought for it and is held back from it. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn is_of_case(tx: &mut Tx, study: StudyKey, case_id: &CaseId) -> StoreResult<bool> {
    let sql = "select study_id from case_study where case_id = $1 and study_id = $2 union \
        select study_id from quarantine where case_id = $1 and study_id = $2 and decided_at is null";
    let found: Vec<(i64,)> = tx.rows(sql, values![case_id.as_str(), study.0]).await?;
    Ok(!found.is_empty())
}

/// Says whether a delivery that holds this many different instances of a study, each the same data set, may add it to its case.
///
/// Who may see every case may. Others may when the case has it already, or when they brought every single instance of it:
/// then they learn nothing that they do not hold. Nobody else puts the study into a case until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn may_link(
    tx: &mut Tx,
    study: StudyKey,
    scope: &DeliveryScope,
    instances: u64,
) -> StoreResult<bool> {
    unfiled::lock(tx, study).await?;
    if may_add(tx, study, scope, Timestamp::from_micros(0)).await? {
        return Ok(true);
    }
    let counts = study_counts(tx, study).await?;
    Ok(counts.is_some_and(|(held, _)| held == instances))
}

/// Ties a study to a case until it is judged whose images they are; nobody reads by it before.
///
/// # Errors
/// When the database fails.
pub async fn link_pending(
    tx: &mut Tx,
    study: StudyKey,
    case_id: &CaseId,
    now: Timestamp,
) -> StoreResult<()> {
    unfiled::lock(tx, study).await?;
    let sql = "insert into case_study (case_id, study_id, linked_at, pending) select $1, id, cast($3 as bigint), 1 from study \
        where id = $2 and id not in (select study_id from deletion where ended_at is null) \
        on conflict (case_id, study_id) do nothing";
    let values = values![case_id.as_str(), study.0, now.as_micros()];
    tx.run(sql, values).await?;
    Ok(())
}

/// Makes a study part of a case at once, since a person says so; again does nothing.
///
/// # Errors
/// When the database fails.
pub async fn link_to_case(
    tx: &mut Tx,
    study: StudyKey,
    case_id: &CaseId,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into case_study (case_id, study_id, linked_at) select $1, id, cast($3 as bigint) from study \
             where id = $2 and id not in (select study_id from deletion where ended_at is null) \
             on conflict (case_id, study_id) do update set pending = 0")
        .bind(case_id.as_str()).bind(study.0).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}
