//! What the proof of an archive asks of the index.

use overread_model::extent::{Digest, Extent, PackId};

use crate::error::StoreResult;
use crate::packs::to_extent;
use crate::studies::to_digest;
use crate::{Store, Tx, limits};

/// Bytes of a pack and what the index says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What they belong to.
    pub owner: Owner,
    /// Where they lie.
    pub extent: Extent,
    /// Of them; `None` for a gap.
    pub digest: Option<Digest>,
}

/// What bytes belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An instance; its row's key.
    Instance(i64),
    /// An instance kept aside; its row's id.
    Aside(String),
    /// A document; its row's id.
    Document(String),
    /// Nothing.
    Gap,
    /// The directory of a batch.
    Directory,
}

/// What an instance row says of its file, to be compared with the file.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct InstanceClaim {
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0020,000E).
    pub series_instance_uid: String,
    /// (0008,0018).
    pub sop_instance_uid: String,
    /// (0002,0010).
    pub transfer_syntax_uid: String,
    /// Its frame table, as ingest writes it.
    pub frames: Vec<u8>,
}

/// Lists everything that the index says of one pack, by offset.
///
/// # Errors
/// When the database fails.
pub async fn claims_of(tx: &mut Tx, pack_id: PackId) -> StoreResult<Vec<Claim>> {
    let id = pack_id.get();
    let mut claims = Vec::new();
    let instances: Vec<(i64, i64, i64, Vec<u8>)> = on!(&mut *tx, c => sqlx::query_as(
            "select id, offset_bytes, length_bytes, digest from instance where pack_id = $1").bind(id).fetch_all(&mut *c).await?);
    for (key, offset, length, digest) in instances {
        let digest = Some(to_digest(&digest, "instance")?);
        claims.push(Claim {
            owner: Owner::Instance(key),
            extent: to_extent(id, offset, length)?,
            digest,
        });
    }
    let asides: Vec<(String, i64, i64, Vec<u8>)> = on!(&mut *tx, c => sqlx::query_as(
            "select id, offset_bytes, length_bytes, digest from conflict where pack_id = $1").bind(id).fetch_all(&mut *c).await?);
    for (key, offset, length, digest) in asides {
        let digest = Some(to_digest(&digest, "conflict")?);
        claims.push(Claim {
            owner: Owner::Aside(key),
            extent: to_extent(id, offset, length)?,
            digest,
        });
    }
    let documents: Vec<(String, i64, i64, Vec<u8>)> = on!(&mut *tx, c => sqlx::query_as(
            "select id, offset_bytes, length_bytes, digest from document where pack_id = $1").bind(id).fetch_all(&mut *c).await?);
    for (key, offset, length, digest) in documents {
        let digest = Some(to_digest(&digest, "document")?);
        claims.push(Claim {
            owner: Owner::Document(key),
            extent: to_extent(id, offset, length)?,
            digest,
        });
    }
    let gaps: Vec<(i64, i64)> = on!(tx, c => sqlx::query_as(
            "select offset_bytes, length_bytes from pack_gap where pack_id = $1").bind(id).fetch_all(&mut *c).await?);
    for (offset, length) in gaps {
        claims.push(Claim {
            owner: Owner::Gap,
            extent: to_extent(id, offset, length)?,
            digest: None,
        });
    }
    claims.sort_by_key(|claim| claim.extent.offset_bytes);
    Ok(claims)
}

/// Returns what the row of an instance says of its file.
///
/// # Errors
/// When the database fails.
pub async fn instance_claim(tx: &mut Tx, key: i64) -> StoreResult<Option<InstanceClaim>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select study.study_instance_uid, series.series_instance_uid, i.sop_instance_uid, i.transfer_syntax_uid, i.frames \
             from instance i join series on series.id = i.series_id join study on study.id = series.study_id where i.id = $1")
        .bind(key).fetch_optional(&mut *c).await?))
}

/// What a pack holds, as the index says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Instances in it.
    pub instance_count: usize,
    /// Studies that they are of.
    pub study_count: usize,
    /// Study Instance UIDs of the first of them, each with how many of its instances are in the pack.
    pub studies: Vec<(String, u64)>,
}

/// Returns what the index says that a pack holds, and names at most so many studies.
///
/// # Errors
/// When the database fails.
pub async fn held_by(tx: &mut Tx, pack_id: PackId, most: usize) -> StoreResult<Held> {
    let id = pack_id.get();
    let (instances, studies): (i64, i64) = on!(&mut *tx, c => sqlx::query_as(
            "select count(*), count(distinct series.study_id) from instance i join series on series.id = i.series_id \
             where i.pack_id = $1").bind(id).fetch_one(&mut *c).await?);
    let named: Vec<(String, i64)> = on!(tx, c => sqlx::query_as(
            "select study.study_instance_uid, count(*) from instance i join series on series.id = i.series_id \
             join study on study.id = series.study_id where i.pack_id = $1 group by study.study_instance_uid \
             order by study.study_instance_uid limit $2")
        .bind(id).bind(most as i64).fetch_all(&mut *c).await?);
    Ok(Held {
        instance_count: usize::try_from(instances).unwrap_or(0),
        study_count: usize::try_from(studies).unwrap_or(0),
        studies: named
            .into_iter()
            .map(|(uid, count)| (uid, count.unsigned_abs()))
            .collect(),
    })
}

