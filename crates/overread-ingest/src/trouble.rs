//! That nothing can be stored at the moment: remembered from a batch that failed until something is stored again.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use overread_archive::Archive;
use overread_store::{Store, StoreError, audit};
use tokio::time::timeout;

use crate::{IngestError, limits};

/// Why nothing can be stored, in words for whoever watches the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    fn of(error: &(dyn Error + 'static)) -> Self {
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
}

#[derive(Debug, Default)]
struct State {
    now: Option<Trouble>,
    tried_at: Option<Instant>,
    told_at: Option<Instant>,
}

impl Troubles {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something was stored.
    pub(crate) fn is_over(&self) {
        self.state().now = None;
    }

    /// Remembers a failure; the log hears of it, and of those that follow once in [`limits::TROUBLE_TOLD`].
    pub(crate) fn remember(&self, error: &IngestError) {
        let mut state = self.state();
        state.now = Some(Trouble::of(error));
        let is_told = state
            .told_at
            .is_some_and(|at| at.elapsed() < limits::TROUBLE_TOLD);
        if is_told {
            return;
        }
        state.told_at = Some(Instant::now());
        drop(state);
        let kind = kind(error);
        tracing::error!(kind, error = %chain(error), "a batch could not be stored; nothing of it was acknowledged");
    }
}

/// Returns why nothing can be stored, where a batch failed and a small write fails, too; asks nobody while all is well.
pub(crate) async fn now(
    troubles: &Arc<Troubles>,
    store: &Store,
    archive: &Archive,
) -> Option<Trouble> {
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
        match write(&store, &archive).await {
            Ok(()) => troubles_of.is_over(),
            Err(error) => troubles_of.state().now = Some(Trouble::of(&error)),
        }
        troubles_of.state().tried_at = Some(Instant::now());
        drop(turn);
    });
    // Whoever hangs goes on by itself, and keeps the turn.
    let _ended = timeout(limits::TRIAL_PATIENCE, trial).await;
    troubles.state().now
}

/// Writes a little where packs are, and a row as it is, durably both.
async fn write(store: &Store, archive: &Archive) -> Result<(), IngestError> {
    archive.try_write().await?;
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
