//! Erases a study: rows first, in one transaction, then the bytes.

use overread_archive::{Archive, ArchiveError, Deletion};
use overread_model::extent::PackId;
use overread_store::studies::{self, ErasedStudy, StudyKey};
use overread_store::{Store, erasures};

use crate::{IngestError, limits};

/// Deletes a study and erases its bytes. The caller has recorded why, and that it may be done.
///
/// What is to be erased is noted together with the rows that go. When the program ends in between, the next start goes on; the
/// archive remembers the deletion before its bytes go, so that no rebuild of the index brings the study back.
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
            return finish(store, archive).await;
        }
        tx.rollback().await?;
    }
    Err(IngestError::NotStored)
}

fn packs_of(erased: &ErasedStudy) -> Vec<PackId> {
    let shared = erased.extents.iter().map(|extent| extent.pack_id);
    erased.empty_packs.iter().copied().chain(shared).collect()
}

/// Does what deletions left to be done in the archive.
///
/// # Errors
/// When the index or the archive fails; what is left stays noted.
pub async fn finish(store: &Store, archive: &Archive) -> Result<(), IngestError> {
    loop {
        let studies = erasures::studies(&mut store.read().await?).await?;
        for study in &studies {
            let digests = erasures::digests(&mut store.read().await?, study).await?;
            let deletion = Deletion {
                until: study.until_at,
                digests: digests.into_iter().collect(),
            };
            archive.remember_deletion(&study.name, deletion).await?;
        }
        let extents = erasures::some(&mut store.read().await?).await?;
        if studies.is_empty() && extents.is_empty() {
            return Ok(());
        }
        for extent in &extents {
            let erased = match extent.length_bytes {
                0 => archive.remove(extent.pack_id).await,
                _ => archive.erase(*extent).await,
            };
            match erased {
                Err(error) if !is_gone(&error) => return Err(error.into()),
                _ => {}
            }
        }
        let mut tx = store.begin().await?;
        for study in &studies {
            erasures::study_done(&mut tx, study).await?;
        }
        for extent in &extents {
            erasures::done(&mut tx, *extent).await?;
        }
        tx.commit().await?;
    }
}

/// Says whether there is no pack any more that anything could be erased in.
fn is_gone(error: &ArchiveError) -> bool {
    match error {
        ArchiveError::Write { source, .. } | ArchiveError::Away { source } => {
            source.kind() == std::io::ErrorKind::NotFound
        }
        _ => false,
    }
}
