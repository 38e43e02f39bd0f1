//! What is done once before anything new comes in: the files are brought in line with the rows.

use std::collections::HashMap;

use overread_archive::{Archive, PackId, Settled};
use overread_store::{Store, packs};

use crate::IngestError;

/// Empties the spool folder, and cuts off what an earlier run wrote and never committed.
///
/// In a bucket only what is old is removed, so that this harms nobody who writes meanwhile: nobody need wait for it.
///
/// # Errors
/// When the archive or the index cannot be read or cut. Lost bytes are no error here; `verify` names them.
pub(crate) async fn settle(store: &Store, archive: &Archive) -> Result<(), IngestError> {
    archive.empty_spool().await?;
    if archive.kind() == "s3" {
        let (store, archive) = (store.clone(), archive.clone());
        tokio::spawn(async move {
            if let Err(error) = settle_packs(&store, &archive).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "what interrupted runs left in the bucket was not removed"
                );
            }
        });
        return Ok(());
    }
    settle_packs(store, archive).await
}

async fn settle_packs(store: &Store, archive: &Archive) -> Result<(), IngestError> {
    let files = archive.list_packs().await?;
    let known: HashMap<PackId, u64> = packs::list(&mut store.read().await?)
        .await?
        .into_iter()
        .collect();
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
                tracing::info!(pack.id = %pack.pack_id, "removed what an interrupted run had not committed");
            }
            Settled::Short => {
                tracing::error!(pack.id = %pack.pack_id, "a pack is shorter than the index says; run overread verify");
            }
        }
    }
    Ok(())
}
