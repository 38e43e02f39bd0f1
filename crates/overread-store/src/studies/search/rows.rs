//! What a search asks and what it answers.

use std::ops::Range;

use overread_model::imaging::RequestAttributes;

use crate::limits;
use crate::quick::quick_row;
use crate::studies::sql::{Arg, Clause};

/// How a text must match. Patterns are DICOM's: `*` is any run of characters, `?` is one (PS3.4 C.2.2.2.4).
///
/// It may be a patient's name; its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct TextMatch(pub String);

impl std::fmt::Debug for TextMatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TextMatch(hidden)")
    }
}

/// Days from..=to as `YYYYMMDD`; an end left out is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DateRange {
    /// First day.
    pub from: Option<String>,
    /// Last day.
    pub to: Option<String>,
}

impl DateRange {
    /// Makes a range; `None` where an end is no `YYYYMMDD`, or can be a day of no month, or the last day comes before the first:
    /// that nothing was found would then be taken for an answer. Ends that some months lack (`31`) and unknown parts (`00`) pass.
    pub fn of(from: Option<&str>, to: Option<&str>) -> Option<Self> {
        let is_day = |day: &str| {
            let part = |at: Range<usize>| day.get(at).and_then(|text| text.parse::<u8>().ok());
            day.len() == 8
                && day.bytes().all(|byte| byte.is_ascii_digit())
                && part(4..6).is_some_and(|month| month <= 12)
                && part(6..8).is_some_and(|day| day <= 31)
        };
        let is_possible = from.is_none_or(is_day) && to.is_none_or(is_day);
        let is_in_order = from.zip(to).is_none_or(|(from, to)| from <= to);
        (is_possible && is_in_order).then(|| Self {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        })
    }

    /// Says whether it is more than one day.
    pub(crate) fn is_of_days(&self) -> bool {
        self.from != self.to
    }
}

/// Times from..=to as `HHMMSS` and a fraction, cut anywhere; an end left out is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The earliest.
    pub from: Option<String>,
    /// The latest: all of what is not said counts, so that `10` ends with `105959.999999`.
    pub to: Option<String>,
}

/// What a study must be; an empty filter matches every study in reach.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StudyFilter {
    /// (0010,0010): folded on both sides.
    pub patient_name: Option<TextMatch>,
    /// (0010,0010): each must begin a word of the name, in any order; folded on both sides.
    pub patient_name_words: Vec<TextMatch>,
    /// (0010,0020).
    pub patient_id: Option<TextMatch>,
    /// (0010,0021).
    pub issuer_of_patient_id: Option<TextMatch>,
    /// (0010,0030).
    pub patient_birth_date: Option<DateRange>,
    /// (0010,0040).
    pub patient_sex: Option<TextMatch>,
    /// (0008,0050).
    pub accession_number: Option<TextMatch>,
    /// (0020,000D), any of; an empty list asks nothing.
    pub study_instance_uids: Vec<String>,
    /// (0008,0020).
    pub study_date: Option<DateRange>,
    /// (0008,0030). A range of it and a range of days are one range of instants (PS3.4 C.2.2.2.5).
    pub study_time: Option<TimeRange>,
    /// (0008,0061), any of; wildcards count.
    pub modalities_in_study: Vec<String>,
    /// (0008,1030).
    pub study_description: Option<TextMatch>,
    /// (0008,0090): folded on both sides.
    pub referring_physician_name: Option<TextMatch>,
    /// (0008,0090): each must begin a word of the name, in any order.
    pub referring_physician_words: Vec<TextMatch>,
    /// (0008,0080).
    pub institution_name: Option<TextMatch>,
    /// (0020,0010).
    pub dicom_study_id: Option<TextMatch>,
    /// A series of it must be this.
    pub with_series: Option<Box<SeriesFilter>>,
}

impl std::fmt::Debug for StudyFilter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StudyFilter")
            .field("study_instance_uids", &self.study_instance_uids)
            .field("study_date", &self.study_date)
            .field("modalities_in_study", &self.modalities_in_study)
            .finish_non_exhaustive()
    }
}

impl StudyFilter {
    /// Says whether it leaves a large part of an archive.
    pub(super) fn is_broad(&self) -> bool {
        let of_many = Self {
            modalities_in_study: self.modalities_in_study.clone(),
            patient_sex: self.patient_sex.clone(),
            ..Self::default()
        };
        *self == of_many
    }
}

