//! Enters a batch of instances whose bytes are on the disc already, in one transaction.

mod batch;
mod kept;
mod known;
mod linking;
mod room;
mod rows;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use overread_model::access::Actor;
use overread_model::extent::{Digest, Extent};
use overread_model::ids::{CaseId, DeliveryId};
use overread_model::imaging::InstanceFacts;
use overread_model::keeping::Usage;
use overread_model::time::Timestamp;

use super::upsert::{SeriesEntry, StudyEntry};
use super::{StudyKey, upsert};
use crate::error::{StoreError, StoreResult};
use crate::quotas::Rooms;
use crate::{Script, Tx, audit, packs};

pub use batch::Batch;
use batch::Group;
pub(crate) use kept::to_digest;
pub use kept::{Known, deleted_among, known_digests};
use known::Known as KnownOfBatch;
use linking::may_add;
pub use linking::{is_of_case, link_pending, link_to_case, may_link};
use room::Counted;
use rows::{insert_block, insert_instance, keep_aside};

/// For whom and in which delivery an instance enters.
#[derive(Debug, Clone)]
pub struct DeliveryScope {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The case whose records it adds to.
    pub case_id: Option<CaseId>,
    /// Who brings it.
    pub actor: Actor,
}

/// One instance, read and stored.
#[derive(Debug, Clone)]
pub struct NewInstance {
    /// What its header says.
    pub facts: InstanceFacts,
    /// Its DICOM JSON object.
    pub metadata_json: Vec<u8>,
    /// Its frame table, as ingest writes it.
    pub frames: Vec<u8>,
    /// Where its bytes are, synced.
    pub extent: Extent,
    /// Of those bytes.
    pub digest: Digest,
    /// For whom it enters.
    pub scope: Arc<DeliveryScope>,
}

/// What became of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Stored, known or kept aside.
    pub entered: Entered,
    /// The study names another patient than this instance does.
    pub patient_differs: bool,
}

/// Sorts of outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// It is new and visible from the commit on.
    Stored(StudyKey),
    /// The same bytes are there already.
    Duplicate(StudyKey),
    /// Other bytes are there under its UID; it is kept aside for a person.
    Conflict,
    /// Its study is held outside the case or grants of who brings it; it is kept aside for a person.
    Foreign(StudyKey),
    /// Its study is another patient's; it is kept aside for a person.
    OtherPatient(StudyKey),
    /// Its study was deleted and can still be restored; it is not kept.
    Deleted,
    /// The case has no room for it; it is not kept.
    NoRoom,
}

/// What the batch has learned about one study.
#[derive(Debug, Default)]
struct Tally {
    instances: i64,
    bytes: i64,
    series: i64,
}

/// Enters the batch. The rows of deliveries and packs are there already; the caller runs the script and commits. Part of a
/// batch.
///
/// The outcomes stand in the order of the batch's instances.
///
/// # Errors
/// When the database fails; then nothing of the transaction may be kept.
pub async fn enter(
    tx: &mut Tx,
    batch: &Batch,
    rooms: &mut Rooms,
    now: Timestamp,
) -> StoreResult<(Vec<Outcome>, Script)> {
    let known = KnownOfBatch::of(tx, &batch.items).await?;
    if known.has_decided_study {
        // A decision may have to be taken back, which is put on record: nothing is locked before that turn.
        audit::take_turn(tx).await?;
    }
    let mut run = Run {
        batch,
        rooms,
        now,
        known,
        script: Script::default(),
        outcomes: vec![None; batch.items.len()],
        studies: BTreeMap::new(),
        admitted: HashMap::new(),
        linked: HashSet::new(),
        counted: Counted::default(),
    };
    for group in &batch.groups {
        run.group(tx, group).await?;
    }
    for (key, tally) in &run.studies {
        if tally.instances > 0 {
            let counts = [tally.series, tally.instances, tally.bytes];
            upsert::count_study(&mut run.script, *key, counts, now);
        }
    }
    let outcomes: Option<Vec<Outcome>> = run.outcomes.into_iter().collect();
    let outcomes = outcomes.ok_or(StoreError::Damaged { table: "instance" })?;
    Ok((outcomes, run.script))
}

struct Run<'a> {
    batch: &'a Batch,
    rooms: &'a mut Rooms,
    now: Timestamp,
    known: KnownOfBatch,
    /// What is left to be run once every row that others refer to is there.
    script: Script,
    outcomes: Vec<Option<Outcome>>,
    /// In one order, so that two who count the same studies do not wait for each other.
    studies: BTreeMap<StudyKey, Tally>,
    admitted: HashMap<(StudyKey, DeliveryId), bool>,
    linked: HashSet<(StudyKey, DeliveryId)>,
    counted: Counted,
}

