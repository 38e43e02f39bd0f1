//! Takes batches into the index that it does not know: all of them when the database is new, the latest when it is an older copy.
//!
//! Batches are entered as they were the first time, in the order in which they were committed, each in one transaction, so that
//! an interrupted run goes on where it was. What people decided (cases, grants, releases) is in the database alone; where a
//! batch was admitted by such a decision, its images are set aside until somebody decides again.

mod taking;

use std::collections::{BTreeSet, HashMap};

use overread_archive::{Archive, ArchiveError, Contents, Extent, Recorded};
use overread_model::access::Actor;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::quotas::Rooms;
use overread_store::rebuilding::{self, Part};
use overread_store::studies::{self, Entered, Outcome};
use overread_store::{Script, Store, Tx, deletions, deliveries, documents, packs};
use serde::Serialize;

use crate::commit::{has_conflict, same};
use crate::{IngestError, limits};

use taking::Taken;

/// What a rebuild found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RebuildReport {
    /// Packs that were looked at.
    pub packs: u64,
    /// Batches that were taken in.
    pub batches: u64,
    /// Batches that are left.
    pub left: u64,
    /// Instances that are in the index now and were not.
    pub instances: u64,
    /// Instances that wait for a person's decision now.
    pub aside: u64,
    /// Papers that are in the index now and were not.
    pub documents: u64,
    /// Files that were there already.
    pub duplicates: u64,
    /// Files that had been overwritten, or belong to a study that was deleted.
    pub deleted: u64,
    /// Files that name a study that was deleted after they came, and did not go with it (they had been set aside since they
    /// name another patient): they stay in the packs, and nobody sees them.
    pub unseen: u64,
    /// Series whose rows an earlier version wrote without what searches ask for now (station, step, requests), and that have it
    /// now.
    pub completed: u64,
    /// What could not be taken in, by places, without patient data.
    pub damaged: Vec<String>,
}

impl RebuildReport {
    fn damage(&mut self, what: String) {
        if self.damaged.len() < limits::DAMAGES {
            self.damaged.push(what);
        }
    }
}

/// Takes in every batch of the packs that the index does not know; `tell` hears now and then how far it is.
///
/// It may run beside others who store: whichever of two enters a batch first, the other does not.
///
/// # Errors
/// When the database or the archive cannot be asked at all; run again, it goes on. Damage is no error but an answer.
pub async fn rebuild(
    store: &Store,
    archive: &Archive,
    now: Timestamp,
    mut tell: impl FnMut(&RebuildReport),
) -> Result<RebuildReport, IngestError> {
    let archive = &archive.past_cache();
    let mut report = RebuildReport::default();
    plan(store, archive, &mut report, &mut tell).await?;
    loop {
        let parts = rebuilding::next(&mut store.read().await?).await?;
        let Some(first) = parts.first() else { break };
        let run = Run { store, archive };
        run.batch(&parts, first, &mut report).await?;
        report.left = report.left.saturating_sub(parts.len() as u64);
        tell(&report);
    }
    crate::erase::finish(store, archive).await?;
    complete(store, archive, &mut report).await?;
    note(store, "index.rebuilt", &report, now).await?;
    Ok(report)
}

/// Fills in what rows of earlier versions leave out, from the files.
async fn complete(
    store: &Store,
    archive: &Archive,
    report: &mut RebuildReport,
) -> Result<(), IngestError> {
    let mut after = 0;
    loop {
        let early = rebuilding::early(&mut store.read().await?, after).await?;
        let Some(last) = early.last() else {
            return Ok(());
        };
        after = last.series_id;
        let mut read = Vec::with_capacity(early.len());
        for one in early {
            // What cannot be read is named by the proof.
            if let Some(facts) = crate::facts_of(archive, one.first).await {
                read.push((one, facts));
            }
        }
        let mut tx = store.begin().await?;
        for (one, facts) in read {
            report.completed += u64::from(rebuilding::complete(&mut tx, &one, &facts).await?);
        }
        tx.commit().await?;
    }
}

/// Puts on record what was taken in.
pub(crate) async fn note(
    store: &Store,
    action: &'static str,
    report: &RebuildReport,
    now: Timestamp,
) -> Result<(), IngestError> {
    let detail = serde_json::json!({"batches": report.batches, "instances": report.instances,
        "aside": report.aside, "documents": report.documents, "damaged": report.damaged.len()});
    let event = AuditEvent::new(action).with(detail);
    let mut tx = store.begin().await?;
    audit::record(&mut tx, &Actor::System, &event, now).await?;
    Ok(tx.commit().await?)
}

