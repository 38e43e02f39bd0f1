//! Cases as lists and as a journey: what is done, what is next, whose turn, by when.

use overread_model::access::{Actor, Right};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use overread_model::access::Role;
use overread_model::case::{
    self, CaseEvent, CaseRole, CaseState, StepState, next_action, now_sentence, possible_events,
};
use overread_model::intake::UrgencyLevel;
use overread_store::audit::{self, AuditEvent};
use overread_store::cases::{self as rows, Which};
use overread_store::{Tx, timeline};

use crate::casework::{self, CaseFile, Said, checked_reason};
use crate::{StepError, StepResult, Workflow, limits, reading};

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
    let mut tx = ctx.store.begin().await?;
    let file = casework::load_or_offer(&mut tx, actor, case_id, now).await?;
    audit::record(
        &mut tx,
        actor,
        &AuditEvent::new("case.opened").in_case(case_id),
        now,
    )
    .await?;
    let view = view_of(&mut tx, ctx, actor, &file, now).await?;
    tx.commit().await?;
    Ok(view)
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
    let reason = checked_reason(reason)?;
    move_on(
        ctx,
        actor,
        case_id,
        version,
        (CaseEvent::Withdraw, reason),
        now,
    )
    .await
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
    let reason = checked_reason(reason)?;
    move_on(ctx, actor, case_id, version, (CaseEvent::Hold, reason), now).await
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
    move_on(ctx, actor, case_id, version, (CaseEvent::Resume, ""), now).await
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
    let reason = checked_reason(reason)?;
    move_on(
        ctx,
        actor,
        case_id,
        version,
        (CaseEvent::Reopen, reason),
        now,
    )
    .await
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

/// Moves a case by an event that needs nothing but a reason.
async fn move_on(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    what: (CaseEvent, &str),
    now: Timestamp,
) -> StepResult<()> {
    let (event, note) = what;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    file.facts.given.reason = !note.is_empty();
    let held = file.state == CaseState::OnHold;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        event,
        Said {
            note,
            staff_only: false,
        },
        now,
    )
    .await?;
    // A revoked consent took the reviewer's grants; they come back only with a consent in force.
    if held && is_being_read(file.state) && file.facts.consent.is_complete() {
        casework::give_reviewer(&mut tx, &file, actor, None, now).await?;
    }
    Ok(tx.commit().await?)
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

