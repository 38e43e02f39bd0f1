//! Presentation contexts: which are taken, in which transfer syntax and in which roles.

use dicom_ul::pdu::{
    PresentationContextProposed, PresentationContextResult, PresentationContextResultReason,
    RequestorRoles, UserVariableItem,
};
use overread_dicom::syntax;
use overread_model::uid::{SopClassUid, TransferSyntaxUid};

use super::Context;
use crate::callers::May;
use crate::service::{Operation, Service, service_of};

/// What is agreed on while the presentation contexts are gone through.
pub(super) struct Offer {
    pub(super) may: May,
    /// What the peer says besides: roles, and how it would query.
    pub(super) asked: Vec<UserVariableItem>,
    pub(super) contexts: Vec<Context>,
    /// What we answer to that.
    pub(super) told: Vec<UserVariableItem>,
}

impl Offer {
    /// Answers one presentation context; an accepted one is added to the list.
    pub(super) fn answer_to(
        &mut self,
        proposed: PresentationContextProposed,
    ) -> PresentationContextResult {
        let id = proposed.id;
        let refused = |reason| PresentationContextResult {
            id,
            reason,
            transfer_syntax: syntax::IMPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        };
        // PS3.8 9.3.2.2: odd, and each once.
        if id.is_multiple_of(2) || self.contexts.iter().any(|context| context.id == id) {
            return refused(PresentationContextResultReason::NoReason);
        }
        let sop_class_uid = proposed.abstract_syntax.parse().ok();
        let service = sop_class_uid.as_ref().and_then(service_of);
        let (Some(sop_class_uid), Some(service)) = (sop_class_uid, service) else {
            return refused(PresentationContextResultReason::AbstractSyntaxNotSupported);
        };
        let roles = self.roles_of(&sop_class_uid);
        let allowed = self.allowed(service, roles);
        if !allowed.scu && !allowed.scp {
            return refused(PresentationContextResultReason::UserRejection);
        }
        let syntaxes: Vec<TransferSyntaxUid> = proposed
            .transfer_syntaxes
            .iter()
            .filter_map(|uid| uid.parse().ok())
            .collect();
        let Some(transfer_syntax_uid) = chosen(service, allowed, &syntaxes) else {
            return refused(PresentationContextResultReason::TransferSyntaxesNotSupported);
        };
        if roles.is_some() {
            self.tell(UserVariableItem::ScuScpRoleSelectionSubItem(
                sop_class_uid.as_str().to_owned(),
                allowed,
            ));
        }
        let (is_relational, joins_date_and_time) = self.extended(service, &sop_class_uid);
        let transfer_syntax = transfer_syntax_uid.as_str().to_owned();
        self.contexts.push(Context {
            id,
            service,
            sop_class_uid,
            transfer_syntax_uid,
            peer_is_user: allowed.scu,
            peer_is_provider: allowed.scp,
            is_relational,
            joins_date_and_time,
        });
        PresentationContextResult {
            id,
            reason: PresentationContextResultReason::Acceptance,
            transfer_syntax,
        }
    }

    /// Returns the roles that the peer proposes for itself.
    fn roles_of(&self, sop_class_uid: &SopClassUid) -> Option<RequestorRoles> {
        self.asked.iter().find_map(|item| match item {
            UserVariableItem::ScuScpRoleSelectionSubItem(uid, roles)
                if uid.trim_end_matches('\0') == sop_class_uid.as_str() =>
            {
                Some(*roles)
            }
            _ => None,
        })
    }

    /// Returns which of its roles the peer may have.
    // PS3.7 D.3.3.4: without a proposal the requestor is the user alone.
    fn allowed(&self, service: Service, roles: Option<RequestorRoles>) -> RequestorRoles {
        let asked = roles.unwrap_or(RequestorRoles {
            scu: true,
            scp: false,
        });
        let may_use = match service {
            Service::Verification => true,
            Service::Storage | Service::Commitment => self.may.store,
            Service::Query(Operation::Find, _) | Service::Worklist => self.may.find,
            Service::Query(Operation::Get | Operation::Move, _) => self.may.retrieve,
        };
        RequestorRoles {
            scu: asked.scu && may_use,
            // A peer that we asked for commitment comes back as its provider.
            scp: match service {
                Service::Storage => asked.scp && self.may.retrieve,
                Service::Commitment => asked.scp && self.may.store,
                _ => false,
            },
        }
    }

    /// Returns what was agreed on how queries are meant, and answers what was asked.
    // PS3.4 C.5.1.1 and C.5.2.1.
    fn extended(&mut self, service: Service, sop_class_uid: &SopClassUid) -> (bool, bool) {
        let Service::Query(operation, _) = service else {
            return (false, false);
        };
        let asked = self.asked.iter().find_map(|item| match item {
            UserVariableItem::SopClassExtendedNegotiationSubItem(uid, bytes)
                if uid.trim_end_matches('\0') == sop_class_uid.as_str() =>
            {
                Some(bytes)
            }
            _ => None,
        });
        let Some(bytes) = asked else {
            return (false, false);
        };
        let is_on = |index: usize| bytes.get(index) == Some(&1);
        let (relational, joined) = (is_on(0), is_on(1) && operation == Operation::Find);
        let answer = match operation {
            Operation::Find => vec![u8::from(relational), u8::from(joined), 0, 0],
            Operation::Get | Operation::Move => vec![u8::from(relational)],
        };
        let answer = answer.into_iter().take(bytes.len().max(1)).collect();
        let uid = sop_class_uid.as_str().to_owned();
        self.tell(UserVariableItem::SopClassExtendedNegotiationSubItem(
            uid, answer,
        ));
        (relational, joined)
    }

    /// Answers once for each class, however many contexts name it.
    fn tell(&mut self, item: UserVariableItem) {
        if !self.told.contains(&item) {
            self.told.push(item);
        }
    }
}

/// Chooses a transfer syntax.
fn chosen(
    service: Service,
    allowed: RequestorRoles,
    syntaxes: &[TransferSyntaxUid],
) -> Option<TransferSyntaxUid> {
    let plain = [
        syntax::EXPLICIT_VR_LITTLE_ENDIAN,
        syntax::IMPLICIT_VR_LITTLE_ENDIAN,
    ];
    let preferred = || {
        let of = |wanted: &&str| syntaxes.iter().find(|uid| uid.as_str() == *wanted);
        plain.iter().find_map(of)
    };
    match service {
        // What is sent to the peer is as it is stored, or in one of these.
        Service::Storage if !allowed.scu => preferred().or(syntaxes.first()),
        // Nothing is converted here, so that the sender's first wish is as good as any other.
        Service::Storage | Service::Verification => syntaxes.first(),
        _ => preferred(),
    }
    .cloned()
}
