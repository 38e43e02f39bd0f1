//! The bodies of metadata answers: one JSON array, or one XML document an instance, each piece written when it is sent.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use overread_store::studies::MetadataPiece;
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::Named;
use super::shown::Shown;
use crate::accept::XML;
use crate::address::Address;
use crate::blinding::Withheld;
use crate::caller::Caller;
use crate::compression::Written;
use crate::multipart::{Part, part_after_part};
use crate::pace::body_of_held;
use crate::refusal::{Answer, Refusal};
use crate::room::Taken;

/// What every relative BulkDataURI of an instance starts with; it cannot stand inside a JSON text, where quotes are escaped.
const BULK_MARK: &[u8] = b"\"BulkDataURI\":\"";

/// Bytes that go out for a piece, more than its own: of absolute URIs.
const ADDRESS_BYTES: usize = 256;

/// A body of DICOM JSON.
pub(super) enum Json {
    /// All of it, and the room that it takes up.
    Whole(Bytes, Taken),
    /// Read while it is sent.
    Long(Body),
}

/// Writes the first pieces, which may be all.
pub(super) async fn json(
    caller: &Caller,
    named: &Named,
    shown: Shown,
    is_gzip: bool,
) -> Answer<Json> {
    let mut pieces = shown.pieces;
    let first = pieces.next().await?.unwrap_or_default();
    let ahead = first
        .iter()
        .map(|piece| piece.dicom_json.len() + ADDRESS_BYTES);
    let ahead: usize = ahead.sum();
    let mut array = Array {
        objects: Objects::of(caller, named, shown.withheld),
        written: Written::new(is_gzip, if is_gzip { ahead / 8 } else { ahead }),
        is_begun: false,
    };
    array = array.with(first).await?;
    if pieces.is_at_end() {
        let body = array.ended();
        let mut taken = pieces.into_room();
        taken.fit(body.len() as u64);
        return Ok(Json::Whole(body, taken));
    }
    let start = array.written.ready();
    let rest = stream::try_unfold(Some((pieces, array)), |writing| async move {
        let Some((mut pieces, array)) = writing else {
            return Ok(None);
        };
        let Some(next) = pieces.next().await? else {
            return Ok(Some((array.ended(), None)));
        };
        let mut array = array.with(next).await?;
        Ok(Some((array.written.ready(), Some((pieces, array)))))
    });
    // The compression may keep a piece for the next one.
    let body = stream::iter([Ok(start)]).chain(rest.map_err(broken_off));
    let body = body.try_filter(|piece| std::future::ready(!piece.is_empty()));
    Ok(Json::Long(body_of_held(body)))
}

/// What has begun can only be broken off.
fn broken_off(_refusal: Refusal) -> std::io::Error {
    std::io::Error::other("the metadata of a study could not be read to their end")
}

/// Makes what is shown of an instance out of what is kept of it.
struct Objects {
    address: Address,
    study: String,
    withheld: Withheld,
}

impl Objects {
    fn of(caller: &Caller, named: &Named, withheld: Withheld) -> Self {
        Self {
            address: caller.address.clone(),
            study: named.study.clone(),
            withheld,
        }
    }

    /// Adds the object of one instance without what is withheld, its BulkDataURIs absolute.
    fn push(&self, out: &mut Vec<u8>, piece: &MetadataPiece) -> Answer<()> {
        let series = self.address.series(&self.study, &piece.series_instance_uid);
        if self.withheld.is_any() {
            let less = self.withheld.without(&piece.dicom_json)?;
            push_absolute(out, &less, &series);
        } else {
            push_absolute(out, &piece.dicom_json, &series);
        }
        Ok(())
    }
}

fn push_absolute(out: &mut Vec<u8>, dicom_json: &[u8], series: &str) {
    let mut rest = dicom_json;
    while let Some(at) = memchr::memmem::find(rest, BULK_MARK) {
        let (head, tail) = rest.split_at(at + BULK_MARK.len());
        out.extend_from_slice(head);
        out.extend_from_slice(series.as_bytes());
        out.push(b'/');
        rest = tail;
    }
    out.extend_from_slice(rest);
}

/// A JSON array that is being written.
struct Array {
    objects: Objects,
    written: Written,
    is_begun: bool,
}

impl Array {
    /// Adds pieces, on a thread that may be kept.
    async fn with(mut self, pieces: Vec<MetadataPiece>) -> Answer<Self> {
        let adding = spawn_blocking(move || {
            let mut object = Vec::new();
            for piece in pieces {
                object.push(if self.is_begun { b',' } else { b'[' });
                self.is_begun = true;
                self.objects.push(&mut object, &piece)?;
                self.written.add(&object);
                object.clear();
            }
            Ok(self)
        });
        adding.await.map_err(|_| Refusal::internal())?
    }

    fn ended(mut self) -> Bytes {
        self.written.add(if self.is_begun { b"]" } else { b"[]" });
        self.written.finished()
    }
}

/// Writes one part of Native DICOM Model an instance (PS3.18 10.4.1.1.2), each when the one before is sent.
pub(super) fn in_xml(caller: &Caller, named: &Named, shown: Shown) -> Answer {
    let objects = Objects::of(caller, named, shown.withheld);
    let read = stream::try_unfold(shown.pieces, |mut pieces| async move {
        let next = pieces.next().await?;
        Answer::Ok(next.map(|next| (stream::iter(next.into_iter().map(Answer::Ok)), pieces)))
    });
    let parts = read
        .try_flatten()
        .map(move |piece| in_part(&objects, &piece?));
    let response = part_after_part(XML, parts)?;
    let mut response = response.map(|body| {
        let pieces = body.into_data_stream();
        body_of_held(pieces.map_err(std::io::Error::other))
    });
    let vary = HeaderValue::from_static("Accept");
    response.headers_mut().insert(header::VARY, vary);
    Ok(response)
}

fn in_part(objects: &Objects, piece: &MetadataPiece) -> Answer<Part> {
    let mut object = Vec::new();
    objects.push(&mut object, piece)?;
    let object: Value = serde_json::from_slice(&object).map_err(|_| Refusal::internal())?;
    let (series, instance) = (&piece.series_instance_uid, sop_instance_uid(&object));
    let place = objects.address.instance(&objects.study, series, instance);
    Ok(Part {
        content_type: XML.to_owned(),
        location: format!("{place}/metadata"),
        bytes: Bytes::from(overread_dicom::xml::write(&object)),
    })
}

/// Returns the UID that an instance is found by, which is the one in its data set.
pub(crate) fn sop_instance_uid(object: &Value) -> &str {
    let uid = object.pointer("/00080018/Value/0").and_then(Value::as_str);
    uid.unwrap_or_default()
}
