//! Images over a plain connection, where the program sends pieces of its packs without reading them.

use std::io::{Read, Write};
use std::net::TcpStream;

use overread_testkit::dicom::InstanceSpec;
use overread_testkit::disc::{DiscFile, zip_of};

use crate::serving::{SECRET, Server};

/// Bytes before the data set that are sent as zeros, whatever the file has there.
const PREAMBLE_BYTES: usize = 128;

/// An image of 2 MiB with no stretch that comes twice.
fn large(instance: u64) -> InstanceSpec {
    let mut state = instance as u32 + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16 & 0x3FF
    };
    let (rows, columns) = (1024, 1024);
    InstanceSpec {
        rows,
        columns,
        pixels: (0..u32::from(rows) * u32::from(columns))
            .map(|_| next())
            .collect(),
        ..InstanceSpec::mr(1, 1, instance)
    }
}

/// Asks on an open connection and reads the answer in small bites, so that it cannot all go out at once.
fn ask(stream: &mut TcpStream, path: &str, headers: &str) -> (String, Vec<u8>) {
    write!(
        stream,
        "GET /dicom-web{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\n{headers}\r\n\r\n"
    )
    .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    for bite in body.chunks_mut(60_000) {
        stream.read_exact(bite).unwrap();
    }
    (head, body)
}

/// Puts the chunks of an answer together (RFC 9112 7.1).
fn whole(answer: &[u8]) -> Vec<u8> {
    let end_of = |text: &[u8], mark: &[u8]| text.windows(mark.len()).position(|at| at == mark);
    let mut rest = &answer[end_of(answer, b"\r\n\r\n").unwrap() + 4..];
    let mut out = Vec::new();
    loop {
        let end = end_of(rest, b"\r\n").unwrap();
        let length = std::str::from_utf8(&rest[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return out;
        }
        out.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 2 + length + 2..];
    }
}

#[test]
fn what_is_sent_out_of_a_file_is_what_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    std::fs::write(&token, SECRET).unwrap();
    let server = Server::start(&data, &["--bootstrap-token", token.to_str().unwrap()]);
    let specs = [large(1), large(2), InstanceSpec::mr(1, 1, 3)];
    let files: Vec<Vec<u8>> = specs.iter().map(|spec| spec.part10().unwrap()).collect();
    let disc: Vec<DiscFile> = files
        .iter()
        .enumerate()
        .map(|(index, bytes)| DiscFile::new(format!("IM{index}"), bytes.clone()))
        .collect();
    let head = format!(
        "POST /api/deliveries HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/zip"
    );
    assert_eq!(server.ask(&head, &zip_of(&disc, true).unwrap()).0, 200);

    let mut stream = TcpStream::connect(server.address()).unwrap();
    // Twice: what was just written is opened by the first who reads it.
    for _ in 0..2 {
        for (spec, file) in specs.iter().zip(&files) {
            let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
            let path = format!(
                "/studies/{study}/series/{series}/instances/{}",
                spec.sop_instance_uid
            );
            let single = "Accept: application/dicom; transfer-syntax=*";
            let (_, whole) = ask(&mut stream, &path, single);
            assert_eq!(whole.len(), file.len());
            assert!(whole[PREAMBLE_BYTES..] == file[PREAMBLE_BYTES..]);

            let (from, to) = (file.len() / 3, file.len() - 2);
            let range = format!("{single}\r\nRange: bytes={from}-{to}");
            let (head, part) = ask(&mut stream, &path, &range);
            assert!(head.starts_with("http/1.1 206"), "{head}");
            assert!(part == file[from..=to]);

            let pixels: Vec<u8> = spec
                .pixels
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            let octets = "Accept: multipart/related; type=\"application/octet-stream\"";
            let (_, frame) = ask(&mut stream, &format!("{path}/frames/1"), octets);
            let start = frame.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
            assert!(frame[start..].starts_with(&pixels));
            let alone = "Accept: application/octet-stream";
            let (_, frame) = ask(&mut stream, &format!("{path}/frames/1"), alone);
            assert!(frame == pixels);
        }
    }

    let study = &specs[0].study_instance_uid;
    let head = format!(
        "GET /dicom-web/studies/{study} HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\n\
         Accept: multipart/related; type=\"application/dicom\""
    );
    let all = whole(&server.bytes(&head, b""));
    for file in &files {
        let rest = &file[PREAMBLE_BYTES..];
        let found = all.windows(rest.len()).any(|at| at == rest);
        assert!(found, "an instance of the study is not as it was stored");
    }
}
