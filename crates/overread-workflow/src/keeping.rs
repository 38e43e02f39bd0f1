//! What is kept and what goes: deletions with a period of grace, legal holds, room in cases, rules of retention.
//!
//! An administrator deletes; whoever asked in a case, and coordinators, ask for it. A coordinator may place a legal hold,
//! which keeps images from being erased; only an administrator lifts one.

mod conflicts;
mod deleting;
mod holding;
mod of_case;
mod requests;
mod retention;

use overread_model::access::Actor;
use overread_model::ids::{CaseId, DeletionId, ErasureRequestId, LegalHoldId};
use overread_model::keeping::RetentionRule;
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::audit::{self, AuditEvent};
use overread_store::cases::CaseRow;
use overread_store::deletions::DeletionRow;
use overread_store::erasure_requests::RequestRow;
use overread_store::legal_holds::HoldRow;
use overread_store::studies::{self, StudyKey};
use overread_store::{Tx, cases, deletions, erasure_requests, legal_holds, people};

use crate::people::require_administrator;
use crate::{StepError, StepResult, Workflow, limits};

pub use conflicts::{ConflictLine, Conflicts, Copy, close_conflict, conflicts};
pub use deleting::{Marked, delete, erase_due, restore};
pub use holding::{lift_hold, place_hold, place_hold_on_case};
pub use of_case::{Amounts, CaseKeeping, CaseRoom, FullCase, of_case, room, set_quota};
pub use requests::{ask, decline, delete_as_asked};
pub use retention::{Proposal, apply_rules, confirm};

/// Settings of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// Days in which a deleted study can be restored.
    pub grace_days: u32,
    /// How long images are kept; without a rule about it, a study is kept for ever.
    pub rules: Vec<RetentionRule>,
}

impl Keeping {
    fn erase_at(&self, now: Timestamp) -> Timestamp {
        now.plus_days(i64::from(self.grace_days))
    }
}

/// A deletion in the list.
pub struct DeletionLine {
    /// Names it.
    pub deletion_id: DeletionId,
    /// Number of the case that the study was in, or words.
    pub case: String,
    /// Modalities and date of the exam; empty once it is erased.
    pub exam: String,
    /// DICOM's name of the exam, since a day may have several; empty once it is erased.
    pub study_instance_uid: String,
    /// How many images.
    pub instance_count: i64,
    /// How many bytes.
    pub length_bytes: u64,
    /// Why.
    pub reason: String,
    /// Who, in words.
    pub by: String,
    /// When.
    pub marked_at: Timestamp,
    /// Until then it can be restored.
    pub erase_at: Timestamp,
    /// A legal hold keeps it from being erased.
    pub is_held: bool,
    /// When it was restored or erased, and whether it was erased.
    pub ended: Option<(Timestamp, bool)>,
    /// Its rows are gone, its bytes not yet.
    pub is_being_overwritten: bool,
}

/// A legal hold in the list.
pub struct HoldLine {
    /// Names it.
    pub hold_id: LegalHoldId,
    /// What it covers, in words.
    pub covers: String,
    /// Why.
    pub reason: String,
    /// Who, in words.
    pub by: String,
    /// Since.
    pub placed_at: Timestamp,
}

/// A request that the images of a case be deleted.
pub struct RequestLine {
    /// Names it.
    pub request_id: ErasureRequestId,
    /// Number of the case.
    pub case: String,
    /// Who, in words.
    pub by: String,
    /// When.
    pub asked_at: Timestamp,
    /// Why.
    pub reason: String,
    /// The answer: when, whether they were deleted, and what the administrator wrote.
    pub answer: Option<(Timestamp, bool, String)>,
}

/// What the administrator's page shows, beside the [`conflicts()`].
pub struct KeepingView {
    /// Open requests.
    pub requests: Vec<RequestLine>,
    /// What can be restored.
    pub deletions: Vec<DeletionLine>,
    /// What was restored or erased last.
    pub ended: Vec<DeletionLine>,
    /// Legal holds that stand.
    pub holds: Vec<HoldLine>,
    /// Cases that had no room for something that came and is not there yet.
    pub full: Vec<FullCase>,
    /// What the rules of retention no longer keep.
    pub proposals: Vec<Proposal>,
    /// The rules.
    pub rules: Vec<RetentionRule>,
    /// Days in which a deleted study can be restored.
    pub grace_days: u32,
}

/// Returns the administrator's page; the visit is audited.
///
/// # Errors
/// `Forbidden` unless administrator.
pub async fn view(ctx: &Workflow, actor: &Actor, now: Timestamp) -> StepResult<KeepingView> {
    require_administrator(actor)?;
    let mut tx = ctx.store.begin().await?;
    let limit = limits::KEEPING_ROWS;
    let open = deletions::list_open(&mut tx, limit).await?;
    let ended = deletions::list_ended(&mut tx, limits::ENDED_DELETIONS).await?;
    let mut view = KeepingView {
        requests: Vec::new(),
        deletions: deletion_lines(&mut tx, open).await?,
        ended: deletion_lines(&mut tx, ended).await?,
        holds: Vec::new(),
        full: of_case::full(&mut tx, ctx).await?,
        proposals: retention::proposals(&mut tx, ctx, now).await?,
        rules: ctx.config.keeping.rules.clone(),
        grace_days: ctx.config.keeping.grace_days,
    };
    for row in erasure_requests::list_open(&mut tx, limit).await? {
        view.requests.push(request_line(&mut tx, row).await?);
    }
    for row in legal_holds::list(&mut tx, limit).await? {
        view.holds.push(hold_line(&mut tx, row).await?);
    }
    audit::record(&mut tx, actor, &AuditEvent::new("keeping.listed"), now).await?;
    tx.commit().await?;
    Ok(view)
}

