//! The reviewer asks for what is missing, and the asking side answers.

use overread_model::access::{Actor, Right};
use overread_model::case::CaseEvent;
use overread_model::ids::{CaseId, ReportId};
use overread_model::time::Timestamp;
use overread_store::reports;

use crate::casework::{self, Said, checked_text};
use crate::{StepResult, Workflow, limits};

/// Asks the requester for more: in_review -> info_requested; the clock stops.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` without a question.
pub async fn request_info(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    question: &str,
    now: Timestamp,
) -> StepResult<()> {
    let question = checked_text(
        "question",
        question,
        limits::LONG_TEXT_CHARACTERS,
        Some("Write your question."),
    )?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.own_task()?;
    file.facts.given.question = true;
    let said = Said {
        note: question,
        staff_only: false,
    };
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::RequestInfo,
        said,
        now,
    )
    .await?;
    let row = reports::InfoRow {
        id: casework::new_id(ReportId::from_random)?.as_str().to_owned(),
        question: question.to_owned(),
        asked_at: now.as_micros(),
        answer: None,
        answered_at: None,
    };
    reports::ask(&mut tx, case_id, &row, actor.id()).await?;
    Ok(tx.commit().await?)
}

/// Answers the reviewer's question: info_requested -> in_review.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn supply_info(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    answer: &str,
    now: Timestamp,
) -> StepResult<()> {
    let answer = checked_text(
        "answer",
        answer,
        limits::LONG_TEXT_CHARACTERS,
        Some("Write your answer."),
    )?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    let said = Said {
        note: answer,
        staff_only: false,
    };
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::InfoSupplied,
        said,
        now,
    )
    .await?;
    reports::answer(&mut tx, case_id, answer, actor.id(), now.as_micros()).await?;
    Ok(tx.commit().await?)
}
