//! The metadata of studies, series and instances: one JSON array, made of what ingest wrote (PS3.18 10.4.1.1.2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use overread_store::Tx;
use overread_store::studies::{
    MetadataPiece, Page, SeriesFilter, StudyFilter, metadata_pieces, search_series, search_studies,
};
use serde::Deserialize;

use crate::accept::{Accept, Form, XML};
use crate::address::Address;
use crate::blinding::Withheld;
use crate::cache::Ready;
use crate::caller::{Caller, RawQuery};
use crate::compression::{gzipped, takes_gzip};
use crate::conditional::{Tag, not_kept};
use crate::multipart::{Boundary, answer, body_of_stream};
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// What every relative BulkDataURI of an instance starts with; it cannot stand inside a JSON text, where quotes are escaped.
const BULK_MARK: &[u8] = b"\"BulkDataURI\":\"";

/// What a path names.
#[derive(Deserialize, Clone)]
pub(crate) struct Named {
    pub(crate) study: String,
    pub(crate) series: Option<String>,
    pub(crate) instance: Option<String>,
}

impl Named {
    fn uids(&self) -> (&str, Option<&str>, Option<&str>) {
        (
            &self.study,
            self.series.as_deref(),
            self.instance.as_deref(),
        )
    }
}

/// GET .../metadata on every level.
pub(crate) async fn metadata(
    State(state): State<DicomWebState>,
    Path(named): Path<Named>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let form = Accept::of_request(&headers, &query)?.json_or_xml()?;
    let is_gzip = form == Form::Json && takes_gzip(&headers);
    let known = if caller.reach.is_without_reports() {
        // What is shown is counted among all instances.
        let (caller, named) = (caller.clone(), named.clone());
        let asked = async move |tx: &mut Tx| known_version(tx, &caller, &named).await;
        state.store.ask(asked).await??
    } else {
        known_version(&mut state.store.peek().await?, &caller, &named).await?
    };
    let Some((version, withheld)) = known else {
        return Err(caller.not_there(&state, &named.study).await);
    };
    let read = named.uids();
    caller
        .note_reading(&state, "study.metadata_read", Some(read.0))
        .await?;
    if form == Form::Xml {
        let reports = caller.reports(&state, read).await?;
        caller.note_reports(&state, read.0, &reports).await?;
        return in_xml(&state, &caller, &named, withheld).await;
    }
    let root = caller.address.root();
    let tag = Tag::strong((&version, root, is_gzip));
    let key = format!("{version}|{root}|{is_gzip}");
    let kept = state.cache.get(&key);
    let reports = match &kept {
        Some(kept) => Arc::clone(&kept.reports),
        None => Arc::from(caller.reports(&state, read).await?),
    };
    caller.note_reports(&state, read.0, &reports).await?;
    if tag.is_known(&headers) {
        return Ok(finished(tag.not_modified(), false));
    }
    let body = match kept {
        Some(kept) => kept.body,
        None => {
            let body = assembled(&state, &caller, &named, withheld, is_gzip).await?;
            if named.instance.is_none() {
                let body = body.clone();
                state.cache.put(key, Ready { body, reports });
            }
            body
        }
    };
    let length_bytes = body.len() as u64;
    let json = HeaderValue::from_static("application/dicom+json");
    let response = answer(Body::from(body), json, length_bytes);
    Ok(finished(tag.on(response), is_gzip))
}

