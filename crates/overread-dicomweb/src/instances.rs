//! WADO-RS: whole instances, alone or a series or study of them (PS3.18 10.4.1.1.1).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use overread_store::studies::{StoredInstance, find_instance};
use serde::Deserialize;

use crate::accept::Accept;
use crate::address::Address;
use crate::caller::{Caller, RawQuery};
use crate::conditional::{Tag, immutable, tagged};
use crate::content::Content;
use crate::forms::{DICOM, Form, choose, outgoing, type_of};
use crate::multipart::{Boundary, answer, body_of, body_of_stream};
use crate::range::ranged;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// One instance in a path.
#[derive(Deserialize)]
pub(crate) struct One {
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) instance: String,
}

/// Finds one instance, or says why it is not there: 410 for a deleted study to who could see it, else 404.
pub(crate) async fn find(
    state: &DicomWebState,
    caller: &Caller,
    one: &One,
) -> Answer<StoredInstance> {
    let mut tx = state.store.peek().await?;
    let (study, series, instance) = (&one.study, &one.series, &one.instance);
    let found = find_instance(&mut tx, &caller.reach, study, series, instance).await?;
    drop(tx);
    match found {
        Some(found) => Ok(found),
        None => Err(caller.not_there(state, study).await),
    }
}

/// GET .../instances/{instance}.
pub(crate) async fn instance(
    State(state): State<DicomWebState>,
    Path(one): Path<One>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let accept = Accept::of_request(&headers, &query)?;
    accept.refuse_mixed()?;
    answered(&state, &caller, &headers, &one, &accept).await
}

/// Answers one instance as the client takes it.
pub(crate) async fn answered(
    state: &DicomWebState,
    caller: &Caller,
    headers: &HeaderMap,
    one: &One,
    accept: &Accept,
) -> Answer {
    let found = find(state, caller, one).await?;
    let mut tx = state.store.peek().await?;
    let withheld = caller.withheld(&mut tx, &one.study).await?;
    drop(tx);
    let is_whole = !withheld.is_any();
    let (is_parts, form) = choose(accept, &found.transfer_syntax_uid, is_whole)?;
    caller.note_images(state, &one.study, [&found]).await?;
    // Without what is withheld it is another instance, which the digest does not name.
    let tag = Tag::of_stored(
        caller,
        &found,
        outgoing(form, &found.transfer_syntax_uid),
        is_parts,
    )
    .filter(|_| is_whole);
    let mut response = match &tag {
        Some(tag) if tag.is_known(headers) => tag.not_modified(),
        _ => {
            let content = Content::of(
                state,
                (&caller.asker(), caller.sending),
                &found,
                form,
                withheld,
            )
            .await?;
            if is_parts {
                in_parts(&caller.address, &found, form, content, tag.as_ref())?
            } else {
                alone(headers, &found, form, content, tag.as_ref())?
            }
        }
    };
    if is_whole {
        // What is left out today must not live on in the reader's cache when the lock has opened it.
        immutable(&mut response);
    }
    Ok(response)
}

/// Returns what stands before an instance that is a part.
pub(crate) fn opening(
    boundary: &Boundary,
    address: &Address,
    is_first: bool,
    (found, form, content): (&StoredInstance, Form, &Content),
) -> Bytes {
    let location = address.instance(
        &found.study_instance_uid,
        &found.series_instance_uid,
        &found.sop_instance_uid,
    );
    let part_type = type_of(form, found);
    boundary.opening(is_first, &part_type, &location, content.length_bytes())
}

fn in_parts(
    address: &Address,
    found: &StoredInstance,
    form: Form,
    content: Content,
    tag: Option<&Tag>,
) -> Answer {
    let boundary = Boundary::new()?;
    let opening = opening(&boundary, address, true, (found, form, &content));
    let closing = boundary.closing();
    let total = opening.len() as u64 + content.length_bytes() + closing.len() as u64;
    let content_type = boundary.content_type(DICOM)?;
    let body = match content {
        Content::Pieces(pieces) => {
            let whole = [opening]
                .into_iter()
                .chain(pieces)
                .chain([closing])
                .collect();
            body_of(whole).0
        }
        long => {
            let start = stream::iter([Ok(opening)]);
            let end = stream::iter([Ok(closing)]);
            body_of_stream(start.chain(long.stream()).chain(end))
        }
    };
    Ok(tagged(answer(body, content_type, total), tag))
}

fn alone(
    headers: &HeaderMap,
    found: &StoredInstance,
    form: Form,
    content: Content,
    tag: Option<&Tag>,
) -> Answer {
    let content_type =
        HeaderValue::try_from(type_of(form, found)).map_err(|_| Refusal::internal())?;
    let name = format!("attachment; filename=\"{}.dcm\"", found.sop_instance_uid);
    let mut response = ranged(headers, content, content_type, tag)?;
    if let Ok(value) = HeaderValue::try_from(name) {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
