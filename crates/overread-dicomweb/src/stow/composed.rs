//! Instances that come as metadata and bulk data, put together here (PS3.18 10.5.1.4, 8.6.1.2).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use axum::http::StatusCode;
use futures_util::stream::{self, Stream};
use overread_dicom::{BulkData, DicomProblem, ParseLimits, part10_of_json};
use overread_ingest::{Came, DeliveryOptions, Ingest, IngestError, Receiving, StowOutcome};
use overread_model::problem::ProblemKind;
use overread_model::refusal::RefusalReason;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::pictures::{self, Format};
use super::{Incoming, refused};
use crate::accept::XML;
use crate::incoming::{Event, PartHeaders};
use crate::limits::{
    COMPOSED_INSTANCE_BYTES, COMPOSED_METADATA_BYTES, COMPOSED_PARTS, COMPOSED_REQUEST_BYTES,
};
use crate::quoted::{split_quoted, unquoted};
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// Said of pictures and films that are not taken; the answer gives it a reason of its own.
pub(super) const NOT_AS_PIXELS: &str = "bulk data are not taken in this media type; send them as octets, or pixel data as PNG, as GIF or in a DICOM compression";

/// One part, kept until all have come.
struct Gathered {
    headers: PartHeaders,
    part: Receiving,
}

/// What may be put together: the objects of all metadata parts, and the bulk data by their place.
struct Request {
    ingest: Ingest,
    composing: Arc<Semaphore>,
    objects: VecDeque<Result<Value, DicomProblem>>,
    bulk: HashMap<String, Vec<Gathered>>,
    /// Bytes that its instances may still have: several may name one part, and a picture unpacks to many times its length.
    left_bytes: u64,
}

/// Stores what a request of metadata and bulk data describes.
pub(super) async fn store(
    state: &DicomWebState,
    incoming: Incoming,
    study: Option<&str>,
    options: DeliveryOptions,
) -> Answer<Vec<StowOutcome>> {
    let (objects, bulk) = match described(incoming).await {
        Err(refusal) if is_for_what_it_is(&refusal) => {
            let noted = state
                .ingest
                .note_refused_request(&options, RefusalReason::Unusable);
            noted.await.map_err(|error| refused(&error))?;
            return Err(refusal);
        }
        described => described?,
    };
    let request = Request {
        ingest: state.ingest.clone(),
        composing: Arc::clone(&state.composing),
        objects,
        bulk,
        left_bytes: COMPOSED_REQUEST_BYTES,
    };
    let stored = state.ingest.stow(request.parts(), study, options).await;
    stored.map_err(|error| refused(&error))
}

async fn described(incoming: Incoming) -> Answer<Sorted> {
    sorted(gathered(incoming).await?).await
}

/// Says whether a request is refused for what it is: it did not break off, and nothing here failed.
fn is_for_what_it_is(refusal: &Refusal) -> bool {
    refusal.status() == StatusCode::PAYLOAD_TOO_LARGE
}

/// Takes in every part; where they lie is the ingest's matter.
async fn gathered(mut incoming: Incoming) -> Answer<Vec<Gathered>> {
    let refused = |error| refused(&error);
    let mut parts = Vec::new();
    let mut total_bytes = 0_u64;
    while let Some(headers) = incoming.next_headers().await.map_err(refused)? {
        if parts.len() >= COMPOSED_PARTS {
            return Err(too_large("parts", COMPOSED_PARTS as u64));
        }
        let mut part = incoming.ingest.receive().await.map_err(refused)?;
        while let Event::Data(data) = incoming.event().await.map_err(refused)? {
            total_bytes += data.len() as u64;
            if total_bytes > COMPOSED_REQUEST_BYTES {
                return Err(too_large("bytes", COMPOSED_REQUEST_BYTES));
            }
            part.push(&data).await.map_err(refused)?;
        }
        parts.push(Gathered { headers, part });
    }
    Ok(parts)
}

type Sorted = (
    VecDeque<Result<Value, DicomProblem>>,
    HashMap<String, Vec<Gathered>>,
);

/// Reads the metadata and lays the bulk data where they are found.
async fn sorted(parts: Vec<Gathered>) -> Answer<Sorted> {
    let mut metadata_bytes = 0;
    let mut objects = VecDeque::new();
    let mut bulk: HashMap<String, Vec<Gathered>> = HashMap::new();
    for mut gathered in parts {
        let (media_type, _) = media_type(&gathered.headers);
        let is_xml = media_type == XML;
        if !is_xml && media_type != "application/dicom+json" {
            let place = gathered.headers.content_location.clone();
            bulk.entry(place.unwrap_or_default())
                .or_default()
                .push(gathered);
            continue;
        }
        metadata_bytes += gathered.part.length_bytes();
        if metadata_bytes > COMPOSED_METADATA_BYTES {
            return Err(too_large("bytes of metadata", COMPOSED_METADATA_BYTES));
        }
        let bytes = gathered
            .part
            .copy()
            .await
            .map_err(|error| refused(&error))?;
        drop(gathered);
        let read = tokio::task::spawn_blocking(move || metadata(&bytes, is_xml));
        objects.extend(read.await.map_err(|_| Refusal::internal())?);
    }
    if objects.is_empty() {
        return Err(Refusal::bad_request("no part of the body holds metadata"));
    }
    Ok((objects, bulk))
}

