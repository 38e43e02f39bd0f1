//! Where the frames of an instance lie, and their bytes.

mod words;

use std::borrow::Cow;

use overread_model::imaging::FrameRange;
use overread_model::problem::ProblemKind;
use serde::{Deserialize, Serialize};

use crate::inflate;
use crate::limits::ParseLimits;
use crate::problem::DicomProblem;
use crate::source::SliceSource;

pub use words::Words;

/// Where the frames of one instance lie, in bytes from the start of the instance as received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameTable {
    /// No pixel data that can be cut into frames.
    None,
    /// Uncompressed frames, one after another.
    Native {
        /// Where frame 1 starts.
        first_offset_bytes: u64,
        /// Bytes of one frame.
        frame_bytes: u64,
        /// Frames that are wholly there.
        count: u32,
    },
    /// Uncompressed frames of single bits that do not start at byte borders.
    // PS3.5 8.1.1: bits of the next frame follow without padding.
    NativeBits {
        /// Where frame 1 starts.
        first_offset_bytes: u64,
        /// Bits of one frame.
        frame_bits: u64,
        /// Frames that are wholly there.
        count: u32,
    },
    /// Encapsulated frames: for each frame its fragments' contents, to be put together in this order.
    Fragments(Vec<Vec<FrameRange>>),
    /// The data set is deflated: offsets of `inner` count from the start of the inflated data set.
    Deflated {
        /// Where the deflated data set starts in the instance as received.
        data_set_offset_bytes: u64,
        /// Frames in the inflated data set.
        inner: Box<FrameTable>,
    },
}

/// What must be read for one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameBytes {
    /// Put these ranges of the instance together.
    Ranges(Vec<FrameRange>),
    /// Read the range, then take `bit_count` bits from bit `first_bit` on (see [`take_bits`]).
    Bits {
        /// Bytes to read.
        range: FrameRange,
        /// First bit of the frame in them, 0 to 7.
        first_bit: u8,
        /// Bits of the frame.
        bit_count: u64,
    },
    /// The whole instance must be read and inflated: use [`extract`].
    WholeInstance,
}

impl FrameTable {
    /// Returns how many frames can be served.
    pub fn frame_count(&self) -> u32 {
        match self {
            Self::None => 0,
            Self::Native { count, .. } | Self::NativeBits { count, .. } => *count,
            Self::Fragments(frames) => u32::try_from(frames.len()).unwrap_or(u32::MAX),
            Self::Deflated { inner, .. } => inner.frame_count(),
        }
    }

    /// Says whether frames are fragments in the compression of the transfer syntax.
    pub fn is_encapsulated(&self) -> bool {
        match self {
            Self::Fragments(_) => true,
            Self::Deflated { inner, .. } => inner.is_encapsulated(),
            _ => false,
        }
    }

    /// Returns what to read for a frame, counted from 0; `None` when there is no such frame.
    pub fn locate(&self, frame_idx: u32) -> Option<FrameBytes> {
        if frame_idx >= self.frame_count() {
            return None;
        }
        match self {
            Self::None => None,
            Self::Native {
                first_offset_bytes,
                frame_bytes,
                ..
            } => Some(FrameBytes::Ranges(vec![FrameRange {
                offset_bytes: first_offset_bytes
                    .checked_add(frame_bytes.checked_mul(frame_idx.into())?)?,
                length_bytes: *frame_bytes,
            }])),
            Self::NativeBits {
                first_offset_bytes,
                frame_bits,
                ..
            } => {
                let start_bit = frame_bits.checked_mul(frame_idx.into())?;
                let end_bit = start_bit.checked_add(*frame_bits)?;
                Some(FrameBytes::Bits {
                    range: FrameRange {
                        offset_bytes: first_offset_bytes.checked_add(start_bit / 8)?,
                        length_bytes: end_bit.div_ceil(8) - start_bit / 8,
                    },
                    first_bit: (start_bit % 8) as u8,
                    bit_count: *frame_bits,
                })
            }
            Self::Fragments(frames) => frames
                .get(frame_idx as usize)
                .cloned()
                .map(FrameBytes::Ranges),
            Self::Deflated { .. } => Some(FrameBytes::WholeInstance),
        }
    }

