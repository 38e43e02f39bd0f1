//! Filters as conditions on `study`, `series` and `instance`.

use super::text::{NameQuestion, any_of, physician, text};
use super::{DateRange, InstanceFilter, SeriesFilter, StudyFilter, TimeRange};
use crate::access::{Reach, and_shown};
use crate::studies::sql::{Arg, Clause};

/// Digits of a time that are compared: hours to microseconds.
const TIME_DIGITS: usize = 12;

/// A time as digits, what is not said being zero.
macro_rules! digits_of {
    ($column:literal) => {
        concat!(
            "substr(replace(replace(",
            $column,
            ", '.', ''), ':', '') || '000000000000', 1, 12)"
        )
    };
}

/// Adds what a study must be. The name's question was made of the same filter.
pub(super) fn study(clause: &mut Clause, reach: &Reach, filter: &StudyFilter, name: &NameQuestion) {
    name.conditions(clause);
    let texts = [
        (
            &filter.patient_id,
            "study.patient_id",
            "lower(study.patient_id)",
        ),
        (
            &filter.issuer_of_patient_id,
            "study.issuer_of_patient_id",
            "lower(study.issuer_of_patient_id)",
        ),
        (
            &filter.patient_sex,
            "study.patient_sex",
            "lower(study.patient_sex)",
        ),
        (
            &filter.accession_number,
            "study.accession_number",
            "lower(study.accession_number)",
        ),
        (
            &filter.study_description,
            "study.study_description",
            "lower(study.study_description)",
        ),
        (
            &filter.institution_name,
            "study.institution_name",
            "lower(study.institution_name)",
        ),
        (
            &filter.dicom_study_id,
            "study.dicom_study_id",
            "lower(study.dicom_study_id)",
        ),
    ];
    for (asked, column, lowered) in texts {
        text(clause, column, lowered, asked.as_ref());
    }
    physician(
        clause,
        filter.referring_physician_name.as_ref(),
        &filter.referring_physician_words,
    );
    dates(
        clause,
        "study.patient_birth_date",
        filter.patient_birth_date.as_ref(),
    );
    if !filter.study_instance_uids.is_empty() {
        clause.any_of("study.study_instance_uid", &filter.study_instance_uids);
    }
    dates(clause, "study.study_date", filter.study_date.as_ref());
    study_times(clause, filter);
    if !filter.modalities_in_study.is_empty() {
        match reach.blind_reader() {
            Some(reader) => shown_modalities(clause, filter, reader),
            None => modalities(clause, filter),
        }
    }
    if let Some(with) = &filter.with_series {
        with_series(clause, reach, with);
    }
}

fn dates(clause: &mut Clause, column: &'static str, range: Option<&DateRange>) {
    let Some(range) = range else { return };
    match (&range.from, &range.to) {
        (Some(from), Some(to)) if from == to => {
            return clause.equal(column, Arg::Text(from.clone()));
        }
        (None, None) => return,
        // What is unknown is in no range.
        (None, Some(_)) => {
            clause.and(column);
            clause.push(" <> ''");
        }
        _ => {}
    }
    bounds(clause, column, range.from.clone(), range.to.clone());
}

fn bounds(clause: &mut Clause, expression: &'static str, from: Option<String>, to: Option<String>) {
    for (sign, bound) in [(" >= ", from), (" <= ", to)] {
        if let Some(bound) = bound {
            clause.and(expression);
            clause.push(sign);
            clause.arg(Arg::Text(bound));
        }
    }
}

/// Writes a time with all its digits.
fn padded(time: &str, fill: char) -> String {
    let digits = time.chars().filter(char::is_ascii_digit);
    digits
        .chain(std::iter::repeat(fill))
        .take(TIME_DIGITS)
        .collect()
}

fn times(clause: &mut Clause, expression: &'static str, range: Option<&TimeRange>) {
    let Some(range) = range else { return };
    let from = range.from.as_deref().map(|time| padded(time, '0'));
    let to = range.to.as_deref().map(|time| padded(time, '9'));
    bounds(clause, expression, from, to);
}

// PS3.4 C.2.2.2.5: a range of dates with a range of times is one range of instants.
fn study_times(clause: &mut Clause, filter: &StudyFilter) {
    let Some(time) = &filter.study_time else {
        return;
    };
    let days = filter.study_date.as_ref().filter(|days| days.is_of_days());
    let Some(days) = days.filter(|_| time.from != time.to) else {
        return times(clause, digits_of!("study.study_time"), Some(time));
    };
    let instant = |day: &Option<String>, time: &Option<String>, fill| {
        let time = padded(time.as_deref().unwrap_or_default(), fill);
        day.as_ref().map(|day| format!("{day}{time}"))
    };
    bounds(
        clause,
        concat!("study.study_date || ", digits_of!("study.study_time")),
        instant(&days.from, &time.from, '0'),
        instant(&days.to, &time.to, '9'),
    );
}

