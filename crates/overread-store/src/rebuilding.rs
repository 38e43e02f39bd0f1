//! Batches in the packs that the index does not know, while it is rebuilt: more than fit into memory, and kept when it is
//! interrupted.

use overread_model::extent::Extent;
use overread_model::imaging::InstanceFacts;

use crate::error::StoreResult;
use crate::fold::fold;
use crate::packs::to_extent;
use crate::script::values;
use crate::{Script, Tx, limits};

/// The part of a batch that lies in one pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Where the batch stands among all.
    pub order: i64,
    /// Names the batch.
    pub batch: i64,
    /// Its directory in the pack.
    pub directory: Extent,
    /// Where its bytes begin.
    pub begin_bytes: u64,
}

/// Notes a part.
pub fn add(script: &mut Script, part: &Part) {
    script.add(
        "insert into rebuild_part (batch_order, batch, pack_id, offset_bytes, begin_bytes, length_bytes) \
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        values![
            part.order,
            part.batch,
            part.directory.pack_id.get(),
            part.directory.offset_bytes as i64,
            part.begin_bytes as i64,
            part.directory.length_bytes as i64,
        ],
    );
}

/// Forgets every part: the packs are looked at anew.
///
/// # Errors
/// When the database fails.
pub async fn clear(tx: &mut Tx) -> StoreResult<()> {
    on!(tx, c => sqlx::query("delete from rebuild_part").execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Counts the parts that are left.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx) -> StoreResult<u64> {
    let (count,): (i64,) =
        on!(tx, c => sqlx::query_as("select count(*) from rebuild_part").fetch_one(&mut *c).await?);
    Ok(count.unsigned_abs())
}

/// Returns every part of the batch that is next.
///
/// # Errors
/// When the database fails.
pub async fn next(tx: &mut Tx) -> StoreResult<Vec<Part>> {
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = on!(tx, c => sqlx::query_as(
            "select p.batch_order, p.batch, p.pack_id, p.offset_bytes, p.begin_bytes, p.length_bytes from rebuild_part p \
             join (select batch_order, batch from rebuild_part order by batch_order, batch limit 1) f \
             on f.batch_order = p.batch_order and f.batch = p.batch order by p.pack_id, p.offset_bytes")
        .fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|(order, batch, pack_id, offset, begin_bytes, length)| {
            Ok(Part {
                order,
                batch,
                directory: to_extent(pack_id, offset, length)?,
                begin_bytes: begin_bytes.unsigned_abs(),
            })
        })
        .collect()
}

/// Forgets a batch: it is done.
///
/// # Errors
/// When the database fails.
pub async fn done(tx: &mut Tx, part: &Part) -> StoreResult<()> {
    on!(tx, c => sqlx::query("delete from rebuild_part where batch_order = $1 and batch = $2")
        .bind(part.order).bind(part.batch).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns when this database was made, UTC µs, in whole seconds.
///
/// # Errors
/// When the database fails.
pub async fn born_at(tx: &mut Tx) -> StoreResult<i64> {
    Ok(migrated_at(tx, 1).await?.unwrap_or_default())
}

/// Returns when a migration was done, UTC µs, in whole seconds.
async fn migrated_at(tx: &mut Tx, version: i64) -> StoreResult<Option<i64>> {
    let sql = match tx {
        Tx::Pg(_) => {
            "select cast(floor(extract(epoch from installed_on)) as bigint) from _sqlx_migrations where version = $1"
        }
        _ => {
            "select cast(strftime('%s', installed_on) as bigint) from _sqlx_migrations where version = $1"
        }
    };
    let row: Option<(i64,)> =
        on!(tx, c => sqlx::query_as(sql).bind(version).fetch_optional(&mut *c).await?);
    Ok(row.map(|(seconds,)| seconds.saturating_mul(1_000_000)))
}

/// A series whose row was written before searches asked for all that they ask for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Early {
    /// Its row.
    pub series_id: i64,
    /// The row of its study.
    pub study_id: i64,
    /// Where the first of its instances lies.
    pub first: Extent,
}

/// The migration that brought the columns of [`complete`].
const SEARCH: i64 = 8;

/// Lists series, behind this one, that are older than the columns of [`complete`]. Asks nothing in a database that always had
/// them.
///
/// # Errors
/// When the database fails.
pub async fn early(tx: &mut Tx, after: i64) -> StoreResult<Vec<Early>> {
    let born = born_at(tx).await?;
    let Some(since) = migrated_at(tx, SEARCH).await?.filter(|at| *at > born) else {
        return Ok(Vec::new());
    };
    let rows: Vec<(i64, i64, i64, i64, i64)> = on!(tx, c => sqlx::query_as(
            "select s.id, s.study_id, i.pack_id, i.offset_bytes, i.length_bytes from series s join instance i \
             on i.id = (select min(id) from instance where series_id = s.id) \
             where s.id > $1 and s.created_at < $2 order by s.id limit $3")
        .bind(after).bind(since).bind(limits::EARLY_SERIES).fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|(series_id, study_id, pack_id, offset, length)| {
            Ok(Early {
                series_id,
                study_id,
                first: to_extent(pack_id, offset, length)?,
            })
        })
        .collect()
}

/// Fills in what the row of a series and that of its study leave out, by what an instance of it says; says whether anything was.
///
/// # Errors
/// When the database fails.
pub async fn complete(tx: &mut Tx, early: &Early, facts: &InstanceFacts) -> StoreResult<bool> {
    let series = &facts.series;
    let requests = (!series.request_attributes.is_empty())
        .then(|| serde_json::to_string(&series.request_attributes).ok())
        .flatten();
    let filled = on!(&mut *tx, c => sqlx::query(
            "update series set station_name = coalesce(station_name, $2), \
             performed_procedure_step_start_date = coalesce(performed_procedure_step_start_date, $3), \
             performed_procedure_step_start_time = coalesce(performed_procedure_step_start_time, $4), \
             request_attributes = coalesce(request_attributes, $5) where id = $1 and \
             ((station_name is null and $2 is not null) or (performed_procedure_step_start_date is null and $3 is not null) \
             or (performed_procedure_step_start_time is null and $4 is not null) or (request_attributes is null and $5 is not null))")
        .bind(early.series_id).bind(&series.station_name).bind(&series.performed_procedure_step_start_date)
        .bind(&series.performed_procedure_step_start_time).bind(&requests).execute(&mut *c).await?.rows_affected());
    let named: Option<(Option<String>,)> = on!(&mut *tx, c => sqlx::query_as(
            "select referring_physician_name from study where id = $1").bind(early.study_id).fetch_optional(&mut *c).await?);
    let folded = named.and_then(|(name,)| name).map(|name| fold(&name));
    let of_study = on!(tx, c => sqlx::query(
            "update study set timezone_offset_from_utc = coalesce(timezone_offset_from_utc, $2), \
             referring_physician_folded = coalesce(referring_physician_folded, $3) where id = $1 and \
             ((timezone_offset_from_utc is null and $2 is not null) or (referring_physician_folded is null and $3 is not null))")
        .bind(early.study_id).bind(&facts.study.timezone_offset_from_utc).bind(&folded)
        .execute(&mut *c).await?.rows_affected());
    Ok(filled + of_study > 0)
}
