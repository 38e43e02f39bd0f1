//! That nothing can be stored at the moment: remembered from a batch that failed until something is stored again.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use overread_archive::Archive;
use overread_archive::limits::TRIAL_BYTES;
use overread_store::{Reserve, Store, StoreError, audit};
use tokio::time::timeout;

use crate::{IngestError, limits};

/// Why nothing can be stored, in words for whoever watches the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The disc of the archive or of the database is full.
    Full,
    /// Anything else; the log says what.
    Other,
}

impl Trouble {
    /// Returns one line that says so.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Full => "nothing can be stored: the disc is full",
            Self::Other => "nothing can be stored: the log says why",
        }
    }

    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        match kind(error).as_str() {
            "StorageFull" | "QuotaExceeded" | DATABASE_FULL => Self::Full,
            _ => Self::Other,
        }
    }
}

const DATABASE_FULL: &str = "SQLITE_FULL";

/// Returns which kind of fault it is, as the system or the database calls it.
fn kind(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return format!("{:?}", error.kind());
        }
        if matches!(error.downcast_ref(), Some(IngestError::Full)) {
            return "StorageFull".to_owned();
        }
        if matches!(error.downcast_ref::<StoreError>(), Some(error) if error.is_full()) {
            return DATABASE_FULL.to_owned();
        }
        cause = error.source();
    }
    "Other".to_owned()
}

/// Whether the last batch failed.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    state: Mutex<State>,
    /// Held by the one trial that is under way.
    trying: Arc<tokio::sync::Mutex<()>>,
    /// What is kept free for reading, where it is on a disc of ours.
    reserve: Option<Arc<Reserve>>,
}

#[derive(Debug, Default)]
struct State {
    now: Option<Trouble>,
    /// How much was to be written when it failed, [`TRIAL_BYTES`] at most: less may fit where that does not.
    bytes: u64,
    failure_count: u64,
    tried_at: Option<Instant>,
    told_at: HashMap<Trouble, Instant>,
}

impl State {
    fn end(&mut self) {
        (self.now, self.bytes) = (None, 0);
    }
}

impl Troubles {
    pub(crate) fn of(store: &Store) -> Self {
        Self {
            reserve: store.reserve(),
            ..Self::default()
        }
    }

