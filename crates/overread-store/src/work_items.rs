//! Work items (PS3.3 B.26, unified procedure steps): what is to be read or done, who claimed it, and how far it is.
//!
//! A read that a reviewer was asked for has one, written in the transaction of the step that moved it, so that the list and the
//! case never differ. Others are created by systems that see every case.

mod events;
mod reads;
mod subscriptions;

use overread_model::access::{Actor, Right, Role};
use overread_model::time::Timestamp;
use sqlx::AssertSqlSafe;

use crate::access::{Level, Reach, restrict};
use crate::error::StoreResult;
use crate::studies::sql::{Arg, Clause, bind};
use crate::tokens::random_id;
use crate::{Tx, limits};

pub use events::{EventRow, EventType, add_event, events_after, last_event};
pub use reads::{adopt, replace_read, tell_readiness};
pub(crate) use reads::{end_read, schedule_read};
pub use subscriptions::{
    Subscriber, SubscriptionRow, is_listening, subscribe, subscriptions, suspend, unsubscribe,
};

// PS3.4 CC.1.1.
/// Waits for somebody to claim it.
pub const SCHEDULED: &str = "SCHEDULED";
/// Somebody works on it.
pub const IN_PROGRESS: &str = "IN PROGRESS";
/// Done, for ever.
pub const COMPLETED: &str = "COMPLETED";
/// Given up, for ever.
pub const CANCELED: &str = "CANCELED";

/// (0008,0102) of our own codes.
pub const CODING_SCHEME: &str = "99OVERREAD";

/// Returns the code of a reviewer: (0008,0100) has 16 characters, so it is cut out of the id.
pub fn reviewer_code(reviewer_id: &str) -> String {
    reviewer_id.chars().take(16).collect()
}

/// A work item with what its read's case says. It may name a patient: never log it.
#[derive(Clone, sqlx::FromRow)]
pub struct WorkItem {
    /// (0008,0018).
    pub uid: String,
    /// `ReviewTaskId`, when it is a read of a case.
    pub task_id: Option<String>,
    /// The given-up item that it stands for.
    pub replaces_uid: Option<String>,
    /// The study that an item of another system is about.
    pub study_instance_uid: Option<String>,
    /// (0074,1000).
    pub state: String,
    /// (0008,1195): proves who claimed it, and is told to nobody.
    pub transaction_uid: Option<String>,
    /// `person` or `machine`, once claimed.
    pub performer_kind: Option<String>,
    /// Who claimed it.
    pub performer_id: Option<String>,
    /// DICOM JSON: of a read what the workstation said, of others everything.
    pub attributes: String,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs.
    pub changed_at: i64,
    /// UTC µs.
    pub claimed_at: Option<i64>,
    /// UTC µs.
    pub ended_at: Option<i64>,
    /// State of the read's task.
    pub task_state: Option<String>,
    /// The read's case.
    pub case_id: Option<String>,
    /// State of the case.
    pub case_state: Option<String>,
    /// Number of the case.
    pub case_number: Option<String>,
    /// The exam in words.
    pub case_title: Option<String>,
    /// `standard`, `expedited`, `urgent`, `emergent`.
    pub urgency: Option<String>,
    /// When the report is due, UTC µs.
    pub due_at: Option<i64>,
    /// Who was asked to read.
    pub reviewer_id: Option<String>,
    /// The name of who was asked to read.
    pub reviewer_name: Option<String>,
    /// The account of who was asked to read, when there is one.
    pub reviewer_person_id: Option<String>,
}

impl WorkItem {
    /// Says whether it is a read of a case.
    pub const fn is_read(&self) -> bool {
        self.task_id.is_some()
    }

    /// Says whether nothing happens to it any more.
    pub fn is_over(&self) -> bool {
        self.state == COMPLETED || self.state == CANCELED
    }

    /// Says whether a read may begin: accepted, and its case in the hands of the reviewer.
    pub fn is_ready(&self) -> bool {
        self.task_state.as_deref() == Some("accepted")
            && matches!(
                self.case_state.as_deref(),
                Some("in_review" | "report_preliminary")
            )
    }

    /// Says whether an actor is who was asked to read: the reviewer, or a workstation with a token of this case for reviewers.
    /// Whoever sees every case is not, and neither is another reviewer, since those do not reach the item.
    pub fn is_read_by(&self, actor: &Actor) -> bool {
        let Some(Role::Reviewer) = actor.role() else {
            return false;
        };
        match actor {
            Actor::Person { person_id, .. } => {
                self.reviewer_person_id.as_deref() == Some(person_id.as_str())
            }
            Actor::Machine { .. } => true,
            _ => false,
        }
    }
}

