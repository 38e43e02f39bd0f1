//! Who called over the DICOM network: since the server started, and who was refused before.

use overread_model::access::Actor;
use overread_model::peers::{AssociationEnd, Peer, Peers};
use overread_model::time::Timestamp;
use overread_network::network_of;
use overread_store::refused_callers;

use crate::people::require_administrator;
use crate::{StepResult, Workflow};

/// Stands beside what was refused within an association that was accepted.
const IN_ITS_LATEST: &str = "The association itself was accepted. What was refused is not done: an image is not stored here until it is sent again once the reason is mended.";

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

/// Keeps the refusals of those who called since then, or whose association ended since then with something refused, and forgets
/// those of callers that are refused no more.
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
    let is_new = |peer: &Peer| {
        let ended_at = peer.ended.as_ref().map(|end| end.ended_at);
        ended_at.unwrap_or(peer.asked_at).max(peer.asked_at) >= since
    };
    new.retain(is_new);
    if new.is_empty() {
        return Ok(());
    }
    let mut tx = ctx.store.begin().await?;
    for peer in &mut new {
        if let Some(words) = peer.ended.as_ref().and_then(AssociationEnd::refusal) {
            peer.refused = words;
            peer.advice = IN_ITS_LATEST.to_owned();
        }
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
