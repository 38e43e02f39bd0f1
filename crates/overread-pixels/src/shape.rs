//! What describes the samples of a frame.

use overread_dicom::{Header, Syntax};

use crate::PixelError;
use crate::limits::FRAME_BYTES;

pub(crate) const SAMPLES_PER_PIXEL: u32 = 0x0028_0002;
pub(crate) const PHOTOMETRIC_INTERPRETATION: u32 = 0x0028_0004;
pub(crate) const PLANAR_CONFIGURATION: u32 = 0x0028_0006;
const ROWS: u32 = 0x0028_0010;
const COLUMNS: u32 = 0x0028_0011;
pub(crate) const BITS_ALLOCATED: u32 = 0x0028_0100;
const BITS_STORED: u32 = 0x0028_0101;
const HIGH_BIT: u32 = 0x0028_0102;
const PIXEL_REPRESENTATION: u32 = 0x0028_0103;
const FLOAT_PIXEL_DATA: u32 = 0x7FE0_0008;
const DOUBLE_FLOAT_PIXEL_DATA: u32 = 0x7FE0_0009;

/// How colours are meant (PS3.3 C.7.6.3.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    /// The lowest value is white.
    Monochrome1,
    /// The lowest value is black.
    Monochrome2,
    /// Values are places in three tables.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luminance and two colour differences, all for every pixel.
    YbrFull,
    /// As [`Self::YbrFull`], with one pair of differences for two pixels.
    YbrFull422,
    /// As [`Self::YbrFull422`], with luminance from 16 to 235 (retired).
    YbrPartial422,
    /// As [`Self::YbrFull`], with one pair of differences for four pixels; only in compressed films and pictures.
    YbrPartial420,
    /// The irreversible colour transform of JPEG 2000.
    YbrIct,
    /// The reversible colour transform of JPEG 2000.
    YbrRct,
}

impl Photometric {
    /// Reads the code; what is unknown is taken by the number of samples.
    pub(crate) fn of(code: &str, samples: u16) -> Self {
        match code {
            "MONOCHROME1" => Self::Monochrome1,
            "PALETTE COLOR" => Self::PaletteColor,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_PARTIAL_422" => Self::YbrPartial422,
            "YBR_PARTIAL_420" => Self::YbrPartial420,
            "YBR_ICT" => Self::YbrIct,
            "YBR_RCT" => Self::YbrRct,
            _ if samples == 3 => Self::Rgb,
            _ => Self::Monochrome2,
        }
    }

    /// Returns the code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Monochrome1 => "MONOCHROME1",
            Self::Monochrome2 => "MONOCHROME2",
            Self::PaletteColor => "PALETTE COLOR",
            Self::Rgb => "RGB",
            Self::YbrFull => "YBR_FULL",
            Self::YbrFull422 => "YBR_FULL_422",
            Self::YbrPartial422 => "YBR_PARTIAL_422",
            Self::YbrPartial420 => "YBR_PARTIAL_420",
            Self::YbrIct => "YBR_ICT",
            Self::YbrRct => "YBR_RCT",
        }
    }

    /// Says whether samples are luminance and colour differences.
    pub(crate) const fn is_ybr(self) -> bool {
        matches!(
            self,
            Self::YbrFull | Self::YbrFull422 | Self::YbrPartial422 | Self::YbrPartial420
        )
    }
}

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// A whole number, 0 and more.
    Unsigned,
    /// A whole number in two's complement.
    Signed,
    /// 32 bits of floating point.
    Float,
    /// 64 bits of floating point.
    Double,
}

/// What describes the samples of each frame of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Pixels from top to bottom.
    pub rows: u16,
    /// Pixels from left to right.
    pub columns: u16,
    /// Samples of a pixel: 1, 3, or 4.
    pub samples: u16,
    /// Bits of a sample's cell: 1, 8, 16, 32, 64.
    pub bits_allocated: u16,
    /// Bits of a sample that count.
    pub bits_stored: u16,
    /// The highest of them.
    pub high_bit: u16,
    /// What a sample is.
    pub kind: SampleKind,
    /// How colours are meant.
    pub photometric: Photometric,
    /// Samples lie plane by plane and not pixel by pixel.
    pub is_planar: bool,
}

impl Shape {
    /// Reads the shape of an instance's frames.
    ///
    /// # Errors
    /// The attributes are missing or contradict one another, or a frame would be too large.
    pub fn of(header: &Header<'_>) -> Result<Self, PixelError> {
        let short = |tag| {
            let number = header
                .number(None, tag)
                .filter(|number| number.fract() == 0.0)?;
            (0.0..=65_535.0).contains(&number).then_some(number as u16)
        };
        let samples = short(SAMPLES_PER_PIXEL).unwrap_or(1);
        let code = header
            .text(None, PHOTOMETRIC_INTERPRETATION)
            .unwrap_or_default();
        let kind = if header.has(None, FLOAT_PIXEL_DATA) {
            SampleKind::Float
        } else if header.has(None, DOUBLE_FLOAT_PIXEL_DATA) {
            SampleKind::Double
        } else if short(PIXEL_REPRESENTATION) == Some(1) {
            SampleKind::Signed
        } else {
            SampleKind::Unsigned
        };
        let bits_allocated = short(BITS_ALLOCATED).ok_or(PixelError::NoShape)?;
        let bits_stored = short(BITS_STORED).filter(|bits| (1..=bits_allocated).contains(bits));
        let bits_stored = bits_stored.unwrap_or(bits_allocated);
        let high_bit =
            short(HIGH_BIT).filter(|bit| (bits_stored - 1..bits_allocated).contains(bit));
        let is_encapsulated = header
            .transfer_syntax_uid()
            .is_some_and(|uid| Syntax::of_uid(uid).encapsulated);
        let shape = Self {
            rows: short(ROWS).ok_or(PixelError::NoShape)?,
            columns: short(COLUMNS).ok_or(PixelError::NoShape)?,
            samples,
            bits_allocated,
            bits_stored,
            high_bit: high_bit.unwrap_or(bits_stored - 1),
            kind,
            photometric: Photometric::of(&code, samples),
            // Codecs give pixel after pixel; RLE alone would not, and is put in that order when it is decoded.
            is_planar: !is_encapsulated && samples > 1 && short(PLANAR_CONFIGURATION) == Some(1),
        };
        shape.check()?;
        Ok(shape)
    }

