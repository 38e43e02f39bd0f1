//! One encoded frame in, its samples out. Runs where foreign bytes can do no harm.

mod colour_marks;
mod dct12;
mod deflated;
mod huffman;
mod jpeg;
mod jpeg2000;
mod jpegls;
mod jpegxl;
mod rle;

use crate::limits::ENCODED_BYTES;
use crate::shape::{Photometric, Shape};
use crate::{Decoded, PixelError};

/// JPEG-LS Lossless Image Compression.
pub const JPEG_LS_LOSSLESS: &str = "1.2.840.10008.1.2.4.80";

/// How frames of a transfer syntax are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Jpeg,
    JpegLs,
    Jpeg2000,
    JpegXl,
    Rle,
    Deflated,
}

impl Codec {
    /// Returns the codec of an encapsulated transfer syntax; `None` when its frames cannot be decoded here.
    pub(crate) fn of(transfer_syntax_uid: &str) -> Option<Self> {
        Some(
            match transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2.")? {
                "4.50" | "4.51" | "4.53" | "4.55" | "4.57" | "4.70" => Self::Jpeg,
                "4.80" | "4.81" => Self::JpegLs,
                "4.90" | "4.91" | "4.92" | "4.93" | "4.201" | "4.202" | "4.203" => Self::Jpeg2000,
                "4.110" | "4.111" | "4.112" => Self::JpegXl,
                "5" => Self::Rle,
                "8.1" => Self::Deflated,
                _ => return None,
            },
        )
    }

    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        let all = [
            Self::Jpeg,
            Self::JpegLs,
            Self::Jpeg2000,
            Self::JpegXl,
            Self::Rle,
            Self::Deflated,
        ];
        all.into_iter().find(|codec| codec.number() == number)
    }
}

/// Says whether frames of an encapsulated transfer syntax can be decoded.
pub fn is_decodable(transfer_syntax_uid: &str) -> bool {
    Codec::of(transfer_syntax_uid).is_some()
}

/// Decodes one frame in this process and thread.
///
/// # Errors
/// The frame is damaged, or is not what its shape says. Foreign code may also end the process: see the module.
pub(crate) fn decode(codec: Codec, shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
    shape.check()?;
    if frame.len() as u64 > ENCODED_BYTES {
        return Err(PixelError::TooLarge);
    }
    let decoded = match codec {
        Codec::Jpeg => jpeg::decode(shape, frame)?,
        Codec::JpegLs => jpegls::decode(shape, frame)?,
        Codec::Jpeg2000 => jpeg2000::decode(shape, frame)?,
        Codec::JpegXl => jpegxl::decode(shape, frame)?,
        Codec::Rle => rle::decode(shape, frame)?,
        Codec::Deflated => deflated::decode(shape, frame)?,
    };
    if decoded.bytes.len() != shape.decoded_bytes() {
        return Err(PixelError::Damaged);
    }
    Ok(decoded)
}

/// Encodes one decoded frame in JPEG-LS without loss, and proves it by decoding.
pub(crate) fn encode_jpeg_ls(shape: &Shape, frame: &[u8]) -> Result<Vec<u8>, PixelError> {
    shape.check()?;
    let encoded = jpegls::encode(shape, frame)?;
    let back = jpegls::decode(shape, &encoded)?;
    if back.bytes != frame {
        return Err(PixelError::Unsupported);
    }
    Ok(encoded)
}

/// Puts samples into the cells of a shape, little endian.
fn into_cells(shape: &Shape, samples: impl Iterator<Item = i32>) -> Vec<u8> {
    let mut out = Vec::with_capacity(shape.decoded_bytes());
    match shape.cell_bytes() {
        1 => out.extend(samples.map(|sample| sample as u8)),
        2 => out.extend(samples.flat_map(|sample| (sample as u16).to_le_bytes())),
        _ => out.extend(samples.flat_map(i32::to_le_bytes)),
    }
    out
}

/// What colours are when a codec has undone no colour transform.
fn untransformed(shape: &Shape, has_ybr: bool) -> Photometric {
    match (shape.samples, has_ybr) {
        (3, true) => Photometric::YbrFull,
        (3, false) => Photometric::Rgb,
        _ => shape.photometric,
    }
}
