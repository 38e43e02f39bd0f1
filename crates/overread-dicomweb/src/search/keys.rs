//! What searches on every level share: keys the index knows, keys looked at later, pages, further fields.

use overread_store::Tx;
use overread_store::studies::{DateRange, Page, StudyFilter, TextMatch, search_studies};

use super::{Results, first_metadata};
use crate::caller::Caller;
use crate::limits::{LIST_VALUES, SEARCH_RESULTS};
use crate::params::{Include, Query, list_of};
use crate::refusal::{Answer, Refusal};
use crate::results::{self, Found};

/// Where the metadata of a result are found: study, series, instance.
pub(super) type Place<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// An attribute that the index cannot match: looked at in each result.
pub(super) type Later<'q> = Vec<(&'q [u32], &'q str)>;

pub(super) fn text(value: &str) -> Option<TextMatch> {
    Some(TextMatch(value.to_owned()))
}

pub(super) fn number(value: &str) -> Answer<i64> {
    value
        .trim()
        .parse()
        .map_err(|_| Refusal::bad_request("a number attribute is matched by a whole number"))
}

/// Reads `YYYYMMDD`, `a-b`, `a-` or `-b`.
pub(super) fn dates(value: &str) -> Answer<DateRange> {
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
pub(super) fn name(value: &str, is_fuzzy: bool) -> Option<TextMatch> {
    if is_fuzzy && !value.contains(['*', '?']) {
        return text(&format!("*{}*", value.trim()));
    }
    text(value)
}

/// Puts a study-level attribute into the filter; `false` when the index has no such column.
pub(super) fn study_key(
    filter: &mut StudyFilter,
    tag: u32,
    value: &str,
    is_fuzzy: bool,
) -> Answer<bool> {
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

pub(super) fn asks(value: &str) -> bool {
    !value.trim_matches('*').trim().is_empty()
}

/// Cuts a page out of all results.
pub(super) fn paged(mut all: Vec<Found>, limit: Option<u32>, offset: u32) -> Results {
    let offset = (offset as usize).min(all.len());
    let limit = limit.unwrap_or(SEARCH_RESULTS) as usize;
    all.drain(..offset);
    let remaining = all.len().saturating_sub(limit) as u64;
    all.truncate(limit);
    Results {
        page: all,
        remaining,
    }
}

/// Adds what `includefield` asks and the index has no column for, from the metadata of the (first) instance.
pub(super) async fn complete(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    found: &mut Found,
    belongs: fn(u32) -> bool,
    (study, series, instance): Place<'_>,
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
pub(super) async fn parent_studies(
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

pub(super) fn is_study_key(tag: u32, value: &str) -> Answer<bool> {
    study_key(&mut StudyFilter::default(), tag, value, false)
}

/// Matches what the index could not, in the result or in the metadata.
pub(super) async fn passes(
    tx: &mut Tx,
    caller: &Caller,
    later: &Later<'_>,
    found: &Found,
    (study, series, instance): Place<'_>,
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
