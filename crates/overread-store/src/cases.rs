//! Cases: their row, their number, lists by who may see them.

use overread_model::access::{Actor, Right, Role};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::{StoreError, StoreResult};

/// A case's row. No `Debug`: the intake holds patient data.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CaseRow {
    /// `CaseId`.
    pub id: String,
    /// Number for people, once asked.
    pub number: Option<String>,
    /// The case this one follows.
    pub parent_id: Option<String>,
    /// `CaseState::as_str`.
    pub state: String,
    /// State before the hold.
    pub held_from: Option<String>,
    /// UTC µs.
    pub expired_at: Option<i64>,
    /// When the state is due, UTC µs.
    pub due_at: Option<i64>,
    /// Stopped review clock.
    pub review_left_seconds: Option<i64>,
    /// Stopped clock of a held case.
    pub hold_left_seconds: Option<i64>,
    /// Counts up with each change.
    pub version: i64,
    /// Person who started it.
    pub created_by: String,
    /// UTC µs.
    pub created_at: i64,
    /// In this state since, UTC µs.
    pub state_since: i64,
    /// Asked, UTC µs.
    pub submitted_at: Option<i64>,
    /// Released, UTC µs.
    pub delivered_at: Option<i64>,
    /// Ended, UTC µs.
    pub ended_at: Option<i64>,
    /// Urgency level; empty while unanswered.
    pub urgency: String,
    /// Exam in words.
    pub title: String,
    /// Patient's name as typed.
    pub patient_name: String,
    /// The wizard's answers as JSON.
    pub intake: String,
    /// A red flag ended it (0, 1).
    pub emergency: i32,
    /// A coordinator confirmed whose images they are (0, 1).
    pub identity_confirmed: i32,
    /// Somebody said that there is no original report (0, 1).
    pub original_missing: i32,
    /// The requester wants a follow-up (0, 1).
    pub follow_up_wanted: i32,
    /// The requester wants no follow-up (0, 1).
    pub follow_up_declined: i32,
    /// Outcome at close.
    pub outcome: Option<String>,
}

macro_rules! columns {
    () => {
        "id, number, parent_id, state, held_from, expired_at, due_at, review_left_seconds, hold_left_seconds, version, \
         created_by, created_at, state_since, submitted_at, delivered_at, ended_at, urgency, title, patient_name, intake, \
         emergency, identity_confirmed, original_missing, follow_up_wanted, follow_up_declined, outcome"
    };
}

impl CaseRow {
    /// Returns the id.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn case_id(&self) -> StoreResult<CaseId> {
        self.id
            .parse()
            .map_err(|_| StoreError::Damaged { table: "case_" })
    }
}

/// Adds a case.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, row: &CaseRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into case_ (id, number, parent_id, state, due_at, version, created_by, created_at, state_since, \
             submitted_at, urgency, title, patient_name, intake) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
        .bind(&row.id).bind(&row.number).bind(&row.parent_id).bind(&row.state).bind(row.due_at).bind(row.version)
        .bind(&row.created_by).bind(row.created_at).bind(row.state_since).bind(row.submitted_at).bind(&row.urgency)
        .bind(&row.title).bind(&row.patient_name).bind(&row.intake)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Finds a case.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &CaseId) -> StoreResult<Option<CaseRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from case_ where id = $1"))
        .bind(id.as_str()).fetch_optional(&mut *c).await?),
    )
}

/// Finds a case by the number that people say.
///
/// # Errors
/// When the database fails.
pub async fn find_by_number(tx: &mut Tx, number: &str) -> StoreResult<Option<CaseRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from case_ where number = $1"))
        .bind(number).fetch_optional(&mut *c).await?),
    )
}

/// Saves everything that changes in a case when its version is still the one that was read; says whether it was.
///
/// `row.version` is the version that was read; the row then has the next one.
///
/// # Errors
/// When the database fails.
pub async fn update(tx: &mut Tx, row: &CaseRow) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update case_ set number = $1, state = $2, held_from = $3, expired_at = $4, due_at = $5, \
             review_left_seconds = $6, hold_left_seconds = $7, state_since = $8, submitted_at = $9, delivered_at = $10, \
             ended_at = $11, urgency = $12, title = $13, patient_name = $14, intake = $15, emergency = $16, \
             identity_confirmed = $17, original_missing = $18, follow_up_wanted = $19, follow_up_declined = $20, \
             outcome = $21, version = version + 1 where id = $22 and version = $23")
        .bind(&row.number).bind(&row.state).bind(&row.held_from).bind(row.expired_at).bind(row.due_at)
        .bind(row.review_left_seconds).bind(row.hold_left_seconds).bind(row.state_since).bind(row.submitted_at)
        .bind(row.delivered_at).bind(row.ended_at).bind(&row.urgency).bind(&row.title).bind(&row.patient_name)
        .bind(&row.intake).bind(row.emergency).bind(row.identity_confirmed).bind(row.original_missing)
        .bind(row.follow_up_wanted).bind(row.follow_up_declined).bind(&row.outcome)
        .bind(&row.id).bind(row.version)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Returns the next number of a year, counting from 1 without gaps.
///
/// # Errors
/// When the database fails.
pub async fn next_number(tx: &mut Tx, year: i64) -> StoreResult<i64> {
    let (last,): (i64,) = on!(tx, c => sqlx::query_as(
            "insert into case_number (year, last) values ($1, 1) \
             on conflict (year) do update set last = case_number.last + 1 returning last")
        .bind(year).fetch_one(&mut *c).await?);
    Ok(last)
}

/// Counts the open drafts that somebody started.
///
/// # Errors
/// When the database fails.
pub async fn draft_count(tx: &mut Tx, created_by: &str) -> StoreResult<i64> {
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(
            "select count(*) from case_ where created_by = $1 and state = 'draft'")
        .bind(created_by).fetch_one(&mut *c).await?);
    Ok(count)
}

