//! WADO-RS: single values, as the BulkDataURIs of metadata name them (PS3.18 10.4.1.1.5).

use std::io::{Read, Seek, SeekFrom};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use overread_archive::Archive;
use overread_dicom::{FrameTable, ParseLimits, StatedValue, value_of_reader};
use overread_model::extent::Extent;
use overread_store::studies::StoredInstance;
use serde::Deserialize;

use crate::accept::Accept;
use crate::blinding::Withheld;
use crate::caller::{Caller, RawQuery};
use crate::conditional::{Tag, immutable, tagged};
use crate::content::Content;
use crate::instances::{One, find};
use crate::limits::BULK_VALUE_BYTES;
use crate::multipart::{Boundary, answer, body_of};
use crate::range::ranged;
use crate::refusal::{Answer, Refusal};
use crate::room::to_inflate;
use crate::state::DicomWebState;

pub(crate) const OCTETS: &str = "application/octet-stream";
pub(crate) const PIXEL_DATA: &str = "7FE00010";
const ENCAPSULATED_DOCUMENT: &str = "00420011";
const MIME_TYPE_OF_ENCAPSULATED_DOCUMENT: &str = "00420012";

/// A value in a path.
#[derive(Deserialize)]
pub(crate) struct Named {
    study: String,
    series: String,
    instance: String,
    path: String,
}

/// GET .../bulkdata/{path}.
pub(crate) async fn bulkdata(
    State(state): State<DicomWebState>,
    Path(named): Path<Named>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let accept = Accept::of_request(&headers, &query)?;
    let one = One {
        study: named.study,
        series: named.series,
        instance: named.instance,
    };
    let found = find(&state, &caller, &one).await?;
    let mut tx = state.store.peek().await?;
    let withheld = caller.withheld(&mut tx, &one.study).await?;
    drop(tx);
    if withheld.holds_path(&named.path) {
        // As what is not there: a blinded reader is not told what else the image holds.
        return Err(Refusal::not_found());
    }
    let media_type = media_type(&state, &found, &named.path).await?;
    let taken = accept.0.iter().find_map(|range| {
        if range.takes_parts(OCTETS) || range.takes_parts(media_type) {
            return Some((true, OCTETS));
        }
        [media_type, OCTETS]
            .into_iter()
            .find(|one| range.takes_single(one))
            .map(|one| (false, one))
    });
    let Some((is_parts, media_type)) = taken else {
        return Err(Refusal::not_acceptable(
            "bulk data are offered as application/octet-stream",
        ));
    };
    caller.note_images(&state, &one.study, [&found]).await?;
    let tag = Tag::of_stored(&caller, &found, (&named.path, media_type), is_parts)
        .filter(|_| !withheld.is_any());
    // What is not there is not held either, so it is read first.
    let value = content(&state, &found, &named.path, &withheld).await?;
    if let Some(tag) = tag.as_ref().filter(|tag| tag.is_known(&headers)) {
        let mut response = tag.not_modified();
        immutable(&mut response);
        return Ok(response);
    }
    let mut response = if is_parts {
        let url = caller
            .address
            .instance(&one.study, &one.series, &one.instance);
        let location = format!("{url}/bulkdata/{}", named.path);
        tagged(in_parts(&location, value)?, tag.as_ref())
    } else {
        ranged(
            &headers,
            Content::Pieces(value),
            HeaderValue::from_static(media_type),
            tag.as_ref(),
        )?
    };
    immutable(&mut response);
    // A document that came with images may be hostile: it is saved, never shown in our name.
    response.headers_mut().insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment"),
    );
    Ok(response)
}

/// Returns what a single part of this value may be called.
async fn media_type(
    state: &DicomWebState,
    found: &StoredInstance,
    path: &str,
) -> Answer<&'static str> {
    if path != ENCAPSULATED_DOCUMENT {
        return Ok(OCTETS);
    }
    let stated = value(state, found, MIME_TYPE_OF_ENCAPSULATED_DOCUMENT).await?;
    let is_pdf = stated.is_some_and(|value| value.bytes.trim_ascii_end() == b"application/pdf");
    Ok(if is_pdf { "application/pdf" } else { OCTETS })
}

