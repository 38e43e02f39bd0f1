//! Searching series.

use overread_dicom::levels::is_of_series;
use overread_store::Tx;
use overread_store::studies::{SeriesFilter, page_of_series};

use super::Results;
use super::keys::{Later, asks, of_lower_level, series_key, study_key};
use super::metadata::{Candidate, finish, wanted};
use super::parents::add_studies;
use crate::caller::Caller;
use crate::params::Query;
use crate::refusal::Answer;
use crate::results;

pub(super) async fn series(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    mut filter: SeriesFilter,
) -> Answer<Results> {
    let is_top = filter.study_instance_uid.is_none();
    let mut later: Later<'_> = Vec::new();
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        if series_key(&mut filter, path, value)?
            || study_key(&mut filter.study, path, value, query.is_fuzzy)?
        {
            continue;
        }
        if !path.first().is_some_and(|tag| is_of_series(*tag)) {
            return Err(of_lower_level("series"));
        }
        later.push((path, value));
    }
    let page = page_of_series(tx, &caller.reach, &filter, &wanted(query, &later)).await?;
    let candidates = page.rows.iter().map(|row| Candidate {
        found: results::series(row, &caller.address),
        study: row.study_instance_uid.clone(),
        series: Some(row.series_instance_uid.clone()),
        instance: None,
    });
    let candidates = (candidates.collect(), page.remaining);
    let mut results = finish(tx, caller, query, &later, candidates, is_of_series).await?;
    if is_top {
        add_studies(tx, caller, &mut results.page).await?;
    }
    Ok(results)
}
