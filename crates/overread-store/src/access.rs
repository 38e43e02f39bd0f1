//! Which studies an actor reaches. The filter is part of the SQL of every search, before counting and paging.

use overread_model::access::{Actor, Right};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::studies::sql::{Arg, Clause};

/// The studies that an actor may see images of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The whole archive.
    Everything,
    /// What grants in force at `now` cover.
    Grants {
        /// `person` or `machine`.
        actor_kind: String,
        /// The id behind it.
        actor_id: String,
        /// When it is asked.
        now: Timestamp,
    },
    /// The studies of one case.
    Case(CaseId),
    /// None at all.
    Nothing,
}

/// Returns what the actor reaches at `now`.
pub fn reach(actor: &Actor, now: Timestamp) -> Reach {
    if actor.sees_every_case() {
        return Reach::Everything;
    }
    match actor {
        Actor::Link { case_id, .. } => Reach::Case(case_id.clone()),
        Actor::Person { .. } | Actor::Machine { .. } => Reach::Grants {
            actor_kind: actor.kind().to_owned(),
            actor_id: actor.id().to_owned(),
            now,
        },
        Actor::System => Reach::Nothing,
    }
}

/// Adds the filter on the column that holds `study.id`.
pub(crate) fn restrict(clause: &mut Clause, reach: &Reach, study_id_column: &'static str) {
    match reach {
        Reach::Everything => {}
        Reach::Nothing => clause.and("1 = 0"),
        Reach::Case(case_id) => {
            clause.and(study_id_column);
            clause.push(" in (select study_id from case_study where case_id = ");
            clause.arg(Arg::Text(case_id.as_str().to_owned()));
            clause.push(")");
        }
        Reach::Grants {
            actor_kind,
            actor_id,
            now,
        } => {
            clause.and(study_id_column);
            clause.push(
                " in (select cs.study_id from case_grant g join case_study cs on cs.case_id = g.case_id \
                 where g.subject_kind = ",
            );
            clause.arg(Arg::Text(actor_kind.clone()));
            clause.push(" and g.subject_id = ");
            clause.arg(Arg::Text(actor_id.clone()));
            clause.push(" and g.right_ = ");
            clause.arg(Arg::Text(Right::ViewImages.as_str().to_owned()));
            clause.push(" and g.revoked_at is null and g.from_at <= ");
            clause.arg(Arg::Int(now.as_micros()));
            clause.push(" and (g.until_at is null or g.until_at > ");
            clause.arg(Arg::Int(now.as_micros()));
            clause.push("))");
        }
    }
}
