//! What reports, key-object notes, presentation states and multi-frame objects say of themselves and of others.

use std::collections::BTreeSet;

use overread_model::imaging::ContentFacts;

use super::Attributes;
use crate::dataset::NodeKind;
use crate::source::Source;
use crate::tags;

/// References kept of one instance; a segmentation may name each frame again and again.
const MAX_REFERENCES: usize = 10_000;

/// Reads them; empty for plain images.
pub(super) fn read<S: Source>(attributes: &mut Attributes<'_, S>) -> ContentFacts {
    let title = attributes.first_item(None, tags::CONCEPT_NAME_CODE_SEQUENCE);
    ContentFacts {
        document_title_code: title.and_then(|item| attributes.text(Some(item), tags::CODE_VALUE)),
        completion_flag: attributes.text(None, tags::COMPLETION_FLAG),
        verification_flag: attributes.text(None, tags::VERIFICATION_FLAG),
        preliminary_flag: attributes.text(None, tags::PRELIMINARY_FLAG),
        referenced_sop_instance_uids: references(attributes),
        per_frame_item_count: per_frame_items(attributes),
    }
}

fn references<S: Source>(
    attributes: &mut Attributes<'_, S>,
) -> Vec<overread_model::uid::SopInstanceUid> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for node in &attributes.data_set.nodes {
        if node.tag != tags::REFERENCED_SOP_INSTANCE_UID || found.len() >= MAX_REFERENCES {
            continue;
        }
        let uid = attributes
            .source
            .view(node.offset_bytes, node.length_bytes.min(80) as usize)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .and_then(|text| text.parse::<overread_model::uid::SopInstanceUid>().ok());
        if let Some(uid) = uid
            && seen.insert(uid.clone())
        {
            found.push(uid);
        }
    }
    found
}

fn per_frame_items<S: Source>(attributes: &Attributes<'_, S>) -> Option<u32> {
    let index = attributes
        .data_set
        .find(None, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)?;
    let count = attributes
        .data_set
        .children(Some(index))
        .filter(|(_, node)| node.kind == NodeKind::Item)
        .count();
    u32::try_from(count).ok()
}
