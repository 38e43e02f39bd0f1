//! A connection, and whether a request on it is being answered.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;

/// A connection as the sharing of places sees it.
pub(super) struct Guest {
    /// Dropped when it must end.
    pub(super) _open: oneshot::Sender<()>,
    pub(super) is_shared: bool,
    /// It was answered and waits for its next request.
    pub(super) is_idle: Arc<AtomicBool>,
}

impl Guest {
    /// Says what harm is done when it ends for another: a request that somebody sent through a proxy is never ended.
    pub(super) fn harm(&self) -> Option<u8> {
        (!self.is_shared || self.is_idle.load(Ordering::Relaxed)).then_some(0)
    }
}

/// A request that is being answered; dropped when the answer is out, or nobody waits for it any more.
pub(super) struct Running {
    is_idle: Arc<AtomicBool>,
}

impl Running {
    pub(super) fn start(is_idle: &Arc<AtomicBool>) -> Self {
        is_idle.store(false, Ordering::Relaxed);
        Self {
            is_idle: Arc::clone(is_idle),
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
        self.is_idle.store(true, Ordering::Relaxed);
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
