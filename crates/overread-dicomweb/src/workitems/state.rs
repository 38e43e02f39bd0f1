//! Claiming a work item and ending it (PS3.18 11.7, PS3.4 CC.2.1).

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use overread_store::Tx;
use overread_store::audit;
use overread_store::work_items::{
    self, CANCELED, COMPLETED, EventType, IN_PROGRESS, SCHEDULED, WorkItem,
};
use serde_json::Value;

use super::{body, data_set, done, forbidden, load, place, proves_claim, record, refused, rules};
use crate::caller::Caller;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;
use crate::warning::warn;

const INCONSISTENT: &str =
    "The submitted request is inconsistent with the state of the UPS Instance.";

/// PUT /workitems/{workitem}/state.
pub(crate) async fn change_state(
    State(state): State<DicomWebState>,
    Path(uid): Path<String>,
    caller: Caller,
    request: Request,
) -> Answer {
    let asked = body::required(request).await?;
    let wanted = rules::text(&asked, "00741000").unwrap_or_default();
    let wanted = [IN_PROGRESS, COMPLETED, CANCELED]
        .into_iter()
        .find(|known| *known == wanted);
    let Some(wanted) = wanted else {
        let text = "a ProcedureStepState is asked for that is IN PROGRESS, COMPLETED or CANCELED";
        return Err(Refusal::bad_request(text));
    };
    let transaction = rules::text(&asked, "00081195");
    let mut tx = state.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let item = load(&mut tx, &caller, &uid).await?;
    let Some(transaction) = transaction else {
        return Err(refused(
            StatusCode::BAD_REQUEST,
            "The Transaction UID is missing.",
        ));
    };
    let is_there_already = if wanted == IN_PROGRESS {
        claim(&mut tx, &caller, &item, transaction).await?;
        false
    } else {
        end(&mut tx, &caller, &item, (wanted, transaction)).await?
    };
    tx.commit().await?;
    state.work_items.notify_waiters();
    let mut response = done(StatusCode::OK, &place(&caller, &uid));
    if is_there_already {
        let text = format!("The UPS is already in the requested state of {wanted}.");
        warn(response.headers_mut(), &text);
    }
    Ok(response)
}

async fn claim(tx: &mut Tx, caller: &Caller, item: &WorkItem, transaction: &str) -> Answer<()> {
    if item.state != SCHEDULED {
        return Err(refused(StatusCode::CONFLICT, INCONSISTENT));
    }
    if item.is_read() && !item.is_read_by(&caller.actor) {
        return Err(forbidden(
            "only the reviewer who was asked claims this read",
        ));
    }
    if item.is_read() && !item.is_ready() {
        let text = "the reviewer has not accepted this read, or its case stands still";
        return Err(refused(StatusCode::CONFLICT, INCONSISTENT).saying(text.to_owned()));
    }
    if transaction
        .parse::<overread_model::uid::SopInstanceUid>()
        .is_err()
    {
        return Err(Refusal::bad_request("the transaction UID is none"));
    }
    let (uid, now) = (&item.uid, caller.now);
    if !work_items::claim(tx, &caller.actor, uid, transaction, now).await? {
        return Err(refused(StatusCode::CONFLICT, INCONSISTENT));
    }
    let attributes = data_set::stored(item)?;
    let report = rules::state_report(IN_PROGRESS, &attributes);
    work_items::add_event(tx, uid, EventType::StateReport, &report, now).await?;
    record(tx, caller, "work_item.claimed", uid).await
}

/// Ends an item; says whether it had that end already.
async fn end(
    tx: &mut Tx,
    caller: &Caller,
    item: &WorkItem,
    (wanted, transaction): (&'static str, &str),
) -> Answer<bool> {
    if item.state == SCHEDULED {
        return Err(refused(StatusCode::CONFLICT, INCONSISTENT));
    }
    proves_claim(item, Some(transaction))?;
    if item.is_over() {
        return match item.state == wanted {
            true => Ok(true),
            false => Err(refused(StatusCode::CONFLICT, INCONSISTENT)),
        };
    }
    if item.is_read() && wanted == COMPLETED {
        let text = "a read is completed by the signature of the second report, and by nothing else";
        return Err(refused(StatusCode::CONFLICT, INCONSISTENT).saying(text.to_owned()));
    }
    let mut attributes = data_set::stored(item)?;
    match wanted {
        COMPLETED => rules::check_completed(&attributes)?,
        _ => rules::complete_canceled(&mut attributes, caller.now)?,
    }
    let (uid, now) = (&item.uid, caller.now);
    let text = Value::Object(attributes.clone()).to_string();
    if !work_items::end(tx, uid, wanted, &text, now).await? {
        return Err(refused(StatusCode::CONFLICT, INCONSISTENT));
    }
    let report = rules::state_report(wanted, &attributes);
    work_items::add_event(tx, uid, EventType::StateReport, &report, now).await?;
    let event = if wanted == COMPLETED {
        "work_item.completed"
    } else {
        "work_item.canceled"
    };
    record(tx, caller, event, uid).await?;
    if let Some(task_id) = &item.task_id {
        // Giving up the claim does not give up the read: no read is lost from the list by it.
        work_items::replace_read(tx, task_id, uid, item.is_ready(), now).await?;
    }
    Ok(false)
}
