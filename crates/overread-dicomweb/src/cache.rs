//! Metadata answers that are ready to be sent again.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use bytes::Bytes;

use crate::limits::CACHE_BYTES;

/// Ready answers by key, the oldest going first. Keys name the version, so nothing is ever stale.
#[derive(Default)]
pub(crate) struct Cache {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    answers: HashMap<String, Bytes>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn get(&self, key: &str) -> Option<Bytes> {
        self.inner.lock().ok()?.answers.get(key).cloned()
    }

    /// Keeps an answer, unless it alone would take half of the room.
    pub(crate) fn put(&self, key: String, answer: Bytes) {
        let Ok(mut inner) = self.inner.lock() else {
            return;
        };
        if answer.len() > CACHE_BYTES / 2 || inner.answers.contains_key(&key) {
            return;
        }
        inner.bytes += answer.len();
        inner.answers.insert(key.clone(), answer);
        inner.order.push_back(key);
        while inner.bytes > CACHE_BYTES
            && let Some(oldest) = inner.order.pop_front()
        {
            if let Some(gone) = inner.answers.remove(&oldest) {
                inner.bytes -= gone.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Cache;
    use crate::limits::CACHE_BYTES;

    #[test]
    fn the_oldest_goes_first() {
        let cache = Cache::default();
        let third = Bytes::from(vec![0; CACHE_BYTES / 3]);
        for name in ["a", "b", "c", "d"] {
            cache.put(name.to_owned(), third.clone());
        }
        assert!(cache.get("a").is_none());
        assert!(cache.get("d").is_some());
        cache.put("huge".to_owned(), Bytes::from(vec![0; CACHE_BYTES]));
        assert!(cache.get("huge").is_none());
    }
}
