//! What this door offers, for clients that ask (PS3.18 8.9, annex H).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::accept::{Accept, JSON};
use crate::caller::Caller;

const WADL: &str = "application/vnd.sun.wadl+xml";
const XML: &str = "multipart/related; type=\"application/dicom+xml\"";
const DICOM: &str = "multipart/related; type=\"application/dicom\"";
const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";

const ATTRIBUTES: &[&str] = &[JSON, XML];
const INSTANCES: &[&str] = &[DICOM];
const INSTANCE: &[&str] = &[DICOM, "application/dicom"];
const BULK: &[&str] = &[OCTETS, "application/octet-stream"];
const PICTURES: &[&str] = &["image/jpeg", "image/png", "image/gif"];
const PICTURE_QUERY: &[&str] = &["accept", "quality", "viewport", "window"];
const WORK: &[&str] = &[JSON, "application/dicom+xml"];
const SEARCH: &[&str] = &[
    "limit",
    "offset",
    "fuzzymatching",
    "includefield",
    "{attribute}",
];

/// One request that is answered.
pub(crate) struct Offer {
    /// Relative to the root; `{study}` and such stand for UIDs.
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
    id: &'static str,
    query: &'static [&'static str],
    takes: &'static [&'static str],
    gives: &'static [&'static str],
}

const fn get(
    path: &'static str,
    id: &'static str,
    query: &'static [&'static str],
    gives: &'static [&'static str],
) -> Offer {
    Offer {
        path,
        method: "GET",
        id,
        query,
        takes: &[],
        gives,
    }
}

const fn post(path: &'static str) -> Offer {
    Offer {
        path,
        method: "POST",
        id: "StoreInstances",
        query: &["case"],
        takes: &[
            DICOM,
            "multipart/related; type=\"application/dicom+json\"",
            XML,
        ],
        gives: &[JSON, "application/dicom+xml"],
    }
}

const fn work(
    path: &'static str,
    method: &'static str,
    id: &'static str,
    query: &'static [&'static str],
) -> Offer {
    Offer {
        path,
        method,
        id,
        query,
        takes: WORK,
        gives: &[],
    }
}

/// Everything that is offered, in the order of its paths. A test asks for each.
pub(crate) const OFFERS: &[Offer] = &[
    get("/studies", "SearchForStudies", SEARCH, ATTRIBUTES),
    post("/studies"),
    get("/studies/{study}", "RetrieveStudy", &["accept"], INSTANCES),
    post("/studies/{study}"),
    get(
        "/studies/{study}/metadata",
        "RetrieveStudyMetadata",
        &["accept"],
        ATTRIBUTES,
    ),
    get(
        "/studies/{study}/series",
        "SearchForStudySeries",
        SEARCH,
        ATTRIBUTES,
    ),
    get(
        "/studies/{study}/instances",
        "SearchForStudyInstances",
        SEARCH,
        ATTRIBUTES,
    ),
    get(
        "/studies/{study}/series/{series}",
        "RetrieveSeries",
        &["accept"],
        INSTANCES,
    ),
    get(
        "/studies/{study}/series/{series}/metadata",
        "RetrieveSeriesMetadata",
        &["accept"],
        ATTRIBUTES,
    ),
    get(
        "/studies/{study}/series/{series}/instances",
        "SearchForStudySeriesInstances",
        SEARCH,
        ATTRIBUTES,
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}",
        "RetrieveInstance",
        &["accept"],
        INSTANCE,
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/metadata",
        "RetrieveInstanceMetadata",
        &["accept"],
        ATTRIBUTES,
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
        "RetrieveFrames",
        &["accept"],
        BULK,
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path}",
        "RetrieveBulkData",
        &["accept"],
        BULK,
    ),
    get(
        "/studies/{study}/rendered",
        "RetrieveRenderedStudy",
        PICTURE_QUERY,
        PICTURES,
    ),
    get(
        "/studies/{study}/thumbnail",
        "RetrieveStudyThumbnail",
        &["accept", "viewport"],
        PICTURES,
    ),
    get(
        "/studies/{study}/series/{series}/rendered",
        "RetrieveRenderedSeries",
        PICTURE_QUERY,
        PICTURES,
    ),
    get(
        "/studies/{study}/series/{series}/thumbnail",
        "RetrieveSeriesThumbnail",
        &["accept", "viewport"],
        PICTURES,
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/rendered",
        "RetrieveRenderedInstance",
        PICTURE_QUERY,
        PICTURES,
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/thumbnail",
        "RetrieveInstanceThumbnail",
        &["accept", "viewport"],
        PICTURES,
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
        "RetrieveRenderedFrames",
        PICTURE_QUERY,
        PICTURES,
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
        "RetrieveFramesThumbnail",
        &["accept", "viewport"],
        PICTURES,
    ),
    get("/series", "SearchForSeries", SEARCH, ATTRIBUTES),
    get("/instances", "SearchForInstances", SEARCH, ATTRIBUTES),
    get(
        "/studies/{study}/bulkdata",
        "RetrieveStudyBulkdata",
        &["accept"],
        &[OCTETS],
    ),
    get(
        "/studies/{study}/pixeldata",
        "RetrieveStudyPixelData",
        &["accept"],
        &[OCTETS],
    ),
    get(
        "/studies/{study}/series/{series}/bulkdata",
        "RetrieveSeriesBulkdata",
        &["accept"],
        &[OCTETS],
    ),
    get(
        "/studies/{study}/series/{series}/pixeldata",
        "RetrieveSeriesPixelData",
        &["accept"],
        &[OCTETS],
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/bulkdata",
        "RetrieveInstanceBulkdata",
        &["accept"],
        &[OCTETS],
    ),
    get(
        "/studies/{study}/series/{series}/instances/{instance}/pixeldata",
        "RetrieveInstancePixelData",
        &["accept"],
        &[OCTETS],
    ),
    get("/workitems", "SearchForWorkitems", SEARCH, ATTRIBUTES),
    work("/workitems", "POST", "CreateWorkitem", &["workitem"]),
    get(
        "/workitems/{workitem}",
        "RetrieveWorkitem",
        &["accept"],
        WORK,
    ),
    work(
        "/workitems/{workitem}",
        "POST",
        "UpdateWorkitem",
        &["transaction-uid"],
    ),
    work(
        "/workitems/{workitem}/state",
        "PUT",
        "ChangeWorkitemState",
        &[],
    ),
    work(
        "/workitems/{workitem}/cancelrequest",
        "POST",
        "RequestWorkitemCancellation",
        &[],
    ),
    work(
        "/workitems/{workitem}/subscribers/{aetitle}",
        "POST",
        "Subscribe",
        &["deletionlock", "filter"],
    ),
    work(
        "/workitems/{workitem}/subscribers/{aetitle}",
        "DELETE",
        "Unsubscribe",
        &[],
    ),
    work(
        "/workitems/{workitem}/subscribers/{aetitle}/suspend",
        "POST",
        "SuspendGlobalSubscription",
        &[],
    ),
    get(
        "/ws/subscribers/{aetitle}",
        "OpenNotificationConnection",
        &[],
        &[],
    ),
];

