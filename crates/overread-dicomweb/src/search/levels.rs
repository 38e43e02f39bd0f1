//! The three levels of a search: what is asked of the index, what is matched afterwards, what is returned.

use std::collections::{BTreeMap, BTreeSet};

use overread_store::Tx;
use overread_store::studies::{
    DateRange, InstanceFilter, InstanceRow, Page, SeriesFilter, SeriesRow, StudyFilter, TextMatch,
    count_studies, search_instances, search_series, search_studies,
};
use serde_json::Value;

use super::{Results, first_metadata};
use crate::caller::Caller;
use crate::limits::{LIST_VALUES, SEARCH_RESULTS};
use crate::params::{Include, Query, list_of};
use crate::refusal::{Answer, Refusal};
use crate::results::{self, Found};

/// An attribute that the index cannot match: looked at in each result.
type Later<'q> = Vec<(&'q [u32], &'q str)>;

fn text(value: &str) -> Option<TextMatch> {
    Some(TextMatch(value.to_owned()))
}

fn number(value: &str) -> Answer<i64> {
    value
        .trim()
        .parse()
        .map_err(|_| Refusal::bad_request("a number attribute is matched by a whole number"))
}

/// Reads `YYYYMMDD`, `a-b`, `a-` or `-b`.
fn dates(value: &str) -> Answer<DateRange> {
    let day = |text: &str| {
        if text.is_empty() {
            Ok(None)
        } else if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Some(text.to_owned()))
        } else {
            Err(Refusal::bad_request(
                "dates are YYYYMMDD, or a range of two with a hyphen",
            ))
        }
    };
    let value = value.trim();
    match value.split_once('-') {
        Some((from, to)) => Ok(DateRange {
            from: day(from)?,
            to: day(to)?,
        }),
        None => Ok(DateRange {
            from: day(value)?,
            to: day(value)?,
        }),
    }
}

/// Makes a literal name fuzzy: any name that holds it, letters and accents folded.
fn name(value: &str, is_fuzzy: bool) -> Option<TextMatch> {
    if is_fuzzy && !value.contains(['*', '?']) {
        return text(&format!("*{}*", value.trim()));
    }
    text(value)
}

/// Puts a study-level attribute into the filter; `false` when the index has no such column.
fn study_key(filter: &mut StudyFilter, tag: u32, value: &str, is_fuzzy: bool) -> Answer<bool> {
    match tag {
        0x0010_0010 => filter.patient_name = name(value, is_fuzzy),
        0x0010_0020 => filter.patient_id = text(value),
        0x0008_0050 => filter.accession_number = text(value),
        0x0020_000D => filter.study_instance_uids = list_of(value),
        0x0008_0020 => filter.study_date = Some(dates(value)?),
        0x0008_0061 => filter.modalities_in_study = list_of(value),
        0x0008_1030 => filter.study_description = text(value),
        0x0008_0090 => filter.referring_physician_name = name(value, is_fuzzy),
        0x0020_0010 => filter.dicom_study_id = text(value),
        0x0010_0030 if !value.contains('-') => filter.patient_birth_date = Some(value.to_owned()),
        _ => return Ok(false),
    }
    Ok(true)
}

fn asks(value: &str) -> bool {
    !value.trim_matches('*').trim().is_empty()
}

/// Cuts a page out of all results.
fn paged(mut all: Vec<Found>, query: &Query) -> Results {
    let offset = (query.offset as usize).min(all.len());
    let limit = query.limit.unwrap_or(SEARCH_RESULTS) as usize;
    all.drain(..offset);
    let remaining = all.len().saturating_sub(limit) as u64;
    all.truncate(limit);
    Results {
        page: all,
        remaining,
    }
}

