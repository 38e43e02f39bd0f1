//! How a request ends that could not be done: what happened, what it means for you, what to do now.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use overread_workflow::{FieldProblem, StepError};
use serde_json::{Map, Value};

use crate::limits;
use crate::shell::Shell;

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum PageError {
    /// It is not there, or not for this reader.
    NotFound,
    /// Seen, but not allowed.
    Forbidden,
    /// The form's token or origin is not ours.
    ForeignForm,
    /// The session ended while a form was open.
    SignInAgain,
    /// Somebody else changed it first.
    Stale,
    /// Input that no form can show beside its field.
    Invalid(Vec<FieldProblem>),
    /// A named limit; the text says which.
    Limit(String),
    /// More bytes than this page takes.
    TooLarge(usize),
    /// The request cannot be read.
    Unreadable,
    /// It took too long.
    Timeout,
    /// Ours to repair.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// What a handler of a page returns.
pub(crate) type PageResult = Result<Response, PageError>;

impl From<StepError> for PageError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::NotFound => Self::NotFound,
            StepError::Forbidden => Self::Forbidden,
            StepError::Stale => Self::Stale,
            StepError::Invalid(problems) => Self::Invalid(problems),
            StepError::Limit(text) => Self::Limit(text),
            StepError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}

/// The three parts, and the status that goes with them.
pub(crate) struct Told {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// What happened: a short fact.
    pub(crate) what: String,
    /// What it means for the reader.
    pub(crate) meaning: String,
    /// What to do now.
    pub(crate) todo: String,
}

impl Told {
    /// Says whether signing in is what to do now.
    fn asks_to_sign_in(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// Answers a program.
    pub(crate) fn in_json(&self) -> Response {
        with_retry((self.status, axum::Json(self.as_json())).into_response())
    }

    /// Writes it for a program, as DICOMweb does, which says what happened and what to do in `message` alone.
    pub(crate) fn as_json(&self) -> Map<String, Value> {
        let parts = [
            ("status", Value::from(self.status.as_u16())),
            ("message", Value::from(&*self.what)),
            ("detail", Value::from(&*self.meaning)),
            ("hint", Value::from(&*self.todo)),
        ];
        let parts = parts.map(|(name, value)| (name.to_owned(), value));
        parts.into_iter().collect()
    }
}

impl PageError {
    /// Returns the words for this error; logs what is ours to repair, once.
    pub(crate) fn tell(self) -> Told {
        match self {
            Self::NotFound => told(
                StatusCode::NOT_FOUND,
                "This page is not here",
                "The address may be mistyped or out of date, or the page may belong to a case that you are not part of.",
                "Go back to your list. If you followed a link from a message, ask the person who sent it for a new one.",
            ),
            Self::Forbidden => told(
                StatusCode::FORBIDDEN,
                "You cannot do this here",
                "Your role on this case does not include this step. Nothing was changed.",
                "If you think it should, ask the coordinator of your case.",
            ),
            Self::ForeignForm => told(
                StatusCode::FORBIDDEN,
                "This form could not be checked",
                "It was sent from another site or from a page that was open too long. Nothing was changed.",
                "Go back, load the page again and send the form once more.",
            ),
            Self::SignInAgain => told(
                StatusCode::UNAUTHORIZED,
                "You were signed out",
                "You were away for a while, so we closed the session to keep the case private. What you just sent was not saved.",
                "Sign in again. Your browser may still have what you typed: use its back button.",
            ),
            Self::Stale => told(
                StatusCode::CONFLICT,
                "Somebody changed this before you",
                "It was changed in another window or by another person while you had it open. Your change was not saved.",
                "Go back, load the page again, look at what changed, and repeat your change if it is still needed.",
            ),
            Self::Invalid(problems) => invalid(&problems),
            Self::Limit(text) => told(
                StatusCode::TOO_MANY_REQUESTS,
                "A limit was reached",
                &text,
                "Wait a little and try again. If it is urgent, telephone us.",
            ),
            Self::TooLarge(limit) => told(
                StatusCode::PAYLOAD_TOO_LARGE,
                "This is too large to send here",
                &format!(
                    "The form takes up to {}. Nothing was saved.",
                    crate::words::size(&(limit as u64))
                ),
                "Images and whole discs are sent on the Records page of the case, which takes any size.",
            ),
            Self::Unreadable => told(
                StatusCode::BAD_REQUEST,
                "We could not read what your browser sent",
                "The request was incomplete or damaged on the way. Nothing was changed.",
                "Go back and try again.",
            ),
            Self::Timeout => told(
                StatusCode::SERVICE_UNAVAILABLE,
                "This took too long",
                "The page was not ready in time. What you sent may or may not have been saved.",
                "Load the page again and look whether your change is there.",
            ),
            Self::Internal(cause) => internal(&*cause),
        }
    }
}

/// Puts the parts together.
pub(crate) fn told(status: StatusCode, what: &str, meaning: &str, todo: &str) -> Told {
    Told {
        status,
        what: what.to_owned(),
        meaning: meaning.to_owned(),
        todo: todo.to_owned(),
    }
}

fn invalid(problems: &[FieldProblem]) -> Told {
    let messages: Vec<&str> = problems.iter().map(|one| one.message.as_str()).collect();
    told(
        StatusCode::UNPROCESSABLE_ENTITY,
        "This cannot be done yet",
        &messages.join(" "),
        "Go back, correct it and send it again.",
    )
}

fn internal(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Told {
    let mut bytes = [0_u8; 4];
    let _ = getrandom::fill(&mut bytes);
    let reference: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut chain = cause.to_string();
    let mut is_away = crate::away::is_away(cause);
    let mut is_full = crate::away::is_full(cause);
    let mut next = cause.source();
    while let Some(deeper) = next {
        is_away |= crate::away::is_away(deeper);
        is_full |= crate::away::is_full(deeper);
        chain.push_str(": ");
        chain.push_str(&deeper.to_string());
        next = deeper.source();
    }
    tracing::error!(error.reference = %reference, "a request failed: {chain}");
    if is_full {
        return told(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server's disc is full: its administrator must make room",
            "It is not your fault. What was saved before is safe and can be read; what you just sent may not be saved.",
            "Tell the administrator, and send it again once there is room.",
        );
    }
    if is_away {
        return told(
            StatusCode::SERVICE_UNAVAILABLE,
            "We cannot reach our records at the moment",
            "It is not your fault. What was saved before is safe; what you just sent may not be.",
            "Try again in a minute.",
        );
    }
    told(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something broke on our side",
        "It is not your fault. What was saved before is safe; what you just sent may not be.",
        &format!(
            "Try again in a few minutes. If it happens again, tell us this number: {reference}."
        ),
    )
}

/// Says when to try again where only time helps.
fn with_retry(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from(limits::RETRY_SECONDS);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

#[derive(Template)]
#[template(path = "errors/error.html")]
struct ErrorPage {
    shell: Shell,
    told: Told,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let told = self.tell();
        let status = told.status;
        let shell = Shell::anonymous(&told.what).narrow();
        let response = match (ErrorPage { shell, told }).render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => (
                status,
                "This page could not be shown. Go back and try again.",
            )
                .into_response(),
        };
        with_retry(response)
    }
}

/// An error for a program: the same words as JSON.
pub(crate) struct ApiError(pub(crate) PageError);

impl<E: Into<PageError>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.tell().in_json()
    }
}
