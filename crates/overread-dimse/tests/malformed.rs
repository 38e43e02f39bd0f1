//! What is no DICOM at all, or stops in the middle.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use overread_dimse::DoorConfig;
use overread_testkit::peer::{EXPLICIT, MR, Peer, request};

use crate::house::{House, SHORT, config};

/// Long enough for any machine, short enough for a failing test.
const PATIENCE: Duration = Duration::from_secs(20);
const ABORT: u8 = 0x07;

/// Reads until the door closes.
fn rest_of(mut stream: &TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the door closes");
    answer
}

fn pdu(kind: u8, length: u32, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &length.to_be_bytes(), body].concat()
}

#[test]
fn garbage_instead_of_a_request_is_aborted() {
    let house = House::new();
    let check = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(house.address).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = rest_of(&stream);
        assert!(
            answer.first().is_none_or(|first| *first == ABORT) && answer.len() <= 10,
            "{bytes:x?}: {answer:x?}"
        );
        answer.len()
    };
    assert_eq!(check(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 10);
    assert_eq!(check(&pdu(0x01, u32::MAX, b"")), 10);
    assert_eq!(check(&pdu(0x01, 4, b"abcd")), 10);
    assert_eq!(check(&pdu(0x01, 200, &[0xFF; 200])), 10);
    assert_eq!(check(&pdu(0x04, 10, &[0; 10])), 10);
    assert_eq!(check(&pdu(0x05, 4, &[0; 4])), 10);
    check(&pdu(0x07, 4, &[0; 4]));
    check(&pdu(0x01, 200, b"half"));
    check(b"");
    assert_eq!(Peer::open(house.address).echo(), Some(0));
}

#[test]
fn every_cut_and_every_flip_of_a_request_is_survived() {
    let house = House::new();
    // A request as a peer sends it, from the bytes of one that a listener of ours receives.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client =
        std::thread::spawn(move || drop(Peer::with(address, "TESTPEER", &[(MR, vec!["1.2"])])));
    let (mut stream, _) = listener.accept().unwrap();
    let mut head = [0; 6];
    stream.read_exact(&mut head).unwrap();
    let mut whole = vec![0; u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize];
    stream.read_exact(&mut whole).unwrap();
    drop(stream);
    client.join().unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0xFF;
        for body in [&whole[..at], &flipped] {
            let mut stream = TcpStream::connect(house.address).unwrap();
            stream
                .write_all(&pdu(0x01, body.len() as u32, body))
                .unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            drop(rest_of(&stream));
        }
    }
    assert_eq!(Peer::open(house.address).echo(), Some(0));
}

#[test]
fn a_broken_message_ends_its_association() {
    let house = House::new();
    let check = |bytes: &[u8]| {
        let mut peer = Peer::open(house.address);
        assert_eq!(peer.echo(), Some(0));
        let stream = peer.association.inner_stream();
        stream.write_all(bytes).unwrap();
        let answer = rest_of(stream);
        assert_eq!(
            (answer.first(), answer.len()),
            (Some(&ABORT), 10),
            "{bytes:x?}"
        );
    };
    let pdv = |length: u32, context: u8, control: u8, body: &[u8]| {
        [&length.to_be_bytes()[..], &[context, control], body].concat()
    };
    let data = |value: Vec<u8>| pdu(0x04, value.len() as u32, &value);
    check(&pdu(0x04, u32::MAX, b""));
    check(&pdu(0x04, 3, b"abc"));
    check(&pdu(0x04, 0, b""));
    check(&pdu(0x99, 0, b""));
    check(&pdu(0x01, 4, b"abcd"));
    check(&data(pdv(1, 1, 3, b"")));
    check(&data(pdv(5000, 1, 3, b"short")));
    check(&data(pdv(u32::MAX, 1, 3, b"")));
    check(&data(pdv(7, 1, 3, b"crazy")));
    check(&data(pdv(7, 1, 2, b"a data set without a command")));
    let echo = request(0x0030, "1.2.840.10008.1.1", "");
    let wrong_context = pdv(echo.len() as u32 + 2, 99, 3, &echo);
    check(&data(wrong_context));
    let answer = request(0x8030, "1.2.840.10008.1.1", "");
    check(&data(pdv(answer.len() as u32 + 2, 1, 3, &answer)));
    let endless = data(pdv(16_002, 1, 1, &[0; 16_000]));
    check(&[endless.clone(), endless].concat());
    let store = request(0x0001, MR, "1.2.3");
    let store = data(pdv(store.len() as u32 + 2, 3, 3, &store));
    check(&[store.clone(), store].concat());
    assert_eq!(house.instance_count(), 0);
}

#[test]
fn silence_is_closed_wherever_it_begins() {
    let house = House::with(DoorConfig {
        idle: SHORT,
        request: SHORT,
        ..config()
    });
    for start in [&b""[..], b"\x01", &pdu(0x01, 200, b"half a request")] {
        let mut stream = TcpStream::connect(house.address).unwrap();
        stream.write_all(start).unwrap();
        assert_eq!(rest_of(&stream).first(), Some(&ABORT), "{start:x?}");
    }
    let contexts = [(MR, vec![EXPLICIT])];
    // On a machine that stands still in between it takes too long even to ask; then it is asked again.
    let open = |_| Peer::with(house.address, "TESTPEER", &contexts).ok();
    for start in [&b""[..], b"\x04", &pdu(0x04, 200, b"half")] {
        let mut peer = (0..100).find_map(open).expect("an association");
        let stream = peer.association.inner_stream();
        stream.write_all(start).unwrap();
        assert_eq!(rest_of(stream).first(), Some(&ABORT), "{start:x?}");
    }
}
