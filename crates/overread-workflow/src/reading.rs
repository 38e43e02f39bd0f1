//! Reading: the viewer, the first impression, and the original report that opens only after it.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use serde::Serialize;

use crate::{StepResult, Workflow};

/// The data of the viewer page, as its script element holds them.
#[derive(Serialize)]
pub struct ViewerData {
    /// The case.
    pub case_id: CaseId,
    /// `/dicom-web`.
    pub dicomweb_root: &'static str,
    /// Studies, newest first.
    pub studies: Vec<ViewerStudy>,
    /// Whose images.
    pub patient: ViewerPatient,
}

/// A study for the viewer.
#[derive(Serialize)]
pub struct ViewerStudy {
    /// DICOM's name.
    pub study_instance_uid: String,
    /// Description.
    pub description: String,
    /// Day, 2026-03-02.
    pub date: String,
    /// Series in order of number.
    pub series: Vec<ViewerSeries>,
}

/// A series for the viewer.
#[derive(Serialize)]
pub struct ViewerSeries {
    /// DICOM's name.
    pub series_instance_uid: String,
    /// Modality.
    pub modality: String,
    /// Description.
    pub description: String,
    /// How many instances.
    pub instances: i64,
}

/// Whose images, shown on every picture.
#[derive(Serialize)]
pub struct ViewerPatient {
    /// Name as the images give it, for reading.
    pub name: String,
    /// Birth date, 2026-03-02.
    pub birth_date: String,
    /// Patient ID.
    pub id: String,
}

/// The state of the first impression for this reviewer.
pub struct FirstImpressionView {
    /// Locked text and when, once locked.
    pub locked: Option<(String, Timestamp)>,
    /// This reader is the reviewer who may lock.
    pub may_lock: bool,
    /// There is an original report to open afterwards.
    pub original_exists: bool,
    /// This reader may open the original report now.
    pub may_open_original: bool,
}

/// How an original report came.
pub enum OriginalInput {
    /// Typed or pasted.
    Pasted(String),
    /// A text file or a PDF with text.
    File {
        /// Name as it came.
        name: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A document that came with a delivery.
    Document(overread_model::ids::DocumentId),
}

/// Who wrote the original report, as typed.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct OriginalFacts {
    /// Day of the report, 2026-03-02; may be empty.
    pub report_date: String,
    /// Who signed it; may be empty.
    pub author: String,
    /// Where; may be empty.
    pub institution: String,
}

/// The original report.
pub struct OriginalReport {
    /// 1 for the first text entered, higher for corrections.
    pub version: i64,
    /// The text, verbatim.
    pub text: String,
    /// `paste`, `text_file`, `pdf`.
    pub source: String,
    /// Day of the report.
    pub report_date: String,
    /// Who signed it.
    pub author: String,
    /// Where.
    pub institution: String,
    /// Entered.
    pub entered_at: Timestamp,
}

/// What the page of the original report shows.
pub struct OriginalView {
    /// The text in force, if this reader may see it.
    pub report: Option<OriginalReport>,
    /// There is one, but this reader (a reviewer before the lock) may not see it yet.
    pub locked_away: bool,
    /// There will be none, and somebody said so.
    pub declared_missing: bool,
    /// Documents that look like a report and could be taken, id and name.
    pub candidates: Vec<(overread_model::ids::DocumentId, String)>,
    /// This reader may enter or correct it (until the comparison is made).
    pub may_enter: bool,
}

/// Returns the viewer's data; the opening is audited and noted as read.
///
/// # Errors
/// `NotFound`, `Forbidden` without the right to see images.
pub async fn viewer(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ViewerData> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Returns the state of the first impression.
///
/// # Errors
/// `NotFound`.
pub async fn first_impression(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<FirstImpressionView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Locks the reviewer's first impression, time-stamped; from now on the original report opens.
///
/// # Errors
/// `NotFound`, `Forbidden` unless the accepted reviewer, `Invalid` when empty or locked already.
pub async fn lock_first_impression(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    text: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, text.len(), now))
}

/// Returns the page of the original report; showing the text is audited and noted as read.
///
/// # Errors
/// `NotFound`.
pub async fn original(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<OriginalView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Enters (or corrects) the original report.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for an empty text, a file that is no text, or a scan: its text must be typed.
pub async fn enter_original(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    input: OriginalInput,
    facts: &OriginalFacts,
    now: Timestamp,
) -> StepResult<()> {
    let _ = input;
    crate::unfinished((ctx, actor, case_id, facts.author.len(), now))
}

/// Says that there is no original report to compare with.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` when there is one.
pub async fn declare_original_missing(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, reason, now))
}
