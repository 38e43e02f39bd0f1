//! Which attributes the index matches, on every level.

use overread_store::studies::{
    DateRange, InstanceFilter, SeriesFilter, StudyFilter, TextMatch, TimeRange,
};

use crate::params::list_of;
use crate::refusal::{Answer, Refusal};
use crate::results::Found;

use super::Results;
use crate::limits::SEARCH_RESULTS;

/// An attribute that the index cannot match: looked at in each result.
pub(super) type Later<'q> = Vec<(&'q [u32], &'q str)>;

fn text(value: &str) -> Option<TextMatch> {
    Some(TextMatch(value.to_owned()))
}

fn number(value: &str) -> Answer<Option<i64>> {
    let number = value.trim().parse();
    number
        .map(Some)
        .map_err(|_| Refusal::bad_request("a number attribute is matched by a whole number"))
}

/// Reads a list of UIDs. What is none could be in no result, which would look like an empty archive; zeros that PS3.5 9.1 does
/// not want at the start of a part are let through, since devices write them, and so are wildcards.
fn uids(name: &str, value: &str) -> Answer<Vec<String>> {
    let is_uid = |text: &String| {
        let is_pattern = text.contains(['*', '?']);
        let mut signs = text.bytes();
        is_pattern || text.len() <= 64 && signs.all(|sign| sign.is_ascii_digit() || sign == b'.')
    };
    let uids = list_of(value);
    if uids.iter().all(is_uid) {
        return Ok(uids);
    }
    Err(Refusal::bad_request(format!(
        "{name} is matched by UIDs, several with commas between them: digits and dots, at most 64 characters each"
    )))
}

/// Cuts a range at its hyphen; a single value is both ends.
fn ends(value: &str) -> (Option<&str>, Option<&str>) {
    let value = value.trim();
    let (from, to) = value.split_once('-').unwrap_or((value, value));
    let end = |text| Some(text).filter(|text: &&str| !text.is_empty());
    (end(from), end(to))
}

/// Reads `YYYYMMDD`, `a-b`, `a-` or `-b`.
fn dates(value: &str) -> Answer<Option<DateRange>> {
    let (from, to) = ends(value);
    let range = DateRange::of(from, to).ok_or_else(|| {
        Refusal::bad_request(
            "dates are YYYYMMDD, or a range of two with a hyphen, the earlier one first",
        )
    })?;
    Ok(Some(range))
}

/// Reads `HHMMSS.FFFFFF` cut anywhere, `a-b`, `a-` or `-b`.
fn times(value: &str) -> Answer<Option<TimeRange>> {
    let is_time = |time: &str| {
        let digits: String = time.chars().filter(char::is_ascii_digit).collect();
        let part = |at: usize| {
            digits
                .get(at..at + 2)
                .and_then(|two| two.parse::<u8>().ok())
        };
        let signs = time
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
        signs
            && (2..=12).contains(&digits.len())
            && part(0).is_some_and(|hour| hour < 24)
            && part(2).is_none_or(|minute| minute < 60)
            // A leap second.
            && part(4).is_none_or(|second| second <= 60)
    };
    let (from, to) = ends(value);
    if !from.is_none_or(is_time) || !to.is_none_or(is_time) {
        return Err(Refusal::bad_request(
            "times are HHMMSS, cut anywhere, or a range of two with a hyphen",
        ));
    }
    Ok(Some(TimeRange {
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    }))
}

/// Takes a literal name apart into words when names match fuzzily; a pattern stays one.
fn name(value: &str, is_fuzzy: bool) -> (Option<TextMatch>, Vec<TextMatch>) {
    if is_fuzzy && !value.contains(['*', '?']) {
        (None, vec![TextMatch(value.to_owned())])
    } else {
        (text(value), Vec::new())
    }
}

