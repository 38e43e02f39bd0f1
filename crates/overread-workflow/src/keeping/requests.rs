//! Whoever asked in a case asks that its images be deleted; an administrator answers.

use overread_model::access::Actor;
use overread_model::case::CaseRole;
use overread_model::ids::{CaseId, ErasureRequestId};
use overread_model::text::{counted, listed};
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::{Tx, cases, erasure_requests};

use super::deleting::{self, Marked, Marking};
use crate::casework::{self, Said, checked_reason, new_id, person_of};
use crate::people::require_administrator;
use crate::{StepError, StepResult, Workflow, news};

/// Asks that the images of a case be deleted; the request waits for an administrator.
///
/// # Errors
/// `NotFound`, `Forbidden` unless the actor asked in this case or coordinates, `Invalid` without a reason or while a request waits.
pub async fn ask(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    if file.reads || !(file.wears(CaseRole::Requester) || file.wears(CaseRole::Coordinator)) {
        return Err(StepError::Forbidden);
    }
    let reason = checked_reason(reason)?;
    if file.row.number.is_none() {
        return Err(StepError::invalid(
            "",
            "This request is not sent yet: throw it away instead.",
        ));
    }
    let id = new_id(ErasureRequestId::from_random)?;
    let by = person_of(actor)?.as_str();
    if !erasure_requests::add(&mut tx, &id, case_id, by, reason, now).await? {
        return Err(StepError::invalid(
            "",
            "This was asked already and waits for an answer.",
        ));
    }
    let what = "Deletion of the images was asked for";
    casework::note(
        &mut tx,
        &file,
        actor,
        "erasure.requested",
        what,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Deletes the images of the case that a request is about.
///
/// # Errors
/// As [`deleting::delete`]; `Stale` when it was answered meanwhile.
pub async fn delete_as_asked(
    ctx: &Workflow,
    actor: &Actor,
    request_id: &ErasureRequestId,
    now: Timestamp,
) -> StepResult<Marked> {
    require_administrator(actor)?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let waiting = waiting(&mut tx, request_id).await?;
    let case_id = waiting.case_id()?;
    let reason = format!("Asked for in the case: {}", waiting.reason);
    let mut marking = Marking::new(&reason);
    deleting::mark_case(&mut tx, ctx, actor, &case_id, &mut marking, now).await?;
    if marking.marked.studies == 0 {
        return Err(StepError::invalid("", why_none(&mut tx, &marking).await?));
    }
    let note = if marking.marked.held + marking.marked.shared > 0 {
        "Not every exam could be deleted."
    } else {
        ""
    };
    answer(&mut tx, ctx, actor, &waiting, ("deleted", note), now).await?;
    deleting::finish(ctx, tx, marking, now).await
}

/// Says why nothing of a case was deleted.
async fn why_none(tx: &mut Tx, marking: &Marking<'_>) -> StepResult<String> {
    let Marked { shared, held, .. } = marking.marked;
    let mut reasons = Vec::new();
    if held > 0 {
        let exams = counted(held, "exam", "exams");
        reasons.push(format!("a legal hold covers {exams}"));
    }
    if shared > 0 {
        let mut numbers = Vec::new();
        for case_id in &marking.sharing {
            let row = cases::find(tx, case_id).await?;
            numbers.extend(row.map(|row| row.number.unwrap_or(row.id)));
        }
        let exams = counted(shared, "exam is", "exams are");
        let of = match numbers.len() {
            1 => "of case",
            _ => "of cases",
        };
        reasons.push(format!("{exams} also {of} {}", listed(&numbers)));
    }
    Ok(format!(
        "Nothing was deleted: {}. Decline the request and say so.",
        listed(&reasons)
    ))
}

/// Answers a request with no, and says why.
///
/// # Errors
/// `Forbidden` unless administrator; `Invalid` without a reason; `Stale` when it was answered meanwhile.
pub async fn decline(
    ctx: &Workflow,
    actor: &Actor,
    request_id: &ErasureRequestId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    require_administrator(actor)?;
    let reason = checked_reason(reason)?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let waiting = waiting(&mut tx, request_id).await?;
    answer(&mut tx, ctx, actor, &waiting, ("declined", reason), now).await?;
    Ok(tx.commit().await?)
}

/// A request that waits for an answer.
struct Waiting<'a> {
    request_id: &'a ErasureRequestId,
    case_id: String,
    asked_by: String,
    reason: String,
}

impl Waiting<'_> {
    fn case_id(&self) -> StepResult<CaseId> {
        self.case_id.parse().map_err(StepError::internal)
    }
}

async fn waiting<'a>(tx: &mut Tx, request_id: &'a ErasureRequestId) -> StepResult<Waiting<'a>> {
    let row = erasure_requests::find_open(tx, request_id).await?;
    let row = row.ok_or(StepError::Stale)?;
    Ok(Waiting {
        request_id,
        case_id: row.case_id,
        asked_by: row.asked_by,
        reason: row.reason,
    })
}

/// Notes an answer, and tells who asked that there is one.
async fn answer(
    tx: &mut Tx,
    ctx: &Workflow,
    actor: &Actor,
    waiting: &Waiting<'_>,
    (answer, note): (&'static str, &str),
    now: Timestamp,
) -> StepResult<()> {
    let request_id = waiting.request_id;
    if !erasure_requests::answer(tx, request_id, answer, note, actor.id(), now).await? {
        return Err(StepError::Stale);
    }
    let case_id = waiting.case_id()?;
    let file = casework::load(tx, &Actor::System, &case_id, now).await?;
    let what = match answer {
        "deleted" => "The request to delete the images was granted",
        _ => "The request to delete the images was declined",
    };
    let said = Said {
        note,
        staff_only: false,
    };
    casework::note(tx, &file, actor, "erasure.answered", what, said, now).await?;
    news::tell_of_answer(tx, ctx, &file, (request_id, &waiting.asked_by), now).await?;
    let event = AuditEvent::new("erasure.answered")
        .in_case(&case_id)
        .on("erasure_request", request_id)
        .with(serde_json::json!({"answer": answer}));
    Ok(audit::record(tx, actor, &event, now).await?)
}
