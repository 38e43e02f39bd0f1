//! The request for an association: decided on, answered, and noted for the page of peers.

use std::net::SocketAddr;

use dicom_ul::pdu::{AssociationAC, AssociationRQ, PresentationContextResultReason};
use overread_model::peers::{AssociationEnd, Peer, ProposedContext};
use overread_model::time::Timestamp;

use crate::negotiation::{self, Agreed, Refusal, implementation, printable};
use crate::server::{AssociationPlace, MADE_ROOM, Progress, Shared};
use crate::wire::{Ended, Wire};
use crate::{AeTitle, limits};

/// Notes that a peer asked for no association. One that only connected and left tells nobody anything: it looked whether
/// somebody listens.
pub(super) fn note_unopened(shared: &Shared, peer: SocketAddr, is_tls: bool, ended: &Ended) {
    let (why, advice) = match ended {
        Ended::Broke(_) => return,
        Ended::MadeRoom => MADE_ROOM,
        Ended::Silence => (
            "it connected and asked for no association in time",
            "Look whether it is a DICOM sender at all; dimse.request_seconds is how long it may take.",
        ),
        Ended::Aborted => (
            "it aborted before it asked for an association",
            "Look into the sender's log.",
        ),
        Ended::Protocol(why, _) => (
            *why,
            "What came is no DICOM association request: look which software calls this port.",
        ),
    };
    shared.unopened(peer, is_tls, why, advice);
}

/// Reads the request and answers it; `None` when it was refused.
pub(super) async fn open(
    shared: &Shared,
    wire: &mut Wire,
    peer: SocketAddr,
    progress: &Progress,
) -> Result<Option<(Agreed, Timestamp, AssociationPlace)>, Ended> {
    let request = wire.request(shared.config.request).await;
    let request = request.inspect_err(|ended| note_unopened(shared, peer, wire.is_tls(), ended))?;
    let mut seen = seen(&request, peer, wire.is_tls(), (shared.clock)());
    let asked_at = seen.asked_at;
    // Whoever sets up a sender looks for its title here; what is no title is not repeated.
    let calling = request.calling_ae_title.parse::<AeTitle>();
    let calling = calling.map_or_else(|bad| bad.to_string(), |title| title.to_string());
    let decided = negotiation::decide(request, peer.ip(), &shared.config.callers);
    let own = &shared.config.ae_title;
    let decided = decided.and_then(|agreed| {
        if shared.config.only_own_title && agreed.called != *own {
            return Err(Refusal::other_title());
        }
        let caller = (peer.ip(), &agreed.calling);
        let place = shared.associate(caller, progress);
        Ok((agreed, place.ok_or_else(Refusal::busy)?))
    });
    match decided {
        Ok((agreed, place)) => {
            // It has stored nothing yet, but harms more when it ends than who has no association.
            progress.opened();
            answers(&mut seen, &agreed.answer);
            seen.calling = agreed.calling.to_string();
            if agreed.called != *own {
                seen.remarks.push(format!(
                    "It called {}, and our title is {own}: correct it there. Other titles are taken unless dimse.only_own_title is set.",
                    agreed.called
                ));
            }
            shared.peers.note(seen);
            if let Err(ended) = wire.send(&agreed.answer.clone().into()).await {
                let end = AssociationEnd {
                    reason: ended.to_string(),
                    ..AssociationEnd::at((shared.clock)())
                };
                shared
                    .peers
                    .end(agreed.calling.as_str(), peer.ip(), asked_at, end);
                return Err(ended);
            }
            Ok(Some((agreed, asked_at, place)))
        }
        Err(refusal) => {
            refusal.why.clone_into(&mut seen.refused);
            refusal.advice.clone_into(&mut seen.advice);
            shared.peers.note(seen);
            tracing::warn!(peer = %peer.ip(), calling, reason = refusal.why, "a DICOM association was refused");
            wire.send(&refusal.answer.into()).await?;
            Ok(None)
        }
    }
}

/// Notes who asks, and for what.
fn seen(request: &AssociationRQ, peer: SocketAddr, is_tls: bool, now: Timestamp) -> Peer {
    let calling = request.calling_ae_title.parse::<AeTitle>();
    Peer {
        calling: calling.map_or_else(|_| "?".to_owned(), |title| title.to_string()),
        called: printable(&request.called_ae_title),
        address: peer.ip(),
        asked_at: now,
        count: 0,
        is_tls,
        refused: String::new(),
        advice: String::new(),
        remarks: Vec::new(),
        implementation: implementation(&request.user_variables),
        pdu_bytes: negotiation::peer_pdu_bytes(&request.user_variables),
        contexts: request
            .presentation_contexts
            .iter()
            .map(|proposed| ProposedContext {
                sop_class_uid: printable(&proposed.abstract_syntax),
                transfer_syntax_uids: proposed
                    .transfer_syntaxes
                    .iter()
                    .take(limits::SHOWN_SYNTAXES)
                    .map(|uid| printable(uid))
                    .collect(),
                answer: Err("not answered".to_owned()),
            })
            .collect(),
        ended: None,
        failure: None,
    }
}

/// Adds what was answered to each presentation context, in the order of the request.
fn answers(seen: &mut Peer, answer: &AssociationAC) {
    for (context, result) in seen.contexts.iter_mut().zip(&answer.presentation_contexts) {
        let answer = match result.reason {
            PresentationContextResultReason::Acceptance => Ok(result.transfer_syntax.clone()),
            PresentationContextResultReason::UserRejection => {
                Err("not among what its entry in dimse.callers lets it do")
            }
            PresentationContextResultReason::NoReason => {
                Err("its number is even, or was used before")
            }
            PresentationContextResultReason::AbstractSyntaxNotSupported => Err("not offered here"),
            PresentationContextResultReason::TransferSyntaxesNotSupported => {
                Err("in none of these transfer syntaxes")
            }
        };
        context.answer = answer.map_err(str::to_owned);
    }
}
