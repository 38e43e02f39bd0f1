//! PNG and GIF pictures that are to become pixel data, sample by sample as they are.

use std::io::Cursor;
use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DisposalMethod, MemoryLimit};
use png::{BitDepth, ColorType, Transformations};

use crate::PixelError;
use crate::limits::{FRAME_BYTES, PICTURE_FRAMES};

/// The samples of a picture, or of several of one size.
#[derive(Clone, PartialEq, Eq)]
pub struct RawPicture {
    /// (0028,0010).
    pub rows: u16,
    /// (0028,0011).
    pub columns: u16,
    /// (0028,0002): 1 for grey levels from black, 3 for red, green and blue.
    pub samples_per_pixel: u16,
    /// (0028,0100): 8 or 16.
    pub bits_allocated: u16,
    /// Each frame pixel by pixel, little endian.
    pub frames: Vec<Vec<u8>>,
}

impl RawPicture {
    fn cell_bytes(&self) -> usize {
        usize::from(self.bits_allocated / 8)
    }

    /// Says whether no pixel has a colour.
    pub fn is_grey(&self) -> bool {
        let cell = self.cell_bytes();
        let mut pixels = self
            .frames
            .iter()
            .flat_map(|frame| frame.chunks_exact(3 * cell));
        self.samples_per_pixel == 1
            || pixels.all(|pixel| pixel.get(cell..) == pixel.get(..2 * cell))
    }

    /// Keeps of three samples the first one, which is all there is to know of a grey picture.
    #[must_use]
    pub fn into_grey(mut self) -> Self {
        let cell = self.cell_bytes();
        if self.samples_per_pixel == 3 {
            for frame in &mut self.frames {
                let pixels = frame.chunks_exact(3 * cell);
                *frame = pixels
                    .flat_map(|pixel| pixel.iter().take(cell))
                    .copied()
                    .collect();
            }
            self.samples_per_pixel = 1;
        }
        self
    }
}

/// Reads a PNG. Grey levels of fewer bits are spread over eight.
///
/// # Errors
/// It is damaged or too large, moves, or something of it can be seen through: pixel data have nothing for that.
pub fn read_png(bytes: &[u8], most_bytes: u64) -> Result<RawPicture, PixelError> {
    let most = usize::try_from(most_bytes.min(FRAME_BYTES)).map_err(|_| PixelError::TooLarge)?;
    // Counts what is left out afterwards, too: how much of each pixel is seen.
    let limits = png::Limits { bytes: most };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(of_png)?;
    let info = reader.info();
    if info.animation_control.is_some_and(|all| all.num_frames > 1) {
        return Err(PixelError::Unsupported);
    }
    // PNG 11.2.2: three bytes an entry. The decoder takes that for granted.
    let palette = info.palette.as_deref().unwrap_or_default();
    if palette.len() % 3 != 0 || palette.len() > 3 * 256 {
        return Err(PixelError::Damaged);
    }
    let side = |side| u16::try_from(side).map_err(|_| PixelError::TooLarge);
    let (columns, rows) = (side(info.width)?, side(info.height)?);
    let length = reader.output_buffer_size().filter(|length| *length <= most);
    let mut samples = vec![0; length.ok_or(PixelError::TooLarge)?];
    let read = reader.next_frame(&mut samples).map_err(of_png)?;
    // What stands behind the image is read, too, so that a file that ends early is not taken.
    reader.finish().map_err(of_png)?;
    samples.truncate(read.buffer_size());
    let cell = match read.bit_depth {
        BitDepth::Eight => 1,
        BitDepth::Sixteen => 2,
        _ => return Err(PixelError::Unsupported),
    };
    let (samples_per_pixel, has_alpha) = match read.color_type {
        ColorType::Grayscale => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb => (3, false),
        ColorType::Rgba => (3, true),
        ColorType::Indexed => return Err(PixelError::Unsupported),
    };
    if has_alpha {
        samples = opaque(&samples, usize::from(samples_per_pixel) * cell, cell)?;
    }
    if cell == 2 {
        for pair in samples.chunks_exact_mut(2) {
            pair.reverse();
        }
    }
    Ok(RawPicture {
        rows,
        columns,
        samples_per_pixel,
        bits_allocated: cell as u16 * 8,
        frames: vec![samples],
    })
}