/// Which cases a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Not ended.
    Open,
    /// Not ended and past their time.
    Overdue,
    /// Ended.
    Ended,
    /// Everything.
    All,
}

impl Which {
    /// Returns the bounds for `ended` (0, 1) and whether it must be overdue (0, 1).
    const fn bounds(self) -> (i64, i64, i64) {
        match self {
            Self::Open => (0, 0, 0),
            Self::Overdue => (0, 0, 1),
            Self::Ended => (1, 1, 0),
            Self::All => (0, 1, 0),
        }
    }
}

/// The filter on cases an actor may see (granted, or offered to the reviewer that the person is); `$1` = sees every case (0, 1), `$2` kind, `$3` id, `$4` right, `$5` now,
/// `$6`, `$7` bounds of ended, `$8` must be overdue, `$9` an insurer, who sees what it asked itself or a consent in force allows.
macro_rules! visible {
    () => {
        "from case_ where ($1 = 1 or id in (select case_id from case_grant where subject_kind = $2 and subject_id = $3 \
         and right_ = $4 and revoked_at is null and from_at <= $5 and (until_at is null or until_at > $5)) \
         or ($2 = 'person' and id in (select t.case_id from review_task t join reviewer r on r.id = t.reviewer_id \
         join person p on p.email_folded = r.email_folded where p.id = $3 and t.state = 'offered'))) \
         and case when ended_at is null then 0 else 1 end between $6 and $7 \
         and ($8 = 0 or (due_at is not null and due_at <= $5)) \
         and ($9 = 0 or created_by = $3 or id in (select case_id from consent where revoked_at is null and expires_at > $5 \
         and ' ' || scopes || ' ' like '% insurer %'))"
    };
}

fn sees_all(actor: &Actor) -> i64 {
    i64::from(actor.sees_every_case())
}

fn insures(actor: &Actor) -> i64 {
    i64::from(actor.role() == Some(Role::Insurer))
}

/// Returns the numbers of the other cases that hold a study; `None` for one that has no number yet.
///
/// # Errors
/// When the database fails.
pub async fn others_with_study(
    tx: &mut Tx,
    study_id: i64,
    but: &CaseId,
) -> StoreResult<Vec<Option<String>>> {
    let rows: Vec<(Option<String>,)> = on!(tx, c => sqlx::query_as(
            "select c.number from case_study s join case_ c on c.id = s.case_id where s.study_id = $1 and s.case_id <> $2 \
             order by c.created_at, c.id")
        .bind(study_id).bind(but.as_str()).fetch_all(&mut *c).await?);
    Ok(rows.into_iter().map(|(number,)| number).collect())
}

/// Lists the cases the actor may see: overdue first, then the longest in their state; drafts of others never.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Tx,
    actor: &Actor,
    which: Which,
    now: Timestamp,
    limit: i64,
) -> StoreResult<Vec<CaseRow>> {
    let (from, to, overdue) = which.bounds();
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " ", visible!(),
            " and (state <> 'draft' or created_by = $3) \
             order by case when ended_at is null and due_at is not null and due_at <= $5 then 0 else 1 end, \
             case when ended_at is null then 0 else 1 end, coalesce(due_at, state_since), id limit $10"))
        .bind(sees_all(actor)).bind(actor.kind()).bind(actor.id()).bind(Right::ViewCase.as_str()).bind(now.as_micros())
        .bind(from).bind(to).bind(overdue).bind(insures(actor)).bind(limit)
        .fetch_all(&mut *c).await?),
    )
}

/// Counts the cases the actor may see.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, actor: &Actor, which: Which, now: Timestamp) -> StoreResult<i64> {
    let (from, to, overdue) = which.bounds();
    let (count,): (i64,) = on!(tx, c => sqlx::query_as(concat!("select count(*) ", visible!(),
            " and (state <> 'draft' or created_by = $3)"))
        .bind(sees_all(actor)).bind(actor.kind()).bind(actor.id()).bind(Right::ViewCase.as_str()).bind(now.as_micros())
        .bind(from).bind(to).bind(overdue).bind(insures(actor))
        .fetch_one(&mut *c).await?);
    Ok(count)
}

/// Lists the cases that follow one.
///
/// # Errors
/// When the database fails.
pub async fn children(tx: &mut Tx, parent: &CaseId) -> StoreResult<Vec<CaseRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from case_ where parent_id = $1 order by created_at, id"))
        .bind(parent.as_str()).fetch_all(&mut *c).await?),
    )
}

/// Lists cases in a state that are past their time, for jobs.
///
/// # Errors
/// When the database fails.
pub async fn past_due(
    tx: &mut Tx,
    state: &str,
    now: Timestamp,
    limit: i64,
) -> StoreResult<Vec<CaseRow>> {
    Ok(on!(tx, c => sqlx::query_as(concat!("select ", columns!(),
            " from case_ where state = $1 and due_at is not null and due_at <= $2 order by due_at, id limit $3"))
        .bind(state).bind(now.as_micros()).bind(limit).fetch_all(&mut *c).await?))
}

/// Copies the studies of one case to another by reference.
///
/// # Errors
/// When the database fails.
pub async fn share_studies(
    tx: &mut Tx,
    from: &CaseId,
    to: &CaseId,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into case_study (case_id, study_id, linked_at, pending) \
             select $1, study_id, cast($2 as bigint), pending from case_study where case_id = $3 on conflict do nothing")
        .bind(to.as_str()).bind(now.as_micros()).bind(from.as_str()).execute(&mut *c).await?.rows_affected());
    Ok(())
}
