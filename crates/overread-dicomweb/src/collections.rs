//! WADO-RS: all bulk data, or all pixel data, of a study, a series or an instance (PS3.18 10.4.1.1.5 and 10.4.1.1.6).

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use overread_pixels::is_decodable;
use overread_store::studies::StoredInstance;
use serde_json::Value;

use crate::accept::Accept;
use crate::blinding::Withheld;
use crate::bulkdata::{self, OCTETS, PIXEL_DATA};
use crate::caller::{Caller, RawQuery};
use crate::conditional::not_kept;
use crate::content::Content;
use crate::frames::{as_they_are_stored, table_of};
use crate::limits::{BULK_VALUE_BYTES, METADATA_AHEAD_BYTES};
use crate::metadata::{Named, shown, sop_instance_uid};
use crate::multipart::{Boundary, body_of_stream};
use crate::partial::{Begun, Missing, begin, readable};
use crate::recoded;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// GET .../bulkdata on the levels of study, series and instance.
pub(crate) async fn bulkdata(
    State(state): State<DicomWebState>,
    Path(named): Path<Named>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    collected(state, named, caller, (&headers, &query), |_| true).await
}

/// GET .../pixeldata on the levels of study, series and instance.
pub(crate) async fn pixel_data(
    State(state): State<DicomWebState>,
    Path(named): Path<Named>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let is_pixels = |path: &str| path == PIXEL_DATA;
    collected(state, named, caller, (&headers, &query), is_pixels).await
}

/// Sends the values that are wanted, each read when the one before is sent. Held until the end are their paths, and what is
/// known of each instance, once, with its frame table; no value is.
async fn collected(
    state: DicomWebState,
    named: Named,
    caller: Caller,
    (headers, query): (&HeaderMap, &str),
    is_wanted: fn(&str) -> bool,
) -> Answer {
    let accept = Accept::of_request(headers, query)?;
    if !accept.0.iter().any(|range| range.takes_parts(OCTETS)) {
        return Err(Refusal::not_acceptable(
            "several values are offered as multipart/related; type=\"application/octet-stream\"",
        ));
    }
    let (values, withheld, mut missing) = wanted(&state, &caller, &named, is_wanted).await?;
    let found = values.iter().map(|(one, _)| one.as_ref());
    caller.note_images(&state, &named.study, found).await?;
    let boundary = Boundary::new()?;
    let content_type = boundary.content_type(OCTETS)?;
    let closing = boundary.closing();
    let address = caller.address.clone();
    let mut values = values.into_iter();
    let asker: Arc<str> = caller.asker().into();
    let read = |value| {
        let (state, asker, withheld) = (state.clone(), Arc::clone(&asker), withheld.clone());
        async move { content((&state, &asker), value, &withheld).await }
    };
    let first = loop {
        let Begun { refused, first } = begin(values.by_ref(), read).await?;
        for (_, refusal) in refused {
            missing.left_out(refusal);
        }
        // What is withheld for what it says has no part, and counts for nothing.
        if let (value, Some(content)) = first {
            break (value, content);
        }
    };
    let rest = stream::iter(values).then(move |value| {
        let (state, asker, withheld) = (state.clone(), Arc::clone(&asker), withheld.clone());
        async move {
            let parts = parts((&state, &asker), value.clone(), &withheld).await;
            (value.0, parts)
        }
    });
    let shown = rest.filter_map(|(found, parts)| async move { Some((found, parts.transpose()?)) });
    let ((found, path), content) = first;
    let pieces = stream::iter([(found, Ok(vec![Part::of_value(&path, content)]))])
        .chain(shown)
        .enumerate()
        .flat_map(move |(index, (found, parts))| {
            let Ok(parts) = parts else {
                return stream::iter([Err(std::io::Error::other("a value cannot be read"))])
                    .boxed();
            };
            let url = address.instance(
                &found.study_instance_uid,
                &found.series_instance_uid,
                &found.sop_instance_uid,
            );
            let boundary = boundary.clone();
            let pieces = parts.into_iter().map(move |part| {
                let location = format!("{url}/{}", part.path);
                let length = part.content.length_bytes();
                let opening = boundary.opening(index == 0, &part.media_type, &location, length);
                stream::iter([Ok(opening)]).chain(part.content.stream())
            });
            stream::iter(pieces).flatten().boxed()
        });
    let body = body_of_stream(pieces.chain(stream::iter([Ok(closing)])));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    not_kept(&mut response);
    Ok(missing.said_on(response))
}

