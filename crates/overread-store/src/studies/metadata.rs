//! The DICOM JSON of what a reader asks for: where it stands, in one state of the index, and what stands there.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::block;
use super::find::{ORDER, narrow};
use super::sql::Clause;
use crate::Tx;
use crate::access::{Level, NOT_DELETED, Reach, restrict};
use crate::error::{StoreError, StoreResult};
use crate::quick::quick_row;
use crate::script::values;

const DAMAGED: StoreError = StoreError::Damaged { table: "instance" };

/// Where the DICOM JSON of one instance stands inside an inflated block.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MetadataRef {
    /// Which block; see [`read_block`].
    pub block_id: i64,
    /// Bytes from the start of the inflated block.
    pub block_offset_bytes: i64,
    /// Bytes of the JSON object.
    pub block_length_bytes: i64,
}

quick_row!(MetadataRef {
    block_id,
    block_offset_bytes,
    block_length_bytes,
});

impl MetadataRef {
    /// Cuts the JSON object out of its inflated block.
    ///
    /// # Errors
    /// When the row points outside the block.
    pub fn cut(&self, block: &Bytes) -> StoreResult<Bytes> {
        let start = usize::try_from(self.block_offset_bytes).map_err(|_| DAMAGED)?;
        let length = usize::try_from(self.block_length_bytes).map_err(|_| DAMAGED)?;
        let end = start
            .checked_add(length)
            .filter(|end| *end <= block.len())
            .ok_or(DAMAGED)?;
        Ok(block.slice(start..end))
    }
}

/// The DICOM JSON object of one instance (relative `BulkDataURI`s, to be resolved when served).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataPiece {
    /// (0020,000E).
    pub series_instance_uid: Arc<str>,
    /// `{"00080005":{..},..}`.
    pub dicom_json: Bytes,
}

/// Where the metadata of a study, series or instance stand, by series and number: few bytes an instance.
///
/// What it lists is one state of the index, and stays so however long the reading of it takes: a block is written once, is
/// never changed, and goes only with its whole study.
#[derive(Debug, Default)]
pub struct MetadataPlaces {
    study_id: i64,
    series: Vec<Arc<str>>,
    blocks: Vec<i64>,
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Among `series`.
    series_idx: u32,
    /// Among `blocks`.
    block_idx: u32,
    offset_bytes: u32,
    length_bytes: u32,
}

impl MetadataPlaces {
    /// Bytes of memory for each instance, while they are found.
    pub const INSTANCE_BYTES: u64 = 64;

    /// Returns how many instances are listed.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns how much the metadata of the instances from this one on are.
    pub fn size_from(&self, start: usize) -> MetadataSize {
        let rest = self.places.get(start..).unwrap_or_default();
        let lengths = || rest.iter().map(|place| u64::from(place.length_bytes));
        MetadataSize {
            count: rest.len() as u64,
            length_bytes: lengths().sum(),
            longest_bytes: lengths().max().unwrap_or_default(),
        }
    }

    /// Returns the instances from this one on whose DICOM JSON has so many bytes, and one at least.
    pub fn from(&self, start: usize, most_bytes: u64) -> Range<usize> {
        let mut left = most_bytes;
        let rest = self.places.get(start..).unwrap_or_default();
        let count = rest.iter().position(|place| {
            let fits = left.checked_sub(u64::from(place.length_bytes));
            left = fits.unwrap_or_default();
            fits.is_none()
        });
        let count = count.map_or(rest.len(), |count| count.max(1));
        start..start.saturating_add(count)
    }
}

/// How much the metadata of a study, series or instance are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataSize {
    /// How many instances.
    pub count: u64,
    /// Bytes of all their DICOM JSON.
    pub length_bytes: u64,
    /// Bytes of the longest.
    pub longest_bytes: u64,
}

fn refs(
    columns: &'static str,
    reach: &Reach,
    (study_uid, series_uid, sop_uid): (&str, Option<&str>, Option<&str>),
) -> Clause {
    let mut clause = Clause::new(columns);
    clause.push(
        " from instance join series on series.id = instance.series_id join study on study.id = series.study_id",
    );
    narrow(&mut clause, study_uid, series_uid, sop_uid);
    restrict(&mut clause, reach, Level::Instance);
    clause
}

/// Finds the metadata that speak for a study or series: those of its first instance, or of the one that is named.
///
/// # Errors
/// When the database fails.
pub async fn first_metadata(
    tx: &mut Tx,
    reach: &Reach,
    study_uid: &str,
    series_uid: Option<&str>,
    sop_uid: Option<&str>,
) -> StoreResult<Option<MetadataRef>> {
    let columns =
        "select instance.block_id, instance.block_offset_bytes, instance.block_length_bytes";
    let mut clause = refs(columns, reach, (study_uid, series_uid, sop_uid));
    clause.push(ORDER);
    clause.push(" limit 1");
    Ok(clause.rows(tx).await?.pop())
}

/// Reads and inflates one block of metadata (of which the caller got the id from [`first_metadata`] in the same transaction).
///
/// # Errors
/// When the database fails or the block is damaged.
pub async fn read_block(tx: &mut Tx, block_id: i64) -> StoreResult<Bytes> {
    let sql = "select inflated_bytes, dicom_json from metadata_block where id = $1";
    let rows: Vec<(i64, Vec<u8>)> = tx.rows(sql, values![block_id]).await?;
    match rows.first() {
        Some((inflated_bytes, deflated)) => block::inflate(deflated, *inflated_bytes),
        None => Err(StoreError::Database(sqlx::Error::RowNotFound)),
    }
}