/// Notes every batch that the index does not know.
async fn plan(
    store: &Store,
    archive: &Archive,
    report: &mut RebuildReport,
    tell: &mut impl FnMut(&RebuildReport),
) -> Result<(), IngestError> {
    let mut tx = store.begin().await?;
    rebuilding::clear(&mut tx).await?;
    tx.commit().await?;
    for pack in archive.list_packs().await? {
        report.packs += 1;
        let contents = match archive.contents(pack.pack_id, pack.length_bytes).await {
            Ok(contents) => contents,
            Err(error @ ArchiveError::Away { .. }) => return Err(error.into()),
            Err(_) => {
                report.damage(format!("pack {}: it cannot be read", pack.pack_id));
                continue;
            }
        };
        let mut tx = store.read().await?;
        let committed = packs::committed_bytes(&mut tx, pack.pack_id).await?;
        let claimed = packs::claimed(&mut tx, pack.pack_id, 0..pack.length_bytes).await?;
        drop(tx);
        tell_uncovered(pack.pack_id, &contents, &claimed, report);
        let mut script = Script::default();
        for batch in &contents.batches {
            let mut entries = batch.directory.entries.iter();
            let is_known = batch.end_bytes() <= committed.unwrap_or_default()
                && entries.all(|entry| {
                    entry.extent.length_bytes == 0
                        || claimed.contains_key(&entry.extent.offset_bytes)
                });
            if !is_known {
                rebuilding::add(&mut script, &part_of(batch));
                report.left += 1;
            }
        }
        let mut tx = store.begin().await?;
        script.run(&mut tx).await?;
        tx.commit().await?;
        tell(report);
    }
    Ok(())
}

pub(crate) fn part_of(batch: &Recorded) -> Part {
    Part {
        order: batch.directory.order,
        batch: batch.directory.batch.cast_signed(),
        directory: batch.extent,
        begin_bytes: batch.begin_bytes,
    }
}

/// Names bytes that no directory covers and no row knows.
fn tell_uncovered(
    pack_id: overread_archive::PackId,
    contents: &Contents,
    claimed: &HashMap<u64, u64>,
    report: &mut RebuildReport,
) {
    for range in &contents.uncovered {
        if contents.unfinished_from == Some(range.start) {
            continue;
        }
        let here = claimed.iter().filter(|(offset, _)| range.contains(offset));
        let known: u64 = here.map(|(_, length)| length).sum();
        let unknown = (range.end - range.start).saturating_sub(known);
        if unknown == 0 {
            continue;
        }
        let why = if contents.has_directories {
            "the directory of their batch is damaged"
        } else {
            "they were written before packs had directories, or are no pack of ours; only a backup of the database tells what they are"
        };
        report.damage(format!(
            "pack {pack_id}: {unknown} bytes from {} on cannot be taken in, since {why}",
            range.start
        ));
    }
}

/// Batches that are being taken in.
pub(crate) struct Run<'a> {
    pub(crate) store: &'a Store,
    pub(crate) archive: &'a Archive,
}