fn too_large(what: &str, most: u64) -> Refusal {
    Refusal::too_large(format!(
        "one request of metadata and bulk data may have {most} {what}; nothing of it is stored, send it as several"
    ))
}

/// Reads the objects of one metadata part: XML describes one instance, JSON an array of them.
fn metadata(bytes: &[u8], is_xml: bool) -> Vec<Result<Value, DicomProblem>> {
    if is_xml {
        return vec![overread_dicom::xml::read(bytes, &ParseLimits::default())];
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Array(objects)) => objects.into_iter().map(Ok).collect(),
        // PS3.18 F.2.1 wants an array; one object alone is understood.
        Ok(object @ Value::Object(_)) => vec![Ok(object)],
        _ => vec![Err(unreadable("the metadata are no DICOM JSON"))],
    }
}

pub(super) fn unreadable(message: impl Into<String>) -> DicomProblem {
    DicomProblem {
        kind: ProblemKind::Unreadable,
        message: message.into(),
    }
}

/// Says which pictures a part holds that are decoded here, if any.
fn format_of(headers: &PartHeaders) -> Option<Format> {
    match media_type(headers).0.as_str() {
        "image/png" => Some(Format::Png),
        "image/gif" => Some(Format::Gif),
        _ => None,
    }
}

/// Returns the media type of a part in lower case, and the transfer syntax that it names.
fn media_type(headers: &PartHeaders) -> (String, Option<String>) {
    let text = headers.content_type.as_deref().unwrap_or_default();
    let mut pieces = split_quoted(text, ';').into_iter();
    let media_type = pieces.next().unwrap_or_default().trim();
    let syntax = pieces.find_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("transfer-syntax");
        is_it.then(|| unquoted(value.trim()))
    });
    (media_type.to_ascii_lowercase(), syntax)
}

/// The transfer syntax of compressed frames where the part names none (PS3.18 table 8.7.3-5).
fn default_syntax(media_type: &str) -> Option<&'static str> {
    Some(match media_type {
        "image/jpeg" => "1.2.840.10008.1.2.4.70",
        "image/dicom-rle" => "1.2.840.10008.1.2.5",
        "image/jls" => "1.2.840.10008.1.2.4.80",
        "image/jp2" => "1.2.840.10008.1.2.4.90",
        "image/jpx" => "1.2.840.10008.1.2.4.92",
        "image/jphc" | "image/jph" => "1.2.840.10008.1.2.4.201",
        "image/jxl" => "1.2.840.10008.1.2.4.110",
        "video/mpeg" => "1.2.840.10008.1.2.4.100",
        "video/mp4" => "1.2.840.10008.1.2.4.102",
        "video/h265" => "1.2.840.10008.1.2.4.107",
        _ => return None,
    })
}

fn too_much() -> DicomProblem {
    DicomProblem {
        kind: ProblemKind::LimitExceeded,
        message:
            "the instances before it are as much as one request may hold; send it in another one"
                .to_owned(),
    }
}

