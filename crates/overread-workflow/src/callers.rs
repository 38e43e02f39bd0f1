//! Who called over the DICOM network: since the server started, and who was refused before.

use overread_model::access::Actor;
use overread_model::peers::{Peer, Peers};
use overread_model::time::Timestamp;
use overread_network::network_of;
use overread_store::refused_callers;

use crate::people::require_administrator;
use crate::{StepResult, Workflow};

/// Lists who called, the latest first; also who was refused by another node or before the server started, with a count of 0.
///
/// # Errors
/// `Forbidden`.
pub async fn list(ctx: &Workflow, peers: &Peers, actor: &Actor) -> StepResult<Vec<Peer>> {
    require_administrator(actor)?;
    let mut list = peers.list();
    let known = |one: &Peer, list: &[Peer]| {
        let mut list = list.iter();
        list.any(|peer| (&peer.calling, peer.address) == (&one.calling, one.address))
    };
    let mut before = refused_callers::list(&mut ctx.store.read().await?).await?;
    before.retain(|one| !known(one, &list));
    list.append(&mut before);
    list.sort_by_key(|peer| std::cmp::Reverse(peer.asked_at));
    Ok(list)
}

/// Keeps the refusals of those who called since then, and forgets those of callers that are refused no more.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    ctx: &Workflow,
    peers: &Peers,
    since: Timestamp,
    now: Timestamp,
) -> StepResult<()> {
    let mut new = peers.list();
    new.retain(|peer| peer.asked_at >= since);
    if new.is_empty() {
        return Ok(());
    }
    let mut tx = ctx.store.begin().await?;
    for peer in &new {
        if peer.refused.is_empty() {
            let caller = (peer.calling.as_str(), peer.address);
            refused_callers::forget(&mut tx, caller, peer.asked_at).await?;
        } else {
            refused_callers::note(&mut tx, peer, network_of(peer.address)).await?;
        }
    }
    refused_callers::tidy(&mut tx, now).await?;
    Ok(tx.commit().await?)
}