impl Run<'_> {
    /// Enters one batch, all parts of it that are here.
    pub(crate) async fn batch(
        &self,
        parts: &[Part],
        first: &Part,
        report: &mut RebuildReport,
    ) -> Result<(), IngestError> {
        for tried in 1.. {
            let mut taken = self.take(parts).await?;
            match self.enter_compared(parts, first, &mut taken, report).await {
                Err(IngestError::NotStored) if tried < limits::COMMIT_TRIES => {}
                Err(IngestError::Store(error))
                    if error.is_in_the_way() && tried < limits::COMMIT_TRIES => {}
                outcome => return outcome,
            }
        }
        Err(IngestError::NotStored)
    }

    /// Reads the directories of a batch again, and the files in them that no row knows. Whoever wrote them may have been
    /// killed before they were synced.
    async fn take(&self, parts: &[Part]) -> Result<Taken, IngestError> {
        let mut taken = Taken::default();
        let packs: BTreeSet<_> = parts.iter().map(|part| part.directory.pack_id).collect();
        for pack_id in packs {
            self.archive.sync(pack_id).await?;
        }
        taken.erased = deletions::erased_count(&mut self.store.read().await?).await?;
        for part in parts {
            let end = part.directory.offset_bytes + part.directory.length_bytes;
            let recorded = self.archive.recorded(part.directory.pack_id, end).await?;
            // It was read when the packs were looked at; what is unreadable since is left for the next run.
            let recorded = recorded.ok_or(IngestError::NotStored)?;
            let claimed = self.claimed(&mut self.store.read().await?, part).await?;
            taken.add(recorded, claimed)?;
        }
        taken.read(self.archive).await?;
        Ok(taken)
    }

    async fn claimed(&self, tx: &mut Tx, part: &Part) -> Result<BTreeSet<u64>, IngestError> {
        let range = part.begin_bytes..part.directory.offset_bytes;
        let claimed = packs::claimed(tx, part.directory.pack_id, range).await?;
        Ok(claimed.into_keys().collect())
    }

    /// Enters one batch; what would be a conflict is compared first, as it was when the batch was written.
    async fn enter_compared(
        &self,
        parts: &[Part],
        first: &Part,
        taken: &mut Taken,
        report: &mut RebuildReport,
    ) -> Result<(), IngestError> {
        let tried = self
            .enter(parts, first, taken, report, has_conflict)
            .await?;
        if let Some(outcomes) = tried {
            same::note_twins(self.store, self.archive, &mut taken.batch, &outcomes).await?;
            self.enter(parts, first, taken, report, |_| false).await?;
        }
        Ok(())
    }

    /// Returns the outcomes without committing anything when they are to be looked at first.
    async fn enter(
        &self,
        parts: &[Part],
        first: &Part,
        taken: &Taken,
        report: &mut RebuildReport,
        is_doubtful: impl Fn(&[Outcome]) -> bool,
    ) -> Result<Option<Vec<Outcome>>, IngestError> {
        let mut tx = self.store.begin().await?;
        // Room in cases is not asked for: it may all have been acknowledged, and then there was room.
        studies::take_turns(&mut tx, &taken.batch, &[]).await?;
        // Who erases a study has the same turn: what was erased since the files were read is asked for again.
        audit::take_turn(&mut tx).await?;
        if deletions::erased_count(&mut tx).await? != taken.erased {
            return Err(IngestError::NotStored);
        }
        for (part, claimed) in parts.iter().zip(&taken.claimed) {
            let end = part.directory.offset_bytes + part.directory.length_bytes;
            packs::claim(&mut tx, part.directory.pack_id, end, taken.now).await?;
            if self.claimed(&mut tx, part).await? != *claimed {
                // Whoever wrote the batch was faster in the end.
                return Err(IngestError::NotStored);
            }
        }
        for extent in &taken.unseen {
            packs::keep_gap(&mut tx, *extent, "of a deleted study").await?;
        }
        for (extent, reason) in &taken.gaps {
            packs::add_gap(&mut tx, *extent, reason).await?;
        }
        for (scope, source, started) in &taken.deliveries {
            deliveries::start(&mut tx, scope, source.as_str(), *started).await?;
        }
        let mut rooms = Rooms::of_stored();
        let entered = studies::enter(&mut tx, &taken.batch, &mut rooms, taken.now);
        let (outcomes, mut script) = entered.await?;
        if is_doubtful(&outcomes) {
            tx.rollback().await?;
            return Ok(Some(outcomes));
        }
        taken.count_up(&mut script, &outcomes);
        script.run(&mut tx).await?;
        let mut new_documents = 0;
        for document in &taken.documents {
            new_documents += u64::from(documents::enter(&mut tx, document, taken.now).await?);
        }
        rebuilding::done(&mut tx, first).await?;
        tx.commit().await?;
        report.batches += 1;
        report.documents += new_documents;
        report.duplicates += taken.documents.len() as u64 - new_documents;
        report.deleted += taken.deleted;
        report.unseen += taken.unseen.len() as u64;
        for damage in &taken.damaged {
            report.damage(damage.clone());
        }
        count(report, &outcomes);
        Ok(None)
    }
}

fn count(report: &mut RebuildReport, outcomes: &[Outcome]) {
    for outcome in outcomes {
        match outcome.entered {
            Entered::Stored(_) => report.instances += 1,
            Entered::Duplicate(_) => report.duplicates += 1,
            Entered::Conflict | Entered::Foreign(_) | Entered::OtherPatient(_) => report.aside += 1,
            Entered::Deleted | Entered::NoRoom => report.deleted += 1,
        }
    }
}

/// Returns the bytes of a batch that belong to no file of it: what failed copies left.
fn left_over(recorded: &Recorded) -> Vec<Extent> {
    let mut next = recorded.begin_bytes;
    let mut left = Vec::new();
    let ends = recorded.directory.entries.iter().map(|entry| entry.extent);
    for extent in ends.chain([recorded.extent]) {
        if extent.offset_bytes > next {
            left.push(Extent {
                pack_id: extent.pack_id,
                offset_bytes: next,
                length_bytes: extent.offset_bytes - next,
            });
        }
        next = extent.offset_bytes + extent.length_bytes;
    }
    left
}
