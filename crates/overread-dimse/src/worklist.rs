//! The modality worklist (PS3.4 annex K): reads that may begin, for workstations that take their list by C-FIND.

use overread_dicom::dictionary::vr_of;
use overread_dicom::matching::matches_value;
use overread_dicom::{ParseLimits, data_set_of_json, data_set_to_json, syntax};
use overread_model::time::Timestamp;
use overread_store::audit::AuditEvent;
use overread_store::limits::WORK_ITEMS;
use overread_store::work_items::{
    self, IN_PROGRESS, SCHEDULED, StudyOfRead, WorkItem, WorkItemFilter, reviewer_code,
};
use overread_store::{StoreResult, Tx};
use serde_json::{Map, Value, json};

use crate::asker::{Asker, database};
use crate::command::{
    CANCELLED, CANNOT_UNDERSTAND, Command, OUT_OF_RESOURCES, PENDING, PENDING_WITHOUT_SOME_KEYS,
    Status,
};
use crate::found::Found;
use crate::link::Link;
use crate::negotiation::Context;
use crate::query::asked_of;
use crate::server::Shared;
use crate::wire::Ended;

type Attributes = Map<String, Value>;

/// What is asked, by whom.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Command,
    pub(crate) context: &'a Context,
    pub(crate) asker: Asker,
    pub(crate) identifier: Vec<u8>,
    /// Who calls: the station that its reads are for.
    pub(crate) calling: &'a str,
}

/// Answers a query; returns the last status.
///
/// # Errors
/// The association ended.
pub(crate) async fn answer(
    shared: &Shared,
    link: &mut Link,
    mut asked: Asked<'_>,
) -> Result<Status, Ended> {
    let transfer_syntax = asked.context.transfer_syntax_uid.as_str();
    let json = data_set_to_json(&asked.identifier, transfer_syntax, &ParseLimits::default());
    let identifier: Option<Attributes> = json
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok());
    let Some(identifier) = identifier else {
        let text = "the identifier cannot be read";
        return Ok(Status::failure(CANNOT_UNDERSTAND, text));
    };
    let steps = match steps(shared, &asked).await {
        Ok(Some(steps)) => steps,
        Ok(None) => {
            let text = "there is too much work to look at";
            return Ok(Status::failure(OUT_OF_RESOURCES, text));
        }
        Err(error) => return Ok(database(&error)),
    };
    let mut keys = Vec::new();
    keys_of(&identifier, &[], &mut keys);
    let is_explicit = transfer_syntax != syntax::IMPLICIT_VR_LITTLE_ENDIAN;
    for step in steps {
        if link.is_cancelled(asked.request.message_id).await? {
            return Ok(Status::plain(CANCELLED));
        }
        let (store, now) = (shared.ingest.store(), (shared.clock)());
        if let Err(status) = asked.asker.ask_again_of_search(store, now).await {
            return Ok(status);
        }
        // PS3.4 K.4.1.1.3.2: FF01 when a key that was asked to match is not known here.
        let (known, unknown): (Vec<_>, Vec<_>) =
            keys.iter().partition(|(path, _)| tells(&step, path));
        let whole = Value::Object(step);
        if !known
            .iter()
            .all(|(path, text)| matches_value(&whole, path, text))
        {
            continue;
        }
        let pending = if unknown.is_empty() {
            PENDING
        } else {
            PENDING_WITHOUT_SOME_KEYS
        };
        let mut answer = whole
            .as_object()
            .map(|whole| chosen(whole, &identifier))
            .unwrap_or_default();
        answer.insert(
            "00080005".to_owned(),
            json!({"vr": "CS", "Value": ["ISO_IR 192"]}),
        );
        let data = data_set_of_json(&answer, is_explicit);
        let set = asked.request.answer(&Status::plain(pending));
        let id = asked.context.id;
        link.send(id, &set.with_data_set()).await?;
        link.send_data(id, &data, true).await?;
    }
    Ok(Status::SUCCESS)
}

