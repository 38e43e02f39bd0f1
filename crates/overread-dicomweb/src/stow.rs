//! STOW-RS: instances in, one outcome for each out (PS3.18 10.5, annex I).

mod answer;
mod composed;
mod pictures;
mod refused;

use std::collections::BTreeSet;
use std::io;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use overread_ingest::{
    DISC_FULL, DeliveryOptions, DeliverySource, Ingest, IngestError, Received, StowOutcome, limits,
};
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::CaseId;
use overread_model::refusal::RefusalReason;
use serde::Deserialize;

use answer::answered;

use crate::accept::{Accept, XML};
use crate::caller::{Caller, RawQuery};
use crate::incoming::{BadContentType, ContentType, Event, PartHeaders, PartReader};
use crate::params::percent_decoded;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// A study in the path, when there is one.
#[derive(Deserialize, Default)]
pub(crate) struct Target {
    study: Option<String>,
}

/// The header that a page sends with everything that changes something.
const CSRF_HEADER: &str = "x-overread-csrf";

/// POST /studies and /studies/{study}.
pub(crate) async fn store(
    State(state): State<DicomWebState>,
    Path(target): Path<Target>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Body,
) -> Answer {
    let case_id = permitted(&state, &caller, &headers, &query).await?;
    let options = DeliveryOptions {
        case_id,
        actor: caller.actor.clone(),
        now: caller.now,
        source: DeliverySource::Stow,
    };
    refuse_what_never_fits(&state, &options, &headers).await?;
    let (content_type, kind) = content_type(&headers)?;
    // A client that names only types other than JSON and XML could not read the answer.
    let form = Accept::of_request(&headers, "")?.json_or_plain_xml()?;
    let incoming = Incoming {
        ingest: state.ingest.clone(),
        chunks: body.into_data_stream(),
        reader: PartReader::new(&content_type.boundary),
    };
    let study = target.study.as_deref();
    let outcomes = match kind {
        Kind::Instances => {
            let stored = state.ingest.stow(parts(incoming), study, options).await;
            stored.map_err(|error| refused(&error))?
        }
        Kind::Metadata => composed::store(&state, incoming, study, options).await?,
    };
    if outcomes.is_empty() {
        return Err(Refusal::bad_request("the body holds no part"));
    }
    let mut response = answered(&outcomes, study, &caller, form);
    response
        .extensions_mut()
        .insert(StoredStudies::of(&outcomes));
    Ok(response)
}

/// The studies of which a request stored instances, left on its answer for whoever judges whose they are.
#[derive(Debug, Clone)]
pub struct StoredStudies(pub Vec<String>);

impl StoredStudies {
    fn of(outcomes: &[StowOutcome]) -> Self {
        let stored = outcomes.iter().filter(|outcome| outcome.result.is_ok());
        let uids: BTreeSet<&String> = stored
            .filter_map(|outcome| outcome.study_instance_uid.as_ref())
            .collect();
        Self(uids.into_iter().cloned().collect())
    }
}

/// Returns what the query of a request names as its case, decoded; whoever acts on the case must read it here.
pub fn case_of(query: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (percent_decoded(name) == "case").then(|| percent_decoded(value))
    })
}

/// Refuses a request that is larger than all that its case may hold, before any of it is read. Whether a smaller one fits is
/// said of each instance, since some of them may be there already.
async fn refuse_what_never_fits(
    state: &DicomWebState,
    options: &DeliveryOptions,
    headers: &HeaderMap,
) -> Answer<()> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let (Some(case_id), Some(length)) = (&options.case_id, length) else {
        return Ok(());
    };
    let set = overread_store::quotas::of_case(&mut state.store.peek().await?, case_id).await?;
    if length <= set.unwrap_or(state.ingest.quota()).bytes {
        return Ok(());
    }
    let noted = state
        .ingest
        .note_refused_request(options, RefusalReason::NoRoom);
    noted.await.map_err(|error| refused(&error))?;
    Err(Refusal::too_large(
        "the request is larger than all that this case may hold; nothing was stored. Ask the practice for more room",
    ))
}

/// Checks that the actor may store, and for which case.
async fn permitted(
    state: &DicomWebState,
    caller: &Caller,
    headers: &HeaderMap,
    query: &str,
) -> Answer<Option<CaseId>> {
    // A browser sends its cookie along with any form; only our pages can send this header.
    if matches!(caller.actor, Actor::Person { .. }) && !headers.contains_key(CSRF_HEADER) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "the request did not come from a page of this site; reload the page and try again",
        ));
    }
    let case = case_of(query);
    let may_always = matches!(caller.actor.role(), Some(Role::Archive | Role::Coordinator));
    let Some(case) = case else {
        return if may_always {
            Ok(None)
        } else {
            Err(Refusal::new(StatusCode::FORBIDDEN, NAMES_NO_CASE))
        };
    };
    let case_id: CaseId = case.parse().map_err(|_| Refusal::bad_request(IS_NO_ID))?;
    if may_always {
        return Ok(Some(case_id));
    }
    let mut tx = state.store.read().await?;
    let rights =
        overread_store::grants::rights_of(&mut tx, &caller.actor, &case_id, caller.now).await?;
    if rights.is_empty() {
        return Err(Refusal::not_found().saying(NO_SUCH_CASE.to_owned()));
    }
    if !rights.contains(&Right::AddRecords) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, MAY_NOT_ADD));
    }
    Ok(Some(case_id))
}

