//! What the index knows of the packs: how far each is committed, and which of its bytes belong to nothing.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use overread_model::extent::{Extent, PackId};
use overread_model::time::Timestamp;

use crate::error::{StoreError, StoreResult};
use crate::script::values;
use crate::{Tx, erasures};

/// Notes that a pack is committed up to here; says whether that is new. What was taken into the index in the meantime, by a
/// rebuild beside the one who wrote it, must not be entered twice. Part of a batch.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    tx: &mut Tx,
    pack_id: PackId,
    committed_bytes: u64,
    now: Timestamp,
) -> StoreResult<bool> {
    let sql = "insert into pack (id, committed_bytes, created_at) values ($1, $2, $3) \
        on conflict (id) do update set committed_bytes = excluded.committed_bytes \
        where pack.committed_bytes < excluded.committed_bytes";
    let values = values![pack_id.get(), committed_bytes as i64, now.as_micros()];
    Ok(tx.run(sql, values).await? > 0)
}

/// Notes bytes that belong to nothing, and that they are to be overwritten. Part of a batch.
///
/// # Errors
/// When the database fails.
pub async fn add_gap(tx: &mut Tx, extent: Extent, reason: &'static str) -> StoreResult<()> {
    keep_gap(tx, extent, reason).await?;
    if extent.length_bytes == 0 {
        return Ok(());
    }
    erasures::add(tx, extent).await
}

/// Notes bytes that no row is to lead to, and that stay.
///
/// # Errors
/// When the database fails.
pub async fn keep_gap(tx: &mut Tx, extent: Extent, reason: &'static str) -> StoreResult<()> {
    if extent.length_bytes == 0 {
        return Ok(());
    }
    let sql = "insert into pack_gap (pack_id, offset_bytes, length_bytes, reason) values ($1, $2, $3, $4) \
        on conflict (pack_id, offset_bytes) do nothing";
    let (offset, length) = (extent.offset_bytes as i64, extent.length_bytes as i64);
    let values = values![extent.pack_id.get(), offset, length, reason];
    tx.run(sql, values).await?;
    Ok(())
}

/// Returns how far a pack is committed; `None` when no row knows it.
///
/// # Errors
/// When the database fails.
pub async fn committed_bytes(tx: &mut Tx, pack_id: PackId) -> StoreResult<Option<u64>> {
    let row: Option<(i64,)> = on!(tx, c => sqlx::query_as("select committed_bytes from pack where id = $1")
        .bind(pack_id.get()).fetch_optional(&mut *c).await?);
    Ok(row.map(|(bytes,)| bytes.unsigned_abs()))
}

/// Returns the bytes of a pack that rows know, by where they begin, each with its length.
///
/// # Errors
/// When the database fails.
pub async fn claimed(
    tx: &mut Tx,
    pack_id: PackId,
    within: Range<u64>,
) -> StoreResult<HashMap<u64, u64>> {
    let rows: Vec<(i64, i64)> = on!(tx, c => sqlx::query_as(
            "select offset_bytes, length_bytes from instance where pack_id = $1 and offset_bytes >= $2 and offset_bytes < $3 \
             union select offset_bytes, length_bytes from conflict where pack_id = $1 and offset_bytes >= $2 and offset_bytes < $3 \
             union select offset_bytes, length_bytes from document where pack_id = $1 and offset_bytes >= $2 and offset_bytes < $3 \
             union select offset_bytes, length_bytes from pack_gap where pack_id = $1 and offset_bytes >= $2 and offset_bytes < $3")
        .bind(pack_id.get()).bind(within.start as i64).bind(within.end as i64).fetch_all(&mut *c).await?);
    Ok(rows
        .into_iter()
        .map(|(offset, length)| (offset.unsigned_abs(), length.unsigned_abs()))
        .collect())
}

/// Lists every pack with how far it is committed, by id.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx) -> StoreResult<Vec<(PackId, u64)>> {
    let rows: Vec<(i64, i64)> = on!(tx, c => sqlx::query_as("select id, committed_bytes from pack order by id")
        .fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|(id, bytes)| Ok((to_pack_id(id)?, bytes.unsigned_abs())))
        .collect()
}

/// Lists the packs in which bytes were erased, or belong to nothing and were overwritten.
///
/// # Errors
/// When the database fails.
pub async fn erased_in(tx: &mut Tx) -> StoreResult<HashSet<PackId>> {
    let rows: Vec<(i64,)> = on!(tx, c => sqlx::query_as("select distinct pack_id from pack_gap")
        .fetch_all(&mut *c).await?);
    rows.into_iter().map(|(id,)| to_pack_id(id)).collect()
}

/// Forgets a pack that holds nothing any more; says whether it was so. Nobody may be writing to it: a batch whose bytes are in
/// the pack, and whose rows are not yet there, would lose them.
///
/// # Errors
/// When the database fails.
pub async fn forget_if_empty(tx: &mut Tx, pack_id: PackId) -> StoreResult<bool> {
    let gone = on!(tx, c => sqlx::query(
            "delete from pack where id = $1 \
             and not exists (select 1 from instance where pack_id = $1) \
             and not exists (select 1 from conflict where pack_id = $1) \
             and not exists (select 1 from document where pack_id = $1)")
        .bind(pack_id.get()).execute(&mut *c).await?.rows_affected());
    Ok(gone > 0)
}

/// Reads a pack id column.
pub(crate) fn to_pack_id(number: i64) -> StoreResult<PackId> {
    PackId::new(number).ok_or(StoreError::Damaged { table: "pack" })
}

/// Puts the three columns of an extent together.
pub(crate) fn to_extent(pack_id: i64, offset_bytes: i64, length_bytes: i64) -> StoreResult<Extent> {
    let unsigned =
        |number: i64| u64::try_from(number).map_err(|_| StoreError::Damaged { table: "pack" });
    Ok(Extent {
        pack_id: to_pack_id(pack_id)?,
        offset_bytes: unsigned(offset_bytes)?,
        length_bytes: unsigned(length_bytes)?,
    })
}
