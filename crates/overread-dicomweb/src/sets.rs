//! WADO-RS: a study or a series of whole instances (PS3.18 10.4.1.1.1).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use futures_util::StreamExt;
use futures_util::stream;
use overread_store::studies::StoredInstance;
use serde::Deserialize;

use crate::accept::Accept;
use crate::blinding::Withheld;
use crate::caller::{Caller, RawQuery, Sending};
use crate::conditional::not_kept;
use crate::content::Content;
use crate::forms::{DICOM, Form, can_be_rewritten, choose};
use crate::instances::opening;
use crate::multipart::{Boundary, body_of_stream};
use crate::partial::{Begun, Missing, begin, readable};
use crate::refusal::Answer;
use crate::state::DicomWebState;

/// A study or series in a path.
#[derive(Deserialize)]
pub(crate) struct Several {
    pub(crate) study: String,
    pub(crate) series: Option<String>,
}

/// GET /studies/{study} and /studies/{study}/series/{series}.
pub(crate) async fn several(
    State(state): State<DicomWebState>,
    Path(several): Path<Several>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let accept = Accept::of_request(&headers, &query)?;
    accept.refuse_mixed()?;
    let (study, series) = (&several.study, several.series.as_deref());
    let (found, withheld) = caller.instances(&state, study, series).await?;
    if found.is_empty() {
        return Err(caller.not_there(&state, study).await);
    }
    let mut missing = Missing::default();
    let found = readable(&state.archive, found, &mut missing).await?;
    let parts_only = accept.only(|range| range.takes_parts(DICOM));
    let sent = missing.without(found, |one| form_of(one, &parts_only, &withheld))?;
    caller
        .note_images(&state, study, sent.iter().map(|(one, _)| one))
        .await?;
    let boundary = Boundary::new()?;
    let content_type = boundary.content_type(DICOM)?;
    let closing = boundary.closing();
    let address = caller.address.clone();
    let reading = Reading {
        state,
        asker: caller.asker(),
        sending: caller.sending,
        withheld,
    };
    let mut sent = sent.into_iter();
    let Begun { refused, first } = begin(sent.by_ref(), |(one, form)| {
        let reading = &reading;
        async move { reading.content(&one, form).await }
    })
    .await?;
    let mut before = Vec::with_capacity(refused.len());
    for ((one, form), refusal) in refused {
        match form.is_coded() {
            true => before.push(one),
            // As it is stored it is never sent on the web.
            false => missing.left_out(refusal),
        }
    }
    let ((one, form), content) = first;
    let first = (one, form, Ok(content));
    // One instance at a time is read, while the one before it is sent: memory does not grow with the study.
    let (again, rest) = (reading.clone(), reading);
    let before = stream::iter(before).then(move |one| again.clone().stored(one));
    let rest = stream::iter(sent).then(move |(one, form)| rest.clone().among_others(one, form));
    let all = before.chain(stream::iter([first])).chain(rest).enumerate();
    let parts = all.map(move |(index, (one, form, content))| {
        // An error in the middle of an answer can only break it off.
        let content =
            content.map_err(|_| std::io::Error::other("an instance could not be read"))?;
        let opening = opening(&boundary, &address, index == 0, (&one, form, &content));
        Ok((opening, content))
    });
    let pieces = parts.flat_map(|part| match part {
        Ok((opening, content)) => stream::iter([Ok(opening)]).chain(content.stream()).boxed(),
        Err(error) => stream::iter([Err(error)]).boxed(),
    });
    let body = body_of_stream(pieces.chain(stream::iter([Ok(closing)])));
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    not_kept(&mut response);
    Ok(missing.said_on(response))
}

fn form_of(one: &StoredInstance, accept: &Accept, withheld: &Withheld) -> Answer<Form> {
    let is_whole = !withheld.is_any();
    let (_, form) = choose(accept, &one.transfer_syntax_uid, is_whole)?;
    if form == Form::Rewritten || form == Form::Stored && !is_whole {
        can_be_rewritten(one)?;
    }
    Ok(form)
}

/// How the instances of a set are read.
#[derive(Clone)]
struct Reading {
    state: DicomWebState,
    asker: String,
    sending: Sending,
    withheld: Withheld,
}

impl Reading {
    async fn content(&self, one: &StoredInstance, form: Form) -> Answer<Content> {
        let by = (self.asker.as_str(), self.sending);
        Content::of(&self.state, by, one, form, self.withheld.clone()).await
    }

    /// Reads one instance among others; what cannot be decoded goes out as it is stored, and its part says so, since the others
    /// could not be had either when the answer broke off.
    // PS3.18 8.7.3.5.2: every part names its transfer syntax.
    async fn among_others(self, one: StoredInstance, form: Form) -> Read {
        match self.content(&one, form).await {
            Err(refusal) if form.is_coded() && refusal.leaves_others() => self.stored(one).await,
            content => (one, form, content),
        }
    }

    async fn stored(self, one: StoredInstance) -> Read {
        let content = self.content(&one, Form::Stored).await;
        (one, Form::Stored, content)
    }
}

/// An instance, how it goes out, and what its part holds.
type Read = (StoredInstance, Form, Answer<Content>);
