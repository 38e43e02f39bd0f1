//! What a query found, as the data set of its answer.

use overread_dicom::FirstReading;
use overread_dicom::dictionary::vr_of;
use overread_store::studies::{InstanceRow, SeriesRow, StudyRow};
use serde_json::{Map, Value, json};

use crate::query::{Identifier, Level, QUERY_RETRIEVE_LEVEL};

/// Attributes as DICOM JSON. Patient data: never log it.
#[derive(Clone, Default)]
pub(crate) struct Found(pub(crate) Map<String, Value>);

fn name_of(tag: u32) -> String {
    format!("{tag:08X}")
}

impl Found {
    pub(crate) fn put(&mut self, tag: u32, vr: &str, values: Vec<Value>) {
        let element = if values.is_empty() {
            json!({ "vr": vr })
        } else {
            json!({ "vr": vr, "Value": values })
        };
        self.0.insert(name_of(tag), element);
    }

    pub(crate) fn text(&mut self, tag: u32, vr: &str, text: Option<&str>) {
        let text = text.filter(|text| !text.is_empty());
        self.put(tag, vr, text.map(Value::from).into_iter().collect());
    }

    pub(crate) fn name(&mut self, tag: u32, name: Option<&str>) {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return self.put(tag, "PN", Vec::new());
        };
        let mut groups = Map::new();
        for (key, group) in ["Alphabetic", "Ideographic", "Phonetic"]
            .into_iter()
            .zip(name.split('='))
        {
            if !group.is_empty() {
                groups.insert(key.to_owned(), Value::from(group));
            }
        }
        self.put(tag, "PN", vec![Value::Object(groups)]);
    }

    fn number(&mut self, tag: u32, vr: &str, number: Option<i64>) {
        self.put(tag, vr, number.map(Value::from).into_iter().collect());
    }

    /// Writes a patient.
    pub(crate) fn patient(row: &StudyRow) -> Self {
        let mut found = Self::default();
        found.name(0x0010_0010, row.patient_name.as_deref());
        found.text(0x0010_0020, "LO", row.patient_id.as_deref());
        found.text(0x0010_0021, "LO", row.issuer_of_patient_id.as_deref());
        found.text(0x0010_0030, "DA", row.patient_birth_date.as_deref());
        found.text(0x0010_0040, "CS", row.patient_sex.as_deref());
        found
    }

    /// Adds how many studies a patient has.
    pub(crate) fn add_study_count(&mut self, count: u64) {
        self.number(0x0020_1200, "IS", i64::try_from(count).ok());
    }

    /// Writes a study with its patient.
    pub(crate) fn study(row: &StudyRow) -> Self {
        let mut found = Self::patient(row);
        found.text(0x0008_0020, "DA", Some(&row.study_date));
        found.text(0x0008_0030, "TM", row.study_time.as_deref());
        found.text(0x0008_0050, "SH", row.accession_number.as_deref());
        found.text(0x0008_0056, "CS", Some("ONLINE"));
        let modalities = row.modalities.split('\\').filter(|code| !code.is_empty());
        found.put(0x0008_0061, "CS", modalities.map(Value::from).collect());
        found.text(0x0008_0080, "LO", row.institution_name.as_deref());
        found.name(0x0008_0090, row.referring_physician_name.as_deref());
        found.text(0x0008_1030, "LO", row.study_description.as_deref());
        found.text(0x0010_1010, "AS", row.patient_age.as_deref());
        found.text(0x0020_000D, "UI", Some(&row.study_instance_uid));
        found.text(0x0020_0010, "SH", row.dicom_study_id.as_deref());
        found.number(0x0020_1206, "IS", Some(row.series_count));
        found.number(0x0020_1208, "IS", Some(row.instance_count));
        found
    }

    /// Writes a series.
    pub(crate) fn series(row: &SeriesRow) -> Self {
        let mut found = Self::default();
        found.text(0x0008_0021, "DA", row.series_date.as_deref());
        found.text(0x0008_0031, "TM", row.series_time.as_deref());
        found.text(0x0008_0056, "CS", Some("ONLINE"));
        found.text(0x0008_0060, "CS", Some(&row.modality));
        found.text(0x0008_0070, "LO", row.manufacturer.as_deref());
        found.text(0x0008_103E, "LO", row.series_description.as_deref());
        found.text(0x0018_0015, "CS", row.body_part_examined.as_deref());
        found.text(0x0018_1030, "LO", row.protocol_name.as_deref());
        found.text(0x0020_000D, "UI", Some(&row.study_instance_uid));
        found.text(0x0020_000E, "UI", Some(&row.series_instance_uid));
        found.number(0x0020_0011, "IS", row.series_number);
        found.text(0x0020_0060, "CS", row.laterality.as_deref());
        found.number(0x0020_1209, "IS", Some(row.instance_count));
        found
    }

    /// Writes an instance.
    pub(crate) fn instance(row: &InstanceRow) -> Self {
        let mut found = Self::default();
        found.text(0x0008_0016, "UI", Some(&row.sop_class_uid));
        found.text(0x0008_0018, "UI", Some(&row.sop_instance_uid));
        found.text(0x0008_0056, "CS", Some("ONLINE"));
        found.text(0x0008_0060, "CS", Some(&row.modality));
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

    /// Adds what is known of the levels above; what is there stays.
    pub(crate) fn merge(&mut self, above: &Self) {
        for (name, element) in &above.0 {
            self.0
                .entry(name.clone())
                .or_insert_with(|| element.clone());
        }
    }

    /// Says whether an attribute is told, with or without a value.
    pub(crate) fn tells(&self, tag: u32) -> bool {
        self.0.contains_key(&name_of(tag))
    }

    /// Adds an attribute out of the metadata of an instance, when it is there.
    pub(crate) fn add_from(&mut self, metadata: &Map<String, Value>, tag: u32) {
        let name = name_of(tag);
        if let Some(element) = metadata.get(&name) {
            self.0.insert(name, element.clone());
        }
    }

    /// Leaves out what a reader does not get before the lock.
    pub(crate) fn without(&mut self, first_reading: &FirstReading) {
        leave_out(&mut self.0, first_reading);
    }

    /// Returns the answer: what the identifier asks for, in its order of tags; what is not known is empty.
    // PS3.4 C.4.1.1.3.2.
    pub(crate) fn answer(mut self, asked: &Identifier, ae_title: &str) -> Map<String, Value> {
        self.text(0x0008_0054, "AE", Some(ae_title));
        let mut answer = Map::new();
        for (name, element) in &asked.attributes {
            let tag = u32::from_str_radix(name, 16).unwrap_or_default();
            // Group lengths and group 0002 have no place here.
            if tag & 0xFFFF == 0 || tag >> 16 <= 2 {
                continue;
            }
            let vr = vr_of(tag);
            let stated = element.get("vr").and_then(Value::as_str);
            let vr = if vr == "UN" {
                stated.unwrap_or("UN")
            } else {
                &vr
            };
            let told = self.0.remove(name);
            answer.insert(name.clone(), told.unwrap_or_else(|| json!({ "vr": vr })));
        }
        let mut own = Self(answer);
        own.text(0x0008_0005, "CS", Some("ISO_IR 192"));
        own.text(QUERY_RETRIEVE_LEVEL, "CS", Some(asked.level.as_str()));
        own.text(0x0008_0054, "AE", Some(ae_title));
        // A patient is named where it was asked for; below, UIDs are enough.
        let is_told = |level: &Level| {
            *level == asked.level || (*level < asked.level && *level > Level::Patient)
        };
        let levels = [Level::Patient, Level::Study, Level::Series, Level::Image];
        for key in levels.into_iter().filter(is_told).map(Level::unique_key) {
            if let Some(element) = self.0.remove(&name_of(key)) {
                own.0.insert(name_of(key), element);
            }
        }
        own.0
    }
}

