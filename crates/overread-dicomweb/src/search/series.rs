//! Searching series.

use std::collections::BTreeMap;

use overread_store::Tx;
use overread_store::studies::{Page, SeriesFilter, SeriesRow, search_series};

use super::Results;
use super::keys::{
    Later, Place, asks, complete, is_study_key, number, paged, parent_studies, passes, text,
};
use super::parents::studies_by_uid;
use crate::caller::Caller;
use crate::params::{Query, list_of};
use crate::refusal::Answer;
use crate::results;

pub(super) async fn series(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    mut filter: SeriesFilter,
) -> Answer<Results> {
    let mut later: Later<'_> = Vec::new();
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        match path.as_slice() {
            [0x0008_0060] => filter.modalities = list_of(value),
            [0x0020_000E] => filter.series_instance_uids = list_of(value),
            [0x0020_0011] => filter.series_number = Some(number(value)?),
            [0x0008_103E] => filter.series_description = text(value),
            [0x0018_0015] => filter.body_part_examined = text(value),
            [tag] if is_study_key(*tag, value)? => {}
            path => later.push((path, value)),
        }
    }
    let is_top = filter.study_instance_uid.is_none();
    let mut rows = Vec::new();
    match parent_studies(tx, caller, query).await? {
        None => rows = search_series(tx, &caller.reach, &filter, &Page::default()).await?,
        Some(studies) => {
            let wanted = filter.study_instance_uid.clone();
            for study in studies
                .into_iter()
                .filter(|study| wanted.as_ref().is_none_or(|wanted| wanted == study))
            {
                filter.study_instance_uid = Some(study);
                rows.extend(search_series(tx, &caller.reach, &filter, &Page::default()).await?);
            }
        }
    }
    let parents = if is_top {
        studies_by_uid(tx, caller, rows.iter().map(|row| &row.study_instance_uid)).await?
    } else {
        BTreeMap::new()
    };
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut found = results::series(row, &caller.address);
        complete(
            tx,
            caller,
            query,
            &mut found,
            results::is_of_series,
            place(row),
        )
        .await?;
        if !passes(tx, caller, &later, &found, place(row)).await? {
            continue;
        }
        if let Some(parent) = parents.get(&row.study_instance_uid) {
            found.merge(parent);
        }
        all.push(found);
    }
    Ok(paged(all, query.limit, query.offset))
}

fn place(row: &SeriesRow) -> Place<'_> {
    (
        &row.study_instance_uid,
        Some(&row.series_instance_uid),
        None,
    )
}
