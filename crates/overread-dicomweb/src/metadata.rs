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
    MetadataPiece, Page, SeriesFilter, StudyFilter, metadata_bytes, metadata_pieces, reports_among,
    search_series, search_studies,
};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::accept::{Accept, Form, XML};
use crate::address::Address;
use crate::blinding::Withheld;
use crate::cache::Ready;
use crate::caller::{Caller, RawQuery};
use crate::compression::{gzipped, takes_gzip};
use crate::conditional::{Tag, not_kept};
use crate::limits::{METADATA_ROOM_PIECE_BYTES, METADATA_ROOM_PIECES, METADATA_ROOM_WAIT};
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
    let Some((version, _)) = known else {
        return Err(caller.not_there(&state, &named.study).await);
    };
    let read = named.uids();
    caller
        .note_reading(&state, "study.metadata_read", Some(read.0))
        .await?;
    if form == Form::Xml {
        let whole = whole(&state, &caller, &named).await?;
        caller.note_reports(&state, read.0, &whole.reports).await?;
        return in_xml(&caller, &named, whole);
    }
    let root = caller.address.root();
    let key = |version: &str| format!("{version}|{root}|{is_gzip}");
    let tag = Tag::strong((&version, root, is_gzip));
    let kept = state.cache.get(&key(&version));
    if kept.is_some() || tag.is_known(&headers) {
        let reports = match &kept {
            Some(kept) => Arc::clone(&kept.reports),
            None => Arc::from(caller.reports(&state, read).await?),
        };
        caller.note_reports(&state, read.0, &reports).await?;
    }
    if tag.is_known(&headers) {
        return Ok(finished(tag.not_modified(), false));
    }
    if let Some(kept) = kept {
        return Ok(finished(tag.on(in_json(kept.body)), is_gzip));
    }
    // Asked anew and as a whole: what may be shown may have changed since, and is kept for everybody who may see as much.
    let whole = whole(&state, &caller, &named).await?;
    caller.note_reports(&state, read.0, &whole.reports).await?;
    let (key, tag) = (
        key(&whole.version),
        Tag::strong((&whole.version, root, is_gzip)),
    );
    let reports = Arc::from(whole.reports.as_slice());
    let (body, room) = assembled(&caller, &named, whole, is_gzip).await?;
    if named.instance.is_none() {
        let body = body.clone();
        state.cache.put(key, Ready { body, reports });
    }
    let body = Bytes::from_owner(Sent { body, _room: room });
    Ok(finished(tag.on(in_json(body)), is_gzip))
}

