//! The items of reads: they follow the review task, in its transactions.

use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use super::events::{EventType, add_event, add_state};
use super::{CANCELED, COMPLETED, IN_PROGRESS, SCHEDULED, new_uid};
use crate::error::StoreResult;
use crate::{Tx, audit};

/// The item of a task that is not over: its name and state.
async fn open_item(tx: &mut Tx, task_id: &str) -> StoreResult<Option<(String, String)>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select uid, state from work_item where task_id = $1 and state in ('SCHEDULED', 'IN PROGRESS')")
        .bind(task_id).fetch_optional(&mut *c).await?))
}

/// Makes the item of a task that was offered or accepted, or says of the one there is whether it can be begun now.
pub(crate) async fn schedule_read(
    tx: &mut Tx,
    task_id: &str,
    is_ready: bool,
    now: Timestamp,
) -> StoreResult<()> {
    match open_item(tx, task_id).await? {
        Some((uid, state)) => add_state(tx, &uid, &state, is_ready, now).await,
        None => make(tx, task_id, None, is_ready, now).await,
    }
}

async fn make(
    tx: &mut Tx,
    task_id: &str,
    replaces_uid: Option<&str>,
    is_ready: bool,
    now: Timestamp,
) -> StoreResult<()> {
    let uid = new_uid()?;
    on!(&mut *tx, c => sqlx::query(
            "insert into work_item (uid, task_id, replaces_uid, state, attributes, created_kind, created_by, created_at, changed_at) \
             values ($1, $2, $3, 'SCHEDULED', '{}', 'system', '', $4, $4)")
        .bind(&uid).bind(task_id).bind(replaces_uid).bind(now.as_micros()).execute(&mut *c).await?.rows_affected());
    add_state(tx, &uid, SCHEDULED, is_ready, now).await?;
    let row: Option<(String, String)> = on!(&mut *tx, c => sqlx::query_as(
            "select r.id, r.name from review_task t join reviewer r on r.id = t.reviewer_id where t.id = $1")
        .bind(task_id).fetch_optional(&mut *c).await?);
    let Some((reviewer_id, name)) = row else {
        return Ok(());
    };
    let information = serde_json::json!({"00404009": {"vr": "SQ", "Value": [{
        "00080100": {"vr": "SH", "Value": [super::reviewer_code(&reviewer_id)]},
        "00080102": {"vr": "SH", "Value": [super::CODING_SCHEME]},
        "00080104": {"vr": "LO", "Value": [name]},
    }]}});
    add_event(tx, &uid, EventType::Assigned, &information, now).await
}

/// Ends the item of a task with the task: completed by the signature alone, canceled by everything else.
pub(crate) async fn end_read(
    tx: &mut Tx,
    task_id: &str,
    task_state: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let Some((uid, state)) = open_item(tx, task_id).await? else {
        return Ok(());
    };
    let ended = if task_state == "done" {
        COMPLETED
    } else {
        CANCELED
    };
    on!(&mut *tx, c => sqlx::query("update work_item set state = $1, ended_at = $2, changed_at = $2 where uid = $3")
        .bind(ended).bind(now.as_micros()).bind(&uid).execute(&mut *c).await?.rows_affected());
    if state == SCHEDULED {
        // PS3.4 CC.1.1: every item passes through IN PROGRESS.
        add_state(tx, &uid, IN_PROGRESS, true, now).await?;
    }
    add_state(tx, &uid, ended, true, now).await
}

/// Makes a new item in the place of one that a workstation gave up: the read is still to be done.
///
/// # Errors
/// When the database fails.
pub async fn replace_read(
    tx: &mut Tx,
    task_id: &str,
    given_up_uid: &str,
    is_ready: bool,
    now: Timestamp,
) -> StoreResult<()> {
    make(tx, task_id, Some(given_up_uid), is_ready, now).await
}

/// Says whether an accepted read of a case can be gone on with, after the case moved.
///
/// # Errors
/// When the database fails.
pub async fn tell_readiness(
    tx: &mut Tx,
    case_id: &CaseId,
    is_ready: bool,
    now: Timestamp,
) -> StoreResult<()> {
    let row: Option<(String, String)> = on!(&mut *tx, c => sqlx::query_as(
            "select w.uid, w.state from work_item w join review_task t on t.id = w.task_id \
             where t.case_id = $1 and t.state = 'accepted' and w.state in ('SCHEDULED', 'IN PROGRESS')")
        .bind(case_id.as_str()).fetch_optional(&mut *c).await?);
    match row {
        Some((uid, state)) => add_state(tx, &uid, &state, is_ready, now).await,
        None => Ok(()),
    }
}

/// Makes the items of reads that were offered or accepted before there were items; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn adopt(tx: &mut Tx, now: Timestamp) -> StoreResult<usize> {
    // Several nodes may begin at once; the second finds nothing left to do.
    audit::take_turn(tx).await?;
    let rows: Vec<(String, String)> = on!(&mut *tx, c => sqlx::query_as(
            "select t.id, t.state from review_task t join case_ k on k.id = t.case_id \
             where t.state in ('offered', 'accepted') and k.ended_at is null \
             and not exists (select 1 from work_item w where w.task_id = t.id) order by t.chosen_at, t.id")
        .fetch_all(&mut *c).await?);
    for (task_id, state) in &rows {
        make(tx, task_id, None, state == "accepted", now).await?;
    }
    Ok(rows.len())
}
