//! JPEG XL by jxl-oxide (Rust).

use jxl_oxide::{AllocTracker, JxlImage};

use super::into_cells;
use crate::limits::WORKER_MEMORY_BYTES;
use crate::shape::{Photometric, Shape};
use crate::{Decoded, PixelError};

pub(super) fn decode(shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
    if !matches!(shape.bits_allocated, 8 | 16) {
        return Err(PixelError::Unsupported);
    }
    let tracker = AllocTracker::with_limit(WORKER_MEMORY_BYTES as usize / 2);
    let image = JxlImage::builder()
        .alloc_tracker(tracker)
        .read(frame)
        .map_err(|_| PixelError::Damaged)?;
    if image.width() != u32::from(shape.columns) || image.height() != u32::from(shape.rows) {
        return Err(PixelError::Damaged);
    }
    let render = image.render_frame(0).map_err(|_| PixelError::Damaged)?;
    let mut stream = render.stream_no_alpha();
    if stream.channels() != u32::from(shape.samples) {
        return Err(PixelError::Damaged);
    }
    let count = shape.pixels() * usize::from(shape.samples);
    let bits = image.image_header().metadata.bit_depth.bits_per_sample();
    let bytes = if bits <= 8 && shape.cell_bytes() == 1 {
        let mut bytes = vec![0_u8; count];
        stream.write_to_buffer(&mut bytes);
        bytes
    } else {
        let mut samples = vec![0_f32; count];
        stream.write_to_buffer(&mut samples);
        let most = (2_f64.powi(bits.min(16) as i32) - 1.0).max(1.0);
        into_cells(
            shape,
            samples
                .iter()
                .map(|sample| (f64::from(*sample) * most).round().clamp(0.0, most) as i32),
        )
    };
    // A JPEG XL stream is decoded to red, green and blue, whatever it uses inside.
    let photometric = if shape.samples == 3 {
        Photometric::Rgb
    } else {
        shape.photometric
    };
    Ok(Decoded { bytes, photometric })
}
