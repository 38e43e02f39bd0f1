//! Part 10 files made of the DICOM JSON model, for instances that come as metadata and bulk data (PS3.18 10.5, annex F).

use std::collections::HashMap;

use overread_model::problem::ProblemKind;
use serde_json::{Map, Value};

use crate::dictionary::vr_of;
use crate::explicit::{put_header, put_item, put_text};
use crate::file_meta::FileMeta;
use crate::limits::ParseLimits;
use crate::problem::DicomProblem;
use crate::syntax::EXPLICIT_VR_LITTLE_ENDIAN;
use crate::tags;
use crate::vr::Vr;

const UNDEFINED_LENGTH: u32 = 0xFFFF_FFFF;

/// What a BulkDataURI stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkData {
    /// The value, little endian.
    Bytes(Vec<u8>),
    /// Compressed frames, one a piece, and their transfer syntax; for Pixel Data only.
    Frames(Vec<Vec<u8>>, String),
}

/// Makes a Part 10 file in Explicit VR Little Endian, or with encapsulated frames, of a DICOM JSON object.
///
/// `bulk` holds the values of BulkDataURIs.
///
/// # Errors
/// The object is no DICOM JSON, a BulkDataURI leads nowhere, or a value does not fit its VR.
pub fn part10_of_json(
    object: &Value,
    bulk: &HashMap<String, BulkData>,
    limits: &ParseLimits,
) -> Result<Vec<u8>, DicomProblem> {
    let members = object
        .as_object()
        .ok_or_else(|| bad("the metadata of an instance are no JSON object"))?;
    let mut writer = Writer {
        bulk,
        limits: *limits,
        elements: 0,
        transfer_syntax_uid: EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        out: Vec::with_capacity(8192),
    };
    writer.data_set(members, 0)?;
    let uid = |tag: u32| {
        let element = members.get(&format!("{tag:08X}"));
        let uid = element.and_then(|element| element.pointer("/Value/0"));
        uid.and_then(Value::as_str).unwrap_or_default().as_bytes()
    };
    let meta = FileMeta {
        sop_class_uid: uid(tags::SOP_CLASS_UID),
        sop_instance_uid: uid(tags::SOP_INSTANCE_UID),
        transfer_syntax_uid: writer.transfer_syntax_uid.as_bytes(),
        source_application_entity_title: None,
    };
    let mut out = meta.head();
    out.append(&mut writer.out);
    Ok(out)
}

fn bad(message: impl Into<String>) -> DicomProblem {
    DicomProblem::new(ProblemKind::Unreadable, message)
}

fn bad_value(tag: u32) -> DicomProblem {
    bad(format!(
        "the value of {tag:08X} does not fit its representation"
    ))
}

