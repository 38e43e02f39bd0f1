//! Answers of text that go out compressed. Pixel data never do: they are compressed already, or gain less than it costs.

use std::io::Write;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;

use crate::limits::{COMPRESSED_BYTES, COMPRESSED_MIN_BYTES};

/// How hard: text is sent once, and level 1 is faster than a line of 1 Gbit/s.
const GZIP_LEVEL: u32 = 1;

/// Compresses text that is in memory as a whole, for clients that take gzip. An answer with an entity tag of its own has
/// been judged where it was made.
pub(crate) async fn compressed(request: Request, next: Next) -> Response {
    let is_taken = takes_gzip(request.headers()) && request.method() != Method::HEAD;
    let response = next.run(request).await;
    if !is_text(&response) || response.headers().contains_key(header::ETAG) {
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
pub(crate) fn gzipped(text: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(text.len() / 8 + 1024),
        flate2::Compression::new(GZIP_LEVEL),
    );
    // Writing to memory cannot fail.
    let _written = encoder.write_all(text);
    Bytes::from(encoder.finish().unwrap_or_default())
}
