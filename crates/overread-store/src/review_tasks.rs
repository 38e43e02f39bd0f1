//! Review tasks: who was chosen, asked, accepted; the first impression.

use overread_model::ids::{CaseId, PersonId};
use overread_model::time::Timestamp;

use crate::access::no_report;
use crate::error::StoreResult;
use crate::script::values;
use crate::{Tx, timeline, work_items};

/// A task's row.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TaskRow {
    /// `ReviewTaskId`.
    pub id: String,
    /// In which case.
    pub case_id: String,
    /// Whom.
    pub reviewer_id: String,
    /// `chosen`, `offered`, `accepted`, `declined`, `lapsed`, `withdrawn`, `done`.
    pub state: String,
    /// UTC µs.
    pub chosen_at: i64,
    /// UTC µs.
    pub offered_at: Option<i64>,
    /// UTC µs.
    pub respond_by: Option<i64>,
    /// UTC µs.
    pub answered_at: Option<i64>,
    /// Why declined.
    pub decline_reason: String,
    /// Declared independent (0, 1).
    pub independent: i32,
    /// What else was declared.
    pub conflict_statement: String,
    /// Locked first impression.
    pub first_impression: Option<String>,
    /// Locked, UTC µs.
    pub first_impression_at: Option<i64>,
    /// The reviewer opened the original report, UTC µs.
    pub original_opened_at: Option<i64>,
    /// Reviewer's name.
    pub reviewer_name: String,
    /// Address of the reviewer's entry.
    pub reviewer_email: String,
    /// Reviewer's account, when there is one.
    pub person_id: Option<String>,
}

macro_rules! select {
    () => {
        "select t.id, t.case_id, t.reviewer_id, t.state, t.chosen_at, t.offered_at, t.respond_by, t.answered_at, \
         t.decline_reason, t.independent, t.conflict_statement, t.first_impression, t.first_impression_at, \
         t.original_opened_at, r.name as reviewer_name, r.email_folded as reviewer_email, \
         (select p.id from person p where p.email_folded = r.email_folded and p.disabled_at is null) as person_id \
         from review_task t join reviewer r on r.id = t.reviewer_id"
    };
}

/// Adds a task in state `chosen`.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    id: &str,
    case_id: &CaseId,
    reviewer_id: &str,
    chosen_by: &str,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into review_task (id, case_id, reviewer_id, state, chosen_by, chosen_at) \
             values ($1, $2, $3, 'chosen', $4, $5)")
        .bind(id).bind(case_id.as_str()).bind(reviewer_id).bind(chosen_by).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns the task that is in hand: the newest that is chosen, offered, accepted or done.
