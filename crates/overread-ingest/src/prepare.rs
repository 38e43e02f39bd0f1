//! Reads one file: what it is, its digest, its facts. CPU work, done beside the receiving.

use std::io;

use overread_dicom::{ContentKind, DicomProblem, Dicomdir, ParseLimits, Parsed, ParsedInstance};
use overread_model::extent::Digest;
use overread_model::problem::ProblemKind;

use crate::content::{Held, Part, Within};
use crate::{inflating, limits};

/// What one file turned out to be.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// An instance, to be stored.
    Instance(Box<Readied>),
    /// A document or picture, to be kept.
    Document {
        held: Held,
        digest: Digest,
        media_type: &'static str,
        kind: &'static str,
    },
    /// The directory of a medium.
    Dicomdir(Dicomdir),
    /// It cannot be used.
    Unusable(DicomProblem),
}

impl Prepared {
    /// Says in plain words why a file cannot be used.
    pub(crate) fn unusable(kind: ProblemKind, message: &str) -> Self {
        Self::Unusable(DicomProblem {
            kind,
            message: message.to_owned(),
        })
    }
}

/// An instance with everything that the commit needs.
#[derive(Debug)]
pub(crate) struct Readied {
    pub(crate) parsed: ParsedInstance,
    pub(crate) held: Held,
    pub(crate) digest: Digest,
}

/// Returns the media type and kind of what is kept beside instances.
pub(crate) const fn document_type(kind: ContentKind) -> Option<(&'static str, &'static str)> {
    match kind {
        ContentKind::Pdf => Some(("application/pdf", "document")),
        ContentKind::Rtf => Some(("text/rtf", "document")),
        ContentKind::Text => Some(("text/plain", "document")),
        ContentKind::Html => Some(("text/html", "document")),
        ContentKind::Jpeg => Some(("image/jpeg", "picture")),
        ContentKind::Png => Some(("image/png", "picture")),
        _ => None,
    }
}

/// Digests what is held, unless that was done on its way in.
fn digest(held: &Held) -> io::Result<Digest> {
    if let Some(digest) = held.digest {
        return Ok(digest);
    }
    let hash = match &held.part {
        Part::Memory(bytes) => blake3::hash(bytes),
        Part::File {
            file,
            begin_bytes,
            length_bytes,
        } => {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(Within::new(file, *begin_bytes, *length_bytes))?;
            hasher.finalize()
        }
    };
    Ok(Digest::new(*hash.as_bytes()))
}

/// Reads a file of this kind.
pub(crate) fn prepare(held: Held, kind: ContentKind) -> Prepared {
    if let Some((media_type, document_kind)) = document_type(kind) {
        return match digest(&held) {
            Ok(digest) => Prepared::Document {
                held,
                digest,
                media_type,
                kind: document_kind,
            },
            Err(_) => unreadable(),
        };
    }
    let limits = ParseLimits {
        metadata_bytes: limits::METADATA_BYTES,
        ..ParseLimits::default()
    };
    let parsed = match &held.part {
        Part::Memory(bytes) => inflating::parse_instance(bytes, &limits),
        Part::File {
            file,
            begin_bytes,
            length_bytes,
        } => {
            let within = Within::new(file, *begin_bytes, *length_bytes);
            inflating::parse_reader(within, *length_bytes, &limits)
        }
    };
    match parsed {
        Ok(Parsed::Instance(parsed)) => match digest(&held) {
            Ok(digest) => Prepared::Instance(Box::new(Readied {
                parsed: *parsed,
                held,
                digest,
            })),
            Err(_) => unreadable(),
        },
        Ok(Parsed::Dicomdir(directory)) => Prepared::Dicomdir(directory),
        Err(problem) => Prepared::Unusable(problem),
    }
}

fn unreadable() -> Prepared {
    Prepared::unusable(ProblemKind::Io, "the file could not be read to its end")
}

/// Folders of viewers, in which texts and pictures belong to the program.
const PROGRAM_FOLDERS: &[&str] = &[
    "viewer",
    "bin",
    "jre",
    "java",
    "lib",
    "libs",
    "help",
    "plugins",
    "plugin",
    "program",
    "app",
    "css",
    "js",
    "icons",
    "skin",
    "resources",
    "html",
    "weasis",
    "system",
    "autorun",
];
/// Names of texts that come with every disc.
const PROGRAM_TEXTS: &[&str] = &[
    "readme",
    "license",
    "licence",
    "copying",
    "autorun",
    "index",
    "help",
    "changelog",
    "install",
    "version",
    "eula",
    "credits",
    "notice",
    "manual",
    "start",
    "default",
    "about",
    "lisezmoi",
    "liesmich",
    "leeme",
];

/// Says whether a text, page or picture is likely to be about the patient, and not part of a viewer.
pub(crate) fn is_likely_document(path: &str, kind: ContentKind, length_bytes: Option<u64>) -> bool {
    let lower = path.to_ascii_lowercase();
    let mut folders: Vec<&str> = lower.split(['/', '\\']).collect();
    let name = folders.pop().unwrap_or_default();
    if length_bytes.is_some_and(|length| length > limits::DOCUMENT_BYTES) {
        return false;
    }
    if matches!(kind, ContentKind::Pdf | ContentKind::Rtf) {
        return true;
    }
    if folders.iter().any(|folder| {
        PROGRAM_FOLDERS
            .iter()
            .any(|known| folder.starts_with(known))
    }) {
        return false;
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    match kind {
        ContentKind::Text => {
            matches!(extension, "txt" | "text")
                && !PROGRAM_TEXTS.iter().any(|text| stem.starts_with(text))
        }
        ContentKind::Html => {
            matches!(extension, "htm" | "html")
                && !PROGRAM_TEXTS.iter().any(|text| stem.starts_with(text))
        }
        ContentKind::Jpeg | ContentKind::Png => {
            length_bytes.is_none_or(|length| length >= limits::PICTURE_MIN_BYTES)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use overread_dicom::ContentKind;

    use super::is_likely_document;

    fn check(path: &str, kind: ContentKind, expect: bool) {
        assert_eq!(
            is_likely_document(path, kind, Some(10_000)),
            expect,
            "{path}"
        );
    }

    #[test]
    fn reports_are_kept_and_viewers_are_not() {
        check("CD/REPORT.PDF", ContentKind::Pdf, true);
        check("Befund.rtf", ContentKind::Rtf, true);
        check("report.txt", ContentKind::Text, true);
        check("CD/README.TXT", ContentKind::Text, false);
        check("AUTORUN.INF", ContentKind::Text, false);
        check("VIEWER/HELP.HTM", ContentKind::Html, false);
        check("INDEX.HTM", ContentKind::Html, false);
        check("JPEG/IMAGE001.JPG", ContentKind::Jpeg, true);
        check("viewer/icons/a.png", ContentKind::Png, false);
        assert!(!is_likely_document("a.jpg", ContentKind::Jpeg, Some(900)));
    }
}
