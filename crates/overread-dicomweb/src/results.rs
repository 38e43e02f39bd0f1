//! Search results in the DICOM JSON model, and matching of what the index has no column for.

use std::collections::BTreeMap;
use std::ops::Range;

use overread_model::imaging::RequestAttributes;
use overread_store::studies::{InstanceRow, SeriesRow, StudyRow};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::address::Address;
use crate::blinding::Withheld;
use crate::refusal::{Answer, Refusal};

/// One result: the JSON of its attributes. A page has a thousand of them, so that all of a result lie in one piece.
#[derive(Clone, Default)]
pub(crate) struct Found {
    /// Each attribute as a member, `"00080020":{…}`, in the order in which they came.
    json: Vec<u8>,
    /// Where they lie, by tag in ascending order (PS3.18 F.2.2).
    members: Vec<(u32, Range<usize>)>,
}

impl Found {
    /// Takes a data set as it is.
    pub(crate) fn of(data_set: &Value) -> Self {
        let mut found = Self::default();
        for (name, element) in data_set.as_object().into_iter().flatten() {
            if let Ok(tag) = u32::from_str_radix(name, 16) {
                found.member(tag, |json| write(json, element));
            }
        }
        found
    }

    /// Adds an attribute in place of the one that is there.
    fn member(&mut self, tag: u32, element: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.json.len();
        self.json.push(b'"');
        self.json.extend(hexadecimal(tag));
        self.json.extend(b"\":");
        element(&mut self.json);
        let place = begin..self.json.len();
        match self.place_of(tag) {
            Ok(at) => {
                if let Some(known) = self.members.get_mut(at) {
                    known.1 = place;
                }
            }
            Err(at) => self.members.insert(at, (tag, place)),
        }
    }

    /// Where an attribute stands among the members, or would.
    fn place_of(&self, tag: u32) -> Result<usize, usize> {
        self.members.binary_search_by_key(&tag, |member| member.0)
    }

    /// Adds an attribute with one value, or with several that `value` divides by commas.
    fn put(&mut self, tag: u32, vr: &str, value: impl FnOnce(&mut Vec<u8>)) {
        self.member(tag, |json| {
            json.extend(b"{\"vr\":\"");
            json.extend(vr.as_bytes());
            json.extend(b"\",\"Value\":[");
            value(json);
            json.extend(b"]}");
        });
    }

    /// Adds an attribute without a value.
    fn empty(&mut self, tag: u32, vr: &str) {
        self.member(tag, |json| {
            json.extend(b"{\"vr\":\"");
            json.extend(vr.as_bytes());
            json.extend(b"\"}");
        });
    }

    fn text(&mut self, tag: u32, vr: &str, value: Option<&str>) {
        match value.filter(|value| !value.is_empty()) {
            Some(value) => self.put(tag, vr, |json| write(json, value)),
            None => self.empty(tag, vr),
        }
    }

    /// As [`text`](Self::text), leaving out what is not known.
    fn known(&mut self, tag: u32, vr: &str, value: Option<&str>) {
        if value.is_some_and(|value| !value.is_empty()) {
            self.text(tag, vr, value);
        }
    }

    fn number(&mut self, tag: u32, vr: &str, value: Option<i64>) {
        match value {
            Some(value) => self.put(tag, vr, |json| write(json, &value)),
            None => self.empty(tag, vr),
        }
    }

