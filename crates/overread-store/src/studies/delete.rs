//! Deletes a study: its rows at once, its bytes by whoever holds the archive.

use overread_model::extent::{Extent, PackId};

use super::StudyKey;
use crate::error::StoreResult;
use crate::{Tx, erasures, held_papers, legal_holds, packs};

/// What must be done to the bytes after the commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasedStudy {
    /// Packs to be removed.
    pub empty_packs: Vec<PackId>,
    /// Bytes of other packs to be overwritten.
    pub extents: Vec<Extent>,
}

/// Deletes the study's rows and what was set aside as other bytes of its instances, and says which bytes are to be erased
/// after the commit; `None` while a legal hold covers it, whoever asks.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete(tx: &mut Tx, study: StudyKey) -> StoreResult<Option<ErasedStudy>> {
    if legal_holds::covers(tx, study).await? {
        return Ok(None);
    }
    // What names another patient may be the only copy of that one's image, so it goes on waiting for a person.
    let rows: Vec<(i64, i64, i64)> = on!(&mut *tx, c => sqlx::query_as(
            "select i.pack_id, i.offset_bytes, i.length_bytes from instance i join series s on s.id = i.series_id \
             where s.study_id = $1 union all select c.pack_id, c.offset_bytes, c.length_bytes from conflict c \
             join study s on s.study_instance_uid = c.study_instance_uid where s.id = $1 and c.reason <> $2 order by 1, 2")
        .bind(study.0).bind(held_papers::OTHER_PATIENT).fetch_all(&mut *c).await?);
    erasures::add_study(tx, study.0).await?;
    on!(&mut *tx, c => sqlx::query(
            "delete from conflict where reason <> $2 and study_instance_uid in (select study_instance_uid from study where id = $1)")
        .bind(study.0).bind(held_papers::OTHER_PATIENT).execute(&mut *c).await?.rows_affected());
    for sql in [
        "delete from instance where series_id in (select id from series where study_id = $1)",
        "delete from metadata_block where series_id in (select id from series where study_id = $1)",
        "delete from series where study_id = $1",
        "delete from study_modality where study_id = $1",
        "delete from study_name_part where study_id = $1",
        // A case that never held it still waits for what it refused.
        "delete from refused_file where study_instance_uid in (select s.study_instance_uid from study s where s.id = $1) \
         and case_id in (select dc.case_id from deletion_case dc join deletion d on d.id = dc.deletion_id \
         where d.study_id = $1)",
        "delete from case_study where study_id = $1",
        // What others ordered about it names its patient, too.
        "delete from work_item_event where uid in (select w.uid from work_item w join study s \
         on s.study_instance_uid = w.study_instance_uid where s.id = $1)",
        "delete from work_item where study_instance_uid in (select s.study_instance_uid from study s where s.id = $1)",
        "delete from quarantine where study_id = $1",
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
    Ok(Some(erased))
}
