//! A work item as the asker gets it.

use overread_model::time::Timestamp;
use overread_store::Tx;
use overread_store::work_items::{
    self, CODING_SCHEME, COMPLETED, StudyOfRead, WorkItem, agreed, reviewer_code,
};
use serde_json::{Map, Value, json};

use super::Attributes;
use crate::address::Address;
use crate::blinding::Withheld;
use crate::caller::Caller;
use crate::refusal::{Answer, Refusal};

// PS3.4 CC.1: every work item is of this class, whoever asks.
const PUSH: &str = "1.2.840.10008.5.1.4.34.6.1";

/// Returns a time as a value of VR DT.
pub(super) fn date_time(at: Timestamp) -> String {
    let (date, (hour, minute, second)) = (at.date(), at.time_of_day());
    let (year, month, day) = (date.year(), date.month(), date.day());
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}+0000")
}

/// Returns what is kept of an item.
pub(super) fn stored(item: &WorkItem) -> Answer<Attributes> {
    serde_json::from_str(&item.attributes).map_err(|_| Refusal::internal())
}

fn put(attributes: &mut Attributes, name: &str, vr: &str, values: Vec<Value>) {
    let element = if values.is_empty() {
        json!({ "vr": vr })
    } else {
        json!({ "vr": vr, "Value": values })
    };
    attributes.insert(name.to_owned(), element);
}

fn text(attributes: &mut Attributes, name: &str, vr: &str, value: Option<&str>) {
    let value = value.filter(|value| !value.is_empty());
    put(
        attributes,
        name,
        vr,
        value.map(Value::from).into_iter().collect(),
    );
}

fn time(attributes: &mut Attributes, name: &str, at: Option<i64>) {
    let at = at.map(|at| Value::from(date_time(Timestamp::from_micros(at))));
    put(attributes, name, "DT", at.into_iter().collect());
}

fn code(value: &str, scheme: &str, meaning: &str) -> Value {
    json!({
        "00080100": {"vr": "SH", "Value": [value]},
        "00080102": {"vr": "SH", "Value": [scheme]},
        "00080104": {"vr": "LO", "Value": [meaning]},
    })
}

/// Writes a name with its component groups.
fn name_of(name: &str) -> Value {
    let groups = ["Alphabetic", "Ideographic", "Phonetic"]
        .into_iter()
        .zip(name.split('='))
        .filter(|(_, group)| !group.trim().is_empty())
        .map(|(key, group)| (key.to_owned(), Value::from(group.trim_end())));
    Value::Object(groups.collect::<Map<_, _>>())
}

/// Returns items as the caller gets them: without what tells of the first reading before the lock.
pub(super) async fn shown(tx: &mut Tx, caller: &Caller, items: &[WorkItem]) -> Answer<Vec<Value>> {
    let studies = work_items::studies_of(tx, &caller.reach, items).await?;
    let mut shown = Vec::with_capacity(items.len());
    for item in items {
        let of_case = |study: &&StudyOfRead| Some(&study.case_id) == item.case_id.as_ref();
        let own: Vec<&StudyOfRead> = studies.iter().filter(of_case).collect();
        let withheld = withheld(tx, caller, item, &own).await?;
        shown.push(left_of(whole(item, &own, &caller.address)?, &withheld)?);
    }
    Ok(shown)
}

/// Returns what of an item is withheld from the caller: what tells of the first reading, while one of its studies waits for
/// the lock, or none of them is known here.
async fn withheld(
    tx: &mut Tx,
    caller: &Caller,
    item: &WorkItem,
    studies: &[&StudyOfRead],
) -> Answer<Withheld> {
    if !caller.reach.is_without_reports() {
        return Ok(Withheld(None));
    }
    let named = item.study_instance_uid.as_deref();
    let mut uids: Vec<&str> = studies
        .iter()
        .map(|study| study.study_instance_uid.as_str())
        .chain(named)
        .collect();
    if uids.is_empty() {
        uids.push("");
    }
    for uid in uids {
        let withheld = caller.withheld(tx, uid).await?;
        if withheld.is_any() {
            return Ok(withheld);
        }
    }
    Ok(Withheld(None))
}

fn left_of(whole: Attributes, withheld: &Withheld) -> Answer<Value> {
    let whole = Value::Object(whole);
    if !withheld.is_any() {
        return Ok(whole);
    }
    let bytes = withheld.without(whole.to_string().as_bytes())?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::internal())
}

/// Returns what is told of an item to somebody who sees it, and the item as they see it.
pub(super) async fn told(
    tx: &mut Tx,
    caller: &Caller,
    item: &WorkItem,
    information: &str,
) -> Answer<(Value, Value)> {
    let studies = work_items::studies_of(tx, &caller.reach, std::slice::from_ref(item)).await?;
    let own: Vec<&StudyOfRead> = studies.iter().collect();
    let withheld = withheld(tx, caller, item, &own).await?;
    let information = serde_json::from_str(information).map_err(|_| Refusal::internal())?;
    let shown = left_of(whole(item, &own, &caller.address)?, &withheld)?;
    Ok((left_of(information, &withheld)?, shown))
}

/// Puts an item together.
fn whole(item: &WorkItem, studies: &[&StudyOfRead], address: &Address) -> Answer<Attributes> {
    let mut attributes = Attributes::new();
    if item.is_read() {
        order(&mut attributes, item);
        patient(&mut attributes, studies);
        input(&mut attributes, studies, address);
    }
    attributes.append(&mut stored(item)?);
    if item.is_read() && item.state == COMPLETED {
        perform(&mut attributes, item);
    }
    text(&mut attributes, "00080005", "CS", Some("ISO_IR 192"));
    text(&mut attributes, "00080016", "UI", Some(PUSH));
    text(&mut attributes, "00080018", "UI", Some(&item.uid));
    time(&mut attributes, "00404010", Some(item.changed_at));
    text(&mut attributes, "00741000", "CS", Some(&item.state));
    // PS3.18 11.5: it proves the claim, so nobody is told it.
    attributes.remove("00081195");
    Ok(attributes)
}

