//! Pictures as JPEG, PNG and GIF.

use std::io::Write as _;

use gif::{Encoder as Gif, Frame, Repeat};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use crate::PixelError;
use crate::limits::{ANIMATION_FRAMES, ANIMATION_PIXELS};
use crate::render::Picture;

/// In what a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// image/jpeg.
    Jpeg,
    /// image/png.
    Png,
    /// image/gif.
    Gif,
}

impl MediaType {
    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
        }
    }
}

/// Writes one picture; the quality (1 to 100) counts for JPEG.
///
/// # Errors
/// The picture is larger than the format can hold.
pub fn write(picture: &Picture, media_type: MediaType, quality: u8) -> Result<Vec<u8>, PixelError> {
    match media_type {
        MediaType::Jpeg => jpeg(picture, quality),
        MediaType::Png => png(picture),
        MediaType::Gif => write_animation(std::slice::from_ref(picture), 0),
    }
}

fn sides(picture: &Picture) -> Result<(u16, u16), PixelError> {
    let side = |side: u32| u16::try_from(side).map_err(|_| PixelError::TooLarge);
    Ok((side(picture.width)?, side(picture.height)?))
}

fn jpeg(picture: &Picture, quality: u8) -> Result<Vec<u8>, PixelError> {
    let (width, height) = sides(picture).map(|(width, height)| (width.into(), height.into()))?;
    let (format, colours) = if picture.is_colour {
        // Colours of an ultrasound's flow or a stain are not to bleed over edges.
        (PixelFormat::RGB, Subsamp::None)
    } else {
        (PixelFormat::GRAY, Subsamp::Gray)
    };
    let pitch = width * format.size();
    if picture.bytes.len() < pitch * height {
        return Err(PixelError::Unsupported);
    }
    let image = Image {
        pixels: picture.bytes.as_slice(),
        width,
        pitch,
        height,
        format,
    };
    let written = || {
        let mut encoder = Compressor::new()?;
        encoder.set_quality(quality.clamp(1, 100).into())?;
        encoder.set_subsamp(colours)?;
        encoder.compress_to_vec(image)
    };
    written().map_err(|_: turbojpeg::Error| PixelError::TooLarge)
}

fn png(picture: &Picture) -> Result<Vec<u8>, PixelError> {
    let mut out = Vec::with_capacity(picture.bytes.len() / 2 + 4096);
    let mut encoder = png::Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_color(if picture.is_colour {
        png::ColorType::Rgb
    } else {
        png::ColorType::Grayscale
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(|_| PixelError::TooLarge)?;
    writer
        .write_image_data(&picture.bytes)
        .map_err(|_| PixelError::TooLarge)?;
    writer.finish().map_err(|_| PixelError::TooLarge)?;
    Ok(out)
}

/// Writes pictures of one size as a GIF that repeats for ever; one alone stands still.
///
/// # Errors
/// There are too many, or they are too large.
pub fn write_animation(pictures: &[Picture], frame_ms: u32) -> Result<Vec<u8>, PixelError> {
    let first = pictures.first().ok_or(PixelError::Unsupported)?;
    let (width, height) = sides(first)?;
    let pixels = u64::from(first.width) * u64::from(first.height) * pictures.len() as u64;
    if pictures.len() > ANIMATION_FRAMES || pixels > ANIMATION_PIXELS {
        return Err(PixelError::TooLarge);
    }
    let greys: Vec<u8> = (0..=255_u8).flat_map(|grey| [grey; 3]).collect();
    let palette: &[u8] = if first.is_colour { &[] } else { &greys };
    let mut out = Vec::new();
    let mut encoder =
        Gif::new(&mut out, width, height, palette).map_err(|_| PixelError::TooLarge)?;
    if pictures.len() > 1 {
        encoder
            .set_repeat(Repeat::Infinite)
            .map_err(|_| PixelError::TooLarge)?;
    }
    for picture in pictures {
        if (picture.width, picture.height, picture.is_colour)
            != (first.width, first.height, first.is_colour)
        {
            return Err(PixelError::Unsupported);
        }
        let mut frame = if picture.is_colour {
            Frame::from_rgb_speed(width, height, &picture.bytes, 10)
        } else {
            Frame {
                width,
                height,
                buffer: picture.bytes.as_slice().into(),
                ..Frame::default()
            }
        };
        // A GIF counts hundredths of a second.
        frame.delay = u16::try_from(frame_ms / 10).unwrap_or(u16::MAX);
        encoder
            .write_frame(&frame)
            .map_err(|_| PixelError::TooLarge)?;
    }
    encoder
        .into_inner()
        .and_then(|out| Ok(out.flush()?))
        .map_err(|_| PixelError::TooLarge)?;
    Ok(out)
}