pub(super) async fn studies(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    mut filter: StudyFilter,
) -> Answer<Results> {
    let mut later: Later<'_> = Vec::new();
    let mut has_time = false;
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        let taken = match path.as_slice() {
            [tag] => study_key(&mut filter, *tag, value, query.is_fuzzy)?,
            _ => false,
        };
        has_time |= path.as_slice() == [0x0008_0030];
        if !taken {
            later.push((path, value));
        }
    }
    let limit = query.limit.unwrap_or(SEARCH_RESULTS);
    if limit == 0 {
        return Ok(Results {
            page: Vec::new(),
            remaining: 0,
        });
    }
    if later.is_empty() {
        let page = Page {
            limit,
            offset: query.offset,
            after: None,
        };
        let rows = search_studies(tx, &caller.reach, &filter, &page).await?;
        let seen = u64::from(query.offset) + rows.len() as u64;
        let is_full = rows.len() as u64 == u64::from(limit);
        let total = if is_full {
            count_studies(tx, &caller.reach, &filter).await?
        } else {
            seen
        };
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut one = results::study(row, &caller.address);
            complete(
                tx,
                caller,
                query,
                &mut one,
                results::is_of_study,
                (&row.study_instance_uid, None, None),
            )
            .await?;
            found.push(one);
        }
        return Ok(Results {
            page: found,
            remaining: total.saturating_sub(seen),
        });
    }
    let date = filter.study_date.clone().filter(|_| has_time);
    let rows = search_studies(tx, &caller.reach, &filter, &Page::default()).await?;
    let mut all = Vec::new();
    for row in &rows {
        let one = results::study(row, &caller.address);
        let json = one.to_json();
        let good = later.iter().all(|(path, value)| match (path, &date) {
            // PS3.4 C.2.2.2.5: a range of dates with a range of times is one range of instants.
            ([0x0008_0030], Some(date)) => in_one_range(&json, date, value),
            _ => results::matches_value(&json, path, value),
        });
        if good {
            all.push(one);
        }
    }
    Ok(paged(all, query))
}

fn in_one_range(found: &Value, dates: &DateRange, times: &str) -> bool {
    let value = |tag: &str| {
        found
            .pointer(&format!("/{tag}/Value/0"))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let Some((from, to)) = times.split_once('-') else {
        return results::matches_range(value("00080030"), times);
    };
    if dates.from == dates.to {
        return results::matches_range(value("00080030"), times);
    }
    let instant = format!("{}{}", value("00080020"), value("00080030"));
    let from = dates
        .from
        .as_ref()
        .map(|day| format!("{day}{from}"))
        .unwrap_or_default();
    let to = dates
        .to
        .as_ref()
        .map(|day| format!("{day}{to}"))
        .unwrap_or_default();
    results::matches_range(&instant, &format!("{from}-{to}"))
}

/// Adds what `includefield` asks and the index has no column for, from the metadata of the (first) instance.
async fn complete(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    found: &mut Found,
    belongs: fn(u32) -> bool,
    (study, series, instance): (&str, Option<&str>, Option<&str>),
) -> Answer<()> {
    let missing = match &query.include {
        Include::Usual => return Ok(()),
        Include::All => true,
        Include::Tags(tags) => tags
            .iter()
            .any(|tag| belongs(*tag) && !found.0.contains_key(tag)),
    };
    if !missing {
        return Ok(());
    }
    let metadata = first_metadata(tx, caller, study, series, instance).await?;
    match &query.include {
        // PS3.18 8.3.4.3: attributes of a lower level are not returned.
        Include::Tags(tags) => {
            for tag in tags.iter().filter(|tag| belongs(**tag)) {
                found.add_from(&metadata, *tag);
            }
        }
        _ => found.add_all_from(&metadata, belongs),
    }
    Ok(())
}

/// The studies that study-level attributes of a lower search leave; `None` when it names none.
async fn parent_studies(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
) -> Answer<Option<Vec<String>>> {
    let mut filter = StudyFilter::default();
    let mut is_asked = false;
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        if let [tag] = path.as_slice() {
            is_asked |= study_key(&mut filter, *tag, value, query.is_fuzzy)?;
        }
    }
    if !is_asked {
        return Ok(None);
    }
    let page = Page {
        limit: LIST_VALUES as u32 + 1,
        ..Page::default()
    };
    let rows = search_studies(tx, &caller.reach, &filter, &page).await?;
    if rows.len() > LIST_VALUES {
        // PS3.18 10.6.3.1: 413 for a search that is too broad.
        return Err(Refusal::too_large(
            "the search matches too many studies; narrow it",
        ));
    }
    Ok(Some(
        rows.into_iter().map(|row| row.study_instance_uid).collect(),
    ))
}

