//! What is done once before anything new comes in: the files are compared with the rows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use overread_archive::limits::UNCLAIMED_AGE;
use overread_archive::{Archive, PackId, Settled};
use overread_store::{Store, packs};

use crate::IngestError;
use crate::recover::Left;

/// Empties the spool folder, and notes which packs hold more than the index knows.
///
/// What the index does not know is left alone here: the index may be an older copy, or not the one of this archive.
///
/// # Errors
/// When the archive or the index cannot be read. Lost bytes are no error here; `verify` names them.
pub(crate) async fn settle(
    store: &Store,
    archive: &Archive,
    left: &Arc<Left>,
) -> Result<(), IngestError> {
    archive.empty_spool().await?;
    if archive.kind() == "s3" {
        let (store, archive, left) = (store.clone(), archive.clone(), Arc::clone(left));
        tokio::spawn(async move {
            if let Err(error) = settle_packs(&store, &archive, &left).await {
                left.look_anywhere();
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the bucket could not be compared with the index");
            }
        });
        return Ok(());
    }
    settle_packs(store, archive, left).await
}

/// Compares the lengths of all packs with the index.
pub(crate) async fn settle_packs(
    store: &Store,
    archive: &Archive,
    left: &Left,
) -> Result<(), IngestError> {
    crate::erase::finish(store, archive).await?;
    let files = archive.list_packs().await?;
    let known: HashMap<PackId, u64> = packs::list(&mut store.read().await?)
        .await?
        .into_iter()
        .collect();
    let mut unclaimed = 0_u64;
    for pack in files {
        if known.get(&pack.pack_id) == Some(&pack.length_bytes) {
            continue;
        }
        match settled(store, archive, pack.pack_id, UNCLAIMED_AGE).await? {
            Settled::Fine => {}
            Settled::Cut | Settled::Removed => {
                tracing::info!(pack.id = %pack.pack_id, "removed a batch that an interrupted run had not finished");
            }
            Settled::Busy => left.add(pack.pack_id),
            Settled::Unclaimed => {
                unclaimed += 1;
                left.add(pack.pack_id);
            }
            Settled::Short => {
                tracing::error!(pack.id = %pack.pack_id, "a pack is shorter than the index says; run overread verify");
            }
        }
    }
    if unclaimed > 0 {
        tracing::info!(
            packs = unclaimed,
            "packs hold what the index does not know; a server takes in what belongs to its database"
        );
    }
    Ok(())
}

/// Compares one pack with the index.
pub(crate) async fn settled(
    store: &Store,
    archive: &Archive,
    pack_id: PackId,
    age: Duration,
) -> Result<Settled, IngestError> {
    // Asked once the file is locked: another process may just have committed.
    let committed = async || -> Result<Option<u64>, IngestError> {
        Ok(packs::committed_bytes(&mut store.read().await?, pack_id).await?)
    };
    archive.settle(pack_id, age, committed).await
}
