//! Data sets without a file around them, such as the identifier of a query: to DICOM JSON and back.

use serde_json::{Map, Value};

use crate::explicit::{put_header, put_item, put_tag};
use crate::limits::{MAX_DEPTH_LEVELS, ParseLimits};
use crate::problem::DicomProblem;
use crate::source::SliceSource;
use crate::syntax::Syntax;
use crate::vr::Vr;
use crate::{dataset, json, tags};

/// Reads a data set and writes it as one DICOM JSON object (PS3.18 annex F), its texts in UTF-8.
///
/// # Errors
/// A limit is passed; what is damaged is left out.
pub fn data_set_to_json(
    bytes: &[u8],
    transfer_syntax_uid: &str,
    limits: &ParseLimits,
) -> Result<Vec<u8>, DicomProblem> {
    let mut source = SliceSource(bytes);
    let syntax = Syntax::of_uid(transfer_syntax_uid);
    let data_set = dataset::walk(&mut source, 0, syntax, limits)?;
    json::write(&mut source, &data_set, "", limits.metadata_bytes)
}

/// Writes a DICOM JSON object as a little endian data set; texts are UTF-8. Binary values and bulk data become empty.
pub fn data_set_of_json(object: &Map<String, Value>, is_explicit: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    object_into(&mut out, object, is_explicit, 0);
    out
}

fn object_into(
    out: &mut Vec<u8>,
    object: &Map<String, Value>,
    is_explicit: bool,
    depth_levels: usize,
) {
    let mut elements: Vec<(u32, &Value)> = object
        .iter()
        .filter_map(|(name, element)| Some((u32::from_str_radix(name, 16).ok()?, element)))
        .collect();
    elements.sort_by_key(|(tag, _)| *tag);
    for (tag, element) in elements {
        let letters = element.get("vr").and_then(Value::as_str);
        let letters = letters.and_then(|vr| vr.as_bytes().first_chunk::<2>().copied());
        let vr = letters.and_then(Vr::known).unwrap_or(Vr::UN);
        let values = element.get("Value").and_then(Value::as_array);
        let values = values.map(Vec::as_slice).unwrap_or_default();
        let mut value = Vec::new();
        if vr == Vr::SQ && depth_levels < MAX_DEPTH_LEVELS {
            for item in values.iter().filter_map(Value::as_object) {
                let mut inner = Vec::new();
                object_into(&mut inner, item, is_explicit, depth_levels + 1);
                put_item(&mut value, tags::ITEM, inner.len() as u32);
                value.append(&mut inner);
            }
        } else {
            value_into(&mut value, vr, values);
        }
        element_into(out, tag, vr, &value, is_explicit);
    }
}

fn element_into(out: &mut Vec<u8>, tag: u32, vr: Vr, value: &[u8], is_explicit: bool) {
    // PS3.5 6.2.2 note 6: what does not fit a length of 16 bits is written as UN.
    let is_too_long = value.len() > usize::from(u16::MAX) && !vr.has_long_length();
    let vr = if is_too_long { Vr::UN } else { vr };
    if is_explicit {
        put_header(out, tag, vr, value.len() as u32);
    } else {
        put_tag(out, tag);
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(value);
}

fn value_into(out: &mut Vec<u8>, vr: Vr, values: &[Value]) {
    match vr {
        Vr::US | Vr::SS => integers(out, values, |number| (number as u16).to_le_bytes().to_vec()),
        Vr::UL | Vr::SL => integers(out, values, |number| (number as u32).to_le_bytes().to_vec()),
        Vr::UV | Vr::SV => integers(out, values, |number| number.to_le_bytes().to_vec()),
        Vr::FL => {
            for number in values.iter().filter_map(Value::as_f64) {
                out.extend_from_slice(&(number as f32).to_le_bytes());
            }
        }
        Vr::FD => {
            for number in values.iter().filter_map(Value::as_f64) {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        Vr::AT => {
            let tags = values.iter().filter_map(Value::as_str);
            for tag in tags.filter_map(|text| u32::from_str_radix(text, 16).ok()) {
                put_tag(out, tag);
            }
        }
        Vr::SQ | Vr::OB | Vr::OD | Vr::OF | Vr::OL | Vr::OV | Vr::OW | Vr::UN => {}
        _ => {
            let texts: Vec<String> = values.iter().map(text_of).collect();
            out.extend_from_slice(texts.join("\\").as_bytes());
            if out.len() % 2 == 1 {
                out.push(if vr == Vr::UI { 0 } else { b' ' });
            }
        }
    }
}

fn integers(out: &mut Vec<u8>, values: &[Value], bytes_of: fn(i64) -> Vec<u8>) {
    for number in values.iter().filter_map(Value::as_i64) {
        out.extend(bytes_of(number));
    }
}

/// Returns a value as DICOM writes it in text; of a name all its component groups.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(name) => {
            let group = |key: &str| name.get(key).and_then(Value::as_str).unwrap_or_default();
            let groups = ["Alphabetic", "Ideographic", "Phonetic"].map(group);
            groups.join("=").trim_end_matches('=').to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use serde_json::{Map, Value, json};

    use super::{data_set_of_json, data_set_to_json};
    use crate::ParseLimits;
    use crate::syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};

    #[test]
    fn what_is_written_is_read_back() {
        let object: Map<String, Value> = serde_json::from_value(json!({
            "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
            "00080061": {"vr": "CS", "Value": ["CT", "SR"]},
            "00081190": {"vr": "UR"},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Änne", "Ideographic": "山田"}]},
            "00201208": {"vr": "IS", "Value": [12]},
            "00280010": {"vr": "US", "Value": [512]},
            "00400275": {"vr": "SQ", "Value": [{"00401001": {"vr": "SH", "Value": ["RP 1"]}}]}
        }))
        .unwrap();
        for (is_explicit, syntax) in [
            (true, EXPLICIT_VR_LITTLE_ENDIAN),
            (false, IMPLICIT_VR_LITTLE_ENDIAN),
        ] {
            let bytes = data_set_of_json(&object, is_explicit);
            let back = data_set_to_json(&bytes, syntax, &ParseLimits::default()).unwrap();
            let back: Map<String, Value> = serde_json::from_slice(&back).unwrap();
            assert_eq!(back, object);
        }
    }
}
