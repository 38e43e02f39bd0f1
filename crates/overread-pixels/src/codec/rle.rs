//! RLE Lossless (PS3.5 annex G), in our own hands.

use crate::shape::{Photometric, Shape};
use crate::{Decoded, PixelError};

const HEADER_BYTES: usize = 64;
const MAX_SEGMENTS: usize = 15;

pub(super) fn decode(shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
    if shape.bits_allocated == 1 {
        return Err(PixelError::Unsupported);
    }
    let cell = shape.cell_bytes();
    let samples = usize::from(shape.samples);
    let header = frame.get(..HEADER_BYTES).ok_or(PixelError::Damaged)?;
    let mut words = header
        .chunks_exact(4)
        .filter_map(|word| word.first_chunk::<4>());
    let count = words.next().map_or(0, |word| u32::from_le_bytes(*word)) as usize;
    // PS3.5 G.2: one segment for each byte of a pixel, the high byte first.
    if count != cell * samples || count > MAX_SEGMENTS {
        return Err(PixelError::Damaged);
    }
    let starts: Vec<usize> = words
        .take(count)
        .map(|word| u32::from_le_bytes(*word) as usize)
        .collect();
    let pixels = shape.pixels();
    let mut out = vec![0; shape.decoded_bytes()];
    let mut plane = Vec::with_capacity(pixels);
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(frame.len());
        let segment = frame.get(*start..end).ok_or(PixelError::Damaged)?;
        plane.clear();
        unpack(segment, pixels, &mut plane);
        if plane.len() != pixels {
            return Err(PixelError::Damaged);
        }
        let (sample, byte) = (index / cell, cell - 1 - index % cell);
        let places = out
            .iter_mut()
            .skip(sample * cell + byte)
            .step_by(cell * samples);
        for (place, value) in places.zip(&plane) {
            *place = *value;
        }
    }
    let photometric = match shape.photometric {
        // RLE has no subsampling: the samples are all there, whatever is said.
        Photometric::YbrFull422 | Photometric::YbrPartial422 => Photometric::YbrFull,
        other => other,
    };
    Ok(Decoded {
        bytes: out,
        photometric,
    })
}

/// Undoes PackBits until there are enough bytes (PS3.5 G.3.1).
fn unpack(segment: &[u8], wanted: usize, out: &mut Vec<u8>) {
    let mut rest = segment;
    while let Some((control, tail)) = rest.split_first() {
        if out.len() >= wanted {
            break;
        }
        let room = wanted - out.len();
        match *control as i8 {
            -128 => rest = tail,
            run @ -127..=-1 => {
                let Some((value, tail)) = tail.split_first() else {
                    break;
                };
                let length = 1 - isize::from(run);
                out.resize(out.len() + room.min(length as usize), *value);
                rest = tail;
            }
            literal => {
                let length = (literal as usize + 1).min(tail.len());
                let (copied, tail) = tail.split_at(length);
                out.extend(copied.iter().take(room));
                rest = tail;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unpack;

    #[test]
    fn runs_and_literals_are_undone() {
        let mut out = Vec::new();
        unpack(
            &[0xFE, 0xAA, 0x02, 0x80, 0, 0x2A, 0x80, 0xFD, 0xAA],
            9,
            &mut out,
        );
        assert_eq!(out, [0xAA, 0xAA, 0xAA, 0x80, 0, 0x2A, 0xAA, 0xAA, 0xAA]);
        for cut in [&[0xFE][..], &[5, 1], &[]] {
            out.clear();
            unpack(cut, 9, &mut out);
            assert!(out.len() < 9);
        }
    }
}
