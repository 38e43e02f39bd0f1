//! Metadata answers that are ready to be sent again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use crate::limits::CACHE_BYTES;
use crate::pace::body_of_held;
use crate::refusal::Answer;
use crate::room::{Room, Taken, cut};

/// An answer, and the reports that whoever gets it has read; a clone is the same one.
#[derive(Clone)]
pub(crate) struct Ready(Arc<Text>);

struct Text {
    pieces: Vec<Bytes>,
    length_bytes: usize,
    reports: Arc<[i64]>,
    /// What it takes up for each who is sent it: once, however many requests read it. In the cache it has memory of its own,
    /// but a slow reader holds it after it has gone from there.
    taken: Mutex<HashMap<String, Weak<Taken>>>,
}

impl Ready {
    pub(crate) fn new(body: Bytes, reports: Arc<[i64]>) -> Self {
        Self(Arc::new(Text {
            length_bytes: body.len(),
            pieces: cut(body),
            reports,
            taken: Mutex::default(),
        }))
    }

    pub(crate) fn reports(&self) -> &[i64] {
        &self.0.reports
    }

    pub(crate) fn length_bytes(&self) -> usize {
        self.0.length_bytes
    }

    /// Makes a body of it, which takes up room unless it is short; `taken` is room that is there already.
    ///
    /// # Errors
    /// 503 when others, or other answers for the same asker, take up the room.
    pub(crate) async fn body(
        &self,
        room: &Room,
        asker: &str,
        taken: Option<Taken>,
    ) -> Answer<Body> {
        if let [only] = self.0.pieces.as_slice() {
            return Ok(Body::from(only.clone()));
        }
        let known = self.lock().get(asker).and_then(Weak::upgrade);
        let taken = match (known, taken) {
            (Some(known), _) => known,
            (None, Some(taken)) => self.remember(asker, taken),
            (None, None) => {
                self.remember(asker, room.take(asker, self.length_bytes() as u64).await?)
            }
        };
        let text = Arc::clone(&self.0);
        let pieces = (0..text.pieces.len()).map_while(move |at| {
            let _taken = &taken;
            text.pieces.get(at).cloned().map(Ok)
        });
        Ok(body_of_held(stream::iter(pieces)))
    }

    fn remember(&self, asker: &str, taken: Taken) -> Arc<Taken> {
        let taken = Arc::new(taken);
        let mut all = self.lock();
        all.retain(|_, taken| taken.strong_count() > 0);
        all.insert(asker.to_owned(), Arc::downgrade(&taken));
        taken
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Taken>>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_bytes(&self) -> usize {
        self.length_bytes() + size_of_val(self.reports())
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
        if answer.kept_bytes() > CACHE_BYTES / 2 || inner.answers.contains_key(&key) {
            return;
        }
        inner.bytes += answer.kept_bytes();
        inner.answers.insert(key.clone(), answer);
        inner.order.push_back(key);
        while inner.bytes > CACHE_BYTES
            && let Some(oldest) = inner.order.pop_front()
        {
            if let Some(gone) = inner.answers.remove(&oldest) {
                inner.bytes -= gone.kept_bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]

    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::BodyExt;

    use super::{Cache, Ready};
    use crate::limits::{CACHE_BYTES, ROOM_PIECE_BYTES, SENT_PIECE_BYTES};
    use crate::room::Room;

    #[test]
    fn the_oldest_goes_first() {
        let cache = Cache::default();
        let of = |length| Ready::new(Bytes::from(vec![0; length]), Arc::default());
        let third = of(CACHE_BYTES / 3);
        for name in ["a", "b", "c", "d"] {
            cache.put(name.to_owned(), third.clone());
        }
        assert!(cache.get("a").is_none());
        assert!(cache.get("d").is_some());
        cache.put("huge".to_owned(), of(CACHE_BYTES));
        assert!(cache.get("huge").is_none());
    }

    #[tokio::test]
    async fn readers_hold_one_copy_and_take_room_for_one() {
        let room = Room::new(8 * SENT_PIECE_BYTES / ROOM_PIECE_BYTES);
        let cache = Cache::default();
        let text = Bytes::from(vec![7; 3 * SENT_PIECE_BYTES]);
        cache.put("a".to_owned(), Ready::new(text.clone(), Arc::default()));
        let mut unread = Vec::new();
        for _ in 0..100 {
            let ready = cache.get("a").unwrap();
            unread.push(ready.body(&room, "machine a", None).await.unwrap());
        }
        let mut first = Vec::new();
        for body in unread.drain(..2).collect::<Vec<_>>() {
            let mut pieces = body.into_data_stream();
            use futures_util::StreamExt;
            first.push(pieces.next().await.unwrap().unwrap());
            unread.push(axum::body::Body::from_stream(pieces));
        }
        assert_eq!(first[0].as_ptr(), first[1].as_ptr());
        // One piece of four is left, also when nothing but its readers holds it.
        drop(cache);
        let left =
            |pieces: usize| room.take_at_once("machine a", (pieces * SENT_PIECE_BYTES) as u64);
        assert!(left(2).is_err());
        assert!(left(1).is_ok());
        let last = unread.pop().unwrap();
        unread.clear();
        assert!(left(2).is_err());
        let got = last.collect().await.unwrap().to_bytes();
        assert_eq!(got.len(), 2 * SENT_PIECE_BYTES);
        assert!(left(4).is_ok());
        let whole = Ready::new(text.clone(), Arc::default())
            .body(&room, "machine b", None)
            .await;
        assert_eq!(whole.unwrap().collect().await.unwrap().to_bytes(), text);
    }
}
