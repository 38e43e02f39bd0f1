//! Associations that we open ourselves.

use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, Pdu, PresentationContextProposed,
    PresentationContextResultReason, RequestorRoles, UserVariableItem,
};
use overread_dicom::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, syntax};

use crate::calling::{Calling, Noted};
use crate::command::{C_ECHO_RQ, Command, CommandSet};
use crate::link::{Link, out_of_place};
use crate::negotiation::{APPLICATION_CONTEXT, Context, peer_pdu_bytes};
use crate::scu::ScuError;
use crate::service::{VERIFICATION, service_of};
use crate::wire::{Ended, Wire};
use crate::{AeTitle, limits};

/// Why a peer could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotOpened {
    /// It cannot be reached.
    #[error("it cannot be reached")]
    Connect(#[source] std::io::Error),
    /// It refuses the association.
    #[error("it refuses the association: {0}")]
    Refused(String),
    /// The association ended before it began.
    #[error("the association ended before it began")]
    Ended(#[from] Ended),
    /// It accepts nothing of what is needed.
    #[error("it does not offer this service")]
    NoService,
}

impl NotOpened {
    /// Says why, for people.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Connect(error) => format!("{self}: {}", overread_network::in_words(error)),
            Self::Ended(ended) => format!("{self} ({ended})"),
            Self::Refused(_) | Self::NoService => self.to_string(),
        }
    }
}

/// A presentation context that we ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) sop_class_uid: String,
    pub(crate) transfer_syntax_uids: Vec<String>,
    /// We want to be its provider, not its user (C-GET, reports on commitments).
    pub(crate) as_provider: bool,
}

impl Proposal {
    /// Asks for a service whose data sets are written in either little endian way.
    pub(crate) fn plain(sop_class_uid: &str) -> Self {
        Self {
            sop_class_uid: sop_class_uid.to_owned(),
            transfer_syntax_uids: vec![
                syntax::EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
                syntax::IMPLICIT_VR_LITTLE_ENDIAN.to_owned(),
            ],
            as_provider: false,
        }
    }
}

/// An open association of ours.
#[derive(Debug)]
pub(crate) struct Requestor {
    pub(crate) link: Link,
    message_id: u16,
    noted: Noted,
}

impl Requestor {
    /// Opens an association and writes down what became of it; at least one context is accepted.
    ///
    /// # Errors
    /// The peer cannot be reached, refuses, or accepts nothing.
    pub(crate) async fn open(
        calling: Calling<'_>,
        proposals: &[Proposal],
    ) -> Result<Self, NotOpened> {
        let (wire, answer) = match agree(calling, proposals).await {
            Ok(agreed) => agreed,
            Err(error) => {
                calling.note(proposals, Err(&error)).await;
                return Err(error);
            }
        };
        let noted = calling.note(proposals, Ok(&answer)).await;
        let link = Link {
            wire,
            peer_pdu_bytes: peer_pdu_bytes(&answer.user_variables),
            contexts: accepted(&answer, proposals),
        };
        let requestor = Self {
            link,
            message_id: 0,
            noted,
        };
        if requestor.link.contexts.is_empty() {
            requestor.noted.end(&NotOpened::NoService.words()).await;
            drop(requestor.link.wire.part().await);
            return Err(NotOpened::NoService);
        }
        Ok(requestor)
    }

    /// Returns the context of a SOP class; any of them.
    pub(crate) fn context_of(&self, sop_class_uid: &str) -> Option<Context> {
        let mut contexts = self.link.contexts.iter();
        contexts
            .find(|context| context.sop_class_uid.as_str() == sop_class_uid)
            .cloned()
    }

    /// Returns the number of the next message.
    pub(crate) fn next_message_id(&mut self) -> u16 {
        self.message_id = self.message_id.checked_add(1).unwrap_or(1);
        self.message_id
    }

    /// Waits for the answer to a message; its data set, if any, is still to be read.
    pub(crate) async fn response(&mut self, message_id: u16) -> Result<(Command, Context), Ended> {
        let Some((command, context)) = self.link.next().await? else {
            return Err(out_of_place("a release inside an operation"));
        };
        if !command.is_response() || command.message_id != message_id {
            return Err(out_of_place("what came is no answer to our message"));
        }
        Ok((command, context))
    }

    /// Asks for an echo; returns its status.
    pub(crate) async fn echo(&mut self) -> Result<u16, Ended> {
        let context = self
            .context_of(VERIFICATION)
            .ok_or_else(|| out_of_place("no context for an echo"))?;
        let message_id = self.next_message_id();
        let set = CommandSet::request(C_ECHO_RQ, message_id, VERIFICATION);
        self.link.send(context.id, &set).await?;
        let (answer, context) = self.response(message_id).await?;
        self.link.read_past(&answer, &context).await?;
        Ok(answer.status)
    }

