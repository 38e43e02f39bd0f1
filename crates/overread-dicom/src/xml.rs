//! The Native DICOM Model (PS3.19 A.1), made of the DICOM JSON model and read into it.

mod read;

use serde_json::Value;

use crate::dictionary::keyword_of;

pub use read::read;

const START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <NativeDicomModel xmlns=\"http://dicom.nema.org/PS3.19/models/NativeDICOM\" xml:space=\"preserve\">";
/// Components of a person's name (PS3.5 6.2.1), as elements.
const COMPONENTS: [&str; 5] = [
    "FamilyName",
    "GivenName",
    "MiddleName",
    "NamePrefix",
    "NameSuffix",
];
const GROUPS: [&str; 3] = ["Alphabetic", "Ideographic", "Phonetic"];

/// Writes a DICOM JSON object as XML. What XML cannot hold becomes U+FFFD; what is no DICOM JSON is left out.
pub fn write(object: &Value) -> Vec<u8> {
    let mut out = String::with_capacity(4096);
    out.push_str(START);
    data_set(&mut out, object);
    out.push_str("</NativeDicomModel>");
    out.into_bytes()
}

/// Writes the elements of a data set or item. Depth is bounded by who made the JSON.
fn data_set(out: &mut String, object: &Value) {
    let Some(members) = object.as_object() else {
        return;
    };
    for (name, element) in members {
        let tag = u32::from_str_radix(name, 16).ok();
        let vr = element.get("vr").and_then(Value::as_str);
        if let (Some(tag), Some(vr)) = (tag, vr) {
            attribute(out, object, (tag, vr), element);
        }
    }
}

fn attribute(out: &mut String, object: &Value, (tag, vr): (u32, &str), element: &Value) {
    // PS3.19 A.1.5: the block of a private element is given by its creator, not by its number.
    let creator = private_creator(object, tag);
    let shown = if creator.is_some() {
        tag & 0xFFFF_00FF
    } else {
        tag
    };
    out.push_str(&format!("<DicomAttribute tag=\"{shown:08X}\" vr=\""));
    escaped(out, vr);
    out.push('"');
    if let Some(keyword) = keyword_of(tag) {
        out.push_str(&format!(" keyword=\"{keyword}\""));
    }
    if let Some(creator) = creator {
        out.push_str(" privateCreator=\"");
        escaped(out, creator);
        out.push('"');
    }
    out.push('>');
    if let Some(uri) = element.get("BulkDataURI").and_then(Value::as_str) {
        out.push_str("<BulkData uri=\"");
        escaped(out, uri);
        out.push_str("\"/>");
    }
    if let Some(base64) = element.get("InlineBinary").and_then(Value::as_str) {
        out.push_str("<InlineBinary>");
        escaped(out, base64);
        out.push_str("</InlineBinary>");
    }
    let values = element.get("Value").and_then(Value::as_array);
    for (index, value) in values.into_iter().flatten().enumerate() {
        one_value(out, vr, index + 1, value);
    }
    out.push_str("</DicomAttribute>");
}

fn one_value(out: &mut String, vr: &str, number: usize, value: &Value) {
    let name = match vr {
        "SQ" => "Item",
        "PN" => "PersonName",
        _ => "Value",
    };
    // An empty value keeps its number.
    out.push_str(&format!("<{name} number=\"{number}\">"));
    match value {
        Value::Object(_) if vr == "SQ" => data_set(out, value),
        Value::Object(groups) => {
            for group in GROUPS {
                if let Some(text) = groups.get(group).and_then(Value::as_str) {
                    name_group(out, group, text);
                }
            }
        }
        Value::String(text) => escaped(out, text),
        Value::Null => {}
        other => escaped(out, &other.to_string()),
    }
    out.push_str(&format!("</{name}>"));
}

fn name_group(out: &mut String, group: &str, text: &str) {
    out.push_str(&format!("<{group}>"));
    for (component, text) in COMPONENTS.iter().zip(text.splitn(5, '^')) {
        if !text.is_empty() {
            out.push_str(&format!("<{component}>"));
            escaped(out, text);
            out.push_str(&format!("</{component}>"));
        }
    }
    out.push_str(&format!("</{group}>"));
}

/// Returns who reserved the block of a private element in this data set or item.
fn private_creator(object: &Value, tag: u32) -> Option<&str> {
    let block = (tag >> 8) & 0xFF;
    if (tag >> 16) & 1 == 0 || block < 0x10 {
        return None;
    }
    let creator = format!("{:08X}", (tag & 0xFFFF_0000) | block);
    object
        .get(creator)
        .and_then(|element| element.pointer("/Value/0"))
        .and_then(Value::as_str)
}