/// Modality and date together are one range of the index `study_modality`.
fn modalities(clause: &mut Clause, filter: &StudyFilter) {
    clause.and("study.id in (select study_id from study_modality where 1 = 1");
    any_of(clause, "modality", &filter.modalities_in_study);
    let range = filter.study_date.clone().unwrap_or_default();
    bounds(clause, "study_date", range.from, range.to);
    clause.push(")");
}

/// As [`modalities`], for somebody who must not learn of a report by asking for its modality.
fn shown_modalities(clause: &mut Clause, filter: &StudyFilter, reader: &str) {
    clause.and(
        "study.id in (select series.study_id from series join instance on instance.series_id = series.id \
         where 1 = 1",
    );
    any_of(clause, "series.modality", &filter.modalities_in_study);
    and_shown(clause, Some(reader));
    clause.push(")");
}

/// A study is found by a series of it, of which something is shown.
fn with_series(clause: &mut Clause, reach: &Reach, filter: &SeriesFilter) {
    match reach.blind_reader() {
        None => clause.and("exists (select 1 from series where series.study_id = study.id"),
        Some(reader) => {
            clause.and(
                "exists (select 1 from series join instance on instance.series_id = series.id \
                 where series.study_id = study.id",
            );
            and_shown(clause, Some(reader));
        }
    }
    series(clause, filter);
    clause.push(")");
}

/// Adds what a series must be, its study apart.
pub(super) fn series(clause: &mut Clause, filter: &SeriesFilter) {
    if !filter.series_instance_uids.is_empty() {
        clause.any_of("series.series_instance_uid", &filter.series_instance_uids);
    }
    if !filter.modalities.is_empty() {
        any_of(clause, "series.modality", &filter.modalities);
    }
    if let Some(number) = filter.series_number {
        clause.equal("series.series_number", Arg::Int(number));
    }
    let texts = [
        (
            &filter.series_description,
            "series.series_description",
            "lower(series.series_description)",
        ),
        (
            &filter.body_part_examined,
            "series.body_part_examined",
            "lower(series.body_part_examined)",
        ),
        (
            &filter.laterality,
            "series.laterality",
            "lower(series.laterality)",
        ),
        (
            &filter.protocol_name,
            "series.protocol_name",
            "lower(series.protocol_name)",
        ),
        (
            &filter.manufacturer,
            "series.manufacturer",
            "lower(series.manufacturer)",
        ),
        (
            &filter.station_name,
            "series.station_name",
            "lower(series.station_name)",
        ),
    ];
    for (asked, column, lowered) in texts {
        text(clause, column, lowered, asked.as_ref());
    }
    dates(clause, "series.series_date", filter.series_date.as_ref());
    times(
        clause,
        digits_of!("series.series_time"),
        filter.series_time.as_ref(),
    );
    dates(
        clause,
        "series.performed_procedure_step_start_date",
        filter.performed_procedure_step_start_date.as_ref(),
    );
    times(
        clause,
        digits_of!("series.performed_procedure_step_start_time"),
        filter.performed_procedure_step_start_time.as_ref(),
    );
    for (name, id) in [
        (
            "scheduled_procedure_step_id",
            &filter.scheduled_procedure_step_id,
        ),
        ("requested_procedure_id", &filter.requested_procedure_id),
    ] {
        requested_by(clause, name, id.as_deref());
    }
}

/// Looks for a member of the items as the column writes them, with its quotes: a text inside a value has those escaped.
fn requested_by(clause: &mut Clause, name: &str, id: Option<&str>) {
    let Some(id) = id else { return };
    let member = format!("\"{name}\":{}", serde_json::Value::from(id));
    clause.and("series.request_attributes like ");
    let escaped = member
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    clause.arg(Arg::Text(format!("%{escaped}%")));
    clause.push(" escape '\\'");
}

/// Adds what an instance must be, its series and study apart.
pub(super) fn instance(clause: &mut Clause, filter: &InstanceFilter) {
    for (column, values) in [
        ("instance.sop_instance_uid", &filter.sop_instance_uids),
        ("instance.sop_class_uid", &filter.sop_class_uids),
        ("instance.transfer_syntax_uid", &filter.transfer_syntax_uids),
    ] {
        if !values.is_empty() {
            clause.any_of(column, values);
        }
    }
    if !filter.modalities.is_empty() {
        any_of(clause, "series.modality", &filter.modalities);
    }
    for (column, number) in [
        ("instance.instance_number", filter.instance_number),
        ("instance.row_count", filter.row_count),
        ("instance.column_count", filter.column_count),
        ("instance.number_of_frames", filter.number_of_frames),
        ("instance.bits_allocated", filter.bits_allocated),
    ] {
        if let Some(number) = number {
            clause.equal(column, Arg::Int(number));
        }
    }
}
