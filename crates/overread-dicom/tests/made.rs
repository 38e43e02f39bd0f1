//! Instances made by hand, byte by byte.

use overread_dicom::{
    FrameTable, ParseLimits, Parsed, ParsedInstance, parse_instance, parse_reader,
};
use overread_model::problem::ProblemKind;

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

pub(crate) fn element(tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&((tag >> 16) as u16).to_le_bytes());
    out.extend_from_slice(&(tag as u16).to_le_bytes());
    out.extend_from_slice(vr.as_bytes());
    let padded = value.len() + value.len() % 2;
    if matches!(vr, "OB" | "OW" | "SQ" | "UN" | "UT") {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(padded as u32).to_le_bytes());
    } else {
        out.extend_from_slice(&(padded as u16).to_le_bytes());
    }
    out.extend_from_slice(value);
    if padded > value.len() {
        out.push(if vr == "UI" || vr == "OB" { 0 } else { b' ' });
    }
    out
}

pub(crate) fn part10(transfer_syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    out.extend(element(0x0002_0010, "UI", transfer_syntax.as_bytes()));
    out.extend_from_slice(data_set);
    out
}

pub(crate) fn identified() -> Vec<u8> {
    [
        element(0x0008_0016, "UI", b"1.2.840.10008.5.1.4.1.1.2"),
        element(0x0008_0018, "UI", b"1.2.3.4"),
        element(0x0008_0060, "CS", b"CT"),
        element(0x0020_000D, "UI", b"1.2.3"),
        element(0x0020_000E, "UI", b"1.2.3.1"),
    ]
    .concat()
}

fn image(frames: &str, rows: u16, columns: u16, bits: u16) -> Vec<u8> {
    [
        identified(),
        element(0x0028_0002, "US", &1_u16.to_le_bytes()),
        element(0x0028_0008, "IS", frames.as_bytes()),
        element(0x0028_0010, "US", &rows.to_le_bytes()),
        element(0x0028_0011, "US", &columns.to_le_bytes()),
        element(0x0028_0100, "US", &bits.to_le_bytes()),
    ]
    .concat()
}

fn item(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
    out
}

