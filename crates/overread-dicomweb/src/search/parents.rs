//! Results on the levels above, for searches that name none (PS3.18 10.6.3.3).

use std::collections::{BTreeMap, BTreeSet};

use overread_store::Tx;
use overread_store::studies::{Page, SeriesFilter, StudyFilter, search_series, search_studies};

use crate::caller::Caller;
use crate::limits::LIST_VALUES;
use crate::refusal::Answer;
use crate::results::{self, Found};

pub(super) async fn studies_by_uid(
    tx: &mut Tx,
    caller: &Caller,
    uids: impl Iterator<Item = &String>,
) -> Answer<BTreeMap<String, Found>> {
    let uids: BTreeSet<&String> = uids.collect();
    let uids: Vec<&String> = uids.into_iter().collect();
    let mut studies = BTreeMap::new();
    for chunk in uids.chunks(LIST_VALUES) {
        let filter = StudyFilter {
            study_instance_uids: chunk.iter().map(|uid| (*uid).clone()).collect(),
            ..StudyFilter::default()
        };
        for row in search_studies(tx, &caller.reach, &filter, &Page::default()).await? {
            let found = results::study(&row, &caller.address);
            studies.insert(row.study_instance_uid, found);
        }
    }
    Ok(studies)
}

pub(super) async fn series_by_uid(
    tx: &mut Tx,
    caller: &Caller,
    uids: impl Iterator<Item = &String>,
) -> Answer<BTreeMap<String, Found>> {
    let uids: BTreeSet<&String> = uids.collect();
    let uids: Vec<&String> = uids.into_iter().collect();
    let mut series = BTreeMap::new();
    for chunk in uids.chunks(LIST_VALUES) {
        let filter = SeriesFilter {
            series_instance_uids: chunk.iter().map(|uid| (*uid).clone()).collect(),
            ..SeriesFilter::default()
        };
        for row in search_series(tx, &caller.reach, &filter, &Page::default()).await? {
            let found = results::series(&row, &caller.address);
            series.insert(row.series_instance_uid, found);
        }
    }
    Ok(series)
}
