//! Why a request got no answer, as status and plain words.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use overread_archive::ArchiveError;
use overread_store::StoreError;

use crate::warning;

/// Seconds after which a client may ask again.
const RETRY_SECONDS: &str = "10";

/// A refused request. The message holds no patient data.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
    /// The reading of one image broke off, for which nobody knows the reason.
    has_broken_off: bool,
}

pub(crate) type Answer<T = Response> = Result<T, Refusal>;

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            header: None,
            has_broken_off: false,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, message)
    }

    /// What is not there, and what the actor may not know to be there.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is no such study, series or instance",
        )
    }

    /// What the actor could see before it was deleted.
    pub(crate) fn gone() -> Self {
        Self::new(
            StatusCode::GONE,
            "the study was deleted, so that nothing of it can be had; ask an administrator whether it can still be restored",
        )
    }

    /// What the actor could see before it was erased.
    pub(crate) fn erased() -> Self {
        Self::new(
            StatusCode::GONE,
            "the study was deleted, and its images are erased: it cannot be restored. Whoever still has the images can send them again",
        )
    }

    /// Where nothing is offered.
    pub(crate) fn nowhere() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "nothing is offered here; OPTIONS of the service tells what is",
        )
    }

    /// What is offered, but not so.
    pub(crate) fn not_allowed(method: &Method) -> Self {
        let text = match *method {
            Method::DELETE => {
                "nothing is deleted over DICOMweb: administrators delete a study on the page Keeping or by `overread keeping delete`, \
                 patients and coordinators ask for it on the page of its case. OPTIONS tells what can be done here"
            }
            _ => "this cannot be done here; OPTIONS tells what can",
        };
        Self::new(StatusCode::METHOD_NOT_ALLOWED, text)
    }

    // RFC 9110 11.6.1: a 401 names how to sign in.
    pub(crate) fn unauthorized() -> Self {
        Self {
            header: Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "sign in, or send an access token that is in force",
            )
        }
    }

    /// Says it in the Warning header, too.
    pub(crate) fn with_warning(self, text: &str) -> Self {
        let value = warning::value(text);
        Self {
            header: value.map(|value| (header::WARNING, value)).or(self.header),
            ..self
        }
    }

    /// Says it in other words.
    pub(crate) fn saying(self, message: String) -> Self {
        Self { message, ..self }
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the archive could not answer; try again, and tell the operator when it goes on",
        )
    }

    /// The database or the object store does not answer.
    pub(crate) fn away(message: impl Into<String>) -> Self {
        Self {
            header: Some((header::RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS))),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The reading of one image broke off: it is not said that it never can be read.
    pub(crate) fn broken_off(message: impl Into<String>) -> Self {
        Self {
            has_broken_off: true,
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        }
    }

    /// Says whether others can be had all the same: one is not there, it lies in what is stored of it, or its reading broke off.
    pub(crate) fn leaves_others(&self) -> bool {
        let is_of_one = matches!(
            self.status(),
            StatusCode::NOT_FOUND
                | StatusCode::GONE
                | StatusCode::NOT_ACCEPTABLE
                | StatusCode::PAYLOAD_TOO_LARGE
        );
        is_of_one || self.has_broken_off
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the index did not answer"
        );
        if error.is_full() {
            return Self::away(overread_ingest::DISC_FULL);
        }
        if error.is_away() {
            return Self::away("the archive cannot answer now; try again soon");
        }
        Self::internal()
    }
}

impl From<ArchiveError> for Refusal {
    fn from(error: ArchiveError) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the archive did not answer"
        );
        if matches!(error, ArchiveError::Away { .. }) {
            return Self::away("the archive cannot answer now; try again soon");
        }
        if matches!(error, ArchiveError::Damaged { .. }) {
            return Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "this image is damaged: it has changed on the archive's disc since it was stored, so it is not given out. The \
                 administrator can put it back from a backup",
            );
        }
        Self::internal()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "status": self.status.as_u16(), "message": self.message });
        let mut response = (self.status, Json(body)).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
