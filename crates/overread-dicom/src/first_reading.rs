//! What ordinary images carry of the first reading, told element by element.

use std::sync::Arc;

use overread_model::reading::{FirstReadingAttributes, Told};

use crate::dictionary::vr_of;

/// What can tell of the first reading.
#[derive(Debug, Clone)]
pub struct FirstReading {
    /// The attributes that are withheld.
    pub list: Arc<FirstReadingAttributes>,
    /// Says whether a label names a finding.
    pub names_finding: fn(&str) -> bool,
}

impl FirstReading {
    /// Says whether an element is withheld, whatever its value.
    pub fn holds(&self, tag: u32, stated_vr: &str) -> bool {
        self.list.withholds(tag, &vr_of(tag), stated_vr)
    }

    /// Says whether what stands in an attribute may be withheld.
    pub fn may_hold(&self, tag: u32) -> bool {
        let vr = vr_of(tag);
        self.list.withholds(tag, &vr, &vr) || self.list.asks_for_value(tag, &vr, &vr)
    }

    /// Says whether an element of a file is withheld, by its tag, the VR that the file states, and its bytes.
    pub fn holds_bytes(&self, tag: u32, stated_vr: &str, value: &[u8]) -> bool {
        self.holds(tag, stated_vr)
            || self.holds_value(tag, stated_vr, || {
                let width = match stated_vr {
                    "US" | "SS" => 2,
                    "UL" | "SL" | "FL" | "AT" => 4,
                    "FD" | "SV" | "UV" => 8,
                    _ => 0,
                };
                if let Some(count) = value.len().checked_div(width) {
                    return Some((String::new(), count));
                }
                let text = text_of(value);
                let count = text.split('\\').count();
                Some((text, count))
            })
    }

    /// Says whether an element that passes by its tag is withheld for its value. The text and the number of values are asked
    /// only where they decide; where they cannot be told, the element is withheld.
    pub fn holds_value(
        &self,
        tag: u32,
        stated_vr: &str,
        told: impl FnOnce() -> Option<(String, usize)>,
    ) -> bool {
        let list = &self.list;
        if stated_vr == "SQ" || !list.asks_for_value(tag, &vr_of(tag), stated_vr) {
            return false;
        }
        let Some((text, count)) = told() else {
            return true;
        };
        let told = Told { text: &text, count };
        list.withholds_value(tag, stated_vr, told, self.names_finding)
    }
}

/// Returns bytes as text: what is not UTF-8 is read as Latin-1, in which most such labels are written.
fn text_of(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(
        |_| value.iter().copied().map(char::from).collect(),
        str::to_owned,
    )
}