/// Leaves out how much of a pixel is seen, where that is all of it.
fn opaque(samples: &[u8], pixel_bytes: usize, cell: usize) -> Result<Vec<u8>, PixelError> {
    let mut out = Vec::with_capacity(samples.len());
    for pixel in samples.chunks_exact(pixel_bytes + cell) {
        let (colour, alpha) = pixel.split_at(pixel_bytes);
        if alpha.iter().any(|byte| *byte != u8::MAX) {
            return Err(PixelError::Unsupported);
        }
        out.extend_from_slice(colour);
    }
    Ok(out)
}

fn of_png(error: png::DecodingError) -> PixelError {
    match error {
        png::DecodingError::LimitsExceeded => PixelError::TooLarge,
        _ => PixelError::Damaged,
    }
}

/// Reads every picture of a GIF in red, green and blue, as it stands when its turn has come.
///
/// # Errors
/// It is damaged or too large, or something of it can be seen through: pixel data have nothing for that.
pub fn read_gif(bytes: &[u8], most_bytes: u64) -> Result<RawPicture, PixelError> {
    let mut options = DecodeOptions::new();
    let memory = NonZeroU64::new(most_bytes.min(FRAME_BYTES)).ok_or(PixelError::TooLarge)?;
    options.set_memory_limit(MemoryLimit::Bytes(memory));
    options.set_color_output(ColorOutput::RGBA);
    options.check_frame_consistency(true);
    let mut decoder = options.read_info(bytes).map_err(of_gif)?;
    let (columns, rows) = (decoder.width(), decoder.height());
    let pixels = usize::from(columns) * usize::from(rows);
    if pixels == 0 {
        return Err(PixelError::Damaged);
    }
    if pixels as u64 * 4 > memory.get() {
        return Err(PixelError::TooLarge);
    }
    let mut canvas = Canvas {
        columns: usize::from(columns),
        pixels: vec![[0; 4]; pixels],
    };
    let (mut frames, mut total_bytes) = (Vec::new(), 0);
    while let Some(frame) = decoder.read_next_frame().map_err(of_gif)? {
        total_bytes += pixels as u64 * 3;
        if total_bytes > most_bytes || frames.len() == PICTURE_FRAMES {
            return Err(PixelError::TooLarge);
        }
        let before = (frame.dispose == DisposalMethod::Previous).then(|| canvas.pixels.clone());
        canvas.draw(frame)?;
        frames.push(canvas.opaque()?);
        match (frame.dispose, before) {
            (DisposalMethod::Background, _) => canvas.clear(frame)?,
            (_, Some(before)) => canvas.pixels = before,
            _ => {}
        }
    }
    if frames.is_empty() {
        return Err(PixelError::Damaged);
    }
    Ok(RawPicture {
        rows,
        columns,
        samples_per_pixel: 3,
        bits_allocated: 8,
        frames,
    })
}

/// What is seen of a GIF at a time: red, green, blue, and whether anything is there.
struct Canvas {
    columns: usize,
    pixels: Vec<[u8; 4]>,
}

impl Canvas {
    fn draw(&mut self, frame: &gif::Frame<'_>) -> Result<(), PixelError> {
        self.change(frame, |pixel, drawn| {
            if let [red, green, blue, u8::MAX] = *drawn {
                *pixel = [red, green, blue, u8::MAX];
            }
        })
    }

    /// Takes away what stands in the place of a frame.
    fn clear(&mut self, frame: &gif::Frame<'_>) -> Result<(), PixelError> {
        self.change(frame, |pixel, _| *pixel = [0; 4])
    }

