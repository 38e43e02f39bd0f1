//! Every hostile and every broken file of the shared test set, by each door of the running program: what is stored is
//! given out as it came, what is not has a reason, and the server goes on with little memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use overread_testkit::disc::{DiscFile, zip_of};
use serde_json::Value;

use crate::doors::{self, Answer, Client, Doors};
use crate::program::{json, run, text};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/dicom");
/// What each door says of each file; the head of it says how to read it.
const EXPECTED: &str = include_str!("hostile.txt");
/// What the server may hold at most: less than the least of the bombs would take.
const PEAK_BYTES: u64 = 256 * 1024 * 1024;

/// Returns the files of both folders by their names, none when the set is not there.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut found = Vec::new();
    for folder in ["broken", "malicious"] {
        below(&Path::new(SHARED).join(folder), &mut found);
    }
    let named = found.iter().map(|path| {
        let name = path.strip_prefix(SHARED).unwrap().to_str().unwrap();
        (name.to_owned(), std::fs::read(path).unwrap())
    });
    named.collect()
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn parsed(answer: &Answer) -> (u16, Value) {
    let (status, body) = answer.as_ref().expect("an answer");
    let body = serde_json::from_slice(body);
    (
        *status,
        body.unwrap_or_else(|error| panic!("{error}: {answer:?}")),
    )
}

/// Returns the failure reason of the only part of a store request, 0 when it is stored, and where it is then.
fn stowed(client: Client, file: &[u8]) -> (u16, Option<String>) {
    let (status, body) = parsed(&client.stow(&[file]));
    let item = |tag: &str| body[tag]["Value"][0].clone();
    if status == 200 || status == 202 {
        let stored = item("00081199");
        let warned = stored["00081196"]["Value"][0].as_u64().unwrap_or(0);
        assert_eq!(status, if warned == 0 { 200 } else { 202 });
        let url = stored["00081190"]["Value"][0].as_str().unwrap();
        let path = url.split_once("/dicom-web/").unwrap().1.to_owned();
        return (warned as u16, Some(path));
    }
    let reasons = [item("00081198"), item("0008119A")];
    let reason = reasons
        .iter()
        .find_map(|item| item["00081197"]["Value"][0].as_u64());
    (reason.expect("a reason") as u16, None)
}

/// Returns how many instances are kept, how many are kept aside, and the kinds of problems; each has words.
fn delivered(client: Client, name: &str, file: &[u8]) -> String {
    let zip = if name.ends_with(".zip") {
        file.to_vec()
    } else {
        zip_of(&[DiscFile::new("IM1", file)], true).unwrap()
    };
    let (status, receipt) = parsed(&client.zip(&zip));
    assert_eq!(status, 200, "{name}: {receipt}");
    let number = |field: &str| receipt[field].as_u64().unwrap();
    let (kept, aside) = (
        number("instances_stored") + number("duplicates"),
        number("kept_aside"),
    );
    let problems = receipt["problems"].as_array().unwrap();
    let words = problems
        .iter()
        .all(|one| one["message"].as_str().unwrap().contains(' '));
    assert!(words, "{name}: {receipt}");
    assert!(
        kept > 0 || !problems.is_empty() || number("other_files") > 0,
        "{name}: {receipt}"
    );
    let mut kinds: Vec<&str> = problems
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    format!("{kept} {aside} {}", kinds.join(","))
}

/// Asks for everything of what was stored: nothing is an error of the server.
fn is_given_out(client: Client, name: &str, path: &str) {
    let asked = [
        ("metadata", "application/dicom+json"),
        (
            "frames/1",
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
        ),
        ("rendered", "image/jpeg"),
        ("thumbnail", "image/jpeg"),
    ];
    for (what, accept) in asked {
        let answer = client.ask(
            &format!("GET /dicom-web/{path}/{what}"),
            &format!("Accept: {accept}\r\n"),
            b"",
        );
        let (status, body) = answer.unwrap_or_else(|| panic!("{name}: no answer for {what}"));
        // Without a frame that can be shown there is none, and nothing is made up.
        let is_told = matches!(status, 200 | 404 | 406) && !body.is_empty();
        assert!(is_told, "{name}: {what} {status} {}", text(&body));
        assert!(what != "metadata" || status == 200, "{name}: {status}");
    }
}

/// Says whether an instance goes out as it came, from this byte on, or at least lies so in the archive: the web never
/// gives out implicit VR and big endian (PS3.18 8.7.3).
fn is_kept(client: Client, data: &Path, path: &str, sent: &[u8], out_from: usize) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let (status, out) = client.instance(parts[1], parts[3], parts[5]).unwrap();
    assert_eq!(status, 200, "{path}");
    let is_same = out.len() >= sent.len() - out_from && out.ends_with(&sent[out_from..]);
    is_same || {
        let mut packs = Vec::new();
        below(&data.join("archive/packs"), &mut packs);
        let lies_in = |pack: &PathBuf| {
            let bytes = std::fs::read(pack).unwrap();
            bytes
                .windows(sent.len() - out_from)
                .any(|part| part == &sent[out_from..])
        };
        packs.iter().any(lies_in)
    }
}

#[test]
fn each_door_says_what_becomes_of_each_file_and_lives_on() {
    let files = files();
    if files.is_empty() {
        eprintln!("skipped: the shared test set is not there ({SHARED})");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = ["stow", "dimse", "zip"].map(|name| folder.path().join(name));
    let opened = data.each_ref().map(|data| Doors::open(data));
    let clients = opened.each_ref().map(Doors::client);
    let mut told = Vec::new();
    for (name, file) in &files {
        let (reason, path) = stowed(clients[0], file);
        let status = doors::store(opened[1].dimse, file);
        let receipt = delivered(clients[2], name, file);
        let is_whole = !name.ends_with(".zip");
        let kept_by = [
            path.is_some(),
            status == Some(0),
            is_whole && !receipt.starts_with('0'),
        ];
        let begin = doors::said(file).begin;
        // Preambles go out empty, and a data set alone gets a head from us.
        let from = [
            if begin == 0 { 0 } else { 128 },
            begin,
            if begin == 0 { 0 } else { 128 },
        ];
        for door in 0..3 {
            if kept_by[door] {
                let path = path.as_ref().expect("what one door takes, all take");
                let is_kept = is_kept(clients[door], &data[door], path, file, from[door]);
                assert!(is_kept, "{name} differs behind door {door}");
                is_given_out(clients[door], name, path);
            }
        }
        let status = status.map_or("-".to_owned(), |status| format!("{status:04X}"));
        told.push(
            format!("{name} {reason:04X} {status} {receipt}")
                .trim_end()
                .to_owned(),
        );
    }
    let expected: Vec<&str> = EXPECTED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(told, expected, "\n{}\n", told.join("\n"));
    for door in opened {
        assert!(
            door.peak_bytes() < PEAK_BYTES,
            "{} bytes",
            door.peak_bytes()
        );
        assert_eq!(door.client().ask("GET /healthz", "", b"").unwrap().0, 200);
    }
    for data in &data {
        let proof = run(&["verify", "--json", "--data", data.to_str().unwrap()]);
        assert_eq!(json(&proof)["ok"], true, "{}", text(&proof.stdout));
    }
}
