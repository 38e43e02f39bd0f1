//! Associations that we asked other application entities for, the latest of each sort, for whoever sets them up.

use overread_model::peers::{Call, Purpose};
use overread_model::time::Timestamp;

use crate::error::{StoreError, StoreResult};
use crate::script::values;
use crate::{Tx, limits};

/// Which call an end belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallKey {
    /// Title of who was called.
    pub called: String,
    /// Where it listens.
    pub address: String,
    /// What for.
    pub purpose: Purpose,
    /// When.
    pub asked_at: Timestamp,
}

/// Keeps a call instead of the one before of its sort, and forgets calls of long ago; its end comes by [`end`].
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &mut Tx, call: &Call) -> StoreResult<()> {
    let contexts = serde_json::to_string(&call.contexts).map_err(|_| DAMAGED)?;
    let at = call.asked_at.as_micros();
    tx.run(
        "insert into peer_call (called, address, purpose, asked_at, call_count, is_tls, refused, implementation, contexts, \
         reason) values ($1, $2, $3, $4, 1, $5, $6, $7, $8, '') on conflict (called, address, purpose) do update set \
         asked_at = excluded.asked_at, call_count = peer_call.call_count + 1, is_tls = excluded.is_tls, \
         refused = excluded.refused, implementation = excluded.implementation, contexts = excluded.contexts, \
         ended_at = null, reason = ''",
        values![
            call.called.as_str(),
            call.address.as_str(),
            call.purpose.as_str(),
            at,
            i64::from(call.is_tls),
            call.refused.as_str(),
            call.implementation.as_str(),
            contexts.as_str(),
        ],
    )
    .await?;
    let oldest = call.asked_at.plus_days(-limits::PEER_CALL_DAYS);
    let sql = "delete from peer_call where asked_at < $1";
    tx.run(sql, values![oldest.as_micros()]).await?;
    Ok(())
}

/// Says when and how a call ended, unless a later one of its sort is kept; an empty reason says that it ended well.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, key: &CallKey, now: Timestamp, reason: &str) -> StoreResult<()> {
    tx.run(
        "update peer_call set ended_at = $1, reason = $2 where called = $3 and address = $4 and purpose = $5 \
         and asked_at = $6 and ended_at is null",
        values![
            now.as_micros(),
            reason,
            key.called.as_str(),
            key.address.as_str(),
            key.purpose.as_str(),
            key.asked_at.as_micros(),
        ],
    )
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    called: String,
    address: String,
    purpose: String,
    asked_at: i64,
    call_count: i64,
    is_tls: i32,
    refused: String,
    implementation: String,
    contexts: String,
    ended_at: Option<i64>,
    reason: String,
}

const DAMAGED: StoreError = StoreError::Damaged { table: "peer_call" };

/// Lists the calls, the latest first.
///
/// # Errors
/// When the database fails, or a row is none of ours.
pub async fn list(tx: &mut Tx) -> StoreResult<Vec<Call>> {
    let rows: Vec<Row> = on!(tx, c => sqlx::query_as(
            "select called, address, purpose, asked_at, call_count, is_tls, refused, implementation, contexts, ended_at, reason \
             from peer_call order by asked_at desc, called, purpose limit $1")
        .bind(limits::PEER_CALLS).fetch_all(&mut *c).await?);
    let call = |row: Row| {
        Ok(Call {
            called: row.called,
            address: row.address,
            purpose: Purpose::of(&row.purpose).ok_or(DAMAGED)?,
            asked_at: Timestamp::from_micros(row.asked_at),
            count: row.call_count,
            is_tls: row.is_tls == 1,
            refused: row.refused,
            implementation: row.implementation,
            contexts: serde_json::from_str(&row.contexts).map_err(|_| DAMAGED)?,
            ended_at: row.ended_at.map(Timestamp::from_micros),
            reason: row.reason,
        })
    };
    rows.into_iter().map(call).collect()
}
