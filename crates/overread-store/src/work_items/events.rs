//! What happened to work items, in the order in which it stood (PS3.4 CC.2.4).

use overread_model::time::Timestamp;
use serde_json::Value;

use crate::error::StoreResult;
use crate::{Tx, audit, limits};

/// (0000,1002) of a report about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// Its state, or whether it can be begun.
    StateReport = 1,
    /// Somebody asks its performer to give it up.
    CancelRequested = 2,
    /// How far it is.
    Progress = 3,
    /// Who is to do it.
    Assigned = 5,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EventRow {
    /// Rises; what has a lower number stood before.
    pub id: i64,
    /// Which item.
    pub uid: String,
    /// [`EventType`] as a number.
    pub event_type: i64,
    /// DICOM JSON.
    pub information: String,
}

/// Notes what happened, in the transaction in which it happens.
///
/// # Errors
/// When the database fails.
pub async fn add_event(
    tx: &mut Tx,
    uid: &str,
    event_type: EventType,
    information: &Value,
    now: Timestamp,
) -> StoreResult<()> {
    // Whoever follows by number would pass over one that stands later than a higher one.
    audit::take_turn(tx).await?;
    on!(&mut *tx, c => sqlx::query("insert into work_item_event (uid, event_type, information, at) values ($1, $2, $3, $4)")
        .bind(uid).bind(event_type as i64).bind(information.to_string()).bind(now.as_micros())
        .execute(&mut *c).await?.rows_affected());
    // After the insert, so that the highest number stays.
    on!(tx, c => sqlx::query("delete from work_item_event where at < $1")
        .bind(now.plus_days(-limits::WORK_ITEM_EVENT_DAYS).as_micros()).execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Notes the state of an item.
pub(super) async fn add_state(
    tx: &mut Tx,
    uid: &str,
    state: &str,
    is_ready: bool,
    now: Timestamp,
) -> StoreResult<()> {
    let readiness = if is_ready { "READY" } else { "INCOMPLETE" };
    let information = serde_json::json!({
        "00404041": {"vr": "CS", "Value": [readiness]},
        "00741000": {"vr": "CS", "Value": [state]},
    });
    add_event(tx, uid, EventType::StateReport, &information, now).await
}

/// Returns the number of the last thing that happened.
///
/// # Errors
/// When the database fails.
pub async fn last_event(tx: &mut Tx) -> StoreResult<i64> {
    let (id,): (i64,) = on!(tx, c => sqlx::query_as("select coalesce(max(id), 0) from work_item_event")
        .fetch_one(&mut *c).await?);
    Ok(id)
}

/// Returns the next things that happened behind a number, up to [`limits::WORK_ITEM_EVENTS`].
///
/// # Errors
/// When the database fails.
pub async fn events_after(tx: &mut Tx, id: i64) -> StoreResult<Vec<EventRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select id, uid, event_type, information from work_item_event where id > $1 order by id limit $2")
        .bind(id).bind(limits::WORK_ITEM_EVENTS).fetch_all(&mut *c).await?))
}