    /// Changes every pixel in the place of a frame, by that of the frame.
    fn change(
        &mut self,
        frame: &gif::Frame<'_>,
        by: impl Fn(&mut [u8; 4], &[u8]),
    ) -> Result<(), PixelError> {
        let (left, width) = (usize::from(frame.left), usize::from(frame.width));
        if width == 0 {
            return Ok(());
        }
        let rows = self.pixels.chunks_exact_mut(self.columns);
        let rows = rows.skip(usize::from(frame.top));
        for (row, drawn) in rows.zip(frame.buffer.chunks_exact(width * 4)) {
            let row = row.get_mut(left..left + width).ok_or(PixelError::Damaged)?;
            for (pixel, drawn) in row.iter_mut().zip(drawn.chunks_exact(4)) {
                by(pixel, drawn);
            }
        }
        Ok(())
    }

    fn opaque(&self) -> Result<Vec<u8>, PixelError> {
        let samples = self.pixels.as_flattened();
        opaque(samples, 3, 1)
    }
}

fn of_gif(error: gif::DecodingError) -> PixelError {
    match error {
        gif::DecodingError::OutOfMemory | gif::DecodingError::MemoryLimit => PixelError::TooLarge,
        _ => PixelError::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use gif::{Encoder, Frame};

    use super::{read_gif, read_png};
    use crate::PixelError;
    use crate::render::Picture;
    use crate::writing::{MediaType, write};

    /// A picture of four by four, and small frames over it.
    fn small_frames(count: usize) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), 4, 4, &[1, 2, 3, 4, 5, 6]).expect("a GIF");
        for number in 0..=count {
            let side = if number == 0 { 4 } else { 1 };
            let frame = Frame {
                width: side,
                height: side,
                buffer: Cow::Owned(vec![0; usize::from(side * side)]),
                ..Frame::default()
            };
            encoder.write_frame(&frame).expect("a frame");
        }
        encoder.into_inner().expect("a GIF")
    }

    #[test]
    fn small_frames_count_as_what_they_become() {
        // 48 bytes a frame.
        for (most_bytes, expect) in [
            (480, Ok(10)),
            (479, Err(PixelError::TooLarge)),
            (63, Err(PixelError::TooLarge)),
            (0, Err(PixelError::TooLarge)),
        ] {
            let read = read_gif(&small_frames(9), most_bytes);
            assert_eq!(
                read.map(|picture| picture.frames.len()),
                expect,
                "{most_bytes}"
            );
        }
    }

    #[test]
    fn a_png_has_an_end() {
        let picture = Picture {
            width: 8,
            height: 8,
            is_colour: false,
            bytes: vec![7; 64],
        };
        let png = write(&picture, MediaType::Png, 100).expect("a PNG");
        assert!(read_png(&png, 64).is_ok_and(|read| read.is_grey()));
        assert_eq!(read_png(&png, 63).err(), Some(PixelError::TooLarge));
    }

    #[test]
    fn a_palette_has_whole_entries_and_not_too_many() {
        for (palette_bytes, expect) in [
            (1, Some(PixelError::Damaged)),
            (3, None),
            (4, Some(PixelError::Damaged)),
            (768, None),
            (771, Some(PixelError::Damaged)),
        ] {
            let mut png = Vec::new();
            let mut encoder = png::Encoder::new(&mut png, 4, 4);
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(vec![9; palette_bytes]);
            let mut writer = encoder.write_header().expect("a PNG");
            writer.write_image_data(&[0; 16]).expect("samples");
            writer.finish().expect("an end");
            assert_eq!(read_png(&png, 1000).err(), expect, "{palette_bytes}");
        }
    }

    #[test]
    fn no_bytes_break_anything() {
        let gif = small_frames(2);
        for at in 0..gif.len() {
            for byte in [0, 1, 0x2C, 0x3B, 0x7F, 0xFF] {
                let mut broken = gif.clone();
                if let Some(place) = broken.get_mut(at) {
                    *place = byte;
                }
                let _read = read_gif(&broken, 10_000);
                let _read = read_gif(broken.get(..at).unwrap_or_default(), 10_000);
            }
        }
    }
}
