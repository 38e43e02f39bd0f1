//! What this door offers, for clients that ask (PS3.18 8.9, annex H).

use axum::extract::OriginalUri;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::caller::Caller;

/// OPTIONS on any resource.
pub(crate) async fn capabilities(_caller: Caller, _uri: OriginalUri) -> Response {
    let body = json!({
        "service": "Overread DICOMweb",
        "standard": "DICOM PS3.18",
        "search": {
            "resources": [
                "/studies", "/series", "/instances", "/studies/{study}/series", "/studies/{study}/instances",
                "/studies/{study}/series/{series}/instances"
            ],
            "parameters": ["limit", "offset", "fuzzymatching", "includefield"],
            "media_types": ["application/dicom+json"]
        },
        "retrieve": {
            "instances": ["multipart/related; type=\"application/dicom\"", "application/dicom"],
            "metadata": ["application/dicom+json"],
            "frames": [
                "multipart/related; type=\"application/octet-stream\"", "application/octet-stream",
                "the compressed media type of the stored transfer syntax"
            ],
            "bulkdata": ["multipart/related; type=\"application/octet-stream\"", "application/octet-stream"],
            "transcoding": "Implicit VR, Big Endian and Deflated are sent as Explicit VR Little Endian; compressed frames as stored"
        },
        "store": {
            "resources": ["/studies", "/studies/{study}"],
            "media_types": ["multipart/related; type=\"application/dicom\""]
        }
    });
    let mut response = (StatusCode::OK, axum::Json(body)).into_response();
    response.headers_mut().insert(
        header::ALLOW,
        HeaderValue::from_static("GET, HEAD, OPTIONS, POST"),
    );
    response
}