/// Writes text so that it comes back the same, in elements and attributes.
fn escaped(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // A parser would turn these into spaces or other line ends (XML 1.0 2.11, 3.3.3).
            '\r' => out.push_str("&#13;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            // XML 1.0 2.2: no other control characters, in whatever way they are written.
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use serde_json::{Value, json};

    use super::{read, write};
    use crate::limits::ParseLimits;

    fn check(object: &Value, expect: &str) {
        let xml = String::from_utf8(write(object)).unwrap();
        let inner = xml.split_once("preserve\">").unwrap().1;
        assert_eq!(inner.strip_suffix("</NativeDicomModel>").unwrap(), expect);
        assert_eq!(
            read(xml.as_bytes(), &ParseLimits::default()).unwrap(),
            *object
        );
    }

    #[test]
    fn values_are_numbered() {
        check(
            &json!({"00080008": {"vr": "CS", "Value": ["A", null, "B"]}}),
            "<DicomAttribute tag=\"00080008\" vr=\"CS\" keyword=\"ImageType\"><Value number=\"1\">A</Value>\
             <Value number=\"2\"></Value><Value number=\"3\">B</Value></DicomAttribute>",
        );
        check(
            &json!({"00100020": {"vr": "LO"}}),
            "<DicomAttribute tag=\"00100020\" vr=\"LO\" keyword=\"PatientID\"></DicomAttribute>",
        );
    }

    #[test]
    fn names_have_components() {
        check(
            &json!({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane^^Dr", "Ideographic": "山田^太郎"}]}}),
            "<DicomAttribute tag=\"00100010\" vr=\"PN\" keyword=\"PatientName\"><PersonName number=\"1\"><Alphabetic>\
             <FamilyName>Doe</FamilyName><GivenName>Jane</GivenName><NamePrefix>Dr</NamePrefix></Alphabetic><Ideographic>\
             <FamilyName>山田</FamilyName><GivenName>太郎</GivenName></Ideographic></PersonName></DicomAttribute>",
        );
    }

    #[test]
    fn items_bulk_data_and_bytes() {
        check(
            &json!({
                "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}, {}]},
                "00282000": {"vr": "OB", "InlineBinary": "AAE="},
                "7FE00010": {"vr": "OW", "BulkDataURI": "http://a/b?c&d"},
            }),
            "<DicomAttribute tag=\"00081140\" vr=\"SQ\" keyword=\"ReferencedImageSequence\"><Item number=\"1\">\
             <DicomAttribute tag=\"00081155\" vr=\"UI\" keyword=\"ReferencedSOPInstanceUID\"><Value number=\"1\">1.2</Value>\
             </DicomAttribute></Item><Item number=\"2\"></Item></DicomAttribute><DicomAttribute tag=\"00282000\" vr=\"OB\" \
             keyword=\"ICCProfile\"><InlineBinary>AAE=</InlineBinary></DicomAttribute><DicomAttribute tag=\"7FE00010\" \
             vr=\"OW\" keyword=\"PixelData\"><BulkData uri=\"http://a/b?c&amp;d\"/></DicomAttribute>",
        );
    }

    #[test]
    fn private_blocks_are_named_by_their_creator() {
        check(
            &json!({
                "00290011": {"vr": "LO", "Value": ["ACME <1>"]},
                "00291102": {"vr": "UN", "InlineBinary": "AAE="},
            }),
            "<DicomAttribute tag=\"00290011\" vr=\"LO\" keyword=\"PrivateCreator\"><Value number=\"1\">ACME &lt;1&gt;</Value></DicomAttribute>\
             <DicomAttribute tag=\"00290002\" vr=\"UN\" privateCreator=\"ACME &lt;1&gt;\"><InlineBinary>AAE=</InlineBinary>\
             </DicomAttribute>",
        );
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        let object =
            json!({"00104000": {"vr": "LT", "Value": ["a\r\n\tb\u{1b}\u{0}\u{FFFF} \"<&>\" "]}});
        let read = read(&write(&object), &ParseLimits::default()).unwrap();
        assert_eq!(
            read["00104000"]["Value"][0],
            "a\r\n\tb\u{FFFD}\u{FFFD}\u{FFFD} \"<&>\" "
        );
    }
}
