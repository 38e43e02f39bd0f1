//! Searching instances.

use std::collections::BTreeMap;

use overread_store::Tx;
use overread_store::studies::{InstanceFilter, InstanceRow, Page, search_instances};

use super::Results;
use super::keys::{
    Later, Place, asks, complete, is_study_key, number, paged, parent_studies, passes,
};
use super::parents::{series_by_uid, studies_by_uid};
use crate::caller::Caller;
use crate::params::{Query, list_of};
use crate::refusal::{Answer, Refusal};
use crate::results;

pub(super) async fn instances(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    mut filter: InstanceFilter,
) -> Answer<Results> {
    let has_study = filter.study_instance_uid.is_some();
    let has_series = has_study && filter.series_instance_uid.is_some();
    let later = keys(query, &mut filter)?;
    if !has_study && !later.is_empty() {
        return Err(Refusal::bad_request(
            "name a study to search instances by this attribute",
        ));
    }
    let rows = rows(tx, caller, query, filter).await?;
    let series = if has_series {
        BTreeMap::new()
    } else {
        series_by_uid(tx, caller, rows.iter().map(|row| &row.series_instance_uid)).await?
    };
    let studies = if has_study {
        BTreeMap::new()
    } else {
        studies_by_uid(tx, caller, rows.iter().map(|row| &row.study_instance_uid)).await?
    };
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let place = place(row);
        let mut found = results::instance(row, &caller.address);
        complete(
            tx,
            caller,
            query,
            &mut found,
            results::is_of_instance,
            place,
        )
        .await?;
        if !passes(tx, caller, &later, &found, place).await? {
            continue;
        }
        let parents = [
            series.get(&row.series_instance_uid),
            studies.get(&row.study_instance_uid),
        ];
        for parent in parents.into_iter().flatten() {
            found.merge(parent);
        }
        all.push(found);
    }
    Ok(paged(all, query.limit, query.offset))
}

/// Puts into the filter what the index knows; returns the rest.
fn keys<'q>(query: &'q Query, filter: &mut InstanceFilter) -> Answer<Later<'q>> {
    let mut later: Later<'q> = Vec::new();
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        let values = list_of(value);
        match (path.as_slice(), values.as_slice()) {
            ([0x0008_0018], _) => filter.sop_instance_uids = values,
            ([0x0008_0016], _) => filter.sop_class_uids = values,
            ([0x0020_0013], _) => filter.instance_number = Some(number(value)?),
            ([0x0008_0060], _) => filter.modalities = values,
            ([0x0020_000E], [only]) if filter.series_instance_uid.is_none() => {
                filter.series_instance_uid = Some(only.clone());
            }
            ([tag], _) if is_study_key(*tag, value)? => {}
            (path, _) => later.push((path, value)),
        }
    }
    Ok(later)
}

async fn rows(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    mut filter: InstanceFilter,
) -> Answer<Vec<InstanceRow>> {
    let page = Page::default();
    let Some(studies) = parent_studies(tx, caller, query).await? else {
        return Ok(search_instances(tx, &caller.reach, &filter, &page).await?);
    };
    let mut rows = Vec::new();
    let wanted = filter.study_instance_uid.clone();
    for study in studies {
        if wanted.as_ref().is_none_or(|wanted| *wanted == study) {
            filter.study_instance_uid = Some(study);
            rows.extend(search_instances(tx, &caller.reach, &filter, &page).await?);
        }
    }
    Ok(rows)
}

fn place(row: &InstanceRow) -> Place<'_> {
    (
        &row.study_instance_uid,
        Some(&row.series_instance_uid),
        Some(&row.sop_instance_uid),
    )
}
