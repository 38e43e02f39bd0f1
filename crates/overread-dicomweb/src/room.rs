//! Room for answers that are held in memory while they are made and sent: bounded over all of them together, and for each who
//! asks, so that readers who take their time neither fill the memory nor keep others waiting.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use overread_dicom::Syntax;
use overread_ingest::{RoomToInflate, room_to_inflate};
use overread_store::shares::{Share, Shares};
use overread_store::studies::StoredInstance;
use tokio::time::timeout;

use crate::limits::{ROOM_ASKERS, ROOM_PIECE_BYTES, ROOM_WAIT, SENT_PIECE_BYTES};
use crate::refusal::{Answer, Refusal};

/// The room of one kind of answers.
#[derive(Clone)]
pub(crate) struct Room(Arc<Shares>);

/// What an answer takes up of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken(Share);

/// Bytes that take up room until they are sent; what is sent is given back.
pub(crate) struct Held {
    pieces: VecDeque<Bytes>,
    taken: Taken,
}

impl Room {
    /// Makes a room of so many pieces.
    pub(crate) fn new(pieces: usize) -> Self {
        Self(Arc::new(Shares::new(pieces, pieces / ROOM_ASKERS)))
    }

    /// Waits for room; what is larger than the share of one asker takes all of that.
    ///
    /// # Errors
    /// 503 when none becomes free in time.
    pub(crate) async fn take(&self, asker: &str, bytes: u64) -> Answer<Taken> {
        let taken = self.0.take(asker, pieces(bytes), ROOM_WAIT).await;
        taken.map(Taken).ok_or_else(full)
    }

    /// Takes room for what is in memory already, and so cannot wait for it.
    ///
    /// # Errors
    /// 503 when there is none.
    pub(crate) fn take_at_once(&self, asker: &str, bytes: u64) -> Answer<Taken> {
        let taken = self.0.take_at_once(asker, pieces(bytes));
        taken.map(Taken).ok_or_else(full)
    }
}

/// Waits for memory to inflate an instance in; `None` when it is not deflated.
///
/// # Errors
/// 503 when none becomes free in time.
pub(crate) async fn to_inflate(found: &StoredInstance) -> Answer<Option<RoomToInflate>> {
    if !Syntax::of_uid(&found.transfer_syntax_uid).deflated {
        return Ok(None);
    }
    let room = timeout(ROOM_WAIT, room_to_inflate(found.extent.length_bytes)).await;
    match room {
        Ok(Ok(room)) => Ok(Some(room)),
        Ok(Err(_)) => Err(Refusal::internal()),
        Err(_) => Err(Refusal::away(
            "too many deflated instances are being read; ask again in a while",
        )),
    }
}

fn pieces(bytes: u64) -> usize {
    let pieces = bytes.div_ceil(ROOM_PIECE_BYTES as u64);
    usize::try_from(pieces).unwrap_or(usize::MAX).max(1)
}

fn full() -> Refusal {
    Refusal::away("too many long answers are being sent; ask again in a while, or for less at once")
}

/// Cuts what is long into pieces of memory, each of which is free as soon as it is sent.
pub(crate) fn cut(bytes: Bytes) -> Vec<Bytes> {
    if bytes.len() <= SENT_PIECE_BYTES {
        return vec![bytes];
    }
    let pieces = bytes.chunks(SENT_PIECE_BYTES);
    pieces.map(Bytes::copy_from_slice).collect()
}

impl Taken {
    /// Gives back what is not needed, now that it is known how much is.
    pub(crate) fn fit(&mut self, bytes: u64) {
        self.0.fit(pieces(bytes));
    }

    /// Returns the bytes as what takes up the room.
    pub(crate) fn around(self, bytes: Bytes) -> Held {
        Held {
            pieces: cut(bytes).into(),
            taken: self,
        }
    }
}

impl Held {
    /// Returns how much is to be sent still.
    pub(crate) fn left_bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }

    fn give_back(&mut self) {
        let left_bytes = self.left_bytes();
        self.taken.fit(left_bytes);
    }
}

impl Iterator for Held {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pop_front()?;
        self.give_back();
        Some(piece)
    }
}

impl Read for Held {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Held {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.pieces.front().map(Bytes::as_ref).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        if let Some(piece) = self.pieces.front_mut() {
            piece.advance(count.min(piece.len()));
            if piece.is_empty() {
                self.pieces.pop_front();
                self.give_back();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]

    use axum::http::StatusCode;
    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::{Held, Room};
    use crate::limits::{ROOM_PIECE_BYTES, SENT_PIECE_BYTES};

    /// What is given back at once, and how many pieces of the room it is.
    const PIECE: u64 = SENT_PIECE_BYTES as u64;
    const PIECES: usize = SENT_PIECE_BYTES / ROOM_PIECE_BYTES;

    #[tokio::test]
    async fn nobody_has_all_of_it_however_much_is_asked() {
        let room = Room::new(8 * PIECES);
        let held = room.take("machine a", u64::MAX).await.unwrap();
        let refused = room.take_at_once("machine a", 1).unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(room.take("machine a", 1).now_or_never().is_none());
        let other = room.take("machine b", 4 * PIECE).now_or_never();
        assert!(other.unwrap().is_ok());
        drop(held);
        assert!(room.take_at_once("machine a", 4 * PIECE).is_ok());
    }

    #[tokio::test]
    async fn what_is_sent_is_given_back() {
        let room = Room::new(8 * PIECES);
        let length = 4 * SENT_PIECE_BYTES - 1;
        let held = || async {
            let mut taken = room.take("a", u64::MAX).await.unwrap();
            taken.fit(length as u64);
            taken.around(Bytes::from(vec![7; length]))
        };
        let check = |mut held: Held, read: fn(&mut Held)| {
            assert!(room.take_at_once("a", 1).is_err());
            read(&mut held);
            assert!(room.take_at_once("a", PIECE).is_ok());
            assert!(room.take_at_once("a", 2 * PIECE).is_err());
            read(&mut held);
            assert!(room.take_at_once("a", 2 * PIECE).is_ok());
        };
        check(held().await, |held| {
            assert_eq!(held.next().unwrap().len(), SENT_PIECE_BYTES);
        });
        check(held().await, |held| {
            let mut bytes = vec![0; SENT_PIECE_BYTES];
            std::io::Read::read_exact(held, &mut bytes).unwrap();
        });
        assert_eq!(held().await.flatten().count(), length);
    }
}