    /// Refuses what no frame can be.
    pub(crate) fn check(&self) -> Result<(), PixelError> {
        let is_possible = self.rows > 0
            && self.columns > 0
            && matches!(self.samples, 1 | 3 | 4)
            && matches!(self.bits_allocated, 1 | 8 | 16 | 32 | 64)
            && (1..=self.bits_allocated).contains(&self.bits_stored)
            && (self.bits_stored - 1..self.bits_allocated).contains(&self.high_bit)
            && (self.bits_allocated != 1 || self.samples == 1)
            && match self.kind {
                SampleKind::Float => self.bits_allocated == 32,
                SampleKind::Double => self.bits_allocated == 64,
                _ => true,
            };
        if !is_possible {
            return Err(PixelError::NoShape);
        }
        if self.decoded_bytes() as u64 > FRAME_BYTES {
            return Err(PixelError::TooLarge);
        }
        Ok(())
    }

    /// Returns the pixels of a frame.
    pub fn pixels(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    /// Returns the bytes of a sample's cell; 1 for single bits.
    pub(crate) fn cell_bytes(&self) -> usize {
        usize::from(self.bits_allocated).div_ceil(8)
    }

    /// Returns the bytes of a decoded frame: every sample in its own cell, no subsampling; single bits stay packed.
    pub fn decoded_bytes(&self) -> usize {
        if self.bits_allocated == 1 {
            return self.pixels().div_ceil(8);
        }
        self.pixels() * usize::from(self.samples) * self.cell_bytes()
    }

    /// Writes the shape for the process that decodes.
    pub(crate) fn to_bytes(&self) -> [u8; 16] {
        let kind = match self.kind {
            SampleKind::Unsigned => 0_u8,
            SampleKind::Signed => 1,
            SampleKind::Float => 2,
            SampleKind::Double => 3,
        };
        let photometric = PHOTOMETRICS
            .iter()
            .position(|known| *known == self.photometric);
        let mut out = [0; 16];
        let shorts = [
            self.rows,
            self.columns,
            self.samples,
            self.bits_allocated,
            self.bits_stored,
            self.high_bit,
        ];
        let bytes = shorts.into_iter().flat_map(u16::to_le_bytes).chain([
            kind,
            photometric.unwrap_or_default() as u8,
            self.is_planar.into(),
        ]);
        for (place, byte) in out.iter_mut().zip(bytes) {
            *place = byte;
        }
        out
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let [
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            kind,
            photometric,
            planar,
            _,
        ] = bytes;
        let shape = Self {
            rows: u16::from_le_bytes([a, b]),
            columns: u16::from_le_bytes([c, d]),
            samples: u16::from_le_bytes([e, f]),
            bits_allocated: u16::from_le_bytes([g, h]),
            bits_stored: u16::from_le_bytes([i, j]),
            high_bit: u16::from_le_bytes([k, l]),
            kind: match kind {
                0 => SampleKind::Unsigned,
                1 => SampleKind::Signed,
                2 => SampleKind::Float,
                3 => SampleKind::Double,
                _ => return None,
            },
            photometric: *PHOTOMETRICS.get(usize::from(photometric))?,
            is_planar: planar == 1,
        };
        shape.check().is_ok().then_some(shape)
    }
}

const PHOTOMETRICS: [Photometric; 10] = [
    Photometric::Monochrome1,
    Photometric::Monochrome2,
    Photometric::PaletteColor,
    Photometric::Rgb,
    Photometric::YbrFull,
    Photometric::YbrFull422,
    Photometric::YbrPartial422,
    Photometric::YbrPartial420,
    Photometric::YbrIct,
    Photometric::YbrRct,
];

#[cfg(test)]
mod tests {
    use super::{PHOTOMETRICS, Photometric, SampleKind, Shape};

    fn shape() -> Shape {
        Shape {
            rows: 512,
            columns: 300,
            samples: 1,
            bits_allocated: 16,
            bits_stored: 12,
            high_bit: 11,
            kind: SampleKind::Signed,
            photometric: Photometric::Monochrome1,
            is_planar: false,
        }
    }

    #[test]
    fn shapes_survive_the_way_to_another_process() {
        for photometric in PHOTOMETRICS {
            let shape = Shape {
                photometric,
                ..shape()
            };
            assert_eq!(Shape::from_bytes(shape.to_bytes()), Some(shape));
            assert_eq!(Photometric::of(photometric.code(), 1), photometric);
        }
        assert_eq!(Shape::from_bytes([0xFF; 16]), None);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        let bad = [
            Shape { rows: 0, ..shape() },
            Shape {
                samples: 2,
                ..shape()
            },
            Shape {
                bits_allocated: 12,
                ..shape()
            },
            Shape {
                bits_stored: 17,
                ..shape()
            },
            Shape {
                high_bit: 16,
                ..shape()
            },
            Shape {
                rows: 65_535,
                columns: 65_535,
                ..shape()
            },
        ];
        for shape in bad {
            assert!(shape.check().is_err(), "{shape:?}");
        }
    }
}
