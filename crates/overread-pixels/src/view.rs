//! What part of a picture is shown, and how large (PS3.18 8.3.5.1.3).

use crate::PixelError;
use crate::limits::{PICTURE_PIXELS, PICTURE_SIDE};
use crate::render::Picture;

/// A part of the stored image, in its pixels; the whole image when nothing is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Source {
    /// First column.
    pub x: f64,
    /// First row.
    pub y: f64,
    /// Columns; 0 for all to the right.
    pub width: f64,
    /// Rows; 0 for all below.
    pub height: f64,
    /// Shown with left and right exchanged.
    pub is_flipped_across: bool,
    /// Shown with top and bottom exchanged.
    pub is_flipped_down: bool,
}

/// The rectangle into which a picture must fit, and what of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct View {
    /// Columns and rows into which it must fit; as large as it is when absent.
    pub fit: Option<(u32, u32)>,
    /// What is shown.
    pub source: Option<Source>,
}

/// Cuts, scales and flips; the aspect is kept, pixels that are not square are made so.
pub(crate) fn arrange(
    picture: Picture,
    view: &View,
    pixel_height: f64,
) -> Result<Picture, PixelError> {
    if view.fit.is_none() && view.source.is_none() && pixel_height == 1.0 {
        return Ok(picture);
    }
    let whole = (f64::from(picture.width), f64::from(picture.height));
    let (left, top, width, height) = cut(view.source, whole).ok_or(PixelError::Unsupported)?;
    let square = if pixel_height >= 1.0 {
        (width, height * pixel_height)
    } else {
        (width / pixel_height, height)
    };
    let scale = view.fit.map_or(1.0, |(most_wide, most_high)| {
        (f64::from(most_wide) / square.0).min(f64::from(most_high) / square.1)
    });
    // Rounding must not carry over the edge that was asked.
    let side = |length: f64, most: Option<u32>| {
        let length = (length * scale).round().max(1.0) as u32;
        length.min(most.unwrap_or(PICTURE_SIDE)).min(PICTURE_SIDE)
    };
    let wide = side(square.0, view.fit.map(|fit| fit.0));
    let high = side(square.1, view.fit.map(|fit| fit.1));
    if u64::from(wide) * u64::from(high) > PICTURE_PIXELS {
        return Err(PixelError::TooLarge);
    }
    let mut scaled = scale_part(&picture, (left, top, width, height), (wide, high));
    if let Some(source) = view.source {
        if source.is_flipped_across {
            flip_across(&mut scaled);
        }
        if source.is_flipped_down {
            flip_down(&mut scaled);
        }
    }
    Ok(scaled)
}

/// Returns left, top, width and height of what is shown, within the picture; `None` when nothing of it is.
fn cut(source: Option<Source>, whole: (f64, f64)) -> Option<(f64, f64, f64, f64)> {
    let Some(source) = source else {
        return Some((0.0, 0.0, whole.0, whole.1));
    };
    let side = |start: f64, length: f64, whole: f64| {
        let length = if length > 0.0 { length } else { whole - start };
        let (from, to) = (start.max(0.0), (start + length).min(whole));
        (to - from >= 1.0).then_some((from, to - from))
    };
    let (left, width) = side(source.x, source.width, whole.0)?;
    let (top, height) = side(source.y, source.height, whole.1)?;
    Some((left, top, width, height))
}

/// Scales a part: every pixel that is drawn is the mean of what lies under it, nearer ones counting more.
// Filters that sharpen draw bright and dark rims at edges, where none are in the body.
fn scale_part(
    picture: &Picture,
    (left, top, width, height): (f64, f64, f64, f64),
    (wide, high): (u32, u32),
) -> Picture {
    let pixel = if picture.is_colour { 3 } else { 1 };
    let line_bytes = line_bytes(picture);
    let across = shares(left, width, wide);
    let down = shares(top, height, high);
    let mut line = vec![0_f32; line_bytes];
    let mut bytes = Vec::with_capacity(wide as usize * high as usize * pixel);
    for (first, weights) in &down {
        line.fill(0.0);
        let rows = picture.bytes.chunks_exact(line_bytes.max(1)).skip(*first);
        for (row, weight) in rows.zip(weights) {
            for (sum, value) in line.iter_mut().zip(row) {
                *sum += f32::from(*value) * weight;
            }
        }
        for (first, weights) in &across {
            let part = line.get(first * pixel..).unwrap_or_default();
            for sample in 0..pixel {
                let values = part.iter().skip(sample).step_by(pixel);
                let sum: f32 = values
                    .zip(weights)
                    .map(|(value, weight)| value * weight)
                    .sum();
                bytes.push((sum + 0.5) as u8);
            }
        }
    }
    Picture {
        width: wide,
        height: high,
        is_colour: picture.is_colour,
        bytes,
    }
}

