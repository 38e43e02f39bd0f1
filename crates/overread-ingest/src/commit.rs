//! The one committer of a process: gathers what is ready, writes it into packs, syncs, commits once, answers all.

mod apart;
mod aside;
mod batch;
mod payload;
mod refused;
mod rows;
pub(crate) mod same;
mod write;

use std::sync::Arc;

use overread_archive::Archive;
use overread_model::keeping::Quota;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_store::studies::{DeliveryScope, Outcome};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::recover::Left;
use crate::trouble::Troubles;
use crate::{IngestError, limits};

pub use aside::NO_ROOM;
pub(crate) use aside::aside;
use batch::{Gathered, Turn, Underway};
pub(crate) use payload::{About, AboutInstance, Payload, about};
pub(crate) use refused::{Refusal, note_no_room, of_unread, of_unusable};
pub(crate) use rows::has_conflict;

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
    /// Whether the last batch failed.
    pub(crate) troubles: Arc<Troubles>,
}

/// One thing to be stored.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) ticket: Ticket,
    pub(crate) payload: Payload,
    pub(crate) answer_to: oneshot::Sender<Answer>,
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
    /// The disc is full.
    Full,
}

impl Answer {
    /// Returns why it was not stored, where something else was to be answered.
    pub(crate) const fn why_not(&self) -> IngestError {
        match self {
            Self::Full => IngestError::Full,
            _ => IngestError::NotStored,
        }
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
fn answer(
    (troubles, bytes): (&Troubles, u64),
    waiting: Vec<oneshot::Sender<Answer>>,
    committed: Result<Vec<Answer>, IngestError>,
) {
    if let Err(error) = &committed {
        troubles.remember(error, bytes);
    }
    let is_full = committed.as_ref().is_err_and(IngestError::is_full);
    let answers = committed
        .unwrap_or_default()
        .into_iter()
        .map(Some)
        .chain(std::iter::repeat_with(|| None));
    for (answer_to, answer) in waiting.into_iter().zip(answers) {
        // Whoever does not wait any more needs no answer; it is stored all the same.
        let not_stored = if is_full {
            Answer::Full
        } else {
            Answer::NotStored
        };
        let _ = answer_to.send(answer.unwrap_or(not_stored));
    }
}

fn set(answers: &mut [Option<Answer>], position: usize, answer: Answer) {
    if let Some(slot) = answers.get_mut(position) {
        *slot = Some(answer);
    }
}
