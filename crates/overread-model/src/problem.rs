//! What could not be used of what arrived, in plain words.

use serde::{Deserialize, Serialize};

/// One thing that is wrong with one file of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Path inside the delivery, as the medium writes it; made safe for a terminal.
    pub path: String,
    /// What sort of problem it is; stable, for programs.
    pub kind: ProblemKind,
    /// What happened and what to do, for people; holds no patient data.
    pub message: String,
}

/// Sorts of problems; the names are part of the JSON that scripts read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file ends before its data does.
    Truncated,
    /// The bytes follow no DICOM encoding that can be read.
    Unreadable,
    /// Study, series or instance UID is missing or malformed.
    BadUid,
    /// An instance with this UID and other bytes is kept already.
    Conflict,
    /// A named limit was passed (size, ratio, depth, number).
    LimitExceeded,
    /// The archive entry or file is protected by a password.
    Encrypted,
    /// The name points outside the delivery, or is a link.
    UnsafeName,
    /// DICOMDIR names a file that is not there.
    MissingFromMedia,
    /// The DICOMDIR itself is damaged; the files were looked at one by one.
    BadDicomdir,
    /// The whole archive ends early.
    IncompleteArchive,
    /// The pixel data does not fit its description.
    BadPixelData,
    /// Pictures or documents instead of DICOM.
    NotDicom,
    /// Belongs to another patient than the case or the rest of the disc.
    OtherPatient,
    /// The medium could not be read.
    Io,
    /// An archive's own list and its content disagree: an entry is hidden from one of them.
    HiddenEntry,
    /// The exam is held already, outside this case; a coordinator decides.
    HeldAside,
    /// The exam was deleted here and can still be restored; nothing is added to it.
    Deleted,
    /// It arrived whole, and nobody but coordinators sees it until one has found out whose it is.
    HeldBack,
}
