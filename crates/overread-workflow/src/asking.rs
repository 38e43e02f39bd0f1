//! The wizard: who, exam, why now, urgency, review. Saved step by step, submitted once.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{StepResult, Workflow};

/// Step 1: who asks, and for whom. Everything is what the person typed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Who {
    /// `patient`, `parent_guardian`, `personal_representative`, `referring_physician` or `insurer`.
    pub requester: String,
    /// Relation to the patient, when another person asks: `mother`.
    pub relation: String,
    /// What the authority rests on, for a representative: `health-care power of attorney`.
    pub authority: String,
    /// Patient's full name.
    pub patient_name: String,
    /// Patient's birth date, 2026-03-02.
    pub patient_birth_date: String,
    /// `F`, `M`, `O` or empty.
    pub patient_sex: String,
    /// Country and state where the patient is: `US-WA`, `ES`.
    pub patient_region: String,
    /// Patient's number at the facility, when known.
    pub patient_mrn: String,
    /// Writer's full name (the patient's when the patient asks).
    pub sender_name: String,
    /// Writer's credentials.
    pub sender_credentials: String,
    /// Writer's postal address, several lines.
    pub sender_address: String,
    /// Writer's phone.
    pub sender_phone: String,
    /// Writer's e-mail.
    pub sender_email: String,
    /// `en` or `es`: language of pages, letters and report.
    pub language: String,
}

/// Step 2: the exam.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exam {
    /// DICOM modality: `MR`, `CT`, `US`, `CR`, `MG`, `PT`, `NM`.
    pub modality: String,
    /// Body part in words: `lumbar spine`.
    pub body_part: String,
    /// Name of the exam as the report says it: `MRI lumbar spine without contrast`.
    pub name: String,
    /// Day of the exam, 2026-03-02.
    pub date: String,
    /// Where it was done.
    pub facility: String,
    /// Postal address of the facility's records department, several lines.
    pub facility_address: String,
    /// Accession number, when known.
    pub accession: String,
    /// Who has the images: `me`, `facility`, `unknown`.
    pub images_at: String,
    /// Who has the first report: `me`, `facility`, `none`, `unknown`.
    pub report_at: String,
    /// Name of the radiologist who signed the first report; never asked to read again.
    pub first_reader: String,
}

/// Step 3: why now.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Why {
    /// Ids of the triggers that apply.
    pub triggers: Vec<String>,
    /// Symptoms or diagnostic doubt, in brief.
    pub symptoms: String,
    /// Diagnosis as told.
    pub diagnosis: String,
    /// Why a second opinion, in own words.
    pub reason: String,
    /// Question for the reviewer.
    pub question: String,
    /// Doctor who treats or referred: name.
    pub physician_name: String,
    /// Doctor's role: `primary care physician`.
    pub physician_role: String,
    /// Doctor's phone.
    pub physician_phone: String,
    /// Doctor's e-mail; gets the link to the result.
    pub physician_email: String,
}

/// Step 4: urgency and red flags.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Urgency {
    /// The questions were answered (none is an answer too).
    pub answered: bool,
    /// Ids of the red flags answered with yes.
    pub red_flags: Vec<String>,
    /// Day of the planned treatment or operation, when there is one.
    pub treatment_date: String,
    /// New cancer with a date to start, fetal anomaly with a limit, or the doctor says urgent: why.
    pub urgent_reason: String,
    /// The patient is in hospital.
    pub inpatient: bool,
}

/// One saved step of the wizard.
#[derive(Clone)]
pub enum AskStep {
    /// Who asks.
    Who(Who),
    /// The exam.
    Exam(Exam),
    /// Why now.
    Why(Why),
    /// Urgency.
    Urgency(Urgency),
}

/// Everything typed so far, and what is still missing.
pub struct AskView {
    /// The case.
    pub case_id: CaseId,
    /// Version to hand back when saving.
    pub version: i64,
    /// Step 1.
    pub who: Who,
    /// Step 2.
    pub exam: Exam,
    /// Step 3.
    pub why: Why,
    /// Step 4.
    pub urgency: Urgency,
    /// `emergent`, `urgent`, `expedited`, `standard`, once step 4 was answered.
    pub urgency_level: Option<String>,
    /// Advice from the triggers: `recommended` or `reasonable`.
    pub advice: Option<String>,
    /// What keeps it from being sent, with the field's name prefixed by its step: `who.patient_name`.
    pub problems: Vec<crate::FieldProblem>,
    /// It can be sent.
    pub can_submit: bool,
    /// A red flag was answered with yes: nothing else was kept, the emergency text must show.
    pub emergency: bool,
}

/// What saving a step led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Kept; the new version.
    Kept {
        /// Version after saving.
        version: i64,
    },
    /// A red flag was answered with yes: the case ended, everything typed was erased, show the emergency text.
    Emergency,
}

/// Starts a case as a draft; the starter gets every right on it that a requester has.
///
/// # Errors
/// `Forbidden` for roles that do not ask (reviewer, administrator, machine); `Limit` on too many open drafts.
pub async fn start(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<CaseId> {
    crate::unfinished((ctx, actor, now))
}

/// Returns what was typed so far.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<AskView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Saves one step; what was typed is kept even when something in it is missing (see [`AskView::problems`]).
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` when a text is too long or a choice unknown.
pub async fn save(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    step: AskStep,
    now: Timestamp,
) -> StepResult<Saved> {
    let _ = step;
    crate::unfinished((ctx, actor, case_id, version, now))
}

/// Sends the request: draft -> consent_pending.
///
/// # Errors
/// `Invalid` with what is missing, `Stale`, `NotFound`, `Forbidden`.
pub async fn submit(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, now))
}

/// Throws a draft away.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` when it is no draft any more.
pub async fn discard(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, now))
}
