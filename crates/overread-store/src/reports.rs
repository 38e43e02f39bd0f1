//! The second report: draft, texts kept beside it, signature, addenda.

use overread_model::ids::CaseId;

use crate::Tx;
use crate::error::StoreResult;

/// A report's row.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReportRow {
    /// `ReportId`.
    pub id: String,
    /// In which case.
    pub case_id: String,
    /// For which task.
    pub task_id: String,
    /// Writer.
    pub person_id: String,
    /// Counts up with each save.
    pub version: i64,
    /// The draft as JSON.
    pub draft: String,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs.
    pub saved_at: i64,
    /// The signed report as JSON; it never changes.
    pub signed: Option<String>,
    /// UTC µs.
    pub signed_at: Option<i64>,
    /// Overrides in force when it was signed, as a JSON list of texts.
    pub limitations: String,
}

macro_rules! columns {
    () => {
        "id, case_id, task_id, person_id, version, draft, created_at, saved_at, signed, signed_at, limitations"
    };
}

/// Adds a draft.
///
/// # Errors
/// When the database fails, or the task has one already.
pub async fn insert(tx: &mut Tx, row: &ReportRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into report (id, case_id, task_id, person_id, version, draft, created_at, saved_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&row.id).bind(&row.case_id).bind(&row.task_id).bind(&row.person_id).bind(row.version)
        .bind(&row.draft).bind(row.created_at).bind(row.saved_at)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Finds the report of a task.
///
/// # Errors
/// When the database fails.
pub async fn of_task(tx: &mut Tx, task_id: &str) -> StoreResult<Option<ReportRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from report where task_id = $1"))
        .bind(task_id).fetch_optional(&mut *c).await?),
    )
}

/// Finds the signed report of a case, the newest one.
///
/// # Errors
/// When the database fails.
pub async fn signed(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Option<ReportRow>> {
    Ok(on!(tx, c => sqlx::query_as(concat!("select ", columns!(),
            " from report where case_id = $1 and signed_at is not null order by signed_at desc, id limit 1"))
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?))
}

/// Saves a draft when its version is still the one that was read and it is not signed; says whether it was.
///
/// # Errors
/// When the database fails.
pub async fn save(tx: &mut Tx, row: &ReportRow) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update report set draft = $1, saved_at = $2, version = version + 1 \
             where id = $3 and version = $4 and signed_at is null")
        .bind(&row.draft).bind(row.saved_at).bind(&row.id).bind(row.version)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Signs a draft when its version is still the one that was read and it is not signed; says whether it was.
///
/// # Errors
/// When the database fails.
pub async fn sign(tx: &mut Tx, row: &ReportRow) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update report set signed = $1, signed_at = $2, limitations = $3 \
             where id = $4 and version = $5 and signed_at is null")
        .bind(&row.signed).bind(row.signed_at).bind(&row.limitations).bind(&row.id).bind(row.version)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// A text kept beside the draft.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptRow {
    /// Names it.
    pub id: String,
    /// UTC µs.
    pub saved_at: i64,
    /// The draft as JSON.
    pub draft: String,
}

/// Keeps a text beside the draft; of one report at most `limit` are kept, the oldest go.
///
/// # Errors
/// When the database fails.
pub async fn keep(tx: &mut Tx, report_id: &str, row: &KeptRow, limit: i64) -> StoreResult<()> {
    on!(tx, c => sqlx::query("insert into report_kept (id, report_id, saved_at, draft) values ($1, $2, $3, $4)")
        .bind(&row.id).bind(report_id).bind(row.saved_at).bind(&row.draft).execute(&mut *c).await?.rows_affected());
    on!(tx, c => sqlx::query(
            "delete from report_kept where report_id = $1 and id not in (select id from report_kept where report_id = $1 \
             order by saved_at desc, id limit $2)")
        .bind(report_id).bind(limit).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the texts kept beside a draft, newest first.
///
/// # Errors
/// When the database fails.
pub async fn kept(tx: &mut Tx, report_id: &str) -> StoreResult<Vec<KeptRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, saved_at, draft from report_kept where report_id = $1 order by saved_at desc, id")
        .bind(report_id).fetch_all(&mut *c).await?))
}

/// Drops a text kept beside a draft; says whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn drop_kept(tx: &mut Tx, report_id: &str, id: &str) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query("delete from report_kept where report_id = $1 and id = $2")
        .bind(report_id).bind(id).execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// An addendum.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AddendumRow {
    /// Counts from 1.
    pub number: i64,
    /// The signed addendum as JSON.
    pub content: String,
    /// UTC µs.
    pub signed_at: i64,
}

/// Adds an addendum.
///
/// # Errors
/// When the database fails, or the number is taken.
pub async fn add_addendum(tx: &mut Tx, report_id: &str, row: &AddendumRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into report_addendum (report_id, number, content, signed_at) values ($1, $2, $3, $4)")
        .bind(report_id).bind(row.number).bind(&row.content).bind(row.signed_at)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the addenda of a report in order.
///
/// # Errors
/// When the database fails.
pub async fn addenda(tx: &mut Tx, report_id: &str) -> StoreResult<Vec<AddendumRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select number, content, signed_at from report_addendum where report_id = $1 order by number")
        .bind(report_id).fetch_all(&mut *c).await?))
}

/// A question of the reviewer to the requester.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct InfoRow {
    /// Names it.
    pub id: String,
    /// Question.
    pub question: String,
    /// UTC µs.
    pub asked_at: i64,
    /// Answer.
    pub answer: Option<String>,
    /// UTC µs.
    pub answered_at: Option<i64>,
}

/// Keeps a question.
///
/// # Errors
/// When the database fails.
pub async fn ask(tx: &mut Tx, case_id: &CaseId, row: &InfoRow, asked_by: &str) -> StoreResult<()> {
    on!(tx, c => sqlx::query("insert into info_request (id, case_id, question, asked_by, asked_at) values ($1, $2, $3, $4, $5)")
        .bind(&row.id).bind(case_id.as_str()).bind(&row.question).bind(asked_by).bind(row.asked_at)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Keeps the answer to every open question of a case.
///
/// # Errors
/// When the database fails.
pub async fn answer(
    tx: &mut Tx,
    case_id: &CaseId,
    text: &str,
    answered_by: &str,
    at: i64,
) -> StoreResult<u64> {
    Ok(on!(tx, c => sqlx::query(
            "update info_request set answer = $1, answered_by = $2, answered_at = $3 where case_id = $4 and answered_at is null")
        .bind(text).bind(answered_by).bind(at).bind(case_id.as_str()).execute(&mut *c).await?.rows_affected()))
}

/// Lists the questions of a case, newest first.
///
/// # Errors
/// When the database fails.
pub async fn questions(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<InfoRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, question, asked_at, answer, answered_at from info_request where case_id = $1 order by asked_at desc, id")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?))
}
