//! What a request about work items says, as DICOM JSON or Native DICOM Model XML.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use overread_dicom::ParseLimits;
use serde_json::Value;

use super::Attributes;
use crate::accept::XML;
use crate::limits::{WORK_ITEM_BYTES, WORK_ITEM_LEVELS};
use crate::refusal::{Answer, Refusal};

/// Reads the data set of a request that must have one.
pub(super) async fn required(request: Request) -> Answer<Attributes> {
    optional(request)
        .await?
        .ok_or_else(|| Refusal::bad_request("the request needs a data set"))
}

/// Reads the data set of a request; none when its body is empty.
pub(super) async fn optional(request: Request) -> Answer<Option<Attributes>> {
    let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
    let bytes = to_bytes(request.into_body(), WORK_ITEM_BYTES)
        .await
        .map_err(|_| too_large())?;
    if bytes.is_empty() && content_type.is_none() {
        return Ok(None);
    }
    let text = content_type.as_ref().and_then(|value| value.to_str().ok());
    let essence = text.and_then(|text| text.split(';').next());
    let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
    let read = match essence.as_str() {
        "application/dicom+json" | "application/json" => serde_json::from_slice(&bytes).ok(),
        XML => overread_dicom::xml::read(&bytes, &ParseLimits::default()).ok(),
        _ => {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send application/dicom+json or application/dicom+xml",
            ));
        }
    };
    let unreadable = || Refusal::bad_request("the body is no data set of the stated media type");
    let object = match read.ok_or_else(unreadable)? {
        // PS3.18 F.2.1 wants an array; one object alone is understood.
        Value::Array(mut objects) if objects.len() == 1 => objects.pop().unwrap_or_default(),
        other => other,
    };
    let Value::Object(attributes) = object else {
        return Err(unreadable());
    };
    match is_data_set(&attributes, WORK_ITEM_LEVELS) {
        true => Ok(Some(attributes)),
        false => Err(unreadable()),
    }
}

pub(super) fn too_large() -> Refusal {
    Refusal::too_large(format!("a work item may have {WORK_ITEM_BYTES} bytes"))
}

/// Says whether every member is an element of the DICOM JSON model, with its VR, and sequences hold data sets.
fn is_data_set(attributes: &Attributes, levels_left: usize) -> bool {
    attributes.iter().all(|(name, element)| {
        let is_tag = name.len() == 8
            && name
                .bytes()
                .all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit));
        let vr = element.get("vr").and_then(Value::as_str);
        let values = element.get("Value");
        let values_fit = match values.map(Value::as_array) {
            None => true,
            Some(None) => false,
            Some(Some(items)) if vr == Some("SQ") => items.iter().all(|item| {
                let item = item.as_object();
                levels_left > 0 && item.is_some_and(|item| is_data_set(item, levels_left - 1))
            }),
            Some(Some(_)) => true,
        };
        is_tag && vr.is_some_and(|vr| vr.len() == 2) && values_fit
    })
}
