//! What a header must say when its pixel data go out in another encoding (PS3.5 8.2, PS3.3 C.7.6.1.1.5).

use overread_dicom::{Change, Header};

use crate::PixelError;
use crate::colour::by_pixel;
use crate::shape::{PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION, Photometric, Shape};

const LOSSY_IMAGE_COMPRESSION: u32 = 0x0028_2110;

/// Returns what changes in the header when frames of `shape` go out as these colours, pixel by pixel.
pub fn changes(
    header: &Header<'_>,
    shape: &Shape,
    photometric: Photometric,
    was_lossy: bool,
) -> Vec<Change> {
    let mut changes = vec![Change::code(PHOTOMETRIC_INTERPRETATION, photometric.code())];
    if shape.samples > 1 {
        changes.push(Change::short(PLANAR_CONFIGURATION, 0));
    }
    // PS3.3 C.7.6.1.1.5: what was lost once stays lost, and is said for ever.
    if was_lossy && header.text(None, LOSSY_IMAGE_COMPRESSION).as_deref() != Some("01") {
        changes.push(Change::code(LOSSY_IMAGE_COMPRESSION, "01"));
    }
    changes
}

/// Puts an uncompressed frame pixel by pixel, as encoders take it.
///
/// # Errors
/// Its colours are subsampled, or samples of planes are wider than a byte.
pub fn pixel_by_pixel(shape: &Shape, frame: Vec<u8>) -> Result<Vec<u8>, PixelError> {
    if frame.len() != shape.decoded_bytes() {
        return Err(PixelError::Unsupported);
    }
    if !shape.is_planar {
        return Ok(frame);
    }
    if shape.bits_allocated != 8 || shape.samples != 3 {
        return Err(PixelError::Unsupported);
    }
    Ok(by_pixel(&frame, shape.pixels()))
}