struct Writer<'a> {
    bulk: &'a HashMap<String, BulkData>,
    limits: ParseLimits,
    elements: usize,
    transfer_syntax_uid: String,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn data_set(&mut self, members: &Map<String, Value>, depth: usize) -> Result<(), DicomProblem> {
        if depth > self.limits.depth_levels {
            return Err(DicomProblem::new(
                ProblemKind::LimitExceeded,
                "sequences are nested deeper than any real image needs",
            ));
        }
        let mut elements = Vec::with_capacity(members.len());
        for (name, element) in members {
            let tag = Some(name).filter(|name| name.len() == 8);
            let tag = tag.and_then(|name| u32::from_str_radix(name, 16).ok());
            elements.push((
                tag.ok_or_else(|| bad("a member is named by no tag"))?,
                element,
            ));
        }
        elements.sort_by_key(|(tag, _)| *tag);
        if elements
            .windows(2)
            .any(|two| matches!(two, [(a, _), (b, _)] if a == b))
        {
            return Err(bad("an attribute stands twice in a data set"));
        }
        for (tag, element) in elements {
            // File Meta and group lengths are made anew.
            if tag >> 16 > 0x0002 && tag & 0xFFFF != 0 && tag >> 16 < 0xFFFE {
                self.element(tag, element, depth)?;
            }
        }
        Ok(())
    }

    fn element(&mut self, tag: u32, element: &Value, depth: usize) -> Result<(), DicomProblem> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(DicomProblem::new(
                ProblemKind::LimitExceeded,
                "the metadata hold too many data elements",
            ));
        }
        let stated = element.get("vr").and_then(Value::as_str).map(str::to_owned);
        let letters = stated.unwrap_or_else(|| vr_of(tag));
        let vr = letters.as_bytes().first_chunk::<2>().copied();
        let vr = vr.filter(|_| letters.len() == 2).and_then(Vr::known);
        let vr = vr.ok_or_else(|| bad(format!("{tag:08X} has an unknown value representation")))?;
        if let Some(uri) = element.get("BulkDataURI") {
            let uri = uri.as_str().ok_or_else(|| bad_value(tag))?;
            return self.bulk_data(tag, vr, uri);
        }
        if let Some(base64) = element.get("InlineBinary") {
            let base64 = base64.as_str().ok_or_else(|| bad_value(tag))?;
            let bytes = bytes_of_base64(base64).ok_or_else(|| bad_value(tag))?;
            return self.value(tag, vr, &bytes);
        }
        let values = match element.get("Value") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(values)) => values,
            Some(_) => return Err(bad_value(tag)),
        };
        if vr == Vr::SQ {
            return self.sequence(tag, values, depth);
        }
        if tag == tags::SPECIFIC_CHARACTER_SET {
            // PS3.18 F.2: the text of JSON is UTF-8, whatever it was before.
            return self.value(tag, vr, b"ISO_IR 192");
        }
        let mut bytes = Vec::new();
        encode(&mut bytes, vr, values).ok_or_else(|| bad_value(tag))?;
        self.value(tag, vr, &bytes)
    }

    fn sequence(&mut self, tag: u32, items: &[Value], depth: usize) -> Result<(), DicomProblem> {
        put_header(&mut self.out, tag, Vr::SQ, UNDEFINED_LENGTH);
        for item in items {
            put_item(&mut self.out, tags::ITEM, UNDEFINED_LENGTH);
            match item {
                Value::Object(members) => self.data_set(members, depth + 1)?,
                Value::Null => {}
                _ => return Err(bad_value(tag)),
            }
            put_item(&mut self.out, tags::ITEM_DELIMITATION, 0);
        }
        put_item(&mut self.out, tags::SEQUENCE_DELIMITATION, 0);
        Ok(())
    }

    fn bulk_data(&mut self, tag: u32, vr: Vr, uri: &str) -> Result<(), DicomProblem> {
        let missing = || {
            bad(format!(
                "the bulk data of {tag:08X} did not come with the request"
            ))
        };
        match self.bulk.get(uri).ok_or_else(missing)? {
            BulkData::Bytes(bytes) => self.value(tag, vr, bytes),
            BulkData::Frames(frames, transfer_syntax_uid) if tag == tags::PIXEL_DATA => {
                self.transfer_syntax_uid.clone_from(transfer_syntax_uid);
                put_header(&mut self.out, tag, Vr::OB, UNDEFINED_LENGTH);
                // PS3.5 A.4: an empty Basic Offset Table, then one fragment a frame.
                put_item(&mut self.out, tags::ITEM, 0);
                for frame in frames {
                    let length = u32::try_from(frame.len() + frame.len() % 2);
                    put_item(
                        &mut self.out,
                        tags::ITEM,
                        length.map_err(|_| bad_value(tag))?,
                    );
                    self.out.extend_from_slice(frame);
                    if frame.len() % 2 == 1 {
                        self.out.push(0);
                    }
                }
                put_item(&mut self.out, tags::SEQUENCE_DELIMITATION, 0);
                Ok(())
            }
            BulkData::Frames(..) => {
                Err(bad(format!("the bulk data of {tag:08X} are no pixel data")))
            }
        }
    }

    fn value(&mut self, tag: u32, vr: Vr, bytes: &[u8]) -> Result<(), DicomProblem> {
        let length = u32::try_from(bytes.len())
            .ok()
            .filter(|length| *length < UNDEFINED_LENGTH - 1);
        let length = length.ok_or_else(|| bad_value(tag))?;
        // PS3.5 6.2.2 note 6: what does not fit a length of 16 bits is written as UN.
        let vr = if !vr.has_long_length() && length > u32::from(u16::MAX) - 1 {
            Vr::UN
        } else {
            vr
        };
        if vr.word_bytes() > 1 || matches!(vr, Vr::OB | Vr::UN | Vr::UI) {
            put_header(&mut self.out, tag, vr, length + length % 2);
            self.out.extend_from_slice(bytes);
            if length % 2 == 1 {
                self.out.push(0);
            }
        } else {
            put_text(&mut self.out, tag, vr, bytes);
        }
        Ok(())
    }
}