/// Returns for every place of the target where its share of the source begins, and how much each pixel counts.
fn shares(start: f64, length: f64, target: u32) -> Vec<(usize, Vec<f32>)> {
    let step = length / f64::from(target);
    let reach = step.max(1.0);
    let (first, last) = (start.floor(), (start + length).ceil());
    let share = |place: u32| {
        let middle = start + (f64::from(place) + 0.5) * step;
        let from = (middle - reach).floor().max(first);
        let to = (middle + reach).ceil().min(last);
        let pixels = 0..(to - from) as usize;
        let weight = |pixel| {
            let distance = (from + pixel as f64 + 0.5 - middle).abs();
            (1.0 - distance / reach).max(0.0)
        };
        let sum: f64 = pixels.clone().map(weight).sum();
        let weights = pixels.map(|pixel| (weight(pixel) / sum) as f32);
        (from as usize, weights.collect())
    };
    (0..target).map(share).collect()
}

fn line_bytes(picture: &Picture) -> usize {
    let pixel = if picture.is_colour { 3 } else { 1 };
    picture.width as usize * pixel
}

/// Exchanges left and right.
pub(crate) fn flip_across(picture: &mut Picture) {
    let line = line_bytes(picture).max(1);
    for row in picture.bytes.chunks_exact_mut(line) {
        row.reverse();
        if picture.is_colour {
            for colours in row.as_chunks_mut::<3>().0 {
                colours.reverse();
            }
        }
    }
}

/// Exchanges top and bottom.
fn flip_down(picture: &mut Picture) {
    let rows = picture.bytes.chunks_exact(line_bytes(picture).max(1)).rev();
    picture.bytes = rows.flatten().copied().collect();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{Source, View, arrange};
    use crate::render::Picture;

    fn picture(width: u32, height: u32) -> Picture {
        Picture {
            width,
            height,
            is_colour: false,
            bytes: (0..width * height).map(|index| index as u8).collect(),
        }
    }

    fn size(view: View, pixel_height: f64) -> Option<(u32, u32)> {
        let arranged = arrange(picture(40, 20), &view, pixel_height).ok()?;
        assert_eq!(
            arranged.bytes.len() as u32,
            arranged.width * arranged.height
        );
        Some((arranged.width, arranged.height))
    }

    const WHOLE: Source = Source {
        x: 0.0,
        y: 0.0,
        width: 0.0,
        height: 0.0,
        is_flipped_across: false,
        is_flipped_down: false,
    };

    #[test]
    fn aspect_is_kept_and_nothing_overflows_w9() {
        let fit = |wide, high| View {
            fit: Some((wide, high)),
            source: None,
        };
        assert_eq!(size(fit(20, 20), 1.0), Some((20, 10)));
        assert_eq!(size(fit(400, 100), 1.0), Some((200, 100)));
        assert_eq!(size(fit(3, 1), 1.0), Some((2, 1)));
        assert_eq!(size(fit(1, 1), 1.0), Some((1, 1)));
        assert_eq!(size(fit(40, 40), 2.0), Some((40, 40)));
        assert_eq!(size(View::default(), 2.0), Some((40, 40)));
        assert_eq!(size(View::default(), 0.5), Some((80, 20)));
        let part = |x, width| View {
            fit: Some((10, 10)),
            source: Some(Source { x, width, ..WHOLE }),
        };
        assert_eq!(size(part(0.0, 20.0), 1.0), Some((10, 10)));
        assert_eq!(size(part(30.0, 100.0), 1.0), Some((5, 10)));
        assert_eq!(size(part(40.0, 5.0), 1.0), None);
        assert_eq!(size(fit(16_384, 16_384), 1.0), None);
    }

    #[test]
    fn values_are_means_of_what_lies_under_them() {
        let scaled = |view: View| arrange(picture(2, 2), &view, 1.0).unwrap().bytes;
        let fit = |side| View {
            fit: Some((side, side)),
            source: None,
        };
        assert_eq!(scaled(fit(2)), [0, 1, 2, 3]);
        assert_eq!(scaled(fit(1)), [2]);
        let larger = scaled(fit(4));
        assert_eq!(
            (larger.len(), larger.first(), larger.last()),
            (16, Some(&0), Some(&3))
        );
        let even = Picture {
            bytes: vec![77; 40 * 20 * 3],
            is_colour: true,
            ..picture(40, 20)
        };
        for side in [1, 7, 39, 64] {
            let drawn = arrange(even.clone(), &fit(side), 1.0).unwrap();
            assert!(drawn.bytes.iter().all(|value| *value == 77), "{side}");
        }
    }

    #[test]
    fn flips_exchange_the_sides() {
        let flipped = |across, down| {
            let source = Source {
                is_flipped_across: across,
                is_flipped_down: down,
                ..WHOLE
            };
            let view = View {
                fit: None,
                source: Some(source),
            };
            arrange(picture(2, 2), &view, 1.0).unwrap().bytes
        };
        assert_eq!(flipped(false, false), [0, 1, 2, 3]);
        assert_eq!(flipped(true, false), [1, 0, 3, 2]);
        assert_eq!(flipped(false, true), [2, 3, 0, 1]);
    }
}