/// Returns the reads that the asker sees and that may begin; `None` when there are too many items to look at.
async fn steps(shared: &Shared, asked: &Asked<'_>) -> StoreResult<Option<Vec<Attributes>>> {
    let asker = &asked.asker;
    let store = shared.ingest.store();
    let event = AuditEvent::new("work_items.searched");
    let noted = shared.readings.note(store, &asker.actor, &event, asker.now);
    noted.await?;
    let mut tx = store.read().await?;
    let filter = WorkItemFilter {
        states: Some(vec![SCHEDULED.to_owned(), IN_PROGRESS.to_owned()]),
        ..WorkItemFilter::default()
    };
    let items = work_items::list(&mut tx, &asker.actor, &asker.reach, &filter).await?;
    if items.len() > WORK_ITEMS {
        return Ok(None);
    }
    let studies = work_items::studies_of(&mut tx, &asker.reach, &items).await?;
    let mut steps = Vec::new();
    for item in items.iter().filter(|item| item.is_ready()) {
        let of_case = |study: &&StudyOfRead| Some(&study.case_id) == item.case_id.as_ref();
        let own: Vec<&StudyOfRead> = studies.iter().filter(of_case).collect();
        if let Some(newest) = own.first() {
            let mut found = Found(step(item, newest, &own, asked.calling));
            if is_blind(&mut tx, asker, &own).await? {
                found.without(&shared.first_reading);
            }
            steps.push(found.0);
        }
    }
    Ok(Some(steps))
}

