//! DICOMDIR: what a medium says it holds. Only a hint; the files decide.
//!
//! Records are read in the order in which they stand. The offsets that chain them are not followed at all, so that
//! loops in them cannot matter.

use overread_model::problem::{Problem, ProblemKind};

use crate::dataset::{DataSet, NodeKind};
use crate::facts::Attributes;
use crate::limits::MAX_DIRECTORY_RECORDS;
use crate::source::Source;
use crate::tags;

/// What a DICOMDIR lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dicomdir {
    /// (0004,1130).
    pub file_set_id: Option<String>,
    /// Every record, in the order of the file.
    pub records: Vec<DirectoryRecord>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryRecord {
    /// (0004,1430): `PATIENT`, `STUDY`, `SERIES`, `IMAGE`, `SR DOCUMENT` ...
    pub record_type: String,
    /// (0004,1500), component by component; empty when the record names no file.
    pub referenced_file_id: Vec<String>,
    /// (0004,1511).
    pub referenced_sop_instance_uid_in_file: Option<String>,
}

impl DirectoryRecord {
    /// Returns the path below the folder of the DICOMDIR; `None` when the record names no file or climbs out of it.
    // PS3.10 8.2: components of 1 to 8 characters from A-Z, 0-9 and underscore; real discs are laxer.
    pub fn path(&self) -> Option<String> {
        let unsafe_part = |part: &String| {
            part.is_empty()
                || part == "."
                || part == ".."
                || part
                    .chars()
                    .any(|letter| matches!(letter, '/' | '\\' | ':' | '\0') || letter.is_control())
        };
        if self.referenced_file_id.is_empty() || self.referenced_file_id.iter().any(unsafe_part) {
            return None;
        }
        Some(self.referenced_file_id.join("/"))
    }
}

/// Reads the records of a walked DICOMDIR.
pub(crate) fn read<S: Source>(source: &mut S, data_set: &DataSet) -> Dicomdir {
    let mut attributes = Attributes::new(source, data_set);
    let mut directory = Dicomdir {
        file_set_id: attributes.text(None, tags::FILE_SET_ID),
        records: Vec::new(),
    };
    let Some(sequence) = data_set.find(None, tags::DIRECTORY_RECORD_SEQUENCE) else {
        return directory;
    };
    let items = data_set
        .children(Some(sequence))
        .filter(|(_, node)| node.kind == NodeKind::Item)
        .take(MAX_DIRECTORY_RECORDS);
    for (item, _) in items {
        let mut referenced_file_id = attributes.texts(Some(item), tags::REFERENCED_FILE_ID);
        // Some writers put the whole path into one value.
        if let [only] = referenced_file_id.as_slice()
            && only.contains('/')
            && !only.starts_with('/')
        {
            referenced_file_id = only.split('/').map(str::to_owned).collect();
        }
        directory.records.push(DirectoryRecord {
            record_type: attributes
                .text(Some(item), tags::DIRECTORY_RECORD_TYPE)
                .unwrap_or_default(),
            referenced_file_id,
            referenced_sop_instance_uid_in_file: attributes
                .text(Some(item), tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE),
        });
    }
    directory
}

/// Lists what a DICOMDIR names and the medium does not hold.
///
/// `directory_path` is where the DICOMDIR lies, `paths` every file of the medium, all with `/` and from its root.
/// Upper and lower case, a final dot and `;1` make no difference, as ISO 9660 media write them at will.
pub fn missing_files<'a>(
    directory: &Dicomdir,
    directory_path: &str,
    paths: impl Iterator<Item = &'a str>,
) -> Vec<Problem> {
    let present: std::collections::HashSet<String> = paths.map(folded).collect();
    let folder = directory_path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let mut problems = Vec::new();
    for record in directory
        .records
        .iter()
        .filter(|record| !record.referenced_file_id.is_empty())
    {
        let Some(path) = record.path() else {
            problems.push(Problem {
                path: directory_path.to_owned(),
                kind: ProblemKind::UnsafeName,
                message: "the index of the disc names a file outside the disc; it was not opened"
                    .to_owned(),
            });
            continue;
        };
        let full = if folder.is_empty() {
            path
        } else {
            format!("{folder}/{path}")
        };
        if !present.contains(&folded(&full)) {
            problems.push(Problem {
                path: full,
                kind: ProblemKind::MissingFromMedia,
                message: "the index of the disc names this file, but the disc does not hold it"
                    .to_owned(),
            });
        }
    }
    problems
}

fn folded(path: &str) -> String {
    let path = path.split_once(';').map_or(path, |(name, _)| name);
    path.trim_end_matches('.').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use overread_model::problem::ProblemKind;

    use super::{Dicomdir, DirectoryRecord, missing_files};

    fn record(parts: &[&str]) -> DirectoryRecord {
        DirectoryRecord {
            record_type: "IMAGE".to_owned(),
            referenced_file_id: parts.iter().map(|part| (*part).to_owned()).collect(),
            referenced_sop_instance_uid_in_file: None,
        }
    }

    #[test]
    fn paths_never_leave_the_disc() {
        assert_eq!(
            record(&["IMAGES", "IM1"]).path().as_deref(),
            Some("IMAGES/IM1")
        );
        for bad in [
            &["..", "x"][..],
            &["a", ""],
            &["C:", "x"],
            &["a/../../b"],
            &["."],
            &[],
        ] {
            assert_eq!(record(bad).path(), None, "{bad:?}");
        }
    }

    #[test]
    fn names_on_discs_are_lax() {
        let directory = Dicomdir {
            file_set_id: None,
            records: vec![
                record(&["IMG", "A1"]),
                record(&["IMG", "A2"]),
                record(&["..", "A3"]),
            ],
        };
        let problems = missing_files(&directory, "CD/DICOMDIR", ["cd/img/a1.;1"].into_iter());
        let kinds: Vec<_> = problems
            .iter()
            .map(|problem| (problem.path.as_str(), problem.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("CD/IMG/A2", ProblemKind::MissingFromMedia),
                ("CD/DICOMDIR", ProblemKind::UnsafeName)
            ]
        );
    }
}
