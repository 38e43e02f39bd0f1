//! Echo and store, as they should go.

use dicom_ul::pdu::Pdu;
use overread_dicom::FileMeta;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{EXPLICIT, IMPLICIT, MR, Peer, VERIFICATION, data_set};

use crate::house::House;

#[test]
fn an_echo_is_answered() {
    let house = House::new();
    let mut peer = Peer::open(house.address);
    assert_eq!(peer.echo(), Some(0));
    assert_eq!(peer.echo(), Some(0));
    peer.release();
}

#[test]
fn an_instance_is_kept_byte_for_byte_and_once() {
    let house = House::new();
    let mut peer = Peer::open(house.address);
    let spec = InstanceSpec::mr(1, 1, 1);
    assert_eq!(peer.store(&spec), Some(0));
    assert_eq!(peer.store(&spec), Some(0), "the same again");
    peer.release();
    let head = FileMeta {
        sop_class_uid: MR.as_bytes(),
        sop_instance_uid: spec.sop_instance_uid.as_bytes(),
        transfer_syntax_uid: EXPLICIT.as_bytes(),
        source_application_entity_title: Some(b"OVERREAD"),
    };
    let expect = [head.head(), data_set(&spec)].concat();
    assert_eq!(house.bytes_of(&spec), Some(expect));

    // Another peer that has the same instance.
    let contexts = [(MR, vec![EXPLICIT])];
    let mut other = Peer::with(house.address, "OTHERPEER", &contexts).unwrap();
    assert_eq!(other.store(&spec), Some(0));
    other.release();
    assert_eq!(house.instance_count(), 1);
}

#[test]
fn the_senders_transfer_syntax_is_kept() {
    let house = House::new();
    let mut specs = Vec::new();
    for (instance, syntax) in [
        (1, IMPLICIT),
        (2, "1.2.840.10008.1.2.4.80"),
        (3, "1.2.840.10008.1.2.4.202"),
    ] {
        let contexts = [(VERIFICATION, vec![IMPLICIT]), (MR, vec![syntax, EXPLICIT])];
        let mut peer = Peer::with(house.address, "TESTPEER", &contexts).unwrap();
        let mut spec = InstanceSpec::mr(2, 1, instance);
        if syntax == IMPLICIT {
            spec.transfer_syntax_uid = syntax.to_owned();
        } else {
            // No pixels: that data set is the same in every compressed syntax.
            spec.pixels.clear();
        }
        assert_eq!(peer.store(&spec), Some(0), "{syntax}");
        peer.release();
        let kept = house.bytes_of(&spec).unwrap();
        assert!(kept.ends_with(&data_set(&spec)));
        assert!(
            kept[..400]
                .windows(syntax.len())
                .any(|part| part == syntax.as_bytes())
        );
        specs.push(spec);
    }
    assert_eq!(house.instance_count(), 3);
}

#[test]
fn an_instance_larger_than_memory_for_it_is_kept() {
    let house = House::new();
    let mut peer = Peer::open(house.address);
    let mut spec = InstanceSpec::mr(3, 1, 1);
    (spec.rows, spec.columns) = (1500, 1500);
    spec.pixels = (0..1500 * 1500)
        .map(|value| (value % 4096) as u16)
        .collect();
    assert_eq!(peer.store(&spec), Some(0));
    assert_eq!(peer.store(&spec), Some(0));
    let kept = house.bytes_of(&spec).unwrap();
    assert!(kept.ends_with(&data_set(&spec)));
    assert_eq!(house.instance_count(), 1);
}

#[test]
fn two_associations_go_on_beside_each_other() {
    let house = House::new();
    let mut peers = [Peer::open(house.address), Peer::open(house.address)];
    for instance in 1..=6 {
        for (series, peer) in (1..).zip(&mut peers) {
            let spec = InstanceSpec::mr(4, series, instance);
            assert_eq!(peer.store(&spec), Some(0));
        }
    }
    let [first, second] = peers;
    first.release();
    second.release();
    assert_eq!(house.instance_count(), 12);
}

#[test]
fn a_stop_releases_whoever_waits_and_ends() {
    let mut house = House::new();
    let mut peer = Peer::open(house.address);
    assert_eq!(peer.store(&InstanceSpec::mr(5, 1, 1)), Some(0));
    house.stop();
    assert!(matches!(peer.association.receive(), Ok(Pdu::ReleaseRQ)));
    peer.association.send(&Pdu::ReleaseRP).unwrap();
    drop(peer);
    house.wait();
    assert!(std::net::TcpStream::connect(house.address).is_err());
    assert_eq!(house.instance_count(), 1);
}
