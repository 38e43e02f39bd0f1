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
pub(crate) struct Taken {
    permit: OwnedSemaphorePermit,
    room: Arc<Semaphore>,
}

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
        let permit = Arc::clone(&room).acquire_many_owned(pieces(bytes).min(self.all));
        match timeout(ROOM_WAIT, permit).await {
            Ok(Ok(permit)) => Ok(Taken { permit, room }),
            _ => Err(full()),
        }
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
    ///
    /// # Errors
    /// 503 when more is needed than was taken, and that is not free: what waits here is in memory already.
    pub(crate) fn fit(&mut self, bytes: u64) -> Answer<()> {
        let (held, needed) = (self.permit.num_permits(), pieces(bytes) as usize);
        if let Some(more) = needed.checked_sub(held).filter(|more| *more > 0) {
            let more = u32::try_from(more).map_err(|_| full())?;
            let more = Arc::clone(&self.room).try_acquire_many_owned(more);
            self.permit.merge(more.map_err(|_| full())?);
        }
        drop(self.permit.split(held.saturating_sub(needed)));
        Ok(())
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

    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::Room;
    use crate::limits::ROOM_PIECE_BYTES;

    #[tokio::test]
    async fn room_is_taken_until_the_bytes_are_gone() {
        let room = Room::new(4);
        let mut taken = room.take(u64::MAX).await.unwrap();
        assert!(room.take(1).now_or_never().is_none(), "all of it is taken");
        taken.fit(ROOM_PIECE_BYTES).unwrap();
        let others = room.take(2 * ROOM_PIECE_BYTES).await.unwrap();
        assert!(taken.fit(3 * ROOM_PIECE_BYTES).is_err(), "two are taken");
        taken.fit(2 * ROOM_PIECE_BYTES).unwrap();
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