impl Request {
    /// Puts one instance after the other together.
    fn parts(self) -> impl Stream<Item = Result<Came, IngestError>> + Send {
        stream::unfold(Some(self), |request| async move {
            let mut request = request?;
            match request.next_part().await {
                Ok(Some(part)) => Some((Ok(part), Some(request))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn next_part(&mut self) -> Result<Option<Came>, IngestError> {
        let Some(object) = self.objects.pop_front() else {
            return Ok(None);
        };
        let turns = Arc::clone(&self.composing);
        let turn = turns.acquire_owned().await;
        let turn = turn.map_err(|_| IngestError::Interrupted)?;
        let composed = match object {
            Ok(object) if self.left_bytes == 0 => Err((Some(object), too_much())),
            Ok(object) => self.compose(object).await?,
            Err(problem) => Err((None, problem)),
        };
        Ok(Some(match composed {
            Ok(bytes) => {
                self.left_bytes = self.left_bytes.saturating_sub(bytes.len() as u64);
                let mut part = self.ingest.receive().await?;
                part.push(&bytes).await?;
                drop((bytes, turn));
                Came::Whole(part.finish().await?)
            }
            Err((object, problem)) => Came::Unusable(Box::new(outcome(object.as_ref(), problem))),
        }))
    }

    /// Puts one instance together; what is wrong with it is no error of the request.
    async fn compose(
        &mut self,
        object: Value,
    ) -> Result<Result<Vec<u8>, (Option<Value>, DicomProblem)>, IngestError> {
        let mut uris = HashSet::new();
        bulk_uris(&object, &mut uris);
        let pixels = object.pointer("/7FE00010/BulkDataURI");
        let pixels = pixels.and_then(Value::as_str).map(str::to_owned);
        let mut pictures = None;
        let mut values = HashMap::new();
        let mut total_bytes = 0;
        for uri in uris {
            let Some(gathered) = self.bulk.get_mut(&uri) else {
                continue;
            };
            let lengths = gathered.iter().map(|one| one.part.length_bytes());
            total_bytes += lengths.sum::<u64>();
            if total_bytes > COMPOSED_INSTANCE_BYTES {
                let problem = DicomProblem {
                    kind: ProblemKind::LimitExceeded,
                    message:
                        "the bulk data of the instance are too large; send it as application/dicom"
                            .to_owned(),
                };
                return Ok(Err((Some(object), problem)));
            }
            let format = gathered.first().and_then(|one| format_of(&one.headers));
            if let Some(format) = format.filter(|_| pixels.as_ref() == Some(&uri)) {
                pictures = Some((uri, format, pieces(gathered).await?));
                continue;
            }
            match bulk_value(gathered).await? {
                Ok(value) => drop(values.insert(uri, value)),
                Err(problem) => return Ok(Err((Some(object), problem))),
            }
        }
        let composed = tokio::task::spawn_blocking(move || {
            let mut object = object;
            let composed = match pictures {
                Some((uri, format, files)) => pictures::native(&mut object, format, files)
                    .map(|native| drop(values.insert(uri, BulkData::Bytes(native)))),
                None => Ok(()),
            };
            composed
                .and_then(|()| part10_of_json(&object, &values, &ParseLimits::default()))
                .map_err(|problem| (Some(object), problem))
        });
        composed.await.map_err(|_| IngestError::Interrupted)
    }
}

/// Says of an instance that could not be put together what its metadata name.
fn outcome(object: Option<&Value>, problem: DicomProblem) -> StowOutcome {
    let uid = |tag: &str| {
        let element = object.and_then(|object| object.get(tag));
        let uid = element.and_then(|element| element.pointer("/Value/0"));
        uid.and_then(Value::as_str).map(str::to_owned)
    };
    StowOutcome {
        sop_class_uid: uid("00080016"),
        sop_instance_uid: uid("00080018"),
        study_instance_uid: uid("0020000D"),
        series_instance_uid: uid("0020000E"),
        result: Err(problem),
        is_damaged: false,
    }
}

/// Finds every BulkDataURI of a data set. Depth is bounded by the reader of the text.
fn bulk_uris(object: &Value, uris: &mut HashSet<String>) {
    for element in object
        .as_object()
        .into_iter()
        .flat_map(|members| members.values())
    {
        if let Some(uri) = element.get("BulkDataURI").and_then(Value::as_str) {
            uris.insert(uri.to_owned());
        }
        let items = element.get("Value").and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            bulk_uris(item, uris);
        }
    }
}

/// Reads the parts of one place: octets, or the frames of one compression.
async fn bulk_value(parts: &mut [Gathered]) -> Result<Result<BulkData, DicomProblem>, IngestError> {
    let first = parts.first().map(|one| media_type(&one.headers));
    let (kind, named) = first.unwrap_or_default();
    let pieces = pieces(parts).await?;
    if let Some(default) = default_syntax(&kind) {
        let stated =
            named.unwrap_or_else(|| jpeg_syntax(&kind, &pieces).unwrap_or(default).to_owned());
        return Ok(Ok(BulkData::Frames(pieces, stated)));
    }
    if kind.starts_with("image/") || kind.starts_with("video/") {
        return Ok(Err(unreadable(NOT_AS_PIXELS)));
    }
    Ok(Ok(BulkData::Bytes(pieces.concat())))
}

async fn pieces(parts: &mut [Gathered]) -> Result<Vec<Vec<u8>>, IngestError> {
    let mut pieces = Vec::with_capacity(parts.len());
    for gathered in parts {
        pieces.push(gathered.part.copy().await?);
    }
    Ok(pieces)
}

/// Reads from the frame which JPEG it is, since most who send one do not say.
fn jpeg_syntax(media_type: &str, frames: &[Vec<u8>]) -> Option<&'static str> {
    let frame = frames.first().filter(|_| media_type == "image/jpeg")?;
    let mut at = 2;
    // ITU-T T.81 B.1.1: segments up to the start of frame, each with its length.
    while let Some([0xFF, marker, high, low]) = frame.get(at..at + 4) {
        match marker {
            0xC0 => return Some("1.2.840.10008.1.2.4.50"),
            0xC1 => return Some("1.2.840.10008.1.2.4.51"),
            0xC3 => return None,
            0xDA | 0xD9 => return None,
            _ => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
        }
    }
    None
}
