//! The directory of reviewers.

use overread_model::access::Actor;
use overread_model::ids::{PersonId, ReviewerId};
use overread_model::time::Timestamp;
use serde::{Deserialize, Serialize};

use overread_model::access::Role;
use overread_model::case::ReviewerFacts;
use overread_model::choosing::{ReviewNeed, Reviewer, ReviewerKind, check_directory_entry};
use overread_model::person;
use overread_model::time::CalendarDate;
use overread_store::audit::{self, AuditEvent};
use overread_store::reviewers as rows;

use crate::casework::{self, Intake, checked_text};
use crate::{FieldProblem, StepError, StepResult, Workflow, limits};

/// An entry of the directory as typed. Lists hold one value an item.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewerForm {
    /// Full name.
    pub name: String,
    /// Credentials: `MD`, `FRCR`.
    pub credentials: String,
    /// `radiologist` reads images; `clinical_specialist` decides treatment.
    pub kind: String,
    /// E-mail: ties the entry to the account with this address and gets the offers.
    pub email: String,
    /// Sub-specialty ids of the map: `neuroradiology`.
    pub subspecialties: Vec<String>,
    /// DICOM modalities they read.
    pub modalities: Vec<String>,
    /// Institution or group; same group as the first reader is a conflict.
    pub institution: String,
    /// Regions where licensed: `US-WA`, `ES`.
    pub licence_regions: Vec<String>,
    /// Language codes.
    pub languages: Vec<String>,
    /// Sees children.
    pub paediatric: bool,
    /// Fee in cents; empty: to be asked.
    pub fee_cents: Option<i64>,
    /// Currency: `USD`.
    pub currency: String,
    /// Usual working days to a report.
    pub turnaround_business_days: Option<i64>,
    /// Open cases they take at most.
    pub capacity: Option<i64>,
    /// Groups, facilities or people they are bound to.
    pub conflicts: Vec<String>,
    /// National number (NPI: ten digits with check digit), when they have one.
    pub npi: String,
    /// Day their credentials were checked, 2026-03-02.
    pub credentials_checked_on: String,
    /// Where they were checked.
    pub credentials_source: String,
}

/// An entry of the directory.
pub struct ReviewerRow {
    /// Names it.
    pub reviewer_id: ReviewerId,
    /// Version to hand back.
    pub version: i64,
    /// What it says.
    pub form: ReviewerForm,
    /// Account, once there is one with this address and the role reviewer.
    pub person_id: Option<PersonId>,
    /// Open reading tasks.
    pub open_tasks: i64,
    /// Takes cases.
    pub active: bool,
}

/// Lists the directory by name.
///
/// # Errors
/// `Forbidden` unless coordinator or administrator.
pub async fn list(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<Vec<ReviewerRow>> {
    require_keeper(actor)?;
    let _ = now;
    let mut tx = ctx.store.read().await?;
    let list = rows::list(&mut tx, limits::REVIEWERS).await?;
    list.into_iter().map(row_of).collect()
}

/// Returns one entry.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub async fn find(
    ctx: &Workflow,
    actor: &Actor,
    reviewer_id: &ReviewerId,
    now: Timestamp,
) -> StepResult<ReviewerRow> {
    require_keeper(actor)?;
    let _ = now;
    let mut tx = ctx.store.read().await?;
    row_of(
        rows::find(&mut tx, reviewer_id)
            .await?
            .ok_or(StepError::NotFound)?,
    )
}

/// Adds an entry.
///
/// # Errors
/// `Forbidden`, `Invalid`.
pub async fn create(
    ctx: &Workflow,
    actor: &Actor,
    form: &ReviewerForm,
    now: Timestamp,
) -> StepResult<ReviewerId> {
    require_keeper(actor)?;
    let reviewer_id = casework::new_id(ReviewerId::from_random)?;
    let form = checked(ctx, &reviewer_id, form, now)?;
    let row = rows::ReviewerRow {
        id: reviewer_id.as_str().to_owned(),
        name: form.name.clone(),
        email_folded: overread_store::people::fold_email(&form.email),
        kind: form.kind.clone(),
        profile: serde_json::to_string(&form).map_err(StepError::internal)?,
        active: 1,
        version: 1,
        person_id: None,
        open_tasks: 0,
    };
    let mut tx = ctx.store.begin().await?;
    rows::insert(&mut tx, &row, now).await?;
    let event = AuditEvent::new("reviewer.added").on("reviewer", &reviewer_id);
    audit::record(&mut tx, actor, &event, now).await?;
    tx.commit().await?;
    Ok(reviewer_id)
}

