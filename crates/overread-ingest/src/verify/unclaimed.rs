//! Bytes of packs that no row knows, and that are no batch on its way.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use overread_archive::{Archive, ArchiveError};
use overread_model::extent::PackId;
use overread_store::{Store, packs};

use crate::{IngestError, limits};

/// A pack in which whole batches stand behind what is committed.
pub(super) struct Suspect {
    pack_id: PackId,
    /// Where the last of them ends.
    end_bytes: u64,
}

/// Lists the packs that hold more than the rows say; the beginning of a batch that was never finished is nothing.
pub(super) async fn suspects(
    archive: &Archive,
    files: &HashMap<PackId, u64>,
    committed: &HashMap<PackId, u64>,
) -> Result<Vec<Suspect>, IngestError> {
    let mut suspects = Vec::new();
    for (&pack_id, &length) in files {
        let known = committed.get(&pack_id).copied();
        if length <= known.unwrap_or(overread_archive::limits::PACK_HEADER_BYTES) {
            continue;
        }
        let end_bytes = match archive.contents(pack_id, length).await {
            Ok(contents) => contents.unfinished_from.unwrap_or(length),
            Err(error @ ArchiveError::Away { .. }) if !super::is_lost(&error) => {
                return Err(error.into());
            }
            // Unreadable, or removed in between, which is found at the end.
            Err(_) => length,
        };
        suspects.push(Suspect { pack_id, end_bytes });
    }
    Ok(suspects)
}

/// Returns how many bytes no row knows even when whoever wrote them has had time to commit, or to remove the pack.
pub(super) async fn remaining(
    store: &Store,
    archive: &Archive,
    mut suspects: Vec<Suspect>,
) -> Result<u64, IngestError> {
    let begun = Instant::now();
    loop {
        let (mut unclaimed, mut is_underway) = (0, false);
        let mut left = Vec::new();
        if !suspects.is_empty() {
            let packs = archive.list_packs().await?;
            let there: HashSet<PackId> = packs.into_iter().map(|pack| pack.pack_id).collect();
            suspects.retain(|suspect| there.contains(&suspect.pack_id));
        }
        for suspect in suspects {
            // Asked before the rows are: who has let go of the pack has committed.
            is_underway = is_underway || archive.may_be_written(suspect.pack_id).await;
            let mut tx = store.read().await?;
            let committed = packs::committed_bytes(&mut tx, suspect.pack_id).await?;
            let known = committed.unwrap_or(overread_archive::limits::PACK_HEADER_BYTES);
            if suspect.end_bytes > known {
                unclaimed += suspect.end_bytes - known;
                left.push(suspect);
            }
        }
        if left.is_empty() || !is_underway || begun.elapsed() >= limits::COMMIT_PATIENCE {
            return Ok(unclaimed);
        }
        suspects = left;
        tokio::time::sleep(limits::COMMIT_PAUSE).await;
    }
}
