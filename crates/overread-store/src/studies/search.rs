//! Searches studies, series and instances, as QIDO-RS asks, within a reach.

mod rows;
pub(crate) mod shown;

use sqlx::AssertSqlSafe;

use super::sql::{Arg, Clause, bind};
use crate::access::{Level, Reach, and_shown, restrict};
use crate::error::StoreResult;
use crate::fold::fold;
use crate::{Tx, limits};

pub use rows::{
    DateRange, InstanceFilter, InstanceRow, Page, SeriesFilter, SeriesRow, StudyFilter, StudyRow,
    TextMatch,
};

const STUDY_COLUMNS: &str = "select study.id, study.study_instance_uid, study.patient_name, study.patient_id, \
    study.issuer_of_patient_id, study.patient_birth_date, study.patient_sex, study.patient_age, study.study_date, \
    study.study_time, study.accession_number, study.dicom_study_id, study.study_description, \
    study.referring_physician_name, study.institution_name, study.modalities, study.series_count, \
    study.instance_count, study.length_bytes, study.created_at, study.changed_at from study";

const SERIES_COLUMNS: &str = "select series.id, series.study_id, study.study_instance_uid, series.series_instance_uid, \
    series.modality, series.series_number, series.series_description, series.series_date, series.series_time, \
    series.body_part_examined, series.laterality, series.protocol_name, series.manufacturer, series.instance_count, \
    series.length_bytes, series.changed_at from series join study on study.id = series.study_id";

const INSTANCE_COLUMNS: &str = "select instance.id, study.study_instance_uid, series.series_instance_uid, \
    instance.sop_instance_uid, instance.sop_class_uid, instance.transfer_syntax_uid, series.modality, \
    instance.instance_number, instance.row_count, instance.column_count, instance.number_of_frames, \
    instance.bits_allocated, instance.length_bytes from instance join series on series.id = instance.series_id \
    join study on study.id = series.study_id";

/// Says what a pattern asks.
enum Pattern {
    /// `*` or nothing: no question.
    Anything,
    /// No wildcard.
    Exact(String),
    /// Only a `*` at the end: a range of the index.
    Prefix(String),
    /// Anything else, for `like`.
    Like(String),
}

fn pattern(text: &str) -> Pattern {
    if text.chars().all(|character| character == '*') {
        return Pattern::Anything;
    }
    let body = text.trim_end_matches('*');
    if !body.contains(['*', '?']) {
        let body = body.to_owned();
        return if body.len() == text.len() {
            Pattern::Exact(body)
        } else {
            Pattern::Prefix(body)
        };
    }
    let mut like = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        match character {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '\\' => like.extend(['\\', character]),
            other => like.push(other),
        }
    }
    Pattern::Like(like)
}

/// The smallest text that is greater than every text with this prefix.
fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

fn matches(clause: &mut Clause, column: &'static str, lowered: &'static str, text: &TextMatch) {
    match pattern(&text.0) {
        Pattern::Anything => {}
        Pattern::Exact(value) => clause.equal(column, Arg::Text(value)),
        Pattern::Prefix(prefix) => {
            clause.and(column);
            clause.push(" >= ");
            clause.arg(Arg::Text(prefix.clone()));
            clause.and(column);
            clause.push(" < ");
            clause.arg(Arg::Text(after_prefix(&prefix)));
        }
        Pattern::Like(like) => {
            clause.and(lowered);
            clause.push(" like ");
            clause.arg(Arg::Text(like.to_lowercase()));
            clause.push(" escape '\\'");
        }
    }
}

/// Folds a name pattern, keeping its wildcards.
fn folded(text: &TextMatch) -> TextMatch {
    let open_start = text.0.starts_with('*');
    let folded = fold(&text.0);
    // "Doe^*" means every given name of Doe; the folded row ends without the separator when there is none.
    let folded = folded.replace(" *", "*");
    TextMatch(if open_start && !folded.starts_with('*') {
        format!("*{folded}")
    } else {
        folded
    })
}

