//! Batches in the packs that the index does not know, while it is rebuilt: more than fit into memory, and kept when it is
//! interrupted.

use overread_model::extent::Extent;

use crate::error::StoreResult;
use crate::packs::to_extent;
use crate::script::values;
use crate::{Script, Tx};

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
