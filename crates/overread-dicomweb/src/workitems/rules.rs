//! What a work item must say when it is created, changed and ended (PS3.4 table CC.2.5-3).

use axum::http::StatusCode;
use overread_model::time::Timestamp;
use overread_store::work_items::{EventType, WorkItem};
use serde_json::{Value, json};

use super::data_set::date_time;
use super::{Attributes, refused};
use crate::refusal::{Answer, Refusal};

const PROGRESS: &str = "00741002";
const PERFORMED: &str = "00741216";
/// What an item must have a value of.
const NEEDED: [(&str, &str); 4] = [
    ("00741200", "ScheduledProcedureStepPriority"),
    ("00741204", "ProcedureStepLabel"),
    ("00404005", "ScheduledProcedureStepStartDateTime"),
    ("00404041", "InputReadinessState"),
];

/// What a new item must not have a value of.
const EMPTY_AT_FIRST: [(&str, &str); 3] = [
    (PROGRESS, "ProcedureStepProgressInformationSequence"),
    (PERFORMED, "UnifiedProcedureStepPerformedProcedureSequence"),
    ("00081195", "TransactionUID"),
];

/// Returns the first value of an attribute as text.
pub(super) fn text<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    let value = attributes.get(name)?.pointer("/Value/0")?.as_str()?;
    Some(value).filter(|value| !value.trim().is_empty())
}

fn items<'a>(attributes: &'a Attributes, name: &str) -> &'a [Value] {
    let values = attributes
        .get(name)
        .and_then(|element| element.get("Value"));
    let values = values.and_then(Value::as_array);
    values.map(Vec::as_slice).unwrap_or_default()
}

fn has_value(attributes: &Attributes, name: &str) -> bool {
    items(attributes, name).iter().any(|value| !value.is_null())
}

/// Returns the study that an item is about: its own, or that of its input.
pub(super) fn study_of(attributes: &Attributes) -> Option<&str> {
    let of_input = || {
        items(attributes, "00404021")
            .iter()
            .filter_map(Value::as_object)
            .find_map(|item| text(item, "0020000D"))
    };
    text(attributes, "0020000D").or_else(of_input)
}

/// Checks a new item and completes it; names the attribute that was added, if any.
pub(super) fn check_new(attributes: &mut Attributes) -> Answer<Option<&'static str>> {
    if text(attributes, "00741000") != Some("SCHEDULED") {
        return Err(Refusal::bad_request(
            "a new work item has the ProcedureStepState SCHEDULED",
        ));
    }
    check_kept(attributes)?;
    let filled: Vec<&str> = EMPTY_AT_FIRST
        .into_iter()
        .filter(|(name, _)| has_value(attributes, name))
        .map(|(_, keyword)| keyword)
        .collect();
    if !filled.is_empty() {
        return Err(Refusal::bad_request(format!(
            "a new work item has no transaction UID, no progress and nothing performed; this one has {}",
            filled.join(", ")
        )));
    }
    for name in ["00080016", "00080018", "00081195", "00741000", "00404010"] {
        attributes.remove(name);
    }
    // PS3.4 table CC.2.5-3: the provider may give an item a place in a list of its own.
    if has_value(attributes, "00741202") {
        return Ok(None);
    }
    let label = json!({"vr": "LO", "Value": ["Other work"]});
    attributes.insert("00741202".to_owned(), label);
    Ok(Some("WorklistLabel"))
}

/// Checks that an item has what it must always have.
pub(super) fn check_kept(attributes: &Attributes) -> Answer<()> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(name, _)| !has_value(attributes, name))
        .map(|(_, keyword)| *keyword)
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(Refusal::bad_request(format!(
            "the work item lacks {missing}"
        )));
    }
    let is_one_of = |name: &str, terms: &[&str]| {
        text(attributes, name).is_some_and(|value| terms.contains(&value))
    };
    if !is_one_of("00741200", &["HIGH", "MEDIUM", "LOW"]) {
        return Err(Refusal::bad_request("the priority is HIGH, MEDIUM or LOW"));
    }
    if !is_one_of("00404041", &["READY", "INCOMPLETE", "UNAVAILABLE"]) {
        return Err(Refusal::bad_request(
            "the input readiness is READY, INCOMPLETE or UNAVAILABLE",
        ));
    }
    Ok(())
}

/// Checks what somebody wants to change.
// PS3.4 CC.2.6.2: the state has a request of its own, and what names an item stays.
pub(super) fn check_change(change: &Attributes, item: &WorkItem) -> Answer<()> {
    let fixed = [
        ("00741000", "ProcedureStepState"),
        ("00080016", "SOPClassUID"),
        ("00080018", "SOPInstanceUID"),
        ("00404010", "ScheduledProcedureStepModificationDateTime"),
    ];
    let mut changed = fixed.iter().filter(|(name, _)| change.contains_key(*name));
    if let Some((_, keyword)) = changed.next() {
        return Err(Refusal::bad_request(format!(
            "the state and the UIDs of a work item are not changed by an update, which has {keyword}"
        )));
    }
    let is_said = |name: &String| name == PROGRESS || name == PERFORMED;
    if item.is_read() && !change.keys().all(is_said) {
        return Err(Refusal::bad_request(
            "of a read of a case only the progress and what was performed can be told; the rest is the case's",
        ));
    }
    Ok(())
}