/// OPTIONS on any resource.
pub(crate) async fn capabilities(caller: Caller, headers: HeaderMap) -> Response {
    // Who names no type gets JSON: the answer is asked for by hand more than by programs.
    let accept = Accept::of_request(&headers, "").unwrap_or_default();
    let wants_wadl = accept
        .0
        .iter()
        .find_map(|range| match range.essence.as_str() {
            WADL | "application/xml" | "text/xml" => Some(true),
            "application/json" | "application/dicom+json" | "*/*" => Some(false),
            _ => None,
        });
    let (media_type, body) = match wants_wadl {
        Some(true) => (WADL, wadl(caller.address.root())),
        _ => ("application/json", json_text()),
    };
    let allow = HeaderValue::from_static("GET, HEAD, OPTIONS, POST, PUT, DELETE");
    let media_type = HeaderValue::from_static(media_type);
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, media_type), (header::ALLOW, allow)],
        body,
    )
        .into_response()
}

fn json_text() -> String {
    let resources: Vec<Value> = OFFERS
        .iter()
        .map(|offer| {
            json!({
                "path": offer.path, "method": offer.method, "id": offer.id, "parameters": offer.query,
                "takes": offer.takes, "gives": offer.gives,
            })
        })
        .collect();
    json!({
        "service": "Overread DICOMweb",
        "standard": "DICOM PS3.18",
        "resources": resources,
        "transcoding": "to Explicit VR Little Endian and to JPEG-LS Lossless; lossy images are sent as stored unless another syntax is named",
        "reports": "structured reports are rendered as text/html and text/plain, encapsulated PDF as application/pdf",
        "not_supported": ["emptyvaluematching", "multiplevaluematching", "orderby"],
    })
    .to_string()
}

/// Writes the offers as WADL, one resource a path (PS3.18 annex H).
fn wadl(root: &str) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><application xmlns=\"http://wadl.dev.java.net/2009/02\">",
    );
    out.push_str(&format!("<resources base=\"{}\">", escaped(root)));
    for (index, offer) in OFFERS.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| OFFERS.get(before));
        if before.is_none_or(|before| before.path != offer.path) {
            let path = offer.path.trim_start_matches('/');
            out.push_str(&format!("<resource path=\"{path}\">"));
        }
        method(&mut out, offer);
        if OFFERS
            .get(index + 1)
            .is_none_or(|next| next.path != offer.path)
        {
            out.push_str("</resource>");
        }
    }
    out.push_str("</resources></application>");
    out
}

fn method(out: &mut String, offer: &Offer) {
    let (name, id) = (offer.method, offer.id);
    out.push_str(&format!("<method name=\"{name}\" id=\"{id}\"><request>"));
    for parameter in offer.query {
        out.push_str(&format!("<param name=\"{parameter}\" style=\"query\"/>"));
    }
    for media_type in offer.takes {
        let media_type = escaped(media_type);
        out.push_str(&format!("<representation mediaType=\"{media_type}\"/>"));
    }
    out.push_str("</request><response status=\"200\">");
    for media_type in offer.gives {
        let media_type = escaped(media_type);
        out.push_str(&format!("<representation mediaType=\"{media_type}\"/>"));
    }
    out.push_str("</response></method>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}
