//! A connection, and what the requests on it are about.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Patience;
use crate::limits;

/// A connection as the sharing of places sees it.
pub(super) struct Guest {
    /// Dropped when it must end.
    pub(super) _open: oneshot::Sender<()>,
    pub(super) is_shared: bool,
    /// How long it may ask nothing, or send next to nothing, before it makes room.
    pub(super) first: Duration,
    pub(super) phase: Phase,
}

/// What a connection is about, and since when. In HTTP/2 several requests are under way at once.
#[derive(Clone)]
pub(super) struct Phase(Arc<Mutex<State>>);

struct State {
    has_asked: bool,
    /// Requests that are not answered to the end yet.
    running: usize,
    /// Those of them whose body arrives.
    arriving: usize,
    /// Those of them whose next piece of an answer waits until the client takes it.
    unread: usize,
    /// When the connection went from rest to work.
    began: Instant,
    /// Bytes of bodies that arrived since.
    bytes: u64,
    /// When the last request ended.
    rested: Instant,
    /// When an answer began to wait for the client.
    waited: Instant,
    /// When the client last took more than a word.
    took: Instant,
    /// Requests that were answered to the end.
    ended: u64,
    /// Requests that the client broke off.
    broken_off: u64,
}

impl Phase {
    pub(super) fn fresh() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(State {
            has_asked: false,
            running: 0,
            arriving: 0,
            unread: 0,
            began: now,
            bytes: 0,
            rested: now,
            waited: now,
            took: now,
            ended: 0,
            broken_off: 0,
        })))
    }

    fn now(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that bytes went out; words of the protocol alone do not count.
    pub(super) fn went_out(&self, bytes: usize) {
        if bytes >= limits::TAKEN_BYTES {
            self.now().took = Instant::now();
        }
    }

    /// Says whether the connection should end: it rests, its client leaves answers unread or breaks off all that it asks.
    pub(super) fn is_over(&self, patience: &Patience) -> bool {
        let state = self.now();
        let rests = state.running == 0 && state.rested.max(state.took).elapsed() > patience.header;
        let is_unread =
            state.unread > 0 && state.waited.max(state.took).elapsed() > patience.answer;
        let is_flood = state.broken_off > state.ended.saturating_add(limits::BROKEN_OFF);
        rests || is_unread || is_flood
    }

    /// Says whether the client has taken nothing for so long.
    pub(super) fn is_still(&self, patience: Duration) -> bool {
        self.now().took.elapsed() > patience
    }
}

impl Guest {
    /// Says what harm is done when it ends for another: a request that somebody sent through a proxy is never ended, unless
    /// it arrives so slowly that nobody waits for it.
    pub(super) fn harm(&self) -> Option<u8> {
        if !self.is_shared {
            return Some(0);
        }
        let state = self.phase.now();
        let age = state.began.elapsed();
        if state.running == 0 {
            return (state.has_asked || age > self.first).then_some(u8::from(!state.has_asked));
        }
        let ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let is_slow = state.bytes.saturating_mul(1000) < ms.saturating_mul(limits::SLOW_BYTES);
        let only_arrives = state.arriving == state.running;
        (only_arrives && age > self.first && is_slow).then_some(2)
    }
}

/// A request whose body arrives; dropped when it is whole, or nobody reads on.
pub(super) struct Arriving(Phase);

impl Arriving {
    pub(super) fn start(phase: &Phase) -> Self {
        phase.now().arriving += 1;
        Self(phase.clone())
    }

    /// Notes that a piece of the body arrived.
    pub(super) fn arrived(&self, bytes: usize) {
        self.0.now().bytes += bytes as u64;
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.0.now().arriving -= 1;
    }
}

/// A request that is being answered; dropped when the answer is out, or nobody waits for it any more.
pub(super) struct Running {
    phase: Phase,
    is_done: bool,
}

impl Running {
    pub(super) fn start(phase: &Phase) -> Self {
        let mut state = phase.now();
        if state.running == 0 {
            state.began = Instant::now();
            state.bytes = 0;
        }
        state.has_asked = true;
        state.running += 1;
        drop(state);
        Self {
            phase: phase.clone(),
            is_done: false,
        }
    }

    /// Goes on until the answer's body is dropped, and keeps its place among the connection's requests until then.
    pub(super) fn until_read(
        self,
        response: Response,
        place: Option<OwnedSemaphorePermit>,
    ) -> Response {
        response.map(|body| {
            let mut answering = Answering {
                body,
                is_unread: false,
                running: self,
                _place: place,
            };
            answering.wait_for_client(true);
            Body::new(answering)
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.phase.now();
        state.running -= 1;
        if state.running == 0 {
            state.rested = Instant::now();
        }
        if self.is_done {
            state.ended += 1;
        } else {
            state.broken_off += 1;
        }
    }
}

/// The body of an answer on its way.
struct Answering {
    body: Body,
    /// The next piece waits until the client has taken the one before.
    is_unread: bool,
    running: Running,
    _place: Option<OwnedSemaphorePermit>,
}

impl Answering {
    fn wait_for_client(&mut self, is_unread: bool) {
        if self.is_unread == is_unread {
            return;
        }
        self.is_unread = is_unread;
        let mut state = self.running.phase.now();
        if !is_unread {
            state.unread -= 1;
            return;
        }
        if state.unread == 0 {
            state.waited = Instant::now();
        }
        state.unread += 1;
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let is_piece = matches!(polled, Poll::Ready(Some(_)));
        self.wait_for_client(is_piece);
        self.running.is_done = matches!(polled, Poll::Ready(None));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.wait_for_client(false);
        self.running.is_done |= self.body.is_end_stream();
    }
}
