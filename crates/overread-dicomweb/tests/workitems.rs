//! Work items: who sees a read, who claims it, what ends it, and what other systems may order.

mod access;
mod searches;
mod states;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use overread_model::access::Actor;
use serde_json::{Value, json};

use crate::house::{Got, House, request};

const JSON: (&str, &str) = ("accept", "application/dicom+json");
const SENT: (&str, &str) = ("content-type", "application/dicom+json");
const UID: &str = "2.25.77";

pub(crate) async fn ask(
    house: &House,
    actor: &Actor,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Got {
    let headers: Vec<_> = [JSON]
        .into_iter()
        .chain(body.is_some().then_some(SENT))
        .collect();
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let request = request(method, path, &headers, body);
    house.send(Some(actor.clone()), request).await
}

async fn list(house: &House, actor: &Actor, query: &str) -> Vec<Value> {
    let path = format!("/workitems{query}");
    let got = ask(house, actor, Method::GET, &path, None).await;
    match got.status {
        StatusCode::NO_CONTENT => Vec::new(),
        StatusCode::OK => got.json().as_array().unwrap().clone(),
        other => panic!("{other}: {}", String::from_utf8_lossy(&got.body)),
    }
}

fn value<'a>(item: &'a Value, tag: &str) -> &'a str {
    item[tag]["Value"][0].as_str().unwrap_or("(nothing)")
}

pub(crate) fn wants(state: &str, transaction: Option<&str>) -> Value {
    let mut body = json!({"00741000": {"vr": "CS", "Value": [state]}});
    if let Some(uid) = transaction {
        body["00081195"] = json!({"vr": "UI", "Value": [uid]});
    }
    body
}

async fn put(house: &House, actor: &Actor, uid: &str, body: &Value) -> Got {
    let path = format!("/workitems/{uid}/state");
    ask(house, actor, Method::PUT, &path, Some(body)).await
}

fn why() -> Value {
    json!({"vr": "SQ", "Value": [{"0074100E": {"vr": "SQ", "Value": [{
        "00080100": {"vr": "SH", "Value": ["110513"]},
        "00080102": {"vr": "SH", "Value": ["DCM"]},
        "00080104": {"vr": "LO", "Value": ["Discontinued for unspecified reason"]},
    }]}}]})
}

/// What another system orders.
pub(crate) fn order() -> Value {
    json!({
        "00100020": {"vr": "LO", "Value": ["P1"]},
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "00404005": {"vr": "DT", "Value": ["20260302101500"]},
        "00404041": {"vr": "CS", "Value": ["READY"]},
        "00741000": {"vr": "CS", "Value": ["SCHEDULED"]},
        "00741200": {"vr": "CS", "Value": ["MEDIUM"]},
        "00741202": {"vr": "LO", "Value": ["Segmentations"]},
        "00741204": {"vr": "LO", "Value": ["Segment the spine"]},
    })
}

#[track_caller]
fn check(got: &Got, status: StatusCode, warning: &str) {
    let body = String::from_utf8_lossy(&got.body);
    assert_eq!(got.status, status, "{body}");
    let expect = match warning {
        "" => String::new(),
        text => format!("299 Overread: {text}"),
    };
    assert_eq!(got.header("warning"), expect, "{body}");
}