fn finished(mut response: Response, is_gzip: bool) -> Response {
    // Asked again each time, answered by 304.
    not_kept(&mut response);
    let headers = response.headers_mut();
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept, Accept-Encoding"),
    );
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Names the version of what is asked for, and says what of it is withheld; nothing when it is not there or not to be seen.
async fn known_version(
    tx: &mut Tx,
    caller: &Caller,
    named: &Named,
) -> Answer<Option<(String, Withheld)>> {
    let Named {
        study,
        series,
        instance,
    } = named;
    let page = Page {
        limit: 1,
        ..Page::default()
    };
    let found = if let Some(series) = series {
        let filter = SeriesFilter {
            study_instance_uid: Some(study.clone()),
            series_instance_uids: vec![series.clone()],
            ..SeriesFilter::default()
        };
        let instance = instance.as_deref().unwrap_or_default();
        let rows = search_series(tx, &caller.reach, &filter, &page).await?;
        rows.first().map(|row| {
            let (id, changed_at, count) = (row.id, row.changed_at, row.instance_count);
            format!("series {id} {changed_at} {count} {instance}")
        })
    } else {
        let filter = StudyFilter {
            study_instance_uids: vec![study.clone()],
            ..StudyFilter::default()
        };
        let rows = search_studies(tx, &caller.reach, &filter, &page).await?;
        rows.first().map(|row| {
            let (id, changed_at, count) = (row.id, row.changed_at, row.instance_count);
            format!("study {id} {changed_at} {count}")
        })
    };
    let Some(mut version) = found else {
        return Ok(None);
    };
    let withheld = caller.withheld(tx, study).await?;
    // Without its reports, or without the words of the first reading, a study answers less: another answer, another tag.
    match (withheld.is_any(), caller.reach.is_without_reports()) {
        (true, _) => version.push_str(" without the first reading"),
        (false, true) => version.push_str(" without reports"),
        (false, false) => {}
    }
    Ok(Some((version, withheld)))
}

pub(crate) async fn pieces(
    state: &DicomWebState,
    caller: &Caller,
    named: &Named,
) -> Answer<Vec<MetadataPiece>> {
    let asked = {
        let (reach, named) = (caller.reach.clone(), named.clone());
        async move |tx: &mut Tx| {
            let (study, series, instance) = named.uids();
            metadata_pieces(tx, &reach, study, series, instance).await
        }
    };
    let pieces = state.store.ask(asked).await??;
    if pieces.is_empty() {
        return Err(caller.not_there(state, &named.study).await);
    }
    Ok(pieces)
}

async fn assembled(
    state: &DicomWebState,
    caller: &Caller,
    named: &Named,
    withheld: Withheld,
    is_gzip: bool,
) -> Answer<Bytes> {
    let mut pieces = pieces(state, caller, named).await?;
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

/// Writes one part of Native DICOM Model an instance (PS3.18 10.4.1.1.2), each when the one before is sent.
async fn in_xml(
    state: &DicomWebState,
    caller: &Caller,
    named: &Named,
    withheld: Withheld,
) -> Answer {
    let pieces = pieces(state, caller, named).await?;
    let boundary = Boundary::new()?;
    let content_type = boundary.content_type(XML)?;
    let (address, study) = (caller.address.clone(), named.study.clone());
    let closing = boundary.closing();
    let parts = stream::iter(pieces.into_iter().enumerate()).map(move |(index, piece)| {
        let json = match withheld.is_any() {
            true => withheld.without(&piece.dicom_json),
            false => Ok(piece.dicom_json.to_vec()),
        };
        let json =
            json.map_err(|_| std::io::Error::other("the metadata of an instance are damaged"))?;
        let whole = MetadataPiece {
            dicom_json: Bytes::from(json),
            ..piece
        };
        let mut object = Vec::new();
        push_absolute(&mut object, &whole, &address, &study);
        let xml = overread_dicom::xml::write(&serde_json::from_slice(&object)?);
        let place = address.instance(&study, &whole.series_instance_uid, &whole.sop_instance_uid);
        let place = format!("{place}/metadata");
        let opening = boundary.opening(index == 0, XML, &place, xml.len() as u64);
        Ok(Bytes::from([&opening[..], &xml[..]].concat()))
    });
    let parts = parts.chain(stream::once(async move { Ok(closing) }));
    let mut response = body_of_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
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
        push_absolute(&mut out, piece, address, study);
    }
    out.push(b']');
    out
}

/// Adds the object of one instance with absolute BulkDataURIs.
fn push_absolute(out: &mut Vec<u8>, piece: &MetadataPiece, address: &Address, study: &str) {
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
