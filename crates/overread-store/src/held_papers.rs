//! Papers held back: they came with images that may be another patient's.

use overread_model::ids::{CaseId, DeliveryId, DocumentId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::checks::decision_word;
use crate::error::{StoreError, StoreResult};

/// Why an instance is kept aside whose study is held outside the case, as [`crate::studies::enter`] writes it.
pub(crate) const OUTSIDE: &str = "held outside the case";

/// Why an instance is kept aside that names another patient than its study.
pub(crate) const OTHER_PATIENT: &str = "names another patient";

/// Holds back every paper that came with images which are; a paper that was decided on stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn hold_with_images(tx: &mut Tx, case_id: &CaseId, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into held_paper (document_id, case_id, held_at) select d.id, d.case_id, $2 from document d \
             where d.case_id = $1 and (d.delivery_id in (select i.delivery_id from quarantine q \
             join series s on s.study_id = q.study_id join instance i on i.series_id = s.id \
             where q.case_id = $1 and (q.decided_at is null or q.decision = 'other_patient')) \
             or d.delivery_id in (select delivery_id from conflict where case_id = $1 and reason in ($3, $4) \
             and resolved_at is null)) on conflict do nothing")
        .bind(case_id.as_str()).bind(now.as_micros()).bind(OUTSIDE).bind(OTHER_PATIENT).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// A delivery that has not ended may still bring images for so long, in seconds; after that it has broken off.
const DELIVERY_RUNS_SECONDS: i64 = 24 * 3600;

/// Holds back, while images of the case wait for a decision, every paper that came without images, which would say whose it
/// is; a paper that was decided on stays as it is. A delivery that still runs is judged when it ends.
///
/// # Errors
/// When the database fails.
pub async fn hold_without_images(tx: &mut Tx, case_id: &CaseId, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into held_paper (document_id, case_id, held_at) select d.id, d.case_id, $2 from document d \
             join delivery v on v.id = d.delivery_id where d.case_id = $1 and v.instances_stored = 0 and v.duplicates = 0 \
             and (v.finished_at is not null or v.started_at < $3) \
             and not exists (select 1 from instance i where i.delivery_id = v.id) \
             and exists (select 1 from quarantine where case_id = $1 and decided_at is null) on conflict do nothing")
        .bind(case_id.as_str()).bind(now.as_micros())
        .bind(now.plus_seconds(-DELIVERY_RUNS_SECONDS).as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Holds back one paper of a case; when it was decided on it stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn hold(
    tx: &mut Tx,
    case_id: &CaseId,
    document_id: &DocumentId,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into held_paper (document_id, case_id, held_at) select id, case_id, $3 from document \
             where case_id = $1 and id = $2 on conflict do nothing")
        .bind(case_id.as_str()).bind(document_id.as_str()).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Holds back every paper of a delivery; a paper that was decided on stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn hold_delivery(
    tx: &mut Tx,
    case_id: &CaseId,
    delivery_id: &DeliveryId,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into held_paper (document_id, case_id, held_at) select id, case_id, $3 from document \
             where case_id = $1 and delivery_id = $2 on conflict do nothing")
        .bind(case_id.as_str()).bind(delivery_id.as_str()).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the papers that nobody but a coordinator sees: held back, kept out for good, or come with images that are not
/// judged yet.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<DocumentId>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "select document_id from held_paper where case_id = $1 and (decided_at is null or decision = 'other_patient') \
             union select d.id from document d where d.case_id = $1 and d.delivery_id in (select i.delivery_id \
             from case_study cs join series s on s.study_id = cs.study_id join instance i on i.series_id = s.id \
             where cs.case_id = $1 and cs.pending = 1)")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    rows.into_iter().map(id_of).collect()
}

/// Lists the papers that wait for a decision, each with the held-back study it came with, when it came with one that waits
/// too.
///
/// # Errors
/// When the database fails.
pub async fn list_waiting(
    tx: &mut Tx,
    case_id: &CaseId,
) -> StoreResult<Vec<(DocumentId, Option<i64>)>> {
    let rows: Vec<(String, Option<i64>)> = on!(tx, c => sqlx::query_as(
            "select h.document_id, (select min(q.study_id) from quarantine q join series s on s.study_id = q.study_id \
             join instance i on i.series_id = s.id where q.case_id = h.case_id and q.decided_at is null \
             and i.delivery_id = d.delivery_id) from held_paper h join document d on d.id = h.document_id \
             where h.case_id = $1 and h.decided_at is null order by d.created_at, d.name, d.id")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|(id, study)| Ok((id_of((id,))?, study)))
        .collect()
}

/// Counts the studies and the papers of a case that wait for a decision.
///
/// # Errors
/// When the database fails.
pub async fn count_waiting(tx: &mut Tx, case_id: &CaseId) -> StoreResult<(i64, i64)> {
    Ok(on!(tx, c => sqlx::query_as(
            "select (select count(*) from quarantine where case_id = $1 and decided_at is null), \
             (select count(*) from held_paper where case_id = $1 and decided_at is null)")
        .bind(case_id.as_str()).fetch_one(&mut *c).await?))
}

/// A decision on a paper held back.
#[derive(Clone, Copy)]
pub struct PaperDecision<'a> {
    /// The paper.
    pub document_id: &'a DocumentId,
    /// It is the right patient's: whoever may open papers of the case may open it.
    pub right_patient: bool,
    /// Why.
    pub reason: &'a str,
    /// Who.
    pub decided_by: &'a str,
}

/// Decides on a paper held back; says whether it was still undecided.
///
/// # Errors
/// When the database fails.
pub async fn decide(
    tx: &mut Tx,
    case_id: &CaseId,
    decision: PaperDecision<'_>,
    now: Timestamp,
) -> StoreResult<bool> {
    let word = decision_word(decision.right_patient);
    let done = on!(tx, c => sqlx::query(
            "update held_paper set decided_at = $1, decided_by = $2, decision = $3, decision_reason = $4 \
             where case_id = $5 and document_id = $6 and decided_at is null")
        .bind(now.as_micros()).bind(decision.decided_by).bind(word).bind(decision.reason).bind(case_id.as_str())
        .bind(decision.document_id.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

fn id_of((id,): (String,)) -> StoreResult<DocumentId> {
    id.parse().map_err(|_| StoreError::Damaged {
        table: "held_paper",
    })
}
