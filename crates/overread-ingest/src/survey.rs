//! Looks at a delivery without storing anything: what `overread check` sees of a disc.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use overread_model::extent::Digest;
use overread_model::imaging::InstanceFacts;
use overread_model::problem::{Problem, ProblemKind};

use crate::content::{Held, Part, Within};
use crate::prepare::Prepared;
use crate::session::{Bench, look};
use crate::{IngestError, PdfText, Progress, limits, paths, text_of_pdf};

/// What a delivery holds, instances aside, which go to the caller one by one.
#[derive(Debug, Default)]
pub struct Survey {
    /// Files looked at, those in archives included.
    pub files_seen: u64,
    /// Different instances.
    pub instances: u64,
    /// Instances that were there twice, byte for byte.
    pub duplicates: u64,
    /// Files of a viewer and the like, which were counted and not read.
    pub other_files: u64,
    /// A DICOMDIR was there.
    pub has_dicomdir: bool,
    /// Reports, letters, pictures.
    pub documents: Vec<SurveyDocument>,
    /// What was wrong, file by file.
    pub problems: Vec<Problem>,
}

/// A document or picture beside the instances.
pub struct SurveyDocument {
    /// Its name on the medium, the last part only.
    pub name: String,
    /// Its type.
    pub media_type: &'static str,
    /// `document` or `picture`.
    pub kind: &'static str,
    /// Its text, when it has one that can be read.
    pub text: Option<String>,
}

impl std::fmt::Debug for SurveyDocument {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SurveyDocument")
            .field("media_type", &self.media_type)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Looks at folders, files and ZIPs of this machine; links are not followed, nothing is written beside a temporary
/// file for what does not fit the memory.
///
/// # Errors
/// When a temporary file cannot be written or the work is interrupted; what is wrong with the files is in the answer.
pub async fn survey(
    paths: &[PathBuf],
    progress: impl Progress,
    mut see: impl FnMut(&InstanceFacts),
) -> Result<Survey, IngestError> {
    let bench = Bench::new(&std::env::temp_dir(), &std::sync::Arc::default());
    let paths = paths.to_vec();
    let mut survey = Survey::default();
    let mut problems = Vec::new();
    let mut papers = Vec::new();
    let mut paper_bytes = 0;
    let mut directories = Vec::new();
    let mut known: HashMap<String, Digest> = HashMap::new();
    let read = move |session: &crate::session::Session| paths::read(session, &paths);
    let mut collector = look(bench, Box::new(progress), read, |path, prepared| {
        let mut problem = |kind, message: &str| {
            problems.push(Problem { path: path.to_owned(), kind, message: message.to_owned() });
        };
        match prepared {
            Prepared::Unusable(found) => problem(found.kind, &found.message),
            Prepared::Dicomdir(directory) => directories.push((path.to_owned(), directory)),
            Prepared::Document { held, media_type, kind, .. } => {
                let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
                let paper = SurveyDocument { name, media_type, kind, text: None };
                // What is kept must not use up the memory that files wait for.
                let bytes = (paper_bytes < limits::SURVEY_PAPER_BYTES).then(|| bytes_of(held)).flatten();
                paper_bytes += bytes.as_ref().map_or(0, Vec::len);
                papers.push((paper, bytes));
            }
            Prepared::Instance(readied) => {
                for found in &readied.parsed.problems {
                    problem(found.kind, &found.message);
                }
                let facts = &readied.parsed.facts;
                match known.insert(facts.sop_instance_uid.as_str().to_owned(), readied.digest) {
                    Some(before) if before == readied.digest => survey.duplicates += 1,
                    Some(_) => problem(
                        ProblemKind::Conflict,
                        "another file with the same identifier holds other bytes; a person must decide which is right",
                    ),
                    None => {
                        survey.instances += 1;
                        see(facts);
                    }
                }
            }
        }
    })
    .await?;
    for (mut paper, bytes) in papers {
        if let Some(bytes) = bytes {
            paper.text = text_of(paper.media_type, bytes).await;
        }
        survey.documents.push(paper);
    }
    survey.has_dicomdir = !directories.is_empty();
    for (path, directory) in directories {
        collector.directory(&path, directory);
    }
    let (files_seen, other_files, listed) = collector.seen();
    (survey.files_seen, survey.other_files) = (files_seen, other_files);
    survey.problems = problems;
    survey.problems.extend(listed);
    Ok(survey)
}

/// Returns the text of a paper, when it is one with text.
async fn text_of(media_type: &str, bytes: Vec<u8>) -> Option<String> {
    match media_type {
        "text/plain" => Some(String::from_utf8_lossy(&bytes).into_owned()),
        "application/pdf" => match text_of_pdf(bytes).await {
            Ok(PdfText::Text(text)) => Some(text),
            Ok(PdfText::ScanOnly) | Err(_) => None,
        },
        _ => None,
    }
}

fn bytes_of(held: Held) -> Option<Vec<u8>> {
    match held.part {
        Part::Memory(bytes) => Some(bytes.to_vec()),
        Part::File {
            file,
            begin_bytes,
            length_bytes,
        } => {
            let mut bytes = Vec::new();
            let count = length_bytes.min(limits::PDF_BYTES as u64);
            let mut within = Within::new(file, begin_bytes, count);
            within.read_to_end(&mut bytes).ok()?;
            Some(bytes)
        }
    }
}
