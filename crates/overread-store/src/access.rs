//! Which studies an actor reaches. The filter is part of the SQL of every search, before counting and paging.

mod granted;
mod shown;

use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::error::StoreResult;
use crate::script::values;
use crate::studies::sql::{Arg, Clause};
use crate::{Tx, review_tasks};

pub(crate) use granted::{Granted, Ties, granted};
pub(crate) use shown::Through;
use shown::{OF_STUDIES, Shown, in_force, was_in_force};

/// The studies that an actor may see images of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The whole archive.
    Everything,
    /// The whole archive, as if the reports among the images did not exist where they are hidden from this person.
    EverythingButReports {
        /// The person's id.
        reader: String,
    },
    /// What grants in force at `now` cover.
    Grants {
        /// `person` or `machine`.
        actor_kind: String,
        /// The id behind it.
        actor_id: String,
        /// When it is asked.
        now: Timestamp,
        /// Reports among the images are as if they did not exist where they are hidden from this reader.
        without_reports: bool,
    },
    /// The studies of one case.
    Case(CaseId),
    /// None at all.
    Nothing,
}

/// What the rows of a search are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Rows of `study`.
    Study,
    /// Rows of `series`.
    Series,
    /// Rows of `instance`, joined to `series`.
    Instance,
}

impl Reach {
    /// Returns from whom reports among the images are hidden until the first impression of their study is locked.
    pub(crate) fn blind_reader(&self) -> Option<&str> {
        match self {
            Self::EverythingButReports { reader }
            | Self::Grants {
                actor_id: reader,
                without_reports: true,
                ..
            } => Some(reader),
            _ => None,
        }
    }

    /// Says whether reports among the images may be left out.
    pub fn is_without_reports(&self) -> bool {
        self.blind_reader().is_some()
    }
}

/// Returns what the actor reaches at `now`.
///
/// Reports among the images are left out for a reviewer, and in whatever role for a person who was asked to read a case and
/// has not locked a first impression of it. The lock opens those of the studies of its case.
///
/// # Errors
/// When the database fails.
pub async fn reach(tx: &mut Tx, actor: &Actor, now: Timestamp) -> StoreResult<Reach> {
    let without_reports = match actor {
        Actor::Person { person_id, role } => {
            *role == Role::Reviewer || review_tasks::has_open_reading(tx, person_id).await?
        }
        _ => actor.role() == Some(Role::Reviewer),
    };
    if actor.sees_every_case() {
        return Ok(if without_reports {
            Reach::EverythingButReports {
                reader: actor.id().to_owned(),
            }
        } else {
            Reach::Everything
        });
    }
    Ok(match actor {
        Actor::Link { case_id, .. } => Reach::Case(case_id.clone()),
        // No grant lifts a role above what it may ever see.
        _ if matches!(actor.role(), Some(Role::Insurer | Role::Administrator)) => Reach::Nothing,
        Actor::Person { .. } | Actor::Machine { .. } => Reach::Grants {
            actor_kind: actor.kind().to_owned(),
            actor_id: actor.id().to_owned(),
            now,
            without_reports,
        },
        Actor::System => Reach::Nothing,
    })
}

/// Says whether who began something at an earlier moment may still do it: a token that is not revoked, a person whose account is
/// open, who still has the role and is signed in in it somewhere, a link in its time. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn is_in_force(tx: &mut Tx, actor: &Actor, now: Timestamp) -> StoreResult<bool> {
    let now = now.as_micros();
    let (sql, values) = match actor {
        Actor::System => return Ok(true),
        Actor::Machine { token_id, role } => (
            "select cast(1 as bigint) from token where id = $1 and role = $2 and revoked_at is null",
            values![token_id.as_str(), role.as_str()],
        ),
        Actor::Person { person_id, role } => (
            "select cast(1 as bigint) from person p join person_role r on r.person_id = p.id and r.role = $2 \
             where p.id = $1 and p.disabled_at is null and exists (select 1 from session s where s.person_id = p.id \
             and s.role = $2 and s.revoked_at is null and s.expires_at > $3)",
            values![person_id.as_str(), role.as_str(), now],
        ),
        Actor::Link { link_id, .. } => (
            "select cast(1 as bigint) from share_link where id = $1 and with_images = 1 and revoked_at is null \
             and not_before <= $2 and expires_at > $2",
            values![link_id.as_str(), now],
        ),
    };
    let found: Vec<(i64,)> = tx.rows(sql, values).await?;
    Ok(!found.is_empty())
}

