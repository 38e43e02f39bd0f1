//! Decides on an association request: who calls, and what may be sent.

use std::net::IpAddr;

use dicom_ul::pdu::{
    AssociationAC, AssociationRJ, AssociationRJResult, AssociationRJServiceProviderASCEReason,
    AssociationRJServiceProviderPresentationReason, AssociationRJServiceUserReason,
    AssociationRJSource, AssociationRQ, PresentationContextProposed, PresentationContextResult,
    PresentationContextResultReason, UserVariableItem,
};
use overread_dicom::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, syntax};
use overread_model::uid::{SopClassUid, TransferSyntaxUid};

use crate::callers::Callers;
use crate::{AeTitle, limits};

// PS3.7 A.2.1.
const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
/// Everything that DICOM itself names stands below this; other UIDs are private.
const DICOM_ROOT: &str = "1.2.840.10008.";
// PS3.4 B.5: the storage classes, and A.4 of PS3.6 for what stands among them without being one.
const STORAGE_ROOT: &str = "1.2.840.10008.5.1.4.1.1.";
const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Queries, retrievals and creations whose UIDs stand among the storage classes.
const NOT_STORAGE: [&str; 8] = [
    "200.4", "200.5", "200.6", "201.2", "201.3", "201.4", "201.5", "201.6",
];

/// An association request that was accepted.
#[derive(Debug)]
pub(crate) struct Agreed {
    /// Who calls.
    pub(crate) calling: AeTitle,
    /// What may be sent.
    pub(crate) contexts: Vec<Context>,
    /// Bytes of a PDU that the peer takes, behind its header.
    pub(crate) peer_pdu_bytes: usize,
    /// What to answer.
    pub(crate) answer: AssociationAC,
}

/// A presentation context that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) id: u8,
    pub(crate) service: Service,
    pub(crate) sop_class_uid: SopClassUid,
    pub(crate) transfer_syntax_uid: TransferSyntaxUid,
}

/// What a presentation context is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Verification,
    Storage,
}

/// An association request that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// For the log.
    pub(crate) why: &'static str,
    /// What to answer.
    pub(crate) answer: AssociationRJ,
}

impl Refusal {
    fn permanent(why: &'static str, source: AssociationRJSource) -> Self {
        let result = AssociationRJResult::Permanent;
        Self {
            why,
            answer: AssociationRJ { result, source },
        }
    }

    fn user(why: &'static str, reason: AssociationRJServiceUserReason) -> Self {
        Self::permanent(why, AssociationRJSource::ServiceUser(reason))
    }

    /// There are as many associations as may be; the peer may come back later.
    pub(crate) fn busy() -> Self {
        let reason = AssociationRJServiceProviderPresentationReason::LocalLimitExceeded;
        Self {
            why: "there are as many associations as may be",
            answer: AssociationRJ {
                result: AssociationRJResult::Transient,
                source: AssociationRJSource::ServiceProviderPresentation(reason),
            },
        }
    }
}

/// Decides on an association request.
///
/// # Errors
/// The refusal to be sent.
pub(crate) fn decide(
    request: AssociationRQ,
    address: IpAddr,
    callers: &Callers,
) -> Result<Agreed, Refusal> {
    // PS3.8 9.3.2: only bit 0 is tested.
    if request.protocol_version & 1 == 0 {
        let reason = AssociationRJServiceProviderASCEReason::ProtocolVersionNotSupported;
        return Err(Refusal::permanent(
            "the protocol version is not supported",
            AssociationRJSource::ServiceProviderASCE(reason),
        ));
    }
    if request
        .application_context_name
        .trim_end_matches(['\0', ' '])
        != APPLICATION_CONTEXT
    {
        return Err(Refusal::user(
            "the application context is not DICOM's",
            AssociationRJServiceUserReason::ApplicationContextNameNotSupported,
        ));
    }
    let Ok(called) = request.called_ae_title.parse::<AeTitle>() else {
        return Err(Refusal::user(
            "the called AE title is malformed",
            AssociationRJServiceUserReason::CalledAETitleNotRecognized,
        ));
    };
    let calling = request.calling_ae_title.parse::<AeTitle>();
    let calling = calling.ok().filter(|title| callers.admit(title, address));
    let Some(calling) = calling else {
        return Err(Refusal::user(
            "this caller may not store here",
            AssociationRJServiceUserReason::CallingAETitleNotRecognized,
        ));
    };
    let mut contexts: Vec<Context> = Vec::new();
    let mut results = Vec::with_capacity(request.presentation_contexts.len());
    for proposed in request.presentation_contexts {
        results.push(answer_to(proposed, &mut contexts));
    }
    Ok(Agreed {
        peer_pdu_bytes: peer_pdu_bytes(&request.user_variables),
        answer: AssociationAC {
            protocol_version: 1,
            calling_ae_title: calling.as_str().to_owned(),
            called_ae_title: called.as_str().to_owned(),
            application_context_name: APPLICATION_CONTEXT.to_owned(),
            presentation_contexts: results,
            user_variables: vec![
                UserVariableItem::MaxLength(limits::PDU_BYTES),
                UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
                UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
            ],
        },
        calling,
        contexts,
    })
}