const NAMES_NO_CASE: &str = "you may add images to a case alone, and the address names none: add ?case=ID to it, the id of the case. It \
     stands in the address of the case's page, behind /cases/";
const IS_NO_ID: &str = "?case= names the id of a case, and not its number: 26 letters and digits, which stand in the address of the \
     case's page, behind /cases/";
/// The same for a case that is not there and for one that the actor may not know of.
const NO_SUCH_CASE: &str = "there is no case of this id to which you may add images";
const MAY_NOT_ADD: &str = "you may see this case and not add images to it; ask the practice for somebody who may, or for a token of a role \
     that may";

/// What a request is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Whole files.
    Instances,
    /// Metadata in JSON or XML, and bulk data beside them.
    Metadata,
}

fn content_type(headers: &HeaderMap) -> Answer<(ContentType, Kind)> {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let content_type = ContentType::parse(text.unwrap_or_default()).map_err(|bad| {
        let status = match bad {
            BadContentType::NotMultipart => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            BadContentType::Boundary => StatusCode::BAD_REQUEST,
        };
        Refusal::new(status, bad.to_string())
    })?;
    let kind = match content_type.part_type.as_deref() {
        None | Some("application/dicom") => Kind::Instances,
        Some("application/dicom+json" | XML) => Kind::Metadata,
        Some(_) => {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "instances are taken as application/dicom, application/dicom+json or application/dicom+xml",
            ));
        }
    };
    Ok((content_type, kind))
}

fn refused(error: &IngestError) -> Refusal {
    match error {
        IngestError::Body(cause) => Refusal::bad_request(format!(
            "the body broke off or is no multipart body ({cause}); parts before that may be stored"
        )),
        IngestError::TooManyParts => Refusal::too_large(format!(
            "one request may have {} parts; the first of them are stored, send the rest by further requests",
            limits::STOW_PARTS
        )),
        IngestError::TooManyUnusable => Refusal::bad_request(format!(
            "more than {} parts are no DICOM instances, so the rest was not read; parts before that may be stored: leave \
             out what is no instance, and send the request again",
            limits::STOW_UNUSABLE_PARTS
        )),
        IngestError::PartTooLong => Refusal::too_large(format!(
            "one part may have {} bytes; parts before the one that is longer may be stored",
            limits::ENTRY_BYTES
        )),
        error => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "instances could not be stored"
            );
            if error.is_full() {
                return Refusal::away(DISC_FULL);
            }
            Refusal::away("the archive could not store the instances; send them again later")
        }
    }
}

struct Incoming {
    ingest: Ingest,
    chunks: BodyDataStream,
    reader: PartReader,
}

fn broken_off(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> IngestError {
    IngestError::Body(io::Error::other(cause))
}

/// Cuts the body into parts.
fn parts(body: Incoming) -> impl Stream<Item = Result<Received, IngestError>> + Send {
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match body.next_part().await {
            Ok(Some(part)) => Some((Ok(part), Some(body))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

impl Incoming {
    async fn event(&mut self) -> Result<Event, IngestError> {
        loop {
            match self.reader.next_event().map_err(broken_off)? {
                Event::More => match self.chunks.next().await {
                    Some(chunk) => self.reader.push(chunk.map_err(broken_off)?),
                    None => {
                        self.reader.finish().map_err(broken_off)?;
                        return Ok(Event::End);
                    }
                },
                event => return Ok(event),
            }
        }
    }

    /// Goes on to the next part; `None` at the end.
    async fn next_headers(&mut self) -> Result<Option<PartHeaders>, IngestError> {
        loop {
            match self.event().await? {
                Event::Part(headers) => return Ok(Some(headers)),
                Event::End => return Ok(None),
                _ => {}
            }
        }
    }

    async fn next_part(&mut self) -> Result<Option<Received>, IngestError> {
        if self.next_headers().await?.is_none() {
            return Ok(None);
        }
        let mut part = self.ingest.receive().await?;
        while let Event::Data(data) = self.event().await? {
            part.push(&data).await?;
        }
        part.finish().await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::case_of;

    #[test]
    fn a_case_is_read_decoded_however_it_is_written() {
        for query in ["case=ab", "x=1&case=%61b", "%63ase=a%62&case=zz"] {
            assert_eq!(case_of(query).as_deref(), Some("ab"), "{query}");
        }
        assert_eq!(case_of("cases=ab&x"), None);
    }
}