/// Says whether who sees by grants has lost one since an earlier moment: what was found then may show what is not granted any
/// more. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn has_lost_grant(
    tx: &mut Tx,
    actor: &Actor,
    since: Timestamp,
    now: Timestamp,
) -> StoreResult<bool> {
    if actor.sees_every_case() {
        return Ok(false);
    }
    let mut clause = Clause::new("select cast(1 as bigint) from case_grant g where not (");
    let (kind, id) = (actor.kind(), actor.id());
    in_force(&mut clause, (kind, id, now));
    clause.push(") and ");
    was_in_force(&mut clause, (kind, id, since));
    clause.push(" limit 1");
    let found: Vec<(i64,)> = clause.rows(tx).await?;
    Ok(!found.is_empty())
}

/// Says whether a study is there for who reaches so, and not deleted. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn is_there_for(
    tx: &mut Tx,
    reach: &Reach,
    study_instance_uid: &str,
) -> StoreResult<bool> {
    let mut clause = Clause::new("select cast(1 as bigint) from study");
    restrict(&mut clause, reach, Level::Study);
    clause.equal(
        "study.study_instance_uid",
        Arg::Text(study_instance_uid.to_owned()),
    );
    let found: Vec<(i64,)> = clause.rows(tx).await?;
    Ok(!found.is_empty())
}

/// Says whether the first reading of a study is hidden from who reaches it so: a reader who has locked no first impression of
/// it, or has another one of it to lock. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn is_blind_to(
    tx: &mut Tx,
    reach: &Reach,
    study_instance_uid: &str,
) -> StoreResult<bool> {
    let Some(reader) = reach.blind_reader() else {
        return Ok(false);
    };
    let mut clause = Clause::new("select count(*) from study");
    clause.equal(
        "study.study_instance_uid",
        Arg::Text(study_instance_uid.to_owned()),
    );
    clause.and("study.id");
    is_locked_by(&mut clause, reader);
    let locked: Vec<(i64,)> = clause.rows(tx).await?;
    Ok(locked.iter().all(|(count,)| *count == 0))
}

/// What is deleted is there for nobody, whoever asks; stands behind the key of a study.
pub(crate) const NOT_DELETED: &str =
    " not in (select study_id from deletion where ended_at is null)";

/// Adds the filter of a reach to a search for few rows of a level: each that is found is looked up among the grants.
pub(crate) fn restrict(clause: &mut Clause, reach: &Reach, level: Level) {
    restrict_through(clause, reach, level, Through::Found);
}

/// As [`restrict`], looking through the grants as it is said.
pub(crate) fn restrict_through(clause: &mut Clause, reach: &Reach, level: Level, through: Through) {
    let study_id_column = match level {
        Level::Study => "study.id",
        Level::Series | Level::Instance => "series.study_id",
    };
    clause.and(study_id_column);
    clause.push(NOT_DELETED);
    if let Some(reader) = reach.blind_reader() {
        leave_out_reports(clause, level, reader);
    }
    let shown = Shown {
        column: study_id_column,
        through,
        ..OF_STUDIES
    };
    shown.of_cases(clause, reach);
}

/// What is no report among the images, for instances and series by these names.
// PS3.4 B.5: 88 are the structured reports, 104 the encapsulated documents, 11 the presentation states, 66 the
// segmentations, registrations and raw data, 68 the surfaces, 90 the assessments, 91 the annotations, 131 the structured
// displays, 481 radiotherapy, of which 481.1 alone is an image: each can carry the marks and words of whoever read first.
macro_rules! no_report {
    ($instance:literal, $series:literal) => {
        concat!(
            $series,
            ".modality not in ('SR', 'DOC', 'PR', 'KO') and ",
            $instance,
            ".sop_class_uid not like '1.2.840.10008.5.1.4.1.1.88.%' and ",
            $instance,
            ".sop_class_uid not like '1.2.840.10008.5.1.4.1.1.104.%' and ",
            $instance,
            ".sop_class_uid not like '1.2.840.10008.5.1.4.1.1.11.%' and ",
            $instance,
            ".sop_class_uid not like '1.2.840.10008.5.1.4.1.1.66%' and ",
            $instance,
            ".sop_class_uid not like '1.2.840.10008.5.1.4.1.1.68.%' and ",
            $instance,
            ".sop_class_uid not like '1.2.840.10008.5.1.4.1.1.90.%' and ",
            $instance,
            ".sop_class_uid not like '1.2.840.10008.5.1.4.1.1.91.%' and ",
            $instance,
            ".sop_class_uid <> '1.2.840.10008.5.1.4.1.1.131' and (",
            $instance,
            ".sop_class_uid not like '1.2.840.10008.5.1.4.1.1.481.%' or ",
            $instance,
            ".sop_class_uid = '1.2.840.10008.5.1.4.1.1.481.1')"
        )
    };
}

