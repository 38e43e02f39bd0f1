//! Turns to ask much at once: so many over all who ask, that memory stays bounded, and never all of them for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::{StoreError, StoreResult};

/// The turns of one database.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    /// How many one asker may have: one fewer, so that there is always one for somebody else.
    of_one: usize,
    patience: Duration,
    /// Those of each who asks or waits at the moment.
    each: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A turn; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _of_asker: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Turns {
    /// Makes so many turns, two at least, for which is waited so long.
    pub(crate) fn new(at_once: usize, patience: Duration) -> Self {
        let at_once = at_once.max(2);
        Self {
            all: Arc::new(Semaphore::new(at_once)),
            of_one: at_once - 1,
            patience,
            each: Mutex::default(),
        }
    }

    /// Waits for a turn. Who has all that one may have waits for one of its own first, so that it stands in nobody's way.
    ///
    /// # Errors
    /// [`StoreError::NoTurn`] when none comes in time.
    pub(crate) async fn take(&self, asker: &str) -> StoreResult<Turn> {
        let of_asker = self.of(asker);
        let both = async {
            let of_asker = of_asker.acquire_owned().await?;
            let of_all = Arc::clone(&self.all).acquire_owned().await?;
            Ok::<_, AcquireError>(Turn {
                _of_asker: of_asker,
                _of_all: of_all,
            })
        };
        let turn = timeout(self.patience, both).await;
        turn.ok().and_then(Result::ok).ok_or(StoreError::NoTurn)
    }

    fn of(&self, asker: &str) -> Arc<Semaphore> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = each.get(asker).and_then(Weak::upgrade) {
            return turns;
        }
        each.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(self.of_one));
        each.insert(asker.to_owned(), Arc::downgrade(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]

    use std::time::Duration;

    use futures_util::FutureExt;

    use super::Turns;
    use crate::error::StoreError;

    #[tokio::test]
    async fn one_asker_never_has_every_turn() {
        let turns = Turns::new(4, Duration::from_secs(600));
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(turns.take("machine a").await.unwrap());
        }
        // Whoever of one asker waits stands in nobody's way.
        let mut waits = Box::pin(turns.take("machine a"));
        assert!((&mut waits).now_or_never().is_none());
        let other = turns.take("machine b").now_or_never();
        assert!(other.unwrap().is_ok());
        held.pop();
        assert!(waits.await.is_ok());
    }

    #[tokio::test]
    async fn all_of_them_together_are_bounded_and_nobody_is_remembered() {
        let turns = Turns::new(4, Duration::ZERO);
        let mut held = Vec::new();
        for asker in ["a", "b", "c", "d"] {
            held.push(turns.take(asker).await.unwrap());
        }
        assert!(matches!(turns.take("e").await, Err(StoreError::NoTurn)));
        held.clear();
        for _ in 0..3 {
            held.push(turns.take("f").await.unwrap());
        }
        assert!(matches!(turns.take("f").await, Err(StoreError::NoTurn)));
        assert_eq!(turns.each.lock().unwrap().len(), 1);
    }
}
