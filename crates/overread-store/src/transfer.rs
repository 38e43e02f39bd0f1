//! Carries everything from one database to another: a journal in the target while bytes are copied, then every table at once.
//!
//! The journal says where a transfer that was interrupted goes on, and keeps everybody from working in a target that is not
//! whole yet.

mod tables;

use std::collections::HashMap;

use overread_model::extent::{Digest, PackId};
use overread_model::time::Timestamp;
use sqlx::AssertSqlSafe;

use crate::Tx;
use crate::error::{StoreError, StoreResult};
use crate::packs::to_pack_id;

use tables::Table;
pub use tables::{Copied, TableCount};

/// Returns what tells one installation from another: the first link of its audit chain.
///
/// # Errors
/// When the database fails.
pub async fn origin(tx: &mut Tx) -> StoreResult<String> {
    let row: Option<(Vec<u8>,)> = on!(tx, c => sqlx::query_as("select hash from audit where seq = 1")
        .fetch_optional(&mut *c).await?);
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(row.map_or_else(
        || "nothing was ever done in it".to_owned(),
        |(hash,)| hex(hash),
    ))
}

/// Returns from which installation a transfer into this one is under way.
///
/// # Errors
/// When the database fails.
pub async fn underway(tx: &mut Tx) -> StoreResult<Option<String>> {
    let row: Option<(String,)> = on!(tx, c => sqlx::query_as("select origin from transfer where id = 1")
        .fetch_optional(&mut *c).await?);
    Ok(row.map(|(origin,)| origin))
}

/// Says whether nothing was ever put into this database.
///
/// # Errors
/// When the database fails.
pub async fn is_untouched(tx: &mut Tx) -> StoreResult<bool> {
    for table in Table::all(tx).await? {
        let what = if table.name == "audit_head" {
            "seq > 0"
        } else {
            "1 = 1"
        };
        let sql = format!("select 1 from \"{}\" where {what} limit 1", table.name);
        let row: Option<(i32,)> = on!(&mut *tx, c => sqlx::query_as(AssertSqlSafe(sql))
            .fetch_optional(&mut *c).await?);
        if row.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Notes that a transfer from there is under way.
///
/// # Errors
/// When the database fails.
pub async fn begin(tx: &mut Tx, origin: &str, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query("insert into transfer (id, origin, begun_at) values (1, $1, $2)")
        .bind(origin).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Notes that a pack is copied up to here and was read back.
///
/// # Errors
/// When the database fails.
pub async fn note_pack(
    tx: &mut Tx,
    pack_id: PackId,
    length_bytes: u64,
    digest: Digest,
) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into transfer_pack (pack_id, length_bytes, digest) values ($1, $2, $3) \
             on conflict (pack_id) do update set length_bytes = excluded.length_bytes, digest = excluded.digest")
        .bind(pack_id.get()).bind(length_bytes as i64).bind(digest.as_bytes().as_slice())
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Lists the packs that are copied, and how far.
///
/// # Errors
/// When the database fails.
pub async fn packs(tx: &mut Tx) -> StoreResult<HashMap<PackId, u64>> {
    let rows: Vec<(i64, i64)> = on!(tx, c => sqlx::query_as("select pack_id, length_bytes from transfer_pack")
        .fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|(id, bytes)| Ok((to_pack_id(id)?, bytes.unsigned_abs())))
        .collect()
}

/// Copies every row of every table, reads them back, and ends the transfer; the caller commits.
///
/// `from` is a [`crate::Store::snapshot`], so that what is copied belongs together.
///
/// # Errors
/// When a database fails, the tables of the two differ, or what was written is not what was read; then nothing may be kept.
pub async fn copy(from: &mut Tx, to: &mut Tx) -> StoreResult<Copied> {
    let tables = Table::all(to).await?;
    if Table::all(from).await? != tables {
        return Err(StoreError::OtherTables);
    }
    let emptied = "delete from audit_head";
    on!(&mut *to, c => sqlx::query(emptied).execute(&mut *c).await?.rows_affected());
    for table in tables::in_order(to, &tables).await? {
        table.copy(from, to).await?;
    }
    let sent = tables::count(from, &tables).await?;
    if tables::count(to, &tables).await? != sent {
        return Err(StoreError::OtherTables);
    }
    for sql in ["delete from transfer_pack", "delete from transfer"] {
        on!(&mut *to, c => sqlx::query(sql).execute(&mut *c).await?.rows_affected());
    }
    Ok(sent)
}

/// Counts and hashes every row of every table.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx) -> StoreResult<Copied> {
    let tables = Table::all(tx).await?;
    tables::count(tx, &tables).await
}
