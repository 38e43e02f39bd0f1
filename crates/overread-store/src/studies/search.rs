//! Searches studies, series and instances, as QIDO-RS asks, within a reach.
//!
//! A page is found in two steps: its keys by an index alone, then its rows.

mod conditions;
mod pages;
mod rows;
pub(crate) mod shown;
mod text;

use super::sql::{Arg, Clause, number};
use crate::Tx;
use crate::access::{Granted, Level, Reach, Through, Ties, granted, restrict_through};
use crate::error::StoreResult;

pub use pages::Found;
pub use rows::{
    DateRange, InstanceFilter, InstanceRow, Page, SeriesFilter, SeriesRow, StudyFilter, StudyPlace,
    StudyRow, TextMatch, TimeRange,
};

use pages::Window;
use text::NameQuestion;

const STUDY_COLUMNS: &str = "select study.id, study.study_instance_uid, study.patient_name, study.patient_id, \
    study.issuer_of_patient_id, study.patient_birth_date, study.patient_sex, study.patient_age, study.study_date, \
    study.study_time, study.accession_number, study.dicom_study_id, study.study_description, \
    study.referring_physician_name, study.institution_name, study.timezone_offset_from_utc, study.modalities, \
    study.series_count, study.instance_count, study.length_bytes, study.created_at, study.changed_at from study \
    where study.id in (";
/// The studies of the archive are counted as they come and go, since counting them takes as long as there are many.
const ALL_STUDIES: &str = "select studies - (select count(*) from study where id in \
    (select study_id from deletion where ended_at is null)) from study_tally";
const NEWEST_FIRST: &str =
    " order by study.study_date desc, study.study_time desc nulls last, study.study_instance_uid";
const OLDEST_FIRST: &str =
    " order by study.study_date, study.study_time nulls first, study.study_instance_uid desc";

/// As [`NEWEST_FIRST`], of what several cases hold.
const NEWEST_TIES_FIRST: &str = " order by 1 desc, 2 desc nulls last, 3";
const OLDEST_TIES_FIRST: &str = " order by 1, 2 nulls first, 3 desc";

const SERIES_COLUMNS: &str = "select series.id, series.study_id, study.study_instance_uid, series.series_instance_uid, \
    series.modality, series.series_number, series.series_description, series.series_date, series.series_time, \
    series.body_part_examined, series.laterality, series.protocol_name, series.manufacturer, series.station_name, \
    study.timezone_offset_from_utc, series.performed_procedure_step_start_date, \
    series.performed_procedure_step_start_time, series.request_attributes, series.instance_count, \
    series.length_bytes, series.changed_at";
const OF_SERIES: &str = " from series join study on study.id = series.study_id";
const BY_SERIES: &str = " order by study.study_instance_uid, series.series_number is null, series.series_number, \
    series.series_instance_uid";

const INSTANCE_COLUMNS: &str = "select instance.id, study.study_instance_uid, series.series_instance_uid, \
    instance.sop_instance_uid, instance.sop_class_uid, instance.transfer_syntax_uid, series.modality, \
    instance.instance_number, instance.row_count, instance.column_count, instance.number_of_frames, \
    instance.bits_allocated, study.timezone_offset_from_utc, instance.length_bytes";
const OF_INSTANCES: &str = " from instance join series on series.id = instance.series_id \
    join study on study.id = series.study_id";
const BY_INSTANCE: &str =
    ", instance.instance_number is null, instance.instance_number, instance.sop_instance_uid";

/// Finds studies, the newest first; by a UID a quick question, for who is not blind to reports.
///
/// # Errors
/// When the database fails.
pub async fn search_studies(
    tx: &mut Tx,
    reach: &Reach,
    filter: &StudyFilter,
    page: &Page,
) -> StoreResult<Vec<StudyRow>> {
    let through = way(filter.is_broad());
    studies_in(tx, (reach, through), filter, (Window::of(page), page)).await
}