/// Lists the values that are wanted, with the instances they are of, and what is left out of them; 404 or 410 when there
/// are none.
async fn wanted(
    state: &DicomWebState,
    caller: &Caller,
    named: &Named,
    is_wanted: fn(&str) -> bool,
) -> Answer<(Vec<(Arc<StoredInstance>, String)>, Withheld, Missing)> {
    let mut shown = shown(state, caller, named, METADATA_AHEAD_BYTES).await?;
    let series = named.series.as_deref();
    let (mut instances, withheld) = caller.instances(state, &named.study, series).await?;
    let is_named = |uid: &str| named.instance.as_deref().is_none_or(|named| named == uid);
    instances.retain(|one| is_named(&one.sop_instance_uid));
    let mut missing = Missing::default();
    let instances = readable(&state.archive, instances, &mut missing).await?;
    let mut instances: HashMap<String, StoredInstance> = instances
        .into_iter()
        .map(|one| (one.sop_instance_uid.clone(), one))
        .collect();
    let mut values = Vec::new();
    while let Some(pieces) = shown.pieces.next().await? {
        for piece in pieces {
            let object: Value =
                serde_json::from_slice(&piece.dicom_json).map_err(|_| Refusal::internal())?;
            let Some(found) = instances.remove(sop_instance_uid(&object)) else {
                continue;
            };
            let mut paths = Vec::new();
            paths_of(&object, &mut paths);
            paths.retain(|path| is_wanted(path) && !withheld.holds_path(path));
            let found = Arc::new(found);
            values.extend(paths.into_iter().map(|path| (Arc::clone(&found), path)));
        }
    }
    let values = missing.without(values, |(found, path)| match path == PIXEL_DATA {
        true => can_be_sent(found),
        false => Ok(()),
    })?;
    let values = values.into_iter().map(|(value, ())| value).collect();
    Ok((values, withheld, missing))
}

/// Finds the path of every value that the metadata of an instance leave out. Depth is bounded by who wrote them.
fn paths_of(object: &Value, paths: &mut Vec<String>) {
    let elements = object.as_object().into_iter();
    for element in elements.flat_map(|members| members.values()) {
        let uri = element.get("BulkDataURI").and_then(Value::as_str);
        if let Some((_, path)) = uri.and_then(|uri| uri.rsplit_once('/')) {
            paths.push(path.to_owned());
        }
        let items = element.get("Value").and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            paths_of(item, paths);
        }
    }
}

/// Refuses by itself, before the answer begins, what could not be decoded within it.
fn can_be_sent(found: &StoredInstance) -> Answer<()> {
    let is_stored_so = !table_of(found)?.is_encapsulated();
    if is_stored_so || is_decodable(&found.transfer_syntax_uid) {
        return Ok(());
    }
    Err(Refusal::not_acceptable(format!(
        "pixel data are stored as {}, which is not decoded here; ask for the instances",
        found.transfer_syntax_uid
    )))
}

/// A part of an answer.
struct Part {
    media_type: String,
    /// Behind the address of its instance.
    path: String,
    content: Content,
}

impl Part {
    fn of_value(path: &str, content: Content) -> Self {
        Self {
            media_type: OCTETS.to_owned(),
            path: format!("bulkdata/{path}"),
            content,
        }
    }
}

/// Reads a value among others. Pixel data that cannot be decoded go out frame after frame as they are stored, and each part
/// says so: the others could not be had either when the answer broke off.
// PS3.18 8.7.3.5.2: every part names its transfer syntax.
async fn parts(
    (state, asker): (&DicomWebState, &str),
    (found, path): (Arc<StoredInstance>, String),
    withheld: &Withheld,
) -> Answer<Option<Vec<Part>>> {
    let value = (Arc::clone(&found), path.clone());
    match content((state, asker), value, withheld).await {
        Err(refusal)
            if path == PIXEL_DATA
                && refusal.leaves_others()
                && found.extent.length_bytes <= BULK_VALUE_BYTES =>
        {
            let (media_type, frames) = as_they_are_stored(state, &found).await?;
            let frames = frames.into_iter().enumerate().map(|(index, pieces)| Part {
                media_type: media_type.clone(),
                path: format!("frames/{}", index + 1),
                content: Content::Pieces(pieces),
            });
            Ok(Some(frames.collect()))
        }
        content => Ok(content?.map(|content| vec![Part::of_value(&path, content)])),
    }
}

/// Reads a value, pixel data decoded; none when it is withheld for what it says.
async fn content(
    (state, asker): (&DicomWebState, &str),
    (found, path): (Arc<StoredInstance>, String),
    withheld: &Withheld,
) -> Answer<Option<Content>> {
    if path == PIXEL_DATA {
        let content = match table_of(&found)?.is_encapsulated() {
            true => recoded::pixel_data(state, asker, &found).await?,
            false => Content::Pieces(bulkdata::pixels(state, &found).await?),
        };
        return Ok(Some(content));
    }
    let value = bulkdata::value(state, &found, &path).await?;
    let shown = value.filter(|value| !withheld.holds_value_at(&path, value));
    Ok(shown.map(|value| Content::Pieces(vec![Bytes::from(value.bytes)])))
}
