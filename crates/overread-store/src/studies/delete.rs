//! Deletes a study: its rows at once, its bytes by whoever holds the archive.

use overread_model::extent::{Extent, PackId};

use super::StudyKey;
use crate::error::StoreResult;
use crate::{Tx, erasures, packs};

/// What must be done to the bytes after the commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasedStudy {
    /// Packs that hold nothing any more: their files can go.
    pub empty_packs: Vec<PackId>,
    /// Bytes in packs that hold other things too: to be overwritten.
    pub extents: Vec<Extent>,
}

/// Deletes the study's rows and says which bytes are to be erased after the commit.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, study: StudyKey) -> StoreResult<ErasedStudy> {
    let rows: Vec<(i64, i64, i64)> = on!(&mut *tx, c => sqlx::query_as(
            "select i.pack_id, i.offset_bytes, i.length_bytes from instance i join series s on s.id = i.series_id \
             where s.study_id = $1 order by i.pack_id, i.offset_bytes").bind(study.0).fetch_all(&mut *c).await?);
    erasures::add_study(tx, study.0).await?;
    for sql in [
        "delete from instance where series_id in (select id from series where study_id = $1)",
        "delete from metadata_block where series_id in (select id from series where study_id = $1)",
        "delete from series where study_id = $1",
        "delete from study_modality where study_id = $1",
        "delete from study_name_part where study_id = $1",
        "delete from case_study where study_id = $1",
        // What others ordered about it names its patient, too.
        "delete from work_item_event where uid in (select w.uid from work_item w join study s \
         on s.study_instance_uid = w.study_instance_uid where s.id = $1)",
        "delete from work_item where study_instance_uid in (select s.study_instance_uid from study s where s.id = $1)",
        "delete from study where id = $1",
    ] {
        on!(&mut *tx, c => sqlx::query(sql).bind(study.0).execute(&mut *c).await?.rows_affected());
    }
    let mut erased = ErasedStudy::default();
    for (pack_id, offset, length) in rows {
        let extent = packs::to_extent(pack_id, offset, length)?;
        if erased.empty_packs.last() == Some(&extent.pack_id) {
            continue;
        }
        if packs::forget_if_empty(tx, extent.pack_id).await? {
            erasures::add_pack(tx, extent.pack_id).await?;
            erased.empty_packs.push(extent.pack_id);
        } else {
            packs::add_gap(tx, extent, "erased").await?;
            erased.extents.push(extent);
        }
    }
    Ok(erased)
}
