//! What is shown in which case, as a condition on the rows of a search.

use overread_model::access::Right;
use overread_model::time::Timestamp;

use super::Reach;
use crate::studies::sql::{Arg, Clause};

/// From which side the ties between studies and grants are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    /// Each row that is found is looked up among the grants.
    Found,
    /// All that is granted.
    Granted,
    /// The rows in the order of the answer, until enough of them are among all that is granted.
    Ordered,
}

/// Where it stands what is shown in which case.
pub(super) struct Shown {
    pub(super) column: &'static str,
    pub(super) key: &'static str,
    pub(super) table: &'static str,
    pub(super) through: Through,
    /// The moment at which it must have been granted already, where that is another than now.
    pub(super) since: Option<&'static str>,
}

/// The kind and id of who holds grants, and when it is asked.
pub(super) type Holder<'a> = (&'a str, &'a str, Timestamp);

pub(super) const OF_STUDIES: Shown = Shown {
    column: "study.id",
    key: "study_id",
    table: "case_study",
    through: Through::Granted,
    since: None,
};

impl Shown {
    /// Keeps what is shown in the cases that a reach covers.
    pub(super) fn of_cases(&self, clause: &mut Clause, reach: &Reach) {
        match reach {
            Reach::Everything | Reach::EverythingButReports { .. } => {}
            Reach::Nothing => clause.and("1 = 0"),
            Reach::Case(case_id) => {
                clause.and(self.column);
                clause.push(" in (select ");
                clause.push(self.key);
                clause.push(" from ");
                clause.push(self.table);
                clause.push(" where pending = 0 and case_id = ");
                clause.arg(Arg::Text(case_id.as_str().to_owned()));
                clause.push(")");
            }
            Reach::Grants {
                actor_kind,
                actor_id,
                now,
                without_reports: _,
            } => {
                let holder = (actor_kind.as_str(), actor_id.as_str(), *now);
                match self.through {
                    Through::Found => {
                        // A cross join is taken in the order in which it is written: the cases of one study are fewer than
                        // the grants of one actor.
                        clause.and("exists (select 1 from ");
                        clause.push(self.table);
                        clause.push(" cs cross join case_grant g where cs.");
                        clause.push(self.key);
                        clause.push(" = ");
                        clause.push(self.column);
                        clause.push(" and g.case_id = cs.case_id and ");
                        self.in_force(clause, holder);
                    }
                    Through::Granted => {
                        clause.and(self.column);
                        clause.push(" in (");
                        self.granted(clause, holder);
                    }
                    Through::Ordered => {
                        // The sign keeps SQLite from finding the rows by this column.
                        clause.and("+");
                        clause.push(self.column);
                        clause.push(" in (");
                        self.granted(clause, holder);
                    }
                }
                clause.push(")");
            }
        }
    }

    /// Adds a question for all that is granted.
    pub(super) fn granted(&self, clause: &mut Clause, holder: Holder<'_>) {
        clause.push("select cs.");
        clause.push(self.key);
        clause.push(" from case_grant g join ");
        clause.push(self.table);
        clause.push(" cs on cs.case_id = g.case_id where ");
        self.in_force(clause, holder);
    }

    /// Adds that a tie `cs` is decided, and a grant `g` in force.
    fn in_force(&self, clause: &mut Clause, holder: Holder<'_>) {
        clause.push("cs.pending = 0 and ");
        in_force(clause, holder);
        if let Some(since) = self.since {
            clause.push(" and g.from_at <= ");
            clause.push(since);
        }
    }
}

/// Adds that a grant `g` of somebody to see images is in force.
pub(super) fn in_force(clause: &mut Clause, holder: Holder<'_>) {
    of_holder(clause, holder);
    clause.push(" and g.revoked_at is null");
}

/// Adds that a grant `g` of somebody to see images was in force at that moment, whatever was done to it since.
pub(super) fn was_in_force(clause: &mut Clause, holder: Holder<'_>) {
    of_holder(clause, holder);
    clause.push(" and (g.revoked_at is null or g.revoked_at >= ");
    clause.arg(Arg::Int(holder.2.as_micros()));
    clause.push(")");
}

fn of_holder(clause: &mut Clause, (actor_kind, actor_id, now): Holder<'_>) {
    clause.push("g.subject_kind = ");
    clause.arg(Arg::Text(actor_kind.to_owned()));
    clause.push(" and g.subject_id = ");
    clause.arg(Arg::Text(actor_id.to_owned()));
    clause.push(" and g.right_ = ");
    clause.arg(Arg::Text(Right::ViewImages.as_str().to_owned()));
    clause.push(" and g.from_at <= ");
    clause.arg(Arg::Int(now.as_micros()));
    clause.push(" and (g.until_at is null or g.until_at > ");
    clause.arg(Arg::Int(now.as_micros()));
    clause.push(")");
}