/// A study of the case of a read, as far as the asker reaches it.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StudyOfRead {
    /// Of which case.
    pub case_id: String,
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0010,0010).
    pub patient_name: Option<String>,
    /// (0010,0020).
    pub patient_id: Option<String>,
    /// (0010,0021).
    pub issuer_of_patient_id: Option<String>,
    /// (0010,0030).
    pub patient_birth_date: Option<String>,
    /// (0010,0040).
    pub patient_sex: Option<String>,
    /// (0008,0050).
    pub accession_number: Option<String>,
    /// (0008,0061), separated by backslashes.
    pub modalities: String,
}

/// Returns what all studies say alike; `None` when they differ, or one says nothing.
pub fn agreed<'s>(
    studies: &[&'s StudyOfRead],
    of: impl Fn(&'s StudyOfRead) -> Option<&'s str>,
) -> Option<&'s str> {
    let (first, others) = studies.split_first()?;
    let value = of(first).filter(|value| !value.is_empty())?;
    let mut others = others.iter().copied();
    others
        .all(|study| of(study) == Some(value))
        .then_some(value)
}

/// Which work items are wanted.
#[derive(Debug, Clone, Default)]
pub struct WorkItemFilter {
    /// These.
    pub uids: Option<Vec<String>>,
    /// In these states.
    pub states: Option<Vec<String>>,
}

impl WorkItemFilter {
    /// One.
    pub fn one(uid: &str) -> Self {
        Self {
            uids: Some(vec![uid.to_owned()]),
            ..Self::default()
        }
    }
}

/// An item that another system orders.
#[derive(Debug, Clone, Copy)]
pub struct NewWorkItem<'a> {
    /// (0008,0018).
    pub uid: &'a str,
    /// The study it is about.
    pub study_instance_uid: Option<&'a str>,
    /// DICOM JSON.
    pub attributes: &'a str,
}

const COLUMNS: &str = "select w.uid, w.task_id, w.replaces_uid, w.study_instance_uid, w.state, w.transaction_uid, \
    w.performer_kind, w.performer_id, w.attributes, w.created_at, w.changed_at, w.claimed_at, w.ended_at, \
    t.state as task_state, t.case_id, k.state as case_state, k.number as case_number, k.title as case_title, k.urgency, \
    k.due_at, r.id as reviewer_id, r.name as reviewer_name, \
    (select p.id from person p where p.email_folded = r.email_folded and p.disabled_at is null) as reviewer_person_id \
    from work_item w left join review_task t on t.id = w.task_id left join reviewer r on r.id = t.reviewer_id \
    left join case_ k on k.id = t.case_id";

/// Returns a new UID (PS3.5 B.2).
///
/// # Errors
/// When the operating system has no random bytes.
pub fn new_uid() -> StoreResult<String> {
    Ok(format!("2.25.{}", u128::from_be_bytes(random_id()?)))
}

/// Lists the items that an actor sees, the newest first, up to [`limits::WORK_ITEMS`] and one more that says there are more.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Tx,
    actor: &Actor,
    reach: &Reach,
    filter: &WorkItemFilter,
) -> StoreResult<Vec<WorkItem>> {
    let mut clause = Clause::new(COLUMNS);
    if let Some(uids) = &filter.uids {
        clause.any_of("w.uid", uids);
    }
    if let Some(states) = &filter.states {
        clause.any_of("w.state", states);
    }
    seen_by(&mut clause, actor, reach);
    clause.push(" order by w.created_at desc, w.uid limit ");
    clause.arg(Arg::Int(limits::WORK_ITEMS as i64 + 1));
    Ok(
        on!(tx, c => bind!(sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args)
        .fetch_all(&mut *c).await?),
    )
}

/// Returns an item that the actor sees.
///
/// # Errors
/// When the database fails.
pub async fn find(
    tx: &mut Tx,
    actor: &Actor,
    reach: &Reach,
    uid: &str,
) -> StoreResult<Option<WorkItem>> {
    let found = list(tx, actor, reach, &WorkItemFilter::one(uid)).await?;
    Ok(found.into_iter().next())
}

/// Says whether there is an item of this name, whoever may see it.
///
/// # Errors
/// When the database fails.
pub async fn exists(tx: &mut Tx, uid: &str) -> StoreResult<bool> {
    let row: Option<(String,)> = on!(tx, c => sqlx::query_as("select uid from work_item where uid = $1")
        .bind(uid).fetch_optional(&mut *c).await?);
    Ok(row.is_some())
}

