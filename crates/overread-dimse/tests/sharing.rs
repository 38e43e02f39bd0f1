//! How callers share the door.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use dicom_ul::pdu::{AssociationRQ, PresentationContextProposed, write_pdu};
use overread_dimse::{Caller, Callers, DoorConfig, limits};
use overread_testkit::peer::{IMPLICIT, Peer, VERIFICATION};

use crate::house::{House, config};

/// A door whose list names MR1 and CT1, each at every address of this machine that a test calls from.
fn door_of_two() -> House {
    let caller = |title: &str| {
        let here = vec!["127.0.0.0/24".parse().unwrap()];
        Caller::storing(title.parse().unwrap(), here)
    };
    House::with(DoorConfig {
        callers: Callers(vec![caller("MR1"), caller("CT1")]),
        ..config()
    })
}

fn open(house: &House, calling: &str) -> Peer {
    Peer::with(house.address, calling, &[(VERIFICATION, vec![IMPLICIT])]).unwrap()
}

#[test]
fn a_named_caller_that_was_served_makes_room_for_nobody_and_one_that_asks_nothing_for_all() {
    let house = door_of_two();
    let mut first = open(&house, "MR1");
    assert_eq!(first.echo(), Some(0));
    let idle: Vec<_> = (1..limits::CONNECTIONS)
        .map(|number| house.idle_from(2 + (number / limits::CONNECTIONS_OF_ONE_NETWORK) as u8))
        .collect();
    let mut other = open(&house, "CT1");
    assert_eq!(other.echo(), Some(0));
    assert_eq!(first.echo(), Some(0));
    drop(idle);
}

#[test]
fn one_network_has_not_every_connection_of_those_the_list_names() {
    let house = door_of_two();
    let _idle: Vec<_> = (0..limits::CONNECTIONS_OF_ONE_NETWORK)
        .map(|_| house.idle_from(2))
        .collect();
    let mut one_more = house.idle_from(2);
    assert_eq!(one_more.read(&mut [0; 8]).unwrap_or(0), 0, "hung up on");
    assert_eq!(open(&house, "CT1").echo(), Some(0));
}

/// An association of MR1 from this host, on which nothing is asked for.
fn silent_association(house: &House, host: u8) -> TcpStream {
    let request = AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "MR1".to_owned(),
        called_ae_title: "OVERREAD".to_owned(),
        application_context_name: "1.2.840.10008.3.1.1.1".to_owned(),
        presentation_contexts: vec![PresentationContextProposed {
            id: 1,
            abstract_syntax: VERIFICATION.to_owned(),
            transfer_syntaxes: vec![IMPLICIT.to_owned()],
        }],
        user_variables: Vec::new(),
    };
    let mut bytes = Vec::new();
    write_pdu(&mut bytes, &request.into()).unwrap();
    let mut stream = house.idle_from(host);
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(&bytes).unwrap();
    let mut head = [0; 6];
    stream.read_exact(&mut head).unwrap();
    // PS3.8 9.3.3: A-ASSOCIATE-AC.
    assert_eq!(head[0], 2, "{head:x?}");
    let [_, _, a, b, c, d] = head;
    let mut rest = vec![0; u32::from_be_bytes([a, b, c, d]) as usize];
    stream.read_exact(&mut rest).unwrap();
    stream
}

#[test]
fn associations_that_ask_nothing_keep_no_other_caller_out() {
    let house = door_of_two();
    let share = limits::ASSOCIATIONS_OF_ONE_CALLER;
    let mut silent: Vec<_> = (0..limits::ASSOCIATIONS)
        .map(|number| silent_association(&house, 2 + (number / share) as u8))
        .collect();
    let mut other = open(&house, "CT1");
    assert_eq!(other.echo(), Some(0));
    // PS3.8 9.3.8: A-ABORT, to the one of the fullest that came first.
    let mut answer = [0; 1];
    silent[share].read_exact(&mut answer).unwrap();
    assert_eq!(answer, [7]);
}
