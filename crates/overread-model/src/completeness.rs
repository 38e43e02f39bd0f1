//! Here lives the check of records: what a medium or case holds, whether it is one patient and the right one, whether the
//! images can be read, and what seems to be missing.
//!
//! The check never decides about a patient. It says what it saw, in plain words, with what to do; what blocks can be
//! overridden by a coordinator, with a reason.

mod documents;
mod gather;
mod identity;
mod result;
mod rules;
mod series;
mod slices;
mod tables;
mod weighting;

pub use documents::{DocumentFacts, DocumentKind, ReportHints, report_hints};
pub use gather::Gathered;
pub use identity::{
    Belonging, IdentityTable, IdentityWeights, PersonIdentity, belonging, contradicts_sex,
    has_other_family_name, has_other_name, identity_score, is_anonymous_name,
};
pub use result::{CheckResult, Finding, Missing, PatientLine, StudyLine, TimelineItem};
pub use series::SeriesSummary;
pub use slices::{Gap, Plane, Slice, Stack, is_localizer_like, normal, plane_of, stacks};
pub use tables::{
    Expectation, Protocol, ProtocolGeometry, ProtocolViews, RuleEntry, RuleTables, Severity,
};
pub use weighting::{Weighting, names_localizer, weighting};

use crate::choosing::{AskedExam, SpecialtyMap};
use crate::imaging::InstanceFacts;
use crate::letter::Requester;
use crate::problem::Problem;
use crate::refusal::{RefusalReason, RefusedSort};
use crate::time::CalendarDate;

/// What a medium showed beside its instances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediumFacts {
    /// A DICOMDIR was there; `None` when nothing arrived on a medium.
    pub has_dicomdir: Option<bool>,
    /// Files without the Part 10 header that were read all the same.
    pub no_header_count: usize,
    /// Files that were there twice.
    pub duplicate_count: usize,
    /// Programs and start files that were left alone.
    pub program_count: usize,
    /// Uploads of which nothing could be read since they broke off or are damaged, where a whole one came later.
    pub lost_upload_count: usize,
    /// Uploads of which nothing could be read since they are locked with a password, where a whole one came later.
    pub locked_upload_count: usize,
    /// Studies that were sent and are kept outside the case, since they arrived before.
    pub outside_study_count: usize,
    /// Studies that are held back until a coordinator decides whose they are.
    pub held_study_count: usize,
    /// Papers that are held back until a coordinator decides whose they are.
    pub held_paper_count: usize,
    /// Pictures that are no DICOM: JPEG, PNG, TIFF, films.
    pub picture_count: usize,
}

/// Files of one sort that were sent for a case, were not kept for one reason, and have not come since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKept {
    /// What.
    pub sort: RefusedSort,
    /// Why.
    pub reason: RefusalReason,
    /// How many; of what nothing tells apart, how often one was refused.
    pub count: usize,
    /// The first day on which one of them was refused.
    pub from: CalendarDate,
    /// The last day.
    pub until: CalendarDate,
}

/// Everything the check looks at, beside the instances.
#[derive(Clone, Default)]
pub struct CheckInput<'a> {
    /// Papers.
    pub documents: &'a [DocumentFacts],
    /// What could not be used of what arrived.
    pub problems: &'a [Problem],
    /// What was sent and not kept.
    pub not_kept: &'a [NotKept],
    /// What the medium showed.
    pub medium: MediumFacts,
    /// The patient of the case; `None` when a disc is looked at without a case.
    pub patient: Option<PersonIdentity>,
    /// The clinical question; `None` when there is no case.
    pub question: Option<&'a str>,
    /// Reason and diagnosis in the requester's words.
    pub reason: &'a str,
    /// The exam that the request asks about.
    pub asked: AskedExam<'a>,
    /// Somebody stated that no original report can be had.
    pub no_report_available: bool,
    /// Studies (UIDs) of which a coordinator confirmed that they are this patient's.
    pub confirmed_studies: &'a [String],
    /// Rules that a coordinator waved through.
    pub overridden: &'a [String],
    /// Who asks; decides which letter asks for what is missing.
    pub requester: Requester,
    /// The day it is.
    pub today: Option<CalendarDate>,
}

impl std::fmt::Debug for CheckInput<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CheckInput")
            .field("medium", &self.medium)
            .field("requester", &self.requester)
            .field("today", &self.today)
            .finish_non_exhaustive()
    }
}

/// Checks what was gathered.
pub fn check(
    gathered: &Gathered,
    input: &CheckInput<'_>,
    tables: &RuleTables,
    map: &SpecialtyMap,
) -> CheckResult {
    rules::run(gathered, input, tables, map)
}

/// Checks a list of instances; for small numbers, and for tests.
pub fn check_instances(
    instances: &[InstanceFacts],
    input: &CheckInput<'_>,
    tables: &RuleTables,
    map: &SpecialtyMap,
) -> CheckResult {
    let mut gathered = Gathered::default();
    for facts in instances {
        gathered.add(facts, tables);
    }
    check(&gathered, input, tables, map)
}
