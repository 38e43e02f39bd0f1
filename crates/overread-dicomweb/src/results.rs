//! Search results in the DICOM JSON model, and matching of what the index has no column for.

use std::collections::BTreeMap;

use overread_dicom::dictionary::vr_of;
use overread_store::studies::{InstanceRow, SeriesRow, StudyRow};
use serde_json::{Value, json};

use crate::address::Address;

/// One result: attributes by tag, in ascending order (PS3.18 F.2.2).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found(pub(crate) BTreeMap<u32, Value>);

impl Found {
    fn put(&mut self, tag: u32, vr: &str, values: Vec<Value>) {
        let element = if values.is_empty() {
            json!({ "vr": vr })
        } else {
            json!({ "vr": vr, "Value": values })
        };
        self.0.insert(tag, element);
    }

    fn text(&mut self, tag: u32, vr: &str, value: Option<&str>) {
        let value = value.filter(|value| !value.is_empty());
        self.put(tag, vr, value.map(Value::from).into_iter().collect());
    }

    fn number(&mut self, tag: u32, vr: &str, value: Option<i64>) {
        self.put(tag, vr, value.map(Value::from).into_iter().collect());
    }

    /// Writes a name with its component groups; empty groups are left out.
    fn name(&mut self, tag: u32, value: Option<&str>) {
        let groups: serde_json::Map<String, Value> = ["Alphabetic", "Ideographic", "Phonetic"]
            .iter()
            .zip(value.unwrap_or_default().split('='))
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(group, text)| ((*group).to_owned(), Value::from(text.trim_end())))
            .collect();
        let value = (!groups.is_empty()).then_some(Value::Object(groups));
        self.put(tag, "PN", value.into_iter().collect());
    }

    /// Adds an attribute as the instance's own metadata write it, unless it is there already.
    pub(crate) fn add_from(&mut self, metadata: &Value, tag: u32) {
        if let Some(element) = metadata.get(format!("{tag:08X}"))
            && element.get("BulkDataURI").is_none()
        {
            self.0.entry(tag).or_insert_with(|| element.clone());
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

    /// The study that the result is or belongs to; empty when it does not say.
    pub(crate) fn study_instance_uid(&self) -> String {
        let element = self.0.get(&0x0020_000D);
        let uid = element.and_then(|element| element.pointer("/Value/0"));
        uid.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Keeps what is said to be kept, by its tag, its VR and the whole element as JSON.
    pub(crate) fn keep(&mut self, kept: impl Fn(u32, &str, &str) -> bool) {
        self.0.retain(|tag, element| {
            let vr = element.get("vr").and_then(Value::as_str);
            let vr = vr.unwrap_or_default();
            kept(*tag, vr, &element.to_string())
        });
    }

    pub(crate) fn to_json(&self) -> Value {
        Value::Object(
            self.0
                .iter()
                .map(|(tag, element)| (format!("{tag:08X}"), element.clone()))
                .collect(),
        )
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
    let modalities = row.modalities.split('\\').filter(|code| !code.is_empty());
    found.put(0x0008_0061, "CS", modalities.map(Value::from).collect());
    found.name(0x0008_0090, row.referring_physician_name.as_deref());
    found.text(0x0008_0080, "LO", row.institution_name.as_deref());
    found.text(0x0008_1030, "LO", row.study_description.as_deref());
    found.text(
        0x0008_1190,
        "UR",
        Some(&address.study(&row.study_instance_uid)),
    );
    found.name(0x0010_0010, row.patient_name.as_deref());
    found.text(0x0010_0020, "LO", row.patient_id.as_deref());
    if row.issuer_of_patient_id.is_some() {
        found.text(0x0010_0021, "LO", row.issuer_of_patient_id.as_deref());
    }
    found.text(0x0010_0030, "DA", row.patient_birth_date.as_deref());
    found.text(0x0010_0040, "CS", row.patient_sex.as_deref());
    if row.patient_age.is_some() {
        found.text(0x0010_1010, "AS", row.patient_age.as_deref());
    }
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
    found
}

/// Writes an instance (PS3.18 10.6.3.3.3).
pub(crate) fn instance(row: &InstanceRow, address: &Address) -> Found {
    let mut found = Found::default();
    found.text(0x0008_0005, "CS", Some("ISO_IR 192"));
    found.text(0x0008_0016, "UI", Some(&row.sop_class_uid));
    found.text(0x0008_0018, "UI", Some(&row.sop_instance_uid));
    found.text(0x0008_0056, "CS", Some("ONLINE"));
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

/// Says whether an attribute describes the patient or the study.
pub(crate) fn is_of_study(tag: u32) -> bool {
    matches!(tag >> 16, 0x0010 | 0x0012)
        || matches!(
            tag,
            0x0008_0005
                | 0x0008_0020
                | 0x0008_0030
                | 0x0008_0050
                | 0x0008_0051
                | 0x0008_0061
                | 0x0008_0062
                | 0x0008_0080
                | 0x0008_0090
                | 0x0008_0096
                | 0x0008_009C
                | 0x0008_0201
                | 0x0008_1030
                | 0x0008_1032
                | 0x0008_1048
                | 0x0008_1060
                | 0x0008_1080
                | 0x0008_1084
                | 0x0008_1110
                | 0x0020_000D
                | 0x0020_0010
                | 0x0032_1032
                | 0x0032_1060
        )
}

/// Says whether an attribute describes the series or what is above it.
pub(crate) fn is_of_series(tag: u32) -> bool {
    is_of_study(tag)
        || matches!(
            tag,
            0x0008_0021
                | 0x0008_0031
                | 0x0008_0060
                | 0x0008_0068
                | 0x0008_0070
                | 0x0008_0081
                | 0x0008_1010
                | 0x0008_103E
                | 0x0008_103F
                | 0x0008_1040
                | 0x0008_1050
                | 0x0008_1070
                | 0x0008_1090
                | 0x0008_1111
                | 0x0018_0010
                | 0x0018_0015
                | 0x0018_1000
                | 0x0018_1020
                | 0x0018_1030
                | 0x0018_5100
                | 0x0020_000E
                | 0x0020_0011
                | 0x0020_0052
                | 0x0020_0060
                | 0x0020_1040
                | 0x0040_0244
                | 0x0040_0245
                | 0x0040_0250
                | 0x0040_0251
                | 0x0040_0253
                | 0x0040_0254
                | 0x0040_0260
                | 0x0040_0275
        )
}

/// Says whether an attribute may be told of an instance: everything.
pub(crate) const fn is_of_instance(_tag: u32) -> bool {
    true
}

/// Says whether a result has a value that a pattern matches (PS3.4 C.2.2.2).
pub(crate) fn matches_value(found: &Value, path: &[u32], pattern: &str) -> bool {
    if pattern.is_empty() || pattern.bytes().all(|byte| byte == b'*') {
        return true;
    }
    let Some((tag, rest)) = path.split_first() else {
        return false;
    };
    let values = found
        .get(format!("{tag:08X}"))
        .and_then(|element| element.get("Value"))
        .and_then(Value::as_array);
    let Some(values) = values else { return false };
    if !rest.is_empty() {
        return values.iter().any(|item| matches_value(item, rest, pattern));
    }
    let vr = vr_of(*tag);
    values.iter().any(|value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Object(groups) => {
                return groups
                    .values()
                    .filter_map(Value::as_str)
                    .any(|group| matches_pattern(&group.to_lowercase(), &pattern.to_lowercase()));
            }
            other => other.to_string(),
        };
        match vr.as_str() {
            "DA" | "TM" | "DT" => matches_range(&text, pattern),
            // No wildcards in UIDs and numbers; a list of UIDs matches any of them.
            "UI" => crate::params::list_of(pattern).contains(&text),
            "IS" | "DS" | "US" | "SS" | "UL" | "SL" | "FL" | "FD" => {
                text.parse::<f64>().ok() == pattern.trim().parse::<f64>().ok()
            }
            _ => matches_pattern(&text, pattern),
        }
    })
}

/// Matches `a-b`, `a-`, `-b` and single values of dates and times, which may be cut short.
pub(crate) fn matches_range(text: &str, pattern: &str) -> bool {
    let pad = |text: &str, fill: char, width: usize| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        format!(
            "{digits}{}",
            fill.to_string().repeat(width.saturating_sub(digits.len()))
        )
    };
    let width = 20;
    let value = pad(text, '0', width);
    match pattern.split_once('-') {
        Some((from, to)) => {
            (from.is_empty() || pad(from, '0', width) <= value)
                && (to.is_empty() || value <= pad(to, '9', width))
        }
        None => pad(pattern, '0', width) <= value && value <= pad(pattern, '9', width),
    }
}

/// Matches `*` (any run) and `?` (any one character) without backtracking more than the text is long.
pub(crate) fn matches_pattern(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut of) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                retry = Some((of, at));
                of += 1;
            }
            Some(letter) if *letter == '?' || text.get(at) == Some(letter) => {
                at += 1;
                of += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    of = star + 1;
                    at = from + 1;
                    retry = Some((star, at));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(of..)
        .unwrap_or_default()
        .iter()
        .all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{matches_pattern, matches_range, matches_value};

    #[test]
    fn patterns_follow_dicom_q16() {
        for (text, pattern, expect) in [
            ("HEAD", "HEAD", true),
            ("HEAD", "H*", true),
            ("HEAD", "*A*", true),
            ("HEAD", "H?AD", true),
            ("HEAD", "H?D", false),
            ("HEAD", "*X*", false),
            ("aaaaaaaaab", "*a*a*a*c", false),
            ("", "*", true),
            ("", "?", false),
        ] {
            assert_eq!(matches_pattern(text, pattern), expect, "{text} {pattern}");
        }
    }

    #[test]
    fn ranges_may_be_cut_short() {
        assert!(matches_range("101500.000", "1015-1016"));
        assert!(matches_range("101500", "10"));
        assert!(!matches_range("110000", "-1059"));
        assert!(matches_range("20260302", "20260301-"));
    }

    #[test]
    fn values_in_sequences_are_found() {
        let found = json!({"00400275": {"vr": "SQ", "Value": [{"00401001": {"vr": "SH", "Value": ["RP1"]}}]}});
        assert!(matches_value(&found, &[0x0040_0275, 0x0040_1001], "RP*"));
        assert!(!matches_value(&found, &[0x0040_0275, 0x0040_0009], "RP*"));
        let name = json!({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}});
        assert!(matches_value(&name, &[0x0010_0010], "doe*"));
    }
}
