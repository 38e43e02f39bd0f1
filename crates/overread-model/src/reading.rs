//! Reading blind: which attributes of ordinary images can tell a second reader what the first one found.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::Deserialize;

/// Attributes that a reader does not get before the lock of the first impression, `reading/first_reading_attributes.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "File")]
pub struct FirstReadingAttributes {
    vrs: BTreeSet<String>,
    groups: Vec<RangeInclusive<u32>>,
    tags: BTreeSet<u32>,
    kept_private_vrs: BTreeSet<String>,
    kept_private_values_max: usize,
    label_vrs: BTreeSet<String>,
    /// What is withheld and why, one row each.
    pub entries: Vec<(String, String)>,
    /// Where the list comes from.
    pub source: String,
}

#[derive(Deserialize)]
struct File {
    source: String,
    vrs: Vec<OfVr>,
    groups: Vec<OfGroup>,
    attributes: Vec<Attribute>,
    labels: Labels,
    private: Private,
}

#[derive(Deserialize)]
struct Labels {
    vrs: BTreeSet<String>,
    why: String,
}

#[derive(Deserialize)]
struct OfVr {
    vr: String,
    why: String,
}

#[derive(Deserialize)]
struct OfGroup {
    first: String,
    last: String,
    why: String,
}

#[derive(Deserialize)]
struct Attribute {
    keyword: String,
    tag: String,
    why: String,
}

#[derive(Deserialize)]
struct Private {
    kept_vrs: BTreeSet<String>,
    kept_values_max: usize,
    why: String,
}

/// A value as far as it decides whether it is withheld.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// Its characters, several values parted by a backslash; empty for numbers.
    pub text: &'a str,
    /// How many values it holds.
    pub count: usize,
}

impl TryFrom<File> for FirstReadingAttributes {
    type Error = std::num::ParseIntError;

    fn try_from(file: File) -> Result<Self, Self::Error> {
        let number = |text: &str| u32::from_str_radix(text, 16);
        let mut list = Self {
            vrs: BTreeSet::new(),
            groups: Vec::new(),
            tags: BTreeSet::new(),
            kept_private_vrs: file.private.kept_vrs,
            kept_private_values_max: file.private.kept_values_max,
            label_vrs: file.labels.vrs,
            entries: vec![
                ("private".to_owned(), file.private.why),
                ("labels".to_owned(), file.labels.why),
            ],
            source: file.source,
        };
        for of in file.vrs {
            list.vrs.insert(of.vr.clone());
            list.entries.push((of.vr, of.why));
        }
        for of in file.groups {
            list.groups.push(number(&of.first)?..=number(&of.last)?);
            list.entries.push((of.first, of.why));
        }
        for attribute in file.attributes {
            list.tags.insert(number(&attribute.tag)?);
            list.entries.push((attribute.keyword, attribute.why));
        }
        Ok(list)
    }
}

impl FirstReadingAttributes {
    /// Says whether an attribute is withheld: by its tag, by the VR that the standard gives it (`UN` for one that it does not
    /// know) and by the VR that the file states.
    pub fn withholds(&self, tag: u32, known_vr: &str, stated_vr: &str) -> bool {
        let group = tag >> 16;
        if is_private(tag) {
            return !is_creator(tag, stated_vr) && !self.kept_private_vrs.contains(stated_vr);
        }
        self.tags.contains(&tag)
            || self.groups.iter().any(|groups| groups.contains(&group))
            || self.vrs.contains(known_vr)
            || self.vrs.contains(stated_vr)
            || known_vr == "UN"
    }

    /// Says whether an attribute that passes may be withheld for its value.
    pub fn asks_for_value(&self, tag: u32, known_vr: &str, stated_vr: &str) -> bool {
        is_private(tag) || self.is_label(known_vr) || self.is_label(stated_vr)
    }

