//! What a coordinator waves through, with a reason.

use overread_model::access::Actor;
use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::checks::{self, OverrideRow};
use overread_store::{Tx, refused_files};

use super::{IDENTITY_RULES, NOT_KEPT_RULE, Newest, judge, newest, settle};
use crate::casework::{self, Said, checked_reason};
use crate::{StepError, StepResult, Workflow};

/// Waves findings of these rules through, with a reason that the reviewer and the report show.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Invalid` without reason or for rules that found nothing.
pub async fn override_rules(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    rules: &[String],
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    file.expect(version)?;
    let found = newest(&mut tx, case_id)
        .await?
        .ok_or_else(|| StepError::invalid("", "There is no check yet."))?;
    if rules.is_empty()
        || !rules.iter().all(|rule| {
            found
                .check
                .findings
                .iter()
                .any(|finding| finding.rule == *rule)
        })
    {
        return Err(StepError::invalid(
            "rules",
            "Choose findings of the last check.",
        ));
    }
    wave(&mut tx, case_id, (rules, reason), &found, actor, now).await?;
    if rules
        .iter()
        .any(|rule| IDENTITY_RULES.contains(&rule.as_str()))
    {
        file.row.identity_confirmed = 1;
        file.facts.records.identity_confirmed = true;
    }
    file.facts.given.reason = true;
    file.facts.given.overridden_rule_count = u32::try_from(rules.len()).unwrap_or(u32::MAX);
    let said = Said {
        note: reason,
        staff_only: false,
    };
    if file.state == CaseState::RecordsDeficient {
        casework::apply(
            &mut tx,
            ctx,
            &mut file,
            actor,
            CaseEvent::Override,
            said,
            now,
        )
        .await?;
    } else {
        file.save(&mut tx).await?;
        let what = "A coordinator waved a finding of the check through";
        casework::note(&mut tx, &file, actor, "check.overridden", what, said, now).await?;
    }
    judge(&mut tx, ctx, &mut file, now).await?;
    settle(&mut tx, ctx, &mut file, now).await?;
    Ok(tx.commit().await?)
}

/// Keeps the reason for which each of these rules is waved through.
async fn wave(
    tx: &mut Tx,
    case_id: &CaseId,
    (rules, reason): (&[String], &str),
    found: &Newest,
    actor: &Actor,
    now: Timestamp,
) -> StepResult<()> {
    for rule in rules {
        let mut findings = found.check.findings.iter();
        let first = findings.find(|finding| finding.rule == *rule);
        let row = OverrideRow {
            rule: rule.clone(),
            reason: reason.to_owned(),
            found: first.map_or_else(String::new, |one| one.message.clone()),
        };
        checks::override_rule(tx, case_id, &row, actor.id(), now).await?;
        if rule == NOT_KEPT_RULE {
            // What was refused since that check blocks again.
            refused_files::let_through(tx, case_id).await?;
        }
    }
    Ok(())
}
