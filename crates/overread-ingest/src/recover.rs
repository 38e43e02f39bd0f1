//! Takes in by itself what a failure left behind: whole batches in the packs whose rows never came, since the program was
//! killed, the database was away or its disc was full, or the database is an older copy.
//!
//! Nobody was answered for such a batch, or everybody was and the copy does not know it; nothing in the packs tells which. In
//! both cases taking it in is right: nothing acknowledged is lost, and who was not answered and sends again is told that it is
//! there. Only batches of this very database are taken in: whether it is that of the archive is looked at first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use overread_archive::limits::UNCLAIMED_AGE;
use overread_archive::{Archive, ArchiveError, PackId, Settled};
use overread_model::time::Timestamp;
use overread_store::rebuilding::{self, Part};
use overread_store::{Store, packs};

use crate::rebuild::{Run, note, part_of};
use crate::{IngestError, RebuildReport, limits, settle};

/// Packs that may hold what a failure left behind.
#[derive(Debug, Default)]
pub(crate) struct Left {
    behind: Mutex<Behind>,
}

#[derive(Debug, Default)]
struct Behind {
    /// Every pack is to be compared with the index.
    is_anywhere: bool,
    /// How old each of them must be, where nobody can lock it, before nobody else is thought to be about to commit it.
    packs: BTreeMap<PackId, Duration>,
}

impl Left {
    fn behind(&self) -> MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a batch failed before it was known in which packs it is.
    pub(crate) fn look_anywhere(&self) {
        self.behind().is_anywhere = true;
    }

    /// Adds a pack that holds more than the index knows; another node may be writing it.
    pub(crate) fn add(&self, pack_id: PackId) {
        self.behind().packs.entry(pack_id).or_insert(UNCLAIMED_AGE);
    }

    /// Adds the packs of a batch of our own that failed: nobody writes them any more.
    pub(crate) fn add_ours(&self, packs: impl Iterator<Item = PackId>) {
        let ours = packs.map(|pack_id| (pack_id, Duration::ZERO));
        self.behind().packs.extend(ours);
    }

    fn forget(&self, pack_id: PackId) {
        self.behind().packs.remove(&pack_id);
    }
}

/// Takes in what was left behind; does nothing, and asks nobody, where nothing was.
pub(crate) async fn recover(
    store: &Store,
    archive: &Archive,
    left: &Left,
    now: Timestamp,
) -> Result<RebuildReport, IngestError> {
    let mut report = RebuildReport::default();
    if std::mem::take(&mut left.behind().is_anywhere)
        && let Err(error) = settle::settle_packs(store, archive, left).await
    {
        left.look_anywhere();
        return Err(error);
    }
    let archive = &archive.past_cache();
    let found = unclaimed(store, archive, left).await?;
    if found.is_empty() {
        return Ok(report);
    }
    let Some(since) = since(store, archive).await? else {
        tracing::error!(
            packs = found.len(),
            "packs hold what the index does not know, and the index knows none of the packs that are here: it is probably that of \
             another archive; nothing was taken in. Look at the settings, or run overread rebuild"
        );
        found.iter().for_each(|pack_id| left.forget(*pack_id));
        return Ok(report);
    };
    let mut plan = Plan::default();
    for pack_id in found {
        report.packs += 1;
        if !plan.add(store, archive, pack_id, since).await? {
            left.forget(pack_id);
            tracing::warn!(
                pack.id = %pack_id,
                "a pack holds what the index does not know and what is not taken in by itself, since it is older than the \
                 database, or a directory is damaged; run overread rebuild"
            );
        }
    }
    let (first, last) = (plan.first(), plan.last());
    let run = Run { store, archive };
    for parts in plan.batches.values() {
        for part in parts {
            let directory = part.directory;
            let end_bytes = directory.offset_bytes + directory.length_bytes;
            let range = part.begin_bytes..end_bytes;
            archive.rewrite(directory.pack_id, range).await?;
        }
        if let Some(part) = parts.first() {
            run.batch(parts, part, &mut report).await?;
        }
    }
    if report.batches > 0 {
        crate::erase::finish(store, archive).await?;
        note(store, "index.recovered", &report, now).await?;
        tracing::warn!(
            batches = report.batches,
            instances = report.instances,
            papers = report.documents,
            aside = report.aside,
            from = first,
            to = last,
            "batches that the index did not know were taken in: a failure came before they were acknowledged, or the database is \
             an older copy; then what people decided since is missing"
        );
    }
    for damage in &report.damaged {
        tracing::error!(damage, "part of a batch could not be taken in");
    }
    Ok(report)
}

