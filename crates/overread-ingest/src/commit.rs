//! The one committer of a process: gathers what is ready, writes it into packs, syncs, commits once, answers all.

mod batch;
mod refused;
pub(crate) mod same;
mod write;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use overread_archive::Archive;
use overread_dicom::DicomProblem;
use overread_model::extent::Digest;
use overread_model::hidden::Hidden;
use overread_model::ids::DocumentId;
use overread_model::keeping::{Quota, Usage};
use overread_model::problem::ProblemKind;
use overread_model::time::Timestamp;
use overread_store::documents;
use overread_store::quotas::Rooms;
use overread_store::studies::{self, DeliveryScope, Entered, Outcome};
use overread_store::tokens::random_id;
use overread_store::{Script, Store, deliveries, packs};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::content::Held;
use crate::prepare::Readied;
use crate::recover::Left;
use crate::{IngestError, limits};

use batch::{Gathered, Turn, Underway};
pub(crate) use refused::{Refusal, note_no_room, of_unusable};
use write::{Written, write};

/// For whom something is committed.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) scope: Arc<DeliveryScope>,
    pub(crate) source: &'static str,
    /// The delivery's row is counted up with each commit, since nothing finishes it (STOW, C-STORE).
    pub(crate) counted: bool,
    pub(crate) now: Timestamp,
}

/// Where things are stored, and how much of them a case may hold.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) archive: Archive,
    pub(crate) quota: Quota,
    /// Where to look for batches that failed.
    pub(crate) left: Arc<Left>,
}

/// One thing to be stored.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) ticket: Ticket,
    pub(crate) payload: Payload,
    pub(crate) answer_to: oneshot::Sender<Answer>,
}

#[derive(Debug)]
pub(crate) enum Payload {
    Instance(Box<Readied>),
    Document(Box<Paper>),
}

/// A document on its way.
pub(crate) struct Paper {
    id: DocumentId,
    name: String,
    held: Held,
    digest: Digest,
    media_type: &'static str,
    kind: &'static str,
}

impl std::fmt::Debug for Paper {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Paper")
            .field("id", &self.id)
            .field("media_type", &self.media_type)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What the receipt will say of a payload once it is committed.
pub(crate) enum About {
    Instance(Box<AboutInstance>),
    Document {
        id: DocumentId,
        name: String,
        media_type: &'static str,
        kind: &'static str,
        bytes: u64,
    },
}

#[derive(Debug)]
pub(crate) struct AboutInstance {
    pub(crate) study_instance_uid: String,
    pub(crate) patient_name: Option<Hidden<String>>,
    pub(crate) patient_id: Option<Hidden<String>>,
    pub(crate) patient_birth_date: Option<Hidden<String>>,
    pub(crate) series_instance_uid: String,
    pub(crate) modality: String,
    pub(crate) description: Option<String>,
    pub(crate) sop_class_uid: String,
    pub(crate) sop_instance_uid: String,
    pub(crate) bytes: u64,
    pub(crate) problems: Vec<DicomProblem>,
}

/// What became of an item, durable when it is said.
#[derive(Debug)]
pub(crate) enum Answer {
    Instance(Outcome),
    Document {
        new: bool,
    },
    /// A document for which its case has no room; it is not kept.
    NoRoom,
    /// The file could not be copied (it changed or went away).
    Unreadable,
    NotStored,
}

impl Payload {
    pub(crate) fn document(
        path: &str,
        held: Held,
        digest: Digest,
        media_type: &'static str,
        kind: &'static str,
    ) -> Result<Self, IngestError> {
        let id = DocumentId::from_random(random_id()?);
        // Only the last part: a document's name is shown and may become a file name somewhere.
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = name.chars().take(limits::DOCUMENT_NAME_CHARS).collect();
        Ok(Self::Document(Box::new(Paper {
            id,
            name,
            held,
            digest,
            media_type,
            kind,
        })))
    }

