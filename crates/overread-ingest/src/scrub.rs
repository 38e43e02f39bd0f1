//! Proves the whole archive beside everything else, a pack at a time, again and again.

use std::collections::{BTreeSet, HashMap, HashSet};

use overread_archive::{Archive, ArchiveError, PackId};
use overread_model::time::Timestamp;
use overread_store::proof::{self, Claim};
use overread_store::scrubbing::{self, EVERY_PACK, Scrub};
use overread_store::{Store, packs};
use tokio::sync::Mutex;

use crate::verify::{is_lost, prove_claim, prove_pack, prove_rows};
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

/// Keeps what the proof found damaged from being given out before it is known whether it was put back.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) async fn shun_listed(store: &Store, archive: &Archive) -> Result<(), IngestError> {
    let state = scrubbing::state(&mut store.read().await?).await?;
    if let Some(state) = state {
        archive.shun(listed(&state).into_iter().collect());
    }
    Ok(())
}

/// Keeps what the proof found damaged from being given out as if it were whole, on every node.
///
/// What is found damaged anew is proven once more first: the pack may have been put back from a backup while nothing ran.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) async fn shun_damaged(
    store: &Store,
    archive: &Archive,
    judged: &Mutex<Option<BTreeSet<Place>>>,
) -> Result<(), IngestError> {
    let state = scrubbing::state(&mut store.read().await?).await?;
    let listed = state.map(|state| listed(&state)).unwrap_or_default();
    let mut judged = judged.lock().await;
    if judged.as_ref() == Some(&listed) {
        return Ok(());
    }
    let proof = archive.past_cache();
    let known = judged.take().unwrap_or_default();
    let mut damaged = HashSet::new();
    let mut claims: (Option<PackId>, HashMap<u64, Claim>) = (None, HashMap::new());
    for &place in &listed {
        let (pack_id, offset_bytes) = place;
        if claims.0 != Some(pack_id) {
            let of_pack = proof::claims_of(&mut store.read().await?, pack_id).await?;
            let by_place = of_pack
                .into_iter()
                .map(|claim| (claim.extent.offset_bytes, claim));
            claims = (Some(pack_id), by_place.collect());
        }
        let Some(claim) = claims.1.remove(&offset_bytes) else {
            continue;
        };
        let is_known = known.contains(&place) && archive.is_shunned(claim.extent);
        if is_known || prove_claim(store, &proof, claim).await?.1.is_some() {
            damaged.insert(place);
        }
    }
    archive.shun(damaged);
    *judged = Some(listed);
    Ok(())
}

/// Where an extent begins.
pub(crate) type Place = (PackId, u64);

/// Returns where the damaged instances and papers of this round and of the last one begin, unless this round found them whole.
fn listed(state: &Scrub) -> BTreeSet<Place> {
    let before = state.last_damaged.lines().filter_map(place_in);
    let before =
        before.filter(|(pack_id, _)| pack_id.get() > state.after_pack_id || state.is_over());
    before
        .chain(state.damaged.lines().filter_map(place_in))
        .collect()
}

/// Reads where an extent begins out of a line of damage: `instance 7 (pack 00000000000000a1 at 16): …`.
fn place_in(line: &str) -> Option<Place> {
    let (_, place) = line.split_once("(pack ")?;
    let (place, _) = place.split_once("):")?;
    let (pack, offset) = place.split_once(" at ")?;
    let pack_id = i64::from_str_radix(pack, 16).ok().and_then(PackId::new)?;
    Some((pack_id, offset.parse().ok()?))
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
