//! `POST /api/deliveries[?case=ID]`: one disc as a ZIP, or one file, streamed.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_workflow::records::{self, Incoming};
use serde::Deserialize;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;

use crate::errors::{ApiError, PageError, told};
use crate::limits::UPLOAD_PIECES_AHEAD;
use crate::state::WebState;

/// What may stand in the address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    /// The case the delivery is for.
    case: Option<String>,
}

/// Takes a delivery and answers what became of it, as `overread ingest --json` does.
pub(crate) async fn receive(
    State(state): State<WebState>,
    actor: Option<Extension<Actor>>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Some(Extension(actor)) = actor else {
        return Ok(unknown());
    };
    let case_id: Option<CaseId> = wanted
        .case
        .map(|id| id.parse().map_err(|_| PageError::NotFound))
        .transpose()?;
    let reader = ahead(body);
    let incoming = match kind(&headers) {
        Kind::Zip => Incoming::Zip(Box::pin(reader)),
        Kind::OneFile => Incoming::File {
            name: file_name(&headers),
            body: Box::pin(reader),
        },
        Kind::Other => return Ok(unsupported()),
    };
    let receipt = records::receive(
        &state.workflow,
        &actor,
        case_id.as_ref(),
        incoming,
        state.now(),
    )
    .await?;
    Ok(Json(receipt).into_response())
}

/// Takes the body off the network ahead of whoever reads it, so that they do not wait for each other at every piece.
fn ahead(body: Body) -> impl AsyncRead + Send + 'static {
    let (pieces, taken) = mpsc::channel(UPLOAD_PIECES_AHEAD);
    tokio::spawn(async move {
        let mut body = body.into_data_stream().map_err(std::io::Error::other);
        while let Some(piece) = body.next().await {
            // A reader that ends early says why in its own result.
            if pieces.send(piece).await.is_err() {
                break;
            }
        }
    });
    StreamReader::new(stream::unfold(taken, |mut taken| async {
        taken.recv().await.map(|piece| (piece, taken))
    }))
}

/// Returns the name of a single file as the sender gives it, never used as a path.
///
/// It stands in a header and not in the address, since names of files may name a patient.
fn file_name(headers: &HeaderMap) -> String {
    let line = headers
        .get("x-overread-file-name")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    percent_decoded(line)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let ahead = rest.clone();
        let mut digits = ahead.take(2).map(|digit| char::from(digit).to_digit(16));
        match (byte, digits.next().flatten(), digits.next().flatten()) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest.nth(1);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

enum Kind {
    Zip,
    OneFile,
    Other,
}

fn kind(headers: &HeaderMap) -> Kind {
    let named = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream");
    let essence = named.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/zip" | "application/x-zip-compressed" => Kind::Zip,
        "application/x-www-form-urlencoded" | "multipart/form-data" => Kind::Other,
        _ => Kind::OneFile,
    }
}

fn unknown() -> Response {
    let told = told(
        StatusCode::UNAUTHORIZED,
        "We do not know who sends this",
        "No valid token or session came with the request. Nothing was kept.",
        "Send a header Authorization: Bearer with a token made by: overread token create",
    );
    let headers = [(WWW_AUTHENTICATE, "Bearer")];
    (told.status, headers, Json(told.as_json())).into_response()
}

fn unsupported() -> Response {
    let told = told(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "This kind of content is not taken here",
        "A form was sent. Nothing was kept.",
        "Send the bytes themselves, as application/zip, application/dicom or application/octet-stream.",
    );
    told.in_json()
}

#[cfg(test)]
mod tests {
    use super::percent_decoded;

    #[test]
    fn names_are_decoded() {
        assert_eq!(percent_decoded("IMG%2F%C3%B1 1.dcm"), "IMG/ñ 1.dcm");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%4"), "%zz%4");
        assert_eq!(percent_decoded("%ff"), "\u{fffd}");
        assert_eq!(percent_decoded(""), "");
    }
}
