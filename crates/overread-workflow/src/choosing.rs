//! Choosing a reviewer: ranked with reasons, offered, accepted or declined.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, ReviewTaskId, ReviewerId};
use overread_model::time::Timestamp;
use serde::Deserialize;

use overread_model::access::Right;
use overread_model::case::{CaseEvent, CaseFacts, CaseRole, CaseState};
use overread_model::choosing::{Ranked, ReviewNeed, check_choice, infer, rank};
use overread_model::intake::UrgencyLevel;
use overread_model::time::CalendarDate;
use overread_store::review_tasks::{self, TaskRow};
use overread_store::{Tx, coverages, reviewers as rows};

use crate::casework::{self, CaseFile, Said, checked_reason, checked_text};
use crate::{StepError, StepResult, Workflow, exams, limits, reading, reviewers};

/// A reviewer as a choice for this case.
pub struct Suggestion {
    /// Names the entry.
    pub reviewer_id: ReviewerId,
    /// Name with credentials.
    pub name: String,
    /// Institution.
    pub institution: String,
    /// `radiologist` or `clinical_specialist`.
    pub kind: String,
    /// Points, higher is better.
    pub score: i64,
    /// Why it fits, one reason an item, in words.
    pub reasons: Vec<String>,
    /// What to think of, one doubt an item, in words.
    pub doubts: Vec<String>,
    /// Why it cannot be chosen; empty when it can.
    pub excluded_because: Vec<String>,
    /// Fee in cents.
    pub fee_cents: Option<i64>,
    /// Currency.
    pub currency: String,
    /// Usual working days.
    pub turnaround_business_days: Option<i64>,
    /// Languages.
    pub languages: Vec<String>,
}

/// An offer made in this case.
pub struct OfferRow {
    /// Names the task.
    pub task_id: ReviewTaskId,
    /// Whom.
    pub reviewer_name: String,
    /// `chosen`, `offered`, `accepted`, `declined`, `lapsed`, `withdrawn`, `done`.
    pub state: String,
    /// Made.
    pub offered_at: Option<Timestamp>,
    /// Answer wanted by.
    pub respond_by: Option<Timestamp>,
    /// Answered.
    pub answered_at: Option<Timestamp>,
    /// Why declined.
    pub decline_reason: String,
}

/// What the page of reviewers shows.
pub struct ChoiceView {
    /// Version of the case.
    pub version: i64,
    /// State of the case.
    pub state: String,
    /// Sub-specialty the exam calls for, in words.
    pub subspecialty: String,
    /// Why: `Study description says LUMBAR SPINE`.
    pub subspecialty_because: Vec<String>,
    /// Not sure: a coordinator must look.
    pub low_confidence: bool,
    /// Nobody can be chosen before the request says where the patient lives.
    pub region_missing: bool,
    /// Radiologists, best first.
    pub radiologists: Vec<Suggestion>,
    /// Clinical specialists, best first.
    pub clinical_specialists: Vec<Suggestion>,
    /// Kinds of clinical specialists that fit, in words.
    pub clinical_kinds: Vec<String>,
    /// Offers so far.
    pub offers: Vec<OfferRow>,
    /// For coordinators: what the requester wrote that the reviewer reads before the first impression is locked.
    pub read_before_lock: Vec<String>,
    /// This reader may choose.
    pub may_choose: bool,
}

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

/// Returns the ranked choice.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ChoiceView> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let may_choose = may_choose(&file);
    let need = need_of(&mut tx, ctx, &file).await?;
    let directory = rows::list(&mut tx, limits::REVIEWERS).await?;
    let entries = directory
        .iter()
        .map(reviewers::entry_of)
        .collect::<StepResult<Vec<_>>>()?;
    let ranking = rank(&entries, &need, &ctx.knowledge.specialties);
    let shown = |ranked: Vec<Ranked>| -> StepResult<Vec<Suggestion>> {
        let row = |ranked: &Ranked| {
            directory
                .iter()
                .find(|row| row.id == ranked.reviewer_id.as_str())
        };
        ranked
            .into_iter()
            .filter_map(|ranked| row(&ranked).map(|row| suggestion(row, ranked)))
            .collect()
    };
    let first = need.suggestions.first();
    let offers = review_tasks::list(&mut tx, case_id).await?;
    Ok(ChoiceView {
        version: file.row.version,
        state: file.state.as_str().to_owned(),
        subspecialty: first.map_or_else(String::new, |first| title_of(ctx, &first.primary)),
        subspecialty_because: first.map_or_else(Vec::new, |first| first.reasons.clone()),
        low_confidence: ranking.low_confidence,
        region_missing: need.patient_region.is_none() && !need.consults_physician,
        radiologists: shown(ranking.radiologists)?,
        clinical_specialists: shown(ranking.clinical_specialists)?,
        clinical_kinds: first.map_or_else(Vec::new, |first| {
            first
                .clinical
                .iter()
                .map(|kind| kind.title.clone())
                .collect()
        }),
        offers: if may_choose || file.wears(CaseRole::Coordinator) {
            offers.into_iter().filter_map(offer_of).collect()
        } else {
            Vec::new()
        },
        read_before_lock: if file.wears(CaseRole::Coordinator) && !reading::is_before_lock(&file) {
            let why = &file.intake.why;
            let texts = [&why.question, &why.symptoms].into_iter();
            let filled = texts.filter(|text| !text.trim().is_empty());
            filled.cloned().collect()
        } else {
            Vec::new()
        },
        may_choose,
    })
}