/// Each is a question that must have no answer: what is damaged, and the rows that are.
const QUESTIONS: &[(&str, &str)] = &[
    (
        "study: the counters differ from its series",
        "select study.id from study left join series on series.study_id = study.id group by study.id, study.series_count, \
         study.instance_count, study.length_bytes having study.series_count <> count(series.id) \
         or study.instance_count <> coalesce(sum(series.instance_count), 0) \
         or study.length_bytes <> coalesce(sum(series.length_bytes), 0)",
    ),
    (
        "series: the counters differ from its instances",
        "select series.id from series left join instance on instance.series_id = series.id group by series.id, \
         series.instance_count, series.length_bytes having series.instance_count <> count(instance.id) \
         or series.length_bytes <> coalesce(sum(instance.length_bytes), 0)",
    ),
    (
        "series: its study is missing",
        "select series.id from series left join study on study.id = series.study_id where study.id is null",
    ),
    (
        "series: its modality is not listed with its study",
        "select series.id from series left join study_modality m on m.study_id = series.study_id \
         and m.modality = series.modality where m.study_id is null",
    ),
    (
        "instance: its series is missing",
        "select instance.id from instance left join series on series.id = instance.series_id where series.id is null",
    ),
    (
        "instance: its pack is missing",
        "select instance.id from instance left join pack on pack.id = instance.pack_id where pack.id is null",
    ),
    (
        "instance: its metadata is missing or of another series",
        "select instance.id from instance left join metadata_block b on b.id = instance.block_id \
         and b.series_id = instance.series_id where b.id is null \
         or instance.block_offset_bytes < 0 or instance.block_offset_bytes + instance.block_length_bytes > b.inflated_bytes",
    ),
    (
        "instance: its delivery is missing",
        "select instance.id from instance left join delivery on delivery.id = instance.delivery_id where delivery.id is null",
    ),
    (
        "metadata block: its series is missing",
        "select b.id from metadata_block b left join series on series.id = b.series_id where series.id is null",
    ),
    (
        "case: a study it lists is missing",
        "select cs.study_id from case_study cs left join study on study.id = cs.study_id where study.id is null",
    ),
    (
        "case: a study stands elsewhere in its order than in the archive's",
        "select cs.study_id from case_study cs join study on study.id = cs.study_id where cs.study_date <> study.study_date \
         or coalesce(cs.study_time, '') <> coalesce(study.study_time, '') \
         or cs.study_instance_uid <> study.study_instance_uid",
    ),
    (
        "case: a study it shares with another one is counted twice, or one that it does not share is left out",
        "select cs.study_id from case_study cs where \
         exists (select 1 from case_study o where o.study_id = cs.study_id and o.case_id <> cs.case_id) <> \
         exists (select 1 from shared_tie t where t.study_id = cs.study_id and t.case_id = cs.case_id)",
    ),
];

/// Asks the index what must never be, and names what is.
///
/// # Errors
/// When the database fails.
pub async fn contradictions(tx: &mut Tx) -> StoreResult<Vec<String>> {
    let mut found = Vec::new();
    for (what, sql) in QUESTIONS {
        let rows: Vec<(i64,)> = on!(&mut *tx, c => sqlx::query_as(*sql).fetch_all(&mut *c).await?);
        found.extend(rows.into_iter().map(|(id,)| format!("{what} (row {id})")));
    }
    if let Tx::Sqlite(transaction) = tx {
        let rows: Vec<(String,)> = sqlx::query_as("pragma integrity_check(20)")
            .fetch_all(&mut **transaction)
            .await?;
        found.extend(
            rows.into_iter()
                .filter(|(line,)| line != "ok")
                .map(|(line,)| format!("database: {line}")),
        );
    }
    Ok(found)
}

type BlockColumns = (i64, i64, Vec<u8>, i64, Vec<u8>);

/// Proves every metadata block: it inflates to what its row says and its facts can be read.
///
/// # Errors
/// When the database fails.
pub async fn damaged_blocks(store: &Store) -> StoreResult<Vec<String>> {
    let mut damaged = Vec::new();
    let mut after = 0_i64;
    loop {
        let mut tx = store.read().await?;
        let rows: Vec<BlockColumns> = on!(&mut tx, c => sqlx::query_as(
                "select id, inflated_bytes, dicom_json, facts_count, facts from metadata_block where id > $1 \
                 order by id limit $2").bind(after).bind(limits::PROOF_BLOCKS).fetch_all(&mut *c).await?);
        let Some((last, ..)) = rows.last() else {
            return Ok(damaged);
        };
        after = *last;
        damaged.extend(
            rows.into_iter()
                .filter_map(|(id, inflated_bytes, json, count, facts)| {
                    let good = crate::studies::block_is_good(&json, inflated_bytes, &facts, count);
                    (!good).then(|| format!("metadata block {id}: it cannot be read"))
                }),
        );
    }
}