/// Finds a page of studies, the newest first, and counts those behind it.
///
/// # Errors
/// When the database fails.
pub async fn page_of_studies(
    tx: &mut Tx,
    reach: &Reach,
    filter: &StudyFilter,
    page: &Page,
) -> StoreResult<Found<StudyRow>> {
    let mut window = Window::of(page);
    let granted = if *filter == StudyFilter::default() {
        granted(tx, reach).await?
    } else {
        None
    };
    let total = match &granted {
        None if page.is_deep() => Some(count_studies(tx, reach, filter).await?),
        granted => granted.as_ref().map(|granted| granted.count),
    };
    if let Some(count) = total {
        let Some(nearer) = window.nearer(count) else {
            return Ok(Found {
                rows: Vec::new(),
                remaining: 0,
            });
        };
        window = nearer;
    }
    let rows = match granted {
        Some(Granted {
            ties: Some(ties), ..
        }) if page.after.is_none() => studies_of(tx, &ties, window).await?,
        granted => {
            let through = match granted {
                Some(Granted { count, .. })
                    if window
                        .is_soon_filled(count, number(tx, Clause::new(ALL_STUDIES)).await?) =>
                {
                    Through::Ordered
                }
                _ => way(filter.is_broad()),
            };
            studies_in(tx, (reach, through), filter, (window, page)).await?
        }
    };
    let total = match total {
        Some(total) => total,
        None if page.is_full(rows.len()) => count_studies(tx, reach, filter).await?,
        None => 0,
    };
    let remaining = page.behind(rows.len(), total);
    Ok(Found { rows, remaining })
}

/// Returns the studies of these ties in a window.
async fn studies_of(tx: &mut Tx, ties: &Ties, window: Window) -> StoreResult<Vec<StudyRow>> {
    let mut clause = ties.merged();
    clause.push(if window.is_backward {
        OLDEST_TIES_FIRST
    } else {
        NEWEST_TIES_FIRST
    });
    window.push(&mut clause);
    clause.sql = format!(
        "{STUDY_COLUMNS}select study_id from ({}) ties){NEWEST_FIRST}",
        clause.sql
    );
    clause.rows(tx).await
}

async fn studies_in(
    tx: &mut Tx,
    (reach, through): (&Reach, Through),
    filter: &StudyFilter,
    (window, page): (Window, &Page),
) -> StoreResult<Vec<StudyRow>> {
    let name = name_question(filter).for_page(tx).await?;
    let mut clause = Clause::new("select study.id from study");
    restrict_through(&mut clause, reach, Level::Study, through);
    conditions::study(&mut clause, reach, filter, &name);
    if let Some(place) = &page.after {
        place.push(&mut clause);
    }
    let order = if window.is_backward {
        OLDEST_FIRST
    } else {
        NEWEST_FIRST
    };
    clause.push(order);
    window.push(&mut clause);
    clause.sql = format!("{STUDY_COLUMNS}{}){NEWEST_FIRST}", clause.sql);
    let mut rows: Vec<StudyRow> = clause.rows(tx).await?;
    if let Some(reader) = reach.blind_reader() {
        shown::count_studies(tx, &mut rows, reader).await?;
    }
    Ok(rows)
}

fn name_question(filter: &StudyFilter) -> NameQuestion {
    NameQuestion::of(filter.patient_name.as_ref(), &filter.patient_name_words)
}

/// Counts the studies that a filter matches within a reach.
///
/// # Errors
/// When the database fails.
pub async fn count_studies(tx: &mut Tx, reach: &Reach, filter: &StudyFilter) -> StoreResult<u64> {
    if *reach == Reach::Everything && *filter == StudyFilter::default() {
        return number(tx, Clause::new(ALL_STUDIES)).await;
    }
    let name = name_question(filter);
    let mut clause = Clause::new("select count(*) from study");
    restrict_through(&mut clause, reach, Level::Study, way(filter.is_broad()));
    conditions::study(&mut clause, reach, filter, &name);
    number(tx, clause).await
}

const fn way(is_broad: bool) -> Through {
    if is_broad {
        Through::Granted
    } else {
        Through::Found
    }
}

/// Finds series, by study and number; by a UID a quick question, for who is not blind to reports.
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
    clause.push(OF_SERIES);
    series_conditions(&mut clause, reach, filter);
    if *reach == Reach::Everything && *filter == SeriesFilter::default() {
        Window::of(page).of_first_studies(&mut clause);
    }
    clause.push(BY_SERIES);
    Window::of(page).push(&mut clause);
    let mut rows: Vec<SeriesRow> = clause.rows(tx).await?;
    if let Some(reader) = reach.blind_reader() {
        shown::count_series(tx, &mut rows, reader).await?;
    }
    Ok(rows)
}