/// Returns what is to be told of a change.
// PS3.4 CC.2.4.3.
pub(super) fn reports_of_change(
    change: &Attributes,
    item: &WorkItem,
    attributes: &Attributes,
) -> Vec<(EventType, Value)> {
    let mut reports = Vec::new();
    if let Some(progress) = change.get(PROGRESS) {
        reports.push((EventType::Progress, json!({ PROGRESS: progress })));
    }
    if change.contains_key("00404041") {
        reports.push((
            EventType::StateReport,
            state_report(&item.state, attributes),
        ));
    }
    if change.contains_key("00404034") || change.contains_key("00404025") {
        reports.push((EventType::Assigned, assigned(attributes)));
    }
    reports
}

/// Returns the state of an item as an event tells it.
pub(super) fn state_report(state: &str, attributes: &Attributes) -> Value {
    let readiness = text(attributes, "00404041").unwrap_or("READY");
    json!({
        "00404041": {"vr": "CS", "Value": [readiness]},
        "00741000": {"vr": "CS", "Value": [state]},
    })
}

fn assigned(attributes: &Attributes) -> Value {
    let performer = items(attributes, "00404034").first();
    let part = |name: &str| performer.and_then(|item| item.get(name)).cloned();
    let mut report = Attributes::new();
    let known = [
        ("00404009", part("00404009")),
        ("00404025", attributes.get("00404025").cloned()),
        ("00404036", part("00404036")),
    ];
    for (name, element) in known {
        if let Some(element) = element {
            report.insert(name.to_owned(), element);
        }
    }
    Value::Object(report)
}

/// What an item must say of what was performed before it is completed.
// PS3.4 table CC.2.5-3, final state P.
const NEEDED_OF_PERFORMED: [(&str, &str); 4] = [
    ("00404028", "PerformedStationNameCodeSequence"),
    ("00404050", "PerformedProcedureStepStartDateTime"),
    ("00404019", "PerformedWorkitemCodeSequence"),
    ("00404051", "PerformedProcedureStepEndDateTime"),
];

/// Checks that an item says what a completed one must.
pub(super) fn check_completed(attributes: &Attributes) -> Answer<()> {
    let nothing = Attributes::new();
    let performed = items(attributes, PERFORMED).first();
    let performed = performed.and_then(Value::as_object).unwrap_or(&nothing);
    let needed = NEEDED_OF_PERFORMED.into_iter();
    let mut missing: Vec<&str> = needed
        .filter(|(name, _)| !has_value(performed, name))
        .map(|(_, keyword)| keyword)
        .collect();
    // It may be empty.
    if !performed.contains_key("00404033") {
        missing.push("OutputInformationSequence");
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(unmet(&format!(
        "UnifiedProcedureStepPerformedProcedureSequence lacks {}; say it first, by an update",
        missing.join(", ")
    )))
}

/// Checks that an item says what a canceled one must, and adds when it was canceled.
// PS3.4 table CC.2.5-3, final state X.
pub(super) fn complete_canceled(attributes: &mut Attributes, now: Timestamp) -> Answer<()> {
    let element = attributes
        .entry(PROGRESS)
        .or_insert_with(|| json!({"vr": "SQ", "Value": [{}]}));
    let progress = element
        .pointer_mut("/Value/0")
        .and_then(Value::as_object_mut)
        .filter(|progress| has_value(progress, "0074100E"));
    let Some(progress) = progress else {
        return Err(unmet(
            "ProcedureStepProgressInformationSequence lacks ProcedureStepDiscontinuationReasonCodeSequence, why it is given up; say \
             it first, by an update",
        ));
    };
    if !has_value(progress, "00404052") {
        let at = json!({"vr": "DT", "Value": [date_time(now)]});
        progress.insert("00404052".to_owned(), at);
    }
    Ok(())
}

fn unmet(what: &str) -> Refusal {
    let text = "The submitted request is inconsistent with the state of the UPS Instance.";
    refused(StatusCode::CONFLICT, text)
        .saying(format!("the final state requirements are not met: {what}"))
}

/// Adds why a waiting item is canceled, from what its cancellation says.
pub(super) fn cancel_waiting(attributes: &mut Attributes, reason: &Attributes, now: Timestamp) {
    let mut progress = Attributes::new();
    let at = json!({"vr": "DT", "Value": [date_time(now)]});
    progress.insert("00404052".to_owned(), at);
    for name in ["0074100E", "00741238"] {
        if let Some(element) = reason.get(name) {
            progress.insert(name.to_owned(), element.clone());
        }
    }
    // CID 9300: discontinued for an unspecified reason.
    progress.entry("0074100E").or_insert_with(|| {
        json!({"vr": "SQ", "Value": [{
            "00080100": {"vr": "SH", "Value": ["110513"]},
            "00080102": {"vr": "SH", "Value": ["DCM"]},
            "00080104": {"vr": "LO", "Value": ["Discontinued for unspecified reason"]},
        }]})
    });
    let element = json!({"vr": "SQ", "Value": [progress]});
    attributes.insert(PROGRESS.to_owned(), element);
}
