//! Every numbered check of the standard's DICOMweb chapters has a test that carries its number in its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// Checks without a test of their own, and why.
const ELSEWHERE: &[(&str, &str)] = &[("U1", "storage commitment goes by DIMSE")];

/// Returns the numbers in the names of the tests of a folder, with the names.
fn numbered(folder: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            numbered(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            of_file(&std::fs::read_to_string(&path).unwrap(), found);
        }
    }
}

fn of_file(text: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = line
            .trim_start_matches("async ")
            .strip_prefix("fn ")
            .filter(|_| is_test)
        {
            is_test = false;
            let name = rest.split('(').next().unwrap();
            for piece in name.split('_') {
                let (letter, number) = piece.split_at(piece.len().min(1));
                if "gqwsju".contains(letter) && number.parse::<u8>().is_ok() {
                    found
                        .entry(piece.to_uppercase())
                        .or_default()
                        .insert(name.to_owned());
                }
            }
        }
    }
}

#[test]
fn every_check_has_a_test() {
    let checks: Value = serde_json::from_str(include_str!("vectors/checks.json")).unwrap();
    let ids: BTreeSet<&str> = checks["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 74);
    let mut found = BTreeMap::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for folder in [
        "overread-dicomweb/src",
        "overread-dicomweb/tests",
        "overread-dicom/tests",
    ] {
        numbered(&crates.join(folder), &mut found);
    }
    let missing: Vec<&str> = ids
        .iter()
        .copied()
        .filter(|id| !found.contains_key(*id) && !ELSEWHERE.iter().any(|(known, _)| known == id))
        .collect();
    assert_eq!(missing, [""; 0], "these checks have no test");
    let unknown = ELSEWHERE.iter().find(|(id, _)| !ids.contains(id));
    assert!(unknown.is_none(), "no such check: {unknown:?}");
    let tested = ELSEWHERE.iter().find(|(id, _)| found.contains_key(*id));
    assert!(tested.is_none(), "this has a test: {tested:?}");
}

#[test]
fn names_are_read_as_they_are_written() {
    let mut found = BTreeMap::new();
    let text = "#[test]\nfn one_q1_and_w12() {}\nfn helper_q2() {}\n #[tokio::test]\n async fn two_q3(a: u8) {}";
    of_file(text, &mut found);
    let ids: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(ids, ["Q1", "Q3", "W12"]);
}
