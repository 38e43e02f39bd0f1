//! The wizard: who, exam, why now, urgency, review. Saved step by step, submitted once.

mod answers;
mod correcting;
pub mod fields;
mod lacking;
mod sides;

use lacking::{check_choices, check_lengths, opposite_sides_of, problems_of, tidy_region};
use overread_model::access::{Actor, Right, Role};
use overread_model::case::{CaseEvent, CaseFacts, CaseState};
use overread_model::ids::CaseId;
use overread_model::intake::{UrgencyFacts, UrgencyLevel, advise, urgency};
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::audit::{self, AuditEvent};
use overread_store::cases::{self, CaseRow};
use overread_store::{Tx, grants, people};

use crate::casework::{self, CaseFile, Intake, Said};
use crate::{StepError, StepResult, Workflow, checking, exams, inviting, limits, reading};

pub use answers::{AskStep, Exam, Urgency, Who, Why};
pub(crate) use correcting::{CORRECTED, correct_in, is_correctable, may_correct};
pub use correcting::{correct, correct_together};
pub(crate) use sides::differing_answers;

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
    /// Which answers in own words are of another place or side than the scan: to be asked, and no reason to keep it.
    pub differing_answers: Vec<String>,
    /// Keys of the answers in own words that name a side.
    pub sided_answers: Vec<&'static str>,
    /// It can be sent.
    pub can_submit: bool,
    /// A red flag was answered with yes: nothing else was kept, the emergency text must show.
    pub emergency: bool,
    /// It was sent: nothing is saved here any more, only corrected.
    pub sent: bool,
    /// This reader may correct it.
    pub may_correct: bool,
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

/// Starts a case as a draft; the starter gets every right on it that a requester has, and finds their own name and address
/// filled in, unless a coordinator writes down what somebody else asks.
///
/// # Errors
/// `Forbidden` for roles that do not ask (reviewer, administrator, machine); `Limit` on too many open drafts.
pub async fn start(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<CaseId> {
    let person_id = casework::person_of(actor)?;
    let asks = matches!(
        actor.role(),
        Some(
            Role::Patient
                | Role::Representative
                | Role::ReferringPhysician
                | Role::Insurer
                | Role::Coordinator
        )
    );
    if !asks {
        return Err(StepError::Forbidden);
    }
    let mut tx = ctx.store.begin().await?;
    if cases::draft_count(&mut tx, person_id.as_str()).await? >= limits::DRAFTS_PER_PERSON {
        return Err(StepError::Limit(
            "You have too many unfinished requests. Finish or discard one first.".to_owned(),
        ));
    }
    let case_id = casework::new_id(CaseId::from_random)?;
    let due_at = CaseState::Draft.due_at(&CaseFacts::default(), &ctx.config.calendar, now);
    let mut intake = Intake::default();
    if actor.role() != Some(Role::Coordinator)
        && let Some(person) = people::find(&mut tx, person_id).await?
    {
        intake.who.sender_name = person.name;
        intake.who.sender_email = person.email;
        intake.who.language = person.language;
    }
    let row = draft_row(&case_id, person_id.as_str(), &intake, due_at, now)?;
    cases::insert(&mut tx, &row).await?;
    join(&mut tx, actor, &case_id, now).await?;
    audit::record(
        &mut tx,
        actor,
        &AuditEvent::new("case.started").in_case(&case_id),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(case_id)
}

/// Returns what was typed, for those who ask and those who work for them.
///
/// # Errors
/// `NotFound`, also for a reviewer, and before the lock in whatever role: the answers tell of the first reading.
pub async fn answers(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<AskView> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    if file.require(Right::AddRecords).is_err() || reading::is_before_lock(&file) {
        return Err(StepError::NotFound);
    }
    Ok(view_of(ctx, file, now))
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
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    Ok(view_of(ctx, file, now))
}

/// Says that images already in the case are of the other side than the request names, unless a coordinator confirmed it; nothing
/// to who reads the case before the lock, since it names the exams.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn other_side(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Option<String>> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    if reading::is_before_lock(&file) || checking::is_side_confirmed(&mut tx, case_id).await? {
        return Ok(None);
    }
    exams::other_side(&mut tx, ctx, case_id, &file.intake).await
}

