//! What became of each instance: the Store Instances Response (PS3.18 10.5.3 and annex I).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use overread_dicom::DicomProblem;
use overread_ingest::StowOutcome;
use overread_model::problem::ProblemKind;
use serde_json::{Value, json};

use super::composed;
use super::refused::Refused;
use crate::accept::{Form, JSON, XML};
use crate::address::Address;
use crate::caller::Caller;

/// Warning reason of what is kept and does not fit what it says of itself: its sender may still have it whole.
// PS3.18 I.2.2: data set does not match SOP class.
const DOES_NOT_FIT: u16 = 0xB007;

/// Writes the Store Instances Response (PS3.18 annex I).
pub(super) fn answered(
    outcomes: &[StowOutcome],
    study: Option<&str>,
    caller: &Caller,
    form: Form,
) -> Response {
    let address = &caller.address;
    let mut refused = Refused::default();
    let (mut stored, mut failed, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut has_warning = false;
    for outcome in outcomes {
        let names = (
            outcome.sop_class_uid.as_deref(),
            outcome.sop_instance_uid.as_deref(),
        );
        match (&outcome.result, names) {
            (Ok(_), (class, instance)) => {
                let mut item = reference(class, instance, retrieve_url(outcome, address));
                if outcome.is_damaged {
                    let warning = vec![Value::from(DOES_NOT_FIT)];
                    add(&mut item, "00081196", "US", warning);
                    has_warning = true;
                }
                stored.push(item);
            }
            (Err(problem), names) => {
                let reason = reason(problem, outcome, study);
                let why = (reason, problem.message.as_str());
                let (list, mut item) = match names {
                    (class @ Some(_), instance @ Some(_)) => {
                        refused.add_failed(why, failed.len() + 1);
                        (&mut failed, reference(class, instance, None))
                    }
                    _ => {
                        refused.add_other(why, others.len() + 1);
                        (&mut others, json!({}))
                    }
                };
                add(&mut item, "00081197", "US", vec![Value::from(reason)]);
                list.push(item);
            }
        }
    }
    let status = if stored.len() == outcomes.len() && !has_warning {
        StatusCode::OK
    } else if stored.is_empty() && failed.is_empty() {
        // Nothing in the body was an instance at all (PS3.18 10.5.3.1).
        StatusCode::BAD_REQUEST
    } else if stored.is_empty() {
        StatusCode::CONFLICT
    } else {
        StatusCode::ACCEPTED
    };
    let mut body = serde_json::Map::new();
    let one_study = one_study(outcomes, study);
    let url = one_study.map(|uid| vec![Value::from(address.study(uid))]);
    put(&mut body, "00081190", "UR", url.unwrap_or_default());
    for (tag, items) in [
        ("00081198", failed),
        ("00081199", stored),
        ("0008119A", others),
    ] {
        if !items.is_empty() {
            put(&mut body, tag, "SQ", items);
        }
    }
    let body = Value::Object(body);
    let (media_type, bytes) = match form {
        Form::Json => (JSON, serde_json::to_vec(&body).unwrap_or_default()),
        Form::Xml => (XML, overread_dicom::xml::write(&body)),
    };
    let media_type = HeaderValue::from_static(media_type);
    let mut response = (status, [(header::CONTENT_TYPE, media_type)], bytes).into_response();
    refused.warn(response.headers_mut());
    refused.log(caller);
    response
}

/// Failure reasons of PS3.18 I.2.2, as the decimal numbers that JSON carries.
fn reason(problem: &DicomProblem, outcome: &StowOutcome, study: Option<&str>) -> u16 {
    let is_mismatch = study.is_some()
        && outcome.study_instance_uid.is_some()
        && outcome.study_instance_uid.as_deref() != study;
    match problem.kind {
        _ if is_mismatch => 0xA900,
        // Transfer syntax not supported (PS3.4 table GG.4-1).
        _ if problem.message == composed::NOT_AS_PIXELS => 0xC122,
        // Out of resources.
        ProblemKind::LimitExceeded => 0xA700,
        // Refused: not authorised. The study was deleted, and nobody adds to it; or a coordinator decides, and sending it
        // again changes nothing.
        ProblemKind::Deleted | ProblemKind::HeldAside => 0x0124,
        // Processing failure: a person decides, or it could not be read back.
        ProblemKind::Conflict | ProblemKind::OtherPatient | ProblemKind::Io => 0x0110,
        // Cannot understand.
        _ => 0xC000,
    }
}

/// The study of the response's Retrieve URL: the one in the path, or the only one that was stored.
fn one_study<'a>(outcomes: &'a [StowOutcome], study: Option<&'a str>) -> Option<&'a str> {
    if study.is_some() {
        return study;
    }
    let mut uids = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .filter_map(|outcome| outcome.study_instance_uid.as_deref());
    let first = uids.next()?;
    uids.all(|uid| uid == first).then_some(first)
}

fn retrieve_url(outcome: &StowOutcome, address: &Address) -> Option<String> {
    Some(address.instance(
        outcome.study_instance_uid.as_deref()?,
        outcome.series_instance_uid.as_deref()?,
        outcome.sop_instance_uid.as_deref()?,
    ))
}

fn put(item: &mut serde_json::Map<String, Value>, tag: &str, vr: &str, values: Vec<Value>) {
    let element = if values.is_empty() {
        json!({ "vr": vr })
    } else {
        json!({ "vr": vr, "Value": values })
    };
    item.insert(tag.to_owned(), element);
}

fn reference(class: Option<&str>, instance: Option<&str>, url: Option<String>) -> Value {
    let mut item = serde_json::Map::new();
    put(
        &mut item,
        "00081150",
        "UI",
        class.map(Value::from).into_iter().collect(),
    );
    put(
        &mut item,
        "00081155",
        "UI",
        instance.map(Value::from).into_iter().collect(),
    );
    if let Some(url) = url {
        put(&mut item, "00081190", "UR", vec![Value::from(url)]);
    }
    Value::Object(item)
}

fn add(item: &mut Value, tag: &str, vr: &str, values: Vec<Value>) {
    if let Some(item) = item.as_object_mut() {
        put(item, tag, vr, values);
    }
}
