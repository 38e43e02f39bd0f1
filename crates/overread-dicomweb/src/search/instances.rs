//! Searching instances.

use overread_store::Tx;
use overread_store::studies::{InstanceFilter, page_of_instances};

use super::Results;
use super::keys::{Later, asks, instance_key, series_key, study_key};
use super::metadata::{Candidate, finish, wanted};
use super::parents::{add_series, add_studies};
use crate::caller::Caller;
use crate::params::Query;
use crate::refusal::Answer;
use crate::results;

pub(super) async fn instances(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    mut filter: InstanceFilter,
) -> Answer<Results> {
    let has_study = filter.study_instance_uid.is_some();
    let has_series = has_study && filter.series_instance_uid.is_some();
    let mut later: Later<'_> = Vec::new();
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        let is_known = instance_key(&mut filter, path, value)?
            || series_key(&mut filter.series, path, value)?
            || study_key(&mut filter.series.study, path, value, query.is_fuzzy)?;
        if !is_known {
            later.push((path, value));
        }
    }
    let page = page_of_instances(tx, &caller.reach, &filter, &wanted(query, &later)).await?;
    let candidates = page.rows.iter().map(|row| Candidate {
        found: results::instance(row, &caller.address),
        study: row.study_instance_uid.clone(),
        series: Some(row.series_instance_uid.clone()),
        instance: Some(row.sop_instance_uid.clone()),
    });
    let candidates = (candidates.collect(), page.remaining);
    let belongs = results::is_of_instance;
    let mut results = finish(tx, caller, query, &later, candidates, belongs).await?;
    if !has_series {
        add_series(tx, caller, &mut results.page).await?;
    }
    if !has_study {
        add_studies(tx, caller, &mut results.page).await?;
    }
    Ok(results)
}
