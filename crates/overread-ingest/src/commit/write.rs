//! Writes the bytes of a batch into packs and syncs them.

use std::collections::HashMap;
use std::sync::Arc;

use overread_archive::{Archive, ArchiveError, PackAppend, PackKey, PackLength};
use overread_model::extent::{Digest, Extent};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::documents::NewDocument;
use overread_store::studies::{Batch, NewInstance, Outcome};

use super::apart::Fresh;
use super::payload::Paper;
use super::refused::{self, Refusal};
use super::{Payload, Ticket};
use crate::content::{BEFORE_BYTES, Held, Part, Within};
use crate::prepare::Readied;
use crate::told::{Sealed, Telling, Told};
use crate::{IngestError, limits};

/// A batch whose bytes are synced.
pub(super) struct Written {
    pub(super) append: PackAppend,
    pub(super) lengths: Vec<PackLength>,
    pub(super) wasted: Vec<Extent>,
    pub(super) batch: Batch,
    /// For each instance of the batch, its place among the answers.
    pub(super) positions: Vec<usize>,
    pub(super) sizes: Vec<(Ticket, u64)>,
    pub(super) papers: Vec<(usize, Ticket, NewDocument)>,
    pub(super) tickets: Vec<Ticket>,
    pub(super) now: Timestamp,
}

impl Written {
    /// Returns the cases that it adds to.
    pub(super) fn cases(&self) -> Vec<CaseId> {
        let of = |ticket: &Ticket| ticket.scope.case_id.clone();
        self.tickets.iter().filter_map(of).collect()
    }

    /// Returns which of its instances turned out to be refused.
    pub(super) fn refused(&self, outcomes: &[Outcome]) -> Vec<Refusal> {
        let tickets = self.sizes.iter().map(|(ticket, _)| ticket);
        let tried = self.batch.instances().iter().zip(tickets).zip(outcomes);
        tried
            .filter_map(|((instance, ticket), outcome)| {
                refused::of_instance(ticket, &instance.facts, instance.digest, &outcome.entered)
            })
            .collect()
    }
}

/// Appends everything, syncs, and compresses the metadata; waits for the disc.
pub(super) fn write(archive: &Archive, fresh: Fresh, order: i64) -> Result<Written, IngestError> {
    let tickets: Vec<Ticket> = fresh.iter().map(|(_, ticket, _)| ticket.clone()).collect();
    let now = tickets.iter().map(|ticket| ticket.now).max();
    let now = now.unwrap_or(Timestamp::from_micros(0));
    let keys = keys(archive, &fresh);
    let mut writing = Writing {
        append: archive.begin(),
        telling: Telling::new(order, now),
        wasted: Vec::new(),
        instances: Vec::new(),
        positions: Vec::new(),
        sizes: Vec::new(),
        papers: Vec::new(),
    };
    for ((position, ticket, payload), key) in fresh.into_iter().zip(keys) {
        match payload {
            Payload::Instance(readied) => writing.instance(position, ticket, *readied, &key)?,
            Payload::Document(paper) => writing.document(position, &ticket, *paper, &key)?,
        }
    }
    let directory = writing.telling.directory()?;
    let lengths = writing.append.sync(&directory)?;
    Ok(Written {
        append: writing.append,
        lengths,
        wasted: writing.wasted,
        batch: Batch::prepare(writing.instances)?,
        positions: writing.positions,
        sizes: writing.sizes,
        papers: writing.papers,
        tickets,
        now,
    })
}

/// A batch that is being written.
struct Writing {
    append: PackAppend,
    telling: Telling,
    wasted: Vec<Extent>,
    instances: Vec<NewInstance>,
    positions: Vec<usize>,
    sizes: Vec<(Ticket, u64)>,
    papers: Vec<(usize, Ticket, NewDocument)>,
}

