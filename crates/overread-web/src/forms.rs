//! What arrives with a request: a person, a form that is ours, what is wrong with it.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::LengthLimitError;
use overread_workflow::FieldProblem;
use overread_workflow::sessions::{SignedIn, csrf_matches};
use overread_workflow::signing_in::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cookies::known_browser;
use crate::errors::PageError;
use crate::limits::{FORM_BYTES, REPORT_FORM_BYTES};
use crate::shell::go;

/// A person who is signed in; everybody else is asked to sign in first.
pub(crate) struct Signed(pub(crate) SignedIn);

/// Nobody is signed in.
pub(crate) enum NotSigned {
    /// A page was wanted: sign in, then come back.
    AskFirst(String),
    /// Something was sent: it is lost, say so.
    TooLate,
}

impl IntoResponse for NotSigned {
    fn into_response(self) -> Response {
        match self {
            Self::AskFirst(path) => go(&format!("/sign-in?next={path}")),
            Self::TooLate => PageError::SignInAgain.into_response(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = NotSigned;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotSigned> {
        if let Some(session) = parts.extensions.get::<SignedIn>() {
            return Ok(Self(session.clone()));
        }
        // Our paths are made of letters, digits, `-`, `_`, `.` and `/`: nothing to encode.
        if parts.method == Method::GET {
            Err(NotSigned::AskFirst(parts.uri.path().to_owned()))
        } else {
            Err(NotSigned::TooLate)
        }
    }
}

/// A form sent by a signed-in person from one of our pages.
pub(crate) struct Posted<T> {
    /// Who.
    pub(crate) session: SignedIn,
    /// Version of what was changed, as the page showed it; 0 when the form has none.
    pub(crate) version: i64,
    /// What.
    pub(crate) form: T,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    version: i64,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Posted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Signed(session) = Signed::from_request_parts(&mut parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let bytes = read(Request::from_parts(parts, body), REPORT_FORM_BYTES)
            .await
            .map_err(IntoResponse::into_response)?;
        let token: Token = decode(&bytes).map_err(IntoResponse::into_response)?;
        if !csrf_matches(&session, &token.csrf) {
            return Err(PageError::ForeignForm.into_response());
        }
        let form = decode(&bytes).map_err(IntoResponse::into_response)?;
        Ok(Self {
            session,
            version: token.version,
            form,
        })
    }
}

/// A form without fields: the button is all.
#[derive(Deserialize)]
pub(crate) struct Nothing {}

/// A form that gives a reason.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reason {
    /// Why.
    pub(crate) reason: String,
}

/// A form of somebody who is not signed in; where it comes from was checked by the origin layer.
pub(crate) struct Open<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Open<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &S) -> Result<Self, PageError> {
        let bytes = read(request, FORM_BYTES).await?;
        decode(&bytes).map(Self)
    }
}

async fn read(request: Request, limit: usize) -> Result<Bytes, PageError> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(PageError::TooLarge(limit));
    }
    let read = axum::body::to_bytes(request.into_body(), limit).await;
    read.map_err(|error| {
        let cause = std::error::Error::source(&error);
        if cause.is_some_and(|cause| cause.is::<LengthLimitError>()) {
            PageError::TooLarge(limit)
        } else {
            // It broke off, or its pieces are not what HTTP wants.
            PageError::Unreadable
        }
    })
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PageError> {
    serde_html_form::from_bytes(bytes).map_err(|_| PageError::Unreadable)
}

/// Where a request comes from.
pub(crate) struct Peer(pub(crate) Client);

impl FromRequestParts<crate::state::WebState> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &crate::state::WebState,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts
            .extensions
            .get::<axum::extract::ConnectInfo<std::net::SocketAddr>>()
            .map(|info| info.0.ip().to_string());
        let forwarded = state
            .config
            .behind_proxy
            .then(|| last_forwarded(&parts.headers))
            .flatten();
        Ok(Self(Client {
            address: forwarded.or(peer).unwrap_or_default(),
            device: device(&parts.headers),
            known_browser: known_browser(&parts.headers, &state.config).to_owned(),
        }))
    }
}

/// Returns the address that our own proxy added, the last one; what stands before it can be made up.
fn last_forwarded(headers: &HeaderMap) -> Option<String> {
    // A proxy may add a line of its own below the one that the client made up.
    let mut lines = headers.get_all("x-forwarded-for").iter();
    let line = lines.next_back()?.to_str().ok()?;
    let last = line.rsplit(',').next()?.trim();
    last.parse::<std::net::IpAddr>()
        .ok()
        .map(|address| address.to_string())
}

/// Returns browser and system in a few words of our own: what the header says is never shown.
fn device(headers: &HeaderMap) -> String {
    let agent = headers
        .get(http::header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let named = |list: &[(&str, &'static str)], other: &'static str| {
        list.iter()
            .find(|(mark, _)| agent.contains(mark))
            .map_or(other, |(_, name)| name)
    };
    let browser = named(
        &[
            ("Firefox/", "Firefox"),
            ("Edg/", "Edge"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ],
        "A browser",
    );
    let system = named(
        &[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS X", "Mac"),
            ("Linux", "Linux"),
        ],
        "an unknown system",
    );
    format!("{browser} on {system}")
}

/// What is wrong with a form, found by field.
#[derive(Debug, Default)]
pub(crate) struct Problems(pub(crate) Vec<FieldProblem>);

impl Problems {
    /// Returns what is wrong with this field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|problem| problem.field == field)
            .map(|problem| problem.message.as_str())
    }

    /// Returns those of one step or part, its prefix cut off.
    pub(crate) fn under(all: &[FieldProblem], prefix: &str) -> Self {
        let cut = |problem: &FieldProblem| {
            let field = problem.field.strip_prefix(prefix)?;
            Some(FieldProblem::new(field, problem.message.clone()))
        };
        Self(all.iter().filter_map(cut).collect())
    }

    /// Says whether anything is wrong.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Takes the problems out of a step's answer; every other error goes on.
pub(crate) fn to_correct<T>(
    result: overread_workflow::StepResult<T>,
) -> Result<Result<T, Problems>, PageError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(overread_workflow::StepError::Invalid(problems)) => Ok(Err(Problems(problems))),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{device, last_forwarded};

    #[test]
    fn only_the_last_forwarded_address_counts() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            HeaderValue::from_static("10.0.0.1, 203.0.113.7"),
        );
        assert_eq!(last_forwarded(&headers).as_deref(), Some("203.0.113.7"));
        headers.append("x-forwarded-for", HeaderValue::from_static("198.51.100.9"));
        assert_eq!(last_forwarded(&headers).as_deref(), Some("198.51.100.9"));
        headers.insert("x-forwarded-for", HeaderValue::from_static("<script>"));
        assert_eq!(last_forwarded(&headers), None);
    }

    #[test]
    fn a_device_is_named_in_our_words() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "user-agent",
            HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"),
        );
        assert_eq!(device(&headers), "Firefox on Linux");
        headers.insert("user-agent", HeaderValue::from_static("<b>x</b>"));
        assert_eq!(device(&headers), "A browser on an unknown system");
    }
}