/// Changes an entry.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Stale`, `Invalid`.
pub async fn update(
    ctx: &Workflow,
    actor: &Actor,
    reviewer_id: &ReviewerId,
    version: i64,
    form: &ReviewerForm,
    now: Timestamp,
) -> StepResult<()> {
    require_keeper(actor)?;
    let form = checked(ctx, reviewer_id, form, now)?;
    let mut tx = ctx.store.begin().await?;
    let mut row = rows::find(&mut tx, reviewer_id)
        .await?
        .ok_or(StepError::NotFound)?;
    row.version = version;
    row.name.clone_from(&form.name);
    row.email_folded = overread_store::people::fold_email(&form.email);
    row.kind.clone_from(&form.kind);
    row.profile = serde_json::to_string(&form).map_err(StepError::internal)?;
    if !rows::update(&mut tx, &row, now).await? {
        return Err(StepError::Stale);
    }
    let event = AuditEvent::new("reviewer.changed").on("reviewer", reviewer_id);
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}

/// Takes an entry out of (or back into) the choice; nothing is erased, since reports refer to it.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Stale`.
pub async fn set_active(
    ctx: &Workflow,
    actor: &Actor,
    reviewer_id: &ReviewerId,
    version: i64,
    active: bool,
    now: Timestamp,
) -> StepResult<()> {
    require_keeper(actor)?;
    let mut tx = ctx.store.begin().await?;
    let mut row = rows::find(&mut tx, reviewer_id)
        .await?
        .ok_or(StepError::NotFound)?;
    row.version = version;
    row.active = i32::from(active);
    if !rows::update(&mut tx, &row, now).await? {
        return Err(StepError::Stale);
    }
    let event = AuditEvent::new(if active {
        "reviewer.opened"
    } else {
        "reviewer.closed"
    })
    .on("reviewer", reviewer_id);
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}

fn require_keeper(actor: &Actor) -> StepResult<()> {
    match actor.role() {
        Some(Role::Coordinator | Role::Administrator) => Ok(()),
        _ => Err(StepError::Forbidden),
    }
}

fn row_of(row: rows::ReviewerRow) -> StepResult<ReviewerRow> {
    Ok(ReviewerRow {
        reviewer_id: row.id.parse().map_err(StepError::internal)?,
        version: row.version,
        form: form_of(&row)?,
        person_id: row
            .person_id
            .map(|id| id.parse())
            .transpose()
            .map_err(StepError::internal)?,
        open_tasks: row.open_tasks,
        active: row.active != 0,
    })
}

pub(crate) fn form_of(row: &rows::ReviewerRow) -> StepResult<ReviewerForm> {
    serde_json::from_str(&row.profile).map_err(StepError::internal)
}

/// Returns the entry as the rules see it.
pub(crate) fn entry_of(row: &rows::ReviewerRow) -> StepResult<Reviewer> {
    let form = form_of(row)?;
    let reviewer_id: ReviewerId = row.id.parse().map_err(StepError::internal)?;
    Ok(Reviewer {
        open_task_count: u32::try_from(row.open_tasks).unwrap_or(u32::MAX),
        active: row.active != 0,
        ..rule_entry(reviewer_id, &form)
    })
}

fn rule_entry(reviewer_id: ReviewerId, form: &ReviewerForm) -> Reviewer {
    Reviewer {
        reviewer_id,
        name: form.name.clone(),
        kind: ReviewerKind::from_text(&form.kind).unwrap_or_default(),
        npi: Some(form.npi.clone()).filter(|npi| !npi.is_empty()),
        subspecialties: form.subspecialties.clone(),
        local_tags: Vec::new(),
        modalities: form.modalities.clone(),
        institution: form.institution.clone(),
        licence_regions: form.licence_regions.clone(),
        languages: form.languages.clone(),
        paediatric: form.paediatric,
        fee_cents: form.fee_cents,
        turnaround_hours: form
            .turnaround_business_days
            .and_then(|days| u32::try_from(days.saturating_mul(24)).ok()),
        capacity: form
            .capacity
            .and_then(|capacity| u32::try_from(capacity).ok()),
        open_task_count: 0,
        conflicts: form.conflicts.clone(),
        credential_active: !form.credentials_checked_on.is_empty()
            && !form.credentials_source.is_empty(),
        active: true,
    }
}

