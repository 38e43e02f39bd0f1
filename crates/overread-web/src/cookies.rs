//! The session cookie, and the one that says who signed in from this browser before: read, set, cleared.

use axum::response::AppendHeaders;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use overread_model::time::Timestamp;
use overread_workflow::limits::KNOWN_BROWSER_SECONDS;
use overread_workflow::sessions::NewSession;

use crate::state::WebConfig;

/// Returns the cookie's name; the prefix makes browsers refuse it without TLS or from another host.
fn name(config: &WebConfig) -> &'static str {
    if config.cookie_secure {
        "__Host-overread"
    } else {
        "overread"
    }
}

/// Returns the name of the cookie that stays after signing out.
fn known_name(config: &WebConfig) -> &'static str {
    if config.cookie_secure {
        "__Host-overread-known"
    } else {
        "overread-known"
    }
}

/// Returns the session token a request carries.
pub(crate) fn session_token<'a>(headers: &'a HeaderMap, config: &WebConfig) -> Option<&'a str> {
    find(headers, name(config))
}

/// Returns what the browser shows of who signed in from it before; empty for a new one.
pub(crate) fn known_browser<'a>(headers: &'a HeaderMap, config: &WebConfig) -> &'a str {
    find(headers, known_name(config)).unwrap_or_default()
}

fn find<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == wanted && !value.is_empty()).then_some(value))
}

/// Returns the headers that start a session in the browser, and make the browser known.
pub(crate) fn start(
    session: &NewSession,
    config: &WebConfig,
    now: Timestamp,
) -> AppendHeaders<[(http::HeaderName, HeaderValue); 2]> {
    let seconds = (session.expires_at.as_micros() - now.as_micros()).max(0) / 1_000_000;
    let known = session.known_browser.reveal();
    AppendHeaders([
        set(config, name(config), session.token.reveal(), seconds),
        set(config, known_name(config), known, KNOWN_BROWSER_SECONDS),
    ])
}

/// Returns the header that ends the session.
pub(crate) fn clear(config: &WebConfig) -> [(http::HeaderName, HeaderValue); 1] {
    [set(config, name(config), "", 0)]
}

fn set(
    config: &WebConfig,
    name: &str,
    value: &str,
    seconds: i64,
) -> (http::HeaderName, HeaderValue) {
    let secure = if config.cookie_secure { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    // The values are base64url, so the line is always a header; an empty cookie is the safe answer otherwise.
    let mut header =
        HeaderValue::from_str(&line).unwrap_or_else(|_| HeaderValue::from_static("overread="));
    header.set_sensitive(true);
    (SET_COOKIE, header)
}