/// Writes what is to be done, by whom, until when.
fn order(attributes: &mut Attributes, item: &WorkItem) {
    let title = item.case_title.as_deref().unwrap_or_default();
    let label: String = format!("Second opinion: {title}")
        .chars()
        .take(64)
        .collect();
    text(
        attributes,
        "00741204",
        "LO",
        Some(label.trim_end_matches([' ', ':'])),
    );
    text(attributes, "00741202", "LO", Some("Second opinions"));
    let priority = match item.urgency.as_deref() {
        Some("urgent" | "emergent") => "HIGH",
        Some("expedited") => "MEDIUM",
        _ => "LOW",
    };
    text(attributes, "00741200", "CS", Some(priority));
    let readiness = if item.is_ready() || item.is_over() {
        "READY"
    } else {
        "INCOMPLETE"
    };
    text(attributes, "00404041", "CS", Some(readiness));
    time(attributes, "00404005", Some(item.created_at));
    // The case's clock is that of the report only while it is read.
    time(
        attributes,
        "00404011",
        item.due_at.filter(|_| item.is_ready()),
    );
    // CID 9231.
    let reading = code("110005", "DCM", "Interpretation");
    put(attributes, "00404018", "SQ", vec![reading]);
    for name in [
        "00404025", "00404026", "00404027", "00741210", "00741002", "00741216",
    ] {
        put(attributes, name, "SQ", Vec::new());
    }
    let reviewer = item.reviewer_name.as_deref().unwrap_or_default();
    let reviewer_id = item.reviewer_id.as_deref().unwrap_or_default();
    let who = code(&reviewer_code(reviewer_id), CODING_SCHEME, reviewer);
    let performer = json!({
        "00404009": {"vr": "SQ", "Value": [who]},
        "00404036": {"vr": "LO"},
        "00404037": {"vr": "PN", "Value": [name_of(reviewer)]},
    });
    put(attributes, "00404034", "SQ", vec![performer]);
    if let Some(replaced) = &item.replaces_uid {
        let replaced = json!({
            "00081150": {"vr": "UI", "Value": [PUSH]},
            "00081155": {"vr": "UI", "Value": [replaced]},
        });
        put(attributes, "00741224", "SQ", vec![replaced]);
    }
    let mut request = Attributes::new();
    text(&mut request, "00401001", "SH", item.case_number.as_deref());
    text(&mut request, "00321060", "LO", Some(title));
    put(attributes, "0040A370", "SQ", vec![Value::Object(request)]);
}

/// Writes the patient, as far as all studies of the case agree: which patient it is may not be guessed.
fn patient(attributes: &mut Attributes, studies: &[&StudyOfRead]) {
    let name = agreed(studies, |study| study.patient_name.as_deref());
    put(
        attributes,
        "00100010",
        "PN",
        name.map(name_of).into_iter().collect(),
    );
    let id = agreed(studies, |study| study.patient_id.as_deref());
    text(attributes, "00100020", "LO", id);
    let issuer = agreed(studies, |study| study.issuer_of_patient_id.as_deref());
    text(
        attributes,
        "00100021",
        "LO",
        issuer.filter(|_| id.is_some()),
    );
    let born = agreed(studies, |study| study.patient_birth_date.as_deref());
    text(attributes, "00100030", "DA", born);
    let sex = agreed(studies, |study| study.patient_sex.as_deref());
    text(attributes, "00100040", "CS", sex);
    text(attributes, "00380010", "LO", None);
    let study = agreed(studies, |study| Some(&study.study_instance_uid));
    text(attributes, "0020000D", "UI", study);
}

/// Writes the studies of the case and where they are had.
fn input(attributes: &mut Attributes, studies: &[&StudyOfRead], address: &Address) {
    let item = |study: &&StudyOfRead| {
        let uid = &study.study_instance_uid;
        let mut item = Attributes::new();
        text(&mut item, "0020000D", "UI", Some(uid));
        text(&mut item, "0040E020", "CS", Some("DICOM"));
        let place = json!({"00081190": {"vr": "UR", "Value": [address.study(uid)]}});
        put(&mut item, "0040E025", "SQ", vec![place]);
        text(
            &mut item,
            "00080050",
            "SH",
            study.accession_number.as_deref(),
        );
        Value::Object(item)
    };
    let values = studies.iter().map(item).collect();
    put(attributes, "00404021", "SQ", values);
}

/// Writes what a completed item must say, where no workstation said it: the read was done on the pages here.
fn perform(attributes: &mut Attributes, item: &WorkItem) {
    let is_said = |element: &Value| element.pointer("/Value/0").is_some();
    if attributes.get("00741216").is_some_and(is_said) {
        return;
    }
    let mut performed = Attributes::new();
    let here = code("OVERREAD", CODING_SCHEME, "Overread");
    put(&mut performed, "00404028", "SQ", vec![here]);
    let reading = code("110005", "DCM", "Interpretation");
    put(&mut performed, "00404019", "SQ", vec![reading]);
    time(
        &mut performed,
        "00404050",
        item.claimed_at.or(Some(item.created_at)),
    );
    time(&mut performed, "00404051", item.ended_at);
    put(&mut performed, "00404033", "SQ", Vec::new());
    put(attributes, "00741216", "SQ", vec![Value::Object(performed)]);
}
