//! What a C-FIND, C-GET or C-MOVE asks for, read out of its identifier.

use std::collections::BTreeMap;

use overread_dicom::{ParseLimits, data_set_to_json, text_of};
use overread_store::studies::{DateRange, StudyFilter, TextMatch};
use serde_json::{Map, Value};

use crate::command::{CANNOT_UNDERSTAND, DOES_NOT_MATCH, Status};
use crate::limits;
use crate::service::Root;

/// (0008,0052).
pub(crate) const QUERY_RETRIEVE_LEVEL: u32 = 0x0008_0052;
pub(crate) const PATIENT_ID: u32 = 0x0010_0020;
pub(crate) const STUDY_INSTANCE_UID: u32 = 0x0020_000D;
pub(crate) const SERIES_INSTANCE_UID: u32 = 0x0020_000E;
pub(crate) const SOP_INSTANCE_UID: u32 = 0x0008_0018;

/// (0008,0052), from the top down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Patient,
    Study,
    Series,
    Image,
}

impl Level {
    const ALL: [Self; 4] = [Self::Patient, Self::Study, Self::Series, Self::Image];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
        }
    }

    /// Returns the attribute that names one entity of the level.
    // PS3.4 C.6.1.1 and C.6.2.1.
    pub(crate) const fn unique_key(self) -> u32 {
        match self {
            Self::Patient => PATIENT_ID,
            Self::Study => STUDY_INSTANCE_UID,
            Self::Series => SERIES_INSTANCE_UID,
            Self::Image => SOP_INSTANCE_UID,
        }
    }
}

/// An identifier. It may name a patient; its `Debug` hides the values.
#[derive(Clone)]
pub(crate) struct Identifier {
    pub(crate) level: Level,
    /// As DICOM JSON.
    pub(crate) attributes: Map<String, Value>,
    keys: BTreeMap<u32, Vec<String>>,
}

impl std::fmt::Debug for Identifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Identifier")
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

/// Whether something is looked for or fetched: then every unique key must have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Search,
    Fetch,
}

impl Identifier {
    /// Reads an identifier and checks its hierarchy of unique keys.
    ///
    /// # Errors
    /// The status to be answered.
    pub(crate) fn parse(
        bytes: &[u8],
        transfer_syntax_uid: &str,
        root: Root,
        is_relational: bool,
        purpose: Purpose,
    ) -> Result<Self, Status> {
        let not_read = || Status::failure(CANNOT_UNDERSTAND, "the identifier cannot be read");
        let json = data_set_to_json(bytes, transfer_syntax_uid, &ParseLimits::default())
            .map_err(|_| not_read())?;
        let attributes: Map<String, Value> =
            serde_json::from_slice(&json).map_err(|_| not_read())?;
        let mut keys = BTreeMap::new();
        for (name, element) in &attributes {
            let tag = u32::from_str_radix(name, 16).unwrap_or_default();
            keys.insert(tag, asked_of(element));
        }
        let level = keys
            .get(&QUERY_RETRIEVE_LEVEL)
            .and_then(|values| values.first());
        let level = level.and_then(|text| Level::ALL.into_iter().find(|one| one.as_str() == text));
        let level = level.filter(|level| root == Root::Patient || *level != Level::Patient);
        let Some(level) = level else {
            return Err(Status::failure(
                DOES_NOT_MATCH,
                "the query/retrieve level is not one of this model",
            ));
        };
        let identifier = Self {
            level,
            attributes,
            keys,
        };
        identifier.check_hierarchy(root, is_relational, purpose)?;
        Ok(identifier)
    }

    // PS3.4 C.4.1.2.1, C.4.2.2.1.
    fn check_hierarchy(
        &self,
        root: Root,
        is_relational: bool,
        purpose: Purpose,
    ) -> Result<(), Status> {
        let top = match root {
            Root::Patient => Level::Patient,
            Root::Study => Level::Study,
        };
        for above in Level::ALL
            .into_iter()
            .filter(|level| *level >= top && *level < self.level)
        {
            if !is_relational && self.values(above.unique_key()).len() != 1 {
                return Err(Status::failure(
                    DOES_NOT_MATCH,
                    &format!("one unique key is needed for the level {}", above.as_str()),
                ));
            }
        }
        let own = self.values(self.level.unique_key());
        if purpose == Purpose::Fetch && own.is_empty() {
            return Err(Status::failure(
                DOES_NOT_MATCH,
                &format!(
                    "a unique key of the level {} is needed",
                    self.level.as_str()
                ),
            ));
        }
        // PS3.4 C.4.2.1.4.1: a retrieval names single values or lists of UIDs; by a pattern nothing would be sent, with success.
        let is_pattern = |value: &String| value.contains(['*', '?']);
        if purpose == Purpose::Fetch && self.level != Level::Patient && own.iter().any(is_pattern) {
            return Err(Status::failure(
                DOES_NOT_MATCH,
                "a UID to retrieve has no wildcard; name each one",
            ));
        }
        if own.len() > limits::LIST_UIDS {
            return Err(Status::failure(
                DOES_NOT_MATCH,
                "the list of UIDs is too long",
            ));
        }
        Ok(())
    }

