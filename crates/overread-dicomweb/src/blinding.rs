//! What ordinary images carry of the first reading, left out for a reader who has locked no first impression.

use std::collections::BTreeMap;

use overread_dicom::dictionary::vr_of;
use overread_dicom::{FirstReading, StatedValue};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::refusal::{Answer, Refusal};

/// What a blinded reader does not get; `None` for whoever may see everything.
#[derive(Clone)]
pub(crate) struct Withheld(pub(crate) Option<FirstReading>);

/// What of an element decides on it.
#[derive(Deserialize)]
struct Head<'a> {
    vr: &'a str,
}

/// The value of an element that is no sequence.
#[derive(Deserialize)]
struct Plain {
    #[serde(rename = "Value", default)]
    values: Vec<Value>,
    #[serde(rename = "BulkDataURI")]
    bulk: Option<IgnoredAny>,
    #[serde(rename = "InlineBinary")]
    inline: Option<IgnoredAny>,
}

/// An element that is a sequence.
#[derive(Deserialize)]
struct Sequence<'a> {
    #[serde(borrow, rename = "Value", default)]
    items: Vec<&'a RawValue>,
}

impl Withheld {
    /// Says whether anything may be withheld.
    pub(crate) const fn is_any(&self) -> bool {
        self.0.is_some()
    }

    /// Says whether an element is withheld, whatever its value.
    pub(crate) fn holds(&self, tag: u32, stated_vr: &str) -> bool {
        let first = self.0.as_ref();
        first.is_some_and(|first| first.holds(tag, stated_vr))
    }

    /// Says whether an element of a file is withheld, by its tag, the VR that the file states, and its bytes.
    pub(crate) fn holds_bytes(&self, tag: u32, stated_vr: &str, value: &[u8]) -> bool {
        let first = self.0.as_ref();
        first.is_some_and(|first| first.holds_bytes(tag, stated_vr, value))
    }

    /// Says whether an element of DICOM JSON is withheld.
    pub(crate) fn holds_json(&self, tag: u32, stated_vr: &str, element: &str) -> bool {
        let Some(first) = &self.0 else {
            return false;
        };
        first.holds(tag, stated_vr)
            || first.holds_value(tag, stated_vr, || {
                let plain: Plain = serde_json::from_str(element).ok()?;
                if plain.bulk.is_some() || plain.inline.is_some() {
                    return None;
                }
                let texts: Vec<&str> = plain.values.iter().filter_map(Value::as_str).collect();
                Some((texts.join("\\"), plain.values.len()))
            })
    }

    /// Says whether a path of bulk data leads to something withheld, or through it.
    pub(crate) fn holds_path(&self, path: &str) -> bool {
        // `00081140.0.00204000`: tags, and numbers of items between them.
        path.split('.')
            .filter(|part| part.len() == 8)
            .any(|part| u32::from_str_radix(part, 16).is_ok_and(|tag| self.holds(tag, &vr_of(tag))))
    }

    /// Says whether what a path of bulk data leads to is withheld for its value, once that is read.
    pub(crate) fn holds_value_at(&self, path: &str, value: &StatedValue) -> bool {
        let last = path.rsplit('.').next().unwrap_or(path);
        let tag = u32::from_str_radix(last, 16).unwrap_or_default();
        self.holds_bytes(tag, &value.vr, &value.bytes)
    }

    /// Returns the DICOM JSON of an instance without what is withheld; what stays is copied as it stands.
    pub(crate) fn without(&self, dicom_json: &[u8]) -> Answer<Vec<u8>> {
        let mut out = Vec::with_capacity(dicom_json.len());
        let text = std::str::from_utf8(dicom_json).map_err(|_| Refusal::internal())?;
        self.object(text, &mut out)
            .map_err(|_| Refusal::internal())?;
        Ok(out)
    }

    /// Copies a data set or item. Depth is bounded by who wrote the text.
    fn object(&self, text: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let members: BTreeMap<&str, &RawValue> = serde_json::from_str(text)?;
        out.push(b'{');
        let start = out.len();
        for (name, element) in members {
            let Head { vr } = serde_json::from_str(element.get())?;
            let tag = u32::from_str_radix(name, 16).unwrap_or_default();
            if self.holds_json(tag, vr, element.get()) {
                continue;
            }
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(format!("\"{name}\":").as_bytes());
            if vr == "SQ" {
                self.sequence(element.get(), out)?;
            } else {
                out.extend_from_slice(element.get().as_bytes());
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn sequence(&self, text: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let Sequence { items } = serde_json::from_str(text)?;
        out.extend_from_slice(b"{\"vr\":\"SQ\"");
        for (number, item) in items.into_iter().enumerate() {
            let before: &[u8] = if number == 0 { b",\"Value\":[" } else { b"," };
            out.extend_from_slice(before);
            self.object(item.get(), out)?;
        }
        if !out.ends_with(b"\"SQ\"") {
            out.push(b']');
        }
        out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use std::sync::Arc;

    use overread_dicom::FirstReading;

    use super::Withheld;

    fn withheld() -> Withheld {
        let list = r#"{"source":"a test","vrs":[],"groups":[],"attributes":[],
            "labels":{"vrs":["LO"],"why":"short text"},"private":{"kept_vrs":["DS"],"kept_values_max":2,"why":"unknown"}}"#;
        Withheld(Some(FirstReading {
            list: Arc::new(serde_json::from_str(list).unwrap()),
            names_finding: |label| label.contains("nódulo"),
        }))
    }

    #[test]
    fn a_label_is_read_in_the_alphabets_of_western_europe() {
        let withheld = withheld();
        for (label, expect) in [
            (&b"TC n\xC3\xB3dulo"[..], true),
            (b"TC n\xF3dulo", true),
            (b"TC t\xF3rax", false),
        ] {
            assert_eq!(withheld.holds_bytes(0x0008_103E, "LO", label), expect);
        }
    }

    #[test]
    fn a_label_whose_text_is_kept_elsewhere_is_withheld() {
        let withheld = withheld();
        for (element, expect) in [
            (r#"{"vr":"LO","Value":["TC"]}"#, false),
            (r#"{"vr":"LO"}"#, false),
            (
                r#"{"vr":"LO","BulkDataURI":"instances/1/bulkdata/0008103E"}"#,
                true,
            ),
            (r#"{"vr":"LO","InlineBinary":"bsOzZHVsbw=="}"#, true),
        ] {
            assert_eq!(
                withheld.holds_json(0x0008_103E, "LO", element),
                expect,
                "{element}"
            );
        }
    }
}
