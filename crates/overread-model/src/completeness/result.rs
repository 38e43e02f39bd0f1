//! The answer of the check; its JSON is what `overread check --json` prints.

use serde::Serialize;

use super::series::SeriesSummary;
use super::tables::Severity;
use crate::time::CalendarDate;
use crate::uid::StudyInstanceUid;

/// The answer of the check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckResult {
    /// Nothing blocks that was not overridden.
    pub ready: bool,
    /// The people the images name, most images first.
    pub patients: Vec<PatientLine>,
    /// The studies, newest first.
    pub studies: Vec<StudyLine>,
    /// What was found, blockers first.
    pub findings: Vec<Finding>,
    /// What should still come, with the letter that asks for it.
    pub missing: Vec<Missing>,
    /// Everything with a date, in order; undated last.
    pub timeline: Vec<TimelineItem>,
    /// How sure it is that the images are the case's patient's, 0 to 1; `None` without a case or when nothing tells.
    pub identity_score: Option<f64>,
}

impl CheckResult {
    /// Returns how many blockers have no override.
    pub fn open_blocker_count(&self) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Blocker && !finding.overridden)
            .count()
    }

    /// Returns one sentence on what the check found.
    pub fn summary(&self) -> String {
        let count = |severity| {
            self.findings
                .iter()
                .filter(|f| f.severity == severity && !f.overridden)
                .count()
        };
        let (blockers, warnings) = (count(Severity::Blocker), count(Severity::Warning));
        let word = |count: usize| if count == 1 { "thing" } else { "things" };
        match (blockers, warnings) {
            (0, 0) => "Everything the reviewer needs is here.".to_owned(),
            (0, some) => format!("The records can be used. {some} {} to look at.", word(some)),
            (some, _) => format!(
                "The records cannot be sent yet: {some} {} must be put right first.",
                word(some)
            ),
        }
    }
}

/// A person as the images name them. Patient data: for people who may see it, never for logs.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PatientLine {
    /// Name as written.
    pub name: String,
    /// Birth date as written.
    pub birth_date: String,
    /// Sex as written.
    pub sex: String,
    /// Number as written.
    pub id: String,
    /// Instances that name the person this way.
    pub instances: usize,
    /// Images among them.
    pub images: usize,
}

impl std::fmt::Debug for PatientLine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PatientLine")
            .field("instances", &self.instances)
            .field("images", &self.images)
            .finish_non_exhaustive()
    }
}

/// One study.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StudyLine {
    /// (0020,000D).
    pub study_instance_uid: StudyInstanceUid,
    /// (0008,1030).
    pub description: String,
    /// (0008,0020) as written; empty when absent.
    pub date: String,
    /// (0008,0080).
    pub institution: String,
    /// Modalities.
    pub modalities: Vec<String>,
    /// Region groups of the map.
    pub regions: Vec<String>,
    /// Series in order of their number.
    pub series: Vec<SeriesSummary>,
}

/// One thing the check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `S01`.
    pub rule: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What it is about: `series 4 (SAG T2)`, `the upload`.
    pub subject: String,
    /// What was found and what to do, English.
    pub message: String,
    /// Title, English.
    pub title: String,
    /// Title, Spanish.
    pub title_es: String,
    /// What to do; `None` when nothing.
    pub action: Option<String>,
    /// Kind of letter that asks for what is missing.
    pub letter: Option<String>,
    /// A coordinator waved it through.
    pub overridden: bool,
}

/// Something that should still come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// `S01`.
    pub rule: String,
    /// What is missing: `original report`, `series 4 (SAG T2)`.
    pub item: String,
    /// In plain words, with what to do.
    pub message: String,
    /// Kind of letter that asks for it.
    pub letter: String,
    /// The letter names it.
    pub letter_names_it: bool,
}

/// Something with a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineItem {
    /// The clinical day, never the day of the upload; `None` when unknown.
    pub date: Option<CalendarDate>,
    /// `study` or the kind of a document.
    pub kind: String,
    /// What it is.
    pub title: String,
}
