//! What a header says of grey levels and colours is what is drawn.

use overread_dicom::{Header, ParseLimits};
use overread_pixels::{Description, Samples, View, Voi, VoiFunction, draw};

/// Writes an element of Explicit VR Little Endian with a short length.
fn put(out: &mut Vec<u8>, tag: u32, vr: &str, value: &[u8]) {
    out.extend_from_slice(&((tag >> 16) as u16).to_le_bytes());
    out.extend_from_slice(&(tag as u16).to_le_bytes());
    out.extend_from_slice(vr.as_bytes());
    let padded = value.len() + value.len() % 2;
    if matches!(vr, "OW" | "SQ" | "OB") {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(padded as u32).to_le_bytes());
    } else {
        out.extend_from_slice(&(padded as u16).to_le_bytes());
    }
    out.extend_from_slice(value);
    if padded > value.len() {
        out.push(b' ');
    }
}

fn us(value: u16) -> [u8; 2] {
    value.to_le_bytes()
}

struct Made {
    photometric: &'static str,
    samples: u16,
    bits: (u16, u16),
    columns: u16,
    signed: bool,
    more: Vec<(u32, &'static str, Vec<u8>)>,
}

const GREY: Made = Made {
    photometric: "MONOCHROME2",
    samples: 1,
    bits: (16, 12),
    columns: 4,
    signed: false,
    more: Vec::new(),
};

impl Made {
    fn header(&self) -> Vec<u8> {
        let (allocated, stored) = self.bits;
        let mut elements = vec![
            (0x0028_0002, "US", us(self.samples).to_vec()),
            (0x0028_0004, "CS", self.photometric.as_bytes().to_vec()),
            (0x0028_0010, "US", us(1).to_vec()),
            (0x0028_0011, "US", us(self.columns).to_vec()),
            (0x0028_0100, "US", us(allocated).to_vec()),
            (0x0028_0101, "US", us(stored).to_vec()),
            (0x0028_0102, "US", us(stored - 1).to_vec()),
            (0x0028_0103, "US", us(self.signed.into()).to_vec()),
        ];
        elements.extend(self.more.clone());
        elements.sort_by_key(|(tag, _, _)| *tag);
        file(&elements)
    }