    pub(crate) fn about(&self) -> About {
        match self {
            Self::Instance(readied) => About::Instance(Box::new(about(readied))),
            Self::Document(paper) => About::Document {
                id: paper.id.clone(),
                name: paper.name.clone(),
                media_type: paper.media_type,
                kind: paper.kind,
                bytes: paper.held.part.length_bytes(),
            },
        }
    }

    fn length_bytes(&self) -> u64 {
        match self {
            Self::Instance(readied) => readied.held.part.length_bytes(),
            Self::Document(paper) => paper.held.part.length_bytes(),
        }
    }
}

pub(crate) fn about(readied: &Readied) -> AboutInstance {
    let facts = &readied.parsed.facts;
    AboutInstance {
        study_instance_uid: facts.study.study_instance_uid.as_str().to_owned(),
        patient_name: facts.study.patient_name.clone(),
        patient_id: facts.study.patient_id.clone(),
        patient_birth_date: facts.study.patient_birth_date.clone(),
        series_instance_uid: facts.series.series_instance_uid.as_str().to_owned(),
        modality: facts.series.modality.clone(),
        description: facts.series.series_description.clone(),
        sop_class_uid: facts.sop_class_uid.as_str().to_owned(),
        sop_instance_uid: facts.sop_instance_uid.as_str().to_owned(),
        bytes: readied.held.part.length_bytes(),
        problems: readied.parsed.problems.clone(),
    }
}

/// Commits until nobody can send any more.
///
/// A batch begins when the one before is committed, so that what arrives meanwhile shares its two syncs; batches that are large
/// enough are written beside each other, and while the rows of others are committed.
pub(crate) async fn run(kept_at: Place, mut items: mpsc::Receiver<Item>) {
    let discs = Arc::new(Semaphore::new(limits::BATCHES_BEING_WRITTEN));
    let places = Arc::new(Semaphore::new(limits::BATCHES_UNDERWAY));
    let mut before: Option<Underway> = None;
    let mut order = 0;
    while let Some(first) = items.recv().await {
        let mut batch = Gathered::of(first);
        // Let whoever is just about to send do so: the larger the group, the cheaper each sync.
        tokio::task::yield_now().await;
        batch.take_ready(&mut items);
        while !batch.is_large()
            && let Some(underway) = &mut before
            && let Some(item) = underway.next_until_it_ends(&mut items).await
        {
            batch.push(item);
            batch.take_ready(&mut items);
        }
        let (place, disc) = tokio::join!(
            Arc::clone(&places).acquire_owned(),
            Arc::clone(&discs).acquire_owned()
        );
        let (Ok(place), Ok(disc)) = (place, disc) else {
            return;
        };
        batch.take_ready(&mut items);
        // Later than every batch before, and, where clocks agree, than those of other processes.
        order = batch.latest().as_micros().max(order + 1);
        let turn = Turn { disc, place, order };
        before = Some(Underway::start(&kept_at, batch, turn, before));
    }
    if let Some(last) = before {
        last.ended().await;
    }
}

/// Tells everybody who waits what became of a batch.
fn answer(waiting: Vec<oneshot::Sender<Answer>>, committed: Result<Vec<Answer>, IngestError>) {
    let answers = committed.unwrap_or_else(|error| {
        tracing::error!(error = %chain(&error), "a batch could not be stored; nothing of it was acknowledged");
        Vec::new()
    });
    let answers = answers
        .into_iter()
        .map(Some)
        .chain(std::iter::repeat_with(|| None));
    for (answer_to, answer) in waiting.into_iter().zip(answers) {
        // Whoever does not wait any more needs no answer; it is stored all the same.
        let _ = answer_to.send(answer.unwrap_or(Answer::NotStored));
    }
}

/// Writes an error with its causes; none of them holds patient data.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

type Work = Vec<(Ticket, Payload)>;

/// A batch whose bytes are durable and whose rows are not there yet.
struct Synced {
    answers: Vec<Option<Answer>>,
    /// What is not kept.
    refusals: Vec<Refusal>,
    /// Absent when everything was known already, or refused.
    written: Option<Written>,
}

/// Writes the bytes of what is new and waits until they are durable; holds up the thread that runs it.
async fn sync(kept_at: &Place, work: Work, order: i64) -> Result<Synced, IngestError> {
    let mut answers: Vec<Option<Answer>> = Vec::new();
    answers.resize_with(work.len(), || None);
    let fresh = set_known_apart(kept_at, work, &mut answers).await?;
    let (fresh, refusals) = set_refused_apart(kept_at, fresh, &mut answers).await?;
    let written = match fresh.is_empty() {
        true => None,
        false => Some(write(&kept_at.archive, fresh, order).inspect_err(|_| {
            // What is as long as it should be may be whole although nobody said so.
            kept_at.left.look_anywhere();
        })?),
    };
    Ok(Synced {
        answers,
        refusals,
        written,
    })
}

/// Commits the rows of a batch, and returns what is to be answered.
async fn commit(kept_at: &Place, synced: Synced) -> Result<Vec<Answer>, IngestError> {
    let Synced {
        mut answers,
        refusals,
        written,
    } = synced;
    // Said before anybody is told; what follows may fail, and then it was refused all the same.
    let noted = refused::commit(&kept_at.store, &refusals).await;
    let lengths = written.iter().flat_map(|written| &written.lengths);
    noted.inspect_err(|_| kept_at.left.add_ours(lengths.map(|pack| pack.pack_id)))?;
    let Some(mut written) = written else {
        return Ok(settled(answers));
    };
    if let Err(error) = enter(kept_at, &mut written, &mut answers).await {
        let packs = written.lengths.iter().map(|pack| pack.pack_id);
        kept_at.left.add_ours(packs);
        return Err(error);
    }
    written.append.committed();
    Ok(settled(answers))
}

/// Commits the rows of a batch; when another node was in the way, once more.
async fn enter(
    kept_at: &Place,
    written: &mut Written,
    answers: &mut [Option<Answer>],
) -> Result<(), IngestError> {
    let (store, archive) = (&kept_at.store, &kept_at.archive);
    let mut is_compared = false;
    for tried in 1.. {
        match commit_rows(kept_at, written, answers, is_compared).await {
            Ok(Some(outcomes)) => {
                same::note_twins(store, archive, &mut written.batch, &outcomes).await?;
                is_compared = true;
            }
            Err(IngestError::Store(error))
                if error.is_in_the_way() && tried < limits::COMMIT_TRIES => {}
            outcome => return outcome.map(|_| ()),
        }
    }
    Err(IngestError::NotStored)
}

/// Returns the outcomes without committing anything when some of them are conflicts that were not compared yet: what they are
/// in conflict with came in the same batch, or in one that was on its way.
async fn commit_rows(
    kept_at: &Place,
    written: &Written,
    answers: &mut [Option<Answer>],
    is_compared: bool,
) -> Result<Option<Vec<Outcome>>, IngestError> {
    let now = written.now;
    let mut tx = kept_at.store.begin_batch().await?;
    studies::take_turns(&mut tx, &written.batch, &written.cases()).await?;
    for pack in &written.lengths {
        if !packs::claim(&mut tx, pack.pack_id, pack.length_bytes, now).await? {
            // A rebuild took it in already; whoever sends it again is told that it is there.
            return Err(IngestError::NotStored);
        }
    }
    for extent in written.append.wasted().iter().chain(&written.wasted) {
        packs::add_gap(&mut tx, *extent, "failed copy").await?;
    }
    let mut begun = HashSet::new();
    for ticket in &written.tickets {
        if begun.insert(ticket.scope.delivery_id.as_str()) {
            deliveries::start(&mut tx, &ticket.scope, ticket.source, ticket.now).await?;
        }
    }
    let mut rooms = Rooms::new(kept_at.quota);
    let (outcomes, mut script) = studies::enter(&mut tx, &written.batch, &mut rooms, now).await?;
    if !is_compared && has_conflict(&outcomes) {
        tx.rollback().await?;
        return Ok(Some(outcomes));
    }
    count_up(&mut script, written, &outcomes);
    script.run(&mut tx).await?;
    let mut refusals = written.refused(&outcomes);
    for (position, outcome) in written.positions.iter().zip(outcomes) {
        set(answers, *position, Answer::Instance(outcome));
    }
    for (position, ticket, paper) in &written.papers {
        let more = Usage {
            bytes: paper.extent.length_bytes,
            instances: 0,
        };
        let answer = if rooms.take(&mut tx, paper.case_id.as_ref(), more).await? {
            let new = documents::enter(&mut tx, paper, now).await?;
            Answer::Document { new }
        } else {
            packs::add_gap(&mut tx, paper.extent, "refused").await?;
            refusals.extend(refused::of_paper(ticket, paper.digest));
            Answer::NoRoom
        };
        set(answers, *position, answer);
    }
    refused::note(&mut tx, &refusals).await?;
    tx.commit().await?;
    Ok(None)
}

pub(crate) fn has_conflict(outcomes: &[Outcome]) -> bool {
    let mut entered = outcomes.iter().map(|outcome| &outcome.entered);
    entered.any(|entered| *entered == Entered::Conflict)
}

fn set(answers: &mut [Option<Answer>], position: usize, answer: Answer) {
    if let Some(slot) = answers.get_mut(position) {
        *slot = Some(answer);
    }
}

fn settled(answers: Vec<Option<Answer>>) -> Vec<Answer> {
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or(Answer::Unreadable))
        .collect()
}

