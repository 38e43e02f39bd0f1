//! What happened in a case, and who has read what.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::{StoreError, StoreResult};

/// A line to write.
#[derive(Clone)]
pub struct NewLine<'a> {
    /// Stable word: `submit`, `letter_sent`.
    pub event: &'a str,
    /// State before.
    pub from_state: &'a str,
    /// State after.
    pub to_state: &'a str,
    /// In words.
    pub what: &'a str,
    /// Reason or remark; may be empty.
    pub note: &'a str,
    /// Not for patients and physicians.
    pub staff_only: bool,
}

/// A line as kept; the name of the person is joined in.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TimelineRow {
    /// UTC µs.
    pub at: i64,
    /// `person`, `machine`, `link`, `system`.
    pub actor_kind: String,
    /// Name of the person or of the link's receiver, when there is one.
    pub who: Option<String>,
    /// Stable word.
    pub event: String,
    /// State before.
    pub from_state: String,
    /// State after.
    pub to_state: String,
    /// In words.
    pub what: String,
    /// Remark.
    pub note: String,
}

/// Writes a line.
///
/// # Errors
/// When the database fails.
pub async fn add(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    line: &NewLine<'_>,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into case_timeline (case_id, seq, at, actor_kind, actor_id, event, from_state, to_state, what, note, staff_only) \
             select $1, coalesce(max(seq), 0) + 1, cast($2 as bigint), $3, $4, $5, $6, $7, $8, $9, cast($10 as integer) \
             from case_timeline where case_id = $1")
        .bind(case_id.as_str()).bind(now.as_micros()).bind(actor.kind()).bind(actor.id()).bind(line.event)
        .bind(line.from_state).bind(line.to_state).bind(line.what).bind(line.note).bind(i32::from(line.staff_only))
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the lines of a case, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Tx,
    case_id: &CaseId,
    with_staff: bool,
    limit: i64,
) -> StoreResult<Vec<TimelineRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select t.at, t.actor_kind, coalesce(p.name, l.recipient_name, k.name) as who, t.event, t.from_state, t.to_state, \
             t.what, t.note from case_timeline t \
             left join person p on t.actor_kind = 'person' and p.id = t.actor_id \
             left join share_link l on t.actor_kind = 'link' and l.id = t.actor_id \
             left join token k on t.actor_kind = 'machine' and k.id = t.actor_id \
             where t.case_id = $1 and (t.staff_only = 0 or $2 = 1) order by t.seq desc limit $3")
        .bind(case_id.as_str()).bind(i64::from(with_staff)).bind(limit).fetch_all(&mut *c).await?))
}

/// Returns when each state was first reached.
///
/// # Errors
/// When the database fails.
pub async fn first_reached(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<(String, i64)>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select to_state, min(at) from case_timeline where case_id = $1 and to_state <> from_state group by to_state")
        .bind(case_id.as_str()).fetch_all(&mut *c).await?))
}

/// One reader of one thing.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReadRow {
    /// `person` or `link`.
    pub subject_kind: String,
    /// Name of the reader.
    pub who: Option<String>,
    /// Every role in which it was read, the first one first, separated by spaces; empty for links.
    pub role: String,
    /// What was read.
    pub what: String,
    /// UTC µs.
    pub first_at: i64,
    /// UTC µs.
    pub last_at: i64,
    /// How often.
    pub times: i64,
}

/// Notes that somebody read something of a case.
///
/// # Errors
/// When the database fails.
pub async fn note_read(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    what: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let role = actor.role().map_or("", |role| role.as_str());
    on!(tx, c => sqlx::query(
            "insert into case_read (case_id, subject_kind, subject_id, what, role, first_at, last_at, times) \
             values ($1, $2, $3, $4, $5, $6, $6, 1) \
             on conflict (case_id, subject_kind, subject_id, what) do update set last_at = excluded.last_at, \
             times = case_read.times + 1, role = case when ' ' || case_read.role || ' ' like '% ' || excluded.role || ' %' \
             then case_read.role else trim(case_read.role || ' ' || excluded.role) end")
        .bind(case_id.as_str()).bind(actor.kind()).bind(actor.id()).bind(what).bind(role).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// What was read when somebody opened structured reports, notes or marks that came with the images.
pub const REPORTS_AMONG_IMAGES: &str = "reports among the images";

/// As [`note_read`], in every case that a study belongs to.
///
/// # Errors
/// When the database fails.
pub async fn note_read_of_study(
    tx: &mut Tx,
    actor: &Actor,
    study_instance_uid: &str,
    what: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let rows: Vec<(String,)> = on!(&mut *tx, c => sqlx::query_as(
            "select k.id from case_ k join case_study cs on cs.case_id = k.id join study s on s.id = cs.study_id \
             where s.study_instance_uid = $1 order by k.id")
        .bind(study_instance_uid).fetch_all(&mut *c).await?);
    for (id,) in rows {
        let case_id = id
            .parse()
            .map_err(|_| StoreError::Damaged { table: "case_" })?;
        note_read(tx, actor, &case_id, what, now).await?;
    }
    Ok(())
}

/// Lists who has read what, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn reads(tx: &mut Tx, case_id: &CaseId, limit: i64) -> StoreResult<Vec<ReadRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select r.subject_kind, coalesce(p.name, l.recipient_name, k.name) as who, r.role, r.what, r.first_at, r.last_at, r.times \
             from case_read r left join person p on r.subject_kind = 'person' and p.id = r.subject_id \
             left join share_link l on r.subject_kind = 'link' and l.id = r.subject_id \
             left join token k on r.subject_kind = 'machine' and k.id = r.subject_id \
             where r.case_id = $1 order by r.last_at desc, r.what limit $2")
        .bind(case_id.as_str()).bind(limit).fetch_all(&mut *c).await?))
}
