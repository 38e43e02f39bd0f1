//! C-FIND as its user.

use std::collections::HashMap;

use overread_dicom::dictionary::vr_of;
use overread_dicom::{ParseLimits, data_set_of_json, data_set_to_json, syntax};
use overread_store::studies::{InstanceFilter, Page, search_instances};
use serde_json::{Map, Value, json};

use super::{Answer, FindLevel, Scu, ScuError};
use crate::command::{C_FIND_RQ, CommandSet, PENDING, PENDING_WITHOUT_SOME_KEYS};
use crate::instance::Wanted;
use crate::limits;
use crate::negotiation::Context;
use crate::requestor::{Proposal, Requestor};
use crate::service::{Operation, Root};
use crate::{Remote, query};
use overread_store::access::Reach;

const SOP_CLASS_UID: u32 = 0x0008_0016;
const FIND: &str = Root::Study.class(Operation::Find);

/// Writes an identifier: the level, what must match, and what is only asked for.
pub(super) fn identifier(level: FindLevel, keys: &[(u32, &str)], is_explicit: bool) -> Vec<u8> {
    let mut object = Map::new();
    let mut put = |tag: u32, text: &str| {
        let vr = vr_of(tag);
        let values: Vec<Value> = match vr.as_str() {
            _ if text.is_empty() => Vec::new(),
            "PN" => vec![json!({ "Alphabetic": text })],
            _ => text.split('\\').map(Value::from).collect(),
        };
        object.insert(format!("{tag:08X}"), json!({ "vr": vr, "Value": values }));
    };
    put(0x0008_0005, "ISO_IR 192");
    put(query::QUERY_RETRIEVE_LEVEL, level.as_str());
    for (tag, text) in keys {
        put(*tag, text);
    }
    data_set_of_json(&object, is_explicit)
}

pub(super) fn is_explicit(context: &Context) -> bool {
    context.transfer_syntax_uid.as_str() != syntax::IMPLICIT_VR_LITTLE_ENDIAN
}

/// Looks for something on an open association.
pub(super) async fn find_on(
    requestor: &mut Requestor,
    level: FindLevel,
    keys: &[(u32, &str)],
) -> Result<Vec<Answer>, ScuError> {
    let context = requestor
        .context_of(FIND)
        .ok_or_else(|| ScuError::NotOpened("it does not offer queries".to_owned()))?;
    let message_id = requestor.next_message_id();
    let set = CommandSet::request(C_FIND_RQ, message_id, FIND).with_data_set();
    requestor.link.send(context.id, &set).await?;
    let data = identifier(level, keys, is_explicit(&context));
    requestor.link.send_data(context.id, &data, true).await?;
    let mut answers = Vec::new();
    loop {
        let (answer, context) = requestor.response(message_id).await?;
        let data = requestor.link.read_data(&answer, &context).await?;
        match answer.status {
            PENDING | PENDING_WITHOUT_SOME_KEYS => {}
            0 => return Ok(answers),
            status => {
                return Err(ScuError::Failed {
                    status,
                    comment: answer.comment,
                });
            }
        }
        if answers.len() == limits::HEARD_ANSWERS {
            let cancel = CommandSet::cancel(message_id);
            drop(requestor.link.send(context.id, &cancel).await);
            return Err(ScuError::TooMany);
        }
        let syntax = context.transfer_syntax_uid.as_str();
        let json = data_set_to_json(&data, syntax, &ParseLimits::default());
        let object = json
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok());
        answers.push(Answer(object.unwrap_or_default()));
    }
}

/// An instance that a peer has, or we have: its series and class.
pub(super) type Place = (String, String);

impl Scu {
    /// Looks for studies, series or instances on a peer; an empty text asks for an attribute without a condition.
    ///
    /// # Errors
    /// When it cannot be reached, refuses, or answers with a failure.
    pub async fn find(
        &self,
        remote: &Remote,
        level: FindLevel,
        keys: &[(u32, &str)],
    ) -> Result<Vec<Answer>, ScuError> {
        let mut requestor = self.open(remote, &[Proposal::plain(FIND)]).await?;
        let found = find_on(&mut requestor, level, keys).await;
        requestor.release_with(found).await
    }

    /// Lists the instances of a study that a peer has, by UID.
    pub(super) async fn listed(
        &self,
        remote: &Remote,
        study: &str,
    ) -> Result<HashMap<String, Place>, ScuError> {
        let mut requestor = self.open(remote, &[Proposal::plain(FIND)]).await?;
        let listed = instances_on(&mut requestor, study).await;
        requestor.release_with(listed).await
    }

    /// Lists the instances of a study that we have.
    pub(super) async fn held(&self, study: &str) -> Result<Vec<Wanted>, ScuError> {
        let filter = InstanceFilter {
            study_instance_uid: Some(study.to_owned()),
            ..InstanceFilter::default()
        };
        let mut page = Page::default();
        let mut held = Vec::new();
        let mut tx = self.rooms.ingest.store().read().await?;
        loop {
            let rows = search_instances(&mut tx, &Reach::Everything, &filter, &page).await?;
            let is_last = rows.len() < page.limit as usize;
            held.extend(rows.into_iter().map(|row| Wanted {
                study_instance_uid: row.study_instance_uid,
                series_instance_uid: row.series_instance_uid,
                sop_instance_uid: row.sop_instance_uid,
                sop_class_uid: row.sop_class_uid,
                transfer_syntax_uid: row.transfer_syntax_uid,
            }));
            if is_last {
                return Ok(held);
            }
            if held.len() > limits::RETRIEVED_INSTANCES {
                return Err(ScuError::TooMany);
            }
            page.offset = page.offset.saturating_add(page.limit);
        }
    }
}

async fn instances_on(
    requestor: &mut Requestor,
    study: &str,
) -> Result<HashMap<String, Place>, ScuError> {
    let keys = [
        (query::STUDY_INSTANCE_UID, study),
        (query::SERIES_INSTANCE_UID, ""),
    ];
    let mut listed = HashMap::new();
    for series in find_on(requestor, FindLevel::Series, &keys).await? {
        let series = series.text(query::SERIES_INSTANCE_UID);
        let keys = [
            (query::STUDY_INSTANCE_UID, study),
            (query::SERIES_INSTANCE_UID, series.as_str()),
            (query::SOP_INSTANCE_UID, ""),
            (SOP_CLASS_UID, ""),
        ];
        for instance in find_on(requestor, FindLevel::Image, &keys).await? {
            let place = (series.clone(), instance.text(SOP_CLASS_UID));
            listed.insert(instance.text(query::SOP_INSTANCE_UID), place);
            if listed.len() > limits::RETRIEVED_INSTANCES {
                return Err(ScuError::TooMany);
            }
        }
    }
    Ok(listed)
}