    /// Ends the association.
    pub(crate) async fn release(self) {
        // What was to be done is done: how the peer leaves changes nothing, but tells whether it was still there.
        let reason = self.link.wire.part().await.err();
        let reason = reason.map_or_else(String::new, |ended| ended.to_string());
        self.noted.end(&reason).await;
    }

    /// Ends the association after this came of it.
    pub(crate) async fn release_with<T>(self, outcome: Result<T, ScuError>) -> Result<T, ScuError> {
        if let Err(error) = &outcome {
            self.lost(&error.without_words_of_the_peer()).await;
        }
        self.release().await;
        outcome
    }

    /// Writes down why the association is of no use any more.
    pub(crate) async fn lost(&self, reason: &str) {
        self.noted.end(reason).await;
    }
}

/// Connects and asks for an association.
async fn agree(
    calling: Calling<'_>,
    proposals: &[Proposal],
) -> Result<(Wire, AssociationAC), NotOpened> {
    let stream = calling.remote.connect(calling.outgoing).await;
    let mut wire = Wire::new(stream.map_err(NotOpened::Connect)?, limits::RESPONSE_TIME);
    let request = asking(calling.own, &calling.remote.ae_title, proposals);
    wire.send(&request.into()).await?;
    match wire.answer(limits::CONNECT_TIME).await? {
        Pdu::AssociationAC(answer) => Ok((wire, answer)),
        Pdu::AssociationRJ(refusal) => Err(NotOpened::Refused(refusal.source.to_string())),
        _ => Err(out_of_place("no answer to an association request").into()),
    }
}

fn asking(own: &AeTitle, called: &AeTitle, proposals: &[Proposal]) -> AssociationRQ {
    let context = |(index, proposal): (usize, &Proposal)| PresentationContextProposed {
        id: context_id(index),
        abstract_syntax: proposal.sop_class_uid.clone(),
        transfer_syntaxes: proposal.transfer_syntax_uids.clone(),
    };
    let mut user_variables = vec![
        UserVariableItem::MaxLength(limits::PDU_BYTES),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
    ];
    for proposal in proposals.iter().filter(|proposal| proposal.as_provider) {
        let roles = RequestorRoles {
            scu: false,
            scp: true,
        };
        let class = proposal.sop_class_uid.clone();
        let item = UserVariableItem::ScuScpRoleSelectionSubItem(class, roles);
        if !user_variables.contains(&item) {
            user_variables.push(item);
        }
    }
    user_variables.push(UserVariableItem::ImplementationVersionName(
        IMPLEMENTATION_VERSION_NAME.to_owned(),
    ));
    AssociationRQ {
        protocol_version: 1,
        calling_ae_title: own.as_str().to_owned(),
        called_ae_title: called.as_str().to_owned(),
        application_context_name: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: proposals
            .iter()
            .take(limits::CONTEXTS)
            .enumerate()
            .map(context)
            .collect(),
        user_variables,
    }
}

/// Returns the number of a proposal.
pub(crate) const fn context_id(index: usize) -> u8 {
    // At most 128 of them.
    (index as u8).wrapping_mul(2).wrapping_add(1)
}

fn accepted(answer: &AssociationAC, proposals: &[Proposal]) -> Vec<Context> {
    let context = |(index, proposal): (usize, &Proposal)| {
        let id = context_id(index);
        let result = answer
            .presentation_contexts
            .iter()
            .find(|result| result.id == id)?;
        let sop_class_uid = proposal.sop_class_uid.parse().ok()?;
        let service = service_of(&sop_class_uid)?;
        let transfer_syntax_uid: overread_model::uid::TransferSyntaxUid =
            result.transfer_syntax.parse().ok()?;
        let is_ours = proposal
            .transfer_syntax_uids
            .iter()
            .any(|uid| uid == transfer_syntax_uid.as_str());
        let is_accepted = result.reason == PresentationContextResultReason::Acceptance && is_ours;
        is_accepted.then_some(Context {
            id,
            service,
            sop_class_uid,
            transfer_syntax_uid,
            peer_is_user: proposal.as_provider,
            peer_is_provider: !proposal.as_provider,
            is_relational: false,
            joins_date_and_time: false,
        })
    };
    proposals
        .iter()
        .take(limits::CONTEXTS)
        .enumerate()
        .filter_map(context)
        .collect()
}