/// Adds the filter of who may see what: everything for who sees every case; for a reviewer the own reads, for a machine that
/// works for one the reads of its cases, and for both what is about a study they reach; nothing for everybody else.
fn seen_by(clause: &mut Clause, actor: &Actor, reach: &Reach) {
    // What was ordered names the patient of a study that nobody reaches any more.
    clause.and(
        "(w.study_instance_uid is null or w.study_instance_uid not in (select s.study_instance_uid from deletion d \
         join study s on s.id = d.study_id where d.ended_at is null))",
    );
    if actor.sees_every_case() {
        return;
    }
    if actor.role() != Some(Role::Reviewer) {
        return clause.and("1 = 0");
    }
    clause.and("((w.task_id is not null and ");
    match (actor, reach) {
        (Actor::Person { person_id, .. }, _) => {
            clause.push("r.email_folded in (select p.email_folded from person p where p.disabled_at is null and p.id = ");
            clause.arg(Arg::Text(person_id.as_str().to_owned()));
            clause.push(")");
        }
        (_, Reach::Grants { now, .. }) => granted_cases(clause, actor, *now),
        _ => clause.push("1 = 0"),
    }
    clause.push(
        ") or (w.task_id is null and w.study_instance_uid in (select study.study_instance_uid from study where 1 = 1",
    );
    restrict(clause, reach, Level::Study);
    clause.push(")))");
}

fn granted_cases(clause: &mut Clause, actor: &Actor, now: Timestamp) {
    clause.push("t.case_id in (select g.case_id from case_grant g where g.subject_kind = ");
    clause.arg(Arg::Text(actor.kind().to_owned()));
    clause.push(" and g.subject_id = ");
    clause.arg(Arg::Text(actor.id().to_owned()));
    clause.push(" and g.right_ = ");
    clause.arg(Arg::Text(Right::ViewImages.as_str().to_owned()));
    clause.push(" and g.revoked_at is null and g.from_at <= ");
    clause.arg(Arg::Int(now.as_micros()));
    clause.push(" and (g.until_at is null or g.until_at > ");
    clause.arg(Arg::Int(now.as_micros()));
    clause.push("))");
}

/// Returns the studies of reads that the reach covers, in a fixed order.
///
/// # Errors
/// When the database fails.
pub async fn studies_of(
    tx: &mut Tx,
    reach: &Reach,
    items: &[WorkItem],
) -> StoreResult<Vec<StudyOfRead>> {
    let mut cases: Vec<String> = items
        .iter()
        .filter_map(|item| item.case_id.clone())
        .collect();
    cases.sort_unstable();
    cases.dedup();
    let mut studies: Vec<StudyOfRead> = Vec::new();
    for some in cases.chunks(limits::FILTER_VALUES) {
        let mut clause = Clause::new(
            "select of_case.case_id, study.study_instance_uid, study.patient_name, study.patient_id, \
             study.issuer_of_patient_id, study.patient_birth_date, study.patient_sex, study.accession_number, \
             study.modalities from case_study of_case join study on study.id = of_case.study_id",
        );
        clause.and("of_case.pending = 0");
        clause.any_of("of_case.case_id", some);
        restrict(&mut clause, reach, Level::Study);
        clause.push(" order by of_case.case_id, study.study_date desc, study.study_instance_uid");
        let rows: Vec<StudyOfRead> = on!(&mut *tx, c => bind!(
            sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_all(&mut *c).await?);
        studies.extend(rows);
    }
    Ok(studies)
}

/// Keeps an item that another system orders.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    actor: &Actor,
    new: &NewWorkItem<'_>,
    now: Timestamp,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into work_item (uid, study_instance_uid, state, attributes, created_kind, created_by, created_at, changed_at) \
             values ($1, $2, 'SCHEDULED', $3, $4, $5, $6, $6)")
        .bind(new.uid).bind(new.study_instance_uid).bind(new.attributes).bind(actor.kind()).bind(actor.id())
        .bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Claims an item that waits; says whether it did.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    tx: &mut Tx,
    actor: &Actor,
    uid: &str,
    transaction_uid: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update work_item set state = 'IN PROGRESS', transaction_uid = $1, performer_kind = $2, performer_id = $3, \
             claimed_at = $4, changed_at = $4 where uid = $5 and state = 'SCHEDULED'")
        .bind(transaction_uid).bind(actor.kind()).bind(actor.id()).bind(now.as_micros()).bind(uid)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Ends an item that is not over; says whether it did.
///
/// # Errors
/// When the database fails.
pub async fn end(
    tx: &mut Tx,
    uid: &str,
    state: &'static str,
    attributes: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update work_item set state = $1, attributes = $2, ended_at = $3, changed_at = $3 \
             where uid = $4 and state in ('SCHEDULED', 'IN PROGRESS')")
        .bind(state).bind(attributes).bind(now.as_micros()).bind(uid)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Changes what an item says that is not over; says whether it did.
///
/// # Errors
/// When the database fails.
pub async fn update(
    tx: &mut Tx,
    uid: &str,
    study_instance_uid: Option<&str>,
    attributes: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update work_item set attributes = $1, study_instance_uid = $2, changed_at = $3 \
             where uid = $4 and state in ('SCHEDULED', 'IN PROGRESS')")
        .bind(attributes).bind(study_instance_uid).bind(now.as_micros()).bind(uid)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}
