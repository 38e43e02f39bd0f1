//! The metadata of studies, series and instances: one JSON array, made of what ingest wrote (PS3.18 10.4.1.1.2).

use std::io::Write;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use overread_store::studies::{
    MetadataPiece, Page, SeriesFilter, StudyFilter, metadata_pieces, search_series, search_studies,
};
use serde::Deserialize;

use crate::accept::Accept;
use crate::address::Address;
use crate::blinding::Withheld;
use crate::caller::{Caller, RawQuery};
use crate::multipart::answer;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// How hard metadata are compressed: they are sent once and are small.
const GZIP_LEVEL: u32 = 1;
/// What every relative BulkDataURI of an instance starts with; it cannot stand inside a JSON text, where quotes are escaped.
const BULK_MARK: &[u8] = b"\"BulkDataURI\":\"";

/// What a path names.
#[derive(Deserialize)]
pub(crate) struct Named {
    study: String,
    series: Option<String>,
    instance: Option<String>,
}

/// GET .../metadata on every level.
pub(crate) async fn metadata(
    State(state): State<DicomWebState>,
    Path(named): Path<Named>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    Accept::of_request(&headers, &query)?.require_json()?;
    let is_gzip = takes_gzip(&headers);
    let mut tx = state.store.read().await?;
    let withheld = caller.withheld(&mut tx, &named.study).await?;
    drop(tx);
    let version = version(&state, &caller, &named).await?;
    // Without its reports, or without the words of the first reading, a study answers less: another answer, another tag.
    let version = match (withheld.is_any(), caller.reach.is_without_reports()) {
        (true, _) => format!("{version} without the first reading"),
        (false, true) => format!("{version} without reports"),
        (false, false) => version,
    };
    caller
        .note_images(
            &state,
            "study.metadata_read",
            (
                &named.study,
                named.series.as_deref(),
                named.instance.as_deref(),
            ),
        )
        .await?;
    let root = caller.address.root();
    let tag = entity_tag(&version, root, is_gzip);
    if is_known(&headers, &tag) {
        return Ok(finished(
            StatusCode::NOT_MODIFIED.into_response(),
            &tag,
            false,
        ));
    }
    let key = format!("{version}|{root}|{is_gzip}");
    let body = match state.cache.get(&key) {
        Some(body) => body,
        None => {
            let body = assembled(&state, &caller, &named, withheld, is_gzip).await?;
            if named.instance.is_none() {
                state.cache.put(key, body.clone());
            }
            body
        }
    };
    let length_bytes = body.len() as u64;
    let json = HeaderValue::from_static("application/dicom+json");
    Ok(finished(
        answer(Body::from(body), json, length_bytes),
        &tag,
        is_gzip,
    ))
}

fn finished(mut response: Response, tag: &HeaderValue, is_gzip: bool) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag.clone());
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept, Accept-Encoding"),
    );
    // A series can grow: asked again each time, answered by 304.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            matches!(name.trim(), "gzip" | "*")
                && weight.trim().trim_start_matches("q=").parse() != Ok(0.0_f32)
        })
}

pub(crate) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag || known.trim() == "*")
}

/// Names the version of what is asked for; 404 when it is not there or not to be seen.
async fn version(state: &DicomWebState, caller: &Caller, named: &Named) -> Answer<String> {
    let mut tx = state.store.read().await?;
    let Named {
        study,
        series,
        instance,
    } = named;
    let page = Page {
        limit: 1,
        ..Page::default()
    };
    if let Some(series) = series {
        let filter = SeriesFilter {
            study_instance_uid: Some(study.clone()),
            series_instance_uids: vec![series.clone()],
            ..SeriesFilter::default()
        };
        let rows = search_series(&mut tx, &caller.reach, &filter, &page).await?;
        let row = rows.first().ok_or_else(Refusal::not_found)?;
        let instance = instance.as_deref().unwrap_or_default();
        return Ok(format!(
            "series {} {} {} {instance}",
            row.id, row.changed_at, row.instance_count
        ));
    }
    let filter = StudyFilter {
        study_instance_uids: vec![study.clone()],
        ..StudyFilter::default()
    };
    let rows = search_studies(&mut tx, &caller.reach, &filter, &page).await?;
    let row = rows.first().ok_or_else(Refusal::not_found)?;
    Ok(format!(
        "study {} {} {}",
        row.id, row.changed_at, row.instance_count
    ))
}

/// Makes a strong entity tag of a version, an address and an encoding.
fn entity_tag(version: &str, root: &str, is_gzip: bool) -> HeaderValue {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (version, root, is_gzip).hash(&mut hasher);
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish()))
        .unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

async fn assembled(
    state: &DicomWebState,
    caller: &Caller,
    named: &Named,
    withheld: Withheld,
    is_gzip: bool,
) -> Answer<Bytes> {
    let mut tx = state.store.read().await?;
    let mut pieces = metadata_pieces(
        &mut tx,
        &caller.reach,
        &named.study,
        named.series.as_deref(),
        named.instance.as_deref(),
    )
    .await?;
    drop(tx);
    if pieces.is_empty() {
        return Err(Refusal::not_found());
    }
    let address = caller.address.clone();
    let study = named.study.clone();
    tokio::task::spawn_blocking(move || {
        for piece in pieces.iter_mut().filter(|_| withheld.is_any()) {
            piece.dicom_json = Bytes::from(withheld.without(&piece.dicom_json)?);
        }
        let json = joined(&pieces, &address, &study);
        Ok(if is_gzip {
            gzipped(&json)
        } else {
            Bytes::from(json)
        })
    })
    .await
    .map_err(|_| Refusal::internal())?
}

/// Joins objects to an array and makes their BulkDataURIs absolute.
fn joined(pieces: &[MetadataPiece], address: &Address, study: &str) -> Vec<u8> {
    let length: usize = pieces
        .iter()
        .map(|piece| piece.dicom_json.len() + 256)
        .sum();
    let mut out = Vec::with_capacity(length + 2);
    out.push(b'[');
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let base = format!("{}/", address.series(study, &piece.series_instance_uid));
        let mut rest: &[u8] = &piece.dicom_json;
        while let Some(at) = memchr::memmem::find(rest, BULK_MARK) {
            let (head, tail) = rest.split_at(at + BULK_MARK.len());
            out.extend_from_slice(head);
            out.extend_from_slice(base.as_bytes());
            rest = tail;
        }
        out.extend_from_slice(rest);
    }
    out.push(b']');
    out
}

fn gzipped(json: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(json.len() / 8 + 1024),
        flate2::Compression::new(GZIP_LEVEL),
    );
    // Writing to memory cannot fail.
    let _written = encoder.write_all(json);
    Bytes::from(encoder.finish().unwrap_or_default())
}
