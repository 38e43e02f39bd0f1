//! Search results in the DICOM JSON model, and matching of what the index has no column for.

use std::collections::BTreeMap;

use overread_model::imaging::RequestAttributes;
use overread_store::studies::{InstanceRow, SeriesRow, StudyRow};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::address::Address;
use crate::blinding::Withheld;
use crate::refusal::{Answer, Refusal};

/// One result: the JSON of its attributes by tag, in ascending order (PS3.18 F.2.2).
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Found(BTreeMap<u32, String>);

impl Found {
    /// Takes a data set as it is.
    pub(crate) fn of(data_set: &Value) -> Self {
        let members = data_set.as_object().into_iter().flatten();
        let elements = members.filter_map(|(name, element)| {
            let tag = u32::from_str_radix(name, 16).ok()?;
            Some((tag, element.to_string()))
        });
        Self(elements.collect())
    }

    fn put(&mut self, tag: u32, vr: &str, value: Option<impl std::fmt::Display>) {
        let element = match value {
            Some(value) => format!("{{\"vr\":\"{vr}\",\"Value\":[{value}]}}"),
            None => format!("{{\"vr\":\"{vr}\"}}"),
        };
        self.0.insert(tag, element);
    }

    fn text(&mut self, tag: u32, vr: &str, value: Option<&str>) {
        let value = value.filter(|value| !value.is_empty());
        self.put(tag, vr, value.map(quoted));
    }

    /// As [`text`](Self::text), leaving out what is not known.
    fn known(&mut self, tag: u32, vr: &str, value: Option<&str>) {
        if value.is_some_and(|value| !value.is_empty()) {
            self.text(tag, vr, value);
        }
    }

    fn number(&mut self, tag: u32, vr: &str, value: Option<i64>) {
        self.put(tag, vr, value);
    }

    /// Writes a name with its component groups; empty groups are left out.
    fn name(&mut self, tag: u32, value: Option<&str>) {
        let groups: Vec<String> = ["Alphabetic", "Ideographic", "Phonetic"]
            .iter()
            .zip(value.unwrap_or_default().split('='))
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(group, text)| format!("\"{group}\":{}", quoted(text.trim_end())))
            .collect();
        let value = (!groups.is_empty()).then(|| format!("{{{}}}", groups.join(",")));
        self.put(tag, "PN", value);
    }

    /// Says whether an attribute stands in it.
    pub(crate) fn has(&self, tag: u32) -> bool {
        self.0.contains_key(&tag)
    }

    /// Adds an attribute as the instance's own metadata write it, unless it is there already.
    pub(crate) fn add_from(&mut self, metadata: &Value, tag: u32) {
        if let Some(element) = metadata.get(format!("{tag:08X}"))
            && element.get("BulkDataURI").is_none()
        {
            self.0.entry(tag).or_insert_with(|| element.to_string());
        }
    }

    /// Adds everything of a level that is not bulk data.
    pub(crate) fn add_all_from(&mut self, metadata: &Value, belongs: fn(u32) -> bool) {
        let tags = metadata
            .as_object()
            .into_iter()
            .flat_map(|members| members.keys());
        let tags: Vec<u32> = tags
            .filter_map(|name| u32::from_str_radix(name, 16).ok())
            .filter(|tag| belongs(*tag))
            .collect();
        for tag in tags {
            self.add_from(metadata, tag);
        }
    }

    pub(crate) fn merge(&mut self, parent: &Self) {
        for (tag, element) in &parent.0 {
            self.0.entry(*tag).or_insert_with(|| element.clone());
        }
    }

    /// Returns a UID of it; empty when it has none.
    pub(crate) fn uid(&self, tag: u32) -> String {
        let element = self.0.get(&tag).map(String::as_str).unwrap_or_default();
        // UIDs are written by `text`, and hold nothing that JSON escapes.
        let uid = element
            .split_once("[\"")
            .and_then(|(_, rest)| rest.split_once('"'));
        uid.map(|(uid, _)| uid.to_owned()).unwrap_or_default()
    }

    /// Leaves out what is withheld, on every level of it.
    pub(crate) fn without(&self, withheld: &Withheld) -> Answer<Self> {
        let mut json = Vec::new();
        self.write(&mut json);
        let shown = withheld.without(&json)?;
        let members: BTreeMap<&str, &RawValue> =
            serde_json::from_slice(&shown).map_err(|_| Refusal::internal())?;
        let elements = members.into_iter().filter_map(|(name, element)| {
            let tag = u32::from_str_radix(name, 16).ok()?;
            Some((tag, element.get().to_owned()))
        });
        Ok(Self(elements.collect()))
    }

    /// Writes it as one JSON object.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (index, (tag, element)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(format!("\"{tag:08X}\":").as_bytes());
            out.extend_from_slice(element.as_bytes());
        }
        out.push(b'}');
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut json = Vec::new();
        self.write(&mut json);
        serde_json::from_slice(&json).unwrap_or_default()
    }
}

