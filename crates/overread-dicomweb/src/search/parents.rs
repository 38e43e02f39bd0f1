//! Attributes of the levels above, for searches that name none (PS3.18 10.6.3.3).

use std::collections::{BTreeMap, BTreeSet};

use overread_store::Tx;
use overread_store::studies::{Page, SeriesFilter, StudyFilter, search_series, search_studies};

use crate::caller::Caller;
use crate::limits::LIST_VALUES;
use crate::refusal::Answer;
use crate::results::{self, Found};

const STUDY: u32 = 0x0020_000D;
const SERIES: u32 = 0x0020_000E;

/// Adds to each result what is known of its study.
pub(super) async fn add_studies(tx: &mut Tx, caller: &Caller, page: &mut [Found]) -> Answer<()> {
    let mut known = BTreeMap::new();
    for uids in named(page, STUDY).chunks(LIST_VALUES) {
        let filter = StudyFilter {
            study_instance_uids: uids.to_vec(),
            ..StudyFilter::default()
        };
        for row in search_studies(tx, &caller.reach, &filter, &Page::default()).await? {
            let found = results::study(&row, &caller.address);
            known.insert(row.study_instance_uid, found);
        }
    }
    for found in page {
        if let Some(parent) = known.get(&found.uid(STUDY)) {
            found.merge(parent);
        }
    }
    Ok(())
}

/// Adds to each result what is known of its series.
pub(super) async fn add_series(tx: &mut Tx, caller: &Caller, page: &mut [Found]) -> Answer<()> {
    let mut known = BTreeMap::new();
    for uids in named(page, SERIES).chunks(LIST_VALUES) {
        let filter = SeriesFilter {
            series_instance_uids: uids.to_vec(),
            ..SeriesFilter::default()
        };
        for row in search_series(tx, &caller.reach, &filter, &Page::default()).await? {
            let found = results::series(&row, &caller.address);
            known.insert((row.study_instance_uid, row.series_instance_uid), found);
        }
    }
    for found in page {
        // Two studies may hold series of one UID.
        if let Some(parent) = known.get(&(found.uid(STUDY), found.uid(SERIES))) {
            found.merge(parent);
        }
    }
    Ok(())
}

fn named(page: &[Found], tag: u32) -> Vec<String> {
    let uids: BTreeSet<String> = page.iter().map(|found| found.uid(tag)).collect();
    uids.into_iter().collect()
}
