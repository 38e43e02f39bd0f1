//! Asking that a work item be given up (PS3.18 11.8, PS3.4 CC.2.2).

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use overread_store::Tx;
use overread_store::audit;
use overread_store::work_items::{self, CANCELED, COMPLETED, EventType, IN_PROGRESS, WorkItem};
use serde_json::{Value, json};

use super::{Attributes, body, data_set, done, forbidden, load, place, record, refused, rules};
use crate::caller::Caller;
use crate::refusal::Answer;
use crate::state::DicomWebState;
use crate::warning::{SERVICE, warn};

/// POST /workitems/{workitem}/cancelrequest.
pub(crate) async fn request_cancellation(
    State(state): State<DicomWebState>,
    Path(uid): Path<String>,
    caller: Caller,
    request: Request,
) -> Answer {
    let reason = body::optional(request).await?.unwrap_or_default();
    let mut tx = state.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let item = load(&mut tx, &caller, &uid).await?;
    if !caller.actor.sees_every_case() {
        return Err(forbidden(
            "only systems that see every case ask for this; give a claim of your own up by its state",
        ));
    }
    match item.state.as_str() {
        CANCELED => {}
        COMPLETED => {
            return Err(refused(
                StatusCode::CONFLICT,
                "The UPS is already COMPLETED.",
            ));
        }
        IN_PROGRESS => ask_performer(&mut tx, &caller, &item, &reason).await?,
        _ => cancel(&mut tx, &caller, &item, &reason).await?,
    }
    record(&mut tx, &caller, "work_item.cancel_requested", &uid).await?;
    tx.commit().await?;
    state.work_items.notify_waiters();
    let mut response = done(StatusCode::ACCEPTED, &place(&caller, &uid));
    if item.state == CANCELED {
        warn(
            response.headers_mut(),
            "The UPS is already in the requested state of CANCELED.",
        );
    }
    Ok(response)
}

/// Cancels an item that waits; a read of a case is not ended from outside, since its case would lose it.
async fn cancel(tx: &mut Tx, caller: &Caller, item: &WorkItem, reason: &Attributes) -> Answer<()> {
    if item.is_read() {
        let text = "Performer chooses not to cancel.";
        let words = "a read is withdrawn in its case, by whoever runs it";
        return Err(refused(StatusCode::CONFLICT, text).saying(words.to_owned()));
    }
    let mut attributes = data_set::stored(item)?;
    rules::cancel_waiting(&mut attributes, reason, caller.now);
    let text = Value::Object(attributes.clone()).to_string();
    let (uid, now) = (&item.uid, caller.now);
    if !work_items::end(tx, uid, CANCELED, &text, now).await? {
        return Err(refused(
            StatusCode::CONFLICT,
            "Performer chooses not to cancel.",
        ));
    }
    // PS3.4 CC.2.2.3: first IN PROGRESS, then CANCELED.
    for state in [IN_PROGRESS, CANCELED] {
        let mut report = rules::state_report(state, &attributes);
        if state == CANCELED {
            add_reason(&mut report, reason);
        }
        work_items::add_event(tx, uid, EventType::StateReport, &report, now).await?;
    }
    record(tx, caller, "work_item.canceled", uid).await
}

/// Tells the performer, who decides; when nobody listens, says so.
async fn ask_performer(
    tx: &mut Tx,
    caller: &Caller,
    item: &WorkItem,
    reason: &Attributes,
) -> Answer<()> {
    let is_heard = match (&item.performer_kind, &item.performer_id) {
        (Some(kind), Some(id)) => work_items::is_listening(tx, kind, id, &item.uid).await?,
        _ => false,
    };
    if !is_heard {
        return Err(refused(
            StatusCode::CONFLICT,
            "The performer cannot be contacted.",
        ));
    }
    let mut report = json!({"00741236": {"vr": "AE", "Value": [SERVICE.to_uppercase()]}});
    add_reason(&mut report, reason);
    let kind = EventType::CancelRequested;
    Ok(work_items::add_event(tx, &item.uid, kind, &report, caller.now).await?)
}

fn add_reason(report: &mut Value, reason: &Attributes) {
    let Some(report) = report.as_object_mut() else {
        return;
    };
    for name in ["0074100A", "0074100C", "0074100E", "00741238"] {
        if let Some(element) = reason.get(name) {
            report.insert(name.to_owned(), element.clone());
        }
    }
}
