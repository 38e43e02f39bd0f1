//! A case as its reader sees it: stations, next step, timeline, who looked.

use overread_model::access::{Actor, Right, Role};
use overread_model::case::{
    self, CaseEvent, CaseRole, CaseState, StepState, next_action, now_sentence, possible_events,
};
use overread_model::ids::CaseId;
use overread_model::text::listed;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::cases as rows;
use overread_store::{Tx, timeline};

use super::told::{self, Decision};
use super::{CaseRow, row_of};
use crate::casework::{self, CaseFile};
use crate::{StepError, StepResult, Workflow, asking, limits, reading, reporting};

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
    /// The addendum that was signed since this reader last opened a page that shows it.
    pub missed_addendum: Option<Timestamp>,
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
    /// What the coordinator must look at: papers or images that seem to be of another exam.
    pub warnings: Vec<String>,
    /// Answers that name another place or side than the scan, for the coordinator of an open case.
    pub differing_answers: Vec<String>,
    /// Letters that went out naming another patient or exam than the request does now, each in a sentence.
    pub letters_astray: Vec<String>,
    /// What the treating physician decided, once recorded; only for those who may read the result.
    pub decision: Option<Decision>,
    /// All stations.
    pub stations: Vec<Station>,
    /// What is next; none when the case ended.
    pub next: Option<NextStep>,
    /// What happened, newest first; staff-only rows left out for others.
    pub timeline: Vec<TimelineRow>,
    /// Who has read what.
    pub reads: Vec<ReadRow>,
    /// This reader may correct what was asked.
    pub may_correct: bool,
    /// This reader was asked to read the case and sees nothing of it before accepting.
    pub offer_only: bool,
    /// What this reader may do here.
    pub rights: Vec<Right>,
    /// Events of the state machine this reader may trigger now: `withdraw`, `hold`, `submit`.
    pub events: Vec<String>,
    /// Parent and children.
    pub related: Vec<RelatedCase>,
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
        warnings: told::warnings(tx, file).await?,
        differing_answers: told::differing_answers(ctx, file),
        letters_astray: told::sent_astray(tx, ctx, file).await?,
        decision: told::decision(tx, file).await?,
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
        may_correct: !hidden && asking::may_correct(file),
        offer_only: hidden,
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
    // Who may not look at the papers of the case is not sent to the pages that show them.
    let next = next.filter(|_| {
        file.rights.contains(&Right::ViewDocuments) || !matches!(page, "records" | "letters")
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

/// Returns the roles of a reader in words.
fn roles_of(words: &str) -> String {
    let roles = words
        .split(' ')
        .filter_map(|word| word.parse::<Role>().ok());
    let titles: Vec<&str> = roles.map(Role::title).collect();
    if titles.is_empty() {
        "Share link".to_owned()
    } else {
        listed(&titles)
    }
}

/// Returns the newest addendum when a reader of the result has opened none of the pages that show it since.
fn missed_addendum(
    row: &timeline::ReadRow,
    all: &[timeline::ReadRow],
    addenda: &[Timestamp],
) -> Option<Timestamp> {
    let shows =
        |row: &timeline::ReadRow| matches!(row.what.as_str(), "second report" | "comparison");
    let newest = addenda.last().copied()?;
    let has_seen = all.iter().any(|other| {
        shows(other)
            && (&other.subject_kind, &other.who) == (&row.subject_kind, &row.who)
            && other.last_at >= newest.as_micros()
    });
    // Who reads for the case wrote it.
    let wrote = row.role.split(' ').any(|role| role == "reviewer");
    (shows(row) && !has_seen && !wrote).then_some(newest)
}

/// Lists who has read what.
pub(crate) async fn reads(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<ReadRow>> {
    let list = timeline::reads(tx, case_id, limits::TIMELINE_ROWS).await?;
    let addenda = reporting::addendum_times(tx, case_id).await?;
    let missed: Vec<_> = list
        .iter()
        .map(|row| missed_addendum(row, &list, &addenda))
        .collect();
    Ok(list
        .into_iter()
        .zip(missed)
        .map(|(row, missed_addendum)| ReadRow {
            missed_addendum,
            who: row.who.unwrap_or_else(|| "Unknown".to_owned()),
            as_what: roles_of(&row.role),
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