///
/// # Errors
/// When the database fails.
pub async fn current(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<TaskRow>> {
    Ok(on!(tx, c => sqlx::query_as(concat!(select!(),
            " where t.case_id = $1 and t.state in ('chosen', 'offered', 'accepted', 'done') order by t.chosen_at desc, t.id limit 1"))
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}

/// Lists the tasks of a case, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<TaskRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!(select!(), " where t.case_id = $1 order by t.chosen_at desc, t.id"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?),
    )
}

/// Notes that the task was offered; its work item waits from then on.
///
/// # Errors
/// When the database fails.
pub async fn offer(
    tx: &mut Tx,
    id: &str,
    respond_by: Option<Timestamp>,
    now: Timestamp,
) -> StoreResult<()> {
    on!(&mut *tx, c => sqlx::query("update review_task set state = 'offered', offered_at = $1, respond_by = $2 where id = $3")
        .bind(now.as_micros()).bind(respond_by.map(Timestamp::as_micros)).bind(id).execute(&mut *c).await?.rows_affected());
    work_items::schedule_read(tx, id, false, now).await
}

/// Notes that the task was accepted, with what was declared; its work item can be begun.
///
/// # Errors
/// When the database fails.
pub async fn accept(
    tx: &mut Tx,
    id: &str,
    independent: bool,
    statement: &str,
    now: Timestamp,
) -> StoreResult<()> {
    on!(&mut *tx, c => sqlx::query(
            "update review_task set state = 'accepted', answered_at = $1, independent = $2, conflict_statement = $3 where id = $4")
        .bind(now.as_micros()).bind(i32::from(independent)).bind(statement).bind(id).execute(&mut *c).await?.rows_affected());
    work_items::schedule_read(tx, id, true, now).await
}

/// Ends the task: `declined`, `lapsed`, `withdrawn` or `done`; and its work item.
///
/// # Errors
/// When the database fails.
pub async fn end(
    tx: &mut Tx,
    id: &str,
    state: &'static str,
    reason: &str,
    now: Timestamp,
) -> StoreResult<()> {
    on!(&mut *tx, c => sqlx::query(
            "update review_task set state = $1, decline_reason = $2, ended_at = $3, answered_at = coalesce(answered_at, $3) where id = $4")
        .bind(state).bind(reason).bind(now.as_micros()).bind(id).execute(&mut *c).await?.rows_affected());
    work_items::end_read(tx, id, state, now).await
}

/// Locks the first impression; says whether it was open until now.
///
/// # Errors
/// When the database fails.
pub async fn lock_first_impression(
    tx: &mut Tx,
    id: &str,
    text: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update review_task set first_impression = $1, first_impression_at = $2 where id = $3 and first_impression_at is null")
        .bind(text).bind(now.as_micros()).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Says whether a person was asked to read a case that is not over, and has no first impression of it locked.
///
/// # Errors
/// When the database fails.
pub async fn has_open_reading(tx: &mut Tx, person_id: &PersonId) -> StoreResult<bool> {
    let sql = "select t.case_id from review_task t join reviewer r on r.id = t.reviewer_id \
        join person p on p.email_folded = r.email_folded join case_ k on k.id = t.case_id where p.id = $1 \
        and t.state in ('chosen', 'offered', 'accepted') and t.first_impression_at is null and k.ended_at is null limit 1";
    let rows: Vec<(String,)> = tx.rows(sql.to_owned(), values![person_id.as_str()]).await?;
    Ok(!rows.is_empty())
}

/// Notes that the reviewer opened the original report for the first time.
///
/// # Errors
/// When the database fails.
pub async fn note_original_opened(tx: &mut Tx, id: &str, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query("update review_task set original_opened_at = $1 where id = $2 and original_opened_at is null")
        .bind(now.as_micros()).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns the reviewers of a case and of every case before it, who may not read it again.
///
/// # Errors
/// When the database fails.
pub async fn readers_before(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            "with recursive line (id) as (select parent_id from case_ where id = $1 \
             union select p.parent_id from case_ p join line on p.id = line.id) \
             select distinct reviewer_id from review_task where state = 'done' and case_id in (select id from line where id is not null)")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Returns the reviewers whose first impression of a case could not be blind: in whatever role, they entered the original
/// report of the case or of one before it, or opened it, a paper or letter that may hold it, what was compared with it, or in
/// another role than a reviewer's the images of a case with reports or marks among them.
///
/// # Errors
/// When the database fails.
pub async fn seen_first_reading(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx, c => sqlx::query_as(
            concat!("with recursive line (id) as (select id from case_ where id = $1 \
             union select p.parent_id from case_ p join line on p.id = line.id where p.parent_id is not null) \
             select r.id from reviewer r join person p on p.email_folded = r.email_folded where p.id in \
             (select subject_id from case_read where subject_kind = 'person' and case_id in (select id from line) \
             and (what in ('original report', 'documents', 'letter', 'comparison', 'second report', $2) \
             or (what = 'images' and role <> 'reviewer' and exists (select 1 from case_study cs \
             join series on series.study_id = cs.study_id join instance on instance.series_id = series.id \
             where cs.case_id = case_read.case_id and not (", no_report!("instance", "series"), ")))) \
             union select entered_by from original_report where case_id in (select id from line)) order by r.id"))
        .bind(case_id.as_str()).bind(timeline::REPORTS_AMONG_IMAGES).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
