//! Who has requests under way, and on how many connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections each asker (a person, a token, a link) keeps busy, however many addresses or proxies it comes by.
#[derive(Debug)]
pub(super) struct Askers {
    share: usize,
    busy: Mutex<HashMap<String, usize>>,
}

/// A connection that an asker keeps busy; dropped when it rests.
#[derive(Debug)]
pub(super) struct Busy {
    askers: Arc<Askers>,
    asker: String,
}

impl Askers {
    /// Counts askers, of whom each should keep so many connections busy at most.
    pub(super) fn new(share: usize) -> Arc<Self> {
        Arc::new(Self {
            share,
            busy: Mutex::default(),
        })
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Busy {
    pub(super) fn start(askers: &Arc<Askers>, asker: String) -> Self {
        *askers.busy().entry(asker.clone()).or_default() += 1;
        Self {
            askers: Arc::clone(askers),
            asker,
        }
    }

    /// Says whether the asker keeps more connections busy than its share.
    pub(super) fn is_too_much(&self) -> bool {
        let count = self.askers.busy().get(&self.asker).copied();
        count.is_some_and(|count| count > self.askers.share)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut busy = self.askers.busy();
        if let Some(count) = busy.get_mut(&self.asker) {
            *count -= 1;
            if *count == 0 {
                busy.remove(&self.asker);
            }
        }
    }
}
