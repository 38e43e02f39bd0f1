//! What is done once before anything new comes in: the files are compared with the rows.

use std::collections::HashMap;

use overread_archive::{Archive, PackId, Settled};
use overread_store::{Store, packs};

use crate::IngestError;

/// Empties the spool folder, and tells of packs that hold more or less than the index knows.
///
/// What the index does not know is left alone: the index may be an older copy, or not the one of this archive.
///
/// # Errors
/// When the archive or the index cannot be read. Lost bytes are no error here; `verify` names them.
pub(crate) async fn settle(store: &Store, archive: &Archive) -> Result<(), IngestError> {
    archive.empty_spool().await?;
    if archive.kind() == "s3" {
        let (store, archive) = (store.clone(), archive.clone());
        tokio::spawn(async move {
            if let Err(error) = settle_packs(&store, &archive).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the bucket could not be compared with the index");
            }
        });
        return Ok(());
    }
    settle_packs(store, archive).await
}

async fn settle_packs(store: &Store, archive: &Archive) -> Result<(), IngestError> {
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
        // Asked again once the file is locked: another process may just have committed.
        let settled = archive
            .settle(
                pack.pack_id,
                async || -> Result<Option<u64>, IngestError> {
                    Ok(packs::committed_bytes(&mut store.read().await?, pack.pack_id).await?)
                },
            )
            .await?;
        match settled {
            Settled::Fine => {}
            Settled::Cut | Settled::Removed => {
                tracing::info!(pack.id = %pack.pack_id, "removed a batch that an interrupted run had not finished");
            }
            Settled::Unclaimed => unclaimed += 1,
            Settled::Short => {
                tracing::error!(pack.id = %pack.pack_id, "a pack is shorter than the index says; run overread verify");
            }
        }
    }
    if unclaimed > 0 {
        tracing::warn!(
            packs = unclaimed,
            "packs hold what the index does not know; nothing of it was removed. If the database is new or an older copy, stop and run \
             overread rebuild"
        );
    }
    Ok(())
}
