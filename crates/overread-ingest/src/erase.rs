//! Erases deleted studies: rows first, in one transaction, then the bytes.

use std::collections::BTreeSet;

use overread_archive::{Archive, ArchiveError, Deletion};
use overread_model::access::Actor;
use overread_model::extent::PackId;
use overread_model::ids::DeletionId;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::studies::ErasedStudy;
use overread_store::{Store, deletions, erasures, packs};
use tokio::sync::Mutex;

use crate::{IngestError, limits};

/// Erases the rows of a deleted study whose time is over, puts that on record, and notes which bytes must follow; says whether
/// it did. A study that was restored, or that a legal hold covers, stays.
///
/// The bytes follow by [`overwrite_erased`], also when the program ends in between; the archive remembers the deletion before
/// they go, so that no rebuild of the index brings the study back.
///
/// # Errors
/// When the index or the archive fails, or batches go on adding to the study.
pub async fn erase_study(
    store: &Store,
    archive: &Archive,
    deletion: &DeletionId,
    now: Timestamp,
) -> Result<bool, IngestError> {
    // Which packs a study lies in only the transaction tells, and no batch may be on its way into one of them meanwhile.
    let mut packs: Vec<PackId> = Vec::new();
    for _ in 0..limits::COMMIT_TRIES {
        let held = archive.hold(packs).await?;
        let mut tx = store.begin().await?;
        // Who places a legal hold waits here, or is waited for.
        audit::take_turn(&mut tx).await?;
        let Some((study, erased)) = deletions::begin_erasure(&mut tx, deletion, now).await? else {
            return Ok(false);
        };
        packs = packs_of(&erased);
        if held.has_all(&packs) {
            let event = AuditEvent::new("study.erased")
                .on("study", study)
                .with(serde_json::json!({"deletion": deletion}));
            audit::record(&mut tx, &Actor::System, &event, now).await?;
            tx.commit().await?;
            return Ok(true);
        }
        tx.rollback().await?;
    }
    Err(IngestError::NotStored)
}

fn packs_of(erased: &ErasedStudy) -> Vec<PackId> {
    let shared = erased.extents.iter().map(|extent| extent.pack_id);
    erased.empty_packs.iter().copied().chain(shared).collect()
}

/// Overwrites the bytes of studies whose rows are erased, those of an interrupted run among them; returns how many studies
/// have no byte left by it. Harmless to run twice, and on several nodes.
///
/// # Errors
/// When the index or the archive fails; what is left is done by the next run.
pub async fn overwrite_erased(
    store: &Store,
    archive: &Archive,
    now: Timestamp,
) -> Result<usize, IngestError> {
    finish(store, archive).await?;
    if !deletions::has_unfinished(&mut store.read().await?).await? {
        return Ok(0);
    }
    let mut tx = store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let finished = deletions::finish(&mut tx, now).await?;
    for (deletion, study) in &finished {
        let event = AuditEvent::new("study.overwritten")
            .on("study", study)
            .with(serde_json::json!({"deletion": deletion}));
        audit::record(&mut tx, &Actor::System, &event, now).await?;
    }
    tx.commit().await?;
    Ok(finished.len())
}

/// Does what deletions left to be done in the archive.
///
/// # Errors
/// When the index or the archive fails; what is left stays noted.
pub(crate) async fn finish(store: &Store, archive: &Archive) -> Result<(), IngestError> {
    let mut turn = None;
    loop {
        let studies = erasures::studies(&mut store.read().await?).await?;
        let extents = erasures::some(&mut store.read().await?).await?;
        if studies.is_empty() && extents.is_empty() {
            return Ok(());
        }
        if turn.is_none() {
            // In a bucket both are read, changed and written again: two nodes would undo each other's.
            turn = Some(erasures::take_turn(store).await?);
            continue;
        }
        for study in &studies {
            let digests = erasures::digests(&mut store.read().await?, study).await?;
            let deletion = Deletion {
                until: study.until_at,
                digests: digests.into_iter().collect(),
            };
            archive.remember_deletion(&study.name, deletion).await?;
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

/// Forgets what the cache of this node holds of packs in which something was erased, when that was done since the last look.
pub(crate) async fn forget_erased(
    store: &Store,
    archive: &Archive,
    forgotten: &Mutex<Option<i64>>,
) -> Result<(), IngestError> {
    if archive.kind() != "s3" {
        return Ok(());
    }
    let mut forgotten = forgotten.lock().await;
    let mut tx = store.read().await?;
    let finished = deletions::finished_count(&mut tx).await?;
    if *forgotten == Some(finished) {
        return Ok(());
    }
    let known = packs::list(&mut tx).await?;
    let known: BTreeSet<PackId> = known.into_iter().map(|(pack_id, _)| pack_id).collect();
    let holed = packs::erased_in(&mut tx).await?;
    drop(tx);
    let is_stale = |pack_id| !known.contains(&pack_id) || holed.contains(&pack_id);
    archive.forget_cached(is_stale).await;
    *forgotten = Some(finished);
    Ok(())
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
