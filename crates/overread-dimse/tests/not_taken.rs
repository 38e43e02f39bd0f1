//! Retrievals that fail, or break off: what was noted as read or sent before is taken back, for studies of which nothing went out.

use std::net::TcpListener;

use dicom_ul::association::client::ClientAssociationOptions;
use dicom_ul::pdu::Pdu;
use overread_model::access::Role;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{EXPLICIT, IMPLICIT, MR, Peer};

use crate::asked_again::{GET, MOVE, ask, command, element, read_all, study_of};
use crate::house::House;
use crate::retrieving::filled;

const CANNOT_PERFORM: u16 = 0xA702;
const READ: &str = "study.images_read";
const SENT: &str = "study.images_sent";
const NOT_TAKEN: &str = "study.images_not_taken";

/// A peer that retrieves, and takes images or not.
fn getter(house: &House, takes_images: bool) -> Peer {
    let mut options = ClientAssociationOptions::new()
        .calling_ae_title("READER")
        .called_ae_title("OVERREAD")
        .with_presentation_context(GET, vec![IMPLICIT]);
    if takes_images {
        options = options
            .with_presentation_context(MR, vec![EXPLICIT])
            .with_role_selection(MR, false, true);
    }
    Peer::over(options.establish(house.address).unwrap())
}

/// Gets a study; returns how many images came, and with which status it ended.
fn get(house: &House, takes_images: bool, spec: &InstanceSpec) -> (usize, u16) {
    let mut peer = getter(house, takes_images);
    ask(&mut peer, GET, command(0x0010, GET, ""), &study_of(spec));
    let (count, status, _) = read_all(&mut peer, GET, || {});
    // What failed is listed behind the answer, and not read here.
    drop(peer);
    (count, status)
}

#[test]
fn a_get_of_which_nothing_was_taken_is_noted_and_the_next_one_anew() {
    let house = House::for_reader(Role::Archive, None, 1);
    let spec = &filled(&house)[0];
    let events = || house.events_of(&spec.study_instance_uid);
    assert_eq!(get(&house, false, spec), (0, CANNOT_PERFORM));
    assert_eq!(events(), [READ, NOT_TAKEN]);
    assert_eq!(get(&house, false, spec), (0, CANNOT_PERFORM));
    assert_eq!(events(), [READ, NOT_TAKEN, READ, NOT_TAKEN]);
    assert_eq!(get(&house, true, spec), (3, 0));
    assert_eq!(events(), [READ, NOT_TAKEN, READ, NOT_TAKEN, READ]);
    // The row of the reading that went well stands, whatever fails behind it.
    assert_eq!(get(&house, false, spec), (0, CANNOT_PERFORM));
    assert_eq!(events(), [READ, NOT_TAKEN, READ, NOT_TAKEN, READ]);
}

#[test]
fn a_get_that_broke_off_takes_back_what_did_not_go_out() {
    let house = House::for_reader(Role::Archive, None, 1);
    let specs = filled(&house);
    let mut peer = getter(&house, true);
    let both = format!(
        "{}\\{}",
        specs[0].study_instance_uid, specs[3].study_instance_uid
    );
    let level = element([0x0008, 0x0052], "STUDY");
    let identifier = [level, element([0x0020, 0x000D], &both)].concat();
    ask(&mut peer, GET, command(0x0010, GET, ""), &identifier);
    // An image is on its way, and nobody says what became of it.
    assert!(matches!(peer.association.receive(), Ok(Pdu::PData { .. })));
    peer.association.abort().unwrap();
    house.seen(|peer| {
        let ended = peer.ended.as_ref();
        ended.is_some_and(|ended| !ended.reason.is_empty())
    });
    let mut events = [&specs[0], &specs[3]].map(|spec| house.events_of(&spec.study_instance_uid));
    events.sort();
    assert_eq!(events, [vec![READ], vec![READ, NOT_TAKEN]]);
}

#[test]
fn a_move_to_where_nobody_listens_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let house = House::for_reader(Role::Archive, None, listener.local_addr().unwrap().port());
    drop(listener);
    let spec = &filled(&house)[0];
    let mut peer = Peer::with(house.address, "READER", &[(MOVE, vec![IMPLICIT])]).unwrap();
    let request = command(0x0021, MOVE, "STORESCP");
    ask(&mut peer, MOVE, request, &study_of(spec));
    let (_, status, failed) = read_all(&mut peer, MOVE, || {});
    assert_eq!((status, failed), (CANNOT_PERFORM, Some(3)));
    assert_eq!(house.events_of(&spec.study_instance_uid), [SENT, NOT_TAKEN]);
}
