//! Questions that are asked before anything of a batch is written: what is kept, and what was deleted.

use std::collections::{HashMap, HashSet};

use overread_model::extent::{Digest, Extent};

use super::super::StudyKey;
use super::super::sql::{Clause, padded};
use crate::error::{StoreError, StoreResult};
use crate::{Tx, limits, packs};

/// Bytes that are kept under a UID already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Of those bytes.
    pub digest: Digest,
    /// The study they belong to; `None` when they are kept aside.
    pub study: Option<StudyKey>,
    /// Where they are.
    pub extent: Extent,
    /// The study was deleted and can still be restored.
    pub is_deleted: bool,
}

/// Returns which of these studies were deleted and can still be restored. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn deleted_among(
    tx: &mut Tx,
    study_instance_uids: Vec<String>,
) -> StoreResult<HashSet<String>> {
    let mut deleted = HashSet::new();
    for chunk in study_instance_uids.chunks(limits::FILTER_VALUES) {
        let mut clause = Clause::new(
            "select s.study_instance_uid from deletion d join study s on s.id = d.study_id",
        );
        clause.and("d.ended_at is null");
        clause.any_of("s.study_instance_uid", &padded(chunk.to_vec()));
        let rows: Vec<(String,)> = clause.rows(tx).await?;
        deleted.extend(rows.into_iter().map(|(uid,)| uid));
    }
    Ok(deleted)
}

/// Returns what is kept (or kept aside) under each of these SOP Instance UIDs. A quick question.
///
/// # Errors
/// When the database fails.
pub async fn known_digests(
    tx: &mut Tx,
    sop_instance_uids: Vec<String>,
) -> StoreResult<HashMap<String, Vec<Known>>> {
    let mut known: HashMap<String, Vec<Known>> = HashMap::new();
    for chunk in sop_instance_uids.chunks(limits::FILTER_VALUES / 2) {
        let uids = padded(chunk.to_vec());
        let mut clause = Clause::new(
            "select i.sop_instance_uid, i.digest, s.study_id, i.pack_id, i.offset_bytes, i.length_bytes, \
             cast(case when s.study_id in (select study_id from deletion where ended_at is null) then 1 else 0 end as bigint) \
             from instance i join series s on s.id = i.series_id",
        );
        clause.any_of("i.sop_instance_uid", &uids);
        clause.push(
            " union all select sop_instance_uid, digest, -1, pack_id, offset_bytes, length_bytes, cast(0 as bigint) \
             from conflict where sop_instance_uid in (",
        );
        clause.list(&uids);
        clause.push(")");
        #[expect(clippy::type_complexity, reason = "one row, used once")]
        let rows: Vec<(String, Vec<u8>, i64, i64, i64, i64, i64)> = clause.rows(tx).await?;
        for (uid, digest, study_id, pack_id, offset_bytes, length_bytes, deleted) in rows {
            let study = (study_id >= 0).then_some(StudyKey(study_id));
            known.entry(uid).or_default().push(Known {
                digest: to_digest(&digest, "instance")?,
                study,
                extent: packs::to_extent(pack_id, offset_bytes, length_bytes)?,
                is_deleted: deleted == 1,
            });
        }
    }
    Ok(known)
}

/// Reads a digest column.
pub(crate) fn to_digest(bytes: &[u8], table: &'static str) -> StoreResult<Digest> {
    bytes
        .try_into()
        .map(Digest::new)
        .map_err(|_| StoreError::Damaged { table })
}