/// Finds a case by the number that people say, or by its id: a request that is not sent has no number yet.
pub async fn case_named(tx: &mut Tx, named: &str) -> StepResult<Option<CaseRow>> {
    let named = named.trim();
    if let Some(row) = cases::find_by_number(tx, named).await? {
        return Ok(Some(row));
    }
    match named.parse() {
        Ok(id) => Ok(cases::find(tx, &id).await?),
        Err(_) => Ok(None),
    }
}

/// What an administrator names: a case by its number or id, a study by its UID.
enum Target {
    Case(CaseId),
    Study(StudyKey),
}

impl Target {
    async fn find(tx: &mut Tx, named: &str) -> StepResult<Self> {
        let named = named.trim();
        if let Some(row) = case_named(tx, named).await? {
            return Ok(Self::Case(row.case_id()?));
        }
        match studies::key_of(tx, named).await? {
            Some(key) => Ok(Self::Study(key)),
            None => Err(StepError::invalid(
                "named",
                "There is no case with this number and no exam with this Study Instance UID. Copy it from the case.",
            )),
        }
    }
}

/// Says in an audit event what is meant by what somebody typed. What nothing here has as its name is not repeated: it may be
/// the name of a person.
///
/// # Errors
/// When the store fails.
pub async fn about(tx: &mut Tx, named: &str, event: AuditEvent) -> StepResult<AuditEvent> {
    Ok(match Target::find(tx, named).await {
        Ok(Target::Case(case_id)) => event.in_case(&case_id),
        Ok(Target::Study(study)) => event.on("study", study.0),
        Err(StepError::Invalid(_)) => event.on("unknown", ""),
        Err(error) => return Err(error),
    })
}

async fn who(tx: &mut Tx, id: &str) -> StepResult<String> {
    let name = people::name_of(tx, id).await?;
    Ok(name.unwrap_or_else(|| "Overread, by a rule".to_owned()))
}

fn case_words(number: Option<String>) -> String {
    number.unwrap_or_else(|| "none".to_owned())
}

fn exam_words(modalities: &str, study_date: &str) -> String {
    let modalities = modalities.replace('\\', ", ");
    match study_date.parse::<CalendarDate>() {
        Ok(day) => format!("{modalities} of {}", day.in_english()),
        Err(_) => modalities,
    }
}

async fn deletion_lines(tx: &mut Tx, rows: Vec<DeletionRow>) -> StepResult<Vec<DeletionLine>> {
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let is_open = row.ended_at.is_none();
        lines.push(DeletionLine {
            deletion_id: row.id.parse().map_err(StepError::internal)?,
            case: case_words(row.case_number),
            exam: row.modalities.map_or_else(String::new, |modalities| {
                exam_words(&modalities, row.study_date.as_deref().unwrap_or_default())
            }),
            study_instance_uid: row.study_instance_uid.unwrap_or_default(),
            instance_count: row.instance_count,
            length_bytes: row.length_bytes.unsigned_abs(),
            by: who(tx, &row.marked_by).await?,
            reason: row.reason,
            marked_at: Timestamp::from_micros(row.marked_at),
            erase_at: Timestamp::from_micros(row.erase_at),
            is_held: is_open && legal_holds::covers(tx, StudyKey(row.study_id)).await?,
            is_being_overwritten: row.outcome.as_deref() == Some("erased")
                && row.finished_at.is_none(),
            ended: row.ended_at.map(|at| {
                (
                    Timestamp::from_micros(at),
                    row.outcome.as_deref() == Some("erased"),
                )
            }),
        });
    }
    Ok(lines)
}

async fn hold_line(tx: &mut Tx, row: HoldRow) -> StepResult<HoldLine> {
    Ok(HoldLine {
        hold_id: row.id.parse().map_err(StepError::internal)?,
        covers: match (row.case_number, row.study_instance_uid) {
            (Some(number), _) => format!("Every exam of case {number}"),
            (None, Some(uid)) => format!("The exam {uid}"),
            (None, None) => "A case without a number".to_owned(),
        },
        by: who(tx, &row.placed_by).await?,
        reason: row.reason,
        placed_at: Timestamp::from_micros(row.placed_at),
    })
}

async fn request_line(tx: &mut Tx, row: RequestRow) -> StepResult<RequestLine> {
    let note = row.answer_note.unwrap_or_default();
    Ok(RequestLine {
        request_id: row.id.parse().map_err(StepError::internal)?,
        case: case_words(row.case_number),
        by: who(tx, &row.asked_by).await?,
        asked_at: Timestamp::from_micros(row.asked_at),
        reason: row.reason,
        answer: row.answered_at.map(|at| {
            let is_deleted = row.answer.as_deref() == Some("deleted");
            (Timestamp::from_micros(at), is_deleted, note)
        }),
    })
}
