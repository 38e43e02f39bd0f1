//! Erases a study: rows first, in one transaction, then the bytes.

use overread_archive::Archive;
use overread_model::extent::PackId;
use overread_store::Store;
use overread_store::studies::{self, ErasedStudy, StudyKey};

use crate::{IngestError, limits};

/// Deletes a study and erases its bytes. The caller has recorded why, and that it may be done.
///
/// When the program ends in between, packs without rows are removed at the next start; bytes inside of shared packs are
/// noted as gaps before and overwritten after.
///
/// # Errors
/// When the index or the archive fails, or batches go on adding to the study.
pub async fn erase_study(
    store: &Store,
    archive: &Archive,
    study: StudyKey,
) -> Result<(), IngestError> {
    // Which packs a study lies in only the transaction tells, and no batch may be on its way into one of them meanwhile.
    let mut packs: Vec<PackId> = Vec::new();
    for _ in 0..limits::COMMIT_TRIES {
        let held = archive.hold(packs).await?;
        let mut tx = store.begin().await?;
        let erased = studies::delete(&mut tx, study).await?;
        packs = packs_of(&erased);
        if held.has_all(&packs) {
            tx.commit().await?;
            return erase(archive, erased).await;
        }
        tx.rollback().await?;
    }
    Err(IngestError::NotStored)
}

fn packs_of(erased: &ErasedStudy) -> Vec<PackId> {
    let shared = erased.extents.iter().map(|extent| extent.pack_id);
    erased.empty_packs.iter().copied().chain(shared).collect()
}

async fn erase(archive: &Archive, erased: ErasedStudy) -> Result<(), IngestError> {
    for pack_id in erased.empty_packs {
        archive.remove(pack_id).await?;
    }
    for extent in erased.extents {
        archive.erase(extent).await?;
    }
    Ok(())
}
