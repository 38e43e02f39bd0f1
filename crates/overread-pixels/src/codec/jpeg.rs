//! JPEG (ISO 10918-1): baseline and lossless by jpeg-decoder, twelve bits by our own decoder.

use jpeg_decoder::{ColorTransform, Decoder};

use super::colour_marks::Marks;
use super::{dct12, into_cells, untransformed};
use crate::shape::{SampleKind, Shape};
use crate::{Decoded, PixelError};

pub(super) fn decode(shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
    let marks = Marks::read(frame).ok_or(PixelError::Damaged)?;
    let is_expected = marks.rows == shape.rows
        && marks.columns == shape.columns
        && u16::from(marks.components) == shape.samples
        && usize::from(marks.precision.div_ceil(8)) <= shape.cell_bytes();
    if !is_expected {
        return Err(PixelError::Damaged);
    }
    let is_lossless = marks.process == 0xC3;
    if !is_lossless && marks.precision > 8 {
        let samples = dct12::decode(frame)?;
        return Ok(Decoded {
            bytes: into_cells(
                shape,
                samples.into_iter().map(|sample| with_sign(sample, shape)),
            ),
            photometric: shape.photometric,
        });
    }
    let mut decoder = Decoder::new(frame);
    decoder.set_max_decoding_buffer_size(shape.decoded_bytes().saturating_mul(2));
    // Colours as they are: with `None` the decoder gives lines of one component after another.
    decoder.set_color_transform(match shape.samples {
        1 => ColorTransform::Grayscale,
        3 => ColorTransform::RGB,
        _ => return Err(PixelError::Unsupported),
    });
    let plain = decoder.decode().map_err(|_| PixelError::Damaged)?;
    let has_ybr = if is_lossless {
        shape.photometric.is_ybr()
    } else {
        marks.has_ybr(shape.photometric.is_ybr())
    };
    Ok(Decoded {
        bytes: in_cells(plain, &marks, shape),
        photometric: untransformed(shape, has_ybr),
    })
}

/// The decoder gives bytes up to eight bits and words in the machine's order above.
fn in_cells(plain: Vec<u8>, marks: &Marks, shape: &Shape) -> Vec<u8> {
    let is_signed = shape.kind == SampleKind::Signed && shape.bits_stored < shape.bits_allocated;
    match (marks.precision <= 8, shape.cell_bytes()) {
        (true, 1) => plain,
        (true, _) => into_cells(shape, plain.into_iter().map(i32::from)),
        (false, 2) if !is_signed && cfg!(target_endian = "little") => plain,
        (false, _) => {
            let words = plain.as_chunks::<2>().0.iter();
            let samples = words.map(|word| with_sign(i32::from(u16::from_ne_bytes(*word)), shape));
            into_cells(shape, samples)
        }
    }
}

/// Copies the sign bit of a sample into the bits above.
fn with_sign(sample: i32, shape: &Shape) -> i32 {
    let bits = u32::from(shape.bits_stored);
    if shape.kind != SampleKind::Signed || !(1..32).contains(&bits) {
        return sample;
    }
    sample << (32 - bits) >> (32 - bits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    use super::{dct12, decode};
    use crate::shape::{Photometric, SampleKind, Shape};

    /// A picture of slopes and edges, three samples a pixel, whose sides fill no whole blocks.
    fn picture() -> (Shape, Vec<u8>) {
        let shape = Shape {
            rows: 41,
            columns: 53,
            samples: 3,
            bits_allocated: 8,
            bits_stored: 8,
            high_bit: 7,
            kind: SampleKind::Unsigned,
            photometric: Photometric::YbrFull,
            is_planar: false,
        };
        let pixel = |index: usize| {
            let (x, y) = (index % 53, index / 53);
            [x * 4, y * 5, (x / 9 + y / 7) % 2 * 120].map(|sample| sample as u8)
        };
        (shape, (0..41 * 53).flat_map(pixel).collect())
    }

    fn encoded(sampling: SamplingFactor, is_progressive: bool, interval: u16) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 97);
        encoder.set_sampling_factor(sampling);
        encoder.set_progressive(is_progressive);
        encoder.set_restart_interval(interval);
        encoder
            .encode(&picture().1, 53, 41, ColorType::Ycbcr)
            .unwrap();
        out
    }

    #[test]
    fn two_decoders_see_the_same() {
        for is_progressive in [false, true] {
            for interval in [0, 3] {
                let stream = encoded(SamplingFactor::R_4_4_4, is_progressive, interval);
                let (shape, original) = picture();
                let ours = dct12::decode(&stream).unwrap();
                let theirs = decode(&shape, &stream).unwrap();
                assert_eq!(theirs.photometric, Photometric::YbrFull);
                assert_eq!(ours.len(), theirs.bytes.len());
                let pairs = ours.iter().zip(&theirs.bytes).zip(&original);
                for ((ours, theirs), original) in pairs {
                    let (theirs, original) = (i32::from(*theirs), i32::from(*original));
                    assert!((ours - theirs).abs() <= 1, "{is_progressive} {interval}");
                    assert!((ours - original).abs() <= 24, "{is_progressive} {interval}");
                }
            }
        }
    }

    #[test]
    fn subsampled_colours_stay_beside_their_pixels() {
        let stream = encoded(SamplingFactor::R_4_2_2, false, 0);
        let (shape, original) = picture();
        let decoded = decode(&shape, &stream).unwrap();
        let luminance = decoded
            .bytes
            .iter()
            .step_by(3)
            .zip(original.iter().step_by(3));
        assert!(luminance.into_iter().all(|(a, b)| a.abs_diff(*b) <= 24));
        let ours = dct12::decode(&stream).unwrap();
        let pairs = ours.iter().step_by(3).zip(decoded.bytes.iter().step_by(3));
        assert!(
            pairs
                .into_iter()
                .all(|(a, b)| (a - i32::from(*b)).abs() <= 1)
        );
    }
}
