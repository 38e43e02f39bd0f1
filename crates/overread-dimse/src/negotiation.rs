//! Decides on an association request: who calls, and what may be sent.

mod offer;

use std::net::IpAddr;

use dicom_ul::pdu::{
    AssociationAC, AssociationRJ, AssociationRJResult, AssociationRJServiceProviderASCEReason,
    AssociationRJServiceProviderPresentationReason, AssociationRJServiceUserReason,
    AssociationRJSource, AssociationRQ, UserVariableItem,
};
use overread_dicom::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use overread_model::uid::{SopClassUid, TransferSyntaxUid};

use crate::callers::{Admitted, Callers};
use crate::service::Service;
use crate::{AeTitle, limits};
use offer::Offer;

// PS3.7 A.2.1.
pub(crate) const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// An association request that was accepted.
#[derive(Debug)]
pub(crate) struct Agreed {
    /// Who calls.
    pub(crate) calling: AeTitle,
    /// Whom it calls.
    pub(crate) called: AeTitle,
    /// What the list says of the caller.
    pub(crate) caller: Admitted,
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
    /// The other side of the association may use the service.
    pub(crate) peer_is_user: bool,
    /// We may use the service: it was agreed that the peer provides it.
    pub(crate) peer_is_provider: bool,
    /// Keys of the levels above may be left out (PS3.4 C.2.2.1.2).
    pub(crate) is_relational: bool,
    /// A range of dates and one of times are one range of instants (PS3.4 C.2.2.2.5.2).
    pub(crate) joins_date_and_time: bool,
}

/// An association request that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// For the log and the page of peers.
    pub(crate) why: &'static str,
    /// What to do about it, as a sentence.
    pub(crate) advice: &'static str,
    /// What to answer.
    pub(crate) answer: AssociationRJ,
}

impl Refusal {
    fn permanent(why: &'static str, advice: &'static str, source: AssociationRJSource) -> Self {
        let result = AssociationRJResult::Permanent;
        Self {
            why,
            advice,
            answer: AssociationRJ { result, source },
        }
    }

    fn user(
        why: &'static str,
        advice: &'static str,
        reason: AssociationRJServiceUserReason,
    ) -> Self {
        Self::permanent(why, advice, AssociationRJSource::ServiceUser(reason))
    }

    /// It calls another title than ours, and only ours is taken.
    pub(crate) fn other_title() -> Self {
        Self::user(
            "it called another AE title than ours, and dimse.only_own_title is set",
            "Correct the called AE title at the sender.",
            AssociationRJServiceUserReason::CalledAETitleNotRecognized,
        )
    }

    /// There are as many associations as may be; the peer may come back later.
    pub(crate) fn busy() -> Self {
        let reason = AssociationRJServiceProviderPresentationReason::LocalLimitExceeded;
        Self {
            why: "there were as many associations as may be at once",
            advice: "It may call again when others have ended; nothing has to be changed here.",
            answer: AssociationRJ {
                result: AssociationRJResult::Transient,
                source: AssociationRJSource::ServiceProviderPresentation(reason),
            },
        }
    }
}

/// What to do about a sender that speaks otherwise than DICOM does.
const OTHER_SOFTWARE: &str = "Ask whoever made its software; nothing can be set here.";

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
            OTHER_SOFTWARE,
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
            OTHER_SOFTWARE,
            AssociationRJServiceUserReason::ApplicationContextNameNotSupported,
        ));
    }
    let (called, calling, caller) = titles(&request, address, callers)?;
    let peer_pdu_bytes = peer_pdu_bytes(&request.user_variables);
    let mut offer = Offer {
        may: caller.as_ref().map(|caller| caller.may).unwrap_or_default(),
        asked: request.user_variables,
        contexts: Vec::new(),
        told: Vec::new(),
    };
    let proposed = request.presentation_contexts.into_iter();
    let results = proposed.map(|proposed| offer.answer_to(proposed)).collect();
    let mut user_variables = vec![
        UserVariableItem::MaxLength(limits::PDU_BYTES),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
    ];
    user_variables.append(&mut offer.told);
    user_variables.push(UserVariableItem::ImplementationVersionName(
        IMPLEMENTATION_VERSION_NAME.to_owned(),
    ));
    Ok(Agreed {
        peer_pdu_bytes,
        answer: AssociationAC {
            protocol_version: 1,
            calling_ae_title: calling.as_str().to_owned(),
            called_ae_title: called.as_str().to_owned(),
            application_context_name: APPLICATION_CONTEXT.to_owned(),
            presentation_contexts: results,
            user_variables,
        },
        calling,
        called,
        caller,
        contexts: offer.contexts,
    })
}

