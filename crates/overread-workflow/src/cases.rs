//! Cases as lists and as a journey: what is done, what is next, whose turn, by when.

mod journey;
mod moving;
mod told;

use overread_model::access::{Actor, Right};
use overread_model::case::{self, CaseState, next_action};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::cases::{self as rows, Which};

use crate::casework::{self, CaseFile};
use crate::{StepError, StepResult, Workflow, limits};

pub(crate) use journey::reads;
pub use journey::{
    CaseView, NextStep, ReadRow, RelatedCase, Station, StationState, TimelineRow, journey,
};
pub(crate) use moving::set_due;
pub use moving::{hold, reopen, resume, set_urgency, withdraw};
pub use told::Decision;

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
    let mut tx = ctx.store.read().await?;
    let mut list = Vec::new();
    for found in rows::list(&mut tx, actor, filter.into(), now, limits::CASES_ON_A_PAGE).await? {
        match casework::load_or_offer(&mut tx, actor, &found.case_id()?, now).await {
            Ok(file) => list.push(row_of(&file, now)),
            // A grant that ended between both queries.
            Err(StepError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(list)
}

/// Counts the cases the actor may see.
///
/// # Errors
/// Fails when the store does.
pub async fn counts(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<CaseCounts> {
    if !actor
        .role()
        .is_some_and(|role| casework::ceiling(role).contains(&Right::ViewCase))
    {
        return Ok(CaseCounts {
            open: 0,
            overdue: 0,
            ended: 0,
        });
    }
    let mut tx = ctx.store.read().await?;
    Ok(CaseCounts {
        open: rows::count(&mut tx, actor, Which::Open, now).await?,
        overdue: rows::count(&mut tx, actor, Which::Overdue, now).await?,
        ended: rows::count(&mut tx, actor, Which::Ended, now).await?,
    })
}

impl From<CaseFilter> for Which {
    fn from(filter: CaseFilter) -> Self {
        match filter {
            CaseFilter::Open => Self::Open,
            CaseFilter::Overdue => Self::Overdue,
            CaseFilter::Ended => Self::Ended,
            CaseFilter::All => Self::All,
        }
    }
}

/// Says whether a reviewer reads in this state.
const fn is_being_read(state: CaseState) -> bool {
    matches!(
        state,
        CaseState::InReview | CaseState::InfoRequested | CaseState::ReportPreliminary
    )
}

fn row_of(file: &CaseFile, now: Timestamp) -> CaseRow {
    let row = &file.row;
    let due_at = file.facts.clocks.due_at.filter(|_| !file.state.is_end());
    let steps = case::journey(file.state, &file.facts, &file.hats);
    let party = steps.iter().find_map(|step| step.whose_turn);
    let next = next_action(file.state, &file.facts, &file.hats);
    let your_turn = party == Some(case::Party::You) && next.is_some();
    CaseRow {
        case_id: file.case_id.clone(),
        number: row.number.clone(),
        title: if row.title.is_empty() {
            "A request that is being written".to_owned()
        } else {
            row.title.clone()
        },
        // Who it is stays hidden until the reviewer has accepted.
        patient_name: if file.offer_only {
            String::new()
        } else {
            row.patient_name.clone()
        },
        state: file.state.as_str().to_owned(),
        state_title: file.state.title().to_owned(),
        urgency: row.urgency.clone(),
        next: next.map_or_else(|| waiting_for(file.state), |next| next.label.to_owned()),
        whose_turn: party.map_or_else(String::new, |party| party.words().to_owned()),
        your_turn,
        overdue: due_at.is_some_and(|due_at| due_at <= now),
        due_at,
        since: Timestamp::from_micros(row.state_since),
        created_at: Timestamp::from_micros(row.created_at),
    }
}

fn waiting_for(state: CaseState) -> String {
    if state.is_end() {
        String::new()
    } else {
        state.title().to_owned()
    }
}