    fn draw(&self, frame: &[u8], voi: Option<&Voi>) -> Vec<u8> {
        let bytes = self.header();
        let header = Header::read(&bytes, &ParseLimits::default()).unwrap();
        let description = Description::of(&header, 0).unwrap();
        draw(&description, Samples::Native(frame), voi, &View::default())
            .unwrap()
            .bytes
    }
}

pub(crate) fn file(elements: &[(u32, &str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    put(&mut out, 0x0002_0010, "UI", b"1.2.840.10008.1.2.1\0");
    for (tag, vr, value) in elements {
        put(&mut out, *tag, vr, value);
    }
    out
}

pub(crate) fn item(elements: &[(u32, &str, Vec<u8>)]) -> Vec<u8> {
    let mut inner = Vec::new();
    for (tag, vr, value) in elements {
        put(&mut inner, *tag, vr, value);
    }
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
    out.extend_from_slice(&(inner.len() as u32).to_le_bytes());
    out.extend(inner);
    out
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn windows_of_the_header_and_of_who_asks() {
    let made = Made {
        more: vec![
            (0x0028_1050, "DS", b"40\\500".to_vec()),
            (0x0028_1051, "DS", b"400\\2000".to_vec()),
            (0x0028_1052, "DS", b"-1024".to_vec()),
            (0x0028_1053, "DS", b"1".to_vec()),
        ],
        ..GREY
    };
    let frame = words(&[0, 864, 1064, 1263]);
    assert_eq!(made.draw(&frame, None), [0, 0, 128, 255]);
    let bone = Voi::Window {
        center: -1024.0,
        width: 10.0,
        function: VoiFunction::LinearExact,
    };
    assert_eq!(made.draw(&frame, Some(&bone)), [128, 255, 255, 255]);
    let negative = Made {
        photometric: "MONOCHROME1",
        ..made
    };
    assert_eq!(negative.draw(&frame, None), [255, 255, 127, 0]);
}

#[test]
fn without_a_window_everything_is_shown() {
    let made = Made {
        signed: true,
        bits: (16, 16),
        ..GREY
    };
    let frame: Vec<u8> = [-1000_i16, 0, 1000, -1000]
        .into_iter()
        .flat_map(i16::to_le_bytes)
        .collect();
    assert_eq!(made.draw(&frame, None), [0, 128, 255, 0]);
    let padded = Made {
        more: vec![(0x0028_0120, "SS", (-1000_i16).to_le_bytes().to_vec())],
        ..made
    };
    assert_eq!(padded.draw(&frame, None), [0, 0, 255, 0]);
}

#[test]
fn tables_of_modality_and_of_interest() {
    let table = |first: u16, entries: &[u16]| {
        item(&[
            (0x0028_3002, "US", words(&[entries.len() as u16, first, 16])),
            (0x0028_3006, "US", words(entries)),
        ])
    };
    let made = Made {
        more: vec![
            (0x0028_3000, "SQ", table(10, &[100, 101, 102])),
            (0x0028_3010, "SQ", table(100, &[0, 0x8000, 0xFFFF])),
        ],
        ..GREY
    };
    // Below the first entry and above the last one the ends hold.
    let frame = words(&[0, 10, 11, 4000]);
    assert_eq!(made.draw(&frame, None), [0, 0, 128, 255]);
}

#[test]
fn a_frame_has_its_own_window() {
    let window = item(&[
        (0x0028_1050, "DS", b"2".to_vec()),
        (0x0028_1051, "DS", b"1".to_vec()),
    ]);
    let groups = item(&[(0x0028_9132, "SQ", window)]);
    let made = Made {
        more: vec![
            (0x0028_1050, "DS", b"2000".to_vec()),
            (0x0028_1051, "DS", b"4000".to_vec()),
            (0x5200_9230, "SQ", groups),
        ],
        ..GREY
    };
    assert_eq!(made.draw(&words(&[0, 1, 2, 3]), None), [0, 0, 255, 255]);
}

#[test]
fn colours_by_palette_by_plane_and_by_difference() {
    let descriptor = words(&[2, 0, 8]);
    let palette = Made {
        photometric: "PALETTE COLOR",
        bits: (8, 8),
        columns: 2,
        more: vec![
            (0x0028_1101, "US", descriptor.clone()),
            (0x0028_1102, "US", descriptor.clone()),
            (0x0028_1103, "US", descriptor),
            (0x0028_1201, "OW", vec![0, 255]),
            (0x0028_1202, "OW", vec![0, 128]),
            (0x0028_1203, "OW", vec![7, 0]),
        ],
        ..GREY
    };
    assert_eq!(palette.draw(&[0, 1], None), [0, 0, 7, 255, 128, 0]);
    let planes = Made {
        photometric: "RGB",
        samples: 3,
        bits: (8, 8),
        columns: 2,
        more: vec![(0x0028_0006, "US", us(1).to_vec())],
        ..GREY
    };
    assert_eq!(planes.draw(&[1, 2, 3, 4, 5, 6], None), [1, 3, 5, 2, 4, 6]);
    let differences = Made {
        photometric: "YBR_FULL_422",
        samples: 3,
        bits: (8, 8),
        columns: 2,
        ..GREY
    };
    assert_eq!(
        differences.draw(&[10, 200, 128, 128], None),
        [10, 10, 10, 200, 200, 200]
    );
}

#[test]
fn single_bits_are_black_and_white() {
    let made = Made {
        bits: (1, 1),
        ..GREY
    };
    assert_eq!(made.draw(&[0b0000_1010], None), [0, 255, 0, 255]);
}

#[test]
fn short_frames_are_errors_and_not_pictures() {
    let bytes = GREY.header();
    let header = Header::read(&bytes, &ParseLimits::default()).unwrap();
    let description = Description::of(&header, 0).unwrap();
    let short = draw(
        &description,
        Samples::Native(&[0; 6]),
        None,
        &View::default(),
    );
    assert!(short.is_err());
}
