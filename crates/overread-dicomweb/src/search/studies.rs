//! Searching studies.

use overread_dicom::levels::is_of_study;
use overread_store::Tx;
use overread_store::studies::{SeriesFilter, StudyFilter, page_of_studies};

use super::Results;
use super::keys::{Later, asks, of_lower_level, series_key, study_key};
use super::metadata::{Candidate, finish, wanted};
use crate::caller::Caller;
use crate::params::Query;
use crate::refusal::Answer;
use crate::results;

pub(super) async fn studies(tx: &mut Tx, caller: &Caller, query: &Query) -> Answer<Results> {
    let mut filter = StudyFilter::default();
    let mut with_series = SeriesFilter::default();
    let mut later: Later<'_> = Vec::new();
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        if study_key(&mut filter, path, value, query.is_fuzzy)?
            || series_key(&mut with_series, path, value)?
        {
            continue;
        }
        if !path.first().is_some_and(|tag| is_of_study(*tag)) {
            return Err(of_lower_level("study"));
        }
        later.push((path, value));
    }
    if with_series != SeriesFilter::default() {
        filter.with_series = Some(Box::new(with_series));
    }
    let page = page_of_studies(tx, &caller.reach, &filter, &wanted(query, &later)).await?;
    let candidates = page.rows.iter().map(|row| Candidate {
        found: results::study(row, &caller.address),
        study: row.study_instance_uid.clone(),
        series: None,
        instance: None,
    });
    let candidates = (candidates.collect(), page.remaining);
    finish(tx, caller, query, &later, candidates, is_of_study).await
}