/// Returns how much the metadata of a study, series or instance are.
///
/// # Errors
/// When the database fails.
pub async fn metadata_size(
    tx: &mut Tx,
    reach: &Reach,
    study_uid: &str,
    series_uid: Option<&str>,
    sop_uid: Option<&str>,
) -> StoreResult<MetadataSize> {
    let columns = "select count(*), cast(coalesce(sum(instance.block_length_bytes), 0) as bigint), \
        coalesce(max(instance.block_length_bytes), 0)";
    let clause = refs(columns, reach, (study_uid, series_uid, sop_uid));
    let rows: Vec<(i64, i64, i64)> = clause.rows(tx).await?;
    let (count, sum, max) = rows.first().copied().unwrap_or_default();
    Ok(MetadataSize {
        count: count.unsigned_abs(),
        length_bytes: sum.unsigned_abs(),
        longest_bytes: max.unsigned_abs(),
    })
}

/// Lists where the metadata of a study, series or instance stand. Empty when nothing is in reach. Takes two questions: only a
/// transaction of one state is asked.
///
/// # Errors
/// When the database fails.
pub async fn metadata_places(
    tx: &mut Tx,
    reach: &Reach,
    study_uid: &str,
    series_uid: Option<&str>,
    sop_uid: Option<&str>,
) -> StoreResult<MetadataPlaces> {
    let columns = "select series.study_id, instance.series_id, instance.block_id, instance.block_offset_bytes, \
        instance.block_length_bytes";
    let mut clause = refs(columns, reach, (study_uid, series_uid, sop_uid));
    clause.push(ORDER);
    let rows: Vec<(i64, i64, i64, i64, i64)> = clause.rows(tx).await?;
    let Some((study_id, ..)) = rows.first().copied() else {
        return Ok(MetadataPlaces::default());
    };
    let sql = "select id, series_instance_uid from series where study_id = $1";
    let named: Vec<(i64, String)> = tx.rows(sql, values![study_id]).await?;
    let mut uids: HashMap<i64, String> = named.into_iter().collect();
    let (mut series_of, mut block_of) = (HashMap::new(), HashMap::new());
    let mut found = MetadataPlaces {
        study_id,
        places: Vec::with_capacity(rows.len()),
        ..MetadataPlaces::default()
    };
    for (_, series_id, block_id, offset, length) in rows {
        let series_idx = *series_of.entry(series_id).or_insert_with(|| {
            let uid = uids.remove(&series_id).unwrap_or_default();
            found.series.push(Arc::from(uid));
            found.series.len() - 1
        });
        let block_idx = *block_of.entry(block_id).or_insert_with(|| {
            found.blocks.push(block_id);
            found.blocks.len() - 1
        });
        found.places.push(Place {
            series_idx: u32::try_from(series_idx).map_err(|_| DAMAGED)?,
            block_idx: u32::try_from(block_idx).map_err(|_| DAMAGED)?,
            offset_bytes: u32::try_from(offset).map_err(|_| DAMAGED)?,
            length_bytes: u32::try_from(length).map_err(|_| DAMAGED)?,
        });
    }
    Ok(found)
}

/// Reads the DICOM JSON of some of the instances that are listed, in their order, one block at a time; `None` once their
/// study is deleted. The transaction may be a later one than that of the list.
///
/// # Errors
/// When the database fails or a block is damaged.
pub async fn read_metadata(
    tx: &mut Tx,
    places: &MetadataPlaces,
    range: Range<usize>,
) -> StoreResult<Option<Vec<MetadataPiece>>> {
    let wanted = places.places.get(range).ok_or(DAMAGED)?;
    let mut by_block: Vec<(usize, &Place)> = wanted.iter().enumerate().collect();
    by_block.sort_by_key(|(_, place)| place.block_idx);
    let mut pieces: Vec<Option<MetadataPiece>> = vec![None; wanted.len()];
    let mut last = None;
    for (at, place) in by_block {
        let block = match &last {
            Some((block_idx, block)) if *block_idx == place.block_idx => block,
            _ => {
                let id = places.blocks.get(place.block_idx as usize).ok_or(DAMAGED)?;
                let Some(block) = block_of_study(tx, *id, places.study_id).await? else {
                    return Ok(None);
                };
                &last.insert((place.block_idx, block)).1
            }
        };
        let series = places
            .series
            .get(place.series_idx as usize)
            .ok_or(DAMAGED)?;
        let start = place.offset_bytes as usize;
        let json = block.get(start..start.saturating_add(place.length_bytes as usize));
        if let Some(slot) = pieces.get_mut(at) {
            *slot = Some(MetadataPiece {
                series_instance_uid: Arc::clone(series),
                // A copy, so that a few bytes of it do not hold the whole block.
                dicom_json: Bytes::copy_from_slice(json.ok_or(DAMAGED)?),
            });
        }
    }
    let all: Option<Vec<MetadataPiece>> = pieces.into_iter().collect();
    all.map(Some).ok_or(DAMAGED)
}

/// Reads and inflates a block, while its study is there for anybody. The key of a study is never given to another one, so that
/// a block with its id that belongs to the study is the block that was listed.
async fn block_of_study(tx: &mut Tx, block_id: i64, study_id: i64) -> StoreResult<Option<Bytes>> {
    let sql = format!(
        "select b.inflated_bytes, b.dicom_json from metadata_block b join series s on s.id = b.series_id \
         where b.id = $1 and s.study_id = $2 and s.study_id{NOT_DELETED}"
    );
    let rows: Vec<(i64, Vec<u8>)> = tx.rows(sql, values![block_id, study_id]).await?;
    let found = rows.first();
    let inflated =
        found.map(|(inflated_bytes, deflated)| block::inflate(deflated, *inflated_bytes));
    inflated.transpose()
}