    /// Refuses what is new while the disc is full, without needing any room for that; tells the log.
    ///
    /// # Errors
    /// When it is full.
    pub(crate) fn check_room(&self) -> Result<(), IngestError> {
        match &self.reserve {
            Some(reserve) if !reserve.has_room() => {
                let error = IngestError::Full;
                self.tell(
                    Trouble::Full,
                    &error,
                    "what is new is refused; what is there can be read",
                );
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Takes the room for reading back as soon as there is as much again.
    pub(crate) async fn make_room(&self) {
        if let Some(reserve) = self.reserve.clone()
            && !reserve.has_room()
        {
            let _ended = tokio::task::spawn_blocking(move || reserve.make_again()).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears that so many bytes were stored, which says nothing of more.
    pub(crate) fn stored(&self, bytes: u64) {
        let mut state = self.state();
        if bytes.min(TRIAL_BYTES) >= state.bytes {
            state.end();
        }
    }

    /// Remembers that so many bytes could not be stored, and tells the log.
    pub(crate) fn remember(&self, error: &IngestError, bytes: u64) {
        let trouble = Trouble::of(error);
        if let (Trouble::Full, Some(reserve)) = (trouble, &self.reserve) {
            reserve.give_up();
        }
        let mut state = self.state();
        state.now = Some(trouble);
        state.bytes = state.bytes.max(bytes.min(TRIAL_BYTES));
        state.failure_count += 1;
        drop(state);
        self.tell(
            trouble,
            error,
            "a batch could not be stored; nothing of it was acknowledged",
        );
    }

    /// As [`Self::remember`], where it is a temporary file that could not be written.
    pub(crate) fn hear<T>(
        &self,
        result: Result<T, IngestError>,
        bytes: u64,
    ) -> Result<T, IngestError> {
        result.inspect_err(|error| {
            if matches!(error, IngestError::Spool(_)) {
                self.remember(error, bytes);
            }
        })
    }

    /// Remembers what a trial showed that began after so many failures: of one that came meanwhile it says nothing.
    fn tried(&self, result: Result<(), IngestError>, failure_count: u64) {
        let mut state = self.state();
        state.tried_at = Some(Instant::now());
        match result {
            Ok(()) if state.failure_count == failure_count => state.end(),
            Ok(()) => {}
            Err(error) => {
                let trouble = Trouble::of(&error);
                state.now = Some(trouble);
                drop(state);
                self.tell(trouble, &error, "nothing can be stored");
            }
        }
    }

    /// Tells the log, once in [`limits::TROUBLE_TOLD`] of each sort of trouble.
    fn tell(&self, trouble: Trouble, error: &IngestError, what: &str) {
        let mut state = self.state();
        let told_at = state.told_at.get(&trouble);
        if told_at.is_some_and(|at| at.elapsed() < limits::TROUBLE_TOLD) {
            return;
        }
        state.told_at.insert(trouble, Instant::now());
        drop(state);
        let kind = kind(error);
        tracing::error!(kind, error = %chain(error), "{what}");
    }
}

/// Returns why nothing can be stored, where something failed and as much cannot be written still; asks nobody while all is well.
pub(crate) async fn now(
    troubles: &Arc<Troubles>,
    store: &Store,
    archive: &Archive,
) -> Option<Trouble> {
    troubles.make_room().await;
    if let Err(error) = troubles.check_room() {
        return Some(Trouble::of(&error));
    }
    let known = troubles.state().now?;
    // Anybody may ask, and a disc may hang: one trial at a time, and not too often.
    let Ok(turn) = Arc::clone(&troubles.trying).try_lock_owned() else {
        return Some(known);
    };
    let is_recent = |at: Instant| at.elapsed() < limits::TRIAL_EVERY;
    if troubles.state().tried_at.is_some_and(is_recent) {
        return Some(known);
    }
    let (troubles_of, store, archive) = (Arc::clone(troubles), store.clone(), archive.clone());
    let trial = tokio::spawn(async move {
        let (bytes, failure_count) = {
            let state = troubles_of.state();
            (state.bytes, state.failure_count)
        };
        troubles_of.tried(write(&store, &archive, bytes).await, failure_count);
        drop(turn);
    });
    // Whoever hangs goes on by itself, and keeps the turn.
    let _ended = timeout(limits::TRIAL_PATIENCE, trial).await;
    troubles.state().now
}

/// Writes as much as failed where temporary files and packs are, and a row as it is, durably all.
async fn write(store: &Store, archive: &Archive, bytes: u64) -> Result<(), IngestError> {
    archive.try_write(bytes).await?;
    let mut tx = store.begin().await?;
    audit::take_turn(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Writes an error with its causes; none of them holds patient data.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::{Trouble, Troubles};
    use crate::IngestError;

    fn failed(kind: ErrorKind) -> IngestError {
        IngestError::Spool(Error::from(kind))
    }

    #[test]
    fn what_is_smaller_or_older_than_a_failure_does_not_end_it() {
        let troubles = Troubles::default();
        let now = || troubles.state().now;
        troubles.remember(&failed(ErrorKind::StorageFull), 5_000_000);
        troubles.stored(1_000);
        assert_eq!(now(), Some(Trouble::Full));
        troubles.stored(5_000_000);
        assert_eq!(now(), None);
        // More than is ever tried counts as that.
        troubles.remember(&failed(ErrorKind::StorageFull), u64::MAX);
        troubles.stored(super::TRIAL_BYTES);
        assert_eq!(now(), None);
        // Of what failed while it ran, a trial says nothing.
        troubles.remember(&failed(ErrorKind::StorageFull), 1);
        let begun = troubles.state().failure_count;
        troubles.remember(&failed(ErrorKind::StorageFull), 1);
        troubles.tried(Ok(()), begun);
        assert_eq!(now(), Some(Trouble::Full));
        troubles.tried(Ok(()), begun + 1);
        assert_eq!(now(), None);
    }

    #[test]
    fn the_log_hears_of_each_sort_of_trouble_also_from_a_trial() {
        let troubles = Troubles::default();
        troubles.remember(&failed(ErrorKind::TimedOut), 1);
        troubles.tried(Err(failed(ErrorKind::StorageFull)), 1);
        assert_eq!(troubles.state().now, Some(Trouble::Full));
        let told = troubles.state().told_at.clone();
        assert!(told.contains_key(&Trouble::Other) && told.contains_key(&Trouble::Full));
        troubles.remember(&failed(ErrorKind::StorageFull), 1);
        assert_eq!(troubles.state().told_at, told, "once in a while");
    }
}
