//! The completeness and quality check of a case's records, and its overrides.

mod arrivals;
mod first_reading;
mod kept;
mod missing;
mod not_kept;
mod outlived;
mod overriding;
mod papers;

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use overread_model::access::Right;
use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_model::completeness::{self, CheckInput, CheckResult, Gathered, PersonIdentity};
use overread_model::hidden::Hidden;
use overread_model::time::CalendarDate;
use overread_store::checks::{self, CheckRow};
use overread_store::{Tx, audit, refused_files, studies};

use crate::casework::{self, CaseFile, Intake, Said};
use crate::{StepError, StepResult, Workflow, exams};

use first_reading::{BeforeLock, Checked};
use kept::KeptFinding;
pub(crate) use kept::{Newest, letters_asked_for, newest, view_of};
pub(crate) use missing::missing_items;
pub(crate) use not_kept::not_kept_of;
pub use not_kept::{NotKeptView, SeriesNotKept};
use outlived::{drop_outlived, end_changed_side, end_without_refused};
pub(crate) use outlived::{end_identity, end_other_exam};
pub use overriding::override_rules;
use papers::papers_of;

/// One finding of the check.
pub struct FindingRow {
    /// Rule: `F01`.
    pub rule: String,
    /// `blocker`, `warning`, `info`.
    pub severity: String,
    /// What it is about: a series, a document.
    pub subject: String,
    /// In plain words, with what to do.
    pub message: String,
    /// Why it was waved through, when it was.
    pub overridden: Option<String>,
    /// Kind of letter that asks for what is missing: `records_request_access`; empty for none.
    pub letter_kind: String,
}

/// The last check.
pub struct CheckView {
    /// When.
    pub checked_at: Timestamp,
    /// Nothing blocks any more.
    pub ready: bool,
    /// Patients named in the images, for reading.
    pub patients: Vec<String>,
    /// Findings, blockers first.
    pub findings: Vec<FindingRow>,
    /// What is missing, in plain words.
    pub missing: Vec<String>,
}

/// Runs the check now and keeps its result.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn run(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CheckView> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    judge(&mut tx, ctx, &mut file, now).await?;
    casework::note(
        &mut tx,
        &file,
        actor,
        "check.ran",
        "The records were checked",
        Said {
            note: "",
            staff_only: true,
        },
        now,
    )
    .await?;
    settle(&mut tx, ctx, &mut file, now).await?;
    let view = view_of(&mut tx, ctx, &file, now)
        .await?
        .ok_or(StepError::NotFound)?;
    tx.commit().await?;
    Ok(view)
}

/// Rules that say the images may be somebody else's; waving them through confirms the identity.
const IDENTITY_RULES: [&str; 3] = ["P01", "P03", "P07"];

/// How the names of the rules about the patient's identity begin.
pub(crate) const IDENTITY_PREFIX: char = 'P';

/// Rule that says that all images wait until a coordinator decides whose they are.
pub const HELD_BACK_RULE: &str = "F13";

/// Rule that says that files which were sent were not kept.
pub const NOT_KEPT_RULE: &str = "F14";

/// Rules that say that papers or images may be of another exam than the one asked about.
const OTHER_EXAM_RULES: [&str; 3] = ["D02", "D10", OTHER_SIDE_RULE];

/// The rule that says that the images are of the other side than the request names.
const OTHER_SIDE_RULE: &str = "D11";

/// Says whether a coordinator confirmed the side of the request against what the images say.
pub(crate) async fn is_side_confirmed(tx: &mut Tx, case_id: &CaseId) -> StepResult<bool> {
    let waved = checks::overrides(tx, case_id).await?;
    Ok(waved.iter().any(|row| row.rule == OTHER_SIDE_RULE))
}