    /// Returns the table as bytes for a column of the index.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => out.push(b'0'),
            Self::Native {
                first_offset_bytes,
                frame_bytes,
                count,
            } => {
                out.push(b'n');
                put_all(out, &[*first_offset_bytes, *frame_bytes, (*count).into()]);
            }
            Self::NativeBits {
                first_offset_bytes,
                frame_bits,
                count,
            } => {
                out.push(b'b');
                put_all(out, &[*first_offset_bytes, *frame_bits, (*count).into()]);
            }
            Self::Fragments(frames) => {
                out.push(b'f');
                put(out, frames.len() as u64);
                let mut end = 0;
                for frame in frames {
                    put(out, frame.len() as u64);
                    for range in frame {
                        // Fragments follow one another closely, so the gap is one byte instead of five.
                        put(out, range.offset_bytes.wrapping_sub(end));
                        put(out, range.length_bytes);
                        end = range.offset_bytes.wrapping_add(range.length_bytes);
                    }
                }
            }
            Self::Deflated {
                data_set_offset_bytes,
                inner,
            } => {
                out.push(b'd');
                put(out, *data_set_offset_bytes);
                inner.write(out);
            }
        }
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` when the bytes are damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let table = Self::read(&mut rest, true)?;
        rest.is_empty().then_some(table)
    }

    fn read(rest: &mut &[u8], may_be_deflated: bool) -> Option<Self> {
        let (kind, tail) = rest.split_first()?;
        *rest = tail;
        Some(match kind {
            b'0' => Self::None,
            b'n' => Self::Native {
                first_offset_bytes: take(rest)?,
                frame_bytes: take(rest)?,
                count: take(rest)?.try_into().ok()?,
            },
            b'b' => Self::NativeBits {
                first_offset_bytes: take(rest)?,
                frame_bits: take(rest)?,
                count: take(rest)?.try_into().ok()?,
            },
            b'f' => {
                let mut frames = Vec::new();
                let mut end = 0_u64;
                for _ in 0..take(rest)? {
                    let mut frame = Vec::new();
                    for _ in 0..take(rest)? {
                        let offset_bytes = end.wrapping_add(take(rest)?);
                        let length_bytes = take(rest)?;
                        end = offset_bytes.wrapping_add(length_bytes);
                        frame.push(FrameRange {
                            offset_bytes,
                            length_bytes,
                        });
                    }
                    frames.push(frame);
                }
                Self::Fragments(frames)
            }
            b'd' if may_be_deflated => Self::Deflated {
                data_set_offset_bytes: take(rest)?,
                inner: Box::new(Self::read(rest, false)?),
            },
            _ => return None,
        })
    }
}

/// Writes a number seven bits a byte, the low ones first.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_all(out: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        put(out, *number);
    }
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes bits out of bytes, the lowest bit of each byte first, and moves them to the start of new bytes.
// PS3.5 8.1.1 and D.1: the first pixel is the least significant bit of the first byte.
pub fn take_bits(bytes: &[u8], first_bit: u8, bit_count: u64) -> Vec<u8> {
    let shift = u32::from(first_bit % 8);
    let length = usize::try_from(bit_count.div_ceil(8))
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let mut out: Vec<u8> = (0..length)
        .map(|index| {
            let low = bytes.get(index).copied().unwrap_or(0);
            let high = bytes.get(index + 1).copied().unwrap_or(0);
            (u16::from_le_bytes([low, high]) >> shift) as u8
        })
        .collect();
    let used = (bit_count % 8) as u32;
    if used > 0
        && let Some(last) = out.last_mut()
    {
        *last &= (1_u8 << used).wrapping_sub(1);
    }
    out
}

/// Returns the bytes of a frame (counted from 0) of a whole instance, as they are stored.
///
/// # Errors
/// There is no such frame, the instance is shorter than the table says, or inflating passes a limit.
pub fn extract<'a>(
    instance: &'a [u8],
    table: &FrameTable,
    frame_idx: u32,
    limits: &ParseLimits,
) -> Result<Cow<'a, [u8]>, DicomProblem> {
    if let FrameTable::Deflated {
        data_set_offset_bytes,
        inner,
    } = table
    {
        let inflated =
            inflate::inflate(&mut SliceSource(instance), *data_set_offset_bytes, limits)?;
        return extract_plain(&inflated.bytes, inner, frame_idx)
            .map(|frame| Cow::Owned(frame.into_owned()));
    }
    extract_plain(instance, table, frame_idx)
}

fn extract_plain<'a>(
    bytes: &'a [u8],
    table: &FrameTable,
    frame_idx: u32,
) -> Result<Cow<'a, [u8]>, DicomProblem> {
    let short = || {
        DicomProblem::new(
            ProblemKind::BadPixelData,
            "the instance ends before this frame does",
        )
    };
    let slice = |range: &FrameRange| {
        let start = usize::try_from(range.offset_bytes).ok()?;
        let length = usize::try_from(range.length_bytes).ok()?;
        bytes.get(start..start.checked_add(length)?)
    };
    match table.locate(frame_idx) {
        Some(FrameBytes::Ranges(ranges)) => match ranges.as_slice() {
            [only] => slice(only).map(Cow::Borrowed).ok_or_else(short),
            many => {
                let parts: Option<Vec<&[u8]>> = many.iter().map(slice).collect();
                parts
                    .map(|parts| Cow::Owned(parts.concat()))
                    .ok_or_else(short)
            }
        },
        Some(FrameBytes::Bits {
            range,
            first_bit,
            bit_count,
        }) => slice(&range)
            .map(|bytes| Cow::Owned(take_bits(bytes, first_bit, bit_count)))
            .ok_or_else(short),
        Some(FrameBytes::WholeInstance) | None => Err(DicomProblem::new(
            ProblemKind::BadPixelData,
            "the instance has no such frame",
        )),
    }
}

#[cfg(test)]
mod tests {
    use overread_model::imaging::FrameRange;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{FrameBytes, FrameTable, extract, take_bits};
    use crate::limits::ParseLimits;

    #[test]
    fn tables_survive_their_column() {
        let tables = [
            FrameTable::None,
            FrameTable::Native {
                first_offset_bytes: 2936,
                frame_bytes: 524_288,
                count: 3,
            },
            FrameTable::NativeBits {
                first_offset_bytes: 7,
                frame_bits: 912,
                count: 3,
            },
            FrameTable::Fragments(vec![
                vec![
                    FrameRange {
                        offset_bytes: 100,
                        length_bytes: 20,
                    },
                    FrameRange {
                        offset_bytes: 128,
                        length_bytes: 2,
                    },
                ],
                vec![],
            ]),
        ];
        for table in tables {
            assert_eq!(
                FrameTable::from_bytes(&table.to_bytes()),
                Some(table.clone())
            );
            let deflated = FrameTable::Deflated {
                data_set_offset_bytes: 300,
                inner: Box::new(table),
            };
            assert_eq!(FrameTable::from_bytes(&deflated.to_bytes()), Some(deflated));
        }
        assert_eq!(FrameTable::from_bytes(b"f\xff\xff\xff"), None);
        assert_eq!(FrameTable::from_bytes(b""), None);
    }

    #[test]
    fn frames_are_cut_out() {
        let bytes: Vec<u8> = (0..32).collect();
        let table = FrameTable::Native {
            first_offset_bytes: 8,
            frame_bytes: 4,
            count: 2,
        };
        let limits = ParseLimits::default();
        assert_eq!(
            extract(&bytes, &table, 1, &limits).unwrap().as_ref(),
            [12, 13, 14, 15]
        );
        assert!(extract(&bytes, &table, 2, &limits).is_err());
        let beyond = FrameTable::Native {
            first_offset_bytes: u64::MAX,
            frame_bytes: 4,
            count: 2,
        };
        assert!(extract(&bytes, &beyond, 1, &limits).is_err());
        assert_eq!(beyond.locate(1), None);
        assert!(matches!(beyond.locate(0), Some(FrameBytes::Ranges(_))));
    }

    #[test]
    fn bits_are_moved_to_the_front() {
        assert_eq!(take_bits(&[0b1010_0000, 0b0000_0101], 5, 6), [0b0010_1101]);
        assert_eq!(take_bits(&[0xFF, 0xFF], 4, 8), [0xFF]);
        assert!(take_bits(&[], 4, 8).is_empty());
    }

    proptest! {
        #[test]
        fn damaged_tables_do_no_harm(bytes: Vec<u8>, index in any::<u32>()) {
            if let Some(table) = FrameTable::from_bytes(&bytes) {
                let _where = table.locate(index);
                prop_assert_eq!(FrameTable::from_bytes(&table.to_bytes()), Some(table));
            }
        }
    }
}