/// Returns whom a request calls, who calls, and what the list says of that one.
fn titles(
    request: &AssociationRQ,
    address: IpAddr,
    callers: &Callers,
) -> Result<(AeTitle, AeTitle, Admitted), Refusal> {
    let Ok(called) = request.called_ae_title.parse::<AeTitle>() else {
        return Err(Refusal::user(
            "the AE title that it called is none: 1 to 16 letters, digits and signs of ASCII, no backslash",
            "Correct the called AE title at the sender.",
            AssociationRJServiceUserReason::CalledAETitleNotRecognized,
        ));
    };
    let not_recognized = AssociationRJServiceUserReason::CallingAETitleNotRecognized;
    let Ok(calling) = request.calling_ae_title.parse::<AeTitle>() else {
        return Err(Refusal::user(
            "its own AE title is none: 1 to 16 letters, digits and signs of ASCII, no backslash",
            "Correct the calling AE title at the sender.",
            not_recognized,
        ));
    };
    let Some(caller) = callers.find(&calling, address) else {
        let (why, advice) = callers.why_not(&calling);
        return Err(Refusal::user(why, advice, not_recognized));
    };
    Ok((called, calling, caller))
}

pub(crate) fn peer_pdu_bytes(variables: &[UserVariableItem]) -> usize {
    let limit = variables.iter().find_map(|item| match item {
        // PS3.8 D.1: 0 means without limit.
        UserVariableItem::MaxLength(limit) => Some(*limit).filter(|limit| *limit > 0),
        _ => None,
    });
    limit.unwrap_or(limits::PDU_BYTES) as usize
}

/// Returns what software a peer says that it is.
pub(crate) fn implementation(variables: &[UserVariableItem]) -> String {
    let name = variables.iter().find_map(|item| match item {
        UserVariableItem::ImplementationVersionName(name) => Some(name.as_str()),
        _ => None,
    });
    printable(name.unwrap_or_default())
}

/// Returns what a peer wrote without what is no letter, digit or sign, and not too long to be shown.
pub(crate) fn printable(text: &str) -> String {
    let text = text.chars().filter(char::is_ascii_graphic);
    text.take(limits::IMPLEMENTATION_CHARS).collect()
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
        PresentationContextProposed, PresentationContextResultReason, RequestorRoles,
        UserVariableItem,
    };

    use super::decide;
    use crate::service::Service;
    use crate::{Caller, Callers, May};

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
        check("1.2.840.10008.5.1.4.1.1.201.2", None);
        check("1.2.840.10008.5.1.4.1.1.", None);
        check("1.2.840.10008.5.1.4.1.1.4'", None);
    }

    #[test]
    fn a_caller_gets_what_the_list_says() {
        use PresentationContextResultReason::{Acceptance, UserRejection};
        let callers = |may: May| {
            let caller = Caller::storing("MR1".parse().unwrap(), Vec::new());
            Callers(vec![Caller { may, ..caller }])
        };
        let check = |may: May, expect: [PresentationContextResultReason; 4]| {
            let proposed: [(u8, &str, &[&str]); 4] = [
                (1, "1.2.840.10008.5.1.4.1.1.4", SYNTAXES),
                (3, "1.2.840.10008.5.1.4.1.2.2.1", SYNTAXES),
                (5, "1.2.840.10008.5.1.4.1.2.1.2", SYNTAXES),
                (7, "1.2.840.10008.1.20.1", SYNTAXES),
            ];
            let agreed = decide(request(&proposed), HERE, &callers(may)).unwrap();
            let results = agreed.answer.presentation_contexts.into_iter();
            let reasons: Vec<_> = results.map(|result| result.reason).collect();
            assert_eq!(reasons, expect, "{may:?}");
        };
        let store = May::default();
        check(
            store,
            [Acceptance, UserRejection, UserRejection, Acceptance],
        );
        let read = May {
            store: false,
            find: true,
            retrieve: true,
        };
        check(read, [UserRejection, Acceptance, Acceptance, UserRejection]);
        // Nobody reads without an entry.
        let proposed: [(u8, &str, &[&str]); 1] = [(1, "1.2.840.10008.5.1.4.1.2.2.3", SYNTAXES)];
        let agreed = decide(request(&proposed), HERE, &Callers::default()).unwrap();
        assert!(agreed.contexts.is_empty());
    }

    #[test]
    fn roles_and_relational_queries_are_agreed_on() {
        let mr = "1.2.840.10008.5.1.4.1.1.4";
        let get = "1.2.840.10008.5.1.4.1.2.2.3";
        let mut asked = request(&[(1, mr, SYNTAXES), (3, get, SYNTAXES)]);
        let roles = RequestorRoles {
            scu: true,
            scp: true,
        };
        asked.user_variables = vec![
            UserVariableItem::ScuScpRoleSelectionSubItem(mr.to_owned(), roles),
            UserVariableItem::SopClassExtendedNegotiationSubItem(get.to_owned(), vec![1]),
        ];
        let may = May {
            store: false,
            find: false,
            retrieve: true,
        };
        let caller = Caller::storing("MR1".parse().unwrap(), Vec::new());
        let callers = Callers(vec![Caller { may, ..caller }]);
        let agreed = decide(asked, HERE, &callers).unwrap();
        let [storage, query] = &agreed.contexts[..] else {
            unreachable!("two contexts")
        };
        assert!(!storage.peer_is_user && storage.peer_is_provider);
        assert!(query.is_relational && query.peer_is_user);
        let told = RequestorRoles {
            scu: false,
            scp: true,
        };
        let told = UserVariableItem::ScuScpRoleSelectionSubItem(mr.to_owned(), told);
        assert!(agreed.answer.user_variables.contains(&told));
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