/// Writes values as bytes; `None` when one does not fit the VR.
fn encode(out: &mut Vec<u8>, vr: Vr, values: &[Value]) -> Option<()> {
    let mut is_first = true;
    for value in values {
        match vr {
            Vr::US => out.extend(u16::try_from(whole(value)?).ok()?.to_le_bytes()),
            Vr::SS => out.extend(i16::try_from(whole(value)?).ok()?.to_le_bytes()),
            Vr::UL => out.extend(u32::try_from(whole(value)?).ok()?.to_le_bytes()),
            Vr::SL => out.extend(i32::try_from(whole(value)?).ok()?.to_le_bytes()),
            Vr::UV => out.extend(u64::try_from(whole(value)?).ok()?.to_le_bytes()),
            Vr::SV => out.extend(i64::try_from(whole(value)?).ok()?.to_le_bytes()),
            Vr::FL => out.extend((number(value)? as f32).to_le_bytes()),
            Vr::FD => out.extend(number(value)?.to_le_bytes()),
            Vr::AT => {
                let tag = u32::from_str_radix(value.as_str()?, 16).ok()?;
                out.extend(((tag >> 16) as u16).to_le_bytes());
                out.extend((tag as u16).to_le_bytes());
            }
            Vr::OB | Vr::OD | Vr::OF | Vr::OL | Vr::OV | Vr::OW | Vr::UN => return None,
            _ => {
                if !is_first {
                    out.push(b'\\');
                }
                out.extend(text(vr, value)?.into_bytes());
            }
        }
        is_first = false;
    }
    Some(())
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn text(vr: Vr, value: &Value) -> Option<String> {
    Some(match value {
        // F.2.5: an empty value; some write an empty text instead.
        Value::Null => String::new(),
        Value::String(text) => {
            // A backslash would make two values of one (PS3.5 6.2), but where there is one value only.
            let is_one = matches!(vr, Vr::LT | Vr::ST | Vr::UT | Vr::UR);
            if text.contains('\\') && !is_one {
                return None;
            }
            text.clone()
        }
        Value::Number(number) if vr == Vr::DS => decimal_string(number),
        Value::Number(number) => number.to_string(),
        Value::Object(groups) if vr == Vr::PN => {
            let group = |name: &str| groups.get(name).and_then(Value::as_str).unwrap_or_default();
            let name = ["Alphabetic", "Ideographic", "Phonetic"]
                .map(group)
                .join("=");
            if name.contains('\\') {
                return None;
            }
            name.trim_end_matches('=').to_owned()
        }
        _ => return None,
    })
}

/// Writes a decimal string with as many digits as its sixteen characters hold (PS3.5 6.2).
fn decimal_string(number: &serde_json::Number) -> String {
    let plain = number.to_string();
    let value = number.as_f64().filter(|_| plain.len() > 16);
    let Some(value) = value else { return plain };
    let shorter = (0..=15).rev().map(|digits| format!("{value:.digits$e}"));
    let mut shorter = shorter.filter(|text| text.len() <= 16);
    shorter.next().unwrap_or(plain)
}

/// Reads standard base64, padded or not; `None` when something else stands in it.
fn bytes_of_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.trim().trim_end_matches('=').bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(six)) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}
