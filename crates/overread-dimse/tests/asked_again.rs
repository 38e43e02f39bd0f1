//! Queries and retrievals of which the token is revoked, or the grant ends, while they go on.

use std::net::TcpListener;
use std::thread;

use dicom_ul::association::client::ClientAssociationOptions;
use dicom_ul::association::server::ServerAssociationOptions;
use dicom_ul::pdu::{PDataValueType, Pdu};
use overread_model::access::Role;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{EXPLICIT, IMPLICIT, MR, Peer, number_in, request};

use crate::house::House;
use crate::retrieving::filled;

const FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
pub(crate) const MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
pub(crate) const GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
const NOT_AUTHORISED: u16 = 0x0124;

/// Command fields, the element of the status, and of how many sub-operations failed.
const STORE_RQ: u16 = 0x0001;
const STATUS: u16 = 0x0900;
const FAILED: u16 = 0x1022;

pub(crate) fn element(tag: [u16; 2], value: &str) -> Vec<u8> {
    let value = format!("{value}{}", if value.len() % 2 == 1 { " " } else { "" });
    let mut out = [tag[0].to_le_bytes(), tag[1].to_le_bytes()].concat();
    out.extend((value.len() as u32).to_le_bytes());
    out.extend(value.as_bytes());
    out
}

/// Sends a request with its identifier.
pub(crate) fn ask(peer: &mut Peer, class: &str, command: Vec<u8>, identifier: &[u8]) {
    let contexts = peer.association.presentation_contexts();
    let found = contexts
        .iter()
        .find(|context| context.abstract_syntax == class);
    let id = found.unwrap().id;
    peer.command(id, command).unwrap();
    let mut writer = peer.association.send_pdata(id);
    std::io::Write::write_all(&mut writer, identifier).unwrap();
    writer.finish().unwrap();
}

/// Writes the command set of a request with an identifier behind it.
pub(crate) fn command(field: u16, class: &str, destination: &str) -> Vec<u8> {
    // As a request that names an instance says that a data set follows; the destination stands before the priority.
    let mut out = request(field, class, "");
    let tail = out.split_off(out.len() - 10);
    assert_eq!(tail[2..4], [0x00, 0x08]);
    if !destination.is_empty() {
        out.extend(element([0, 0x0600], destination));
    }
    out.extend([
        0, 0, 0x00, 0x07, 2, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 2, 0, 0, 0, 1, 0,
    ]);
    out
}

pub(crate) fn study_of(spec: &InstanceSpec) -> Vec<u8> {
    let level = element([0x0008, 0x0052], "STUDY");
    [level, element([0x0020, 0x000D], &spec.study_instance_uid)].concat()
}

/// Reads messages until a last answer; acknowledges instances, and calls this behind the first. Returns how many came, the
/// status, and how many failed.
pub(crate) fn read_all(
    peer: &mut Peer,
    class: &str,
    mut behind_first: impl FnMut(),
) -> (usize, u16, Option<u16>) {
    let mut count = 0;
    loop {
        let Ok(Pdu::PData { data }) = peer.association.receive() else {
            panic!("the association ended after {count}");
        };
        for value in data {
            let is_command = matches!(value.value_type, PDataValueType::Command);
            if !is_command || !value.is_last {
                continue;
            }
            let status = number_in(&value.data, STATUS);
            let is_instance = number_in(&value.data, 0x0100) == Some(STORE_RQ);
            let is_answer = status.is_some_and(|status| status >> 8 == 0xFF) && class == FIND;
            if is_instance || is_answer {
                count += 1;
                if count == 1 {
                    behind_first();
                }
            }
            if is_instance {
                let id = number_in(&value.data, 0x0110).unwrap();
                peer.command(value.presentation_context_id, stored(id))
                    .unwrap();
            } else if let Some(status) = status.filter(|status| status >> 8 != 0xFF) {
                return (count, status, number_in(&value.data, FAILED));
            }
        }
    }
}

/// Writes the answer to a C-STORE.
fn stored(id: u16) -> Vec<u8> {
    let mut out = Vec::new();
    for (tag, value) in [
        (0x0100_u16, 0x8001_u16),
        (0x0120, id),
        (0x0800, 0x0101),
        (STATUS, 0),
    ] {
        out.extend([0, 0]);
        out.extend(tag.to_le_bytes());
        out.extend(2_u32.to_le_bytes());
        out.extend(value.to_le_bytes());
    }
    out
}