/// What a series must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesFilter {
    /// (0020,000D).
    pub study_instance_uid: Option<String>,
    /// (0020,000E), any of; an empty list asks nothing.
    pub series_instance_uids: Vec<String>,
    /// (0008,0060), any of; wildcards count.
    pub modalities: Vec<String>,
    /// (0020,0011).
    pub series_number: Option<i64>,
    /// (0008,103E).
    pub series_description: Option<TextMatch>,
    /// (0008,0021).
    pub series_date: Option<DateRange>,
    /// (0008,0031).
    pub series_time: Option<TimeRange>,
    /// (0018,0015).
    pub body_part_examined: Option<TextMatch>,
    /// (0020,0060).
    pub laterality: Option<TextMatch>,
    /// (0018,1030).
    pub protocol_name: Option<TextMatch>,
    /// (0008,0070).
    pub manufacturer: Option<TextMatch>,
    /// (0008,1010).
    pub station_name: Option<TextMatch>,
    /// (0040,0244).
    pub performed_procedure_step_start_date: Option<DateRange>,
    /// (0040,0245).
    pub performed_procedure_step_start_time: Option<TimeRange>,
    /// (0040,0009) in (0040,0275), as a whole.
    pub scheduled_procedure_step_id: Option<String>,
    /// (0040,1001) in (0040,0275), as a whole.
    pub requested_procedure_id: Option<String>,
    /// What its study must be.
    pub study: StudyFilter,
}

impl SeriesFilter {
    /// Says whether it leaves a large part of an archive.
    pub(super) fn is_broad(&self) -> bool {
        let of_many = Self {
            modalities: self.modalities.clone(),
            study: self.study.clone(),
            ..Self::default()
        };
        *self == of_many && self.study.is_broad()
    }
}

/// What an instance must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    /// (0020,000D).
    pub study_instance_uid: Option<String>,
    /// (0020,000E).
    pub series_instance_uid: Option<String>,
    /// (0008,0018), any of; an empty list asks nothing.
    pub sop_instance_uids: Vec<String>,
    /// (0008,0016), any of.
    pub sop_class_uids: Vec<String>,
    /// (0020,0013).
    pub instance_number: Option<i64>,
    /// (0008,0060), any of.
    pub modalities: Vec<String>,
    /// (0008,3002), any of.
    pub transfer_syntax_uids: Vec<String>,
    /// (0028,0010).
    pub row_count: Option<i64>,
    /// (0028,0011).
    pub column_count: Option<i64>,
    /// (0028,0008).
    pub number_of_frames: Option<i64>,
    /// (0028,0100).
    pub bits_allocated: Option<i64>,
    /// What its series and study must be.
    pub series: SeriesFilter,
}

/// Which part of the answer; `limit` is cut to [`limits::SEARCH_ROWS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Rows at most.
    pub limit: u32,
    /// Rows to leave out first.
    pub offset: u32,
    /// Studies only: the place of the last row of the page before (fast at any depth).
    pub after: Option<StudyPlace>,
}

/// Where a study stands among all, the newest first. Patient data stand in none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyPlace {
    study_date: String,
    study_time: Option<String>,
    study_instance_uid: String,
}

impl StudyPlace {
    /// Adds the condition that a study stands behind this place.
    pub(super) fn push(&self, clause: &mut Clause) {
        let date = || Arg::Text(self.study_date.clone());
        clause.and("study.study_date <= ");
        clause.arg(date());
        clause.and("(study.study_date < ");
        clause.arg(date());
        let uid = |clause: &mut Clause| {
            clause.push(" and study.study_instance_uid > ");
            clause.arg(Arg::Text(self.study_instance_uid.clone()));
        };
        match &self.study_time {
            Some(time) => {
                clause.push(" or study.study_time < ");
                clause.arg(Arg::Text(time.clone()));
                clause.push(" or study.study_time is null or study.study_time = ");
                clause.arg(Arg::Text(time.clone()));
                uid(clause);
            }
            None => {
                clause.push(" or study.study_time is null");
                uid(clause);
            }
        }
        clause.push(")");
    }
}

impl Default for Page {
    fn default() -> Self {
        Self {
            limit: limits::SEARCH_ROWS,
            offset: 0,
            after: None,
        }
    }
}

/// One study, as a search answers it. Patient data: never log it.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StudyRow {
    /// Our key.
    pub id: i64,
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0010,0010).
    pub patient_name: Option<String>,
    /// (0010,0020).
    pub patient_id: Option<String>,
    /// (0010,0021).
    pub issuer_of_patient_id: Option<String>,
    /// (0010,0030).
    pub patient_birth_date: Option<String>,
    /// (0010,0040).
    pub patient_sex: Option<String>,
    /// (0010,1010).
    pub patient_age: Option<String>,
    /// (0008,0020); empty when unknown.
    pub study_date: String,
    /// (0008,0030).
    pub study_time: Option<String>,
    /// (0008,0050).
    pub accession_number: Option<String>,
    /// (0020,0010).
    pub dicom_study_id: Option<String>,
    /// (0008,1030).
    pub study_description: Option<String>,
    /// (0008,0090).
    pub referring_physician_name: Option<String>,
    /// (0008,0080).
    pub institution_name: Option<String>,
    /// (0008,0201).
    pub timezone_offset_from_utc: Option<String>,
    /// (0008,0061), separated by backslashes.
    pub modalities: String,
    /// (0020,1206).
    pub series_count: i64,
    /// (0020,1208).
    pub instance_count: i64,
    /// Bytes of all instances.
    pub length_bytes: i64,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs of the last instance that came.
    pub changed_at: i64,
}

