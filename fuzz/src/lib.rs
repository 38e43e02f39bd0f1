//! What must hold for any bytes at all. A panic here is a bug there.

use std::collections::HashMap;
use std::io::Cursor;

use overread_concordance::Span;
use overread_dicom::media::{Found, WalkLimits, walk};
use overread_dicom::{
    FrameTable, ParseLimits, Parsed, data_set_of_json, data_set_to_json, dicomdir, frames, parse_instance, parse_reader,
    part10_of_json, sniff, syntax, to_explicit_little_endian, value_of, xml,
};
use serde_json::Value;

// Folders, so that the modules find what stands below them.
#[path = "../../crates/overread-dicomweb/src"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "only the reader is exercised")]
mod web {
    pub(crate) mod incoming;
    pub(crate) mod quoted;
}
#[path = "../../crates/overread-dimse/src"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "only what reads is exercised")]
mod door {
    pub(crate) mod ae_title;
    pub(crate) mod callers;
    pub(crate) mod command;
    pub(crate) mod link;
    pub(crate) mod negotiation;
    pub(crate) mod service;
    pub(crate) mod wire;
}
use door::{ae_title, callers, command, link, negotiation, service, wire};
use web::{incoming, quoted};
mod limits {
    pub use super::{door_limits::*, picture_limits::*, web_limits::*};
}
#[path = "../../crates/overread-dicomweb/src/limits.rs"]
#[allow(dead_code, unreachable_pub, reason = "only the reader's limits are used")]
mod web_limits;
#[path = "../../crates/overread-dimse/src/limits.rs"]
#[allow(dead_code, unreachable_pub, reason = "only the wire's limits are used")]
mod door_limits;
#[path = "../../crates/overread-pixels/src/limits.rs"]
#[allow(dead_code, unreachable_pub, reason = "only what reads pictures is exercised")]
mod picture_limits;
#[path = "../../crates/overread-pixels/src/error.rs"]
#[allow(dead_code, reason = "only what reads pictures is exercised")]
mod error;
#[path = "../../crates/overread-pixels/src/reading.rs"]
mod reading;
mod picture;
mod peer;
mod stream;
use error::PixelError;
pub use peer::{peer, seeds as peer_seeds};
pub use picture::{picture, seeds as picture_seeds};

use ae_title::AeTitle;

/// Stands for where a caller listens; nobody is called here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub(crate) ae_title: AeTitle,
}

/// Small limits, so that a run finds what passes them.
fn limits_of_parse() -> ParseLimits {
    ParseLimits {
        elements: 20_000,
        metadata_bytes: 4 << 20,
        inflated_bytes: 4 << 20,
        ..ParseLimits::default()
    }
}

/// Part 10 files, and everything that is done with them later.
pub fn instance(data: &[u8]) {
    let limits = limits_of_parse();
    let _kind = sniff(data);
    let parsed = parse_instance(data, &limits);
    let read = parse_reader(Cursor::new(data), data.len() as u64, &limits);
    assert_eq!(parsed, read, "memory and file must agree");
    let Ok(Parsed::Instance(instance)) = parsed else {
        return;
    };
    let text = std::str::from_utf8(&instance.metadata_json).expect("metadata are UTF-8");
    assert!(text.starts_with('{') && text.ends_with('}'));
    assert!(!text.contains("NaN") || text.contains('"'));
    let table = FrameTable::from_bytes(&instance.frames.to_bytes()).expect("tables survive");
    assert_eq!(table, instance.frames);
    for index in 0..table.frame_count().min(16) {
        let _frame = frames::extract(data, &table, index, &limits);
        for bits_allocated in [1, 8, 32, 64] {
            let Some(words) = frames::Words::of(&table, index, bits_allocated) else {
                continue;
            };
            let frame = words.cut(data);
            assert!(frame.len() as u64 <= words.range.length_bytes);
        }
    }
    let _pixels = value_of(data, "7FE00010", &limits);
    if let Ok(written) = to_explicit_little_endian(data, &limits) {
        let again = parse_instance(&written, &limits);
        if let Ok(Parsed::Instance(again)) = again {
            assert_eq!(again.facts.sop_instance_uid, instance.facts.sop_instance_uid);
        }
    }
}

/// A disc: files by the input's own names, and a DICOMDIR that may name anything.
pub fn medium(data: &[u8]) {
    let limits = limits_of_parse();
    let folder = tempfile::tempdir().expect("a folder");
    for (index, content) in data.split(|byte| *byte == 0xFF).take(8).enumerate() {
        let name = format!("F{index}");
        std::fs::write(folder.path().join(name), content).expect("a file");
    }
    let depth = usize::from(data.first().copied().unwrap_or(0) % 40);
    let deep: std::path::PathBuf = std::iter::repeat_n("D", depth).collect();
    std::fs::create_dir_all(folder.path().join(deep)).expect("folders");
    let mut names = Vec::new();
    for found in walk(folder.path(), WalkLimits::default()) {
        match found {
            Found::File(file) => names.push(file.name),
            Found::Problem(problem) => assert!(!problem.message.is_empty()),
        }
    }
    let mut directory = vec![0; 128];
    directory.extend_from_slice(b"DICM\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0");
    directory.extend_from_slice(b"\x04\0\x20\x12SQ\0\0\xff\xff\xff\xff");
    directory.extend_from_slice(data);
    if let Ok(Parsed::Dicomdir(parsed)) = parse_instance(&directory, &limits) {
        for record in &parsed.records {
            if let Some(path) = record.path() {
                assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
            }
        }
        let _missing = dicomdir::missing_files(&parsed, "DICOMDIR", names.iter().map(String::as_str));
    }
}

