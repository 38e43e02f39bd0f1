//! Long answers whose reader may lose, while they are sent, what allowed them: a token is revoked, a grant ends, a study is
//! deleted, a first reading begins.
//!
//! Whoever reads slowly enough would otherwise read on for days what nobody may read any more. An answer that was begun is
//! broken off then, and never ends as if it were complete.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};
use overread_model::access::Actor;
use overread_model::time::Timestamp;
use overread_store::access::{
    Reach, has_lost_grant, is_blind_to, is_in_force, is_there_for, reach,
};
use overread_store::{StoreResult, Tx};

use crate::limits::{ASK_AGAIN, ASKED_AGAIN_BYTES, QUERY_PARAMETERS};
use crate::params::percent_decoded;
use crate::state::DicomWebState;

/// Watches over answers that are too long to go out at once.
pub(crate) async fn asked_again(
    State(state): State<DicomWebState>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let actor = request.extensions().get::<Actor>().cloned();
    let in_path = params.iter().flat_map(RawPathParams::iter);
    let in_path = in_path.filter(|(name, _)| *name == "study");
    let in_path = in_path.map(|(_, study)| study.to_owned()).next();
    let study = in_path.or_else(|| study_asked(request.uri()));
    let Some(actor) = actor else {
        return next.run(request).await;
    };
    let begun_at = (state.clock)();
    let mut question = Question {
        state,
        actor,
        study,
        begun_at,
        // A machine has no first reading to do: nothing begins to be left out for it.
        may_turn_blind: false,
    };
    if matches!(question.actor, Actor::Person { .. }) {
        // Before the answer is looked up: a first reading that begins between the two ends it, rather than being taken for
        // one that was there all along. Who it is not known of is taken to have seen everything.
        question.may_turn_blind = !question.begins_blind().await.unwrap_or(false);
    }
    let response = next.run(request).await;
    let longest = response.body().size_hint().upper();
    if longest.is_some_and(|bytes| bytes <= ASKED_AGAIN_BYTES) {
        return response;
    }
    response.map(|inner| {
        Body::new(Asked {
            inner,
            question,
            asked_at: begun_at,
            asking: None,
        })
    })
}

/// Returns the study that a query names, as WADO-URI does (PS3.18 9.1.2.1).
fn study_asked(uri: &Uri) -> Option<String> {
    let pairs = uri.query()?.split('&').take(QUERY_PARAMETERS);
    let mut named = pairs.filter_map(|pair| pair.split_once('='));
    let asked = named.find(|(name, _)| percent_decoded(name) == "studyUID");
    asked.map(|(_, study)| percent_decoded(study))
}

/// Who reads what, since when.
#[derive(Clone)]
struct Question {
    state: DicomWebState,
    actor: Actor,
    /// Where it is one.
    study: Option<String>,
    begun_at: Timestamp,
    /// Whether a first reading may begin of which nothing was left out when the answer began.
    may_turn_blind: bool,
}

impl Question {
    /// Says whether the reader may still read: who has a first reading to do since it began may not read on what tells of
    /// another.
    async fn ask(self) -> StoreResult<bool> {
        let now = (self.state.clock)();
        let mut tx = self.state.store.peek().await?;
        if !is_in_force(&mut tx, &self.actor, now).await? {
            return Ok(false);
        }
        let reach = reach(&mut tx, &self.actor, now).await?;
        if self.may_turn_blind && self.is_blind(&mut tx, &reach).await? {
            return Ok(false);
        }
        match &self.study {
            None => Ok(!has_lost_grant(&mut tx, &self.actor, self.begun_at, now).await?),
            Some(study) => is_there_for(&mut tx, &reach, study).await,
        }
    }

    async fn begins_blind(&self) -> StoreResult<bool> {
        let mut tx = self.state.store.peek().await?;
        let reach = reach(&mut tx, &self.actor, self.begun_at).await?;
        self.is_blind(&mut tx, &reach).await
    }

    /// Says whether what may tell of the first reading is left out of what this reach shows.
    async fn is_blind(&self, tx: &mut Tx, reach: &Reach) -> StoreResult<bool> {
        match &self.study {
            None => Ok(reach.is_without_reports()),
            Some(study) => is_blind_to(tx, reach, study).await,
        }
    }
}

struct Asked {
    inner: Body,
    question: Question,
    asked_at: Timestamp,
    asking: Option<BoxFuture<'static, StoreResult<bool>>>,
}

impl Asked {
    fn is_due(&self) -> bool {
        let since = (self.question.state.clock)().as_micros() - self.asked_at.as_micros();
        // A clock that was set back says nothing.
        u128::from(since.unsigned_abs()) >= ASK_AGAIN.as_micros()
    }
}

impl HttpBody for Asked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.asking.is_none() && self.is_due() {
            self.asking = Some(self.question.clone().ask().boxed());
        }
        if let Some(asking) = &mut self.asking {
            let may_read = ready!(asking.poll_unpin(cx));
            self.asking = None;
            self.asked_at = (self.question.state.clock)();
            if !may_read.unwrap_or(false) {
                self.inner = Body::empty();
                let error = std::io::Error::other("what allowed this answer is over");
                return Poll::Ready(Some(Err(axum::Error::new(error))));
            }
        }
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
