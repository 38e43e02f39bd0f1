//! A connection, and whether a request on it is being answered.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;

/// A connection as the sharing of places sees it.
pub(super) struct Guest {
    /// Dropped when it must end.
    pub(super) _open: oneshot::Sender<()>,
    pub(super) is_shared: bool,
    /// After that a connection that asked nothing yet makes room.
    pub(super) asks_until: Instant,
    pub(super) phase: Phase,
}

/// What a connection is about.
#[derive(Clone, Default)]
pub(super) struct Phase(Arc<AtomicU8>);

/// It has not asked anything yet.
const FRESH: u8 = 0;
/// It is being answered.
const RUNNING: u8 = 1;
/// It was answered and waits for its next request.
const IDLE: u8 = 2;

impl Phase {
    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }
}

impl Guest {
    /// Says what harm is done when it ends for another: a request that somebody sent through a proxy is never ended.
    pub(super) fn harm(&self) -> Option<u8> {
        if !self.is_shared {
            return Some(0);
        }
        match self.phase.0.load(Ordering::Relaxed) {
            IDLE => Some(0),
            FRESH if self.asks_until < Instant::now() => Some(1),
            _ => None,
        }
    }
}

/// A request that is being answered; dropped when the answer is out, or nobody waits for it any more.
pub(super) struct Running {
    phase: Phase,
}

impl Running {
    pub(super) fn start(phase: &Phase) -> Self {
        phase.set(RUNNING);
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