/// Puts an attribute of the study into the filter; `false` when the index has no such column.
pub(super) fn study_key(
    filter: &mut StudyFilter,
    path: &[u32],
    value: &str,
    is_fuzzy: bool,
) -> Answer<bool> {
    let [tag] = path else { return Ok(false) };
    match *tag {
        0x0010_0010 => {
            (filter.patient_name, filter.patient_name_words) = name(value, is_fuzzy);
        }
        0x0010_0020 => filter.patient_id = text(value),
        0x0010_0021 => filter.issuer_of_patient_id = text(value),
        0x0010_0030 => filter.patient_birth_date = dates(value)?,
        0x0010_0040 => filter.patient_sex = text(value),
        0x0008_0020 => filter.study_date = dates(value)?,
        0x0008_0030 => filter.study_time = times(value)?,
        0x0008_0050 => filter.accession_number = text(value),
        0x0008_0061 => filter.modalities_in_study = list_of(value),
        0x0008_0080 => filter.institution_name = text(value),
        0x0008_0090 => {
            (
                filter.referring_physician_name,
                filter.referring_physician_words,
            ) = name(value, is_fuzzy);
        }
        0x0008_1030 => filter.study_description = text(value),
        0x0020_000D => filter.study_instance_uids = uids("StudyInstanceUID", value)?,
        0x0020_0010 => filter.dicom_study_id = text(value),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Puts an attribute of the series into the filter; `false` when the index has no such column.
pub(super) fn series_key(filter: &mut SeriesFilter, path: &[u32], value: &str) -> Answer<bool> {
    let is_plain = !value.contains(['*', '?']);
    match path {
        [0x0008_0021] => filter.series_date = dates(value)?,
        [0x0008_0031] => filter.series_time = times(value)?,
        [0x0008_0060] => filter.modalities = list_of(value),
        [0x0008_0070] => filter.manufacturer = text(value),
        [0x0008_1010] => filter.station_name = text(value),
        [0x0008_103E] => filter.series_description = text(value),
        [0x0018_0015] => filter.body_part_examined = text(value),
        [0x0018_1030] => filter.protocol_name = text(value),
        [0x0020_000E] => filter.series_instance_uids = uids("SeriesInstanceUID", value)?,
        [0x0020_0011] => filter.series_number = number(value)?,
        [0x0020_0060] => filter.laterality = text(value),
        [0x0040_0244] => filter.performed_procedure_step_start_date = dates(value)?,
        [0x0040_0245] => filter.performed_procedure_step_start_time = times(value)?,
        [0x0040_0275, 0x0040_0009] if is_plain => {
            filter.scheduled_procedure_step_id = Some(value.trim().to_owned());
        }
        [0x0040_0275, 0x0040_1001] if is_plain => {
            filter.requested_procedure_id = Some(value.trim().to_owned());
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Puts an attribute of the instance into the filter; `false` when the index has no such column.
pub(super) fn instance_key(filter: &mut InstanceFilter, path: &[u32], value: &str) -> Answer<bool> {
    match path {
        [0x0008_0016] => filter.sop_class_uids = list_of(value),
        [0x0008_0018] => filter.sop_instance_uids = uids("SOPInstanceUID", value)?,
        [0x0008_3002] => filter.transfer_syntax_uids = list_of(value),
        [0x0020_0013] => filter.instance_number = number(value)?,
        [0x0028_0008] => filter.number_of_frames = number(value)?,
        [0x0028_0010] => filter.row_count = number(value)?,
        [0x0028_0011] => filter.column_count = number(value)?,
        [0x0028_0100] => filter.bits_allocated = number(value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Says whether a value asks anything: nothing and `*` match everything (PS3.4 C.2.2.2.3).
pub(super) fn asks(value: &str) -> bool {
    !value.trim_matches('*').trim().is_empty()
}

/// What is no attribute of this level, and could so not be in any result.
pub(super) fn of_lower_level(level: &str) -> Refusal {
    Refusal::bad_request(format!(
        "an attribute is none of a {level}; search series or instances by it"
    ))
}

/// Cuts a page out of all results.
pub(crate) fn paged(mut all: Vec<Found>, limit: Option<u32>, offset: u32) -> Results {
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

#[cfg(test)]
mod tests {
    use super::{dates, times};

    #[test]
    fn ranges_are_of_days_and_times_q16() {
        for good in [
            "20260302",
            "20260302-",
            "-20260302",
            "20260301-20260302",
            // Ends of months as programs write them, and a year of birth.
            "20260201-20260231",
            "19700000",
        ] {
            assert!(dates(good).is_ok(), "{good}");
        }
        for bad in [
            "2026",
            "2026*",
            "20260302-x",
            "2026-03-02",
            "20261301",
            "20260132-",
            "20261231-20260101",
        ] {
            assert!(dates(bad).is_err(), "{bad}");
        }
        for good in ["10", "1015", "101500.25", "10:15-", "1000-1100"] {
            assert!(times(good).is_ok(), "{good}");
        }
        for bad in ["1", "10*", "noon", "1000-11h", "99-", "1061", "9999"] {
            assert!(times(bad).is_err(), "{bad}");
        }
    }
}
