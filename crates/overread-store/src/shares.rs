//! Shares: so much of something over all who ask, that it stays bounded, and never all of it for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::timeout;

/// What there is of something: turns to ask, room in memory.
#[derive(Debug)]
pub struct Shares {
    all: Arc<Semaphore>,
    of_one: usize,
    /// What each has left who has some, or waits for some, at the moment.
    each: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// What somebody has of it, until it is dropped.
#[derive(Debug)]
pub struct Share {
    of_asker: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
}

impl Shares {
    /// Makes so many pieces, of which one asker may have so many.
    pub fn new(all: usize, of_one: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            of_one: of_one.min(all).max(1),
            each: Mutex::default(),
        }
    }

    /// Waits for so many pieces; what is more than one may have takes just that. Who has all that one may have waits for some
    /// of its own first, so that it stands in nobody's way. `None` when they do not come in time.
    pub async fn take(&self, asker: &str, pieces: usize, patience: Duration) -> Option<Share> {
        let pieces = self.within(pieces);
        let of_asker = self.of(asker);
        let both = async {
            let of_asker = of_asker.acquire_many_owned(pieces).await?;
            let of_all = Arc::clone(&self.all).acquire_many_owned(pieces).await?;
            Ok::<_, AcquireError>(Share { of_asker, of_all })
        };
        timeout(patience, both).await.ok().and_then(Result::ok)
    }

    /// Takes so many pieces if they are there at this moment.
    pub fn take_at_once(&self, asker: &str, pieces: usize) -> Option<Share> {
        let pieces = self.within(pieces);
        let both = || {
            let of_asker = self.of(asker).try_acquire_many_owned(pieces)?;
            let of_all = Arc::clone(&self.all).try_acquire_many_owned(pieces)?;
            Ok::<_, TryAcquireError>(Share { of_asker, of_all })
        };
        both().ok()
    }

    fn within(&self, pieces: usize) -> u32 {
        u32::try_from(pieces.min(self.of_one)).unwrap_or(u32::MAX)
    }

    fn of(&self, asker: &str) -> Arc<Semaphore> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = each.get(asker).and_then(Weak::upgrade) {
            return left;
        }
        each.retain(|_, left| left.strong_count() > 0);
        let left = Arc::new(Semaphore::new(self.of_one));
        each.insert(asker.to_owned(), Arc::downgrade(&left));
        left
    }
}

impl Share {
    /// Gives back all but so many pieces.
    pub fn fit(&mut self, pieces: usize) {
        for permit in [&mut self.of_asker, &mut self.of_all] {
            let more = permit.num_permits().saturating_sub(pieces);
            drop(permit.split(more));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]

    use std::time::Duration;

    use futures_util::FutureExt;

    use super::Shares;

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn one_asker_never_has_all() {
        let shares = Shares::new(4, 3);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(shares.take("machine a", 1, LONG).await.unwrap());
        }
        // Whoever of one asker waits stands in nobody's way.
        let mut waits = Box::pin(shares.take("machine a", 1, LONG));
        assert!((&mut waits).now_or_never().is_none());
        assert!(shares.take_at_once("machine a", 1).is_none());
        assert!(shares.take_at_once("machine b", 2).is_none());
        assert!(shares.take_at_once("machine b", 1).is_some());
        held.pop();
        assert!(waits.await.is_some());
    }

    #[tokio::test]
    async fn all_of_them_together_are_bounded_and_nobody_is_remembered() {
        let shares = Shares::new(4, 3);
        let mut held = Vec::new();
        for asker in ["a", "b", "c", "d"] {
            held.push(shares.take(asker, 1, LONG).await.unwrap());
        }
        assert!(shares.take("e", 1, Duration::ZERO).await.is_none());
        held.clear();
        held.push(shares.take("f", usize::MAX, LONG).await.unwrap());
        assert!(shares.take("f", 1, Duration::ZERO).await.is_none());
        assert_eq!(shares.each.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_is_given_back_is_there_for_oneself_and_for_others() {
        let shares = Shares::new(4, 3);
        let mut held = shares.take("a", 3, LONG).await.unwrap();
        held.fit(1);
        // It cannot give back what it has not.
        held.fit(2);
        let own = shares.take_at_once("a", 2).unwrap();
        assert!(shares.take_at_once("b", 2).is_none());
        drop(own);
        assert!(shares.take_at_once("b", 3).is_some());
    }
}
