//! Answers of text that go out compressed. Pixel data never do: they are compressed already, or gain less than it costs.

use std::io::{BufRead, Read, Write};

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use futures_util::stream::{self, Stream};

use crate::limits::{COMPRESSED_BYTES, COMPRESSED_MIN_BYTES, UNPACKED_PIECE_BYTES};

/// How hard: text is sent once, and level 1 is faster than a line of 1 Gbit/s.
const GZIP_LEVEL: u32 = 1;

/// Compresses text that is in memory as a whole, for clients that take gzip. An answer with an entity tag of its own, or
/// compressed already, has been judged where it was made.
pub(crate) async fn compressed(request: Request, next: Next) -> Response {
    let is_taken = takes_gzip(request.headers()) && request.method() != Method::HEAD;
    let response = next.run(request).await;
    if !is_text(&response) || is_judged(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let vary = HeaderValue::from_static("Accept-Encoding");
    parts.headers.append(header::VARY, vary);
    let pays = |bytes: u64| (COMPRESSED_MIN_BYTES..=COMPRESSED_BYTES).contains(&bytes);
    if !is_taken || !body.size_hint().exact().is_some_and(pays) {
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = to_bytes(body, COMPRESSED_BYTES as usize).await else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(parts, Body::empty());
    };
    let Ok(packed) = tokio::task::spawn_blocking(move || gzipped(&bytes)).await else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(parts, Body::empty());
    };
    let encoding = HeaderValue::from_static("gzip");
    parts.headers.insert(header::CONTENT_ENCODING, encoding);
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(packed.len()));
    Response::from_parts(parts, Body::from(packed))
}

fn is_judged(response: &Response) -> bool {
    let headers = response.headers();
    headers.contains_key(header::ETAG) || headers.contains_key(header::CONTENT_ENCODING)
}

fn is_text(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    matches!(
        essence.map(str::trim),
        Some(
            "application/dicom+json"
                | "application/json"
                | "application/dicom+xml"
                | "application/vnd.sun.wadl+xml"
        )
    )
}

/// Says whether a client takes gzip (RFC 9110 12.5.3).
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

/// Compresses text.
fn gzipped(text: &[u8]) -> Bytes {
    let mut packed = Written::new(true, text.len() / 8);
    packed.add(text);
    packed.finished()
}

/// Text that is written piece by piece, compressed or not, and may be sent before all of it is written.
pub(crate) enum Written {
    Plain(Vec<u8>),
    Packed(Box<GzEncoder<Vec<u8>>>),
}

impl Written {
    /// Begins a text of which about so many bytes go out.
    pub(crate) fn new(is_gzip: bool, length_bytes: usize) -> Self {
        let out = Vec::with_capacity(length_bytes.saturating_add(1024));
        match is_gzip {
            true => Self::Packed(Box::new(GzEncoder::new(out, Compression::new(GZIP_LEVEL)))),
            false => Self::Plain(out),
        }
    }

    pub(crate) fn add(&mut self, text: &[u8]) {
        match self {
            Self::Plain(out) => out.extend_from_slice(text),
            Self::Packed(encoder) => {
                // Writing to memory cannot fail.
                let _written = encoder.write_all(text);
            }
        }
    }

    /// Takes what can be sent already.
    pub(crate) fn ready(&mut self) -> Bytes {
        let out = match self {
            Self::Plain(out) => out,
            Self::Packed(encoder) => encoder.get_mut(),
        };
        Bytes::from(std::mem::take(out))
    }

    /// Ends the text, and returns what was not taken of it.
    pub(crate) fn finished(self) -> Bytes {
        match self {
            Self::Plain(out) => Bytes::from(out),
            Self::Packed(encoder) => Bytes::from(encoder.finish().unwrap_or_default()),
        }
    }
}

/// Sends a compressed text to who does not take it so, unpacking it piece by piece.
pub(crate) fn unpacked(
    packed: impl BufRead + Send,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    let decoder = GzDecoder::new(packed);
    stream::try_unfold(decoder, |mut decoder| async move {
        let mut piece = Vec::with_capacity(UNPACKED_PIECE_BYTES);
        let limit = UNPACKED_PIECE_BYTES as u64;
        let count = decoder.by_ref().take(limit).read_to_end(&mut piece)?;
        Ok((count > 0).then(|| (Bytes::from(piece), decoder)))
    })
}
