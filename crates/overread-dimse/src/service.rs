//! What a presentation context is for, by its SOP class.

use overread_model::uid::SopClassUid;

/// Everything that DICOM itself names stands below this; other UIDs are private.
const DICOM_ROOT: &str = "1.2.840.10008.";
// PS3.4 B.5: the storage classes, and A.4 of PS3.6 for what stands among them without being one.
const STORAGE_ROOT: &str = "1.2.840.10008.5.1.4.1.1.";
/// The SOP class of C-ECHO.
pub(crate) const VERIFICATION: &str = "1.2.840.10008.1.1";
/// The SOP class of storage commitment, push model.
// PS3.4 J.3.
pub(crate) const COMMITMENT: &str = "1.2.840.10008.1.20.1";
/// Its one instance.
pub(crate) const COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";
// PS3.4 K.4.
/// The SOP class of finding scheduled steps.
pub(crate) const WORKLIST: &str = "1.2.840.10008.5.1.4.31";
// PS3.4 C.6.
const QUERY_ROOT: &str = "1.2.840.10008.5.1.4.1.2.";
/// Queries, retrievals and creations whose UIDs stand among the storage classes.
const NOT_STORAGE: [&str; 8] = [
    "200.4", "200.5", "200.6", "201.2", "201.3", "201.4", "201.5", "201.6",
];

/// What a presentation context is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Verification,
    Storage,
    Commitment,
    Query(Operation, Root),
    Worklist,
}

/// What is done with what a query or retrieval names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Find,
    Move,
    Get,
}

/// Which level a query begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Patient,
    Study,
}

impl Root {
    /// Returns the SOP class of an operation.
    pub(crate) const fn class(self, operation: Operation) -> &'static str {
        match (self, operation) {
            (Self::Patient, Operation::Find) => "1.2.840.10008.5.1.4.1.2.1.1",
            (Self::Patient, Operation::Move) => "1.2.840.10008.5.1.4.1.2.1.2",
            (Self::Patient, Operation::Get) => "1.2.840.10008.5.1.4.1.2.1.3",
            (Self::Study, Operation::Find) => "1.2.840.10008.5.1.4.1.2.2.1",
            (Self::Study, Operation::Move) => "1.2.840.10008.5.1.4.1.2.2.2",
            (Self::Study, Operation::Get) => "1.2.840.10008.5.1.4.1.2.2.3",
        }
    }
}

/// Returns what a SOP class is for; `None` when it is not offered.
pub(crate) fn service_of(uid: &SopClassUid) -> Option<Service> {
    let uid = uid.as_str();
    match uid {
        VERIFICATION => return Some(Service::Verification),
        COMMITMENT => return Some(Service::Commitment),
        WORKLIST => return Some(Service::Worklist),
        _ => {}
    }
    if let Some(below) = uid.strip_prefix(QUERY_ROOT) {
        let (root, operation) = below.split_once('.')?;
        let root = match root {
            "1" => Root::Patient,
            "2" => Root::Study,
            _ => return None,
        };
        let operation = match operation {
            "1" => Operation::Find,
            "2" => Operation::Move,
            "3" => Operation::Get,
            _ => return None,
        };
        return Some(Service::Query(operation, root));
    }
    let is_storage = match uid.strip_prefix(STORAGE_ROOT) {
        Some(below) => !NOT_STORAGE.contains(&below),
        None => !uid.starts_with(DICOM_ROOT),
    };
    is_storage.then_some(Service::Storage)
}
