//! What is stored, and what its receipt will say of it.

use overread_dicom::DicomProblem;
use overread_model::extent::Digest;
use overread_model::hidden::Hidden;
use overread_model::ids::DocumentId;
use overread_store::tokens::random_id;

use crate::content::Held;
use crate::prepare::Readied;
use crate::{IngestError, limits};

#[derive(Debug)]
pub(crate) enum Payload {
    Instance(Box<Readied>),
    Document(Box<Paper>),
}

/// A document on its way.
pub(crate) struct Paper {
    pub(super) id: DocumentId,
    pub(super) name: String,
    pub(super) held: Held,
    pub(super) digest: Digest,
    pub(super) media_type: &'static str,
    pub(super) kind: &'static str,
}

impl std::fmt::Debug for Paper {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Paper")
            .field("id", &self.id)
            .field("media_type", &self.media_type)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What the receipt will say of a payload once it is committed.
pub(crate) enum About {
    Instance(Box<AboutInstance>),
    Document {
        id: DocumentId,
        name: String,
        media_type: &'static str,
        kind: &'static str,
        bytes: u64,
    },
}

#[derive(Debug)]
pub(crate) struct AboutInstance {
    pub(crate) study_instance_uid: String,
    pub(crate) patient_name: Option<Hidden<String>>,
    pub(crate) patient_id: Option<Hidden<String>>,
    pub(crate) patient_birth_date: Option<Hidden<String>>,
    pub(crate) series_instance_uid: String,
    pub(crate) modality: String,
    pub(crate) description: Option<String>,
    pub(crate) sop_class_uid: String,
    pub(crate) sop_instance_uid: String,
    pub(crate) bytes: u64,
    pub(crate) problems: Vec<DicomProblem>,
}

impl Payload {
    pub(crate) fn document(
        path: &str,
        held: Held,
        digest: Digest,
        media_type: &'static str,
        kind: &'static str,
    ) -> Result<Self, IngestError> {
        let id = DocumentId::from_random(random_id()?);
        // Only the last part: a document's name is shown and may become a file name somewhere.
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = name.chars().take(limits::DOCUMENT_NAME_CHARS).collect();
        Ok(Self::Document(Box::new(Paper {
            id,
            name,
            held,
            digest,
            media_type,
            kind,
        })))
    }

    pub(crate) fn about(&self) -> About {
        match self {
            Self::Instance(readied) => About::Instance(Box::new(about(readied))),
            Self::Document(paper) => About::Document {
                id: paper.id.clone(),
                name: paper.name.clone(),
                media_type: paper.media_type,
                kind: paper.kind,
                bytes: paper.held.part.length_bytes(),
            },
        }
    }

    pub(super) fn length_bytes(&self) -> u64 {
        match self {
            Self::Instance(readied) => readied.held.part.length_bytes(),
            Self::Document(paper) => paper.held.part.length_bytes(),
        }
    }
}

pub(crate) fn about(readied: &Readied) -> AboutInstance {
    let facts = &readied.parsed.facts;
    AboutInstance {
        study_instance_uid: facts.study.study_instance_uid.as_str().to_owned(),
        patient_name: facts.study.patient_name.clone(),
        patient_id: facts.study.patient_id.clone(),
        patient_birth_date: facts.study.patient_birth_date.clone(),
        series_instance_uid: facts.series.series_instance_uid.as_str().to_owned(),
        modality: facts.series.modality.clone(),
        description: facts.series.series_description.clone(),
        sop_class_uid: facts.sop_class_uid.as_str().to_owned(),
        sop_instance_uid: facts.sop_instance_uid.as_str().to_owned(),
        bytes: readied.held.part.length_bytes(),
        problems: readied.parsed.problems.clone(),
    }
}
