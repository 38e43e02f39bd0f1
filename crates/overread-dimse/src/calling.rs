//! Whom we call, and that it is written down: the server shows what a command agreed on, too.

use dicom_ul::pdu::{AssociationAC, PresentationContextResultReason};
use overread_model::limits::PEER_CONTEXTS;
use overread_model::peers::{Call, ProposedContext, Purpose};
use overread_model::time::Timestamp;
use overread_store::peer_calls::{self, CallKey};
use overread_store::{Store, StoreResult};

use crate::negotiation::{implementation, printable};
use crate::requestor::{NotOpened, Proposal, context_id};
use crate::service::{COMMITMENT, Operation, Root, VERIFICATION};
use crate::{AeTitle, Outgoing, Remote};

/// Who calls whom.
#[derive(Clone, Copy)]
pub(crate) struct Calling<'a> {
    pub(crate) own: &'a AeTitle,
    pub(crate) remote: &'a Remote,
    pub(crate) outgoing: &'a Outgoing,
    /// Where it is written down.
    pub(crate) store: &'a Store,
    pub(crate) clock: fn() -> Timestamp,
}

/// A call that is written down when it begins and when it ends.
#[derive(Debug)]
pub(crate) struct Noted {
    store: Store,
    clock: fn() -> Timestamp,
    key: CallKey,
}

impl Noted {
    /// Says how the call ended; no reason says that it ended well.
    pub(crate) async fn end(&self, reason: &str) {
        let noted = async {
            let mut tx = self.store.begin().await?;
            peer_calls::end(&mut tx, &self.key, (self.clock)(), reason).await?;
            tx.commit().await
        };
        told(noted.await);
    }
}

impl Calling<'_> {
    /// Writes a call down: what was proposed, and what became of it.
    pub(crate) async fn note(
        &self,
        proposals: &[Proposal],
        answer: Result<&AssociationAC, &NotOpened>,
    ) -> Noted {
        let remote = self.remote;
        let call = Call {
            called: remote.ae_title.as_str().to_owned(),
            address: format!("{}:{}", remote.host, remote.port),
            purpose: purpose(proposals),
            asked_at: (self.clock)(),
            count: 1,
            is_tls: remote.tls,
            refused: answer.err().map(NotOpened::words).unwrap_or_default(),
            implementation: answer
                .map(|answer| implementation(&answer.user_variables))
                .unwrap_or_default(),
            contexts: contexts(proposals, answer.ok()),
            ended_at: None,
            reason: String::new(),
        };
        let noted = async {
            let mut tx = self.store.begin().await?;
            peer_calls::note(&mut tx, &call).await?;
            tx.commit().await
        };
        told(noted.await);
        Noted {
            store: self.store.clone(),
            clock: self.clock,
            key: CallKey {
                called: call.called,
                address: call.address,
                purpose: call.purpose,
                asked_at: call.asked_at,
            },
        }
    }
}

/// A call that cannot be written down is no reason not to call.
fn told(noted: StoreResult<()>) {
    if let Err(error) = noted {
        tracing::warn!(%error, "a call to a DICOM peer could not be written down");
    }
}

/// Returns what a call is for, by what it proposes.
fn purpose(proposals: &[Proposal]) -> Purpose {
    let has = |class: &str| proposals.iter().any(|one| one.sop_class_uid == class);
    if has(VERIFICATION) {
        Purpose::Echo
    } else if has(Root::Study.class(Operation::Find)) {
        Purpose::Find
    } else if has(COMMITMENT) {
        Purpose::Commit
    } else if has(Root::Study.class(Operation::Get)) || has(Root::Study.class(Operation::Move)) {
        Purpose::Retrieve
    } else {
        Purpose::Send
    }
}

fn contexts(proposals: &[Proposal], answer: Option<&AssociationAC>) -> Vec<ProposedContext> {
    let context = |(index, proposal): (usize, &Proposal)| {
        let results = answer.map(|answer| answer.presentation_contexts.iter());
        let result = results.and_then(|mut all| all.find(|one| one.id == context_id(index)));
        let proposed = &proposal.transfer_syntax_uids;
        let answer = match result.map(|result| (&result.reason, &result.transfer_syntax)) {
            Some((PresentationContextResultReason::Acceptance, syntax)) => {
                let syntax = printable(syntax);
                if proposed.contains(&syntax) {
                    Ok(syntax)
                } else {
                    Err("accepted in a transfer syntax that was not proposed")
                }
            }
            Some((PresentationContextResultReason::UserRejection, _)) => Err("it does not let us"),
            Some((PresentationContextResultReason::NoReason, _)) => Err("it gives no reason"),
            Some((PresentationContextResultReason::AbstractSyntaxNotSupported, _)) => {
                Err("it does not offer this")
            }
            Some((PresentationContextResultReason::TransferSyntaxesNotSupported, _)) => {
                Err("in none of these transfer syntaxes")
            }
            None => Err("not answered"),
        };
        ProposedContext {
            sop_class_uid: proposal.sop_class_uid.clone(),
            transfer_syntax_uids: proposed.clone(),
            answer: answer.map_err(str::to_owned),
        }
    };
    let shown = proposals.iter().take(PEER_CONTEXTS).enumerate();
    shown.map(context).collect()
}