quick_row!(StudyRow {
    id,
    study_instance_uid,
    patient_name,
    patient_id,
    issuer_of_patient_id,
    patient_birth_date,
    patient_sex,
    patient_age,
    study_date,
    study_time,
    accession_number,
    dicom_study_id,
    study_description,
    referring_physician_name,
    institution_name,
    timezone_offset_from_utc,
    modalities,
    series_count,
    instance_count,
    length_bytes,
    created_at,
    changed_at,
});

impl StudyRow {
    /// Returns where the study stands among all, for [`Page::after`].
    pub fn place(&self) -> StudyPlace {
        StudyPlace {
            study_date: self.study_date.clone(),
            study_time: self.study_time.clone(),
            study_instance_uid: self.study_instance_uid.clone(),
        }
    }
}

impl std::fmt::Debug for StudyRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StudyRow")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// One series, as a search answers it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SeriesRow {
    /// Our key.
    pub id: i64,
    /// Our key of its study.
    pub study_id: i64,
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0020,000E).
    pub series_instance_uid: String,
    /// (0008,0060).
    pub modality: String,
    /// (0020,0011).
    pub series_number: Option<i64>,
    /// (0008,103E).
    pub series_description: Option<String>,
    /// (0008,0021).
    pub series_date: Option<String>,
    /// (0008,0031).
    pub series_time: Option<String>,
    /// (0018,0015).
    pub body_part_examined: Option<String>,
    /// (0020,0060).
    pub laterality: Option<String>,
    /// (0018,1030).
    pub protocol_name: Option<String>,
    /// (0008,0070).
    pub manufacturer: Option<String>,
    /// (0008,1010).
    pub station_name: Option<String>,
    /// (0008,0201) of its study.
    pub timezone_offset_from_utc: Option<String>,
    /// (0040,0244).
    pub performed_procedure_step_start_date: Option<String>,
    /// (0040,0245).
    pub performed_procedure_step_start_time: Option<String>,
    /// Of (0040,0275), as the column holds it; see [`SeriesRow::requests`].
    pub request_attributes: Option<String>,
    /// (0020,1209).
    pub instance_count: i64,
    /// Bytes of all instances.
    pub length_bytes: i64,
    /// UTC µs of the last instance that came.
    pub changed_at: i64,
}

quick_row!(SeriesRow {
    id,
    study_id,
    study_instance_uid,
    series_instance_uid,
    modality,
    series_number,
    series_description,
    series_date,
    series_time,
    body_part_examined,
    laterality,
    protocol_name,
    manufacturer,
    station_name,
    timezone_offset_from_utc,
    performed_procedure_step_start_date,
    performed_procedure_step_start_time,
    request_attributes,
    instance_count,
    length_bytes,
    changed_at,
});

impl SeriesRow {
    /// Reads the items of (0040,0275).
    pub fn requests(&self) -> Vec<RequestAttributes> {
        let column = self.request_attributes.as_deref().unwrap_or("[]");
        serde_json::from_str(column).unwrap_or_default()
    }
}

/// One instance, as a search answers it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct InstanceRow {
    /// Our key.
    pub id: i64,
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0020,000E).
    pub series_instance_uid: String,
    /// (0008,0018).
    pub sop_instance_uid: String,
    /// (0008,0016).
    pub sop_class_uid: String,
    /// (0002,0010).
    pub transfer_syntax_uid: String,
    /// (0008,0060).
    pub modality: String,
    /// (0020,0013).
    pub instance_number: Option<i64>,
    /// (0028,0010).
    pub row_count: Option<i64>,
    /// (0028,0011).
    pub column_count: Option<i64>,
    /// (0028,0008).
    pub number_of_frames: i64,
    /// (0028,0100).
    pub bits_allocated: Option<i64>,
    /// (0008,0201) of its study.
    pub timezone_offset_from_utc: Option<String>,
    /// Bytes of the file as received.
    pub length_bytes: i64,
}

quick_row!(InstanceRow {
    id,
    study_instance_uid,
    series_instance_uid,
    sop_instance_uid,
    sop_class_uid,
    transfer_syntax_uid,
    modality,
    instance_number,
    row_count,
    column_count,
    number_of_frames,
    bits_allocated,
    timezone_offset_from_utc,
    length_bytes,
});