/// Chooses a reviewer: matching -> coverage_pending.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` with why this reviewer cannot be chosen.
pub async fn choose(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reviewer_id: &ReviewerId,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    file.expect(version)?;
    let row = rows::find(&mut tx, reviewer_id)
        .await?
        .ok_or_else(|| StepError::invalid("reviewer", "Choose from the list."))?;
    let entry = reviewers::entry_of(&row)?;
    let need = need_of(&mut tx, ctx, &file).await?;
    let against = check_choice(&entry, &need);
    if !against.is_empty() {
        return Err(StepError::invalid(
            "reviewer",
            format!("This reviewer cannot be chosen: {}.", against.join("; ")),
        ));
    }
    file.facts.reviewer = need.reviewer_facts(&entry, false);
    let task_id = casework::new_id(ReviewTaskId::from_random)?;
    review_tasks::insert(
        &mut tx,
        task_id.as_str(),
        case_id,
        reviewer_id.as_str(),
        actor.id(),
        now,
    )
    .await?;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::ReviewerSelected,
        Said::default(),
        now,
    )
    .await?;
    quote_fee(&mut tx, case_id, &row, now).await?;
    Ok(tx.commit().await?)
}

/// Goes back to the choice: coverage_pending -> matching.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid`.
pub async fn change(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    withdraw(&mut tx, ctx, &mut file, actor, now).await?;
    Ok(tx.commit().await?)
}

/// Takes the reading back from the reviewer it was offered to, so that another can be chosen.
pub(crate) async fn withdraw(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    actor: &Actor,
    now: Timestamp,
) -> StepResult<()> {
    let said = Said::default();
    casework::apply(tx, ctx, file, actor, CaseEvent::ChangeReviewer, said, now).await?;
    casework::end_task(tx, file, "withdrawn", now).await
}

/// Says that nobody fits: matching -> declined.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` without a reason.
pub async fn nobody(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    file.facts.given.reason = true;
    let said = Said {
        note: reason,
        staff_only: false,
    };
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::NoReviewer,
        said,
        now,
    )
    .await?;
    Ok(tx.commit().await?)
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

fn may_choose(file: &CaseFile) -> bool {
    let hat = [
        CaseRole::Coordinator,
        CaseRole::Requester,
        CaseRole::ReferringPhysician,
    ]
    .iter()
    .any(|hat| file.wears(*hat));
    hat && file.state == CaseState::Matching
}

/// Returns the task when the actor is the reviewer who was asked and has not answered.
fn asked_task(file: &CaseFile) -> StepResult<&TaskRow> {
    let task = file
        .task
        .as_ref()
        .filter(|task| task.state == "offered" && file.wears(CaseRole::Reviewer));
    task.ok_or(StepError::NotFound)
}

