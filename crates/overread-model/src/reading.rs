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
    private: Private,
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
    why: String,
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
            entries: vec![("private".to_owned(), file.private.why)],
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
        let (group, element) = (tag >> 16, tag & 0xFFFF);
        if group % 2 == 1 {
            // PS3.5 7.8.1: (gggg,0010-00FF) names whose elements follow.
            let is_creator = (0x0010..=0x00FF).contains(&element) && stated_vr == "LO";
            return !is_creator && !self.kept_private_vrs.contains(stated_vr);
        }
        self.tags.contains(&tag)
            || self.groups.iter().any(|groups| groups.contains(&group))
            || self.vrs.contains(known_vr)
            || self.vrs.contains(stated_vr)
            || known_vr == "UN"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::FirstReadingAttributes;

    #[test]
    fn text_is_withheld_however_it_is_written() {
        let list: FirstReadingAttributes = serde_json::from_str(
            r#"{"source":"a test","vrs":[{"vr":"LT","why":"text"}],"groups":[{"first":"6000","last":"60FF","why":"drawn"}],
                "attributes":[{"keyword":"ReasonForStudy","tag":"00321030","why":"text"}],
                "private":{"kept_vrs":["DS"],"why":"unknown"}}"#,
        )
        .unwrap();
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
}
