//! Counts for somebody from whom reports among the images are hidden: only what is shown counts.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::{SeriesRow, StudyRow};
use crate::access::NO_REPORT;
use crate::error::StoreResult;
use crate::studies::sql::{Arg, Clause, bind};
use crate::{Tx, limits};

/// Counts series, instances, bytes and modalities of studies anew.
pub(super) async fn count_studies(tx: &mut Tx, rows: &mut [StudyRow]) -> StoreResult<()> {
    for chunk in rows.chunks_mut(limits::FILTER_VALUES) {
        let mut clause = Clause::new(
            "select series.study_id, series.modality, count(distinct series.id), count(*), \
             cast(sum(instance.length_bytes) as bigint) from series join instance on instance.series_id = series.id",
        );
        clause.and(NO_REPORT);
        among(
            &mut clause,
            "series.study_id",
            chunk.iter().map(|row| row.id),
        );
        clause.push(" group by series.study_id, series.modality order by series.modality");
        let counts: Vec<(i64, String, i64, i64, i64)> = on!(&mut *tx, c => bind!(
                sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_all(&mut *c).await?);
        let mut shown: HashMap<i64, (Vec<String>, [i64; 3])> = HashMap::new();
        for (id, modality, series, instances, bytes) in counts {
            let (modalities, sums) = shown.entry(id).or_default();
            modalities.push(modality);
            for (sum, more) in sums.iter_mut().zip([series, instances, bytes]) {
                *sum += more;
            }
        }
        for row in chunk {
            let (modalities, sums) = shown.remove(&row.id).unwrap_or_default();
            row.modalities = modalities.join("\\");
            [row.series_count, row.instance_count, row.length_bytes] = sums;
        }
    }
    Ok(())
}

/// Counts instances and bytes of series anew.
pub(super) async fn count_series(tx: &mut Tx, rows: &mut [SeriesRow]) -> StoreResult<()> {
    for chunk in rows.chunks_mut(limits::FILTER_VALUES) {
        let mut clause = Clause::new(
            "select series.id, count(*), cast(sum(instance.length_bytes) as bigint) \
             from series join instance on instance.series_id = series.id",
        );
        clause.and(NO_REPORT);
        among(&mut clause, "series.id", chunk.iter().map(|row| row.id));
        clause.push(" group by series.id");
        let counts: Vec<(i64, i64, i64)> = on!(&mut *tx, c => bind!(
                sqlx::query_as(AssertSqlSafe(clause.sql.clone())), clause.args).fetch_all(&mut *c).await?);
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
