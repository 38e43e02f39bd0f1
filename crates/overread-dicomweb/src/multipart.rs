//! `multipart/related` answers, written piece by piece without copying what they carry.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use overread_store::tokens::random_id;

use crate::refusal::{Answer, Refusal};

/// A boundary that no content can know beforehand.
#[derive(Clone)]
pub(crate) struct Boundary(String);

impl Boundary {
    pub(crate) fn new() -> Answer<Self> {
        let random = random_id().map_err(|_| Refusal::internal())?;
        let mut text = String::with_capacity(32);
        for byte in random {
            text.push_str(&format!("{byte:02x}"));
        }
        Ok(Self(text))
    }

    /// Returns what stands before a part. PS3.18 8.6.1.2: type, length and place of every part.
    pub(crate) fn opening(
        &self,
        is_first: bool,
        content_type: &str,
        location: &str,
        length_bytes: u64,
    ) -> Bytes {
        let start = if is_first { "" } else { "\r\n" };
        Bytes::from(format!(
            "{start}--{}\r\nContent-Type: {content_type}\r\nContent-Location: {location}\r\nContent-Length: {length_bytes}\r\n\r\n",
            self.0
        ))
    }

    /// Returns what stands behind the last part.
    pub(crate) fn closing(&self) -> Bytes {
        Bytes::from(format!("\r\n--{}--\r\n", self.0))
    }

    pub(crate) fn content_type(&self, part_type: &str) -> Answer<HeaderValue> {
        HeaderValue::try_from(format!(
            "multipart/related; type=\"{part_type}\"; boundary={}",
            self.0
        ))
        .map_err(|_| Refusal::internal())
    }
}

/// Makes a body of pieces that are in memory already.
pub(crate) fn body_of(pieces: Vec<Bytes>) -> (Body, u64) {
    let length_bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
    let body = match <[Bytes; 1]>::try_from(pieces) {
        Ok([only]) => Body::from(only),
        Err(pieces) => body_of_stream(stream::iter(pieces.into_iter().map(Ok))),
    };
    (body, length_bytes)
}

pub(crate) fn body_of_stream(
    pieces: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> Body {
    Body::from_stream(pieces.boxed())
}

/// One part of an answer, in memory.
pub(crate) struct Part {
    pub(crate) content_type: String,
    pub(crate) location: String,
    pub(crate) bytes: Bytes,
}

/// Answers part after part, each made when the one before is sent. What has begun can only be broken off, by a part that
/// cannot be made.
pub(crate) fn part_after_part(
    part_type: &str,
    parts: impl Stream<Item = Answer<Part>> + Send + 'static,
) -> Answer {
    let boundary = Boundary::new()?;
    let content_type = boundary.content_type(part_type)?;
    let closing = boundary.closing();
    let pieces = parts.enumerate().flat_map(move |(index, part)| {
        let pieces = match part {
            Ok(part) => {
                let length = part.bytes.len() as u64;
                let opening =
                    boundary.opening(index == 0, &part.content_type, &part.location, length);
                vec![Ok(opening), Ok(part.bytes)]
            }
            Err(_) => vec![Err(std::io::Error::other("a part could not be made"))],
        };
        stream::iter(pieces)
    });
    let body = body_of_stream(pieces.chain(stream::iter([Ok(closing)])));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

/// Makes an answer with type and length.
pub(crate) fn answer(body: Body, content_type: HeaderValue, length_bytes: u64) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length_bytes));
    response
}