/// An answer that takes up room until it is sent.
struct Sent {
    body: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

fn in_json(body: Bytes) -> Response {
    let length_bytes = body.len() as u64;
    let json = HeaderValue::from_static("application/dicom+json");
    answer(Body::from(body), json, length_bytes)
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
            let changed = changed(caller, row.changed_at, row.length_bytes);
            format!(
                "series {} {changed} {} {instance}",
                row.id, row.instance_count
            )
        })
    } else {
        let filter = StudyFilter {
            study_instance_uids: vec![study.clone()],
            ..StudyFilter::default()
        };
        let rows = search_studies(tx, &caller.reach, &filter, &page).await?;
        rows.first().map(|row| {
            let changed = changed(caller, row.changed_at, row.length_bytes);
            format!("study {} {changed} {}", row.id, row.instance_count)
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

/// Says what changes with what is shown: for who sees no reports not the moment at which one came, but how much is shown.
fn changed(caller: &Caller, changed_at: i64, length_bytes: i64) -> i64 {
    match caller.reach.is_without_reports() {
        true => length_bytes,
        false => changed_at,
    }
}

/// All of an answer, as one state of the index shows it.
struct Whole {
    version: String,
    withheld: Withheld,
    reports: Vec<i64>,
    pieces: Vec<MetadataPiece>,
    room: OwnedSemaphorePermit,
}

async fn whole(state: &DicomWebState, caller: &Caller, named: &Named) -> Answer<Whole> {
    let room = room(state, caller, named).await?;
    let asked = {
        let (caller, named) = (caller.clone(), named.clone());
        async move |tx: &mut Tx| -> Answer<_> {
            let Some((version, withheld)) = known_version(tx, &caller, &named).await? else {
                return Ok(None);
            };
            let (study, series, instance) = named.uids();
            let reports = reports_among(tx, &caller.reach, study, series, instance).await?;
            let pieces = metadata_pieces(tx, &caller.reach, study, series, instance).await?;
            Ok(Some((version, withheld, reports, pieces)))
        }
    };
    match state.store.ask(asked).await?? {
        Some((version, withheld, reports, pieces)) if !pieces.is_empty() => Ok(Whole {
            version,
            withheld,
            reports,
            pieces,
            room,
        }),
        _ => Err(caller.not_there(state, &named.study).await),
    }
}

/// Waits for room for what is unpacked and for the answer that is made of it: answers to readers who take their time must not
/// fill the memory.
async fn room(
    state: &DicomWebState,
    caller: &Caller,
    named: &Named,
) -> Answer<OwnedSemaphorePermit> {
    let asked = {
        let (reach, named) = (caller.reach.clone(), named.clone());
        async move |tx: &mut Tx| {
            let (study, series, instance) = named.uids();
            metadata_bytes(tx, &reach, study, series, instance).await
        }
    };
    let bytes = state.store.ask(asked).await??.saturating_mul(2);
    // What is larger than all the room takes it alone.
    let pieces = bytes.div_ceil(METADATA_ROOM_PIECE_BYTES);
    let pieces = u32::try_from(pieces)
        .unwrap_or(u32::MAX)
        .clamp(1, METADATA_ROOM_PIECES);
    let room = Arc::clone(&state.metadata_room).acquire_many_owned(pieces);
    match timeout(METADATA_ROOM_WAIT, room).await {
        Ok(Ok(room)) => Ok(room),
        _ => Err(Refusal::away(
            "too many long answers are being sent; ask again in a while, or for one series",
        )),
    }
}

/// Returns the metadata of every instance, and the room that they take up.
pub(crate) async fn pieces(
    state: &DicomWebState,
    caller: &Caller,
    named: &Named,
) -> Answer<(Vec<MetadataPiece>, OwnedSemaphorePermit)> {
    let whole = whole(state, caller, named).await?;
    Ok((whole.pieces, whole.room))
}

async fn assembled(
    caller: &Caller,
    named: &Named,
    whole: Whole,
    is_gzip: bool,
) -> Answer<(Bytes, OwnedSemaphorePermit)> {
    let address = caller.address.clone();
    let study = named.study.clone();
    tokio::task::spawn_blocking(move || {
        let Whole {
            withheld,
            mut pieces,
            room,
            ..
        } = whole;
        for piece in pieces.iter_mut().filter(|_| withheld.is_any()) {
            piece.dicom_json = Bytes::from(withheld.without(&piece.dicom_json)?);
        }
        let json = joined(&pieces, &address, &study);
        let body = if is_gzip {
            gzipped(&json)
        } else {
            Bytes::from(json)
        };
        Ok((body, room))
    })
    .await
    .map_err(|_| Refusal::internal())?
}

/// Writes one part of Native DICOM Model an instance (PS3.18 10.4.1.1.2), each when the one before is sent.
fn in_xml(caller: &Caller, named: &Named, whole: Whole) -> Answer {
    let Whole {
        withheld,
        pieces,
        room,
        ..
    } = whole;
    let boundary = Boundary::new()?;
    let content_type = boundary.content_type(XML)?;
    let (address, study) = (caller.address.clone(), named.study.clone());
    let closing = boundary.closing();
    let parts = stream::iter(pieces.into_iter().enumerate()).map(move |(index, piece)| {
        // Taken up until the last part is sent.
        let _room = &room;
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
