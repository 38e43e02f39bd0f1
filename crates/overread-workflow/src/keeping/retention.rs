//! What the rules of retention no longer keep: proposed, and deleted when an administrator says so.

use overread_model::access::Actor;
use overread_model::keeping::{RetentionRule, is_over, kept_until};
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::retention::{EndedStudy, ended_studies};
use overread_store::studies::StudyKey;
use overread_store::{Tx, audit};

use super::deleting::{self, Marking};
use super::{case_words, exam_words};
use crate::people::require_administrator;
use crate::{StepError, StepResult, Workflow, limits};

/// A study that the rules no longer keep.
pub struct Proposal {
    /// The study.
    pub study: StudyKey,
    /// Number of one of its cases.
    pub case: String,
    /// Modalities and date of the exam.
    pub exam: String,
    /// How many images.
    pub instance_count: i64,
    /// How many bytes.
    pub length_bytes: u64,
    /// The rule that kept it the longest.
    pub rule: String,
    /// The last day on which it did.
    pub kept_until: CalendarDate,
}

/// Lists what the rules no longer keep, at most [`limits::KEEPING_ROWS`].
pub(super) async fn proposals(
    tx: &mut Tx,
    ctx: &Workflow,
    now: Timestamp,
) -> StepResult<Vec<Proposal>> {
    let over = over(tx, &ctx.config.keeping.rules, now, |_| true).await?;
    Ok(over
        .into_iter()
        .map(|(study, rule, kept_until)| Proposal {
            study: study.key,
            case: case_words(study.case_number),
            exam: exam_words(&study.of.modalities.join("\\"), &study.study_date),
            instance_count: study.instance_count,
            length_bytes: study.length_bytes.unsigned_abs(),
            rule: rule.name.clone(),
            kept_until,
        })
        .collect())
}

type Over<'a> = (EndedStudy, &'a RetentionRule, CalendarDate);

/// Looks through the studies of ended cases for those whose time is over.
async fn over<'a>(
    tx: &mut Tx,
    rules: &'a [RetentionRule],
    now: Timestamp,
    wanted: impl Fn(&RetentionRule) -> bool,
) -> StepResult<Vec<Over<'a>>> {
    let mut found = Vec::new();
    // Nothing is due before the shortest of the rules, which is never under a day.
    let days = |rule: &RetentionRule| i64::from(rule.years) * 365 + i64::from(rule.days);
    let Some(shortest) = rules.iter().map(days).min() else {
        return Ok(found);
    };
    let ended_before = now.plus_days(-shortest);
    let mut after = StudyKey(0);
    loop {
        let page = ended_studies(tx, after, ended_before, limits::KEEPING_ROWS).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = last.key;
        for study in page {
            if let Some((rule, until)) = due(rules, &study, now).filter(|(rule, _)| wanted(rule)) {
                found.push((study, rule, until));
            }
        }
        if found.len() as i64 >= limits::KEEPING_ROWS {
            found.truncate(limits::KEEPING_ROWS as usize);
            return Ok(found);
        }
    }
}

fn due<'a>(
    rules: &'a [RetentionRule],
    study: &EndedStudy,
    now: Timestamp,
) -> Option<(&'a RetentionRule, CalendarDate)> {
    kept_until(rules, &study.of).filter(|(_, until)| is_over(*until, now))
}

/// Deletes a study that the rules no longer keep, as an administrator confirms.
///
/// # Errors
/// `Forbidden` unless administrator; `Stale` when it is not proposed any more.
pub async fn confirm(
    ctx: &Workflow,
    actor: &Actor,
    study: StudyKey,
    now: Timestamp,
) -> StepResult<()> {
    require_administrator(actor)?;
    mark(ctx, actor, study, now).await
}

async fn mark(ctx: &Workflow, actor: &Actor, study: StudyKey, now: Timestamp) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let rules = &ctx.config.keeping.rules;
    // Asked again inside the transaction: a case may have been opened again, or a hold placed.
    let found = ended_studies(&mut tx, StudyKey(study.0.saturating_sub(1)), now, 1).await?;
    let found = found.into_iter().find(|found| found.key == study);
    let due = found.as_ref().and_then(|found| due(rules, found, now));
    let (rule, _) = due.ok_or(StepError::Stale)?;
    if *actor == Actor::System && !rule.unconfirmed {
        return Err(StepError::Stale);
    }
    let reason = format!("Retention: {}", rule.name);
    let mut marking = Marking::new(&reason);
    deleting::mark_study(&mut tx, ctx, actor, study, &mut marking, now).await?;
    deleting::finish(ctx, tx, marking, now).await?;
    Ok(())
}

/// Deletes what rules that need no confirmation no longer keep; returns how many studies. The period of grace counts for them,
/// too.
///
/// # Errors
/// When the store fails.
pub async fn apply_rules(ctx: &Workflow, now: Timestamp) -> StepResult<usize> {
    let rules = &ctx.config.keeping.rules;
    if !rules.iter().any(|rule| rule.unconfirmed) {
        return Ok(0);
    }
    let over = over(&mut ctx.store.read().await?, rules, now, |rule| {
        rule.unconfirmed
    })
    .await?;
    let mut marked = 0;
    for (study, ..) in over {
        match mark(ctx, &Actor::System, study.key, now).await {
            Ok(()) => marked += 1,
            Err(StepError::Stale | StepError::Invalid(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(marked)
}
