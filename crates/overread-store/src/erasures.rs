//! What the archive is still to overwrite, and which deletions it is to remember: noted with the rows that go, done after.

use overread_model::extent::{Digest, Extent, PackId};

use crate::error::StoreResult;
use crate::packs::to_extent;
use crate::script::values;
use crate::studies::to_digest;
use crate::{Store, Tx, held_papers, limits};

/// A deletion of a study, by the name under which the archive remembers it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StudyErasure {
    /// The digest of its Study Instance UID.
    pub name: String,
    /// What came until then is deleted; UTC µs.
    pub until_at: i64,
}

/// What nodes lock in PostgreSQL while they overwrite.
const OVERWRITING: i64 = 0x6f76_6572_7772_6974;

/// The turn of one node to overwrite; dropped, it is the next one's.
#[derive(Debug)]
pub struct Turn {
    _held: Option<Tx>,
}

/// Waits until no other node overwrites. With SQLite there is one node, which would only hold itself up.
///
/// # Errors
/// When the database fails.
pub async fn take_turn(store: &Store) -> StoreResult<Turn> {
    let mut tx = store.read().await?;
    let Tx::Pg(held) = &mut tx else {
        return Ok(Turn { _held: None });
    };
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(OVERWRITING)
        .execute(&mut **held)
        .await?;
    Ok(Turn { _held: Some(tx) })
}

/// Returns the name under which the deletion of a study is remembered; it does not tell the UID.
pub fn study_name(study_instance_uid: &str) -> String {
    let key = blake3::derive_key(
        "overread 2026-11 deleted study",
        study_instance_uid.as_bytes(),
    );
    blake3::Hash::from_bytes(key).to_hex().as_str().to_owned()
}

/// Notes bytes that are to be overwritten.
///
/// # Errors
/// When the database fails.
pub async fn add(tx: &mut Tx, extent: Extent) -> StoreResult<()> {
    let sql = "insert into erasure (pack_id, offset_bytes, length_bytes) values ($1, $2, $3) \
        on conflict (pack_id, offset_bytes) do nothing";
    let (offset, length) = (extent.offset_bytes as i64, extent.length_bytes as i64);
    tx.run(sql, values![extent.pack_id.get(), offset, length])
        .await?;
    Ok(())
}

/// Notes that a pack is to be removed.
///
/// # Errors
/// When the database fails.
pub async fn add_pack(tx: &mut Tx, pack_id: PackId) -> StoreResult<()> {
    on!(&mut *tx, c => sqlx::query("delete from erasure where pack_id = $1")
        .bind(pack_id.get()).execute(&mut *c).await?.rows_affected());
    let whole = Extent {
        pack_id,
        offset_bytes: 0,
        length_bytes: 0,
    };
    add(tx, whole).await
}

/// Lists some of what is to be overwritten, by place; an extent of no bytes is a whole pack.
///
/// # Errors
/// When the database fails.
pub async fn some(tx: &mut Tx) -> StoreResult<Vec<Extent>> {
    let rows: Vec<(i64, i64, i64)> = on!(tx, c => sqlx::query_as(
            "select pack_id, offset_bytes, length_bytes from erasure order by pack_id, offset_bytes limit $1")
        .bind(limits::ERASURES).fetch_all(&mut *c).await?);
    rows.into_iter()
        .map(|(pack_id, offset, length)| to_extent(pack_id, offset, length))
        .collect()
}

/// Notes that bytes are overwritten.
///
/// # Errors
/// When the database fails.
pub async fn done(tx: &mut Tx, extent: Extent) -> StoreResult<()> {
    on!(tx, c => sqlx::query("delete from erasure where pack_id = $1 and offset_bytes = $2")
        .bind(extent.pack_id.get()).bind(extent.offset_bytes as i64).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Notes that a study is deleted with everything of it that came until now, so that the archive is told.
///
/// The moment is that of the latest row of the audit or change of the study, whichever is later.
///
/// # Errors
/// When the database fails.
pub async fn add_study(tx: &mut Tx, study_id: i64) -> StoreResult<()> {
    let found: Option<(String, i64)> = on!(&mut *tx, c => sqlx::query_as(
            "select study_instance_uid, changed_at from study where id = $1")
        .bind(study_id).fetch_optional(&mut *c).await?);
    let Some((uid, changed_at)) = found else {
        return Ok(());
    };
    let latest: Option<(i64,)> = on!(&mut *tx, c => sqlx::query_as("select at from audit order by seq desc limit 1")
        .fetch_optional(&mut *c).await?);
    let until_at = latest.map_or(changed_at, |(at,)| at.max(changed_at));
    on!(&mut *tx, c => sqlx::query(
            "insert into study_erasure (name, until_at) values ($1, $2) \
             on conflict (name) do update set until_at = excluded.until_at")
        .bind(study_name(&uid)).bind(until_at).execute(&mut *c).await?.rows_affected());
    on!(tx, c => sqlx::query(
            "insert into study_erasure_instance (name, digest) select distinct $1, gone.digest from ( \
             select i.digest from instance i join series s on s.id = i.series_id where s.study_id = $2 \
             union all select digest from conflict where study_instance_uid = $3 and reason <> $4) gone \
             where true on conflict do nothing")
        .bind(study_name(&uid)).bind(study_id).bind(&uid).bind(held_papers::OTHER_PATIENT)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Returns the digests of the instances that were deleted with a study.
///
/// # Errors
/// When the database fails.
pub async fn digests(tx: &mut Tx, erasure: &StudyErasure) -> StoreResult<Vec<Digest>> {
    let rows: Vec<(Vec<u8>,)> = on!(tx, c => sqlx::query_as("select digest from study_erasure_instance where name = $1")
        .bind(&erasure.name).fetch_all(&mut *c).await?);
    rows.iter()
        .map(|(digest,)| to_digest(digest, "study_erasure_instance"))
        .collect()
}

/// Lists deletions that the archive was not told of yet.
///
/// # Errors
/// When the database fails.
pub async fn studies(tx: &mut Tx) -> StoreResult<Vec<StudyErasure>> {
    Ok(
        on!(tx, c => sqlx::query_as("select name, until_at from study_erasure order by name limit $1")
        .bind(limits::ERASURES).fetch_all(&mut *c).await?),
    )
}

/// Notes that the archive remembers a deletion.
///
/// # Errors
/// When the database fails.
pub async fn study_done(tx: &mut Tx, erasure: &StudyErasure) -> StoreResult<()> {
    let done = on!(&mut *tx, c => sqlx::query("delete from study_erasure where name = $1 and until_at = $2")
        .bind(&erasure.name).bind(erasure.until_at).execute(&mut *c).await?.rows_affected());
    if done > 0 {
        on!(tx, c => sqlx::query("delete from study_erasure_instance where name = $1")
            .bind(&erasure.name).execute(&mut *c).await?.rows_affected());
    }
    Ok(())
}