fn view_of(ctx: &Workflow, file: CaseFile, now: Timestamp) -> AskView {
    let problems = problems_of(ctx, &file.intake, now);
    let may_correct = correcting::may_correct(&file);
    let differing_answers = differing_answers(ctx, &file.intake);
    let sided_answers = sides::naming_a_side(ctx, &file.intake.why);
    let Intake {
        who,
        exam,
        why,
        urgency,
    } = file.intake;
    AskView {
        case_id: file.case_id,
        version: file.row.version,
        can_submit: problems.is_empty() && file.state == CaseState::Draft,
        problems,
        differing_answers,
        sided_answers,
        urgency_level: Some(file.row.urgency).filter(|level| !level.is_empty()),
        advice: Some(
            advise(&why.triggers, &ctx.knowledge.intake)
                .as_str()
                .to_owned(),
        ),
        emergency: file.row.emergency != 0,
        sent: file.state != CaseState::Draft,
        may_correct,
        who,
        exam,
        why,
        urgency,
    }
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
    mut step: AskStep,
    now: Timestamp,
) -> StepResult<Saved> {
    check_lengths(&step)?;
    tidy_region(ctx, &mut step);
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    file.require_state(
        &[CaseState::Draft],
        "The request was sent already and cannot be changed here.",
    )?;
    file.expect(version)?;
    check_choices(ctx, &step)?;
    match step {
        AskStep::Who(who) => file.intake.who = who,
        AskStep::Exam(exam) => file.intake.exam = exam,
        AskStep::Why(why) => file.intake.why = why,
        AskStep::Urgency(answers) if !answers.red_flags.is_empty() => {
            stop_for_emergency(&mut tx, ctx, &mut file, now).await?;
            tx.commit().await?;
            return Ok(Saved::Emergency);
        }
        AskStep::Urgency(answers) => file.intake.urgency = answers,
    }
    fill_columns(&mut file, now)?;
    file.save(&mut tx).await?;
    audit::record(
        &mut tx,
        actor,
        &AuditEvent::new("case.draft_saved").in_case(case_id),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(Saved::Kept {
        version: file.row.version,
    })
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
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    if file.state == CaseState::Draft {
        crate::error::refuse_if_any(problems_of(ctx, &file.intake, now))?;
    }
    fill_columns(&mut file, now)?;
    let event = if file.facts.consent.is_complete() {
        CaseEvent::SubmitWithConsent
    } else {
        CaseEvent::Submit
    };
    casework::apply(&mut tx, ctx, &mut file, actor, event, Said::default(), now).await?;
    Ok(tx.commit().await?)
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
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    erase(&mut file)?;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::Discard,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Returns the row of a new draft.
pub(crate) fn draft_row(
    case_id: &CaseId,
    created_by: &str,
    intake: &Intake,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> StepResult<CaseRow> {
    Ok(CaseRow {
        id: case_id.as_str().to_owned(),
        number: None,
        parent_id: None,
        state: CaseState::Draft.as_str().to_owned(),
        held_from: None,
        expired_at: None,
        due_at: due_at.map(Timestamp::as_micros),
        review_left_seconds: None,
        hold_left_seconds: None,
        version: 1,
        created_by: created_by.to_owned(),
        created_at: now.as_micros(),
        state_since: now.as_micros(),
        submitted_at: None,
        delivered_at: None,
        ended_at: None,
        urgency: String::new(),
        title: String::new(),
        patient_name: String::new(),
        intake: serde_json::to_string(intake).map_err(StepError::internal)?,
        emergency: 0,
        identity_confirmed: 0,
        original_missing: 0,
        follow_up_wanted: 0,
        follow_up_declined: 0,
        outcome: None,
    })
}

/// Ties the starter to the case; physicians and insurers are the asking side too.
async fn join(tx: &mut Tx, actor: &Actor, case_id: &CaseId, now: Timestamp) -> StepResult<()> {
    let role = actor.role().ok_or(StepError::Forbidden)?;
    if role != Role::Coordinator {
        inviting::join_case(tx, actor, case_id, role, now).await?;
    }
    Ok(grants::tie(tx, case_id, actor.id(), "asked").await?)
}

/// Sets the columns that lists and rules read from what was typed.
pub(crate) fn fill_columns(file: &mut CaseFile, now: Timestamp) -> StepResult<()> {
    let Intake {
        who,
        exam,
        urgency: answers,
        ..
    } = &file.intake;
    let parts = [
        exam.name.trim(),
        exam.modality.trim(),
        exam.body_part.trim(),
    ];
    let title = match parts {
        [name, ..] if !name.is_empty() => name.to_owned(),
        [_, modality, part] => format!("{modality} {part}").trim().to_owned(),
    };
    let facts = UrgencyFacts {
        red_flag: !answers.red_flags.is_empty(),
        treatment_on: answers.treatment_date.parse::<CalendarDate>().ok(),
        urgent_reason_given: !answers.urgent_reason.trim().is_empty(),
        inpatient: answers.inpatient,
    };
    let level = urgency(&facts, now.date()).0;
    file.row.title = title;
    file.row.patient_name = who.patient_name.trim().to_owned();
    file.row.urgency = if answers.answered {
        level.as_str().to_owned()
    } else {
        String::new()
    };
    file.row.intake = serde_json::to_string(&file.intake).map_err(StepError::internal)?;
    file.facts.urgency = UrgencyLevel::from_text(&file.row.urgency).unwrap_or_default();
    file.facts.treatment_on = facts.treatment_on;
    Ok(())
}

/// Takes everything typed out of the row.
fn erase(file: &mut CaseFile) -> StepResult<()> {
    file.intake = Intake::default();
    file.row.intake = serde_json::to_string(&file.intake).map_err(StepError::internal)?;
    for text in [
        &mut file.row.title,
        &mut file.row.patient_name,
        &mut file.row.urgency,
    ] {
        text.clear();
    }
    Ok(())
}

/// Ends the case and keeps the flag alone: an emergency is no second-opinion case.
async fn stop_for_emergency(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    now: Timestamp,
) -> StepResult<()> {
    erase(file)?;
    file.row.emergency = 1;
    file.facts.intake.red_flag_raised = true;
    file.hats.push(overread_model::case::CaseRole::System);
    casework::apply(
        tx,
        ctx,
        file,
        &Actor::System,
        CaseEvent::EmergencyFlagged,
        Said::default(),
        now,
    )
    .await?;
    Ok(())
}