impl Writing {
    fn instance(
        &mut self,
        position: usize,
        ticket: Ticket,
        readied: Readied,
        key: &PackKey,
    ) -> Result<(), IngestError> {
        let Readied {
            parsed,
            held,
            digest,
        } = readied;
        let Some(extent) = self.put(key, held, digest)? else {
            return Ok(());
        };
        let told = Told {
            position: position as u64,
            delivery: Some(self.delivery(&ticket)),
            paper: None,
        };
        self.telling.entry(extent, digest, &told);
        self.instances.push(NewInstance {
            frames: parsed.frames.to_bytes(),
            facts: parsed.facts,
            metadata_json: parsed.metadata_json,
            extent,
            digest,
            scope: Arc::clone(&ticket.scope),
        });
        self.positions.push(position);
        self.sizes.push((ticket, extent.length_bytes));
        Ok(())
    }

    fn document(
        &mut self,
        position: usize,
        ticket: &Ticket,
        paper: Paper,
        key: &PackKey,
    ) -> Result<(), IngestError> {
        let copy = paper.held.part.copy().map_err(IngestError::Spool)?;
        let Some(extent) = self.put(key, paper.held, paper.digest)? else {
            return Ok(());
        };
        let document = NewDocument {
            id: paper.id,
            case_id: ticket.scope.case_id.clone(),
            delivery_id: Some(ticket.scope.delivery_id.clone()),
            name: paper.name,
            media_type: paper.media_type.into(),
            kind: paper.kind.into(),
            extent,
            digest: paper.digest,
        };
        let sealed = Sealed::of(&document, copy).map_err(IngestError::Spool)?;
        let told = Told {
            position: position as u64,
            delivery: Some(self.delivery(ticket)),
            paper: Some(sealed),
        };
        self.telling.entry(extent, document.digest, &told);
        self.papers.push((position, ticket.clone(), document));
        Ok(())
    }

    fn delivery(&mut self, ticket: &Ticket) -> usize {
        self.telling
            .delivery(&ticket.scope, ticket.source, ticket.now)
    }

    /// Appends one file; `None` when it could not be copied or is not what was read before.
    fn put(
        &mut self,
        key: &PackKey,
        held: Held,
        digest: Digest,
    ) -> Result<Option<Extent>, IngestError> {
        let (file, begin_bytes, length_bytes) = match held.part {
            Part::Memory(bytes) => return Ok(Some(self.append.append(key, &bytes)?)),
            Part::File {
                file,
                begin_bytes,
                length_bytes,
            } => (file, begin_bytes, length_bytes),
        };
        if begin_bytes == BEFORE_BYTES
            && length_bytes >= limits::OWN_FILE_BYTES
            && let Some(extent) = self.append.adopt(&file, length_bytes)?
        {
            return Ok(Some(extent));
        }
        let mut within = Within::new(file, begin_bytes, length_bytes);
        match self.append.append_file(key, &mut within, length_bytes) {
            Ok((extent, found)) if found == digest => Ok(Some(extent)),
            Ok((extent, _)) => {
                self.wasted.push(extent);
                Ok(None)
            }
            Err(ArchiveError::Source { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Chooses the pack of each item: a series with enough bytes gets its own, the rest shares one.
fn keys(archive: &Archive, fresh: &Fresh) -> Vec<PackKey> {
    let mut bytes: HashMap<&str, u64> = HashMap::new();
    for (_, _, payload) in fresh {
        if let Payload::Instance(readied) = payload {
            let series = readied.parsed.facts.series.series_instance_uid.as_str();
            *bytes.entry(series).or_default() += readied.held.part.length_bytes();
        }
    }
    let key = |payload: &Payload| {
        let Payload::Instance(readied) = payload else {
            return PackKey::Mixed;
        };
        let series = readied.parsed.facts.series.series_instance_uid.as_str();
        let large = bytes
            .get(series)
            .is_some_and(|bytes| *bytes >= limits::OWN_PACK_BYTES);
        let key = PackKey::Series(series.to_owned());
        if large || archive.is_open(&key) {
            key
        } else {
            PackKey::Mixed
        }
    };
    fresh.iter().map(|(_, _, payload)| key(payload)).collect()
}
