//! Erases a study: rows first, in one transaction, then the bytes.

use overread_archive::Archive;
use overread_store::Store;
use overread_store::studies::{self, StudyKey};

use crate::IngestError;

/// Deletes a study and erases its bytes. The caller has recorded why, and that it may be done.
///
/// When the program ends in between, packs without rows are removed at the next start; bytes inside of shared packs are
/// noted as gaps before and overwritten after.
///
/// # Errors
/// When the index or the archive fails.
pub async fn erase_study(
    store: &Store,
    archive: &Archive,
    study: StudyKey,
) -> Result<(), IngestError> {
    let mut tx = store.begin().await?;
    let erased = studies::delete(&mut tx, study).await?;
    tx.commit().await?;
    for pack_id in erased.empty_packs {
        archive.remove(pack_id).await?;
    }
    for extent in erased.extents {
        archive.erase(extent).await?;
    }
    Ok(())
}
