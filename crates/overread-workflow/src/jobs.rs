//! What happens by itself when a time is over. Safe to run twice and on several nodes.

use overread_ingest::Receipt;
use overread_model::access::Actor;
use overread_model::case::{CaseEvent, CaseState};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::{cases, checks, review_tasks};

use crate::casework::{self, Said};
use crate::{StepError, StepResult, Workflow, keeping, limits, records};

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobRound {
    /// Drafts, consents and follow-ups whose time was over.
    pub timed_out: usize,
    /// Offers that nobody answered.
    pub offers_lapsed: usize,
    /// Cases whose deliveries broke off, or go on, and that were judged.
    pub judged: usize,
    /// Deleted studies that can not be restored any more.
    pub erased: usize,
}

/// Ends what nobody went on with in time (drafts, missing consents, unanswered offers, follow-ups), judges what
/// deliveries that broke off left behind, and erases deleted studies whose period of grace is over.
///
/// # Errors
/// Fails when the store does; a case that somebody changed meanwhile is left for the next round.
pub async fn run_due(ctx: &Workflow, now: Timestamp) -> StepResult<JobRound> {
    let mut round = JobRound::default();
    for (state, event) in [
        (CaseState::Draft, CaseEvent::Timeout),
        (CaseState::ConsentPending, CaseEvent::Timeout),
        (CaseState::FollowUp, CaseEvent::Timeout),
        (CaseState::Offered, CaseEvent::Decline),
    ] {
        for case_id in past_due(ctx, state, now).await? {
            match end(ctx, &case_id, state, event, now).await {
                Ok(()) if event == CaseEvent::Decline => round.offers_lapsed += 1,
                Ok(()) => round.timed_out += 1,
                Err(StepError::Stale | StepError::NotFound) => {}
                Err(StepError::Invalid(_)) => {
                    tracing::warn!(case.id = %case_id, "a case past its time could not be ended")
                }
                Err(error) => return Err(error),
            }
        }
    }
    round.judged = judge_what_broke_off(ctx, now).await?;
    round.erased = keeping::erase_due(ctx, now).await?;
    Ok(round)
}

/// Judges whose the images are that a delivery left behind without an end, so that the right patient's appear.
///
/// A delivery that still goes on loses nothing by it: another patient's images are held back either way.
async fn judge_what_broke_off(ctx: &Workflow, now: Timestamp) -> StepResult<usize> {
    let cases =
        checks::cases_to_judge(&mut ctx.store.read().await?, limits::CASES_ON_A_PAGE).await?;
    let mut judged = 0;
    for case_id in cases {
        let mut nothing = Receipt::default();
        match records::arrived(ctx, &Actor::System, &case_id, &mut nothing, now).await {
            Ok(()) => judged += 1,
            Err(StepError::Stale | StepError::NotFound) => {}
            Err(StepError::Invalid(_)) => {
                tracing::warn!(case.id = %case_id, "images that arrived for a case could not be judged")
            }
            Err(error) => return Err(error),
        }
    }
    Ok(judged)
}

async fn past_due(ctx: &Workflow, state: CaseState, now: Timestamp) -> StepResult<Vec<CaseId>> {
    let mut tx = ctx.store.read().await?;
    let rows = cases::past_due(&mut tx, state.as_str(), now, limits::CASES_ON_A_PAGE).await?;
    rows.iter()
        .map(|row| row.case_id().map_err(StepError::from))
        .collect()
}

async fn end(
    ctx: &Workflow,
    case_id: &CaseId,
    state: CaseState,
    event: CaseEvent,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, &Actor::System, case_id, now).await?;
    // Asked again inside the transaction: somebody may have been faster.
    if file.state != state || file.facts.clocks.due_at.is_none_or(|due_at| due_at > now) {
        return Err(StepError::Stale);
    }
    // A treatment makes it late before; nobody loses the case by that, while an offer goes to somebody else.
    let since = Timestamp::from_micros(file.row.state_since);
    let usual = state.usual_due_at(&file.facts, &ctx.config.calendar, since);
    let loses = event == CaseEvent::Timeout && file.facts.treatment_on.is_some();
    if loses && usual.is_some_and(|due_at| due_at > now) {
        return Err(StepError::Stale);
    }
    let task = file.task.clone();
    file.facts.given.reason = true;
    let note = if event == CaseEvent::Decline {
        "The reviewer did not answer in time."
    } else {
        ""
    };
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        &Actor::System,
        event,
        Said {
            note,
            staff_only: true,
        },
        now,
    )
    .await?;
    if let (CaseEvent::Decline, Some(task)) = (event, task) {
        review_tasks::end(&mut tx, &task.id, "lapsed", note, now).await?;
    }
    Ok(tx.commit().await?)
}