async fn view_of(
    tx: &mut Tx,
    ctx: &Workflow,
    actor: &Actor,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<CaseView> {
    let row = row_of(file, now);
    let intake = &file.intake;
    let sentence = now_sentence(
        file.state,
        &file.facts,
        &file.hats,
        &ctx.config.calendar,
        now,
    );
    let hidden = file.offer_only;
    let shown = |text: &str| {
        if hidden {
            String::new()
        } else {
            text.to_owned()
        }
    };
    let with_staff = casework::is_staff(actor);
    let lines = if hidden {
        Vec::new()
    } else {
        timeline::list(tx, &file.case_id, with_staff, limits::TIMELINE_ROWS).await?
    };
    let sees_answers = (file.wears(CaseRole::Coordinator) || file.wears(CaseRole::Requester))
        && !reading::is_before_lock(file);
    Ok(CaseView {
        version: file.row.version,
        patient_birth_date: shown(&intake.who.patient_birth_date),
        exam_date: shown(&intake.exam.date),
        facility: intake.exam.facility.clone(),
        question: intake.why.question.clone(),
        stations: stations_of(tx, file).await?,
        next: next_of(file, &row, &sentence),
        sentence,
        timeline: lines
            .into_iter()
            .map(|line| line_of(line, sees_answers))
            .collect(),
        reads: if sees_answers {
            reads(tx, &file.case_id).await?
        } else {
            Vec::new()
        },
        rights: file.rights.clone(),
        events: possible_events(file.state, &file.hats, &file.facts, now)
            .into_iter()
            .map(|(event, _)| event.as_str().to_owned())
            .collect(),
        related: if hidden {
            Vec::new()
        } else {
            related(tx, actor, file, now).await?
        },
        row,
    })
}

async fn stations_of(tx: &mut Tx, file: &CaseFile) -> StepResult<Vec<Station>> {
    let reached = timeline::first_reached(tx, &file.case_id).await?;
    let when = |states: &[CaseState]| {
        let times = reached
            .iter()
            .filter(|(state, _)| states.iter().any(|wanted| wanted.as_str() == state));
        times.map(|(_, at)| *at).min().map(Timestamp::from_micros)
    };
    use CaseState as S;
    let at = |station: case::Station| match station {
        case::Station::Ask => file.facts.intake.submitted_at,
        case::Station::Consent => when(&[S::RecordsCollecting]),
        case::Station::Records => when(&[S::RecordsCheck]),
        case::Station::Check => when(&[S::Matching]),
        case::Station::Choose => when(&[S::CoveragePending]),
        case::Station::Cost => when(&[S::Offered]),
        case::Station::Read => file
            .task
            .as_ref()
            .and_then(|task| task.first_impression_at)
            .map(Timestamp::from_micros)
            .or(when(&[S::InReview])),
        case::Station::Report => file.facts.report.signed_at,
        case::Station::Compare | case::Station::Act => file.facts.report.delivered_at,
    };
    let steps = case::journey(file.state, &file.facts, &file.hats);
    Ok(steps
        .into_iter()
        .map(|step| Station {
            key: step.station.as_str(),
            title: step.title,
            state: match step.state {
                StepState::Done => StationState::Done,
                StepState::Current => StationState::Now,
                StepState::Waiting => StationState::Later,
                StepState::NotNeeded => StationState::Skipped,
            },
            at: at(step.station)
                .filter(|_| matches!(step.state, StepState::Done | StepState::Current)),
        })
        .collect())
}

fn next_of(file: &CaseFile, row: &CaseRow, sentence: &str) -> Option<NextStep> {
    if file.state.is_end() {
        return None;
    }
    let next = next_action(file.state, &file.facts, &file.hats);
    let page = next.as_ref().map_or("", |next| match next.event {
        Some(CaseEvent::ConsentSigned) => "consent",
        Some(CaseEvent::CoverageCleared) => "cost",
        _ => next.page,
    });
    let path = match &next {
        None => String::new(),
        Some(_) if page.is_empty() => format!("/cases/{}", file.case_id),
        Some(_) => format!("/cases/{}/{page}", file.case_id),
    };
    Some(NextStep {
        sentence: sentence.to_owned(),
        action: next.map_or_else(String::new, |next| next.label.to_owned()),
        path,
        whose_turn: row.whose_turn.clone(),
        yours: row.your_turn,
        due_at: row.due_at,
        overdue: row.overdue,
    })
}

/// Returns a line for people. What was corrected in the request tells of the first reading: only who sees the request sees it.
fn line_of(line: timeline::TimelineRow, sees_answers: bool) -> TimelineRow {
    let hides_note = line.event == crate::asking::CORRECTED && !sees_answers;
    TimelineRow {
        at: Timestamp::from_micros(line.at),
        who: line.who.unwrap_or_else(|| "Overread".to_owned()),
        what: line.what,
        note: if hides_note { String::new() } else { line.note },
    }
}

/// Lists who has read what.
pub(crate) async fn reads(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<ReadRow>> {
    let list = timeline::reads(tx, case_id, limits::TIMELINE_ROWS).await?;
    Ok(list
        .into_iter()
        .map(|row| ReadRow {
            who: row.who.unwrap_or_else(|| "Unknown".to_owned()),
            as_what: match row.role.parse::<Role>() {
                Ok(role) => role.title().to_owned(),
                Err(_) => "Share link".to_owned(),
            },
            what: row.what,
            first_at: Timestamp::from_micros(row.first_at),
            last_at: Timestamp::from_micros(row.last_at),
            times: row.times,
        })
        .collect())
}

async fn related(
    tx: &mut Tx,
    actor: &Actor,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<Vec<RelatedCase>> {
    let mut found = Vec::new();
    if let Some(parent) = file
        .row
        .parent_id
        .as_deref()
        .and_then(|id| id.parse::<CaseId>().ok())
    {
        found.extend(
            rows::find(tx, &parent)
                .await?
                .map(|row| (row, "case before this one")),
        );
    }
    found.extend(
        rows::children(tx, &file.case_id)
            .await?
            .into_iter()
            .map(|row| (row, "third opinion")),
    );
    let mut list = Vec::new();
    for (row, relation) in found {
        let case_id = row.case_id()?;
        if !casework::rights(tx, actor, &case_id, now)
            .await?
            .contains(&Right::ViewCase)
        {
            continue;
        }
        let state: CaseState = row.state.parse().map_err(StepError::internal)?;
        list.push(RelatedCase {
            case_id,
            number: row.number,
            relation,
            state_title: state.title().to_owned(),
        });
    }
    Ok(list)
}

/// Sets another urgency: raising is free, lowering needs a reason.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Stale`, `Invalid`.
pub async fn set_urgency(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    level: &str,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let wanted = UrgencyLevel::from_text(level)
        .ok_or_else(|| StepError::invalid("urgency", "Choose from the list."))?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    file.expect(version)?;
    let level = overread_model::intake::change_urgency(
        file.facts.urgency,
        wanted,
        !reason.trim().is_empty(),
    )
    .map_err(|problem| StepError::Invalid(vec![problem]))?;
    file.row.urgency = level.as_str().to_owned();
    file.facts.urgency = level;
    set_due(ctx, &mut file);
    file.save(&mut tx).await?;
    let said = Said {
        note: reason.trim(),
        staff_only: false,
    };
    casework::note(
        &mut tx,
        &file,
        actor,
        "case.urgency_set",
        "The urgency was changed",
        said,
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Sets when the present state is due, counted from its beginning.
pub(crate) fn set_due(ctx: &Workflow, file: &mut CaseFile) {
    let since = Timestamp::from_micros(file.row.state_since);
    let due_at = file.state.due_at(&file.facts, &ctx.config.calendar, since);
    file.row.due_at = due_at.map(Timestamp::as_micros);
}
