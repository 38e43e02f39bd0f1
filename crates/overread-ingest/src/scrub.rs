//! Proves the whole archive beside everything else, a pack at a time, again and again.

use overread_archive::{Archive, ArchiveError, PackId};
use overread_model::time::Timestamp;
use overread_store::scrubbing::{self, EVERY_PACK, Scrub};
use overread_store::{Store, packs};

use crate::verify::{is_lost, prove_pack, prove_rows};
use crate::{IngestError, VerifyReport, limits};

/// Proves the next pack, or begins a round when the last one ended `every_days` ago; says whether there was anything to do.
///
/// How far it is stands in the database, so that it goes on where a stopped program was, and nodes share the work.
///
/// # Errors
/// When the database or the archive cannot be asked; the same pack is tried again next time.
pub async fn scrub_some(
    store: &Store,
    archive: &Archive,
    every_days: i64,
    now: Timestamp,
) -> Result<bool, IngestError> {
    let state = scrubbing::state(&mut store.read().await?).await?;
    let Some(state) = state.filter(|state| !state.is_over()) else {
        return begin_when_due(store, every_days, now).await;
    };
    let archive = &archive.past_cache();
    let mut report = VerifyReport::default();
    let mut after = state.clone();
    let next = scrubbing::next_pack(&mut store.read().await?, state.after_pack_id).await?;
    match next {
        Some((pack_id, committed)) => {
            prove_pack(store, archive, pack_id, committed, &mut report).await?;
            if !report.damaged.is_empty() {
                // Something may have been deleted in between, or a network was away for a moment.
                report = VerifyReport::default();
                prove_again(store, archive, pack_id, &mut report).await?;
            }
            after.after_pack_id = pack_id.get();
        }
        None => {
            prove_rows(store, &mut report).await?;
            after.after_pack_id = EVERY_PACK;
            after.finished_at = Some(now.as_micros());
        }
    }
    add(&mut after, &report);
    if after.finished_at != state.finished_at {
        after.last_damaged.clone_from(&after.damaged);
    }
    let mut tx = store.begin().await?;
    let is_ours = scrubbing::advance(&mut tx, &state, &after).await?;
    tx.commit().await?;
    if is_ours {
        tell(&after, &report);
    }
    Ok(true)
}

/// Proves a pack once more, unless it is gone by now, or out of reach.
async fn prove_again(
    store: &Store,
    archive: &Archive,
    pack_id: PackId,
    report: &mut VerifyReport,
) -> Result<(), IngestError> {
    let mut tx = store.read().await?;
    let Some(committed) = packs::committed_bytes(&mut tx, pack_id).await? else {
        return Ok(());
    };
    drop(tx);
    prove_pack(store, archive, pack_id, committed, report).await?;
    match archive.header_is_good(pack_id).await {
        Err(error @ ArchiveError::Away { .. }) if !is_lost(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

async fn begin_when_due(
    store: &Store,
    every_days: i64,
    now: Timestamp,
) -> Result<bool, IngestError> {
    let mut tx = store.begin().await?;
    // Asked again where nobody else writes.
    let state = scrubbing::state(&mut tx).await?;
    let is_due = state.is_none_or(|state| {
        let finished = Timestamp::from_micros(state.finished_at.unwrap_or(i64::MIN / 2));
        state.is_over() && finished.plus_days(every_days) <= now
    });
    if is_due {
        scrubbing::begin(&mut tx, now).await?;
        tx.commit().await?;
    }
    Ok(is_due)
}

fn add(state: &mut Scrub, report: &VerifyReport) {
    state.instances += report.instances.cast_signed();
    state.bytes += report.bytes.cast_signed();
    let room = limits::DAMAGES.saturating_sub(state.damaged.lines().count());
    for damage in report.damaged.iter().take(room) {
        state.damaged.push_str(damage);
        state.damaged.push('\n');
    }
}

fn tell(state: &Scrub, report: &VerifyReport) {
    for damage in &report.damaged {
        tracing::error!(damage, "the archive is damaged; run overread verify");
    }
    if state.is_over() {
        tracing::info!(
            instances = state.instances,
            bytes = state.bytes,
            damages = state.damaged.lines().count(),
            "every byte of the archive was read again"
        );
    }
}
