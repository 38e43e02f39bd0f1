//! Room for answers that are held in memory while they are made and sent: bounded over all of them together, so that readers
//! who take their time do not fill the memory.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::{ROOM_PIECE_BYTES, ROOM_WAIT};
use crate::refusal::{Answer, Refusal};

/// The room of one kind of answers.
#[derive(Clone)]
pub(crate) struct Room {
    pieces: Arc<Semaphore>,
    all: u32,
}

/// What an answer takes up of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken(OwnedSemaphorePermit);

/// Bytes that take up room until they are sent.
struct Held {
    bytes: Bytes,
    _taken: Taken,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Room {
    /// Makes a room of so many pieces.
    pub(crate) fn new(pieces: u32) -> Self {
        Self {
            pieces: Arc::new(Semaphore::new(pieces as usize)),
            all: pieces,
        }
    }

    /// Waits for room; what is larger than all of it takes it alone.
    ///
    /// # Errors
    /// 503 when none becomes free in time.
    pub(crate) async fn take(&self, bytes: u64) -> Answer<Taken> {
        let room = Arc::clone(&self.pieces);
        let permit = room.acquire_many_owned(pieces(bytes).min(self.all));
        match timeout(ROOM_WAIT, permit).await {
            Ok(Ok(permit)) => Ok(Taken(permit)),
            _ => Err(full()),
        }
    }

    /// Takes room for what is in memory already, and so cannot wait for it.
    ///
    /// # Errors
    /// 503 when there is none.
    pub(crate) fn take_at_once(&self, bytes: u64) -> Answer<Taken> {
        let room = Arc::clone(&self.pieces);
        let permit = room.try_acquire_many_owned(pieces(bytes).min(self.all));
        permit.map(Taken).map_err(|_| full())
    }
}

fn pieces(bytes: u64) -> u32 {
    let pieces = bytes.div_ceil(ROOM_PIECE_BYTES);
    u32::try_from(pieces).unwrap_or(u32::MAX).max(1)
}

fn full() -> Refusal {
    Refusal::away("too many long answers are being sent; ask again in a while, or for less at once")
}

impl Taken {
    /// Gives back what is not needed, now that it is known how much is.
    pub(crate) fn fit(&mut self, bytes: u64) {
        let more = self.0.num_permits().saturating_sub(pieces(bytes) as usize);
        drop(self.0.split(more));
    }

    /// Returns the bytes as what takes up the room until it is dropped.
    pub(crate) fn around(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Held {
            bytes,
            _taken: self,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]

    use axum::http::StatusCode;
    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::Room;
    use crate::limits::ROOM_PIECE_BYTES;

    #[tokio::test]
    async fn room_is_taken_until_the_bytes_are_gone() {
        let room = Room::new(4);
        let mut taken = room.take(u64::MAX).await.unwrap();
        assert!(room.take(1).now_or_never().is_none(), "all of it is taken");
        let refused = room.take_at_once(1).unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        taken.fit(2 * ROOM_PIECE_BYTES);
        let others = room.take_at_once(2 * ROOM_PIECE_BYTES).unwrap();
        // What is less than was needed gives nothing back that it has not.
        taken.fit(3 * ROOM_PIECE_BYTES);
        let body = taken.around(Bytes::from_static(b"text"));
        let sent = body.slice(1..2);
        drop(body);
        assert!(room.take(1).now_or_never().is_none());
        drop(others);
        assert!(room.take(3 * ROOM_PIECE_BYTES).now_or_never().is_none());
        drop(sent);
        assert!(room.take(4 * ROOM_PIECE_BYTES).now_or_never().is_some());
    }
}
