//! When two instances are the same, however they are written, and when they must not be taken for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use overread_dicom::{ParseLimits, WrittenDataSet, data_set_start, is_same_data_set};

use crate::made::element;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const UNDEFINED: u32 = 0xFFFF_FFFF;

type Written<'a> = (&'a [u8], &'a str);

/// Compares both ways round, which must agree.
fn check(one: Written<'_>, other: Written<'_>) -> Option<bool> {
    let limits = ParseLimits::default();
    let read = |(bytes, syntax)| WrittenDataSet::new(bytes, syntax, &limits);
    let there = is_same_data_set(read(one)?, read(other)?);
    let back = is_same_data_set(read(other)?, read(one)?);
    assert_eq!(there, back, "which one came first may not matter");
    there
}

fn explicit(one: &[u8], other: &[u8]) -> Option<bool> {
    check((one, EXPLICIT), (other, EXPLICIT))
}

/// An explicit data set against an implicit one.
fn mixed(one: &[u8], other: &[u8]) -> Option<bool> {
    check((one, EXPLICIT), (other, IMPLICIT))
}

fn head(tag: u32, length: u32) -> Vec<u8> {
    let parts = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes);
    [parts.as_flattened(), &length.to_le_bytes()].concat()
}

/// An element in Implicit VR Little Endian.
fn bare(tag: u32, value: &[u8]) -> Vec<u8> {
    [head(tag, value.len() as u32), value.to_vec()].concat()
}

fn item(elements: &[u8]) -> Vec<u8> {
    bare(0xFFFE_E000, elements)
}

fn open_item(elements: &[u8]) -> Vec<u8> {
    [
        head(0xFFFE_E000, UNDEFINED),
        elements.to_vec(),
        head(0xFFFE_E00D, 0),
    ]
    .concat()
}

/// A sequence of undefined length whose VR is written.
fn open_sequence(tag: u32, vr: &str, items: &[u8]) -> Vec<u8> {
    let mut out = element(tag, vr, b"");
    out.truncate(8);
    out.extend_from_slice(&UNDEFINED.to_le_bytes());
    [out, items.to_vec(), head(0xFFFE_E0DD, 0)].concat()
}

