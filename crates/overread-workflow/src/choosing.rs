//! Choosing a reviewer: ranked with reasons, chosen, changed.

mod offering;

use overread_model::access::{Actor, Right};
use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_model::choosing::{Ranked, ReviewNeed, check_choice, infer, rank};
use overread_model::ids::{CaseId, ReviewTaskId, ReviewerId};
use overread_model::intake::UrgencyLevel;
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::review_tasks::{self, TaskRow};
use overread_store::{Tx, coverages, grants, people, reviewers as rows};

use crate::casework::{self, CaseFile, Said, checked_reason};
use crate::{StepError, StepResult, Workflow, exams, limits, reading, reviewers};

pub(crate) use offering::send_offer;
pub use offering::{AcceptOffer, OfferView, accept, decline, is_only_offered, offer};

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
    if takes_part(&mut tx, case_id, &row.email_folded).await? {
        return Err(StepError::invalid(
            "reviewer",
            "This reviewer cannot be chosen: they take part in this case in another way, for example for the patient or as a treating doctor.",
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

/// Says whether the person with this address asked, treats or insures in the case.
async fn takes_part(tx: &mut Tx, case_id: &CaseId, email_folded: &str) -> StepResult<bool> {
    let Some(account) = people::find_by_email(tx, email_folded).await? else {
        return Ok(false);
    };
    Ok(!grants::ties_of(tx, case_id, &account.id).await?.is_empty())
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