pub(crate) use no_report;

/// As [`no_report`], for rows of `instance` joined to `series`.
pub(crate) const NO_REPORT: &str = no_report!("instance", "series");

/// Leaves out reports and marks of somebody who read before, and what holds nothing else.
fn leave_out_reports(clause: &mut Clause, level: Level, reader: &str) {
    match level {
        Level::Study => {
            clause.and(concat!(
                "(exists (select 1 from series shown_series join instance shown on shown.series_id = shown_series.id \
                 where shown_series.study_id = study.id and ",
                no_report!("shown", "shown_series"),
                ") or study.id"
            ));
            is_locked_by(clause, reader);
        }
        Level::Series => {
            clause.and(concat!(
                "(exists (select 1 from instance shown where shown.series_id = series.id and ",
                no_report!("shown", "series"),
                ") or series.study_id"
            ));
            is_locked_by(clause, reader);
        }
        Level::Instance => {
            return and_shown(clause, Some(reader));
        }
    }
    clause.push(")");
}

/// Adds the filter of a reach to a search for rows of `deletion`: what could be seen, were it not deleted.
pub(crate) fn restrict_deleted(clause: &mut Clause, actor: &Actor, reach: &Reach) {
    if reach.is_without_reports() {
        // Of what is erased nobody knows any more whether it was more than reports.
        clause.and(concat!(
            "deletion.ended_at is null and exists (select 1 from series shown_series \
             join instance shown on shown.series_id = shown_series.id \
             where shown_series.study_id = deletion.study_id and ",
            no_report!("shown", "shown_series"),
            ")"
        ));
    }
    if let Actor::Link { link_id, .. } = actor {
        // A link is no grant, and its reach is its case alone.
        clause.and("exists (select 1 from share_link l where l.id = ");
        clause.arg(Arg::Text(link_id.as_str().to_owned()));
        clause.push(
            " and l.created_at <= deletion.marked_at and l.not_before <= deletion.marked_at)",
        );
    }
    let shown = Shown {
        column: "deletion.id",
        key: "deletion_id",
        table: "deletion_case",
        through: Through::Granted,
        since: Some("deletion.marked_at"),
    };
    shown.of_cases(clause, reach);
}

/// Keeps of `instance` joined to `series` what is no report, or is one of a study that the reader has locked.
pub(crate) fn and_shown(clause: &mut Clause, reader: Option<&str>) {
    clause.and("((");
    clause.push(NO_REPORT);
    clause.push(")");
    if let Some(reader) = reader {
        clause.push(" or series.study_id");
        is_locked_by(clause, reader);
    }
    clause.push(")");
}

/// Adds: is among the studies of which this person has locked a first impression and has none left to lock.
fn is_locked_by(clause: &mut Clause, reader: &str) {
    clause.push(
        " in (select cs.study_id from person p join reviewer r on r.email_folded = p.email_folded \
         join review_task t on t.reviewer_id = r.id join case_ k on k.id = t.case_id \
         join case_study cs on cs.case_id = t.case_id where p.id = ",
    );
    clause.arg(Arg::Text(reader.to_owned()));
    clause.push(
        " and t.state in ('chosen', 'offered', 'accepted', 'done') group by cs.study_id \
         having max(case when t.first_impression_at is not null then 1 else 0 end) = 1 \
         and max(case when t.first_impression_at is null and t.state <> 'done' and k.ended_at is null then 1 else 0 end) = 0)",
    );
}