impl Run<'_> {
    async fn group(&mut self, tx: &mut Tx, group: &Group) -> StoreResult<()> {
        // What is known already needs neither study nor series.
        let mut fresh = Vec::new();
        for (position, index) in group.items.iter().enumerate() {
            let Some(item) = self.batch.items.get(*index) else {
                continue;
            };
            if !self.settle_known(tx, *index, item).await?
                && !self.refuses(tx, *index, item).await?
            {
                fresh.push((position, *index, item));
            }
        }
        let Some((_, _, first)) = fresh.first() else {
            return Ok(());
        };
        let study_uid = first.facts.study.study_instance_uid.as_str().to_owned();
        let mut study = self.study(tx, first).await?;
        let creator = Arc::clone(&first.scope);
        let mut admitted = Vec::new();
        // What is refused changes nothing: neither the study's facts nor the studies of a case.
        for (position, index, item) in fresh {
            let made_it = study.created && item.scope.delivery_id == creator.delivery_id;
            if !self.admits(tx, study.key, &item.scope, made_it).await? {
                keep_aside(tx, item, crate::held_papers::OUTSIDE, self.now).await?;
                self.answer(index, Entered::Foreign(study.key), false);
            } else if study.is_of_another_person(&item.facts.study) {
                keep_aside(tx, item, crate::held_papers::OTHER_PATIENT, self.now).await?;
                self.answer(index, Entered::OtherPatient(study.key), false);
            } else {
                if admitted.is_empty() || study.learns_from(&item.facts.study) {
                    study.complete(tx, &item.facts.study).await?;
                }
                self.link(tx, study.key, &item.scope).await?;
                admitted.push((position, index, item));
            }
        }
        if let Some((_, _, first)) = admitted.first() {
            let series = self.series(tx, study.key, first).await?;
            self.rows(tx, group, &admitted, &series, &study).await?;
        }
        // The next series of the study finds it there.
        study.created = false;
        self.known.studies.insert(study_uid, study);
        Ok(())
    }

    /// Refuses what comes for a deleted study, or into a case without room, before anything of it is written; says whether it
    /// did.
    async fn refuses(
        &mut self,
        tx: &mut Tx,
        index: usize,
        item: &NewInstance,
    ) -> StoreResult<bool> {
        let study = item.facts.study.study_instance_uid.as_str();
        let study = self.known.studies.get(study);
        let refusal = if study.is_some_and(|study| study.is_deleted) {
            Entered::Deleted
        } else if self
            .counted
            .take(tx, (&mut *self.rooms, &self.known), item)
            .await?
        {
            return Ok(false);
        } else {
            Entered::NoRoom
        };
        self.refuse(tx, item).await?;
        self.answer(index, refusal, false);
        Ok(true)
    }

    /// Notes that the bytes of a refused instance belong to nothing. What was stored before may have been acknowledged: nobody
    /// sees it, and it stays.
    async fn refuse(&self, tx: &mut Tx, item: &NewInstance) -> StoreResult<()> {
        if self.rooms.is_of_stored() {
            return packs::keep_gap(tx, item.extent, "of a deleted study").await;
        }
        packs::add_gap(tx, item.extent, "refused").await
    }

    async fn has_room(&mut self, tx: &mut Tx, item: &NewInstance) -> StoreResult<bool> {
        let case_id = item.scope.case_id.as_ref();
        self.rooms.take(tx, case_id, usage(item)).await
    }

    /// Finds or makes the study of an instance.
    async fn study(&mut self, tx: &mut Tx, item: &NewInstance) -> StoreResult<StudyEntry> {
        let facts = &item.facts.study;
        if let Some(entry) = self.known.studies.remove(facts.study_instance_uid.as_str()) {
            return Ok(entry);
        }
        if let Some(entry) = upsert::study(tx, facts, self.now).await? {
            return Ok(entry);
        }
        let mut known = KnownOfBatch::of(tx, std::slice::from_ref(item)).await?;
        let entry = known.studies.remove(facts.study_instance_uid.as_str());
        entry.ok_or(StoreError::Damaged { table: "study" })
    }

    /// Finds or makes the series of an instance.
    async fn series(
        &mut self,
        tx: &mut Tx,
        study: StudyKey,
        item: &NewInstance,
    ) -> StoreResult<SeriesEntry> {
        let facts = &item.facts.series;
        let key = (study, facts.series_instance_uid.as_str().to_owned());
        if let Some(id) = self.known.series.get(&key) {
            return Ok(SeriesEntry {
                id: *id,
                created: false,
            });
        }
        let entry = upsert::series(tx, study, facts, self.now).await?;
        if entry.created {
            upsert::add_modality(tx, study, &facts.modality).await?;
        }
        Ok(entry)
    }

    /// Says whether a delivery may add to a study; asks once for each.
    async fn admits(
        &mut self,
        tx: &mut Tx,
        study: StudyKey,
        scope: &DeliveryScope,
        made_it: bool,
    ) -> StoreResult<bool> {
        let key = (study, scope.delivery_id.clone());
        if let Some(answer) = self.admitted.get(&key) {
            return Ok(*answer);
        }
        let answer = made_it || may_add(tx, study, scope, self.now).await?;
        self.admitted.insert(key, answer);
        Ok(answer)
    }

    /// Makes a study part of the case that a delivery is for, once for each.
    async fn link(
        &mut self,
        tx: &mut Tx,
        study: StudyKey,
        scope: &DeliveryScope,
    ) -> StoreResult<()> {
        let Some(case_id) = &scope.case_id else {
            return Ok(());
        };
        if self.linked.insert((study, scope.delivery_id.clone())) {
            link_pending(tx, study, case_id, self.now).await?;
        }
        Ok(())
    }

    /// Writes the blocks and the rows of one series.
    async fn rows(
        &mut self,
        tx: &mut Tx,
        group: &Group,
        admitted: &[(usize, usize, &NewInstance)],
        series: &upsert::SeriesEntry,
        entry: &upsert::StudyEntry,
    ) -> StoreResult<()> {
        let (study, series_id) = (entry.key, series.id);
        let mut block_ids = Vec::with_capacity(group.blocks.len());
        for block in &group.blocks {
            block_ids.push(insert_block(tx, series_id, block).await?);
        }
        let (mut instances, mut bytes) = (0, 0);
        let mut is_mixed = false;
        for (position, index, item) in admitted {
            let differs = entry.names_another_patient(&item.facts.study);
            // A twin earlier in this batch was not known when the group began.
            if self
                .known
                .instances
                .contains_key(item.facts.sop_instance_uid.as_str())
            {
                self.settle_known(tx, *index, item).await?;
                continue;
            }
            let place = group.places.get(*position).copied().unwrap_or_default();
            let block_id = block_ids.get(place.0).copied().unwrap_or_default();
            let place = (block_id, place.1, place.2);
            insert_instance(&mut self.script, item, series_id, place, self.now);
            self.known.instances.insert(
                item.facts.sop_instance_uid.as_str().to_owned(),
                (study, item.digest, false),
            );
            instances += 1;
            bytes += item.extent.length_bytes as i64;
            is_mixed |= differs;
            self.answer(*index, Entered::Stored(study), differs);
        }
        if is_mixed {
            entry.mix(tx, self.now).await?;
        }
        upsert::count_series(&mut self.script, series_id, [instances, bytes], self.now);
        let tally = self.studies.entry(study).or_default();
        tally.instances += instances;
        tally.bytes += bytes;
        tally.series += i64::from(series.created);
        Ok(())
    }

    /// Answers for an instance whose UID is kept already; says whether it was.
    async fn settle_known(
        &mut self,
        tx: &mut Tx,
        index: usize,
        item: &NewInstance,
    ) -> StoreResult<bool> {
        let uid = item.facts.sop_instance_uid.as_str();
        let Some((study, digest, is_deleted)) = self.known.instances.get(uid).copied() else {
            return Ok(false);
        };
        if is_deleted && digest != item.digest {
            self.refuse(tx, item).await?;
            self.answer(index, Entered::Deleted, false);
        } else if is_deleted {
            packs::add_gap(tx, item.extent, "refused").await?;
            self.answer(index, Entered::Deleted, false);
        } else if digest == item.digest || self.batch.same_as.get(&index) == Some(&digest) {
            packs::add_gap(tx, item.extent, "duplicate").await?;
            self.answer(index, Entered::Duplicate(study), false);
        } else if !self.has_room(tx, item).await? {
            packs::add_gap(tx, item.extent, "refused").await?;
            self.answer(index, Entered::NoRoom, false);
        } else {
            keep_aside(tx, item, "other bytes under a known UID", self.now).await?;
            self.answer(index, Entered::Conflict, false);
        }
        Ok(true)
    }

    fn answer(&mut self, index: usize, entered: Entered, patient_differs: bool) {
        if let Some(slot) = self.outcomes.get_mut(index) {
            *slot = Some(Outcome {
                entered,
                patient_differs,
            });
        }
    }
}

fn usage(item: &NewInstance) -> Usage {
    Usage {
        bytes: item.extent.length_bytes,
        instances: 1,
    }
}