/// A whole DICOMDIR: its records lead nowhere outside, and what is missing is named once a record at most.
pub fn directory(data: &[u8]) {
    let limits = limits_of_parse();
    let parsed = parse_instance(data, &limits);
    assert_eq!(parsed, parse_reader(Cursor::new(data), data.len() as u64, &limits), "memory and file must agree");
    let Ok(Parsed::Dicomdir(directory)) = parsed else {
        return;
    };
    assert!(directory.records.len() <= limits.elements);
    for record in &directory.records {
        if let Some(path) = record.path() {
            assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
        }
    }
    let some = ["DICOMDIR", "77654033/CR1/6154", "IMAGES/IM1"];
    let missing = dicomdir::missing_files(&directory, "DICOMDIR", some.into_iter());
    assert!(missing.len() <= directory.records.len() + 1, "more is missing than is named");
    assert!(missing.iter().all(|problem| !problem.message.is_empty()));
}

/// Metadata in JSON or XML: what is made of them is read back, and says the same in the other form.
pub fn model(data: &[u8]) {
    let limits = limits_of_parse();
    let object = match serde_json::from_slice::<Value>(data) {
        Ok(object) => object,
        Err(_) => match xml::read(data, &limits) {
            Ok(object) => object,
            Err(_) => return,
        },
    };
    if let Ok(file) = part10_of_json(&object, &HashMap::new(), &limits) {
        // Refused for what it lacks, but never for how it is written.
        if let Err(problem) = parse_instance(&file, &limits) {
            let is_cut = problem.kind == overread_model::problem::ProblemKind::Truncated;
            assert!(!is_cut || object.as_object().is_none_or(|members| members.len() < 2), "{problem:?}");
        }
    }
    let Some(members) = object.as_object() else {
        return;
    };
    let written = xml::write(&object);
    let _again = xml::read(&written, &limits);
    for (is_explicit, uid) in [(true, syntax::EXPLICIT_VR_LITTLE_ENDIAN), (false, syntax::IMPLICIT_VR_LITTLE_ENDIAN)] {
        let bytes = data_set_of_json(members, is_explicit);
        if let Ok(json) = data_set_to_json(&bytes, uid, &limits) {
            serde_json::from_slice::<Value>(&json).expect("what is written as JSON is JSON");
        }
    }
}

/// Returns what a file of the seed folder is as input of `model`: its metadata in both forms.
pub fn models_of(file: &[u8]) -> Vec<Vec<u8>> {
    let Ok(Parsed::Instance(instance)) = parse_instance(file, &ParseLimits::default()) else {
        return Vec::new();
    };
    let object = serde_json::from_slice::<Value>(&instance.metadata_json).expect("metadata are JSON");
    vec![instance.metadata_json, xml::write(&object)]
}

/// Multipart bodies, in one piece and in small ones: both must say the same.
pub fn multipart(data: &[u8]) {
    let (chunk, body) = data.split_first().map_or((1, data), |(first, rest)| (usize::from(*first).max(1), rest));
    if let Ok(text) = std::str::from_utf8(body) {
        let _type = incoming::ContentType::parse(text);
    }
    let framed = [b"--b\r\n\r\n".as_slice(), body].concat();
    for body in [body, &framed] {
        assert_eq!(taken_apart(body, chunk), taken_apart(body, body.len().max(1)));
    }
}

/// Two reports, the input's halves: every quote stands in its report, and the same texts give the same answer.
pub fn report(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let middle = text.floor_char_boundary(text.len() / 2);
    let (original, second) = text.split_at(middle);
    let found = overread_concordance::compare("", original, second);
    for item in &found.items {
        for (report, spans) in [(original, &item.original), (second, &item.second)] {
            for span in spans.iter().flatten() {
                stands_in(report, span);
            }
        }
    }
    assert_eq!(found, overread_concordance::compare("", original, second));
    for statement in overread_concordance::statements(&text) {
        stands_in(&text, &statement.span);
    }
    let _line = overread_concordance::jsonl::compare_line(&text);
    let _line = overread_concordance::jsonl::statements_line(&text);
}

fn stands_in(report: &str, span: &Span) {
    let quoted = report.chars().skip(span.start).take(span.end - span.start);
    assert!(quoted.eq(span.text.chars()), "a quote that does not stand at its place");
}

fn taken_apart(body: &[u8], chunk_bytes: usize) -> Result<Vec<Vec<u8>>, ()> {
    let mut reader = incoming::PartReader::new("b");
    let mut chunks = body.chunks(chunk_bytes);
    let mut parts: Vec<Vec<u8>> = Vec::new();
    loop {
        match reader.next_event().map_err(|_| ())? {
            incoming::Event::Part(_) => parts.push(Vec::new()),
            incoming::Event::Data(bytes) => parts.last_mut().expect("a part").extend_from_slice(&bytes),
            incoming::Event::PartEnd => {}
            incoming::Event::End => return Ok(parts),
            incoming::Event::More => match chunks.next() {
                Some(chunk) => reader.push(bytes::Bytes::copy_from_slice(chunk)),
                None => return reader.finish().map(|()| parts).map_err(|_| ()),
            },
        }
    }
}