type Fresh = Vec<(usize, Ticket, Payload)>;

/// Answers for instances whose very bytes, or whose data set, are kept already, so that they are not written again.
async fn set_known_apart(
    kept_at: &Place,
    work: Work,
    answers: &mut [Option<Answer>],
) -> Result<Fresh, IngestError> {
    let uid_of = |payload: &Payload| match payload {
        Payload::Instance(readied) => {
            Some(readied.parsed.facts.sop_instance_uid.as_str().to_owned())
        }
        Payload::Document(_) => None,
    };
    let uids: Vec<String> = work
        .iter()
        .filter_map(|(_, payload)| uid_of(payload))
        .collect();
    let known = if uids.is_empty() {
        HashMap::new()
    } else {
        studies::known_digests(&mut kept_at.store.peek().await?, uids).await?
    };
    let mut fresh = Vec::with_capacity(work.len());
    for (position, (ticket, payload)) in work.into_iter().enumerate() {
        let twins = uid_of(&payload).and_then(|uid| known.get(&uid));
        let entered = match (&payload, twins) {
            (Payload::Instance(readied), Some(twins)) => {
                same::entered(&kept_at.archive, twins, readied)
            }
            _ => None,
        };
        match entered {
            None => fresh.push((position, ticket, payload)),
            Some(entered) => {
                let outcome = Outcome {
                    entered,
                    patient_differs: false,
                };
                set(answers, position, Answer::Instance(outcome));
            }
        }
    }
    Ok(fresh)
}

