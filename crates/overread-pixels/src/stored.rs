//! Stored values out of the cells of a frame (PS3.5 8.1.1).

use crate::shape::{SampleKind, Shape};

/// The values of a frame with one sample a pixel.
pub(crate) enum Stored {
    /// Places in a table of `2^bits` values: what stands in the cell, shifted and masked, without sign.
    Places {
        /// One for each pixel.
        places: Vec<u16>,
        bits: u32,
        is_signed: bool,
    },
    /// Wider numbers, as they are.
    Numbers(Vec<f64>),
}

impl Stored {
    /// Reads a frame; what is missing at its end is left out.
    pub(crate) fn of(shape: &Shape, frame: &[u8]) -> Self {
        let is_signed = shape.kind == SampleKind::Signed;
        let shift = u32::from(shape.high_bit + 1 - shape.bits_stored);
        let bits = u32::from(shape.bits_stored);
        let in_places = |places| Self::Places {
            places,
            bits,
            is_signed,
        };
        match (shape.kind, shape.bits_allocated) {
            (_, 1) => in_places(
                frame
                    .iter()
                    .flat_map(|byte| (0..8).map(move |bit| u16::from(byte >> bit & 1)))
                    .take(shape.pixels())
                    .collect(),
            ),
            (_, 8) => {
                let mask = (1_u16 << bits) - 1;
                in_places(
                    frame
                        .iter()
                        .map(|byte| (u16::from(*byte) >> shift) & mask)
                        .collect(),
                )
            }
            (_, 16) => {
                let mask = (1_u32 << bits).wrapping_sub(1) as u16;
                let words = frame.as_chunks::<2>().0.iter();
                in_places(
                    words
                        .map(|word| (u16::from_le_bytes(*word) >> shift) & mask)
                        .collect(),
                )
            }
            (SampleKind::Float, _) => {
                let words = frame.as_chunks::<4>().0.iter();
                Self::Numbers(words.map(|word| f32::from_le_bytes(*word).into()).collect())
            }
            (SampleKind::Double, _) => {
                let words = frame.as_chunks::<8>().0.iter();
                Self::Numbers(words.map(|word| f64::from_le_bytes(*word)).collect())
            }
            (_, 32) => {
                let words = frame.as_chunks::<4>().0.iter();
                let cells = words.map(|word| u64::from(u32::from_le_bytes(*word)));
                Self::Numbers(
                    cells
                        .map(|cell| number(cell >> shift, bits, is_signed))
                        .collect(),
                )
            }
            _ => {
                let words = frame.as_chunks::<8>().0.iter();
                let cells = words.map(|word| u64::from_le_bytes(*word));
                Self::Numbers(
                    cells
                        .map(|cell| number(cell >> shift, bits, is_signed))
                        .collect(),
                )
            }
        }
    }
}

/// Returns the value of the lowest bits of a cell.
pub(crate) fn number(cell: u64, bits: u32, is_signed: bool) -> f64 {
    let above = 64_u32.saturating_sub(bits).min(63);
    if is_signed {
        ((cell << above) as i64 >> above) as f64
    } else {
        ((cell << above) >> above) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::{Stored, number};
    use crate::shape::{Photometric, SampleKind, Shape};

    #[test]
    fn values_stand_anywhere_in_their_cell() {
        assert_eq!(number(0xFFF, 12, true), -1.0);
        assert_eq!(number(0xFFF, 12, false), 4095.0);
        assert_eq!(number(u64::MAX, 64, true), -1.0);
        let shape = Shape {
            rows: 1,
            columns: 2,
            samples: 1,
            bits_allocated: 16,
            bits_stored: 12,
            high_bit: 13,
            kind: SampleKind::Unsigned,
            photometric: Photometric::Monochrome2,
            is_planar: false,
        };
        // Bits beside those that count are an overlay or nothing at all.
        let Stored::Places { places, bits, .. } = Stored::of(&shape, &[0xFF, 0x3F, 0x04, 0xC0])
        else {
            unreachable!("16 bits are places");
        };
        assert_eq!((places.as_slice(), bits), ([0xFFF, 1].as_slice(), 12));
    }
}
