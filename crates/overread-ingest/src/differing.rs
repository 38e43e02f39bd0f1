//! What differs between two instances of one UID, told by the names of attributes, never by their values.

use std::collections::BTreeSet;

use overread_archive::Archive;
use overread_dicom::dictionary::keyword_of;
use overread_dicom::{ParseLimits, Parsed};
use overread_model::extent::Extent;
use serde_json::{Map, Value};

use crate::kept::ExtentReader;
use crate::{inflating, limits};

/// Names the attributes in which two instances that are kept differ, at most [`limits::DIFFERING_ATTRIBUTES`]; none when only
/// what is too long for metadata does, as pixel data are, and `None` when one of them cannot be read.
pub async fn differing_attributes(
    archive: &Archive,
    one: Extent,
    other: Extent,
) -> Option<Vec<String>> {
    let archive = archive.clone();
    let compared = tokio::task::spawn_blocking(move || {
        let (one, other) = (metadata(&archive, one)?, metadata(&archive, other)?);
        let tags: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        let differing = tags
            .into_iter()
            .filter(|tag| one.get(*tag) != other.get(*tag));
        let named = differing.map(|tag| name_of(tag));
        Some(named.take(limits::DIFFERING_ATTRIBUTES).collect())
    });
    compared.await.ok().flatten()
}

fn metadata(archive: &Archive, extent: Extent) -> Option<Map<String, Value>> {
    let reader = ExtentReader::new(archive, extent);
    let parsed = inflating::parse_reader(reader, extent.length_bytes, &ParseLimits::default());
    let Ok(Parsed::Instance(parsed)) = parsed else {
        return None;
    };
    serde_json::from_slice(&parsed.metadata_json).ok()
}

/// Returns the keyword of an attribute, or its number where it has none: `(0009,1001)`.
fn name_of(tag: &str) -> String {
    let number = u32::from_str_radix(tag, 16).ok();
    let keyword = number.and_then(keyword_of);
    let (group, element) = tag.split_at_checked(4).unwrap_or((tag, ""));
    keyword.map_or_else(|| format!("({group},{element})"), str::to_owned)
}