/// The page of peers says that it was refused, once the association has ended.
fn is_told_to_administrators(house: &House, peer: Peer) {
    drop(peer);
    house.seen(|peer| {
        let ended = peer.ended.as_ref();
        ended.is_some_and(|ended| ended.denied.contains("0124"))
    });
}

#[test]
fn a_get_ends_with_its_token() {
    let house = House::for_reader(Role::Archive, None, 1);
    let specs = filled(&house);
    let options = ClientAssociationOptions::new()
        .calling_ae_title("READER")
        .called_ae_title("OVERREAD")
        .with_presentation_context(GET, vec![IMPLICIT])
        .with_presentation_context(MR, vec![EXPLICIT])
        .with_role_selection(MR, false, true);
    let association = options.establish(house.address).unwrap();
    let mut peer = Peer::over(association);
    ask(
        &mut peer,
        GET,
        command(0x0010, GET, ""),
        &study_of(&specs[0]),
    );
    let ended = read_all(&mut peer, GET, || house.revoke_tokens());
    assert_eq!(ended, (1, NOT_AUTHORISED, Some(2)));
    is_told_to_administrators(&house, peer);
}

#[test]
fn a_move_ends_with_its_token() {
    check_move(House::revoke_tokens);
}

#[test]
fn a_move_ends_with_the_token_of_where_it_goes() {
    check_move(|house| house.revoke(|token| token.name == "STORESCP"));
}

/// Moves a study of three instances; this is revoked once the first has come.
fn check_move(revoke: fn(&House)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let house = House::for_reader(Role::Archive, None, listener.local_addr().unwrap().port());
    let specs = filled(&house);
    let mut peer = Peer::with(house.address, "READER", &[(MOVE, vec![IMPLICIT])]).unwrap();
    let study = study_of(&specs[0]);
    let ended = thread::scope(|scope| {
        let house = &house;
        let taken = scope.spawn(move || {
            let options = ServerAssociationOptions::new()
                .accept_any()
                .with_abstract_syntax(MR)
                .with_transfer_syntax(EXPLICIT);
            let mut association = options.establish(listener.accept().unwrap().0).unwrap();
            let mut taken = 0;
            loop {
                let Ok(Pdu::PData { data }) = association.receive() else {
                    return taken;
                };
                for value in data {
                    if matches!(value.value_type, PDataValueType::Command) {
                        taken += 1;
                        revoke(house);
                        let id = number_in(&value.data, 0x0110).unwrap();
                        let answer = dicom_ul::pdu::PDataValue {
                            presentation_context_id: value.presentation_context_id,
                            value_type: PDataValueType::Command,
                            is_last: true,
                            data: stored(id),
                        };
                        association
                            .send(&Pdu::PData { data: vec![answer] })
                            .unwrap();
                    }
                }
            }
        });
        ask(&mut peer, MOVE, command(0x0021, MOVE, "STORESCP"), &study);
        let (_, status, failed) = read_all(&mut peer, MOVE, || {});
        (taken.join().unwrap(), status, failed)
    });
    assert_eq!(ended, (1, NOT_AUTHORISED, Some(2)));
    is_told_to_administrators(&house, peer);
}

#[test]
fn a_search_ends_with_its_token() {
    let house = House::for_reader(Role::Archive, None, 1);
    let mut peer = Peer::with(house.address, "READER", &[(MR, vec![EXPLICIT])]).unwrap();
    for instance in 1..=40 {
        assert_eq!(peer.store(&InstanceSpec::mr(1, 1, instance)), Some(0));
    }
    peer.release();
    let spec = InstanceSpec::mr(1, 1, 1);
    let mut identifier = element([0x0008, 0x0052], "IMAGE");
    identifier.extend(element([0x0008, 0x0018], ""));
    identifier.extend(element([0x0020, 0x000D], &spec.study_instance_uid));
    identifier.extend(element([0x0020, 0x000E], &spec.series_instance_uid));
    // So many attributes that the answers do not fit into what the system holds between two programs.
    for number in 0x1000..0xF000 {
        identifier.extend(element([0x0021, number], ""));
    }
    let mut peer = Peer::with(house.address, "READER", &[(FIND, vec![IMPLICIT])]).unwrap();
    ask(&mut peer, FIND, command(0x0020, FIND, ""), &identifier);
    let (count, status, _) = read_all(&mut peer, FIND, || house.revoke_tokens());
    assert_eq!(status, NOT_AUTHORISED);
    assert!(count < 40, "{count}");
    is_told_to_administrators(&house, peer);
}