async fn is_blind(tx: &mut Tx, asker: &Asker, studies: &[&StudyOfRead]) -> StoreResult<bool> {
    for study in studies {
        if asker.is_blind_to(tx, &study.study_instance_uid).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes a read. Patient, study and accession number are those of one study, so that they belong together.
fn step(item: &WorkItem, study: &StudyOfRead, all: &[&StudyOfRead], calling: &str) -> Attributes {
    let mut found = Found::default();
    found.name(0x0010_0010, study.patient_name.as_deref());
    found.text(0x0010_0020, "LO", study.patient_id.as_deref());
    found.text(0x0010_0021, "LO", study.issuer_of_patient_id.as_deref());
    found.text(0x0010_0030, "DA", study.patient_birth_date.as_deref());
    found.text(0x0010_0040, "CS", study.patient_sex.as_deref());
    found.text(0x0008_0050, "SH", study.accession_number.as_deref());
    found.text(0x0020_000D, "UI", Some(&study.study_instance_uid));
    found.text(0x0032_1060, "LO", item.case_title.as_deref());
    found.text(0x0040_1001, "SH", item.case_number.as_deref());
    let priority = match item.urgency.as_deref() {
        Some("urgent" | "emergent") => "HIGH",
        Some("expedited") => "MEDIUM",
        _ => "ROUTINE",
    };
    found.text(0x0040_1003, "SH", Some(priority));
    for (tag, vr) in [
        (0x0008_0090, "PN"),
        (0x0032_1032, "PN"),
        (0x0038_0010, "LO"),
    ] {
        found.text(tag, vr, None);
    }
    let reference = |study: &&StudyOfRead| {
        json!({
            // PS3.4: the class that stands for a study as such.
            "00081150": {"vr": "UI", "Value": ["1.2.840.10008.3.1.2.3.1"]},
            "00081155": {"vr": "UI", "Value": [study.study_instance_uid]},
        })
    };
    found.put(0x0008_1110, "SQ", all.iter().map(reference).collect());
    let scheduled = Value::Object(scheduled(item, study, calling));
    found.put(0x0040_0100, "SQ", vec![scheduled]);
    found.0
}

fn scheduled(item: &WorkItem, study: &StudyOfRead, calling: &str) -> Attributes {
    let at = Timestamp::from_micros(item.created_at);
    let (date, (hour, minute, second)) = (at.date(), at.time_of_day());
    let day = format!("{:04}{:02}{:02}", date.year(), date.month(), date.day());
    let time = format!("{hour:02}{minute:02}{second:02}");
    let mut found = Found::default();
    let is_image = |code: &&str| !matches!(*code, "" | "SR" | "PR" | "KO" | "DOC" | "SEG");
    let modality = study.modalities.split('\\').find(is_image);
    found.text(0x0008_0060, "CS", modality.or(Some("OT")));
    // Whoever reads it does so at the station that asks.
    found.text(0x0040_0001, "AE", Some(calling));
    found.text(0x0040_0002, "DA", Some(&day));
    found.text(0x0040_0003, "TM", Some(&time));
    found.name(0x0040_0006, item.reviewer_name.as_deref());
    let title = item.case_title.as_deref().unwrap_or_default();
    let label: String = format!("Second opinion: {title}")
        .chars()
        .take(64)
        .collect();
    found.text(0x0040_0007, "LO", Some(label.trim_end_matches([' ', ':'])));
    let id = reviewer_code(item.task_id.as_deref().unwrap_or_default());
    found.text(0x0040_0009, "SH", Some(&id));
    found.text(0x0040_0010, "SH", None);
    found.text(0x0040_0011, "SH", None);
    let status = if item.state == IN_PROGRESS {
        "STARTED"
    } else {
        "READY"
    };
    found.text(0x0040_0020, "CS", Some(status));
    found.0
}

/// Lists what must match something: the path of tags and the value.
fn keys_of(asked: &Attributes, above: &[u32], keys: &mut Vec<(Vec<u32>, String)>) {
    for (name, element) in asked {
        let tag = u32::from_str_radix(name, 16).unwrap_or_default();
        if tag == 0x0008_0005 || tag & 0xFFFF == 0 {
            continue;
        }
        let path = [above, &[tag]].concat();
        match items_of(element).first() {
            // PS3.4 C.2.2.2.6: a sequence has one item of keys.
            Some(item) => keys_of(item, &path, keys),
            None => {
                let values = asked_of(element);
                if !values.is_empty() {
                    keys.push((path, values.join("\\")));
                }
            }
        }
    }
}

/// Returns the items of a sequence.
fn items_of(element: &Value) -> Vec<&Attributes> {
    let is_sequence = element.get("vr").and_then(Value::as_str) == Some("SQ");
    let values = element.get("Value").and_then(Value::as_array);
    let values = values.filter(|_| is_sequence).into_iter().flatten();
    values.filter_map(Value::as_object).collect()
}

fn tells(found: &Attributes, path: &[u32]) -> bool {
    let Some((tag, rest)) = path.split_first() else {
        return true;
    };
    let element = found.get(&format!("{tag:08X}"));
    element.is_some_and(|element| {
        rest.is_empty()
            || items_of(element)
                .first()
                .is_some_and(|item| tells(item, rest))
    })
}

/// Returns what is asked for of what was found; what is not known is empty, and a sequence asked for without keys comes whole.
fn chosen(found: &Attributes, asked: &Attributes) -> Attributes {
    let mut answer = Attributes::new();
    for (name, wanted) in asked {
        let tag = u32::from_str_radix(name, 16).unwrap_or_default();
        if tag & 0xFFFF == 0 || tag >> 16 <= 2 {
            continue;
        }
        let Some(told) = found.get(name) else {
            let stated = wanted.get("vr").and_then(Value::as_str).unwrap_or("UN");
            let known = vr_of(tag);
            let vr = if known == "UN" { stated } else { &known };
            answer.insert(name.clone(), json!({ "vr": vr }));
            continue;
        };
        let keys = items_of(wanted);
        let keys = keys.first().filter(|keys| !keys.is_empty());
        let element = match keys {
            Some(keys) => {
                let items = items_of(told).into_iter();
                let items = items.map(|item| Value::Object(chosen(item, keys)));
                json!({"vr": "SQ", "Value": items.collect::<Vec<Value>>()})
            }
            None => told.clone(),
        };
        answer.insert(name.clone(), element);
    }
    answer
}
