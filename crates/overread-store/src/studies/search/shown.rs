//! Counts for somebody from whom reports among the images are hidden: only what is shown counts.

use std::collections::HashMap;

use overread_model::imaging::NO_IMAGES;

use super::{SeriesRow, StudyRow};
use crate::access::{NO_REPORT, and_shown};
use crate::error::StoreResult;
use crate::studies::sql::{Arg, Clause};
use crate::{Tx, limits};

/// What of a study is shown.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) modalities: String,
    pub(crate) series_count: i64,
    pub(crate) instance_count: i64,
    length_bytes: i64,
}

/// Counts what of these studies is shown to a reader, or to one who has locked nothing; a study of reports alone is missing in
/// the answer.
pub(crate) async fn of_studies(
    tx: &mut Tx,
    ids: &[i64],
    reader: Option<&str>,
) -> StoreResult<HashMap<i64, Shown>> {
    let mut shown: HashMap<i64, Shown> = HashMap::new();
    for chunk in ids.chunks(limits::FILTER_VALUES) {
        let mut clause = Clause::new(
            "select series.study_id, series.modality, count(distinct series.id), count(*), \
             cast(sum(instance.length_bytes) as bigint) from series join instance on instance.series_id = series.id",
        );
        and_shown(&mut clause, reader);
        among(&mut clause, "series.study_id", chunk.iter().copied());
        clause.push(" group by series.study_id, series.modality order by series.modality");
        let counts: Vec<(i64, String, i64, i64, i64)> = clause.rows(tx).await?;
        for (id, modality, series, instances, bytes) in counts {
            let study = shown.entry(id).or_default();
            if !study.modalities.is_empty() {
                study.modalities.push('\\');
            }
            study.modalities.push_str(&modality);
            study.series_count += series;
            study.instance_count += instances;
            study.length_bytes += bytes;
        }
    }
    Ok(shown)
}

/// Among which instances is counted.
#[derive(Clone, Copy)]
pub(crate) enum Among {
    /// All.
    All,
    /// Those that are no report.
    NoReports,
}

/// Counts the instances of these studies that are no images; a study without such is missing in the answer.
pub(crate) async fn others_of(
    tx: &mut Tx,
    ids: &[i64],
    counted: Among,
) -> StoreResult<HashMap<i64, i64>> {
    let mut others = HashMap::new();
    for chunk in ids.chunks(limits::FILTER_VALUES) {
        let mut clause = Clause::new(
            "select series.study_id, count(*) from series join instance on instance.series_id = series.id",
        );
        clause.and("(instance.row_count is null or series.modality in (");
        clause.list(&NO_IMAGES.map(str::to_owned));
        clause.push(")");
        if matches!(counted, Among::All) {
            // A report that stands in a series of images is none of them.
            clause.push(" or not (");
            clause.push(NO_REPORT);
            clause.push(")");
        }
        clause.push(")");
        if matches!(counted, Among::NoReports) {
            and_shown(&mut clause, None);
        }
        among(&mut clause, "series.study_id", chunk.iter().copied());
        clause.push(" group by series.study_id");
        let counts: Vec<(i64, i64)> = clause.rows(tx).await?;
        others.extend(counts);
    }
    Ok(others)
}

/// Counts series, instances, bytes and modalities of studies anew.
pub(super) async fn count_studies(
    tx: &mut Tx,
    rows: &mut [StudyRow],
    reader: &str,
) -> StoreResult<()> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut shown = of_studies(tx, &ids, Some(reader)).await?;
    for row in rows {
        let study = shown.remove(&row.id).unwrap_or_default();
        row.modalities = study.modalities;
        row.series_count = study.series_count;
        row.instance_count = study.instance_count;
        row.length_bytes = study.length_bytes;
    }
    Ok(())
}

/// Counts instances and bytes of series anew.
pub(super) async fn count_series(
    tx: &mut Tx,
    rows: &mut [SeriesRow],
    reader: &str,
) -> StoreResult<()> {
    for chunk in rows.chunks_mut(limits::FILTER_VALUES) {
        let mut clause = Clause::new(
            "select series.id, count(*), cast(sum(instance.length_bytes) as bigint) \
             from series join instance on instance.series_id = series.id",
        );
        and_shown(&mut clause, Some(reader));
        among(&mut clause, "series.id", chunk.iter().map(|row| row.id));
        clause.push(" group by series.id");
        let counts: Vec<(i64, i64, i64)> = clause.rows(tx).await?;
        let mut shown: HashMap<i64, [i64; 2]> = counts
            .into_iter()
            .map(|(id, instances, bytes)| (id, [instances, bytes]))
            .collect();
        for row in chunk {
            [row.instance_count, row.length_bytes] = shown.remove(&row.id).unwrap_or_default();
        }
    }
    Ok(())
}

fn among(clause: &mut Clause, column: &'static str, ids: impl Iterator<Item = i64>) {
    clause.and(column);
    clause.push(" in (");
    for (index, id) in ids.enumerate() {
        if index > 0 {
            clause.push(", ");
        }
        clause.arg(Arg::Int(id));
    }
    clause.push(")");
}
