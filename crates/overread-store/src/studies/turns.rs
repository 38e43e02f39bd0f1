//! Whose turn it is to add to a study, where several nodes may want to at once.

use std::collections::BTreeSet;

use overread_model::ids::CaseId;

use super::Batch;
use crate::Tx;
use crate::error::StoreResult;

/// Waits until no other transaction adds to the studies of a batch or to these cases, whose room it takes. It is the first
/// thing that a transaction does: whoever locks something before might wait for somebody who waits for it. Part of a batch.
///
/// On SQLite one transaction writes at a time anyway.
///
/// # Errors
/// When the database fails.
pub async fn take_turns(tx: &mut Tx, batch: &Batch, cases: &[CaseId]) -> StoreResult<()> {
    let Tx::Pg(held) = tx else {
        return Ok(());
    };
    // In one order for everybody. Two of one key wait for each other without need, and nothing worse.
    let studies = batch.study_instance_uids().map(key);
    let keys: BTreeSet<i64> = studies
        .chain(cases.iter().map(|id| key(id.as_str())))
        .collect();
    let keys: Vec<i64> = keys.into_iter().collect();
    sqlx::query("select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key")
        .bind(keys)
        .execute(&mut **held)
        .await?;
    Ok(())
}

fn key(id: &str) -> i64 {
    let digest = blake3::hash(id.as_bytes());
    let mut bytes = [0; 8];
    for (slot, byte) in bytes.iter_mut().zip(digest.as_bytes()) {
        *slot = *byte;
    }
    i64::from_be_bytes(bytes)
}
