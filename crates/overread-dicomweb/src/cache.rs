//! Metadata answers that are ready to be sent again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::limits::CACHE_BYTES;

/// An answer, and the reports that whoever gets it has read.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) body: Bytes,
    pub(crate) reports: Arc<[i64]>,
}

impl Ready {
    fn length_bytes(&self) -> usize {
        self.body.len() + size_of_val(&*self.reports)
    }
}

/// Ready answers by key, the oldest going first. Keys name the version, so nothing is ever stale.
#[derive(Default)]
pub(crate) struct Cache {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    answers: HashMap<String, Ready>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn get(&self, key: &str) -> Option<Ready> {
        self.inner.lock().ok()?.answers.get(key).cloned()
    }

    /// Keeps an answer, unless it alone would take half of the room.
    pub(crate) fn put(&self, key: String, answer: Ready) {
        let Ok(mut inner) = self.inner.lock() else {
            return;
        };
        if answer.length_bytes() > CACHE_BYTES / 2 || inner.answers.contains_key(&key) {
            return;
        }
        inner.bytes += answer.length_bytes();
        inner.answers.insert(key.clone(), answer);
        inner.order.push_back(key);
        while inner.bytes > CACHE_BYTES
            && let Some(oldest) = inner.order.pop_front()
        {
            if let Some(gone) = inner.answers.remove(&oldest) {
                inner.bytes -= gone.length_bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::{Cache, Ready};
    use crate::limits::CACHE_BYTES;

    #[test]
    fn the_oldest_goes_first() {
        let cache = Cache::default();
        let of = |length| Ready {
            body: Bytes::from(vec![0; length]),
            reports: Arc::default(),
        };
        let third = of(CACHE_BYTES / 3);
        for name in ["a", "b", "c", "d"] {
            cache.put(name.to_owned(), third.clone());
        }
        assert!(cache.get("a").is_none());
        assert!(cache.get("d").is_some());
        cache.put("huge".to_owned(), of(CACHE_BYTES));
        assert!(cache.get("huge").is_none());
    }
}