/// Finds a page of series, and counts those behind it.
///
/// # Errors
/// When the database fails.
pub async fn page_of_series(
    tx: &mut Tx,
    reach: &Reach,
    filter: &SeriesFilter,
    page: &Page,
) -> StoreResult<Found<SeriesRow>> {
    let rows = search_series(tx, reach, filter, page).await?;
    let total = if page.is_full(rows.len()) {
        count_series(tx, reach, filter).await?
    } else {
        0
    };
    let remaining = page.behind(rows.len(), total);
    Ok(Found { rows, remaining })
}

/// Counts the series that a filter matches within a reach.
///
/// # Errors
/// When the database fails.
pub async fn count_series(tx: &mut Tx, reach: &Reach, filter: &SeriesFilter) -> StoreResult<u64> {
    if *reach == Reach::Everything && *filter == SeriesFilter::default() {
        return number(tx, Clause::new("select count(*) from series")).await;
    }
    let mut clause = Clause::new("select count(*)");
    clause.push(OF_SERIES);
    series_conditions(&mut clause, reach, filter);
    number(tx, clause).await
}

fn series_conditions(clause: &mut Clause, reach: &Reach, filter: &SeriesFilter) {
    restrict_through(clause, reach, Level::Series, way(filter.is_broad()));
    if let Some(uid) = &filter.study_instance_uid {
        clause.equal("study.study_instance_uid", Arg::Text(uid.clone()));
    }
    let name = name_question(&filter.study);
    conditions::study(clause, reach, &filter.study, &name);
    conditions::series(clause, filter);
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
    clause.push(OF_INSTANCES);
    instance_conditions(&mut clause, reach, filter, Level::Instance);
    if *reach == Reach::Everything && *filter == InstanceFilter::default() {
        Window::of(page).of_first_studies(&mut clause);
    }
    clause.push(BY_SERIES);
    clause.push(BY_INSTANCE);
    Window::of(page).push(&mut clause);
    clause.rows(tx).await
}

/// Finds a page of instances, and counts those behind it.
///
/// # Errors
/// When the database fails.
pub async fn page_of_instances(
    tx: &mut Tx,
    reach: &Reach,
    filter: &InstanceFilter,
    page: &Page,
) -> StoreResult<Found<InstanceRow>> {
    let rows = search_instances(tx, reach, filter, page).await?;
    let total = if page.is_full(rows.len()) {
        count_instances(tx, reach, filter).await?
    } else {
        0
    };
    let remaining = page.behind(rows.len(), total);
    Ok(Found { rows, remaining })
}

/// Counts the instances that a filter matches within a reach.
///
/// # Errors
/// When the database fails.
pub async fn count_instances(
    tx: &mut Tx,
    reach: &Reach,
    filter: &InstanceFilter,
) -> StoreResult<u64> {
    let of_series = InstanceFilter {
        study_instance_uid: filter.study_instance_uid.clone(),
        series_instance_uid: filter.series_instance_uid.clone(),
        series: filter.series.clone(),
        ..InstanceFilter::default()
    };
    // Where nothing is asked of the instances themselves, the counters of their series say it.
    let is_counted = reach.blind_reader().is_none() && *filter == of_series;
    let (what, rows, level) = if is_counted {
        let sum = "select cast(coalesce(sum(series.instance_count), 0) as bigint)";
        (sum, OF_SERIES, Level::Series)
    } else {
        ("select count(*)", OF_INSTANCES, Level::Instance)
    };
    let mut clause = Clause::new(what);
    clause.push(rows);
    instance_conditions(&mut clause, reach, filter, level);
    number(tx, clause).await
}

fn instance_conditions(clause: &mut Clause, reach: &Reach, filter: &InstanceFilter, level: Level) {
    let is_broad = filter.study_instance_uid.is_none()
        && filter.series_instance_uid.is_none()
        && filter.sop_instance_uids.is_empty()
        && filter.series.is_broad();
    restrict_through(clause, reach, level, way(is_broad));
    if let Some(uid) = &filter.study_instance_uid {
        clause.equal("study.study_instance_uid", Arg::Text(uid.clone()));
    }
    if let Some(uid) = &filter.series_instance_uid {
        clause.equal("series.series_instance_uid", Arg::Text(uid.clone()));
    }
    if let Some(uid) = &filter.series.study_instance_uid {
        clause.equal("study.study_instance_uid", Arg::Text(uid.clone()));
    }
    let study = &filter.series.study;
    let name = name_question(study);
    conditions::study(clause, reach, study, &name);
    conditions::series(clause, &filter.series);
    conditions::instance(clause, filter);
}
