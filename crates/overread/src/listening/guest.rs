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
use super::askers::{Askers, Busy};
use crate::limits;

/// A connection as the sharing of places sees it.
pub(super) struct Guest {
    /// Dropped when it must end.
    pub(super) _open: oneshot::Sender<()>,
    pub(super) is_shared: bool,
    /// How long it may ask nothing, or send or take next to nothing, before it makes room.
    pub(super) first: Duration,
    pub(super) phase: Phase,
}

/// What a connection is about, and since when. In HTTP/2 several requests are under way at once.
#[derive(Clone)]
pub(super) struct Phase(Arc<Mutex<State>>);

struct State {
    askers: Arc<Askers>,
    has_asked: bool,
    /// Requests that are not answered to the end yet.
    running: usize,
    /// Bodies whose next piece is waited for.
    wanted: usize,
    /// Requests whose next piece of an answer waits until the client takes it.
    unread: usize,
    /// What was handed over does not go out, since the client takes nothing.
    is_stalled: bool,
    /// Whoever was first found to ask since the connection rested.
    busy: Option<Busy>,
    pace: Pace,
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

/// How long a client keeps us waiting, beyond what it pays for by what it sends and takes.
struct Pace {
    /// When nothing was under way but what waits for the client, since when it does.
    waits_since: Option<Instant>,
    /// How long it kept us waiting.
    waited: Duration,
    /// What it paid.
    paid: Duration,
    /// How far that may be ahead.
    ahead: Duration,
}

impl Pace {
    const fn fresh(ahead: Duration) -> Self {
        Self {
            ahead,
            waits_since: None,
            waited: Duration::ZERO,
            paid: Duration::ZERO,
        }
    }

    fn waited(&self) -> Duration {
        let since = self.waits_since.map(|since| since.elapsed());
        self.waited + since.unwrap_or_default()
    }

    fn waits(&mut self, is_waiting: bool) {
        if is_waiting == self.waits_since.is_none() {
            self.waited = self.waited();
            self.waits_since = is_waiting.then(Instant::now);
        }
    }

    fn pay(&mut self, bytes: usize) {
        let worth = Duration::from_secs(bytes as u64) / limits::SLOW_BYTES;
        self.paid = (self.paid + worth).min(self.waited() + self.ahead);
    }

    fn owes(&self) -> Duration {
        self.waited().saturating_sub(self.paid)
    }
}

impl State {
    const fn is_at_rest(&self) -> bool {
        self.running == 0 && !self.is_stalled
    }

    /// Notes whether we have something to do for the client, or all that is under way waits for it.
    fn look(&mut self) {
        let all_wait = self.wanted + self.unread >= self.running;
        self.pace
            .waits(self.is_stalled || self.running > 0 && all_wait);
        if self.is_at_rest() {
            self.busy = None;
        }
    }
}

impl Phase {
    pub(super) fn fresh(askers: &Arc<Askers>, ahead: Duration) -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(State {
            askers: Arc::clone(askers),
            has_asked: false,
            running: 0,
            wanted: 0,
            unread: 0,
            is_stalled: false,
            busy: None,
            pace: Pace::fresh(ahead),
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
            let mut state = self.now();
            state.took = Instant::now();
            state.pace.pay(bytes);
        }
    }

    /// Notes that nothing can be written, or that it can again.
    pub(super) fn stalls(&self, is_stalled: bool) {
        let mut state = self.now();
        state.is_stalled = is_stalled;
        state.look();
    }

    /// Notes who asks; a proxy may ask for several on one connection, of whom the first counts.
    pub(super) fn asked_by(&self, asker: &str) {
        let mut state = self.now();
        if state.running > 0 && state.busy.is_none() {
            state.busy = Some(Busy::start(&state.askers, asker.to_owned()));
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
    /// nobody waits for it, since its client sends or takes next to nothing, or unless whoever asks keeps more than a share
    /// of all connections busy.
    pub(super) fn harm(&self) -> Option<u8> {
        if !self.is_shared {
            return Some(0);
        }
        let state = self.phase.now();
        if state.is_at_rest() {
            let is_silent = state.rested.elapsed() > self.first;
            return (state.has_asked || is_silent).then_some(u8::from(!state.has_asked));
        }
        if state.pace.owes() > self.first {
            return Some(2);
        }
        let takes_too_much = state.busy.as_ref().is_some_and(Busy::is_too_much);
        takes_too_much.then_some(3)
    }
}

/// A request whose body arrives; dropped when it is whole, or nobody reads on.
pub(super) struct Arriving {
    phase: Phase,
    is_wanted: bool,
}

impl Arriving {
    pub(super) fn start(phase: &Phase) -> Self {
        Self {
            phase: phase.clone(),
            is_wanted: false,
        }
    }

    /// Notes that the next piece of the body is waited for, or is not any more.
    pub(super) fn want(&mut self, is_wanted: bool) {
        if self.is_wanted == is_wanted {
            return;
        }
        self.is_wanted = is_wanted;
        let mut state = self.phase.now();
        if is_wanted {
            state.wanted += 1;
        } else {
            state.wanted -= 1;
        }
        state.look();
    }

    /// Notes that a piece of the body arrived.
    pub(super) fn arrived(&mut self, bytes: usize) {
        self.want(false);
        self.phase.now().pace.pay(bytes);
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.want(false);
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
        if state.is_at_rest() {
            state.pace = Pace::fresh(state.pace.ahead);
        }
        state.has_asked = true;
        state.running += 1;
        state.look();
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
        state.look();
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
        } else {
            if state.unread == 0 {
                state.waited = Instant::now();
            }
            state.unread += 1;
        }
        state.look();
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
