//! The directory of reviewers.

use overread_model::access::Actor;
use overread_model::ids::{PersonId, ReviewerId};
use overread_model::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{StepResult, Workflow};

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
    crate::unfinished((ctx, actor, now))
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
    crate::unfinished((ctx, actor, reviewer_id, now))
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
    crate::unfinished((ctx, actor, form.kind.as_str(), now))
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
    crate::unfinished((ctx, actor, reviewer_id, version, form.kind.as_str(), now))
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
    crate::unfinished((ctx, actor, reviewer_id, version, active, now))
}
