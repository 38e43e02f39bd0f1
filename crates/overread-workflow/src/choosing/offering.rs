//! An offer as the reviewer it was made to sees it: looked at, accepted, declined.

use overread_model::access::Actor;
use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_model::ids::{CaseId, ReviewTaskId};
use overread_model::time::Timestamp;
use overread_store::review_tasks::{self, TaskRow};
use overread_store::{Tx, coverages};
use serde::Deserialize;

use crate::casework::{self, CaseFile, Said, checked_reason, checked_text};
use crate::{StepError, StepResult, Workflow, exams, limits, reading};

/// What a reviewer sees of an offer before accepting: no name, no images.
pub struct OfferView {
    /// The task.
    pub task_id: ReviewTaskId,
    /// Version of the case.
    pub version: i64,
    /// `MRI lumbar spine`.
    pub exam: String,
    /// Question.
    pub question: String,
    /// Urgency.
    pub urgency: String,
    /// Where the exam was done, as the request and the images name it: for the conflict statement.
    pub facility: String,
    /// Who read it first: for the conflict statement; empty when unknown.
    pub first_reader: String,
    /// Region of the patient: for the licence.
    pub patient_region: String,
    /// Answer wanted by.
    pub respond_by: Option<Timestamp>,
    /// Report wanted by, if accepted now.
    pub report_due_at: Timestamp,
    /// Agreed fee in cents.
    pub fee_cents: Option<i64>,
    /// Currency.
    pub currency: String,
    /// How many studies and images.
    pub study_count: i64,
    /// How many images.
    pub instance_count: i64,
}

/// What a reviewer declares when accepting.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AcceptOffer {
    /// Did not read this exam first, and is not in the first reader's group.
    pub independent: bool,
    /// Has the licence that is needed.
    pub licensed: bool,
    /// What else should be known; may be empty.
    pub statement: String,
}

/// Says whether the actor was asked to read the case and has not accepted: nothing but the offer opens.
///
/// # Errors
/// `NotFound`.
pub async fn is_only_offered(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<bool> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load_or_offer(&mut tx, actor, case_id, now).await?;
    Ok(file.offer_only)
}

/// Returns the offer to the reviewer it was made to.
///
/// # Errors
/// `NotFound` for everybody else.
pub async fn offer(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<OfferView> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load_or_offer(&mut tx, actor, case_id, now).await?;
    let task = asked_task(&file)?.clone();
    let coverage = coverages::find(&mut tx, case_id).await?.unwrap_or_default();
    let studies = reading::studies_shown(&mut tx, &file).await?;
    let intake = &file.intake;
    let mut places = exams::institutions(&mut tx, case_id).await?;
    let typed = intake.exam.facility.trim();
    if !typed.is_empty() && !places.iter().any(|place| place == typed) {
        places.insert(0, typed.to_owned());
    }
    let due = CaseState::InReview.due_at(&file.facts, &ctx.config.calendar, now);
    let view = OfferView {
        task_id: task.id.parse().map_err(StepError::internal)?,
        version: file.row.version,
        exam: file.row.title.clone(),
        question: intake.why.question.clone(),
        urgency: file.row.urgency.clone(),
        facility: places.join("; "),
        first_reader: intake.exam.first_reader.clone(),
        patient_region: ctx.knowledge.regions.words(&intake.who.patient_region),
        respond_by: task.respond_by.map(Timestamp::from_micros),
        report_due_at: due.unwrap_or(now),
        fee_cents: coverage.quote_cents,
        currency: coverage.currency,
        study_count: i64::try_from(studies.len()).unwrap_or(i64::MAX),
        instance_count: studies.iter().map(|study| study.instance_count).sum(),
    };
    casework::note_read(&mut tx, actor, case_id, "offer", now).await?;
    tx.commit().await?;
    Ok(view)
}

/// Accepts: offered -> in_review; the grant to read and write begins.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid` when not independent, not licensed, or not blind to the first reading.
pub async fn accept(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    form: &AcceptOffer,
    now: Timestamp,
) -> StepResult<()> {
    let statement = checked_text(
        "statement",
        &form.statement,
        limits::LONG_TEXT_CHARACTERS,
        None,
    )?;
    let mut problems = Vec::new();
    if !form.independent {
        problems.push(crate::FieldProblem::new(
            "independent",
            "Confirm that you are independent of the first reading, or decline.",
        ));
    }
    if !form.licensed {
        problems.push(crate::FieldProblem::new(
            "licensed",
            "Confirm that your licence covers this reading, or decline.",
        ));
    }
    crate::error::refuse_if_any(problems)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load_or_offer(&mut tx, actor, case_id, now).await?;
    let task = asked_task(&file)?.clone();
    file.expect(version)?;
    // Since the choice the report may have been opened, or have come.
    let seen = review_tasks::seen_first_reading(&mut tx, case_id).await?;
    if seen.contains(&task.reviewer_id) {
        return Err(StepError::invalid(
            "",
            "You have opened or entered the original report or papers of this case, so your first impression would not be blind. \
             Decline the offer, so that somebody else can be asked.",
        ));
    }
    file.facts.reviewer.conflict_stated = true;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::Accept,
        Said::default(),
        now,
    )
    .await?;
    review_tasks::accept(&mut tx, &task.id, true, statement, now).await?;
    Ok(tx.commit().await?)
}

/// Declines with a reason: offered -> matching; not asked again for this case.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid` without a reason.
pub async fn decline(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load_or_offer(&mut tx, actor, case_id, now).await?;
    let task = asked_task(&file)?.clone();
    file.expect(version)?;
    file.facts.given.reason = true;
    let said = Said {
        note: reason,
        staff_only: true,
    };
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::Decline,
        said,
        now,
    )
    .await?;
    review_tasks::end(&mut tx, &task.id, "declined", reason, now).await?;
    Ok(tx.commit().await?)
}

/// Sends the offer to the chosen reviewer in the transaction that settled the cost.
pub(crate) async fn send_offer(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<()> {
    let task = file
        .task
        .as_ref()
        .filter(|task| task.state == "chosen")
        .ok_or_else(|| StepError::invalid("", "Choose a reviewer first."))?;
    let respond_by = CaseState::Offered.due_at(&file.facts, &ctx.config.calendar, now);
    Ok(review_tasks::offer(tx, &task.id, respond_by, now).await?)
}

/// Returns the task when the actor is the reviewer who was asked and has not answered.
fn asked_task(file: &CaseFile) -> StepResult<&TaskRow> {
    let task = file
        .task
        .as_ref()
        .filter(|task| task.state == "offered" && file.wears(CaseRole::Reviewer));
    task.ok_or(StepError::NotFound)
}