    /// Returns the values that an attribute must have; empty when it asks nothing.
    pub(crate) fn values(&self, tag: u32) -> &[String] {
        self.keys.get(&tag).map(Vec::as_slice).unwrap_or_default()
    }

    /// Lists the attributes that must match something, with what.
    pub(crate) fn asked(&self) -> impl Iterator<Item = (u32, String)> + '_ {
        let is_control = |tag: u32| matches!(tag, QUERY_RETRIEVE_LEVEL | 0x0008_0005 | 0x0008_0053);
        self.keys
            .iter()
            .filter(move |(tag, values)| !values.is_empty() && !is_control(**tag))
            .map(|(tag, values)| (*tag, values.join("\\")))
    }
}

/// Returns the values of an element that ask something.
pub(crate) fn asked_of(element: &Value) -> Vec<String> {
    let values = element.get("Value").and_then(Value::as_array);
    let is_name = element.get("vr").and_then(Value::as_str) == Some("PN");
    let text = |value: &Value| match value {
        // Names are searched in one component group: the first that says something.
        Value::Object(groups) if is_name => {
            let of = |key: &str| groups.get(key).and_then(Value::as_str);
            let mut groups = ["Alphabetic", "Ideographic", "Phonetic"]
                .into_iter()
                .filter_map(of);
            groups.next().unwrap_or_default().to_owned()
        }
        other => text_of(other),
    };
    let values = values.into_iter().flatten().map(text);
    values
        .filter(|text| !text.trim_matches('*').trim().is_empty())
        .collect()
}

/// Puts an attribute of a study or patient into the filter; `false` when the index cannot match it.
///
/// # Errors
/// The status to be answered: it is no date.
pub(crate) fn study_key(filter: &mut StudyFilter, tag: u32, text: &str) -> Result<bool, Status> {
    let pattern = || Some(TextMatch(text.to_owned()));
    let list = || text.split('\\').map(str::to_owned).collect();
    match tag {
        0x0010_0010 => filter.patient_name = pattern(),
        PATIENT_ID => filter.patient_id = pattern(),
        0x0008_0050 => filter.accession_number = pattern(),
        STUDY_INSTANCE_UID => filter.study_instance_uids = list(),
        0x0008_0020 => filter.study_date = Some(dates(text)?),
        0x0008_0061 if !text.contains(['*', '?']) => filter.modalities_in_study = list(),
        0x0008_1030 => filter.study_description = pattern(),
        0x0008_0090 => filter.referring_physician_name = pattern(),
        0x0020_0010 => filter.dicom_study_id = pattern(),
        0x0010_0030 => filter.patient_birth_date = Some(dates(text)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Reads `YYYYMMDD`, `a-b`, `a-` or `-b`.
pub(crate) fn dates(text: &str) -> Result<DateRange, Status> {
    // PS3.5 6.2: old files write YYYY.MM.DD.
    let day = |text: &str| -> String { text.trim().chars().filter(|sign| *sign != '.').collect() };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (day(from), day(to));
    let end = |text| Some(text).filter(|text: &&str| !text.is_empty());
    DateRange::of(end(&from), end(&to)).ok_or_else(|| {
        Status::failure(
            DOES_NOT_MATCH,
            "a date is YYYYMMDD, or a range of two with a hyphen, the earlier first",
        )
    })
}

#[cfg(test)]
mod tests {
    use overread_dicom::{data_set_of_json, syntax};
    use serde_json::json;

    use super::{DOES_NOT_MATCH, Identifier, Purpose, Root};

    #[test]
    fn a_retrieval_takes_no_wildcard() {
        let check = |uid: &str, purpose: Purpose, expect: Option<u16>| {
            let asked = json!({
                "00080052": { "vr": "CS", "Value": ["STUDY"] },
                "0020000D": { "vr": "UI", "Value": uid.split('\\').collect::<Vec<_>>() },
            });
            let bytes = data_set_of_json(asked.as_object().unwrap(), true);
            let syntax = syntax::EXPLICIT_VR_LITTLE_ENDIAN;
            let parsed = Identifier::parse(&bytes, syntax, Root::Study, false, purpose);
            assert_eq!(parsed.err().map(|status| status.code), expect, "{uid}");
        };
        for uid in ["*", "1.2.*", "1.2.?", "1.2.3\\1.*"] {
            check(uid, Purpose::Fetch, Some(DOES_NOT_MATCH));
            check(uid, Purpose::Search, None);
        }
        check("1.2.3\\1.2.4", Purpose::Fetch, None);
    }
}