fn study_conditions(clause: &mut Clause, reach: &Reach, filter: &StudyFilter) {
    if let Some(name) = &filter.patient_name {
        matches(
            clause,
            "study.patient_name_folded",
            "study.patient_name_folded",
            &folded(name),
        );
    }
    let texts = [
        (
            &filter.patient_id,
            "study.patient_id",
            "lower(study.patient_id)",
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
            &filter.referring_physician_name,
            "study.referring_physician_name",
            "lower(study.referring_physician_name)",
        ),
        (
            &filter.dicom_study_id,
            "study.dicom_study_id",
            "lower(study.dicom_study_id)",
        ),
    ];
    for (text, column, lowered) in texts {
        if let Some(text) = text {
            matches(clause, column, lowered, text);
        }
    }
    if let Some(date) = &filter.patient_birth_date {
        clause.equal("study.patient_birth_date", Arg::Text(date.clone()));
    }
    if !filter.study_instance_uids.is_empty() {
        clause.any_of("study.study_instance_uid", &filter.study_instance_uids);
    }
    dates(clause, filter.study_date.as_ref());
    if filter.modalities_in_study.is_empty() {
        return;
    }
    match reach.blind_reader() {
        Some(reader) => shown_modalities(clause, filter, reader),
        None => modalities(clause, filter),
    }
}

fn dates(clause: &mut Clause, range: Option<&DateRange>) {
    let Some(range) = range else { return };
    if let Some(from) = &range.from {
        clause.and("study.study_date >= ");
        clause.arg(Arg::Text(from.clone()));
    }
    if let Some(to) = &range.to {
        clause.and("study.study_date <= ");
        clause.arg(Arg::Text(to.clone()));
    }
    if range.from.is_none() && range.to.is_some() {
        clause.and("study.study_date <> ''");
    }
}

/// Modality and date together are one range of the index `study_modality`.
fn modalities(clause: &mut Clause, filter: &StudyFilter) {
    clause.and("study.id in (select study_id from study_modality where modality in (");
    clause.list(&filter.modalities_in_study);
    clause.push(")");
    if let Some(range) = &filter.study_date {
        if let Some(from) = &range.from {
            clause.push(" and study_date >= ");
            clause.arg(Arg::Text(from.clone()));
        }
        if let Some(to) = &range.to {
            clause.push(" and study_date <= ");
            clause.arg(Arg::Text(to.clone()));
        }
    }
    clause.push(")");
}

/// As [`modalities`], for somebody who must not learn of a report by asking for its modality.
fn shown_modalities(clause: &mut Clause, filter: &StudyFilter, reader: &str) {
    clause.and(
        "study.id in (select series.study_id from series join instance on instance.series_id = series.id \
         where series.modality in (",
    );
    clause.list(&filter.modalities_in_study);
    clause.push(")");
    and_shown(clause, Some(reader));
    clause.push(")");
}

fn paged(clause: &mut Clause, page: &Page) {
    clause.push(" limit ");
    clause.arg(Arg::Int(i64::from(page.limit.min(limits::SEARCH_ROWS))));
    clause.push(" offset ");
    clause.arg(Arg::Int(i64::from(page.offset)));
}

