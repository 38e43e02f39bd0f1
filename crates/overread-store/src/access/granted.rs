//! Everything that grants cover, counted and in the order of the answers, without looking at each study: the ties between cases
//! and studies are kept in that order, and those of several cases are merged.

use super::shown::{Holder, OF_STUDIES, in_force};
use super::{NOT_DELETED, Reach};
use crate::error::StoreResult;
use crate::studies::sql::{Arg, Clause, number};
use crate::{Tx, limits};

/// What a reach covers that is by grants or a case alone.
pub(crate) struct Granted {
    /// How many studies.
    pub(crate) count: u64,
    /// The ties that can be merged; `None` when there are too many cases.
    pub(crate) ties: Option<Ties>,
}

/// The ties of some cases.
pub(crate) struct Ties {
    cases: Vec<String>,
    /// Something is deleted and can still be restored: each tie is asked whether it is of that.
    is_any_deleted: bool,
}

/// Counts what a reach by grants or a case alone covers; `None` for any other.
pub(crate) async fn granted(tx: &mut Tx, reach: &Reach) -> StoreResult<Option<Granted>> {
    let cases = match reach {
        Reach::Case(case_id) => vec![case_id.as_str().to_owned()],
        Reach::Grants {
            actor_kind,
            actor_id,
            now,
            without_reports: false,
        } => {
            let holder = (actor_kind.as_str(), actor_id.as_str(), *now);
            let cases = cases_of(tx, holder).await?;
            if cases.len() > limits::MERGED_CASES {
                let count = number(tx, of_all(holder)).await?;
                return Ok(Some(Granted { count, ties: None }));
            }
            cases
        }
        _ => return Ok(None),
    };
    let counted: Option<(i64, i64)> = match cases.is_empty() {
        true => None,
        false => of_cases(&cases).rows(tx).await?.first().copied(),
    };
    let (count, deleted) = counted.unwrap_or_default();
    Ok(Some(Granted {
        count: count.unsigned_abs(),
        ties: Some(Ties {
            cases,
            is_any_deleted: deleted > 0,
        }),
    }))
}

/// The cases that grants in force cover, as far as they can be merged and one more.
async fn cases_of(tx: &mut Tx, holder: Holder<'_>) -> StoreResult<Vec<String>> {
    let mut clause = Clause::new("select distinct g.case_id from case_grant g where ");
    in_force(&mut clause, holder);
    clause.push(" limit ");
    clause.arg(Arg::Int(limits::MERGED_CASES as i64 + 1));
    let rows: Vec<(String,)> = clause.rows(tx).await?;
    Ok(rows.into_iter().map(|(case_id,)| case_id).collect())
}

/// Counts the ties of cases, a study in several of them once; and says whether anything is deleted.
fn of_cases(cases: &[String]) -> Clause {
    let mut clause = Clause::new(
        "select (select count(*) from case_study cs where cs.pending = 0 and cs.case_id in (",
    );
    clause.list(cases);
    clause.push(") and cs.study_id");
    clause.push(NOT_DELETED);
    clause.push(
        ") - (select count(*) - count(distinct cs.study_id) from shared_tie t cross join case_study cs where t.case_id in (",
    );
    clause.list(cases);
    clause.push(
        ") and cs.case_id = t.case_id and cs.study_id = t.study_id and cs.pending = 0 and cs.study_id",
    );
    clause.push(NOT_DELETED);
    clause.push("), (select count(*) from (select 1 from deletion where ended_at is null limit 1) open_deletion)");
    clause
}

/// Counts the studies of all cases that are granted, however many.
fn of_all(holder: Holder<'_>) -> Clause {
    let mut clause = Clause::new("select count(distinct shown.study_id) from (");
    OF_STUDIES.granted(&mut clause, holder);
    clause.push(") shown where shown.study_id");
    clause.push(NOT_DELETED);
    clause
}

impl Ties {
    /// Asks for the keys of their studies, to be put in order and cut to a page behind it; not for no cases.
    pub(crate) fn merged(&self) -> Clause {
        let mut clause = Clause::new("");
        for case_id in &self.cases {
            if !clause.sql.is_empty() {
                clause.push(" union ");
            }
            clause.push(
                "select cs.study_date, cs.study_time, cs.study_instance_uid, cs.study_id from case_study cs \
                 where cs.pending = 0 and cs.case_id = ",
            );
            clause.arg(Arg::Text(case_id.clone()));
            if self.is_any_deleted {
                clause.push(" and cs.study_id");
                clause.push(NOT_DELETED);
            }
        }
        clause
    }
}