/// Refuses what comes for a deleted study or into a case without room, so that none of it is written. What becomes of the rest
/// is decided with its rows: by then somebody else may have taken the room.
async fn set_refused_apart(
    kept_at: &Place,
    work: Fresh,
    answers: &mut [Option<Answer>],
) -> Result<(Fresh, Vec<Refusal>), IngestError> {
    let study_of = |payload: &Payload| match payload {
        Payload::Instance(readied) => Some(
            readied
                .parsed
                .facts
                .study
                .study_instance_uid
                .as_str()
                .to_owned(),
        ),
        Payload::Document(_) => None,
    };
    let uids: BTreeSet<String> = work
        .iter()
        .filter_map(|(_, _, payload)| study_of(payload))
        .collect();
    let mut refusals = Vec::new();
    if work.is_empty() {
        return Ok((work, refusals));
    }
    let mut tx = kept_at.store.peek().await?;
    let deleted = studies::deleted_among(&mut tx, uids.into_iter().collect()).await?;
    let mut rooms = Rooms::new(kept_at.quota);
    let mut fresh = Vec::with_capacity(work.len());
    for (position, ticket, payload) in work {
        let study = study_of(&payload);
        let more = Usage {
            bytes: payload.length_bytes(),
            instances: u64::from(study.is_some()),
        };
        let refusal = if study.as_ref().is_some_and(|uid| deleted.contains(uid)) {
            Entered::Deleted
        } else if rooms
            .take(&mut tx, ticket.scope.case_id.as_ref(), more)
            .await?
        {
            fresh.push((position, ticket, payload));
            continue;
        } else {
            Entered::NoRoom
        };
        refusals.extend(refused::of_payload(&ticket, &payload, &refusal));
        let answer = match study {
            Some(_) => Answer::Instance(Outcome {
                entered: refusal,
                patient_differs: false,
            }),
            None => Answer::NoRoom,
        };
        set(answers, position, answer);
    }
    Ok((fresh, refusals))
}