/// Leaves out of an object and its sequences what a reader does not get before the lock.
fn leave_out(object: &mut Map<String, Value>, first_reading: &FirstReading) {
    object.retain(|name, element| {
        let tag = u32::from_str_radix(name, 16).unwrap_or_default();
        let vr = element.get("vr").and_then(Value::as_str).unwrap_or("UN");
        let is_withheld = first_reading.holds(tag, vr)
            || first_reading.holds_value(tag, vr, || {
                if element.get("BulkDataURI").is_some() || element.get("InlineBinary").is_some() {
                    return None;
                }
                let values = element.get("Value").and_then(Value::as_array);
                let values = values.map(Vec::as_slice).unwrap_or_default();
                let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                Some((texts.join("\\"), values.len()))
            });
        if !is_withheld && let Some(items) = element.get_mut("Value").and_then(Value::as_array_mut)
        {
            let is_sequence = |item: &&mut Value| item.as_object().is_some_and(holds_tags);
            for item in items.iter_mut().filter(is_sequence) {
                if let Some(item) = item.as_object_mut() {
                    leave_out(item, first_reading);
                }
            }
        }
        !is_withheld
    });
}

/// Says whether an object is an item of a sequence; a name has component groups instead of tags.
fn holds_tags(object: &Map<String, Value>) -> bool {
    object
        .keys()
        .all(|name| name.len() == 8 && u32::from_str_radix(name, 16).is_ok())
}
