//! Pages of other origins that may ask for images: none, unless they are configured, and never by cookie.
//!
//! A cookie travels by itself, so on a request that comes from such a page it counts for nothing; the page must send a
//! token, which nothing sends by itself.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use thiserror::Error;

/// What a page may send.
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "Accept, Accept-Charset, Authorization, Content-Type, If-Match, If-None-Match, If-Range, Prefer, Range";
/// What a page may read of an answer, besides what every page may.
const EXPOSED: &str = "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Location, Content-Range, ETag, \
    Location, Retry-After, Warning, WWW-Authenticate, X-Request-Id";
/// How long a browser may remember what was allowed, seconds.
const MAX_AGE_SECONDS: &str = "600";

/// The origins whose pages may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Arc<[HeaderValue]>);

/// The number of the entry, from 1, that is no origin; what stands there is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "entry {0} is no origin: it must be scheme and host, as in https://viewer.example, with a port where it is not the usual one"
)]
pub struct NoOrigin(usize);

impl Origins {
    /// Reads a list of origins.
    ///
    /// # Errors
    /// For the first that is none: a path, a wildcard, `null`.
    pub fn parse(origins: &[String]) -> Result<Self, NoOrigin> {
        let read = |(number, text): (usize, &String)| {
            Some(text)
                .filter(|text| is_origin(text))
                .and_then(|text| HeaderValue::from_str(text).ok())
                .ok_or(NoOrigin(number))
        };
        Ok(Self(
            (1..).zip(origins).map(read).collect::<Result<_, _>>()?,
        ))
    }

    fn allowed(&self, request: &Request) -> Option<HeaderValue> {
        let origin = request.headers().get(header::ORIGIN)?;
        self.0.contains(origin).then(|| origin.clone())
    }
}

/// Browsers write origins in lower case and without the usual port (RFC 6454 6.2); others would never be found equal.
fn is_origin(text: &str) -> bool {
    let Some((usual, host)) = [("https://", ":443"), ("http://", ":80")]
        .into_iter()
        .find_map(|(scheme, usual)| Some((usual, text.strip_prefix(scheme)?)))
    else {
        return false;
    };
    let is_host = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    };
    !host.is_empty() && host.bytes().all(is_host) && !host.ends_with(usual)
}

/// Answers for pages of other origins.
pub async fn across_origins(
    State(origins): State<Origins>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(origin) = origins.allowed(&request) else {
        let mut response = next.run(request).await;
        if !origins.0.is_empty() {
            vary(&mut response);
        }
        return response;
    };
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        preflight()
    } else {
        request.headers_mut().remove(header::COOKIE);
        let mut response = next.run(request).await;
        response.headers_mut().insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED),
        );
        response
    };
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    vary(&mut response);
    response
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Says that the answer for one origin is not the answer for another.
fn vary(response: &mut Response) {
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::Origins;

    #[test]
    fn only_origins_are_origins() {
        for (text, expect) in [
            ("https://viewer.example", true),
            ("http://127.0.0.1:3000", true),
            ("https://[::1]:8443", true),
            ("https://viewer.example/", false),
            ("https://Viewer.example", false),
            ("https://viewer.example:443", false),
            ("http://viewer.example:80", false),
            ("https://*.example", false),
            ("https://user@viewer.example", false),
            ("viewer.example", false),
            ("https://", false),
            ("null", false),
            ("*", false),
        ] {
            assert_eq!(Origins::parse(&[text.to_owned()]).is_ok(), expect, "{text}");
        }
    }
}
