//! JPEG 2000 and High-Throughput JPEG 2000 by OpenJPEG (C).

use jpeg2k::{DecodeParameters, Image, ImageComponent};

use super::{into_cells, untransformed};
use crate::shape::{Photometric, Shape};
use crate::{Decoded, PixelError};

pub(super) fn decode(shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
    if !matches!(shape.bits_allocated, 8 | 16 | 32) {
        return Err(PixelError::Unsupported);
    }
    check_size(shape, frame)?;
    // Tables and colour definitions of a JP2 file are not DICOM's: the samples are wanted as they are (PS3.5 8.2.4).
    let parameters = DecodeParameters::new().strict(true).ignore_pclr_cmap_cdef();
    let image = Image::from_bytes_with(frame, parameters).map_err(|_| PixelError::Damaged)?;
    let components = image.components();
    let fits = |component: &ImageComponent| {
        component.width() == u32::from(shape.columns)
            && component.height() == u32::from(shape.rows)
            && component.precision() <= u32::from(shape.bits_allocated)
    };
    let samples = usize::from(shape.samples);
    let used = components.get(..samples).ok_or(PixelError::Damaged)?;
    if !used.iter().all(fits) {
        return Err(PixelError::Damaged);
    }
    let bytes = match used {
        [only] => into_cells(
            shape,
            only.data()
                .iter()
                .map(|sample| signed(only, *sample, shape)),
        ),
        _ => {
            let planes: Vec<&[i32]> = used.iter().map(ImageComponent::data).collect();
            let pixels = 0..shape.pixels();
            let in_order = pixels.flat_map(|pixel| {
                planes
                    .iter()
                    .map(move |plane| plane.get(pixel).copied().unwrap_or(0))
            });
            into_cells(shape, in_order)
        }
    };
    // OpenJPEG undoes the colour transform that the codestream states; one that it does not state was never done.
    let photometric = match shape.photometric {
        Photometric::YbrIct | Photometric::YbrRct => Photometric::Rgb,
        other => untransformed(shape, other.is_ybr()),
    };
    Ok(Decoded { bytes, photometric })
}

/// Gives a sample the sign that the header states when the codestream states none: the bits are the same.
fn signed(component: &ImageComponent, sample: i32, shape: &Shape) -> i32 {
    let bits = component.precision().min(u32::from(shape.bits_stored));
    if shape.kind != crate::shape::SampleKind::Signed
        || component.is_signed()
        || !(1..32).contains(&bits)
    {
        return sample;
    }
    sample << (32 - bits) >> (32 - bits)
}

/// Compares the size in the codestream with the header before anything is allocated for it.
// ISO 15444-1 A.5.1: SIZ follows SOC directly; Rsiz, Xsiz, Ysiz, XOsiz, YOsiz.
fn check_size(shape: &Shape, frame: &[u8]) -> Result<(), PixelError> {
    let start = frame
        .windows(4)
        .take(16 * 1024)
        .position(|window| window == b"\xff\x4f\xff\x51")
        .ok_or(PixelError::Damaged)?;
    let words = frame
        .get(start + 8..start + 24)
        .ok_or(PixelError::Damaged)?;
    let mut words = words
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_be_bytes(*word));
    let mut next = || words.next().unwrap_or(0);
    let (x_end, y_end, x_start, y_start) = (next(), next(), next(), next());
    let is_expected = x_end.checked_sub(x_start) == Some(shape.columns.into())
        && y_end.checked_sub(y_start) == Some(shape.rows.into());
    if is_expected {
        Ok(())
    } else {
        Err(PixelError::Damaged)
    }
}
