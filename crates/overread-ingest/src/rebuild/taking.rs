//! Reads a batch out of the packs again: what its directories say, and what the files in it say of themselves.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use overread_archive::{Archive, Deletion, Digest, Entry, Extent, Recorded};
use overread_dicom::{ParseLimits, Parsed};
use overread_model::ids::DeliveryId;
use overread_model::time::Timestamp;
use overread_store::documents::NewDocument;
use overread_store::studies::{Batch, DeliveryScope, Entered, NewInstance, Outcome};
use overread_store::{Script, deliveries, erasures};

use super::left_over;
use crate::kept::ExtentReader;
use crate::told::{About, Delivery, Sealed, Told};
use crate::{DeliverySource, IngestError, inflating, limits};

/// A batch that was read again.
pub(super) struct Taken {
    pub(super) now: Timestamp,
    pub(super) batch: Batch,
    pub(super) documents: Vec<NewDocument>,
    pub(super) deliveries: Vec<(Arc<DeliveryScope>, DeliverySource, Timestamp)>,
    /// Bytes that belong to nothing, and why.
    pub(super) gaps: Vec<(Extent, &'static str)>,
    /// For each part, where bytes begin that rows know already.
    pub(super) claimed: Vec<BTreeSet<u64>>,
    pub(super) deleted: u64,
    /// How many studies had been erased before anything was read.
    pub(super) erased: i64,
    /// Files that came before their study was deleted and were no part of it.
    pub(super) unseen: Vec<Extent>,
    pub(super) damaged: Vec<String>,
    /// For each instance of the batch, its delivery and its length.
    sizes: Vec<(DeliveryId, u64)>,
    order: i64,
    waiting: Vec<Waiting>,
}

impl Default for Taken {
    fn default() -> Self {
        Self {
            now: Timestamp::from_micros(0),
            batch: Batch::empty(),
            documents: Vec::new(),
            deliveries: Vec::new(),
            gaps: Vec::new(),
            claimed: Vec::new(),
            deleted: 0,
            erased: 0,
            unseen: Vec::new(),
            damaged: Vec::new(),
            sizes: Vec::new(),
            order: 0,
            waiting: Vec::new(),
        }
    }
}

/// A file that no row knows.
struct Waiting {
    entry: Entry,
    told: Told,
    delivery: Option<Delivery>,
}

/// What a file turned out to be.
enum Found {
    Instance(Box<overread_dicom::ParsedInstance>),
    /// A document with its name.
    Document(Sealed, String),
    /// Nothing but zeros.
    Erased,
    Damaged(&'static str),
}

impl Taken {
    /// Adds a part of the batch.
    pub(super) fn add(
        &mut self,
        recorded: Recorded,
        claimed: BTreeSet<u64>,
    ) -> Result<(), IngestError> {
        let pack_id = recorded.extent.pack_id;
        let about: Option<About> = serde_json::from_slice(&recorded.directory.about).ok();
        let gaps = left_over(&recorded).into_iter();
        let gaps = gaps.filter(|gap| !claimed.contains(&gap.offset_bytes));
        self.gaps.extend(gaps.map(|gap| (gap, "failed copy")));
        self.order = recorded.directory.order;
        match about {
            None => self.damaged.push(format!(
                "pack {pack_id}: what its directory at {} says of its deliveries cannot be read",
                recorded.extent.offset_bytes
            )),
            Some(about) => {
                self.now = Timestamp::from_micros(about.now);
                let entries = recorded.directory.entries.into_iter();
                for entry in entries.filter(|entry| !claimed.contains(&entry.extent.offset_bytes)) {
                    self.wait(entry, &about.deliveries);
                }
            }
        }
        self.claimed.push(claimed);
        Ok(())
    }

    fn wait(&mut self, entry: Entry, known: &[Delivery]) {
        let Some(told) = Told::read(&entry.about) else {
            self.damaged.push(named(&entry, "its entry cannot be read"));
            return;
        };
        let delivery = told.delivery.and_then(|place| known.get(place)).cloned();
        self.waiting.push(Waiting {
            entry,
            told,
            delivery,
        });
    }

