//! Batches: what is stored together, and each on its way from the first byte to the answer.

use overread_model::time::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;

use super::rows::{commit, sync};
use super::{Item, Place, answer};
use crate::limits;

/// What is stored together.
pub(super) struct Gathered {
    items: Vec<Item>,
    bytes: u64,
}

impl Gathered {
    pub(super) fn of(first: Item) -> Self {
        Self {
            bytes: first.payload.length_bytes(),
            items: vec![first],
        }
    }

    pub(super) fn push(&mut self, item: Item) {
        self.bytes += item.payload.length_bytes();
        self.items.push(item);
    }

    /// Returns the latest moment at which anything of it was brought.
    pub(super) fn latest(&self) -> Timestamp {
        let moments = self.items.iter().map(|item| item.ticket.now);
        moments.max().unwrap_or(Timestamp::from_micros(0))
    }

    fn is_full(&self) -> bool {
        self.items.len() >= limits::BATCH_INSTANCES || self.bytes >= limits::BATCH_BYTES
    }

    /// Says whether it is worth syncs of its own.
    pub(super) fn is_large(&self) -> bool {
        self.is_full() || self.bytes >= limits::LARGE_BATCH_BYTES
    }

    /// Takes in what waits, as far as there is room.
    pub(super) fn take_ready(&mut self, items: &mut mpsc::Receiver<Item>) {
        while !self.is_full()
            && let Ok(item) = items.try_recv()
        {
            self.push(item);
        }
    }
}

/// What a batch needs to go ahead.
pub(super) struct Turn {
    /// Given back when its bytes are written.
    pub(super) disc: OwnedSemaphorePermit,
    /// Given back when its rows are committed.
    pub(super) place: OwnedSemaphorePermit,
    /// Its place among all batches.
    pub(super) order: i64,
}

/// A batch on its way.
pub(super) struct Underway {
    /// Ends when its rows are committed and everybody is told; absent once that was seen.
    committing: Option<JoinHandle<()>>,
}

impl Underway {
    /// Writes a batch beside others, and commits it after the one before; begins at once, on a thread that may wait.
    pub(super) fn start(
        kept_at: &Place,
        batch: Gathered,
        turn: Turn,
        before: Option<Self>,
    ) -> Self {
        let (kept_at, bytes) = (kept_at.clone(), batch.bytes);
        let mut waiting = Vec::with_capacity(batch.items.len());
        let mut work = Vec::with_capacity(batch.items.len());
        for item in batch.items {
            waiting.push(item.answer_to);
            work.push((item.ticket, item.payload));
        }
        let way = async move {
            let synced = match kept_at.troubles.check_room() {
                Ok(()) => sync(&kept_at, work, turn.order).await,
                Err(error) => Err(error),
            };
            drop(turn.disc);
            // Batches are committed in their order.
            if let Some(before) = before {
                before.ended().await;
            }
            let committed = match synced {
                Ok(synced) => {
                    let is_written = synced.is_written();
                    let committed = commit(&kept_at, synced).await;
                    if is_written && committed.is_ok() {
                        kept_at.troubles.stored(bytes);
                    }
                    committed
                }
                Err(error) => Err(error),
            };
            answer((&kept_at.troubles, bytes), waiting, committed);
            drop(turn.place);
        };
        // One thread goes the whole way: a batch asks the database many times, and each time that a worker of the runtime waits
        // for an answer, it costs more to wake the workers than to ask.
        let runtime = Handle::current();
        let committing = tokio::task::spawn_blocking(move || runtime.block_on(way));
        Self {
            committing: Some(committing),
        }
    }

    /// Waits until it is committed.
    pub(super) async fn ended(self) {
        if let Some(committing) = self.committing {
            let _ended = committing.await;
        }
    }

    /// Waits for the next item; `None` once this batch is committed, or nobody can send any more.
    pub(super) async fn next_until_it_ends(
        &mut self,
        items: &mut mpsc::Receiver<Item>,
    ) -> Option<Item> {
        let committing = self.committing.as_mut()?;
        tokio::select! {
            _ = committing => {
                self.committing = None;
                None
            }
            item = items.recv() => item,
        }
    }
}