fn is_study_key(tag: u32, value: &str) -> Answer<bool> {
    study_key(&mut StudyFilter::default(), tag, value, false)
}

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
            series_place(row),
        )
        .await?;
        if !passes(tx, caller, &later, &found, series_place(row)).await? {
            continue;
        }
        if let Some(parent) = parents.get(&row.study_instance_uid) {
            found.merge(parent);
        }
        all.push(found);
    }
    Ok(paged(all, query))
}

fn series_place(row: &SeriesRow) -> (&str, Option<&str>, Option<&str>) {
    (
        &row.study_instance_uid,
        Some(&row.series_instance_uid),
        None,
    )
}

fn instance_place(row: &InstanceRow) -> (&str, Option<&str>, Option<&str>) {
    (
        &row.study_instance_uid,
        Some(&row.series_instance_uid),
        Some(&row.sop_instance_uid),
    )
}

/// Matches what the index could not, in the result or in the metadata.
async fn passes(
    tx: &mut Tx,
    caller: &Caller,
    later: &Later<'_>,
    found: &Found,
    (study, series, instance): (&str, Option<&str>, Option<&str>),
) -> Answer<bool> {
    if later.is_empty() {
        return Ok(true);
    }
    let known = later
        .iter()
        .all(|(path, _)| path.first().is_some_and(|tag| found.0.contains_key(tag)));
    let json = if known {
        found.to_json()
    } else {
        first_metadata(tx, caller, study, series, instance).await?
    };
    Ok(later
        .iter()
        .all(|(path, value)| results::matches_value(&json, path, value)))
}

async fn studies_by_uid(
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

async fn series_by_uid(
    tx: &mut Tx,
    caller: &Caller,
    rows: &[InstanceRow],
) -> Answer<BTreeMap<String, Found>> {
    let uids: BTreeSet<&String> = rows.iter().map(|row| &row.series_instance_uid).collect();
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

pub(super) async fn instances(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    mut filter: InstanceFilter,
) -> Answer<Results> {
    let mut later: Later<'_> = Vec::new();
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        match path.as_slice() {
            [0x0008_0018] => filter.sop_instance_uids = list_of(value),
            [0x0008_0016] => filter.sop_class_uids = list_of(value),
            [0x0020_0013] => filter.instance_number = Some(number(value)?),
            [0x0008_0060] => filter.modalities = list_of(value),
            [0x0020_000E] if filter.series_instance_uid.is_none() => {
                filter.series_instance_uid = Some(value.clone())
            }
            [tag] if is_study_key(*tag, value)? => {}
            path => later.push((path, value)),
        }
    }
    let has_study = filter.study_instance_uid.is_some();
    let has_series = filter.series_instance_uid.is_some() && has_study;
    let mut rows = Vec::new();
    match parent_studies(tx, caller, query).await? {
        None => rows = search_instances(tx, &caller.reach, &filter, &Page::default()).await?,
        Some(studies) => {
            let wanted = filter.study_instance_uid.clone();
            for study in studies
                .into_iter()
                .filter(|study| wanted.as_ref().is_none_or(|wanted| wanted == study))
            {
                filter.study_instance_uid = Some(study);
                rows.extend(search_instances(tx, &caller.reach, &filter, &Page::default()).await?);
            }
        }
    }
    if !has_study && !later.is_empty() {
        return Err(Refusal::bad_request(
            "name a study to search instances by this attribute",
        ));
    }
    let series = if has_series {
        BTreeMap::new()
    } else {
        series_by_uid(tx, caller, &rows).await?
    };
    let studies = if has_study {
        BTreeMap::new()
    } else {
        studies_by_uid(tx, caller, rows.iter().map(|row| &row.study_instance_uid)).await?
    };
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut found = results::instance(row, &caller.address);
        complete(
            tx,
            caller,
            query,
            &mut found,
            results::is_of_instance,
            instance_place(row),
        )
        .await?;
        if !passes(tx, caller, &later, &found, instance_place(row)).await? {
            continue;
        }
        for parent in [
            series.get(&row.series_instance_uid),
            studies.get(&row.study_instance_uid),
        ]
        .into_iter()
        .flatten()
        {
            found.merge(parent);
        }
        all.push(found);
    }
    Ok(paged(all, query))
}
