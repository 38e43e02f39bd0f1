//! What ordinary images carry of the first reading, left out for a reader who has locked no first impression.

use std::collections::BTreeMap;
use std::sync::Arc;

use overread_dicom::dictionary::vr_of;
use overread_model::reading::FirstReadingAttributes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::refusal::{Answer, Refusal};

/// The list for a blinded reader; `None` for whoever may see everything.
#[derive(Clone)]
pub(crate) struct Withheld(pub(crate) Option<Arc<FirstReadingAttributes>>);

/// What of an element decides on it.
#[derive(Deserialize)]
struct Head<'a> {
    vr: &'a str,
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

    /// Says whether an element is withheld.
    pub(crate) fn holds(&self, tag: u32, stated_vr: &str) -> bool {
        let list = self.0.as_ref();
        list.is_some_and(|list| list.withholds(tag, &vr_of(tag), stated_vr))
    }

    /// Says whether a path of bulk data leads to something withheld, or through it.
    pub(crate) fn holds_path(&self, path: &str) -> bool {
        // `00081140.0.00204000`: tags, and numbers of items between them.
        path.split('.')
            .filter(|part| part.len() == 8)
            .any(|part| u32::from_str_radix(part, 16).is_ok_and(|tag| self.holds(tag, &vr_of(tag))))
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
            if self.holds(tag, vr) {
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
