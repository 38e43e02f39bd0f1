//! Every file of the shared set, where it is at hand: parses or fails as its manifest says.

use std::path::PathBuf;

use overread_dicom::media::{Found, WalkLimits, walk};
use overread_dicom::{
    ContentKind, FrameTable, ParseLimits, Parsed, frames, parse_instance, parse_reader, sniff,
};
use overread_model::problem::ProblemKind;
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/dicom"
    ));
    if path.join("MANIFEST.json").is_file() {
        return Some(path);
    }
    eprintln!("skipped: the shared DICOM files are not beside the project");
    None
}

fn manifest(root: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read(root.join("MANIFEST.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    manifest["files"].as_array().unwrap().clone()
}

fn parse(bytes: &[u8]) -> Result<Parsed, overread_dicom::DicomProblem> {
    let limits = ParseLimits::default();
    let parsed = parse_instance(bytes, &limits);
    let read = parse_reader(std::io::Cursor::new(bytes), bytes.len() as u64, &limits);
    assert_eq!(parsed, read, "both doors must agree");
    parsed
}

fn compare(entry: &Value, bytes: &[u8], failures: &mut Vec<String>) {
    let path = entry["path"].as_str().unwrap();
    // Read here and not by the manifest's reader, which gave up on a private sequence.
    let is_read_better = [
        "spine/GH1339.dcm",
        "broken/emri_small_jpeg_2k_lossless_too_short.dcm",
    ];
    // Identifiers that follow no rule of the standard: letters, leading zeros.
    let is_misnamed = [
        "broken/bad_sequence.dcm",
        "projection/CR-ModalitySequenceLUT.dcm",
    ];
    let named = is_read_better.contains(&path)
        || entry["SOPInstanceUID"].is_string()
            && entry["StudyInstanceUID"].is_string()
            && entry["SeriesInstanceUID"].is_string()
            && entry["SOPClassUID"].is_string();
    let instance = match parse(bytes) {
        Ok(Parsed::Instance(instance)) => *instance,
        Ok(Parsed::Dicomdir(_)) => return failures.push(format!("{path}: taken for a directory")),
        Err(problem) if is_misnamed.contains(&path) => {
            return assert_eq!(problem.kind, ProblemKind::BadUid);
        }
        Err(problem) if named => return failures.push(format!("{path}: {problem}")),
        Err(_) => return,
    };
    if !named {
        return failures.push(format!("{path}: kept without usable identifiers"));
    }
    let facts = &instance.facts;
    compare_facts(entry, facts, failures);
    let json: Value = serde_json::from_slice(&instance.metadata_json).unwrap();
    assert_eq!(
        json["00080018"]["Value"][0],
        facts.sop_instance_uid.as_str(),
        "{path}"
    );
    compare_frames(entry, bytes, &instance, failures);
    if let Some(name) = entry["expect_patient_name"].as_str() {
        let got = facts
            .study
            .patient_name
            .as_ref()
            .map(|name| name.reveal().as_str());
        assert_eq!(got, Some(name), "{path}");
    }
}

fn compare_frames(
    entry: &Value,
    bytes: &[u8],
    instance: &overread_dicom::ParsedInstance,
    failures: &mut Vec<String>,
) {
    let path = entry["path"].as_str().unwrap();
    let facts = &instance.facts;
    if entry["pixels"]["status"] == "agree" {
        let frames = entry["pixels"]["decoded_frames"].as_u64().unwrap();
        if u64::from(instance.frames.frame_count()) != frames {
            failures.push(format!(
                "{path}: {} frames, not {frames}",
                instance.frames.frame_count()
            ));
        }
        if facts.quality.pixel_data_short {
            failures.push(format!("{path}: said to be short"));
        }
        let limits = ParseLimits::default();
        for index in 0..instance.frames.frame_count() {
            frames::extract(bytes, &instance.frames, index, &limits).unwrap();
        }
    }
}

/// Compares identifiers and size with the manifest.
fn compare_facts(
    entry: &Value,
    facts: &overread_model::imaging::InstanceFacts,
    failures: &mut Vec<String>,
) {
    let path = entry["path"].as_str().unwrap();
    let mut same = |what: &str, got: Option<String>, key: &str| {
        let expect = match &entry[key] {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        if expect.is_some() && got != expect {
            failures.push(format!("{path}: {what} is {got:?}, not {expect:?}"));
        }
    };
    same(
        "instance",
        Some(facts.sop_instance_uid.to_string()),
        "SOPInstanceUID",
    );
    same(
        "study",
        Some(facts.study.study_instance_uid.to_string()),
        "StudyInstanceUID",
    );
    same(
        "series",
        Some(facts.series.series_instance_uid.to_string()),
        "SeriesInstanceUID",
    );
    same(
        "class",
        Some(facts.sop_class_uid.to_string()),
        "SOPClassUID",
    );
    same("modality", Some(facts.series.modality.clone()), "Modality");
    same("rows", facts.rows.map(|number| number.to_string()), "Rows");
    same(
        "columns",
        facts.columns.map(|number| number.to_string()),
        "Columns",
    );
    if entry["NumberOfFrames"].as_str() != Some("1A") {
        same(
            "frames",
            Some(facts.number_of_frames.to_string()),
            "NumberOfFrames",
        );
    }
}

#[test]
fn every_file_does_as_its_manifest_says() {
    let Some(root) = shared() else { return };
    let mut failures = Vec::new();
    let mut seen = 0;
    for entry in manifest(&root) {
        let path = entry["path"].as_str().unwrap();
        let bytes = std::fs::read(root.join(path)).unwrap();
        seen += 1;
        match entry["kind"].as_str().unwrap() {
            "dicom" => compare(&entry, &bytes, &mut failures),
            "dicomdir" => match parse(&bytes) {
                Ok(Parsed::Dicomdir(directory)) => {
                    let expect = entry["directory_records"].as_u64();
                    if expect.is_some_and(|expect| expect != directory.records.len() as u64) {
                        failures.push(format!(
                            "{path}: {} records, not {expect:?}",
                            directory.records.len()
                        ));
                    }
                }
                other => failures.push(format!("{path}: {:?}", other.map(|_| "instance"))),
            },
            "other" => {
                if matches!(
                    sniff(&bytes[..bytes.len().min(1024)]),
                    ContentKind::Part10 | ContentKind::NoPreamble
                ) {
                    failures.push(format!("{path}: taken for DICOM"));
                }
            }
            _ => {
                let _any = parse(&bytes);
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{seen} files:\n{}",
        failures.join("\n")
    );
    assert_eq!(seen, 411);
}

fn malicious(name: &str) -> Option<Result<Parsed, ProblemKind>> {
    let path = shared()?.join("malicious").join(name);
    Some(parse(&std::fs::read(path).unwrap()).map_err(|problem| problem.kind))
}

fn kept(name: &str) -> Option<overread_dicom::ParsedInstance> {
    match malicious(name)? {
        Ok(Parsed::Instance(instance)) => Some(*instance),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn hostile_files_are_refused_or_told() {
    for name in [
        "uid-empty.dcm",
        "uid-lead0.dcm",
        "uid-long.dcm",
        "uid-path.dcm",
        "uid-sql.dcm",
    ] {
        let Some(got) = malicious(name) else { return };
        assert_eq!(got.map(|_| ()), Err(ProblemKind::BadUid), "{name}");
    }
    for name in ["deflated-bomb.dcm", "sequence-deep.dcm"] {
        let Some(got) = malicious(name) else { return };
        assert_eq!(got.map(|_| ()), Err(ProblemKind::LimitExceeded), "{name}");
    }
    let Some(instance) = kept("dims-bad.dcm") else {
        return;
    };
    assert_eq!(
        (instance.frames, instance.problems.len()),
        (FrameTable::None, 1)
    );
    for name in ["frames-huge.dcm", "length-huge.dcm"] {
        let Some(instance) = kept(name) else { return };
        assert!(instance.facts.quality.pixel_data_short, "{name}");
        assert!(!instance.problems.is_empty(), "{name}");
    }
    for name in [
        "bits-bad.dcm",
        "duplicate-uid-1.dcm",
        "encapsulated-pdf-javascript.dcm",
        "patientname-crlf.dcm",
        "patientname-csv.dcm",
        "patientname-rtl.dcm",
        "patientname-xss.dcm",
        "preamble-html-polyglot.dcm",
        "preamble-pe-polyglot.dcm",
        "rle-bad-offset.dcm",
        "j2k-siz-huge.dcm",
        "jpeg-dims-mismatch.dcm",
    ] {
        let Some(_kept) = kept(name) else { return };
    }
}

#[test]
fn directories_neither_loop_nor_climb() {
    for (name, outside) in [
        ("dicomdir-loop/DICOMDIR", false),
        ("dicomdir-traversal/DICOMDIR", true),
    ] {
        match malicious(name) {
            None => return,
            Some(Ok(Parsed::Dicomdir(directory))) => {
                assert!(!directory.records.is_empty());
                let climbs = directory
                    .records
                    .iter()
                    .any(|record| !record.referenced_file_id.is_empty() && record.path().is_none());
                assert_eq!(climbs, outside, "{name}");
            }
            Some(other) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_patient_disc_is_walked_by_content() {
    let Some(root) = shared() else { return };
    let mut dicom = 0;
    let mut files = Vec::new();
    let mut directory = None;
    for found in walk(&root.join("patient-cd-a/CD"), WalkLimits::default()) {
        let Found::File(file) = found else {
            panic!("{found:?}")
        };
        if file.kind == ContentKind::Part10 {
            match parse(&std::fs::read(&file.path).unwrap()).unwrap() {
                Parsed::Instance(_) => dicom += 1,
                Parsed::Dicomdir(found) => directory = Some((file.name.clone(), found)),
            }
        }
        files.push(file);
    }
    assert_eq!((files.len(), dicom), (39, 24));
    let (name, directory) = directory.unwrap();
    let missing = overread_dicom::dicomdir::missing_files(
        &directory,
        &name,
        files.iter().map(|file| file.name.as_str()),
    );
    assert_eq!(missing, []);
    assert!(files.windows(2).all(|pair| pair[0].name < pair[1].name
        || pair[0].name.contains('/') != pair[1].name.contains('/')));
}

#[test]
fn one_image_in_every_encoding_has_one_frame() {
    let Some(root) = shared() else { return };
    for found in walk(
        &root.join("transfer-syntax/ct-chest-one-image-15-syntaxes"),
        WalkLimits::default(),
    ) {
        let Found::File(file) = found else {
            panic!("{found:?}")
        };
        let bytes = std::fs::read(&file.path).unwrap();
        let Parsed::Instance(instance) = parse(&bytes).unwrap() else {
            panic!("{}", file.name)
        };
        assert_eq!(instance.frames.frame_count(), 1, "{}", file.name);
        let table = FrameTable::from_bytes(&instance.frames.to_bytes()).unwrap();
        let limits = ParseLimits::default();
        assert!(
            !frames::extract(&bytes, &table, 0, &limits)
                .unwrap()
                .is_empty()
        );
        let explicit = overread_dicom::to_explicit_little_endian(&bytes, &limits).unwrap();
        let Parsed::Instance(again) = parse(&explicit).unwrap() else {
            panic!("{}", file.name)
        };
        assert_eq!(again.facts.series, instance.facts.series, "{}", file.name);
        assert_eq!(again.frames.frame_count(), 1, "{}", file.name);
    }
}

/// Writes stored values as the manifest hashes them: shifted, masked and sign-extended into their cell.
fn normalised(frame: &[u8], entry: &Value) -> Vec<u8> {
    let number = |key: &str| entry[key].as_u64().unwrap() as u32;
    let (bytes, stored, high) = (
        number("BitsAllocated") / 8,
        number("BitsStored"),
        number("HighBit"),
    );
    let is_signed = number("PixelRepresentation") == 1;
    let mut out = Vec::with_capacity(frame.len());
    for cell in frame.chunks_exact(bytes as usize) {
        let raw = cell
            .iter()
            .rev()
            .fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        let mask = ((1_u64 << stored) - 1) as u32;
        let mut value = (raw >> (high + 1 - stored)) & mask;
        if is_signed && value >> (stored - 1) == 1 {
            value |= !mask;
        }
        out.extend_from_slice(&value.to_le_bytes()[..bytes as usize]);
    }
    out
}

#[test]
fn native_pixels_are_what_two_decoders_saw() {
    use sha2::Digest;
    let Some(root) = shared() else { return };
    let mut compared = 0;
    for entry in manifest(&root) {
        let path = entry["path"].as_str().unwrap();
        let is_plain = entry["pixels"]["status"] == "agree"
            && entry["SamplesPerPixel"] == 1
            && matches!(entry["BitsAllocated"].as_u64(), Some(8 | 16))
            && entry["kind"] == "dicom";
        let bytes = std::fs::read(root.join(path)).unwrap();
        let Ok(Parsed::Instance(instance)) = parse(&bytes) else {
            continue;
        };
        if !is_plain || instance.frames.is_encapsulated() {
            continue;
        }
        let mut frame = frames::extract(&bytes, &instance.frames, 0, &ParseLimits::default())
            .unwrap()
            .into_owned();
        if instance.facts.transfer_syntax_uid.as_str() == "1.2.840.10008.1.2.2" {
            let bits_allocated = instance.facts.quality.bits_allocated.unwrap();
            let words = frames::Words::of(&instance.frames, 0, bits_allocated).unwrap();
            frame = words.cut(&bytes);
        }
        let digest = sha2::Sha256::digest(normalised(&frame, &entry));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            entry["pixels"]["sha256_first_frame"],
            hex.as_str(),
            "{path}"
        );
        compared += 1;
    }
    assert!(compared > 100, "only {compared} files were compared");
}
