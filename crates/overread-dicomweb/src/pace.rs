//! Readers who take their time: an answer that takes up room ends for who takes next to nothing of it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::limits::{READER_FLOOR_BYTES, READER_TIME};
use crate::room::cut;

/// Makes a body of pieces that take up room. With what is still to be sent, the room is free once the reader takes less than
/// [`READER_FLOOR_BYTES`] a second over [`READER_TIME`]; asked for more afterwards, the body is broken off.
pub(crate) fn body_of_held(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    let pieces = pieces.flat_map(|piece| match piece {
        Ok(piece) => stream::iter(cut(piece).into_iter().map(Ok).collect::<Vec<_>>()),
        Err(error) => stream::iter(vec![Err(error)]),
    });
    Body::from_stream(Watched::new(pieces.boxed(), READER_TIME))
}

/// What a reader is sent.
struct Reading {
    /// None once the answer is broken off.
    pieces: Option<BoxStream<'static, io::Result<Bytes>>>,
    /// Since it was looked at last.
    went_bytes: u64,
    /// How long the reader waited for us meanwhile, and since when it does now.
    waited: Duration,
    waits_since: Option<Instant>,
}

impl Reading {
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let Some(pieces) = &mut self.pieces else {
            let error = io::Error::new(io::ErrorKind::TimedOut, "it was read too slowly");
            return Poll::Ready(Some(Err(error)));
        };
        let next = pieces.poll_next_unpin(cx);
        if next.is_pending() {
            self.waits_since.get_or_insert_with(Instant::now);
            return next;
        }
        if let Some(since) = self.waits_since.take() {
            self.waited += since.elapsed();
        }
        if let Poll::Ready(Some(Ok(piece))) = &next {
            self.went_bytes += piece.len() as u64;
        }
        next
    }

    /// Breaks the answer off if its reader took next to nothing of it in the time since this was asked last.
    fn look(&mut self, now: Instant, time: Duration) {
        if let Some(since) = &mut self.waits_since {
            self.waited += now.duration_since(*since);
            *since = now;
        }
        let was_there = time.saturating_sub(std::mem::take(&mut self.waited));
        let least_bytes = was_there.as_secs() * READER_FLOOR_BYTES;
        if std::mem::take(&mut self.went_bytes) < least_bytes {
            self.pieces = None;
        }
    }
}

async fn watch(reading: Weak<Mutex<Reading>>, time: Duration) {
    loop {
        sleep(time).await;
        match reading.upgrade() {
            Some(reading) => lock(&reading).look(Instant::now(), time),
            None => return,
        }
    }
}

fn lock(reading: &Mutex<Reading>) -> MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watched {
    reading: Arc<Mutex<Reading>>,
    watch: JoinHandle<()>,
}

impl Watched {
    fn new(pieces: BoxStream<'static, io::Result<Bytes>>, time: Duration) -> Self {
        let reading = Arc::new(Mutex::new(Reading {
            pieces: Some(pieces),
            went_bytes: 0,
            waited: Duration::ZERO,
            waits_since: None,
        }));
        let watch = tokio::spawn(watch(Arc::downgrade(&reading), time));
        Self { reading, watch }
    }
}

impl Stream for Watched {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        lock(&self.reading).next(cx)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]

    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::future;
    use futures_util::stream::{self, BoxStream, StreamExt};
    use tokio::sync::oneshot;
    use tokio::time::{Instant, timeout};

    use super::{Watched, lock};
    use crate::limits::{READER_FLOOR_BYTES, READER_TIME};

    type Pieces = BoxStream<'static, std::io::Result<Bytes>>;

    const SECOND: Duration = Duration::from_secs(1);

    /// Pieces of what is read in a second at least; the receiver tells when their room is free.
    fn pieces(count: u64) -> (Pieces, oneshot::Receiver<()>) {
        let (room, is_free) = oneshot::channel::<()>();
        let pieces = stream::iter(0..count).map(move |_| {
            let _room = &room;
            Ok(Bytes::from(vec![7; READER_FLOOR_BYTES as usize]))
        });
        (pieces.boxed(), is_free)
    }

    /// Reads so many pieces within [`READER_TIME`]; says whether it may read on.
    async fn reads(body: &mut Watched, count: u64) -> bool {
        for _ in 0..count {
            assert!(body.next().await.unwrap().is_ok());
        }
        let mut reading = lock(&body.reading);
        reading.look(Instant::now() + READER_TIME, READER_TIME);
        reading.pieces.is_some()
    }

    #[tokio::test]
    async fn who_takes_next_to_nothing_loses_the_room_and_never_gets_a_short_answer() {
        let least = READER_TIME.as_secs();
        let (pieces, mut is_free) = pieces(least * 10);
        let mut body = Watched::new(pieces, READER_TIME);
        for _ in 0..3 {
            assert!(reads(&mut body, least).await);
        }
        assert!(is_free.try_recv() == Err(oneshot::error::TryRecvError::Empty));
        assert!(!reads(&mut body, least - 1).await);
        assert!(is_free.try_recv() == Err(oneshot::error::TryRecvError::Closed));
        assert!(body.next().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn it_is_looked_at_without_being_read() {
        let (pieces, is_free) = pieces(10);
        let mut body = Watched::new(pieces, SECOND);
        assert!(timeout(SECOND * 60, is_free).await.unwrap().is_err());
        assert!(body.next().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn nobody_is_blamed_for_what_we_are_slow_with() {
        let (pieces, _is_free) = pieces(1);
        let never = stream::once(future::pending());
        let mut body = Watched::new(pieces.chain(never).boxed(), READER_TIME);
        assert!(body.next().await.unwrap().is_ok());
        assert!(futures_util::poll!(body.next()).is_pending());
        let begin = Instant::now();
        for times in 1..4 {
            let mut reading = lock(&body.reading);
            reading.look(begin + READER_TIME * times, READER_TIME);
            assert!(reading.pieces.is_some());
        }
        assert_eq!(Arc::strong_count(&body.reading), 1);
    }
}