/// Writes a text as JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Writes a study (PS3.18 10.6.3.3.1, and what OHIF needs besides).
pub(crate) fn study(row: &StudyRow, address: &Address) -> Found {
    let mut found = Found::default();
    found.text(0x0008_0005, "CS", Some("ISO_IR 192"));
    found.text(0x0008_0020, "DA", Some(&row.study_date));
    found.text(0x0008_0030, "TM", row.study_time.as_deref());
    found.text(0x0008_0050, "SH", row.accession_number.as_deref());
    found.text(0x0008_0056, "CS", Some("ONLINE"));
    let modalities = row.modalities.split('\\').filter(|code| !code.is_empty());
    let modalities: Vec<String> = modalities.map(quoted).collect();
    let modalities = (!modalities.is_empty()).then(|| modalities.join(","));
    found.put(0x0008_0061, "CS", modalities);
    found.name(0x0008_0090, row.referring_physician_name.as_deref());
    found.text(0x0008_0080, "LO", row.institution_name.as_deref());
    found.known(0x0008_0201, "SH", row.timezone_offset_from_utc.as_deref());
    found.text(0x0008_1030, "LO", row.study_description.as_deref());
    found.text(
        0x0008_1190,
        "UR",
        Some(&address.study(&row.study_instance_uid)),
    );
    found.name(0x0010_0010, row.patient_name.as_deref());
    found.text(0x0010_0020, "LO", row.patient_id.as_deref());
    found.known(0x0010_0021, "LO", row.issuer_of_patient_id.as_deref());
    found.text(0x0010_0030, "DA", row.patient_birth_date.as_deref());
    found.text(0x0010_0040, "CS", row.patient_sex.as_deref());
    found.known(0x0010_1010, "AS", row.patient_age.as_deref());
    found.text(0x0020_000D, "UI", Some(&row.study_instance_uid));
    found.text(0x0020_0010, "SH", row.dicom_study_id.as_deref());
    found.number(0x0020_1206, "IS", Some(row.series_count));
    found.number(0x0020_1208, "IS", Some(row.instance_count));
    found
}

/// Writes a series (PS3.18 10.6.3.3.2).
pub(crate) fn series(row: &SeriesRow, address: &Address) -> Found {
    let mut found = Found::default();
    found.text(0x0008_0005, "CS", Some("ISO_IR 192"));
    found.text(0x0008_0021, "DA", row.series_date.as_deref());
    found.text(0x0008_0031, "TM", row.series_time.as_deref());
    found.text(0x0008_0060, "CS", Some(&row.modality));
    found.text(0x0008_0070, "LO", row.manufacturer.as_deref());
    found.known(0x0008_0201, "SH", row.timezone_offset_from_utc.as_deref());
    found.known(0x0008_1010, "SH", row.station_name.as_deref());
    found.text(0x0008_103E, "LO", row.series_description.as_deref());
    let url = address.series(&row.study_instance_uid, &row.series_instance_uid);
    found.text(0x0008_1190, "UR", Some(&url));
    found.text(0x0018_0015, "CS", row.body_part_examined.as_deref());
    found.text(0x0018_1030, "LO", row.protocol_name.as_deref());
    found.text(0x0020_000D, "UI", Some(&row.study_instance_uid));
    found.text(0x0020_000E, "UI", Some(&row.series_instance_uid));
    found.number(0x0020_0011, "IS", row.series_number);
    found.text(0x0020_0060, "CS", row.laterality.as_deref());
    found.number(0x0020_1209, "IS", Some(row.instance_count));
    let date = row.performed_procedure_step_start_date.as_deref();
    found.known(0x0040_0244, "DA", date);
    let time = row.performed_procedure_step_start_time.as_deref();
    found.known(0x0040_0245, "TM", time);
    let requests: Vec<String> = row.requests().iter().map(request).collect();
    if !requests.is_empty() {
        found.put(0x0040_0275, "SQ", Some(requests.join(",")));
    }
    found
}

/// Writes an item of the Request Attributes Sequence.
fn request(item: &RequestAttributes) -> String {
    let mut found = Found::default();
    let step = item.scheduled_procedure_step_id.as_deref();
    found.text(0x0040_0009, "SH", step);
    let procedure = item.requested_procedure_id.as_deref();
    found.text(0x0040_1001, "SH", procedure);
    let mut json = Vec::new();
    found.write(&mut json);
    String::from_utf8(json).unwrap_or_default()
}

/// Writes an instance (PS3.18 10.6.3.3.3).
pub(crate) fn instance(row: &InstanceRow, address: &Address) -> Found {
    let mut found = Found::default();
    found.text(0x0008_0005, "CS", Some("ISO_IR 192"));
    found.text(0x0008_0016, "UI", Some(&row.sop_class_uid));
    found.text(0x0008_0018, "UI", Some(&row.sop_instance_uid));
    found.text(0x0008_0056, "CS", Some("ONLINE"));
    found.known(0x0008_0201, "SH", row.timezone_offset_from_utc.as_deref());
    let url = address.instance(
        &row.study_instance_uid,
        &row.series_instance_uid,
        &row.sop_instance_uid,
    );
    found.text(0x0008_1190, "UR", Some(&url));
    found.text(0x0008_3002, "UI", Some(&row.transfer_syntax_uid));
    found.text(0x0020_000D, "UI", Some(&row.study_instance_uid));
    found.text(0x0020_000E, "UI", Some(&row.series_instance_uid));
    found.number(0x0020_0013, "IS", row.instance_number);
    if row.row_count.is_some() {
        found.number(0x0028_0008, "IS", Some(row.number_of_frames));
        found.number(0x0028_0010, "US", row.row_count);
        found.number(0x0028_0011, "US", row.column_count);
        found.number(0x0028_0100, "US", row.bits_allocated);
    }
    found
}

/// Says whether an attribute may be told of an instance: everything.
pub(crate) const fn is_of_instance(_tag: u32) -> bool {
    true
}
