//! The newest check, as it is kept and read back.

use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::checks::{self, OverrideRow};
use overread_store::{Tx, studies};
use serde::Deserialize;

use super::{CheckView, FindingRow, IDENTITY_RULES, check_of};
use crate::casework::CaseFile;
use crate::{StepError, StepResult, Workflow, reading};

/// What is kept of a check, as far as we read it back.
#[derive(Deserialize)]
pub(crate) struct KeptCheck {
    pub(super) patients: Vec<KeptPatient>,
    pub(crate) findings: Vec<KeptFinding>,
    pub(super) missing: Vec<KeptMissing>,
    pub(super) identity_score: Option<f64>,
    /// What is told before the lock, where that differs.
    #[serde(default)]
    before_lock: Option<KeptBeforeLock>,
}

#[derive(Deserialize)]
struct KeptBeforeLock {
    patients: Vec<KeptPatient>,
    findings: Vec<KeptFinding>,
    missing: Vec<KeptMissing>,
}

#[derive(Deserialize)]
pub(super) struct KeptPatient {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(crate) struct KeptFinding {
    pub(crate) rule: String,
    pub(super) severity: String,
    pub(super) subject: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) title_es: String,
    #[serde(default)]
    pub(super) action: Option<String>,
    #[serde(default)]
    pub(super) letter: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct KeptMissing {
    pub(super) rule: String,
    pub(super) item: String,
    pub(super) message: String,
    pub(super) letter: String,
    /// A check from before the rules said so names nothing; the next one does.
    #[serde(default)]
    pub(super) letter_names_it: bool,
}

/// The newest check with the overrides in force.
pub(crate) struct Newest {
    pub(crate) check: KeptCheck,
    pub(super) checked_at: Timestamp,
    pub(super) overrides: Vec<OverrideRow>,
    pub(crate) open_blockers: u32,
    /// A finding says that images may be somebody else's, and nobody waved it through.
    pub(crate) is_identity_open: bool,
    pub(crate) identity_score: Option<f64>,
}

/// Returns the newest check of a case.
pub(crate) async fn newest(tx: &mut Tx, case_id: &CaseId) -> StepResult<Option<Newest>> {
    let Some(row) = checks::newest(tx, case_id).await? else {
        return Ok(None);
    };
    let check: KeptCheck = serde_json::from_str(&row.result).map_err(StepError::internal)?;
    let overrides = checks::overrides(tx, case_id).await?;
    let waved = |rule: &str| overrides.iter().any(|row| row.rule == rule);
    let open = open_blockers(&check.findings, &overrides);
    let is_identity_open = check
        .findings
        .iter()
        .any(|finding| IDENTITY_RULES.contains(&finding.rule.as_str()) && !waved(&finding.rule));
    Ok(Some(Newest {
        is_identity_open,
        open_blockers: open,
        identity_score: check.identity_score,
        checked_at: Timestamp::from_micros(row.checked_at),
        overrides,
        check,
    }))
}

fn open_blockers(findings: &[KeptFinding], overrides: &[OverrideRow]) -> u32 {
    let waved = |rule: &str| overrides.iter().any(|row| row.rule == rule);
    let open = findings
        .iter()
        .filter(|finding| finding.severity == "blocker" && !waved(&finding.rule));
    u32::try_from(open.count()).unwrap_or(u32::MAX)
}

/// Returns the newest check for a page, as this person may know it.
pub(crate) async fn view_of(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<Option<CheckView>> {
    let Some(mut newest) = newest(tx, &file.case_id).await? else {
        return Ok(None);
    };
    let is_before_lock = reading::is_before_lock(file);
    if is_before_lock && newest.check.before_lock.is_none() {
        newest.check.before_lock = judged_anew(tx, ctx, file, now).await?;
    }
    if let Some(told) = newest.check.before_lock.take().filter(|_| is_before_lock) {
        newest.check.patients = told.patients;
        newest.check.findings = told.findings;
        newest.check.missing = told.missing;
    }
    let mut view = page_of(newest);
    if is_before_lock {
        view.leave_out_first_reading(&ctx.knowledge.rules);
    }
    Ok(Some(view))
}

/// What is told before the lock where the kept check is older than the reports among the images, or than this was kept.
async fn judged_anew(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<Option<KeptBeforeLock>> {
    if studies::reports_of_case(tx, &file.case_id)
        .await?
        .is_empty()
    {
        return Ok(None);
    }
    let checked = check_of(tx, ctx, file, now).await?;
    let kept = serde_json::to_value(checked.before_lock).map_err(StepError::internal)?;
    serde_json::from_value(kept).map_err(StepError::internal)
}

fn page_of(newest: Newest) -> CheckView {
    let reason = |rule: &str| {
        newest
            .overrides
            .iter()
            .find(|row| row.rule == rule)
            .map(|row| row.reason.clone())
    };
    CheckView {
        checked_at: newest.checked_at,
        ready: newest.open_blockers == 0,
        patients: newest
            .check
            .patients
            .iter()
            .map(|patient| crate::records::readable_name(Some(&patient.name)))
            .collect(),
        findings: newest
            .check
            .findings
            .iter()
            .map(|finding| FindingRow {
                rule: finding.rule.clone(),
                severity: finding.severity.clone(),
                subject: finding.subject.clone(),
                message: finding.message.clone(),
                overridden: reason(&finding.rule),
                letter_kind: finding.letter.clone().unwrap_or_default(),
            })
            .collect(),
        missing: newest
            .check
            .missing
            .iter()
            .map(|missing| missing.message.clone())
            .collect(),
    }
}

/// Returns the kinds of letters that the newest check asks for, with why.
pub(crate) async fn letters_asked_for(
    tx: &mut Tx,
    case_id: &CaseId,
) -> StepResult<Vec<(String, String)>> {
    let Some(newest) = newest(tx, case_id).await? else {
        return Ok(Vec::new());
    };
    Ok(newest
        .check
        .missing
        .into_iter()
        .map(|missing| (missing.letter, missing.message))
        .collect())
}