/// Returns what the newest check says of papers and images of another exam, unless it was waved through.
pub(crate) async fn other_exams(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<String>> {
    let Some(newest) = newest(tx, case_id).await? else {
        return Ok(Vec::new());
    };
    let waved = |rule: &str| newest.overrides.iter().any(|row| row.rule == rule);
    let found = newest.check.findings.iter().filter(|finding| {
        OTHER_EXAM_RULES.contains(&finding.rule.as_str()) && !waved(&finding.rule)
    });
    Ok(found
        .map(|finding| format!("{} ({})", finding.message, finding.subject))
        .collect())
}

/// Refuses while the newest check says that images of another patient may be in the case and nobody decided.
pub(crate) async fn require_one_patient(tx: &mut Tx, case_id: &CaseId) -> StepResult<()> {
    let Some(newest) = newest(tx, case_id).await? else {
        return Ok(());
    };
    let waved = |rule: &str| newest.overrides.iter().any(|row| row.rule == rule);
    let open = newest.check.findings.iter().any(|finding| {
        finding.severity == "blocker"
            && finding.rule.starts_with(IDENTITY_PREFIX)
            && !waved(&finding.rule)
    });
    if open {
        return Err(StepError::invalid("", OTHER_PATIENT));
    }
    Ok(())
}

/// Why nothing is signed or released.
const OTHER_PATIENT: &str =
    "Images of another patient are in this case; a coordinator must decide first.";

/// Checks the case's records as they are now and keeps nothing.
///
/// # Errors
/// `NotFound`.
pub async fn look(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CheckResult> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    Ok(check_of(&mut tx, ctx, &file, now).await?.all)
}

async fn check_of(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<Checked> {
    let case_id = file.case_id.clone();
    let tables = &ctx.knowledge.rules;
    let reports = studies::reports_of_case(tx, &case_id).await?;
    let mut gathered = Gathered::default();
    let mut images = Gathered::default();
    for facts in studies::facts_of_case(tx, &case_id).await? {
        gathered.add(&facts, tables);
        if !reports.is_empty() && !reports.contains(facts.sop_instance_uid.as_str()) {
            images.add(&facts, tables);
        }
    }
    let (problems, medium) = arrivals::of_case(tx, &case_id).await?;
    let not_kept = not_kept::lines(tx, &case_id).await?;
    let papers = papers_of(tx, ctx, file).await?;
    let overridden: Vec<String> = checks::overrides(tx, &case_id)
        .await?
        .into_iter()
        .map(|row| row.rule)
        .collect();
    let confirmed = checks::confirmed_studies(tx, &case_id).await?;
    let why = &file.intake.why;
    let input = CheckInput {
        documents: &papers,
        problems: &problems,
        not_kept: &not_kept,
        medium,
        patient: Some(patient_of(&file.intake)),
        question: Some(if why.question.trim().is_empty() {
            &why.reason
        } else {
            &why.question
        }),
        reason: &why.reason,
        asked: exams::asked(&file.intake),
        no_report_available: file.row.original_missing != 0,
        confirmed_studies: &confirmed,
        overridden: &overridden,
        requester: file.intake.who.requester.parse().unwrap_or_default(),
        today: Some(now.date()),
    };
    let specialties = &ctx.knowledge.specialties;
    let check = |gathered| completeness::check(gathered, &input, tables, specialties);
    Ok(Checked {
        before_lock: (!reports.is_empty()).then(|| BeforeLock::of(check(&images))),
        all: check(&gathered),
    })
}

/// Checks the case's records as they are now, keeps the result and refreshes the facts.
pub(crate) async fn judge(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    now: Timestamp,
) -> StepResult<()> {
    let case_id = file.case_id.clone();
    if refused_files::has_any(tx, &case_id).await? {
        // As who notes more of them does: the record first, then their rows.
        audit::take_turn(tx).await?;
        refused_files::tell(tx, &case_id).await?;
        end_without_refused(tx, &case_id, now).await?;
    }
    let mut result = check_of(tx, ctx, file, now).await?;
    if end_changed_side(tx, &case_id, &result.all, now).await? {
        result = check_of(tx, ctx, file, now).await?;
    }
    let row = CheckRow {
        checked_at: now.as_micros(),
        ready: i32::from(result.all.ready),
        result: serde_json::to_string(&result).map_err(StepError::internal)?,
    };
    checks::insert(tx, &case_id, &row).await?;
    drop_outlived(tx, &case_id, &result.all, now).await?;
    let kept = newest(tx, &case_id).await?;
    let records = &mut file.facts.records;
    records.open_blocker_count = kept.as_ref().map_or(0, |kept| kept.open_blockers);
    records.identity_confirmed = file.row.identity_confirmed != 0
        && !kept.as_ref().is_some_and(|kept| kept.is_identity_open);
    records.identity_score = kept.and_then(|kept| kept.identity_score);
    records.study_count =
        u32::try_from(checks::studies(tx, &case_id).await?.len()).unwrap_or(u32::MAX);
    Ok(())
}

/// Moves a case that is being checked to what the check says: deficient while something blocks, and back when it no
/// longer does.
pub(crate) async fn settle(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    now: Timestamp,
) -> StepResult<()> {
    let blocked = file.facts.records.open_blocker_count > 0;
    let event = match file.state {
        CaseState::RecordsCheck if blocked => CaseEvent::BlockingIssue,
        CaseState::RecordsDeficient if !blocked && file.facts.records.study_count > 0 => {
            CaseEvent::RecordsReceived
        }
        _ => return Ok(()),
    };
    as_system(tx, ctx, file, event, now).await
}

/// Checks again after something was added, once there is a check: a finding of later papers is told as well.
pub(crate) async fn again(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    now: Timestamp,
) -> StepResult<()> {
    if checks::newest(tx, &file.case_id).await?.is_none() {
        return Ok(());
    }
    judge(tx, ctx, file, now).await?;
    settle(tx, ctx, file, now).await
}

/// Moves the case in the program's own name.
pub(crate) async fn as_system(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    event: CaseEvent,
    now: Timestamp,
) -> StepResult<()> {
    let hats = std::mem::replace(&mut file.hats, vec![CaseRole::System]);
    let moved = casework::apply(tx, ctx, file, &Actor::System, event, Said::default(), now).await;
    file.hats = hats;
    moved.map(|_| ())
}

/// Returns the patient as the request names them.
pub(crate) fn patient_of(intake: &Intake) -> PersonIdentity {
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let who = &intake.who;
    PersonIdentity {
        name: filled(&who.patient_name).map(Hidden),
        birth_date: who
            .patient_birth_date
            .parse::<CalendarDate>()
            .ok()
            .map(Hidden),
        sex: filled(&who.patient_sex),
        patient_id: filled(&who.patient_mrn).map(Hidden),
        issuer: filled(&intake.exam.facility).map(Hidden),
    }
}