/// Answers one presentation context; an accepted one is added to the list.
fn answer_to(
    proposed: PresentationContextProposed,
    contexts: &mut Vec<Context>,
) -> PresentationContextResult {
    let id = proposed.id;
    let refused = |reason| PresentationContextResult {
        id,
        reason,
        transfer_syntax: syntax::IMPLICIT_VR_LITTLE_ENDIAN.to_owned(),
    };
    // PS3.8 9.3.2.2: odd, and each once.
    if id.is_multiple_of(2) || contexts.iter().any(|context| context.id == id) {
        return refused(PresentationContextResultReason::NoReason);
    }
    let sop_class_uid = proposed.abstract_syntax.parse().ok();
    let service = sop_class_uid.as_ref().and_then(service_of);
    let (Some(sop_class_uid), Some(service)) = (sop_class_uid, service) else {
        return refused(PresentationContextResultReason::AbstractSyntaxNotSupported);
    };
    // Nothing is converted here, so that the sender's first wish is as good as any other.
    let first = proposed
        .transfer_syntaxes
        .iter()
        .find_map(|uid| uid.parse::<TransferSyntaxUid>().ok());
    let Some(transfer_syntax_uid) = first else {
        return refused(PresentationContextResultReason::TransferSyntaxesNotSupported);
    };
    let transfer_syntax = transfer_syntax_uid.as_str().to_owned();
    contexts.push(Context {
        id,
        service,
        sop_class_uid,
        transfer_syntax_uid,
    });
    PresentationContextResult {
        id,
        reason: PresentationContextResultReason::Acceptance,
        transfer_syntax,
    }
}

fn service_of(uid: &SopClassUid) -> Option<Service> {
    let uid = uid.as_str();
    if uid == VERIFICATION {
        return Some(Service::Verification);
    }
    let is_storage = match uid.strip_prefix(STORAGE_ROOT) {
        Some(below) => !NOT_STORAGE.contains(&below),
        None => !uid.starts_with(DICOM_ROOT),
    };
    is_storage.then_some(Service::Storage)
}

