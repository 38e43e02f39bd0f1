//! A DICOM peer that sends anything: the request, command sets, data sets.

use std::net::{IpAddr, Ipv4Addr};

use dicom_ul::pdu::{
    AssociationRQ, PDataValue, PDataValueType, Pdu, PresentationContextProposed, UserVariableItem, write_pdu,
};
use overread_dicom::{ParseLimits, data_set_to_json};

use crate::callers::Callers;
use crate::command::{CommandSet, Status};
use crate::link::Link;
use crate::negotiation::{self, APPLICATION_CONTEXT};
use crate::stream::Stream;
use crate::wire::Wire;
use crate::{command, limits};

/// Reads what a peer sends until it ends or breaks the protocol, and answers every message.
///
/// The first byte says how many bytes come at a time, the second whether a good request stands before the others.
pub fn peer(data: &[u8]) {
    let Some(([step, is_framed], rest)) = data.split_first_chunk::<2>().map(|(head, rest)| (*head, rest)) else {
        return;
    };
    let mut bytes = if is_framed & 1 == 1 { request() } else { Vec::new() };
    bytes.extend_from_slice(rest);
    let stream = Stream::Plain { bytes, at: 0, step: usize::from(step).max(1) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(associate(stream));
}

async fn associate(stream: Stream) {
    let mut wire = Wire::new(stream, limits::IDLE_TIME);
    let Ok(request) = wire.request(limits::REQUEST_TIME).await else {
        return;
    };
    let Ok(agreed) = negotiation::decide(request, IpAddr::V4(Ipv4Addr::LOCALHOST), &Callers::default()) else {
        return;
    };
    let mut answer = Vec::new();
    write_pdu(&mut answer, &Pdu::AssociationAC(agreed.answer)).expect("our answer can be written");
    let mut link = Link { wire, contexts: agreed.contexts, peer_pdu_bytes: agreed.peer_pdu_bytes };
    while let Ok(Some((command, context))) = link.next().await {
        let Ok(data) = link.read_data(&command, &context).await else {
            return;
        };
        assert!(data.len() <= limits::IDENTIFIER_BYTES);
        let _read = data_set_to_json(&data, context.transfer_syntax_uid.as_str(), &ParseLimits::default());
        let set = command.answer(&Status::failure(command::CANNOT_UNDERSTAND, &command.comment));
        assert!(command::Command::parse(&set.bytes()).is_ok(), "our answer cannot be read");
        if link.send(context.id, &set).await.is_err() {
            return;
        }
    }
}

/// An association request that is accepted.
fn request() -> Vec<u8> {
    let context = |id, abstract_syntax: &str| PresentationContextProposed {
        id,
        abstract_syntax: abstract_syntax.to_owned(),
        transfer_syntaxes: vec!["1.2.840.10008.1.2.1".to_owned(), "1.2.840.10008.1.2".to_owned()],
    };
    let request = Pdu::AssociationRQ(AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "PEER".to_owned(),
        called_ae_title: "OVERREAD".to_owned(),
        application_context_name: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: vec![context(1, "1.2.840.10008.1.1"), context(3, "1.2.840.10008.5.1.4.1.1.4")],
        user_variables: vec![UserVariableItem::MaxLength(16_384)],
    });
    written(&request)
}

fn written(pdu: &Pdu) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_pdu(&mut bytes, pdu).expect("a PDU");
    bytes
}

/// Returns inputs to begin with: a request alone, an echo, and a store.
pub fn seeds() -> Vec<Vec<u8>> {
    let value = |context: u8, is_command: bool, data: Vec<u8>| {
        let value_type = if is_command { PDataValueType::Command } else { PDataValueType::Data };
        let value = PDataValue { presentation_context_id: context, value_type, is_last: true, data };
        written(&Pdu::PData { data: vec![value] })
    };
    let echo = CommandSet::request(command::C_ECHO_RQ, 1, "1.2.840.10008.1.1").bytes();
    let store = CommandSet::request(command::C_STORE_RQ, 2, "1.2.840.10008.5.1.4.1.1.4");
    let store = store.affected_instance("1.2.3").with_data_set().bytes();
    let data = b"\x08\0\x16\0UI\x1a\x001.2.840.10008.5.1.4.1.1.4\0\x08\0\x18\0UI\x06\x001.2.3\0".to_vec();
    let framed = |parts: Vec<Vec<u8>>| [vec![64, 1], parts.concat()].concat();
    vec![
        [vec![64, 0], request()].concat(),
        framed(vec![value(1, true, echo.clone()), written(&Pdu::ReleaseRQ)]),
        framed(vec![value(3, true, store.clone()), value(3, false, data), value(1, true, echo)]),
    ]
}
