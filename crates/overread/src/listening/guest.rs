//! A connection, and whether a request on it is being answered.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;

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

/// What a connection is about, and since when.
#[derive(Clone)]
pub(super) struct Phase(Arc<State>);

struct State {
    came: Instant,
    kind: AtomicU8,
    /// When the request that arrives began, in ms since the connection came.
    began_ms: AtomicU64,
    /// Bytes of its body that arrived.
    bytes: AtomicU64,
}

/// It has not asked anything yet.
const FRESH: u8 = 0;
/// The body of its request arrives.
const ARRIVING: u8 = 1;
/// Its request is whole and being answered.
const RUNNING: u8 = 2;
/// It was answered and waits for its next request.
const IDLE: u8 = 3;

impl Phase {
    pub(super) fn fresh() -> Self {
        Self(Arc::new(State {
            came: Instant::now(),
            kind: AtomicU8::new(FRESH),
            began_ms: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }))
    }

    /// Notes that a piece of the request's body arrived.
    pub(super) fn arrived(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes that the request is whole.
    pub(super) fn is_whole(&self) {
        self.set(RUNNING);
    }

    fn set(&self, kind: u8) {
        self.0.kind.store(kind, Ordering::Relaxed);
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.0.came.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Guest {
    /// Says what harm is done when it ends for another: a request that somebody sent through a proxy is never ended, unless
    /// it arrives so slowly that nobody waits for it.
    pub(super) fn harm(&self) -> Option<u8> {
        if !self.is_shared {
            return Some(0);
        }
        let (state, now_ms) = (&self.phase.0, self.phase.age_ms());
        let first_ms = u64::try_from(self.first.as_millis()).unwrap_or(u64::MAX);
        match state.kind.load(Ordering::Relaxed) {
            IDLE => Some(0),
            FRESH if now_ms > first_ms => Some(1),
            ARRIVING => {
                let ms = now_ms.saturating_sub(state.began_ms.load(Ordering::Relaxed));
                let bytes = state.bytes.load(Ordering::Relaxed);
                let is_slow = bytes.saturating_mul(1000) < ms.saturating_mul(limits::SLOW_BYTES);
                (ms > first_ms && is_slow).then_some(2)
            }
            _ => None,
        }
    }
}

/// A request that is being answered; dropped when the answer is out, or nobody waits for it any more.
pub(super) struct Running {
    phase: Phase,
}

impl Running {
    pub(super) fn start(phase: &Phase, has_body: bool) -> Self {
        phase.0.began_ms.store(phase.age_ms(), Ordering::Relaxed);
        phase.0.bytes.store(0, Ordering::Relaxed);
        phase.set(if has_body { ARRIVING } else { RUNNING });
        Self {
            phase: phase.clone(),
        }
    }

    /// Goes on until the answer's body is dropped.
    pub(super) fn until_read(self, response: Response) -> Response {
        response.map(|body| {
            Body::new(Answering {
                body,
                _running: self,
            })
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.phase.set(IDLE);
    }
}

/// The body of an answer on its way.
struct Answering {
    body: Body,
    _running: Running,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
