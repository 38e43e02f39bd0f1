//! PNG and GIF that are to become pixel data.

use crate::limits::COMPOSED_INSTANCE_BYTES;
use crate::reading::{RawPicture, read_gif, read_png};
use crate::PixelError;

/// Less than the door takes, so that a run finds what passes it.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

const PNG_START: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture: what is read of it has the size that it says, and no more bytes than were allowed.
pub fn picture(data: &[u8]) {
    const { assert!(MOST_BYTES < COMPOSED_INSTANCE_BYTES) }
    for bytes in [data, &with_checksums(data)] {
        hold(read_png(bytes, MOST_BYTES));
        hold(read_gif(bytes, MOST_BYTES));
    }
}

fn hold(read: Result<RawPicture, PixelError>) {
    let Ok(picture) = read else {
        return;
    };
    assert!(matches!(picture.bits_allocated, 8 | 16) && !picture.frames.is_empty());
    let total: u64 = picture.frames.iter().map(|frame| frame.len() as u64).sum();
    assert!(total <= MOST_BYTES, "more was read than was allowed");
    has_its_size(&picture);
    let rows = picture.rows;
    let grey = picture.into_grey();
    has_its_size(&grey);
    assert!(
        grey.is_grey() && grey.samples_per_pixel == 1 && grey.rows == rows,
        "made grey, it is not grey or has other rows"
    );
}

fn has_its_size(picture: &RawPicture) {
    let pixels = usize::from(picture.rows) * usize::from(picture.columns);
    let cell = usize::from(picture.bits_allocated / 8);
    let expected = pixels * usize::from(picture.samples_per_pixel) * cell;
    assert!(expected > 0 && picture.frames.iter().all(|frame| frame.len() == expected));
}

/// Puts right the checksum of every chunk of a PNG, which would keep most changes from going any further.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    let mut at = PNG_START.len();
    while let Some(length) = out.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at + 8 + length;
        if out.len() < end + 4 {
            break;
        }
        let sum = crc32fast::hash(&out[at + 4..end]);
        out[end..end + 4].copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
    out
}

/// Pictures of every kind that is taken, and of some that are not.
pub fn seeds() -> Vec<Vec<u8>> {
    let kinds = [
        (png::ColorType::Grayscale, png::BitDepth::One, 1),
        (png::ColorType::Grayscale, png::BitDepth::Eight, 5),
        (png::ColorType::Grayscale, png::BitDepth::Sixteen, 10),
        (png::ColorType::GrayscaleAlpha, png::BitDepth::Eight, 10),
        (png::ColorType::Rgb, png::BitDepth::Eight, 15),
        (png::ColorType::Rgb, png::BitDepth::Sixteen, 30),
        (png::ColorType::Rgba, png::BitDepth::Eight, 20),
        (png::ColorType::Indexed, png::BitDepth::Two, 2),
    ];
    let mut seeds: Vec<Vec<u8>> = kinds.into_iter().map(|(colours, depth, line)| png(colours, depth, line)).collect();
    let disposals = [gif::DisposalMethod::Any, gif::DisposalMethod::Background, gif::DisposalMethod::Previous];
    seeds.extend(disposals.into_iter().map(moving));
    seeds
}

/// Five columns and four rows.
fn png(colours: png::ColorType, depth: png::BitDepth, line_bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 5, 4);
    encoder.set_color(colours);
    encoder.set_depth(depth);
    if colours == png::ColorType::Indexed {
        encoder.set_palette(vec![0, 9, 90, 200, 100, 50, 7, 7, 7, 255, 255, 255]);
        encoder.set_trns(vec![255, 255, 255]);
    }
    let mut writer = encoder.write_header().expect("a PNG");
    writer.write_image_data(&vec![0xFF; line_bytes * 4]).expect("samples");
    writer.finish().expect("an end");
    out
}

/// Five columns and four rows, and two small frames over them.
fn moving(dispose: gif::DisposalMethod) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), 5, 4, &[1, 2, 3, 40, 50, 60]).expect("a GIF");
    for (left, width, height) in [(0, 5, 4), (2, 2, 3), (1, 1, 1)] {
        let frame = gif::Frame {
            left,
            width,
            height,
            dispose,
            transparent: (left == 2).then_some(1),
            interlaced: left == 2,
            buffer: vec![(left % 2) as u8; usize::from(width * height)].into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).expect("a frame");
    }
    encoder.into_inner().expect("a GIF")
}
