//! What a report on storage commitment says: each instance is read back.

use std::collections::HashMap;

use overread_dicom::data_set_of_json;
use overread_ingest::is_whole;
use overread_store::StoreResult;
use overread_store::commitments::{self, Due, Held, Reference};
use serde_json::{Map, Value, json};

use crate::command::PROCESSING_FAILURE;
use crate::limits;
use crate::server::Shared;

/// Failure reasons.
// PS3.3 C.14.1.1.
const NO_SUCH_INSTANCE: u16 = 0x0112;
const CLASS_CONFLICT: u16 = 0x0119;

/// What a report says: what is safe, and what is not and why.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) safe: Vec<Reference>,
    pub(super) failed: Vec<(Reference, u16)>,
}

/// Reads every instance back; of a peer that stores for cases, those of these cases.
pub(super) async fn prove(shared: &Shared, due: &Due) -> StoreResult<Report> {
    let cases = shared.config.callers.cases_of(&due.ae_title);
    let mut report = Report::default();
    for chunk in due.instances.chunks(limits::UIDS_A_SEARCH) {
        let uids: Vec<String> = chunk.iter().map(|(_, uid)| uid.clone()).collect();
        let mut tx = shared.ingest.store().read().await?;
        let held = commitments::held(&mut tx, &uids, cases.as_deref()).await?;
        drop(tx);
        let held: HashMap<String, Held> = held
            .into_iter()
            .map(|held| (held.sop_instance_uid.clone(), held))
            .collect();
        for reference in chunk {
            match judge(shared, reference, held.get(&reference.1)).await {
                None => report.safe.push(reference.clone()),
                Some(reason) => report.failed.push((reference.clone(), reason)),
            }
        }
    }
    Ok(report)
}

/// Says why an instance is not safe; `None` when it is.
async fn judge(shared: &Shared, (class, _): &Reference, held: Option<&Held>) -> Option<u16> {
    let Some(held) = held else {
        return Some(NO_SUCH_INSTANCE);
    };
    if held.sop_class_uid != *class {
        return Some(CLASS_CONFLICT);
    }
    // The peer may mean the bytes that wait for a person's decision.
    if held.is_disputed {
        return Some(PROCESSING_FAILURE);
    }
    let archive = shared.ingest.archive();
    (!is_whole(archive, held.extent, held.digest).await).then_some(PROCESSING_FAILURE)
}

pub(super) fn data_of(due: &Due, report: &Report, ae_title: &str, is_explicit: bool) -> Vec<u8> {
    let uid = |uid: &str| json!({ "vr": "UI", "Value": [uid] });
    let item = |(class, instance): &Reference| {
        Map::from_iter([
            ("00081150".to_owned(), uid(class)),
            ("00081155".to_owned(), uid(instance)),
        ])
    };
    let safe: Vec<Value> = report.safe.iter().map(|one| item(one).into()).collect();
    let failed = report.failed.iter().map(|(one, reason)| {
        let mut item = item(one);
        item.insert(
            "00081197".to_owned(),
            json!({ "vr": "US", "Value": [reason] }),
        );
        Value::Object(item)
    });
    let failed: Vec<Value> = failed.collect();
    let mut object = Map::from_iter([
        (
            "00080054".to_owned(),
            json!({ "vr": "AE", "Value": [ae_title] }),
        ),
        ("00081195".to_owned(), uid(&due.transaction_uid)),
    ]);
    for (tag, items) in [("00081198", failed), ("00081199", safe)] {
        if !items.is_empty() {
            object.insert(tag.to_owned(), json!({ "vr": "SQ", "Value": items }));
        }
    }
    data_set_of_json(&object, is_explicit)
}
