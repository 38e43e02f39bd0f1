//! From colour samples to red, green and blue of eight bits (PS3.3 C.7.6.3.1.2).

use crate::PixelError;
use crate::description::Description;
use crate::shape::{Photometric, SampleKind, Shape};
use crate::stored::Stored;

/// Returns red, green and blue, three bytes a pixel.
pub(crate) fn draw(
    description: &Description,
    shape: &Shape,
    frame: &[u8],
) -> Result<Vec<u8>, PixelError> {
    if shape.photometric == Photometric::PaletteColor {
        return by_palette(description, shape, frame);
    }
    if shape.samples != 3 {
        return Err(PixelError::Unsupported);
    }
    let is_subsampled = matches!(
        shape.photometric,
        Photometric::YbrFull422 | Photometric::YbrPartial422
    );
    let pixels = shape.pixels();
    let bytes = eight_bits(shape, frame)?;
    if is_subsampled && bytes.len() < pixels * 3 {
        return Ok(from_422(shape, &bytes));
    }
    let mut bytes = if shape.is_planar {
        by_pixel(&bytes, pixels)
    } else {
        bytes
    };
    bytes.resize(pixels * 3, 0);
    if shape.photometric.is_ybr() {
        let is_partial = shape.photometric == Photometric::YbrPartial422;
        for pixel in bytes.as_chunks_mut::<3>().0 {
            let [y, cb, cr] = *pixel;
            *pixel = rgb(y, cb, cr, is_partial);
        }
    }
    Ok(bytes)
}

/// Takes the highest eight bits of every sample.
fn eight_bits(shape: &Shape, frame: &[u8]) -> Result<Vec<u8>, PixelError> {
    if shape.kind != SampleKind::Unsigned {
        return Err(PixelError::Unsupported);
    }
    let above = u32::from(shape.high_bit + 1).saturating_sub(8);
    match shape.bits_allocated {
        8 => Ok(frame.to_vec()),
        16 => {
            let words = frame.as_chunks::<2>().0.iter();
            Ok(words
                .map(|word| (u16::from_le_bytes(*word) >> above) as u8)
                .collect())
        }
        32 => {
            let words = frame.as_chunks::<4>().0.iter();
            Ok(words
                .map(|word| (u32::from_le_bytes(*word) >> above) as u8)
                .collect())
        }
        _ => Err(PixelError::Unsupported),
    }
}

pub(crate) fn by_pixel(planes: &[u8], pixels: usize) -> Vec<u8> {
    let mut out = vec![0; pixels * 3];
    for (sample, plane) in planes.chunks(pixels.max(1)).take(3).enumerate() {
        for (place, value) in out.iter_mut().skip(sample).step_by(3).zip(plane) {
            *place = *value;
        }
    }
    out
}

/// Two pixels are four bytes: two luminances, then the differences that they share.
fn from_422(shape: &Shape, bytes: &[u8]) -> Vec<u8> {
    let is_partial = shape.photometric == Photometric::YbrPartial422;
    let mut out = Vec::with_capacity(shape.pixels() * 3);
    for [first, second, cb, cr] in bytes.as_chunks::<4>().0 {
        out.extend_from_slice(&rgb(*first, *cb, *cr, is_partial));
        out.extend_from_slice(&rgb(*second, *cb, *cr, is_partial));
    }
    out.resize(shape.pixels() * 3, 0);
    out
}

// PS3.3 C.7.6.3.1.2: the equations of CCIR Recommendation 601-2, turned round.
fn rgb(y: u8, cb: u8, cr: u8, is_partial: bool) -> [u8; 3] {
    let (cb, cr) = (f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let (y, cb, cr) = if is_partial {
        let wide = 255.0 / 224.0;
        ((f32::from(y) - 16.0) * 255.0 / 219.0, cb * wide, cr * wide)
    } else {
        (f32::from(y), cb, cr)
    };
    [
        y + 1.402 * cr,
        y - 0.344_136 * cb - 0.714_136 * cr,
        y + 1.772 * cb,
    ]
    .map(|value| (value + 0.5) as u8)
}

fn by_palette(
    description: &Description,
    shape: &Shape,
    frame: &[u8],
) -> Result<Vec<u8>, PixelError> {
    let tables = description.palette.as_ref().ok_or(PixelError::NoShape)?;
    let Stored::Places { places, .. } = Stored::of(shape, frame) else {
        return Err(PixelError::Unsupported);
    };
    // Tables that say 16 bits and use eight are common.
    let is_wide = tables
        .iter()
        .any(|table| table.bits > 8 && table.entries.iter().any(|entry| *entry > 255));
    let colours: [Vec<u8>; 3] = tables.each_ref().map(|table| {
        let narrowed = table.entries.iter();
        narrowed
            .map(|entry| {
                if is_wide {
                    (entry >> 8) as u8
                } else {
                    *entry as u8
                }
            })
            .collect()
    });
    let mut out = Vec::with_capacity(shape.pixels() * 3);
    for place in places {
        for (table, colour) in tables.iter().zip(&colours) {
            let last = colour.len().saturating_sub(1);
            let entry = (f64::from(place) - table.first).clamp(0.0, last as f64);
            out.push(colour.get(entry as usize).copied().unwrap_or(0));
        }
    }
    out.resize(shape.pixels() * 3, 0);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{by_pixel, rgb};

    #[test]
    fn colours_follow_ccir_601() {
        assert_eq!(rgb(128, 128, 128, false), [128, 128, 128]);
        assert_eq!(rgb(76, 85, 255, false), [254, 0, 0]);
        assert_eq!(rgb(235, 128, 128, true), [255, 255, 255]);
        assert_eq!(rgb(16, 128, 128, true), [0, 0, 0]);
        assert_eq!(by_pixel(&[1, 2, 3, 4, 5, 6], 2), [1, 3, 5, 2, 4, 6]);
    }
}
