//! The directory of reviewers: what an entry holds, and what is wrong with one.

use serde::{Deserialize, Serialize};

use super::map::SpecialtyMap;
use crate::ids::ReviewerId;
use crate::person;
use crate::text::FieldProblem;

/// What a reviewer does.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ReviewerKind {
    /// Reads images and writes a report.
    #[default]
    Radiologist,
    /// Decides on treatment.
    ClinicalSpecialist,
}

impl ReviewerKind {
    /// Returns the kind as columns, forms and JSON write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Radiologist => "radiologist",
            Self::ClinicalSpecialist => "clinical_specialist",
        }
    }

    /// Reads what `as_str` writes.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Radiologist, Self::ClinicalSpecialist]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    /// Names the entry.
    pub reviewer_id: ReviewerId,
    /// Full name.
    pub name: String,
    /// What they do.
    pub kind: ReviewerKind,
    /// National number, when they have one.
    pub npi: Option<String>,
    /// Sub-specialties of the map by id, or NUCC codes.
    pub subspecialties: Vec<String>,
    /// Our tags beside NUCC codes: `musculoskeletal`.
    pub local_tags: Vec<String>,
    /// DICOM modalities they read; empty: not stated.
    pub modalities: Vec<String>,
    /// Institution or group.
    pub institution: String,
    /// Regions where licensed: `US-WA`, `ES`.
    pub licence_regions: Vec<String>,
    /// Language codes.
    pub languages: Vec<String>,
    /// Sees children.
    pub paediatric: bool,
    /// Fee in cents; `None`: to be asked.
    pub fee_cents: Option<i64>,
    /// Hours a report usually takes; `None`: not stated.
    pub turnaround_hours: Option<u32>,
    /// Open cases they take at most; `None`: not stated.
    pub capacity: Option<u32>,
    /// Cases they have open.
    pub open_task_count: u32,
    /// Groups, facilities or people they are bound to.
    pub conflicts: Vec<String>,
    /// The credentials were checked and have not ended.
    pub credential_active: bool,
    /// Takes cases.
    pub active: bool,
}

/// Returns what is wrong with an entry of the directory, field by field.
pub fn check_directory_entry(reviewer: &Reviewer, map: &SpecialtyMap) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    if let Err(problem) = person::check_name("name", &reviewer.name) {
        problems.push(problem);
    }
    let mut add = |field: &str, message: &str| problems.push(FieldProblem::new(field, message));
    if reviewer
        .npi
        .as_deref()
        .is_some_and(|npi| !person::is_npi(npi))
    {
        add(
            "npi",
            "This is no National Provider Identifier: ten digits with a check digit.",
        );
    }
    let is_known = |id: &String| {
        map.subspecialty(id).is_some()
            || map.clinical_kind(id).is_some()
            || map
                .subspecialties
                .iter()
                .any(|entry| entry.nucc.contains(id))
    };
    if reviewer.subspecialties.is_empty() {
        add("subspecialties", "Choose at least one sub-specialty.");
    } else if !reviewer.subspecialties.iter().all(is_known) {
        add(
            "subspecialties",
            "One of these is no sub-specialty of the list.",
        );
    }
    if reviewer.institution.trim().is_empty() {
        add(
            "institution",
            "Name the institution or group: it shows whether a reviewer is independent.",
        );
    }
    if reviewer.licence_regions.is_empty() {
        add(
            "licence_regions",
            "Name where the reviewer is licensed, as US-WA or ES.",
        );
    } else if !reviewer
        .licence_regions
        .iter()
        .all(|region| is_region(region))
    {
        add(
            "licence_regions",
            "Write a region as country and state: US-WA, or ES.",
        );
    }
    if reviewer
        .fee_cents
        .is_some_and(|fee| !(0..=100_000_000).contains(&fee))
    {
        add("fee_cents", "Enter the fee as an amount of money.");
    }
    if reviewer
        .turnaround_hours
        .is_some_and(|hours| !(1..=24 * 90).contains(&hours))
    {
        add(
            "turnaround_hours",
            "Enter the usual time to a report, at most 90 days.",
        );
    }
    problems
}

/// Says whether a text is a country, or a country and a part of it (ISO 3166-2).
pub fn is_region(region: &str) -> bool {
    let (country, place) = region.split_once('-').unwrap_or((region, "A"));
    let place_fits =
        (1..=3).contains(&place.len()) && place.bytes().all(|byte| byte.is_ascii_alphanumeric());
    country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()) && place_fits
}