/// Lists the packs that hold more than the index knows, and that nobody is about to commit.
async fn unclaimed(
    store: &Store,
    archive: &Archive,
    left: &Left,
) -> Result<Vec<PackId>, IngestError> {
    let packs = left.behind().packs.clone();
    let mut found = Vec::new();
    for (pack_id, age) in packs {
        match settle::settled(store, archive, pack_id, age).await? {
            Settled::Busy => {}
            Settled::Unclaimed => found.push(pack_id),
            Settled::Fine | Settled::Cut | Settled::Removed | Settled::Short => {
                left.forget(pack_id);
            }
        }
    }
    Ok(found)
}

/// Returns since when batches are of this database, UTC µs; `None` when it is that of another archive.
///
/// The numbers of packs are random, so one that both know is proof. A database that knows none is new: then what is later than
/// it can only have been meant for it, and what is older was another one's, which may be in use yet.
async fn since(store: &Store, archive: &Archive) -> Result<Option<i64>, IngestError> {
    let mut tx = store.read().await?;
    let known = packs::list(&mut tx).await?;
    let born = rebuilding::born_at(&mut tx).await?;
    drop(tx);
    let here = archive.list_packs().await?;
    let here: BTreeSet<PackId> = here.into_iter().map(|pack| pack.pack_id).collect();
    let is_ours = known.is_empty() || known.iter().any(|(pack_id, _)| here.contains(pack_id));
    Ok(is_ours.then_some(born))
}

/// What is to be taken in, by its place among all batches.
#[derive(Default)]
struct Plan {
    batches: BTreeMap<(i64, i64), Vec<Part>>,
    count: usize,
}

impl Plan {
    /// Adds what a pack holds beyond what the index knows; says whether all of it may be taken in.
    async fn add(
        &mut self,
        store: &Store,
        archive: &Archive,
        pack_id: PackId,
        since: i64,
    ) -> Result<bool, IngestError> {
        let Some(pack) = archive.length_of(pack_id).await? else {
            return Ok(true);
        };
        let contents = match archive.contents(pack_id, pack).await {
            Ok(contents) => contents,
            Err(error @ ArchiveError::Away { .. }) => return Err(error.into()),
            Err(_) => return Ok(false),
        };
        let committed = packs::committed_bytes(&mut store.read().await?, pack_id).await?;
        let known = committed.unwrap_or_default();
        let is_further = |range: &&std::ops::Range<u64>| range.end > known;
        let mut uncovered = contents.uncovered.iter().filter(is_further);
        let is_whole = uncovered.all(|range| contents.unfinished_from == Some(range.start));
        let batches = contents.batches.iter();
        let new: Vec<Part> = batches
            .filter(|batch| batch.end_bytes() > known)
            .map(part_of)
            .collect();
        if !is_whole || new.iter().any(|part| part.order < since) {
            return Ok(false);
        }
        for part in new {
            let place = (part.order, part.batch);
            self.batches.entry(place).or_default().push(part);
            self.count += 1;
        }
        // What is left for the next time is the latest, so that all goes in as it came.
        while self.count > limits::RECOVERED_PARTS
            && let Some((_, parts)) = self.batches.pop_last()
        {
            self.count -= parts.len();
        }
        Ok(true)
    }

    fn first(&self) -> Option<String> {
        self.batches.keys().next().map(told)
    }

    fn last(&self) -> Option<String> {
        self.batches.keys().next_back().map(told)
    }
}

fn told((order, _): &(i64, i64)) -> String {
    Timestamp::from_micros(*order).to_rfc3339()
}