/// Returns what the case needs of a reviewer: what the images and the request say, and who is out.
async fn need_of(tx: &mut Tx, ctx: &Workflow, file: &CaseFile) -> StepResult<ReviewNeed> {
    let intake = &file.intake;
    let exams::AskedAbout {
        mut exam,
        other_side,
    } = exams::asked_about(tx, ctx, &file.case_id, intake).await?;
    if exam.modalities.is_empty() {
        exam.modalities.extend(
            Some(intake.exam.modality.trim().to_owned()).filter(|modality| !modality.is_empty()),
        );
    }
    if exam.study_description.is_empty() {
        exam.study_description = format!("{} {}", intake.exam.name, intake.exam.body_part);
    }
    // Where both differ a coordinator said which is true, and the request has that one.
    let birth_date = intake.who.patient_birth_date.parse::<CalendarDate>().ok();
    exam.patient_birth_date = birth_date.or(exam.patient_birth_date);
    exam.study_date = exam
        .study_date
        .or(intake.exam.date.parse::<CalendarDate>().ok());
    let diagnosis = format!(
        "{} {} {}",
        intake.why.diagnosis, intake.why.reason, intake.why.question
    );
    let mut need = reviewers::need_of(intake);
    need.is_child = exam.age_years().is_some_and(|years| years < 18);
    need.suggestions = infer(&exam, &diagnosis, &ctx.knowledge.specialties);
    if let Some(first) = need.suggestions.first_mut() {
        first.reasons.extend(other_side);
    }
    need.modalities = exam.modalities;
    need.image_institutions = exams::institutions(tx, &file.case_id).await?;
    need.wanted_within_hours = match file.facts.urgency {
        UrgencyLevel::Urgent | UrgencyLevel::Emergent => Some(24),
        UrgencyLevel::Expedited => Some(72),
        UrgencyLevel::Standard => None,
    };
    let declined = review_tasks::list(tx, &file.case_id).await?;
    let declined = declined
        .into_iter()
        .filter(|task| matches!(task.state.as_str(), "declined" | "lapsed"));
    let before = review_tasks::readers_before(tx, &file.case_id).await?;
    let out = declined.map(|task| task.reviewer_id).chain(before);
    need.excluded = out.filter_map(|id| id.parse().ok()).collect();
    let seen = review_tasks::seen_first_reading(tx, &file.case_id).await?;
    need.not_blind = seen.into_iter().filter_map(|id| id.parse().ok()).collect();
    Ok(need)
}

/// Returns a sub-specialty in words.
pub(crate) fn title_of(ctx: &Workflow, subspecialty: &str) -> String {
    ctx.knowledge
        .specialties
        .subspecialty(subspecialty)
        .map_or_else(|| subspecialty.to_owned(), |entry| entry.en.clone())
}

fn suggestion(row: &rows::ReviewerRow, ranked: Ranked) -> StepResult<Suggestion> {
    let form = reviewers::form_of(row)?;
    Ok(Suggestion {
        reviewer_id: ranked.reviewer_id,
        name: signed_name(&form.name, &form.credentials),
        institution: form.institution,
        kind: form.kind,
        score: ranked.score,
        reasons: ranked.reasons,
        doubts: ranked.doubts,
        excluded_because: ranked.excluded_because,
        fee_cents: form.fee_cents,
        currency: form.currency,
        turnaround_business_days: form.turnaround_business_days,
        languages: form.languages,
    })
}

/// Returns a name with its credentials.
pub(crate) fn signed_name(name: &str, credentials: &str) -> String {
    if credentials.is_empty() {
        name.to_owned()
    } else {
        format!("{name}, {credentials}")
    }
}

fn offer_of(task: TaskRow) -> Option<OfferRow> {
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    Some(OfferRow {
        task_id: task.id.parse().ok()?,
        reviewer_name: task.reviewer_name,
        state: task.state,
        offered_at: at(task.offered_at),
        respond_by: at(task.respond_by),
        answered_at: at(task.answered_at),
        decline_reason: task.decline_reason,
    })
}

/// Starts the cost with the reviewer's fee, so that nobody is surprised later.
async fn quote_fee(
    tx: &mut Tx,
    case_id: &CaseId,
    row: &rows::ReviewerRow,
    now: Timestamp,
) -> StepResult<()> {
    let form = reviewers::form_of(row)?;
    // What an earlier reviewer would have cost says nothing about this one; who was to pay is still known.
    let known = coverages::find(tx, case_id).await?.unwrap_or_default();
    let kept = coverages::CoverageRow {
        payer: known.payer,
        reference: known.reference,
        ..coverages::CoverageRow::default()
    };
    let Some(fee_cents) = form.fee_cents else {
        let unknown = coverages::CoverageRow {
            status: "none".to_owned(),
            ..kept
        };
        return Ok(coverages::save(tx, case_id, &unknown).await?);
    };
    let coverage = coverages::CoverageRow {
        status: "quoted".to_owned(),
        kind: "self_pay".to_owned(),
        quote_cents: Some(fee_cents),
        share_cents: Some(fee_cents),
        currency: form.currency,
        quoted_at: Some(now.as_micros()),
        ..kept
    };
    Ok(coverages::save(tx, case_id, &coverage).await?)
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
    let facts: &CaseFacts = &file.facts;
    let respond_by = CaseState::Offered.due_at(facts, &ctx.config.calendar, now);
    Ok(review_tasks::offer(tx, &task.id, respond_by, now).await?)
}
