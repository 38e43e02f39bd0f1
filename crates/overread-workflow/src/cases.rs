//! Cases as lists and as a journey: what is done, what is next, whose turn, by when.

use overread_model::access::{Actor, Right};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::{StepResult, Workflow};

/// Which cases a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CaseFilter {
    /// Not ended.
    #[default]
    Open,
    /// Past their time.
    Overdue,
    /// Ended.
    Ended,
    /// Everything.
    All,
}

/// One row of the list of cases.
pub struct CaseRow {
    /// The case.
    pub case_id: CaseId,
    /// Number people say on the phone: `2026-00017`; none while a draft.
    pub number: Option<String>,
    /// `MRI lumbar spine`, or words for an empty draft.
    pub title: String,
    /// Patient's name; shown only to those who may see the case.
    pub patient_name: String,
    /// State: `records_collecting`.
    pub state: String,
    /// State in words.
    pub state_title: String,
    /// `urgent`, `expedited`, `standard`; empty while unanswered.
    pub urgency: String,
    /// What happens next.
    pub next: String,
    /// Whose turn: `you`, `the coordinator`, `the reviewer`, `the hospital` ...
    pub whose_turn: String,
    /// It is the reader's own turn.
    pub your_turn: bool,
    /// By when.
    pub due_at: Option<Timestamp>,
    /// Past that.
    pub overdue: bool,
    /// In this state since.
    pub since: Timestamp,
    /// Started.
    pub created_at: Timestamp,
}

/// How far a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StationState {
    /// Behind us.
    Done,
    /// Here we are.
    Now,
    /// To come.
    Later,
    /// Not taken (ended before, or not needed).
    Skipped,
}

/// One station of the journey.
pub struct Station {
    /// `ask`, `consent`, `records`, `check`, `choose`, `cover`, `read`, `report`, `compare`, `act`.
    pub key: &'static str,
    /// In words.
    pub title: &'static str,
    /// How far.
    pub state: StationState,
    /// When it was reached or done, if it was.
    pub at: Option<Timestamp>,
}

/// The next thing to do.
pub struct NextStep {
    /// In one sentence for this reader: `Please sign the consent, so that we may ask the hospital for the images.`
    pub sentence: String,
    /// Text of the button: `Sign consent`; empty when this reader only waits.
    pub action: String,
    /// Path of the page where it is done: `/cases/…/consent`; empty when this reader only waits.
    pub path: String,
    /// Whose turn.
    pub whose_turn: String,
    /// It is this reader's turn.
    pub yours: bool,
    /// By when.
    pub due_at: Option<Timestamp>,
    /// Past that.
    pub overdue: bool,
}

/// One line of what happened.
pub struct TimelineRow {
    /// When.
    pub at: Timestamp,
    /// Who, in words: a name, or `Overread`.
    pub who: String,
    /// What, in words.
    pub what: String,
    /// Reason or remark; empty for none.
    pub note: String,
}

/// Who has read what, and when.
pub struct ReadRow {
    /// Who.
    pub who: String,
    /// As what: role title, or `share link`.
    pub as_what: String,
    /// What: `second report`, `comparison`, `images`, `original report`.
    pub what: String,
    /// First time.
    pub first_at: Timestamp,
    /// Last time.
    pub last_at: Timestamp,
    /// How often.
    pub times: i64,
}

/// A child or parent case.
pub struct RelatedCase {
    /// Which.
    pub case_id: CaseId,
    /// Its number.
    pub number: Option<String>,
    /// `third opinion`, or `case before this one`.
    pub relation: &'static str,
    /// Its state in words.
    pub state_title: String,
}

/// Everything the page of one case shows.
pub struct CaseView {
    /// The list row's facts.
    pub row: CaseRow,
    /// Version to hand back with changes.
    pub version: i64,
    /// Patient's birth date as typed.
    pub patient_birth_date: String,
    /// Exam day as typed.
    pub exam_date: String,
    /// Where the exam was done.
    pub facility: String,
    /// Question for the reviewer.
    pub question: String,
    /// The state in one sentence for this reader, dates written out.
    pub sentence: String,
    /// All stations.
    pub stations: Vec<Station>,
    /// What is next; none when the case ended.
    pub next: Option<NextStep>,
    /// What happened, newest first; staff-only rows left out for others.
    pub timeline: Vec<TimelineRow>,
    /// Who has read what.
    pub reads: Vec<ReadRow>,
    /// What this reader may do here.
    pub rights: Vec<Right>,
    /// Events of the state machine this reader may trigger now: `withdraw`, `hold`, `submit`.
    pub events: Vec<String>,
    /// Parent and children.
    pub related: Vec<RelatedCase>,
}

/// Counts for the top of the list.
pub struct CaseCounts {
    /// Not ended.
    pub open: i64,
    /// Not ended and past their time.
    pub overdue: i64,
    /// Ended.
    pub ended: i64,
}

/// Lists the cases the actor may see: overdue first, then the longest waiting. At most `limits::CASES_ON_A_PAGE`.
///
/// # Errors
/// Fails when the store does.
pub async fn list(
    ctx: &Workflow,
    actor: &Actor,
    filter: CaseFilter,
    now: Timestamp,
) -> StepResult<Vec<CaseRow>> {
    crate::unfinished((ctx, actor, filter, now))
}

/// Counts the cases the actor may see.
///
/// # Errors
/// Fails when the store does.
pub async fn counts(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<CaseCounts> {
    crate::unfinished((ctx, actor, now))
}

/// Returns the case with its journey; the visit is audited.
///
/// # Errors
/// `NotFound`.
pub async fn journey(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CaseView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Withdraws the case; everyone's grants but the requester's end.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` when the state does not allow it.
pub async fn withdraw(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, reason, now))
}

/// Puts the case on hold; clocks stop.
///
/// # Errors
/// As [`withdraw`].
pub async fn hold(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, reason, now))
}

/// Takes the case off hold.
///
/// # Errors
/// As [`withdraw`].
pub async fn resume(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, now))
}

/// Reopens an expired or closed case.
///
/// # Errors
/// As [`withdraw`].
pub async fn reopen(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, reason, now))
}