/// Finds studies, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn search_studies(
    tx: &mut Tx,
    reach: &Reach,
    filter: &StudyFilter,
    page: &Page,
) -> StoreResult<Vec<StudyRow>> {
    let mut clause = Clause::new(STUDY_COLUMNS);
    restrict(&mut clause, reach, Level::Study);
    study_conditions(&mut clause, reach, filter);
    if let Some((date, id)) = &page.after {
        clause.and("(study.study_date, study.id) < (");
        clause.arg(Arg::Text(date.clone()));
        clause.push(", ");
        clause.arg(Arg::Int(*id));
        clause.push(")");
    }
    clause.push(" order by study.study_date desc, study.id desc");
    paged(&mut clause, page);
    let mut rows: Vec<StudyRow> = on!(&mut *tx, c => bind!(
            sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_all(&mut *c).await?);
    if let Some(reader) = reach.blind_reader() {
        shown::count_studies(tx, &mut rows, reader).await?;
    }
    Ok(rows)
}

/// Counts the studies that a filter matches within a reach.
///
/// # Errors
/// When the database fails.
pub async fn count_studies(tx: &mut Tx, reach: &Reach, filter: &StudyFilter) -> StoreResult<u64> {
    let mut clause = Clause::new("select count(*) from study");
    restrict(&mut clause, reach, Level::Study);
    study_conditions(&mut clause, reach, filter);
    let (count,): (i64,) = on!(tx, c => bind!(
            sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_one(&mut *c).await?);
    Ok(count.unsigned_abs())
}

/// Finds series, by study and number.
///
/// # Errors
/// When the database fails.
pub async fn search_series(
    tx: &mut Tx,
    reach: &Reach,
    filter: &SeriesFilter,
    page: &Page,
) -> StoreResult<Vec<SeriesRow>> {
    let mut clause = Clause::new(SERIES_COLUMNS);
    restrict(&mut clause, reach, Level::Series);
    if let Some(uid) = &filter.study_instance_uid {
        clause.equal("study.study_instance_uid", Arg::Text(uid.clone()));
    }
    if !filter.series_instance_uids.is_empty() {
        clause.any_of("series.series_instance_uid", &filter.series_instance_uids);
    }
    if !filter.modalities.is_empty() {
        clause.any_of("series.modality", &filter.modalities);
    }
    if let Some(number) = filter.series_number {
        clause.equal("series.series_number", Arg::Int(number));
    }
    if let Some(text) = &filter.series_description {
        matches(
            &mut clause,
            "series.series_description",
            "lower(series.series_description)",
            text,
        );
    }
    if let Some(text) = &filter.body_part_examined {
        matches(
            &mut clause,
            "series.body_part_examined",
            "lower(series.body_part_examined)",
            text,
        );
    }
    clause.push(
        " order by series.study_id, series.series_number is null, series.series_number, series.id",
    );
    paged(&mut clause, page);
    let mut rows: Vec<SeriesRow> = on!(&mut *tx, c => bind!(
            sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_all(&mut *c).await?);
    if let Some(reader) = reach.blind_reader() {
        shown::count_series(tx, &mut rows, reader).await?;
    }
    Ok(rows)
}

/// Finds instances, by series and number.
///
/// # Errors
/// When the database fails.
pub async fn search_instances(
    tx: &mut Tx,
    reach: &Reach,
    filter: &InstanceFilter,
    page: &Page,
) -> StoreResult<Vec<InstanceRow>> {
    let mut clause = Clause::new(INSTANCE_COLUMNS);
    restrict(&mut clause, reach, Level::Instance);
    if let Some(uid) = &filter.study_instance_uid {
        clause.equal("study.study_instance_uid", Arg::Text(uid.clone()));
    }
    if let Some(uid) = &filter.series_instance_uid {
        clause.equal("series.series_instance_uid", Arg::Text(uid.clone()));
    }
    if !filter.sop_instance_uids.is_empty() {
        clause.any_of("instance.sop_instance_uid", &filter.sop_instance_uids);
    }
    if !filter.sop_class_uids.is_empty() {
        clause.any_of("instance.sop_class_uid", &filter.sop_class_uids);
    }
    if let Some(number) = filter.instance_number {
        clause.equal("instance.instance_number", Arg::Int(number));
    }
    if !filter.modalities.is_empty() {
        clause.any_of("series.modality", &filter.modalities);
    }
    clause.push(
        " order by series.series_number is null, series.series_number, series.id, \
         instance.instance_number is null, instance.instance_number, instance.id",
    );
    paged(&mut clause, page);
    Ok(
        on!(tx, c => bind!(sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_all(&mut *c).await?),
    )
}
