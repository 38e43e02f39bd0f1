//! Uncompressed frames in big endian words.

use overread_model::imaging::FrameRange;

use super::{FrameBytes, FrameTable, take_bits};
use crate::numbers::swap_words;

/// A frame that is stored in big endian words, which may begin and end within one.
// PS3.5 8.1.1 and A.3: cells of fewer than 16 bits are packed into words from the low end, across frames, and the last word is
// filled up. So a byte of a frame may lie behind the one that follows it, and its last one behind the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The words to read, as bytes of the instance.
    pub range: FrameRange,
    word_bytes: usize,
    /// Bytes of the first word that belong to the frame before, once it is turned round.
    before_bytes: usize,
    frame: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Bytes(usize),
    Bits { first: u8, count: u64 },
}

impl Words {
    /// Finds a frame (counted from 0) with cells of so many bits; `None` when there is no such frame of uncompressed words.
    pub fn of(table: &FrameTable, frame_idx: u32, bits_allocated: u16) -> Option<Self> {
        let (FrameTable::Native {
            first_offset_bytes, ..
        }
        | FrameTable::NativeBits {
            first_offset_bytes, ..
        }) = table
        else {
            return None;
        };
        let (range, frame) = match table.locate(frame_idx)? {
            FrameBytes::Ranges(ranges) => {
                let range = *ranges.first()?;
                (
                    range,
                    Part::Bytes(usize::try_from(range.length_bytes).ok()?),
                )
            }
            FrameBytes::Bits {
                range,
                first_bit,
                bit_count,
            } => {
                let bits = Part::Bits {
                    first: first_bit,
                    count: bit_count,
                };
                (range, bits)
            }
            FrameBytes::WholeInstance => return None,
        };
        let word_bytes: u64 = match bits_allocated {
            0..=16 => 2,
            17..=32 => 4,
            _ => 8,
        };
        let before = range.offset_bytes.checked_sub(*first_offset_bytes)? % word_bytes;
        let length_bytes = before.checked_add(range.length_bytes)?;
        Some(Self {
            range: FrameRange {
                offset_bytes: range.offset_bytes - before,
                length_bytes: length_bytes.checked_next_multiple_of(word_bytes)?,
            },
            word_bytes: word_bytes as usize,
            before_bytes: before as usize,
            frame,
        })
    }

    /// Returns the frame in little endian, out of the whole instance; the part that is there where it ends before.
    pub fn cut(&self, instance: &[u8]) -> Vec<u8> {
        let start = usize::try_from(self.range.offset_bytes).unwrap_or(usize::MAX);
        let length = usize::try_from(self.range.length_bytes).unwrap_or(usize::MAX);
        let from = instance.get(start..).unwrap_or_default();
        self.little_endian(from.get(..length).unwrap_or(from).to_vec())
    }

    /// Returns the frame in little endian, out of the words that were read.
    pub fn little_endian(&self, mut words: Vec<u8>) -> Vec<u8> {
        swap_words(&mut words, self.word_bytes);
        words.drain(..self.before_bytes.min(words.len()));
        match self.frame {
            Part::Bytes(length) => {
                words.truncate(length);
                words
            }
            Part::Bits { first, count } => take_bits(&words, first, count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Words;
    use crate::frames::{FrameTable, extract};
    use crate::limits::ParseLimits;

    /// Checks every frame of pixel data, written as big endian words, against the same in little endian.
    fn check(table: &FrameTable, bits_allocated: u16, word_bytes: usize) {
        let little: Vec<u8> = (0..64_u8).map(|byte| byte.wrapping_mul(37)).collect();
        let mut big = little.clone();
        // Behind four bytes of something else.
        for word in big
            .get_mut(4..)
            .into_iter()
            .flat_map(|pixels| pixels.chunks_exact_mut(word_bytes))
        {
            word.reverse();
        }
        for index in 0..table.frame_count() {
            let expect = extract(&little, table, index, &ParseLimits::default()).expect("a frame");
            let words = Words::of(table, index, bits_allocated).expect("words");
            assert_eq!(words.cut(&big), *expect, "{table:?} {index}");
            let start = words.range.offset_bytes as usize;
            let before = big.get(..start).expect("it begins behind them");
            assert!(words.cut(before).is_empty(), "{table:?} {index}");
        }
    }

    #[test]
    fn frames_begin_and_end_within_words() {
        let native = |frame_bytes, count| FrameTable::Native {
            first_offset_bytes: 4,
            frame_bytes,
            count,
        };
        check(&native(27, 1), 8, 2);
        check(&native(9, 5), 8, 2);
        check(&native(1, 7), 8, 2);
        check(&native(8, 3), 16, 2);
        check(&native(12, 3), 32, 4);
        check(&native(16, 3), 64, 8);
        for frame_bits in [1, 9, 16, 21] {
            let bits = FrameTable::NativeBits {
                first_offset_bytes: 4,
                frame_bits,
                count: 6,
            };
            check(&bits, 1, 2);
        }
        assert_eq!(Words::of(&native(9, 5), 5, 8), None);
        assert_eq!(Words::of(&FrameTable::None, 0, 8), None);
    }
}