/// Counts up the rows of deliveries that nothing else finishes.
fn count_up(script: &mut Script, written: &Written, outcomes: &[Outcome]) {
    let mut tallies: HashMap<&str, (&Ticket, deliveries::Tally)> = HashMap::new();
    for ((ticket, bytes), outcome) in written
        .sizes
        .iter()
        .zip(outcomes)
        .filter(|((ticket, _), _)| ticket.counted)
    {
        let (_, tally) = tallies
            .entry(ticket.scope.delivery_id.as_str())
            .or_insert((ticket, deliveries::Tally::default()));
        tally.files_seen += 1;
        match outcome.entered {
            Entered::Stored(_) => {
                tally.instances_stored += 1;
                tally.bytes_stored += bytes;
            }
            Entered::Duplicate(_) => tally.duplicates += 1,
            Entered::Conflict
            | Entered::Foreign(_)
            | Entered::OtherPatient(_)
            | Entered::Deleted
            | Entered::NoRoom => tally.problems += 1,
        }
    }
    for (ticket, tally) in tallies.values() {
        deliveries::add(script, &ticket.scope.delivery_id, tally, ticket.now);
    }
}

/// What is told of a file for which its case has no room.
pub const NO_ROOM: &str = "this case holds as much as it may; this file was not kept. Ask the practice for more room, then send it again";

/// Returns what to tell about an instance that was kept aside or refused; `None` for any other outcome.
pub(crate) const fn aside(entered: &Entered) -> Option<(ProblemKind, &'static str)> {
    match entered {
        Entered::Conflict => Some((
            ProblemKind::Conflict,
            "an image with the same identifier and other content is held already; the first is kept, this one is set \
             aside for a person to decide",
        )),
        Entered::Foreign(_) => Some((
            ProblemKind::HeldAside,
            "this exam is held already outside this case; the image is set aside until a coordinator decides",
        )),
        Entered::OtherPatient(_) => Some((
            ProblemKind::OtherPatient,
            "this image names another patient than the exam it claims to belong to; it is set aside until a coordinator \
             decides",
        )),
        Entered::Deleted => Some((
            ProblemKind::Deleted,
            "this exam was deleted here and can still be restored; the image was not kept. Ask an administrator to restore \
             the exam, or send it again once it is erased",
        )),
        Entered::NoRoom => Some((ProblemKind::LimitExceeded, NO_ROOM)),
        Entered::Stored(_) | Entered::Duplicate(_) => None,
    }
}