fn open_bare(tag: u32, items: &[u8]) -> Vec<u8> {
    [head(tag, UNDEFINED), items.to_vec(), head(0xFFFE_E0DD, 0)].concat()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Character set, patient, side, a nested sequence, words and bytes.
fn whole(patient: &str, side: &str, pixels: &[u8]) -> [Vec<u8>; 2] {
    let code = [b"T-1".as_slice(), b"T-1 "];
    let explicit = [
        element(0x0008_0005, "CS", b"ISO_IR 100"),
        element(0x0010_0010, "PN", patient.as_bytes()),
        element(0x0020_0060, "CS", side.as_bytes()),
        element(0x0028_0010, "US", &2_u16.to_le_bytes()),
        element(
            0x0040_0275,
            "SQ",
            &item(&element(
                0x0040_0008,
                "SQ",
                &item(&element(0x0008_0100, "SH", code[0])),
            )),
        ),
        element(0x7FE0_0010, "OW", pixels),
    ];
    let padded = |text: &str| format!("{text}{}", " ".repeat(text.len() % 2));
    let nested = open_bare(0x0040_0008, &open_item(&bare(0x0008_0100, code[1])));
    let implicit = [
        bare(0x0008_0000, &18_u32.to_le_bytes()),
        bare(0x0008_0005, b"ISO_IR 100"),
        bare(0x0010_0010, padded(patient).as_bytes()),
        bare(0x0020_0060, padded(side).as_bytes()),
        bare(0x0028_0010, &2_u16.to_le_bytes()),
        open_bare(0x0040_0275, &open_item(&nested)),
        bare(0x7FE0_0010, pixels),
        bare(0xFFFC_FFFC, &[0; 30]),
    ];
    [explicit.concat(), implicit.concat()]
}

const PIXELS: &[u8] = &[1, 2, 3, 4, 5, 6, 7, 0];

#[test]
fn one_instance_in_every_uncompressed_syntax_is_the_same() {
    let [explicit, implicit] = whole("Doe^Jane", "R", PIXELS);
    let packed = deflated(&explicit);
    assert_eq!(mixed(&explicit, &implicit), Some(true));
    assert_eq!(
        check((&packed, DEFLATED), (&implicit, IMPLICIT)),
        Some(true)
    );
    assert_eq!(
        check((&packed, DEFLATED), (&explicit, EXPLICIT)),
        Some(true)
    );
    for foreign in [
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.4.50",
        "1.2.840.113619.5.2",
        "",
    ] {
        assert_eq!(
            check((&explicit, foreign), (&implicit, IMPLICIT)),
            None,
            "{foreign}"
        );
    }
}

#[test]
fn what_a_person_must_see_is_never_the_same() {
    let [explicit, _] = whole("Doe^Jane", "R", PIXELS);
    for (patient, side, pixels) in [
        ("Doe^Joan", "R", PIXELS),
        ("Doe^Jane", "L", PIXELS),
        ("Doe^Jane", "", PIXELS),
        ("Doe^Jane", "R", &[1, 2, 3, 5, 5, 6, 7, 0]),
        // The last byte could be padding if it were text.
        ("Doe^Jane", "R", &[1, 2, 3, 4, 5, 6, 7, 32]),
        ("Doe^Jane", "R", &[1, 2, 3, 4, 5, 6]),
        ("Doe^Jane", "R", &[1, 2, 3, 4, 5, 6, 7, 0, 0, 0]),
    ] {
        let [changed, bare] = whole(patient, side, pixels);
        assert_eq!(
            mixed(&explicit, &bare),
            Some(false),
            "{patient} {side} {pixels:?}"
        );
        assert_eq!(
            check((&explicit, EXPLICIT), (&changed, EXPLICIT)),
            Some(false)
        );
        let packed = deflated(&changed);
        assert_eq!(
            check((&explicit, EXPLICIT), (&packed, DEFLATED)),
            Some(false)
        );
    }
}

#[test]
fn elements_more_fewer_and_in_another_order_differ() {
    let a = (element(0x0008_0060, "CS", b"CT"), bare(0x0008_0060, b"CT"));
    let b = (
        element(0x0010_0010, "PN", b"Doe^"),
        bare(0x0010_0010, b"Doe^"),
    );
    let both = [&a.0[..], &b.0].concat();
    assert_eq!(mixed(&both, &[&a.1[..], &b.1].concat()), Some(true));
    assert_eq!(mixed(&both, &[&b.1[..], &a.1].concat()), Some(false));
    assert_eq!(mixed(&both, &a.1), Some(false));
    assert_eq!(mixed(&a.0, &[&a.1[..], &b.1].concat()), Some(false));
    let empty = bare(0x0010_0020, b"");
    assert_eq!(
        mixed(&both, &[&a.1[..], &b.1, &empty].concat()),
        Some(false)
    );
    let items = |items: &[Vec<u8>]| element(0x0040_0275, "SQ", &items.concat());
    let (one, two) = (item(&a.0), item(&b.0));
    assert_eq!(
        explicit(
            &items(&[one.clone(), two.clone()]),
            &items(&[two.clone(), one.clone()])
        ),
        Some(false)
    );
    assert_eq!(
        explicit(&items(&[one.clone(), two]), &items(&[one])),
        Some(false)
    );
    assert_eq!(
        explicit(&items(&[item(&both)]), &items(&[item(&a.0), item(&b.0)])),
        Some(false)
    );
    assert_eq!(
        explicit(&items(&[item(&a.0)]), &[items(&[item(b"")]), a.0].concat()),
        Some(false)
    );
}

#[test]
fn private_elements_are_the_same_whoever_knows_their_vr() {
    let creator = (
        element(0x0009_0010, "LO", b"ACME"),
        bare(0x0009_0010, b"ACME"),
    );
    for (vr, value) in [
        ("DS", b"1.50".as_slice()),
        ("US", &[1, 2]),
        ("UN", &[1, 2, 3, 0]),
        ("OB", &[9, 0]),
    ] {
        let stated = [creator.0.clone(), element(0x0009_1001, vr, value)].concat();
        let unknown = [creator.0.clone(), element(0x0009_1001, "UN", value)].concat();
        let bare = [creator.1.clone(), bare(0x0009_1001, value)].concat();
        assert_eq!(mixed(&stated, &bare), Some(true), "{vr}");
        assert_eq!(explicit(&stated, &unknown), Some(true), "{vr}");
    }
    // The same bytes as another sort of number are another value.
    let float = element(0x0009_1002, "FL", &[0, 0, 128, 63]);
    let whole = element(0x0009_1002, "UL", &[0, 0, 128, 63]);
    assert_eq!(explicit(&float, &whole), Some(false));
    let unsigned = element(0x0009_1002, "US", &[255, 255]);
    let signed = element(0x0009_1002, "SS", &[255, 255]);
    assert_eq!(explicit(&unsigned, &signed), Some(false));
    // Here the standard itself leaves it open.
    let (bytes, words) = (
        element(0x7FE0_0010, "OB", &[1, 2]),
        element(0x7FE0_0010, "OW", &[1, 2]),
    );
    assert_eq!(explicit(&bytes, &words), Some(true));
}

#[test]
fn private_sequences_are_the_same_when_one_side_knows_them() {
    let inner = (element(0x0008_0100, "SH", b"X1"), bare(0x0008_0100, b"X1"));
    let stated = element(0x0009_1001, "SQ", &item(&inner.0));
    let open = open_sequence(0x0009_1001, "SQ", &open_item(&inner.0));
    // PS3.5 6.2.2 note 2: implicit inside.
    let unknown = open_sequence(0x0009_1001, "UN", &item(&inner.1));
    let closed = element(0x0009_1001, "UN", &open_item(&inner.1));
    let bare_open = open_bare(0x0009_1001, &item(&inner.1));
    let bare_closed = bare(0x0009_1001, &item(&inner.1));
    for one in [&stated, &open, &unknown] {
        for other in [&stated, &open, &unknown, &closed] {
            assert_eq!(explicit(one, other), Some(true));
        }
        for other in [&bare_open, &bare_closed] {
            assert_eq!(mixed(one, other), Some(true));
        }
    }
    // UN with explicit items inside is no UN of the standard.
    let wrong = open_sequence(0x0009_1001, "UN", &item(&inner.0));
    assert_eq!(explicit(&wrong, &stated), None);
    let changed = open_bare(0x0009_1001, &item(&bare(0x0008_0100, b"X2")));
    assert_eq!(mixed(&stated, &changed), Some(false));
    // What the standard knows as a text is no sequence, whoever says so.
    let text = element(0x0010_0010, "SQ", &item(&inner.0));
    assert_eq!(mixed(&text, &bare(0x0010_0010, &item(&inner.1))), None);
}

/// A value with the padding of one side and of the other.
#[test]
fn padding_counts_only_where_it_cannot_be_padding() {
    let same = |tag, vr: &str, one: &[u8], other: &[u8]| {
        // The length as it is, odd or not.
        let written = |value: &[u8]| {
            let mut out = element(tag, vr, b"");
            let at = out.len() - if matches!(vr, "OB" | "UN") { 4 } else { 2 };
            out[at..at + 2].copy_from_slice(&(value.len() as u16).to_le_bytes());
            [out, value.to_vec()].concat()
        };
        let answer = explicit(&written(one), &written(other));
        assert_eq!(
            mixed(&written(one), &bare(tag, other)),
            answer,
            "{tag:08x} {vr}"
        );
        answer == Some(true)
    };
    let uid = 0x0008_0018;
    assert!(same(uid, "UI", b"1.2.3\0", b"1.2.3 "));
    assert!(same(uid, "UI", b"1.2.3", b"1.2.3\0"));
    assert!(!same(uid, "UI", b"1.2.30", b"1.2.3\0"));
    assert!(!same(uid, "UI", b"1.2.33", b"1.2.3"));
    let name = 0x0010_0010;
    assert!(same(name, "PN", b"Doe", b"Doe "));
    assert!(same(name, "PN", b"Doe\0", b"Doe "));
    // Some writers leave out all but the last space.
    assert!(same(name, "PN", b"Doe^", b"Doe^  "));
    assert!(same(name, "PN", b"Doe", b"Doe \0    "));
    assert!(same(name, "PN", b"", b"  "));
    assert!(!same(name, "PN", b"Doe ^A", b"Doe\0^A"));
    assert!(!same(name, "PN", b"Doe^", b"Doe^  ^A"));
    assert!(!same(name, "PN", b"Doe^", b"Doe^A "));
    assert!(!same(name, "PN", b"Doe^", b" Doe^ "));
    assert!(!same(name, "PN", b"", b" A"));
    assert!(!same(name, "PN", b"Doe", b"Do  "));
    let private = 0x0009_1001;
    assert!(same(private, "UN", b"abc", b"abc\0"));
    assert!(!same(private, "UN", b"abc ", b"abc\0"));
    assert!(!same(private, "UN", b"ab", b"ab  "));
    assert!(same(private, "OB", b"abc", b"abc\0"));
    assert!(!same(private, "OB", b"abc", b"abc "));
    assert!(same(0x7FE0_0010, "OB", b"abc", b"abc\0"));
    assert!(!same(0x7FE0_0010, "OB", b"abc ", b"abc\0"));
    assert!(!same(0x0028_0010, "US", &[32, 32], &[32, 0]));
    assert!(!same(0x0028_0010, "US", &[32], &[32, 0]));
}

#[test]
fn damaged_ones_are_the_same_as_nothing() {
    let [explicit_whole, implicit] = whole("Doe^Jane", "R", PIXELS);
    // A twin that ends anywhere but before the padding, also where an element ends.
    let padding_bytes = 38;
    for end in 0..implicit.len() - padding_bytes {
        assert_ne!(
            mixed(&explicit_whole, &implicit[..end]),
            Some(true),
            "{end}"
        );
    }
    for end in 0..explicit_whole.len() {
        assert_ne!(
            mixed(&explicit_whole[..end], &implicit),
            Some(true),
            "{end}"
        );
    }
    let inner = element(0x0008_0100, "SH", b"X1");
    let mut long = item(&inner);
    long[4] += 2;
    let delimiter = head(0xFFFE_E00D, 0);
    for damaged in [
        // An item longer than its sequence, a sequence that never ends, a delimiter that nothing opened, a length of its own.
        element(0x0040_0275, "SQ", &long),
        element(0x0040_0275, "SQ", &inner),
        [
            head(0x0040_0275, 0x5153),
            UNDEFINED.to_le_bytes().to_vec(),
            item(&inner),
        ]
        .concat(),
        [inner.clone(), delimiter.clone()].concat(),
        open_sequence(0x0040_0275, "SQ", &[item(&inner), delimiter].concat()),
        [inner.clone(), vec![0; 8]].concat(),
        [inner.clone(), vec![0; 2]].concat(),
        element(0x0008_0100, "??", b"X1"),
        element(0x0008_0000, "UN", &[0; 6]),
        open_sequence(0x7FE0_0010, "OB", &item(&[1, 2])),
    ] {
        assert_eq!(explicit(&damaged, &damaged), None, "{damaged:?}");
    }
    // Explicit bytes that are said to be implicit.
    assert_eq!(
        check((&explicit_whole, IMPLICIT), (&explicit_whole, IMPLICIT)),
        None
    );
}

#[test]
fn depth_and_inflation_have_limits() {
    let nested = |levels: usize| {
        (0..levels).fold(Vec::new(), |inner, _| {
            open_bare(0x0040_0275, &open_item(&inner))
        })
    };
    let (fits, deeper, hostile) = (nested(64), nested(65), nested(20_000));
    let implicit = |bytes: &[u8]| check((bytes, IMPLICIT), (bytes, IMPLICIT));
    assert_eq!(implicit(&fits), Some(true));
    assert_eq!(implicit(&deeper), None);
    assert_eq!(implicit(&hostile), None);
    let value = element(0x7FE0_0010, "OB", &vec![0; 100_000]);
    let bomb = deflated(&value);
    let limits = |inflated_bytes| ParseLimits {
        inflated_bytes,
        ..ParseLimits::default()
    };
    let read = |most| WrittenDataSet::new(&bomb[..], DEFLATED, &limits(most)).unwrap();
    let most = value.len() as u64;
    assert_eq!(is_same_data_set(read(most), read(most)), Some(true));
    assert_eq!(is_same_data_set(read(most - 1), read(most - 1)), None);
    assert_ne!(
        check((&bomb[..bomb.len() / 2], DEFLATED), (&value, EXPLICIT)),
        Some(true)
    );
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// Compares two files from their data sets on.
fn check_files(one: &[u8], other: &[u8]) -> Option<bool> {
    let (at, syntax) = data_set_start(one)?;
    let (other_at, other_syntax) = data_set_start(other)?;
    check(
        (&one[at as usize..], &syntax),
        (&other[other_at as usize..], &other_syntax),
    )
}

fn has_native_syntax(bytes: &[u8]) -> bool {
    let start = data_set_start(bytes);
    start.is_some_and(|(_, syntax)| [IMPLICIT, EXPLICIT, DEFLATED].contains(&syntax.as_str()))
}

/// Real files of every kind, converted by another implementation.
#[test]
fn real_files_stay_the_same_when_they_are_converted() {
    let shared = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/dicom"
    ));
    let converter = Path::new("/usr/bin/dcmconv");
    if !shared.is_dir() || !converter.is_file() {
        eprintln!("skipped: the shared DICOM files or dcmconv are not there");
        return;
    }
    let mut paths = Vec::new();
    files_below(shared, &mut paths);
    paths.retain(|path| !path.starts_with(shared.join("malicious")));
    paths.retain(|path| !path.starts_with(shared.join("broken")));
    paths.sort();
    // Of a series two are as good as all.
    let mut of_folder = BTreeMap::new();
    paths.retain(|path| {
        let count = of_folder
            .entry(path.parent().map(Path::to_owned))
            .or_insert(0);
        *count += 1;
        *count <= 2 || path.starts_with(shared.join("charset"))
    });
    let folder = std::env::temp_dir().join(format!("overread-same-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let out = folder.join("converted.dcm");
    let (mut seen, mut same, mut doubtful) = (0, 0, Vec::new());
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        if bytes.len() > 1_000_000 || !has_native_syntax(&bytes) {
            continue;
        }
        seen += 1;
        for to in ["+te", "+ti", "+td"] {
            let done = Command::new(converter)
                .arg(to)
                .arg(&path)
                .arg(&out)
                .output()
                .unwrap();
            if !done.status.success() {
                continue;
            }
            match check_files(&bytes, &std::fs::read(&out).unwrap()) {
                Some(true) => same += 1,
                answer => doubtful.push(format!("{to} {} {answer:?}", path.display())),
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(doubtful.is_empty(), "{doubtful:#?}");
    assert!(seen >= 30 && same >= 90, "{seen} {same}");
}
