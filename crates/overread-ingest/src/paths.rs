//! Folders, files and ZIPs of this machine.

use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;

use overread_dicom::ContentKind;
use overread_dicom::media::{Found, MediaFile, WalkLimits, walk};
use overread_model::problem::ProblemKind;

use crate::content::{self, Held, Part};
use crate::session::Session;
use crate::{IngestError, limits};

/// Reads every path, folder by folder, names in byte order.
pub(crate) fn read(session: &Session, paths: &[PathBuf]) -> Result<(), IngestError> {
    for path in each_once(paths) {
        for found in walk(path, WalkLimits::default()) {
            match found {
                Found::Problem(problem) => {
                    session.problem(&problem.path, problem.kind, problem.message)
                }
                Found::File(file) => read_file(session, &file)?,
            }
        }
    }
    Ok(())
}

/// Leaves out what is named for the second time: nobody wants to be told of it twice.
fn each_once(paths: &[PathBuf]) -> Vec<&PathBuf> {
    let mut seen = HashSet::new();
    let is_new =
        |path: &&PathBuf| seen.insert(path.canonicalize().unwrap_or_else(|_| (*path).clone()));
    paths.iter().filter(is_new).collect()
}

fn read_file(session: &Session, media: &MediaFile) -> Result<(), IngestError> {
    let name = media.name.as_str();
    session.saw_file(name, media.length_bytes);
    let archive = matches!(media.kind, ContentKind::Zip | ContentKind::Gzip);
    if !archive && !session.wants(name, media.kind, Some(media.length_bytes)) {
        content::leave(session, name, media.kind);
        return Ok(());
    }
    let Ok(mut file) = File::open(&media.path) else {
        session.problem(
            name,
            ProblemKind::Io,
            "the medium could not be read here; copy it again or ask for a new one",
        );
        return Ok(());
    };
    if !archive && media.length_bytes > limits::IN_MEMORY_BYTES {
        let part = Part::File {
            file,
            begin_bytes: 0,
            length_bytes: media.length_bytes,
        };
        return session.submit(
            name,
            Held {
                part,
                digest: None,
                _permit: None,
            },
            media.kind,
        );
    }
    let length_bytes = (!archive).then_some(media.length_bytes);
    match content::take(session, name, &mut file, length_bytes, 0) {
        Err(IngestError::Body(_)) => {
            session.problem(
                name,
                ProblemKind::Io,
                "the medium could not be read here; copy it again or ask for a new one",
            );
            Ok(())
        }
        other => other,
    }
}