    /// Says whether an attribute that passes is withheld for its value: a label that names a finding, or a vendor's numbers
    /// that are too many or no numbers.
    pub fn withholds_value(
        &self,
        tag: u32,
        stated_vr: &str,
        told: Told<'_>,
        names_finding: fn(&str) -> bool,
    ) -> bool {
        if is_private(tag) && !is_creator(tag, stated_vr) {
            return told.count > self.kept_private_values_max || !told.text.chars().all(is_figure);
        }
        names_finding(told.text)
    }

    fn is_label(&self, vr: &str) -> bool {
        self.label_vrs.contains(vr)
    }
}

const fn is_private(tag: u32) -> bool {
    (tag >> 16) % 2 == 1
}

/// PS3.5 7.8.1: (gggg,0010-00FF) names whose elements follow.
fn is_creator(tag: u32, stated_vr: &str) -> bool {
    (0x0010..=0x00FF).contains(&(tag & 0xFFFF)) && stated_vr == "LO"
}

/// PS3.5 6.2: what AS, DA, DS, DT, IS, TM and UI are written with.
fn is_figure(c: char) -> bool {
    c.is_ascii_digit() || " .:+-\\\0EeDWMY".contains(c)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{FirstReadingAttributes, Told};

    fn list() -> FirstReadingAttributes {
        serde_json::from_str(
            r#"{"source":"a test","vrs":[{"vr":"LT","why":"text"}],"groups":[{"first":"6000","last":"60FF","why":"drawn"}],
                "attributes":[{"keyword":"ReasonForStudy","tag":"00321030","why":"text"}],
                "labels":{"vrs":["LO"],"why":"short text"},
                "private":{"kept_vrs":["DS","US"],"kept_values_max":2,"why":"unknown"}}"#,
        )
        .unwrap()
    }

    #[test]
    fn text_is_withheld_however_it_is_written() {
        let list = list();
        for (tag, known, stated, expect) in [
            (0x0020_4000, "LT", "LT", true),
            (0x0020_4000, "LT", "UN", true),
            (0x0032_1030, "LO", "LO", true),
            (0x6002_3000, "OW", "OW", true),
            (0x0008_1030, "LO", "LO", false),
            (0x0008_1030, "LO", "LT", true),
            (0x7FE0_0010, "OW", "OW", false),
            // Neither known to the standard nor to us.
            (0x0008_9ABC, "UN", "UN", true),
            (0x0009_0010, "UN", "LO", false),
            (0x0009_1001, "UN", "LO", true),
            (0x0009_1001, "UN", "UN", true),
            (0x7053_1000, "UN", "DS", false),
        ] {
            assert_eq!(
                list.withholds(tag, known, stated),
                expect,
                "{tag:08X} {stated}"
            );
        }
    }

    #[test]
    fn a_label_is_withheld_when_it_names_a_finding_and_numbers_when_they_are_many_or_none() {
        let list = list();
        let names = |label: &str| label.contains("carcinoma");
        for (tag, vr, text, count, expect) in [
            (0x0008_103E, "LO", "AX T2 carcinoma", 1, true),
            (0x0008_103E, "LO", "AX T2", 1, false),
            (0x0009_0010, "LO", "carcinoma left", 1, true),
            (0x0009_0010, "LO", "ACME 1.1", 1, false),
            (0x0009_1001, "DS", "4.25\\-1e3 ", 2, false),
            (0x0009_1001, "DS", "carcinoma", 1, true),
            (0x0009_1001, "DS", "mass", 1, true),
            (0x0009_1001, "US", "", 2, false),
            (0x0009_1001, "US", "", 3, true),
        ] {
            let told = Told { text, count };
            assert!(list.asks_for_value(tag, "LO", vr));
            let got = list.withholds_value(tag, vr, told, names);
            assert_eq!(got, expect, "{tag:08X} {vr} {text}");
        }
        assert!(!list.asks_for_value(0x0028_0010, "US", "US"));
    }
}
