//! Who called over the DICOM network and was refused: the latest refusal of each, so that a restart does not hide it.
//!
//! Strangers write here, under titles that they make up. So each network has few rows, and all together have a bounded number.

use std::net::IpAddr;

use overread_model::peers::Peer;
use overread_model::time::Timestamp;

use crate::error::{StoreError, StoreResult};
use crate::script::values;
use crate::{Tx, limits};

const DAMAGED: StoreError = StoreError::Damaged {
    table: "refused_caller",
};

/// Keeps a refusal instead of the one before of the same caller; `network` is that of its address.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &mut Tx, peer: &Peer, network: IpAddr) -> StoreResult<()> {
    tx.run(
        "insert into refused_caller (calling, address, network, called, asked_at, is_tls, refused, advice, implementation) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (calling, address) do update set called = excluded.called, \
         asked_at = excluded.asked_at, is_tls = excluded.is_tls, refused = excluded.refused, advice = excluded.advice, \
         implementation = excluded.implementation where refused_caller.asked_at <= excluded.asked_at",
        values![
            peer.calling.as_str(),
            peer.address.to_string(),
            network.to_string(),
            peer.called.as_str(),
            peer.asked_at.as_micros(),
            i64::from(peer.is_tls),
            peer.refused.as_str(),
            peer.advice.as_str(),
            peer.implementation.as_str(),
        ],
    )
    .await?;
    let sql = "delete from refused_caller where network = $1 and (calling, address) not in (select calling, address \
        from refused_caller where network = $1 order by asked_at desc, calling limit $2)";
    let of_one = values![network.to_string(), limits::REFUSED_CALLERS_OF_ONE_NETWORK];
    tx.run(sql, of_one).await?;
    Ok(())
}

/// Forgets a caller that was let in at `at`, unless it was refused since: another node may know that.
///
/// # Errors
/// When the database fails.
pub async fn forget(
    tx: &mut Tx,
    (calling, address): (&str, IpAddr),
    at: Timestamp,
) -> StoreResult<()> {
    let sql = "delete from refused_caller where calling = $1 and address = $2 and asked_at <= $3";
    let values = values![calling, address.to_string(), at.as_micros()];
    tx.run(sql, values).await?;
    Ok(())
}

/// Forgets refusals of long ago, and the oldest of too many.
///
/// # Errors
/// When the database fails.
pub async fn tidy(tx: &mut Tx, now: Timestamp) -> StoreResult<()> {
    let oldest = now.plus_days(-limits::PEER_CALL_DAYS);
    let sql = "delete from refused_caller where asked_at < $1 or (calling, address) not in (select calling, address \
        from refused_caller order by asked_at desc, calling, address limit $2)";
    let values = values![oldest.as_micros(), limits::REFUSED_CALLERS];
    tx.run(sql, values).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    calling: String,
    address: String,
    called: String,
    asked_at: i64,
    is_tls: i32,
    refused: String,
    advice: String,
    implementation: String,
}

/// Lists who was refused, the latest first. How often, nobody counts.
///
/// # Errors
/// When the database fails, or a row is none of ours.
pub async fn list(tx: &mut Tx) -> StoreResult<Vec<Peer>> {
    let rows: Vec<Row> = on!(tx, c => sqlx::query_as(
            "select calling, address, called, asked_at, is_tls, refused, advice, implementation from refused_caller \
             order by asked_at desc, calling, address limit $1")
        .bind(limits::REFUSED_CALLERS).fetch_all(&mut *c).await?);
    let peer = |row: Row| {
        Ok(Peer {
            address: row.address.parse().map_err(|_| DAMAGED)?,
            calling: row.calling,
            called: row.called,
            asked_at: Timestamp::from_micros(row.asked_at),
            count: 0,
            is_tls: row.is_tls == 1,
            refused: row.refused,
            advice: row.advice,
            remarks: Vec::new(),
            implementation: row.implementation,
            pdu_bytes: 0,
            contexts: Vec::new(),
            ended: None,
            failure: None,
        })
    };
    rows.into_iter().map(peer).collect()
}