fn encapsulated(items: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![
        0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
    ];
    for bytes in items {
        out.extend(item(bytes));
    }
    out.extend_from_slice(&[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    out
}

pub(crate) fn instance(bytes: &[u8]) -> ParsedInstance {
    let limits = ParseLimits::default();
    let from_memory = parse_instance(bytes, &limits);
    let from_file = parse_reader(std::io::Cursor::new(bytes), bytes.len() as u64, &limits);
    assert_eq!(from_memory, from_file, "both doors must agree");
    match from_memory.unwrap() {
        Parsed::Instance(instance) => *instance,
        Parsed::Dicomdir(_) => panic!("not a directory"),
    }
}

fn refusal(bytes: &[u8]) -> ProblemKind {
    parse_instance(bytes, &ParseLimits::default())
        .unwrap_err()
        .kind
}

fn fragments_a_frame(frames: &str, items: &[&[u8]]) -> Vec<usize> {
    let data_set = [image(frames, 2, 2, 8), encapsulated(items)].concat();
    match instance(&part10("1.2.840.10008.1.2.4.50", &data_set)).frames {
        FrameTable::Fragments(frames) => frames.iter().map(Vec::len).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn fragments_become_frames() {
    let jpeg: &[u8] = b"\xff\xd8\xff\xe0";
    let rest: &[u8] = b"\x01\x02";
    // One frame may have any number of fragments.
    assert_eq!(fragments_a_frame("1", &[b"", jpeg, rest, rest]), [3]);
    // One fragment a frame.
    assert_eq!(fragments_a_frame("2", &[b"", rest, rest]), [1, 1]);
    // The Basic Offset Table groups them.
    let table = [0_u32.to_le_bytes(), 22_u32.to_le_bytes()].concat();
    assert_eq!(fragments_a_frame("2", &[&table, jpeg, rest, rest]), [2, 1]);
    // Without a usable table the codestreams' first bytes do.
    assert_eq!(
        fragments_a_frame("2", &[b"", jpeg, rest, jpeg, rest]),
        [2, 2]
    );
    let wrong = [0_u32.to_le_bytes(), 21_u32.to_le_bytes()].concat();
    assert_eq!(fragments_a_frame("2", &[&wrong, jpeg, rest, jpeg]), [2, 1]);
}

#[test]
fn too_few_fragments_are_told() {
    let data_set = [image("3", 2, 2, 8), encapsulated(&[b"", b"\x01\x02"])].concat();
    let parsed = instance(&part10("1.2.840.10008.1.2.5", &data_set));
    assert!(parsed.facts.quality.pixel_data_short);
    assert_eq!(parsed.frames.frame_count(), 1);
    assert_eq!(parsed.problems[0].kind, ProblemKind::BadPixelData);
}

#[test]
fn extended_offset_table_is_used() {
    let offsets = [0_u64.to_le_bytes(), 22_u64.to_le_bytes()].concat();
    let mut table = element(0x7FE0_0001, "OB", &offsets);
    table[5] = b'V';
    let pixels = encapsulated(&[b"", b"\x01\x02\x03\x04", b"\x05\x06", b"\x07\x08"]);
    let data_set = [image("2", 2, 2, 8), table, pixels].concat();
    match instance(&part10("1.2.840.10008.1.2.4.90", &data_set)).frames {
        FrameTable::Fragments(frames) => {
            assert_eq!(frames.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1])
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn native_frames_follow_each_other() {
    let data_set = [image("2", 2, 3, 16), element(0x7FE0_0010, "OW", &[7; 24])].concat();
    let bytes = part10(EXPLICIT, &data_set);
    let parsed = instance(&bytes);
    let expect = FrameTable::Native {
        first_offset_bytes: bytes.len() as u64 - 24,
        frame_bytes: 12,
        count: 2,
    };
    assert_eq!(parsed.frames, expect);
    assert!(!parsed.facts.quality.pixel_data_short);
    assert!(parsed.problems.is_empty());
}

#[test]
fn single_bits_are_packed() {
    let data_set = [image("3", 3, 3, 1), element(0x7FE0_0010, "OB", &[0xFF; 4])].concat();
    let parsed = instance(&part10(EXPLICIT, &data_set));
    assert!(matches!(
        parsed.frames,
        FrameTable::NativeBits {
            frame_bits: 9,
            count: 3,
            ..
        }
    ));
}

#[test]
fn a_length_is_never_believed() {
    let mut data_set = image("4000000000", 60_000, 60_000, 16);
    data_set.extend_from_slice(&[
        0xE0, 0x7F, 0x10, 0, b'O', b'W', 0, 0, 0xF0, 0xFF, 0xFF, 0xFF, 1, 2,
    ]);
    let parsed = instance(&part10(EXPLICIT, &data_set));
    assert!(parsed.facts.quality.pixel_data_short);
    assert_eq!(parsed.frames, FrameTable::None);
    assert_eq!(parsed.problems[0].kind, ProblemKind::Truncated);
}

#[test]
fn uncompressed_pixels_under_a_compressed_syntax_are_seen() {
    let data_set = [image("1", 2, 2, 16), element(0x7FE0_0010, "OW", &[7; 8])].concat();
    let parsed = instance(&part10("1.2.840.10008.1.2.4.80", &data_set));
    assert_eq!(parsed.facts.transfer_syntax_uid.as_str(), EXPLICIT);
    assert_eq!(parsed.frames.frame_count(), 1);
}

#[test]
fn what_is_no_instance_is_refused_in_kind() {
    assert_eq!(refusal(b""), ProblemKind::NotDicom);
    assert_eq!(
        refusal(b"hello world, this is a text"),
        ProblemKind::NotDicom
    );
    assert_eq!(refusal(&part10(EXPLICIT, b"")), ProblemKind::Truncated);
    let without_study = element(0x0008_0018, "UI", b"1.2.3.4");
    assert_eq!(
        refusal(&part10(EXPLICIT, &without_study)),
        ProblemKind::BadUid
    );
}

#[test]
fn deep_nesting_is_refused() {
    let mut data_set = identified();
    for _ in 0..20_000 {
        data_set.extend_from_slice(&[
            0x40, 0, 0x30, 0xA7, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        ]);
        data_set.extend_from_slice(&[0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    assert_eq!(
        refusal(&part10(EXPLICIT, &data_set)),
        ProblemKind::LimitExceeded
    );
}

#[test]
fn a_deflated_bomb_is_refused() {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(&identified()).unwrap();
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bytes = part10("1.2.840.10008.1.2.1.99", &encoder.finish().unwrap());
    assert_eq!(refusal(&bytes), ProblemKind::LimitExceeded);
}

#[test]
fn anything_becomes_explicit_little_endian() {
    let code = [
        element(0x0008_0100, "SH", b"X1"),
        element(0x0008_0104, "LO", b"Knee"),
    ]
    .concat();
    let sequence = element(0x0008_2218, "SQ", &item(&code));
    let data_set = [
        element(0x0008_0018, "UI", b"1.2.3.4"),
        sequence,
        element(0x0020_000D, "UI", b"1.2.3"),
        element(0x0020_000E, "UI", b"1.2.3.1"),
        element(0x0028_0010, "US", &[1, 0]),
        element(0x7FE0_0010, "OW", &[1, 2, 3, 4]),
    ]
    .concat();
    let bytes = part10(
        EXPLICIT,
        &[
            element(0x0008_0016, "UI", b"1.2.840.10008.5.1.4.1.1.2"),
            data_set,
        ]
        .concat(),
    );
    let limits = ParseLimits::default();
    let again = overread_dicom::to_explicit_little_endian(&bytes, &limits).unwrap();
    assert_eq!(
        instance(&again).metadata_json,
        instance(&bytes).metadata_json
    );
    assert_eq!(instance(&again).facts.series.anatomic_region_codes, ["X1"]);
    let value = overread_dicom::value_of(&again, "00082218.0.00080104", &limits).unwrap();
    assert_eq!(value.as_deref(), Some(b"Knee".as_slice()));
    assert_eq!(
        overread_dicom::value_of(&again, "00082218.1.00080104", &limits).unwrap(),
        None
    );
    assert_eq!(
        overread_dicom::value_of(&again, "../etc", &limits).unwrap(),
        None
    );
}

#[test]
fn numbers_without_json_form_are_bulk_data() {
    let mut data_set = identified();
    data_set.extend(element(0x0040_9225, "FD", &f64::NAN.to_le_bytes()));
    data_set.extend(element(0x0040_9224, "FD", &1.5_f64.to_le_bytes()));
    let json: serde_json::Value =
        serde_json::from_slice(&instance(&part10(EXPLICIT, &data_set)).metadata_json).unwrap();
    assert_eq!(
        json["00409225"]["BulkDataURI"],
        "instances/1.2.3.4/bulkdata/00409225"
    );
    assert_eq!(json["00409224"]["Value"][0], 1.5);
    // Written in ascending order although the file is not.
    let text = json.to_string();
    assert!(text.find("00409224") < text.find("00409225"));
}
