//! What whoever delivered something is told. Field names are part of the command line's contract.

use overread_model::hidden::Hidden;
use overread_model::problem::Problem;
use serde::{Deserialize, Serialize};

/// What came of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The delivery's id.
    pub delivery: String,
    /// Files looked at, those in archives included.
    pub files_seen: u64,
    /// Instances that are new and durable.
    pub instances_stored: u64,
    /// Instances that were there already, byte for byte.
    pub duplicates: u64,
    /// Bytes of the new instances.
    pub bytes_stored: u64,
    /// How long it took.
    pub seconds: f64,
    /// The studies it holds, in the order in which they came.
    pub studies: Vec<ReceiptStudy>,
    /// Documents and pictures that are kept.
    pub documents: Vec<ReceiptDocument>,
    /// What was wrong, file by file.
    pub problems: Vec<Problem>,
    /// Instances kept aside for a person's decision.
    pub kept_aside: u64,
    /// Files that were refused or lost and may be records: at least so many. `problems` says why.
    #[serde(default)]
    pub not_kept: u64,
    /// Those of them that could have been used and were refused: their case has no room, or their exam is deleted.
    #[serde(default)]
    pub refused: u64,
    /// Instances that are stored here already and were not put into the case: it has no room for their exam.
    #[serde(default)]
    pub left_outside: u64,
    /// Other files (a viewer, icons), which were counted and not kept.
    pub other_files: u64,
}

impl Receipt {
    /// Says whether anything was refused or left out of its case that could have been used.
    pub const fn is_refused(&self) -> bool {
        self.refused > 0 || self.left_outside > 0
    }

    /// Says whether anything usable was stored or was there already.
    pub const fn is_usable(&self) -> bool {
        self.instances_stored > 0 || self.duplicates > 0
    }
}

/// A study, as the delivery holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceiptStudy {
    /// (0020,000D).
    pub study_instance_uid: String,
    /// (0010,0010).
    pub patient_name: Option<Hidden<String>>,
    /// (0010,0020).
    pub patient_id: Option<Hidden<String>>,
    /// Its series.
    pub series: Vec<ReceiptSeries>,
}

/// A series, as the delivery holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceiptSeries {
    /// (0020,000E).
    pub series_instance_uid: String,
    /// (0008,0060).
    pub modality: String,
    /// (0008,103E).
    pub description: Option<String>,
    /// Instances of this delivery, new or known.
    pub instances: u64,
}

/// A document that is kept.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceiptDocument {
    /// Its id.
    pub id: String,
    /// Its name on the medium.
    pub name: String,
    /// Its type.
    pub media_type: String,
    /// `document` or `picture`.
    pub kind: String,
    /// Its size.
    pub bytes: u64,
}

impl std::fmt::Debug for ReceiptDocument {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ReceiptDocument")
            .field("id", &self.id)
            .field("media_type", &self.media_type)
            .field("kind", &self.kind)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
