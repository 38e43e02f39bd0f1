//! The session cookie: read, set, cleared.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use overread_model::time::Timestamp;
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

/// Returns the session token a request carries.
pub(crate) fn session_token<'a>(headers: &'a HeaderMap, config: &WebConfig) -> Option<&'a str> {
    let wanted = name(config);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == wanted && !value.is_empty()).then_some(value))
}

/// Returns the header that starts a session in the browser.
pub(crate) fn start(
    session: &NewSession,
    config: &WebConfig,
    now: Timestamp,
) -> [(http::HeaderName, HeaderValue); 1] {
    let seconds = (session.expires_at.as_micros() - now.as_micros()).max(0) / 1_000_000;
    set(config, session.token.reveal(), seconds)
}

/// Returns the header that ends it.
pub(crate) fn clear(config: &WebConfig) -> [(http::HeaderName, HeaderValue); 1] {
    set(config, "", 0)
}

fn set(config: &WebConfig, value: &str, seconds: i64) -> [(http::HeaderName, HeaderValue); 1] {
    let secure = if config.cookie_secure { "; Secure" } else { "" };
    let line = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}",
        name(config)
    );
    // The token is base64url, so the line is always a header; an empty cookie is the safe answer otherwise.
    let mut header =
        HeaderValue::from_str(&line).unwrap_or_else(|_| HeaderValue::from_static("overread="));
    header.set_sensitive(true);
    [(SET_COOKIE, header)]
}
