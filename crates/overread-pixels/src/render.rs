//! One frame's samples as a picture for people's eyes.

use crate::colour;
use crate::description::Description;
use crate::grey::{Greys, Voi};
use crate::limits::{PICTURE_PIXELS, PICTURE_SIDE};
use crate::shape::{Photometric, Shape};
use crate::stored::Stored;
use crate::view::{View, arrange};
use crate::{Decoded, PixelError};

/// Grey levels or colours of eight bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Three bytes a pixel (red, green, blue) and not one.
    pub is_colour: bool,
    /// Row by row.
    pub bytes: Vec<u8>,
}

/// The samples of a frame.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a> {
    /// As they are stored, uncompressed, little endian.
    Native(&'a [u8]),
    /// As a codec gave them.
    Decoded(&'a Decoded),
}

/// Draws a frame. What is asked of values of interest counts for grey images only.
///
/// # Errors
/// The samples are of a kind that is not drawn, or the picture would be too large.
pub fn draw(
    description: &Description,
    samples: Samples<'_>,
    voi: Option<&Voi>,
    view: &View,
) -> Result<Picture, PixelError> {
    let (bytes, shape) = match samples {
        Samples::Native(bytes) => (bytes, description.shape.clone()),
        Samples::Decoded(decoded) => {
            let shape = Shape {
                photometric: decoded.photometric,
                is_planar: false,
                ..description.shape.clone()
            };
            (decoded.bytes.as_slice(), shape)
        }
    };
    let longest = u32::from(shape.rows.max(shape.columns));
    if longest > PICTURE_SIDE || shape.pixels() as u64 > PICTURE_PIXELS {
        return Err(PixelError::TooLarge);
    }
    let is_colour = shape.samples > 1 || shape.photometric == Photometric::PaletteColor;
    let drawn = if is_colour {
        colour::draw(description, &shape, bytes)?
    } else {
        let greys = Greys {
            modality: description.modality.clone(),
            voi: voi.unwrap_or(&description.voi).clone(),
            is_inverse: description.is_inverse,
            lut: description
                .presentation
                .as_ref()
                .and_then(|presentation| presentation.lut.clone()),
            padding: description.padding,
        };
        greys.draw(&Stored::of(&shape, bytes))
    };
    let expected = shape.pixels() * if is_colour { 3 } else { 1 };
    if drawn.len() != expected {
        return Err(PixelError::Damaged);
    }
    let mut picture = Picture {
        width: shape.columns.into(),
        height: shape.rows.into(),
        is_colour,
        bytes: drawn,
    };
    let Some(presentation) = &description.presentation else {
        return arrange(picture, view, description.pixel_height);
    };
    presentation.close(&mut picture);
    let view = presentation.view(view);
    let picture = arrange(picture, &view, description.pixel_height)?;
    Ok(presentation.turn(picture))
}
