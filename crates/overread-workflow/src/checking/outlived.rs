//! Reasons of a coordinator whose finding is gone, or is another one by now.

use overread_model::access::Actor;
use overread_model::completeness::CheckResult;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::checks::OverrideRow;
use overread_store::{Tx, checks, held_papers, refused_files};

use super::{IDENTITY_PREFIX, NOT_KEPT_RULE, OTHER_EXAM_RULES, OTHER_SIDE_RULE};
use crate::StepResult;

/// Takes back the reasons whose finding is gone: what was put right leaves no gap in the report, and waves nothing later. While
/// something waits outside the case, a finding may be away with it and come back, and every reason stays.
pub(super) async fn drop_outlived(
    tx: &mut Tx,
    case_id: &CaseId,
    result: &CheckResult,
    now: Timestamp,
) -> StepResult<()> {
    let found = |rule: &str| result.findings.iter().any(|finding| finding.rule == rule);
    let mut waved = checks::overrides(tx, case_id).await?;
    waved.retain(|row| !row.rule.starts_with(IDENTITY_PREFIX) && !found(&row.rule));
    if waved.is_empty() || something_waits(tx, case_id).await? {
        return Ok(());
    }
    end(tx, case_id, waved, now).await
}

/// Takes back the confirmed side where the check says something else of it than what was confirmed; says whether it did.
pub(super) async fn end_changed_side(
    tx: &mut Tx,
    case_id: &CaseId,
    result: &CheckResult,
    now: Timestamp,
) -> StepResult<bool> {
    let mut findings = result.findings.iter();
    let Some(found) = findings.find(|finding| finding.rule == OTHER_SIDE_RULE) else {
        return Ok(false);
    };
    let mut waved = checks::overrides(tx, case_id).await?;
    waved.retain(|row| row.rule == OTHER_SIDE_RULE && row.found != found.message);
    let is_changed = !waved.is_empty();
    end(tx, case_id, waved, now).await?;
    Ok(is_changed)
}

/// Takes back that the case was let through without what was refused, where something was refused since.
pub(super) async fn end_without_refused(
    tx: &mut Tx,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    if !refused_files::is_undecided(tx, case_id).await? {
        return Ok(());
    }
    let mut waved = checks::overrides(tx, case_id).await?;
    waved.retain(|row| row.rule == NOT_KEPT_RULE);
    end(tx, case_id, waved, now).await
}

/// Takes back what was waved through about papers or images of another exam: the request asks about another one now.
pub(crate) async fn end_other_exam(
    tx: &mut Tx,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    let mut waved = checks::overrides(tx, case_id).await?;
    waved.retain(|row| OTHER_EXAM_RULES.contains(&row.rule.as_str()));
    end(tx, case_id, waved, now).await
}

/// Takes back what was waved through about whose images they are: the request names another patient now.
pub(crate) async fn end_identity(tx: &mut Tx, case_id: &CaseId, now: Timestamp) -> StepResult<()> {
    let mut waved = checks::overrides(tx, case_id).await?;
    waved.retain(|row| row.rule.starts_with(IDENTITY_PREFIX));
    end(tx, case_id, waved, now).await
}

/// Takes these reasons back, and puts each on record.
async fn end(
    tx: &mut Tx,
    case_id: &CaseId,
    waved: Vec<OverrideRow>,
    now: Timestamp,
) -> StepResult<()> {
    for row in waved {
        checks::drop_override(tx, case_id, &row.rule).await?;
        let event = AuditEvent::new("check.override_ended")
            .in_case(case_id)
            .on("rule", row.rule);
        audit::record(tx, &Actor::System, &event, now).await?;
    }
    Ok(())
}

/// Says whether images or papers of the case wait to be judged or decided on.
async fn something_waits(tx: &mut Tx, case_id: &CaseId) -> StepResult<bool> {
    let arrived = checks::studies_to_judge(tx, case_id).await?.len();
    Ok(arrived > checks::studies(tx, case_id).await?.len()
        || !checks::held_back(tx, case_id).await?.is_empty()
        || !held_papers::list_waiting(tx, case_id).await?.is_empty())
}