fn peer_pdu_bytes(variables: &[UserVariableItem]) -> usize {
    let limit = variables.iter().find_map(|item| match item {
        // PS3.8 D.1: 0 means without limit.
        UserVariableItem::MaxLength(limit) => Some(*limit).filter(|limit| *limit > 0),
        _ => None,
    });
    limit.unwrap_or(limits::PDU_BYTES) as usize
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a failed test may say so by a panic"
    )]
    use dicom_ul::pdu::{
        AssociationRJServiceUserReason, AssociationRJSource, AssociationRQ,
        PresentationContextProposed, PresentationContextResultReason,
    };

    use super::{Service, decide};
    use crate::Callers;

    fn request(contexts: &[(u8, &str, &[&str])]) -> AssociationRQ {
        let context = |&(id, uid, syntaxes): &(u8, &str, &[&str])| PresentationContextProposed {
            id,
            abstract_syntax: uid.to_owned(),
            transfer_syntaxes: syntaxes.iter().map(|&uid| uid.to_owned()).collect(),
        };
        AssociationRQ {
            protocol_version: 1,
            calling_ae_title: "MR1".to_owned(),
            called_ae_title: "OVERREAD".to_owned(),
            application_context_name: "1.2.840.10008.3.1.1.1".to_owned(),
            presentation_contexts: contexts.iter().map(context).collect(),
            user_variables: Vec::new(),
        }
    }

    const HERE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    const SYNTAXES: &[&str] = &["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2"];

    #[test]
    fn storage_of_any_sort_is_accepted_and_everything_else_refused() {
        let check = |uid: &str, expect: Option<Service>| {
            let agreed = decide(request(&[(1, uid, SYNTAXES)]), HERE, &Callers::default()).unwrap();
            let service = agreed.contexts.first().map(|context| context.service);
            assert_eq!(service, expect, "{uid}");
            let reason = match expect {
                Some(_) => PresentationContextResultReason::Acceptance,
                None => PresentationContextResultReason::AbstractSyntaxNotSupported,
            };
            assert_eq!(agreed.answer.presentation_contexts[0].reason, reason);
        };
        check("1.2.840.10008.1.1", Some(Service::Verification));
        check("1.2.840.10008.5.1.4.1.1.4", Some(Service::Storage));
        check("1.2.840.10008.5.1.4.1.1.2.2\0", Some(Service::Storage));
        check("1.3.12.2.1107.5.9.1", Some(Service::Storage));
        check("1.2.840.10008.5.1.4.1.2.2.1", None);
        check("1.2.840.10008.5.1.4.1.2.2.2", None);
        check("1.2.840.10008.5.1.4.1.2.2.3", None);
        check("1.2.840.10008.5.1.4.1.1.201.2", None);
        check("1.2.840.10008.5.1.4.1.1.", None);
        check("1.2.840.10008.5.1.4.1.1.4'", None);
    }

    #[test]
    fn a_context_needs_a_number_of_its_own_and_a_syntax() {
        use PresentationContextResultReason::{Acceptance, NoReason, TransferSyntaxesNotSupported};
        let mr = "1.2.840.10008.5.1.4.1.1.4";
        let contexts: [(u8, &str, &[&str]); 4] = [
            (3, mr, SYNTAXES),
            (3, mr, SYNTAXES),
            (4, mr, SYNTAXES),
            (5, mr, &["x"]),
        ];
        let agreed = decide(request(&contexts), HERE, &Callers::default()).unwrap();
        let results = agreed.answer.presentation_contexts.iter();
        let reasons: Vec<_> = results.map(|result| result.reason.clone()).collect();
        assert_eq!(
            reasons,
            [Acceptance, NoReason, NoReason, TransferSyntaxesNotSupported]
        );
        assert_eq!(agreed.contexts.len(), 1);
        let syntax = agreed.contexts[0].transfer_syntax_uid.as_str();
        assert_eq!(syntax, SYNTAXES[0], "the sender's first wish");
    }

    #[test]
    fn who_may_not_call_is_told_why() {
        let check = |change: fn(&mut AssociationRQ), address: &str, expect| {
            let mut request = request(&[]);
            change(&mut request);
            let address = address.parse().unwrap();
            let refusal = decide(request, address, &Callers::default()).unwrap_err();
            let source = AssociationRJSource::ServiceUser(expect);
            assert_eq!(refusal.answer.source, source, "{}", refusal.why);
        };
        check(
            |_| {},
            "192.0.2.7",
            AssociationRJServiceUserReason::CallingAETitleNotRecognized,
        );
        check(
            |request| request.calling_ae_title = "A\\B".to_owned(),
            "127.0.0.1",
            AssociationRJServiceUserReason::CallingAETitleNotRecognized,
        );
        check(
            |request| request.called_ae_title.clear(),
            "127.0.0.1",
            AssociationRJServiceUserReason::CalledAETitleNotRecognized,
        );
        check(
            |request| request.application_context_name = "1.2.3".to_owned(),
            "127.0.0.1",
            AssociationRJServiceUserReason::ApplicationContextNameNotSupported,
        );
    }
}
