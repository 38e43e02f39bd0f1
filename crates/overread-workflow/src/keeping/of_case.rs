//! What a case's page says: how much it holds, what is held or deleted of it, what was asked.

use overread_model::access::Actor;
use overread_model::case::CaseRole;
use overread_model::ids::CaseId;
use overread_model::keeping::{Quota, Usage};
use overread_model::refusal::RefusalReason;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::cases::CaseRow;
use overread_store::{Tx, cases, deletions, erasure_requests, legal_holds, quotas, refused_files};

use super::{
    DeletionLine, HoldLine, RequestLine, case_named, deletion_lines, hold_line, request_line,
};
use crate::casework::{self, checked_reason};
use crate::people::require_administrator;
use crate::{StepError, StepResult, Workflow, limits};

/// What is kept of a case; nothing of it for readers who neither asked nor coordinate.
#[derive(Default)]
pub struct CaseKeeping {
    /// How much it holds, and how much it may; only for coordinators.
    pub room: Option<(Usage, Quota)>,
    /// Legal holds; only for coordinators, since they may tell of a dispute.
    pub holds: Vec<HoldLine>,
    /// Exams that were deleted and can still be restored.
    pub deleted: Vec<DeletionLine>,
    /// What was asked last, and the answer.
    pub request: Option<RequestLine>,
    /// This reader may ask that the images be deleted.
    pub may_ask: bool,
    /// This reader may place a legal hold.
    pub may_hold: bool,
}

/// Returns what the page of a case says of what is kept. The page itself puts the visit on record.
///
/// # Errors
/// `NotFound`.
pub async fn of_case(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CaseKeeping> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load_or_offer(&mut tx, actor, case_id, now).await?;
    let (coordinates, asked) = (
        file.wears(CaseRole::Coordinator),
        file.wears(CaseRole::Requester),
    );
    if file.offer_only || file.reads || !(coordinates || asked) {
        return Ok(CaseKeeping::default());
    }
    let mut keeping = CaseKeeping {
        may_hold: coordinates,
        ..CaseKeeping::default()
    };
    if coordinates {
        let used = quotas::usage(&mut tx, case_id).await?;
        let quota = quotas::of_case(&mut tx, case_id).await?;
        keeping.room = Some((used, quota.unwrap_or(ctx.ingest.quota())));
        for row in legal_holds::of_case(&mut tx, case_id).await? {
            keeping.holds.push(hold_line(&mut tx, row).await?);
        }
    }
    let deleted = deletions::open_of_case(&mut tx, case_id).await?;
    keeping.deleted = deletion_lines(&mut tx, deleted).await?;
    let request = erasure_requests::last_of_case(&mut tx, case_id).await?;
    keeping.may_ask =
        file.row.number.is_some() && request.as_ref().is_none_or(|row| row.answered_at.is_some());
    if let Some(row) = request {
        keeping.request = Some(request_line(&mut tx, row).await?);
    }
    Ok(keeping)
}

/// How much a case holds, and how much it may.
pub struct CaseRoom {
    /// Number of the case; its id while it has none.
    pub number: String,
    /// What it holds.
    pub used: Usage,
    /// What it may hold.
    pub quota: Quota,
    /// That was set for this case; else it is what every case may hold.
    pub is_its_own: bool,
}

/// Returns how much a case holds, and how much it may; it is named by its number or id.
///
/// # Errors
/// `Forbidden` unless administrator; `Invalid` for an unknown case.
pub async fn room(ctx: &Workflow, actor: &Actor, named: &str) -> StepResult<CaseRoom> {
    require_administrator(actor)?;
    let mut tx = ctx.store.read().await?;
    let row = one_named(&mut tx, named).await?;
    room_of(&mut tx, ctx, row).await
}

/// A case that had no room for something that came and is not there yet.
pub struct FullCase {
    /// How much it holds, and how much it may.
    pub room: CaseRoom,
    /// How many files it had no room for.
    pub refused_count: i64,
}

/// Returns the cases that had no room, at most `limits::KEEPING_ROWS`.
pub(super) async fn full(tx: &mut Tx, ctx: &Workflow) -> StepResult<Vec<FullCase>> {
    let mut full = Vec::new();
    for case_id in refused_files::without_room(tx, limits::KEEPING_ROWS).await? {
        let lacking = refused_files::lacking(tx, &case_id).await?;
        let lacking = lacking.iter();
        let no_room = lacking.filter(|one| one.reason == RefusalReason::NoRoom);
        let refused_count = no_room.map(|one| one.count).sum();
        let row = cases::find(tx, &case_id).await?;
        if let Some(row) = row.filter(|_| refused_count > 0) {
            let room = room_of(tx, ctx, row).await?;
            full.push(FullCase {
                room,
                refused_count,
            });
        }
    }
    Ok(full)
}

async fn room_of(tx: &mut Tx, ctx: &Workflow, row: CaseRow) -> StepResult<CaseRoom> {
    let case_id = row.case_id()?;
    let quota = quotas::of_case(tx, &case_id).await?;
    Ok(CaseRoom {
        number: row.number.unwrap_or(row.id),
        used: quotas::usage(tx, &case_id).await?,
        quota: quota.unwrap_or(ctx.ingest.quota()),
        is_its_own: quota.is_some(),
    })
}

async fn one_named(tx: &mut Tx, named: &str) -> StepResult<CaseRow> {
    let found = case_named(tx, named).await?;
    found.ok_or_else(|| {
        StepError::invalid(
            "number",
            "There is no case with this number. A request that is not sent has none yet: write the id that stands in the address \
             of its page, behind /cases/.",
        )
    })
}

/// How much a case may hold from now on; what is not named stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// GB (10⁹ bytes).
    pub gb: Option<u64>,
    /// Images.
    pub instances: Option<u64>,
}

impl Amounts {
    fn check(self) -> StepResult<()> {
        let none = self.gb.is_none() && self.instances.is_none();
        let wrong =
            |amount: Option<u64>, most| amount.is_some_and(|one| !(1..=most).contains(&one));
        if !none
            && !wrong(self.gb, limits::QUOTA_GB)
            && !wrong(self.instances, limits::QUOTA_INSTANCES)
        {
            return Ok(());
        }
        Err(StepError::invalid(
            "gb",
            format!(
                "Write one or both as whole numbers: at most {} GB and {} images.",
                limits::QUOTA_GB,
                limits::QUOTA_INSTANCES
            ),
        ))
    }
}

/// Sets how much a case may hold, which is named by its number or id; what it holds already stays.
///
/// # Errors
/// `Forbidden` unless administrator; `Invalid` without a reason, for an unknown case, without an amount or for one that is none.
pub async fn set_quota(
    ctx: &Workflow,
    actor: &Actor,
    (named, reason): (&str, &str),
    amounts: Amounts,
    now: Timestamp,
) -> StepResult<()> {
    require_administrator(actor)?;
    let reason = checked_reason(reason)?;
    amounts.check()?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let case_id = one_named(&mut tx, named).await?.case_id()?;
    let before = quotas::of_case(&mut tx, &case_id).await?;
    let before = before.unwrap_or(ctx.ingest.quota());
    let quota = Quota {
        bytes: amounts.gb.map_or(before.bytes, |gb| gb * 1_000_000_000),
        instances: amounts.instances.unwrap_or(before.instances),
    };
    quotas::set(&mut tx, &case_id, quota, reason, actor.id(), now).await?;
    let event = AuditEvent::new("quota.set")
        .in_case(&case_id)
        .with(serde_json::json!({"bytes": quota.bytes, "instances": quota.instances}));
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}