/// Returns what the guards of a case need to know of the chosen reviewer.
pub(crate) fn facts_of(
    row: &rows::ReviewerRow,
    intake: &Intake,
    image_institutions: Vec<String>,
) -> StepResult<ReviewerFacts> {
    let need = ReviewNeed {
        image_institutions,
        ..need_of(intake)
    };
    Ok(need.reviewer_facts(&entry_of(row)?, false))
}

/// Returns what a case needs of a reviewer, as far as the request says it.
pub(crate) fn need_of(intake: &Intake) -> ReviewNeed {
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    ReviewNeed {
        language: if intake.who.language == "es" {
            "es"
        } else {
            "en"
        }
        .to_owned(),
        patient_region: filled(&intake.who.patient_region),
        consults_physician: intake.who.requester == "referring_physician",
        first_reader: intake.exam.first_reader.trim().to_owned(),
        first_groups: filled(&intake.exam.facility).into_iter().collect(),
        modalities: filled(&intake.exam.modality).into_iter().collect(),
        ..ReviewNeed::default()
    }
}

/// Checks an entry and returns it tidied.
fn checked(
    ctx: &Workflow,
    reviewer_id: &ReviewerId,
    form: &ReviewerForm,
    now: Timestamp,
) -> StepResult<ReviewerForm> {
    let mut form = tidied(form);
    let mut problems = check_directory_entry(
        &rule_entry(reviewer_id.clone(), &form),
        &ctx.knowledge.specialties,
    );
    for problem in problems
        .iter_mut()
        .filter(|problem| problem.field == "turnaround_hours")
    {
        problem.field = "turnaround_business_days".to_owned();
    }
    if ReviewerKind::from_text(&form.kind).is_none() {
        problems.push(FieldProblem::new(
            "kind",
            "Choose radiologist or clinical specialist.",
        ));
    }
    match person::check_email(&form.email) {
        Ok(email) => form.email = email,
        Err(problem) => problems.push(problem),
    }
    if form.fee_cents.is_some() && !is_currency(&form.currency) {
        problems.push(FieldProblem::new(
            "currency",
            "Write the currency with three letters, as USD.",
        ));
    }
    let checked_on = form.credentials_checked_on.trim();
    if !checked_on.is_empty()
        && checked_on
            .parse::<CalendarDate>()
            .ok()
            .is_none_or(|day| day > now.date())
    {
        problems.push(FieldProblem::new(
            "credentials_checked_on",
            "Write the day of the check as 2026-03-02. It cannot be in the future.",
        ));
    }
    crate::error::refuse_if_any(problems)?;
    for (field, text) in [
        ("credentials", &form.credentials),
        ("institution", &form.institution),
        ("credentials_source", &form.credentials_source),
    ] {
        checked_text(field, text, limits::SHORT_TEXT_CHARACTERS, None)?;
    }
    Ok(form)
}

/// Takes blanks and empty items out of what was typed.
fn tidied(form: &ReviewerForm) -> ReviewerForm {
    let mut form = form.clone();
    for text in [
        &mut form.name,
        &mut form.credentials,
        &mut form.email,
        &mut form.institution,
        &mut form.npi,
        &mut form.credentials_source,
    ] {
        *text = text.trim().to_owned();
    }
    let tidy = |list: &mut Vec<String>| {
        *list = list
            .iter()
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .take(limits::LIST_ITEMS)
            .collect();
    };
    for list in [
        &mut form.subspecialties,
        &mut form.modalities,
        &mut form.licence_regions,
        &mut form.languages,
        &mut form.conflicts,
    ] {
        tidy(list);
    }
    form
}

pub(crate) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