fn in_parts(location: &str, value: Vec<Bytes>) -> Answer {
    let boundary = Boundary::new()?;
    let length = value.iter().map(|piece| piece.len() as u64).sum();
    let opening = boundary.opening(true, OCTETS, location, length);
    let pieces = [opening]
        .into_iter()
        .chain(value)
        .chain([boundary.closing()])
        .collect();
    let (body, total) = body_of(pieces);
    Ok(answer(body, boundary.content_type(OCTETS)?, total))
}

/// Returns a value, unless it is withheld for what it says.
async fn content(
    state: &DicomWebState,
    found: &StoredInstance,
    path: &str,
    withheld: &Withheld,
) -> Answer<Vec<Bytes>> {
    if path == PIXEL_DATA {
        return pixels(state, found).await;
    }
    let value = value(state, found, path).await?;
    let shown = value.filter(|value| !withheld.holds_value_at(path, value));
    shown
        .map(|value| vec![Bytes::from(value.bytes)])
        .ok_or_else(Refusal::not_found)
}

/// Returns all frames together. Compressed frames are not a value (they are asked for one by one).
pub(crate) async fn pixels(state: &DicomWebState, found: &StoredInstance) -> Answer<Vec<Bytes>> {
    let table = crate::frames::table_of(found)?;
    if found.extent.length_bytes > BULK_VALUE_BYTES {
        return Err(Refusal::too_large(
            "the pixel data are too large; ask for frames",
        ));
    }
    if table.is_encapsulated() {
        return Err(Refusal::not_acceptable(
            "the pixel data are compressed; ask for frames",
        ));
    }
    if table == FrameTable::None {
        let value = value(state, found, PIXEL_DATA).await?;
        return value
            .map(|value| vec![Bytes::from(value.bytes)])
            .ok_or_else(Refusal::not_found);
    }
    let numbers: Vec<u32> = (1..=table.frame_count()).collect();
    let frames = crate::frames::read(state, found, table, &numbers).await?;
    Ok(frames.into_iter().flatten().collect())
}

/// Reads one value of an instance.
pub(crate) async fn value(
    state: &DicomWebState,
    found: &StoredInstance,
    path: &str,
) -> Answer<Option<StatedValue>> {
    let archive = state.archive.clone();
    let extent = found.extent;
    let path = path.to_owned();
    let room = to_inflate(found).await?;
    let value = tokio::task::spawn_blocking(move || {
        // What is taken from it goes on when nobody waits any more.
        let _room = room;
        let reader = ExtentReader {
            archive,
            extent,
            at_bytes: 0,
        };
        value_of_reader(
            reader,
            extent.length_bytes.min(BULK_VALUE_BYTES),
            &path,
            &ParseLimits::default(),
        )
    })
    .await
    .map_err(|_| Refusal::internal())?;
    value.map_err(|problem| Refusal::not_acceptable(problem.message))
}

/// An instance in the archive as something to read and seek in; only on a thread that may block.
struct ExtentReader {
    archive: Archive,
    extent: Extent,
    at_bytes: u64,
}

impl Read for ExtentReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let end = self
            .at_bytes
            .saturating_add(buffer.len() as u64)
            .min(self.extent.length_bytes);
        if self.at_bytes >= end {
            return Ok(0);
        }
        let bytes = self
            .archive
            .read_blocking(self.extent, self.at_bytes..end)
            .map_err(std::io::Error::other)?;
        if let Some(place) = buffer.get_mut(..bytes.len()) {
            place.copy_from_slice(&bytes);
        }
        self.at_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Seek for ExtentReader {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.extent.length_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at_bytes.checked_add_signed(offset),
        };
        self.at_bytes =
            target.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
        Ok(self.at_bytes)
    }
}
