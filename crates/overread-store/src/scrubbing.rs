//! How far the proof of the whole archive is that runs beside everything else, and what it found.

use overread_model::extent::PackId;
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;
use crate::packs::to_pack_id;

/// The state of the proof.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Scrub {
    /// When the round that is under way, or the last one, was begun; UTC µs.
    pub begun_at: i64,
    /// Packs up to this id are proven.
    pub after_pack_id: i64,
    /// Instances that held so far.
    pub instances: i64,
    /// Bytes that held so far.
    pub bytes: i64,
    /// What did not hold so far, a line each.
    pub damaged: String,
    /// When the last whole round ended; UTC µs.
    pub finished_at: Option<i64>,
    /// What did not hold in the last whole round, a line each.
    pub last_damaged: String,
}

/// Stands where the id of a pack does once every pack is proven.
pub const EVERY_PACK: i64 = i64::MAX;

impl Scrub {
    /// Says whether the round has ended.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.after_pack_id == EVERY_PACK
    }
}

/// Returns the state; `None` before the first round.
///
/// # Errors
/// When the database fails.
pub async fn state(tx: &mut Tx) -> StoreResult<Option<Scrub>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select begun_at, after_pack_id, instances, bytes, damaged, finished_at, last_damaged from scrub where id = 1")
        .fetch_optional(&mut *c).await?))
}

/// Begins a round.
///
/// # Errors
/// When the database fails.
pub async fn begin(tx: &mut Tx, now: Timestamp) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into scrub (id, begun_at, after_pack_id, instances, bytes, damaged, finished_at, last_damaged) \
             values (1, $1, 0, 0, 0, '', null, '') on conflict (id) do update set begun_at = excluded.begun_at, \
             after_pack_id = 0, instances = 0, bytes = 0, damaged = ''")
        .bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns the next pack behind this one, with how far it is committed.
///
/// # Errors
/// When the database fails.
pub async fn next_pack(tx: &mut Tx, after: i64) -> StoreResult<Option<(PackId, u64)>> {
    let row: Option<(i64, i64)> = on!(tx, c => sqlx::query_as(
            "select id, committed_bytes from pack where id > $1 order by id limit 1")
        .bind(after).fetch_optional(&mut *c).await?);
    row.map(|(id, bytes)| Ok((to_pack_id(id)?, bytes.unsigned_abs())))
        .transpose()
}

/// Writes how far the proof is, unless another node was faster; says whether it was written.
///
/// # Errors
/// When the database fails.
pub async fn advance(tx: &mut Tx, before: &Scrub, after: &Scrub) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update scrub set after_pack_id = $1, instances = $2, bytes = $3, damaged = $4, finished_at = $5, last_damaged = $6 \
             where id = 1 and begun_at = $7 and after_pack_id = $8")
        .bind(after.after_pack_id).bind(after.instances).bind(after.bytes).bind(&after.damaged).bind(after.finished_at)
        .bind(&after.last_damaged).bind(before.begun_at).bind(before.after_pack_id)
        .execute(&mut *c).await?.rows_affected());
    Ok(done > 0)
}