    /// Reads every file, in the order in which they were stored.
    pub(super) async fn read(&mut self, archive: &Archive) -> Result<(), IngestError> {
        // Of the study that was asked about last: the images of a study mostly come together.
        let mut last: (String, Option<Deletion>) = Default::default();
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|one| one.told.position);
        let mut instances = Vec::new();
        for Waiting {
            entry,
            told,
            delivery,
        } in waiting
        {
            let scope = delivery.as_ref().and_then(Delivery::scope);
            let (reader, kept, paper) = (archive.clone(), entry.clone(), told.paper);
            let found = tokio::task::spawn_blocking(move || found(&reader, &kept, paper));
            let found = found.await.map_err(|_| IngestError::Interrupted)?;
            match (found, scope) {
                (Found::Erased, _) => self.gone(entry.extent),
                (Found::Damaged(why), _) => self.damaged.push(named(&entry, why)),
                (Found::Instance(parsed), Some(scope)) => {
                    let uid = parsed.facts.study.study_instance_uid.as_str();
                    if last.0 != uid {
                        let deletion = archive.deletion(&erasures::study_name(uid)).await?;
                        last = (uid.to_owned(), deletion);
                    }
                    let deletion = last.1.as_ref();
                    if let Some(deletion) = deletion.filter(|one| one.until >= self.order) {
                        if deletion.digests.contains(&entry.digest) {
                            self.gone(entry.extent);
                        } else {
                            self.unseen.push(entry.extent);
                        }
                        continue;
                    }
                    let id = scope.0.delivery_id.clone();
                    self.sizes.push((id, entry.extent.length_bytes));
                    instances.push(instance(*parsed, &entry, &scope.0));
                    self.begin(scope);
                }
                (Found::Instance(_), None) => {
                    self.damaged.push(named(&entry, "its delivery is not told"));
                }
                (Found::Document(paper, name), scope) => {
                    let delivery_id = scope
                        .as_ref()
                        .map(|(scope, _, _)| scope.delivery_id.clone());
                    self.documents
                        .push(document(paper, name, &entry, delivery_id));
                    if let Some(scope) = scope {
                        self.begin(scope);
                    }
                }
            }
        }
        self.batch = Batch::prepare(instances)?;
        Ok(())
    }

    fn gone(&mut self, extent: Extent) {
        self.deleted += 1;
        self.gaps.push((extent, "erased"));
    }

    fn begin(&mut self, scope: (Arc<DeliveryScope>, DeliverySource, Timestamp)) {
        let is_known =
            |known: &(Arc<DeliveryScope>, _, _)| known.0.delivery_id == scope.0.delivery_id;
        if !self.deliveries.iter().any(is_known) {
            self.deliveries.push(scope);
        }
    }

    /// Counts up the rows of the deliveries.
    pub(super) fn count_up(&self, script: &mut Script, outcomes: &[Outcome]) {
        for (scope, _, _) in &self.deliveries {
            let mut tally = deliveries::Tally::default();
            let here = self.sizes.iter().zip(outcomes);
            for ((_, bytes), outcome) in here.filter(|((id, _), _)| *id == scope.delivery_id) {
                tally.files_seen += 1;
                match outcome.entered {
                    Entered::Stored(_) => {
                        tally.instances_stored += 1;
                        tally.bytes_stored += bytes;
                    }
                    Entered::Duplicate(_) => tally.duplicates += 1,
                    _ => tally.problems += 1,
                }
            }
            deliveries::add(script, &scope.delivery_id, &tally, self.now);
        }
    }
}

fn named(entry: &Entry, why: &str) -> String {
    let extent = entry.extent;
    format!(
        "pack {} at {} ({} bytes): {why}",
        extent.pack_id, extent.offset_bytes, extent.length_bytes
    )
}

fn instance(
    parsed: overread_dicom::ParsedInstance,
    entry: &Entry,
    scope: &Arc<DeliveryScope>,
) -> NewInstance {
    NewInstance {
        frames: parsed.frames.to_bytes(),
        facts: parsed.facts,
        metadata_json: parsed.metadata_json,
        extent: entry.extent,
        digest: entry.digest,
        scope: Arc::clone(scope),
    }
}

fn document(
    paper: Sealed,
    name: String,
    entry: &Entry,
    delivery_id: Option<DeliveryId>,
) -> NewDocument {
    NewDocument {
        id: paper.id,
        case_id: paper.case_id,
        delivery_id,
        name,
        media_type: paper.media_type.into(),
        kind: paper.kind.into(),
        extent: entry.extent,
        digest: entry.digest,
    }
}

/// Reads one file; waits for the disc.
fn found(archive: &Archive, entry: &Entry, paper: Option<Sealed>) -> Found {
    let extent = entry.extent;
    let reader = || ExtentReader::new(archive, extent);
    let mut hasher = blake3::Hasher::new();
    if hasher.update_reader(reader()).is_err() {
        return Found::Damaged("its bytes cannot be read");
    }
    if Digest::new(*hasher.finalize().as_bytes()) != entry.digest {
        return if is_erased(reader()) {
            Found::Erased
        } else {
            Found::Damaged("its bytes have changed")
        };
    }
    if let Some(paper) = paper {
        return match paper.name(reader()) {
            Ok(name) => Found::Document(paper, name),
            Err(_) => Found::Damaged("its name cannot be read"),
        };
    }
    let limits = ParseLimits {
        metadata_bytes: limits::METADATA_BYTES,
        ..ParseLimits::default()
    };
    let parsed = if extent.length_bytes <= limits::IN_MEMORY_BYTES {
        match archive.read_blocking(extent, 0..extent.length_bytes) {
            Ok(bytes) => inflating::parse_instance(&bytes, &limits),
            Err(_) => return Found::Damaged("its bytes cannot be read"),
        }
    } else {
        inflating::parse_reader(reader(), extent.length_bytes, &limits)
    };
    match parsed {
        Ok(Parsed::Instance(parsed)) => Found::Instance(parsed),
        _ => Found::Damaged("its bytes hold but cannot be read as DICOM"),
    }
}

/// Says whether there is nothing but zeros.
fn is_erased(mut reader: impl Read) -> bool {
    let mut buffer = vec![0; limits::WINDOW_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return true,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if bytes.iter().any(|byte| *byte != 0) {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
}
