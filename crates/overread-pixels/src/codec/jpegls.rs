//! JPEG-LS by CharLS (C++).

use charls::{CharLS, FrameInfo, InterleaveMode};

use super::colour_marks::Marks;
use super::untransformed;
use crate::shape::{SampleKind, Shape};
use crate::{Decoded, PixelError};

pub(super) fn decode(shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
    let marks = Marks::read(frame).ok_or(PixelError::Damaged)?;
    let is_expected = marks.process == 0xF7
        && marks.rows == shape.rows
        && marks.columns == shape.columns
        && u16::from(marks.components) == shape.samples
        && usize::from(marks.precision.div_ceil(8)) <= shape.cell_bytes();
    if !is_expected {
        return Err(PixelError::Damaged);
    }
    let mut bytes = CharLS::default()
        .decode(frame)
        .or_else(|error| match without_padding(frame) {
            Some(shorter) => CharLS::default().decode(&shorter),
            None => Err(error),
        })
        .map_err(|_| PixelError::Damaged)?;
    if marks.precision <= 8 && shape.cell_bytes() == 2 {
        bytes = bytes.into_iter().flat_map(|byte| [byte, 0]).collect();
    }
    if shape.samples > 1 && marks.interleave == 0 {
        bytes = by_pixel(&bytes, shape);
    }
    if shape.kind == SampleKind::Signed {
        extend_signs(&mut bytes, shape, marks.precision.into());
    }
    Ok(Decoded {
        bytes,
        photometric: untransformed(shape, shape.photometric.is_ybr()),
    })
}

/// Takes out the zeros that some writers put before the end marker, to make the length even: CharLS refuses them.
fn without_padding(frame: &[u8]) -> Option<Vec<u8>> {
    let end = frame.windows(2).rposition(|pair| pair == [0xFF, 0xD9])?;
    let (data, _) = frame.split_at_checked(end)?;
    let kept = data.strip_suffix(&[0])?;
    Some([kept, &[0xFF, 0xD9]].concat())
}

/// Puts planes together pixel by pixel.
fn by_pixel(planes: &[u8], shape: &Shape) -> Vec<u8> {
    let (cell, samples) = (shape.cell_bytes(), usize::from(shape.samples));
    let mut out = vec![0; planes.len()];
    for (sample, plane) in planes.chunks(shape.pixels() * cell).enumerate() {
        let places = out.chunks_exact_mut(cell * samples);
        for (place, value) in places.zip(plane.chunks_exact(cell)) {
            if let Some(place) = place.get_mut(sample * cell..(sample + 1) * cell) {
                place.copy_from_slice(value);
            }
        }
    }
    out
}

/// Copies the sign bit of samples with fewer bits than their cell into the bits above.
fn extend_signs(bytes: &mut [u8], shape: &Shape, precision: u32) {
    let bits = precision.min(shape.bits_stored.into());
    if shape.cell_bytes() != 2 || !(1..16).contains(&bits) {
        return;
    }
    for word in bytes.as_chunks_mut::<2>().0 {
        let value = (u16::from_le_bytes(*word) << (16 - bits)) as i16 >> (16 - bits);
        *word = value.to_le_bytes();
    }
}

pub(super) fn encode(shape: &Shape, frame: &[u8]) -> Result<Vec<u8>, PixelError> {
    let cells_are_possible = matches!(shape.bits_allocated, 8 | 16)
        && matches!(shape.kind, SampleKind::Signed | SampleKind::Unsigned)
        && shape.high_bit + 1 == shape.bits_stored
        && shape.bits_stored >= 2
        && !shape.is_planar
        && frame.len() == shape.decoded_bytes();
    if !cells_are_possible {
        return Err(PixelError::Unsupported);
    }
    let bits = i32::from(shape.bits_stored);
    // JPEG-LS knows no sign: the bits that count are kept, and the sign is put back when it is decoded.
    let masked;
    let source = if shape.kind == SampleKind::Signed && bits < 16 && shape.bits_allocated == 16 {
        let mask = (1_u16 << bits) - 1;
        let words = frame.as_chunks::<2>().0.iter();
        masked = words
            .flat_map(|word| (u16::from_le_bytes(*word) & mask).to_le_bytes())
            .collect::<Vec<u8>>();
        masked.as_slice()
    } else {
        frame
    };
    let info = FrameInfo {
        width: shape.columns.into(),
        height: shape.rows.into(),
        bits_per_sample: bits,
        component_count: shape.samples.into(),
    };
    let mut encoder = CharLS::default();
    if shape.samples > 1 {
        encoder
            .set_interleave_mode(InterleaveMode::Line)
            .map_err(|_| PixelError::Unsupported)?;
    }
    encoder
        .encode(info, 0, source)
        .map_err(|_| PixelError::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::without_padding;

    #[test]
    fn one_zero_before_the_end_is_padding() {
        let padded = [1, 2, 0, 0xFF, 0xD9, 0];
        assert_eq!(without_padding(&padded), Some(vec![1, 2, 0xFF, 0xD9]));
        assert_eq!(without_padding(&[1, 2, 0xFF, 0xD9]), None);
        assert_eq!(without_padding(&[1, 2]), None);
    }
}