    /// Writes several values.
    fn texts<'a>(&mut self, tag: u32, vr: &str, values: impl Iterator<Item = &'a str>) {
        let mut values = values.filter(|value| !value.is_empty()).peekable();
        if values.peek().is_none() {
            return self.empty(tag, vr);
        }
        self.put(tag, vr, |json| {
            divided(json, values, write);
        });
    }

    /// Writes a name with its component groups; empty groups are left out.
    fn name(&mut self, tag: u32, value: Option<&str>) {
        let mut groups = ["Alphabetic", "Ideographic", "Phonetic"]
            .into_iter()
            .zip(value.unwrap_or_default().split('='))
            .filter(|(_, text)| !text.trim().is_empty())
            .peekable();
        if groups.peek().is_none() {
            return self.empty(tag, "PN");
        }
        self.put(tag, "PN", |json| {
            json.push(b'{');
            divided(json, groups, |json, (group, text)| {
                write(json, group);
                json.push(b':');
                write(json, text.trim_end());
            });
            json.push(b'}');
        });
    }

    /// Says whether an attribute stands in it.
    pub(crate) fn has(&self, tag: u32) -> bool {
        self.place_of(tag).is_ok()
    }

    /// Adds an attribute as the instance's own metadata write it, unless it is there already.
    pub(crate) fn add_from(&mut self, metadata: &Value, tag: u32) {
        if let Some(element) = metadata.get(format!("{tag:08X}"))
            && element.get("BulkDataURI").is_none()
            && !self.has(tag)
        {
            self.member(tag, |json| write(json, element));
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
        for (tag, member) in parent.members() {
            if !self.has(tag) {
                let element = member.get(MEMBER_NAME_BYTES..).unwrap_or_default();
                self.member(tag, |json| json.extend(element));
            }
        }
    }

    /// Its attributes as members, in ascending order.
    fn members(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let of = |place: &Range<usize>| self.json.get(place.clone()).unwrap_or_default();
        self.members
            .iter()
            .map(move |(tag, place)| (*tag, of(place)))
    }

    /// Returns a UID of it; empty when it has none.
    pub(crate) fn uid(&self, tag: u32) -> String {
        let member = self.members().find(|member| member.0 == tag);
        let member = member.and_then(|(_, member)| str::from_utf8(member).ok());
        // UIDs are written by `text`, and hold nothing that JSON escapes.
        let uid = member
            .and_then(|member| member.split_once("[\""))
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
        let mut found = Self::default();
        for (name, element) in members {
            if let Ok(tag) = u32::from_str_radix(name, 16) {
                found.member(tag, |json| json.extend(element.get().as_bytes()));
            }
        }
        Ok(found)
    }

    /// Writes it as one JSON object.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.json.len() + self.members.len() + 2);
        out.push(b'{');
        divided(out, self.members(), |out, (_, member)| out.extend(member));
        out.push(b'}');
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut json = Vec::new();
        self.write(&mut json);
        serde_json::from_slice(&json).unwrap_or_default()
    }
}

/// Bytes of `"00080020":`.
const MEMBER_NAME_BYTES: usize = 11;

/// The eight digits of a tag.
fn hexadecimal(tag: u32) -> [u8; 8] {
    let mut shift = u32::BITS;
    [(); 8].map(|()| {
        shift -= 4;
        match (tag >> shift) as u8 & 0xF {
            digit @ 0..=9 => b'0' + digit,
            letter => b'A' + letter - 10,
        }
    })
}

/// Writes a value as JSON; a vector takes all that is written.
fn write<T: serde::Serialize + ?Sized>(json: &mut Vec<u8>, value: &T) {
    drop(serde_json::to_writer(json, value));
}

/// Writes things with commas between them.
fn divided<T>(
    json: &mut Vec<u8>,
    things: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    for (index, thing) in things.enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write(json, thing);
    }
}

/// Writes a study (PS3.18 10.6.3.3.1, and what OHIF needs besides).
pub(crate) fn study(row: &StudyRow, address: &Address) -> Found {
    let mut found = Found::default();
    found.text(0x0008_0005, "CS", Some("ISO_IR 192"));
    found.text(0x0008_0020, "DA", Some(&row.study_date));
    found.text(0x0008_0030, "TM", row.study_time.as_deref());
    found.text(0x0008_0050, "SH", row.accession_number.as_deref());
    found.text(0x0008_0056, "CS", Some("ONLINE"));
    found.texts(0x0008_0061, "CS", row.modalities.split('\\'));
    found.text(0x0008_0080, "LO", row.institution_name.as_deref());
    found.name(0x0008_0090, row.referring_physician_name.as_deref());
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
    let requests = row.requests();
    if !requests.is_empty() {
        found.put(0x0040_0275, "SQ", |json| {
            divided(json, requests.iter(), |json, item| {
                request(item).write(json)
            });
        });
    }
    found
}

/// Writes an item of the Request Attributes Sequence.
fn request(item: &RequestAttributes) -> Found {
    let mut found = Found::default();
    let step = item.scheduled_procedure_step_id.as_deref();
    found.text(0x0040_0009, "SH", step);
    let procedure = item.requested_procedure_id.as_deref();
    found.text(0x0040_1001, "SH", procedure);
    found
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
