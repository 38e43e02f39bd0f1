//! What a header says of how a frame is to be shown.

use overread_dicom::{Header, Item};

use crate::PixelError;
use crate::grey::{Modality, Table, Voi, VoiFunction};
use crate::limits::{PIXEL_HEIGHT, TABLE_ENTRIES, VOI_CHOICES};
use crate::presentation::Presentation;
use crate::shape::{Photometric, SampleKind, Shape};

const FRAME_TIME: u32 = 0x0018_1063;
const RECOMMENDED_DISPLAY_FRAME_RATE: u32 = 0x0008_2144;
const CINE_RATE: u32 = 0x0018_0040;
const IMAGER_PIXEL_SPACING: u32 = 0x0018_1164;
const PIXEL_SPACING: u32 = 0x0028_0030;
const PIXEL_ASPECT_RATIO: u32 = 0x0028_0034;
const PIXEL_PADDING_VALUE: u32 = 0x0028_0120;
const PIXEL_PADDING_RANGE_LIMIT: u32 = 0x0028_0121;
const WINDOW_CENTER: u32 = 0x0028_1050;
const WINDOW_WIDTH: u32 = 0x0028_1051;
const RESCALE_INTERCEPT: u32 = 0x0028_1052;
const RESCALE_SLOPE: u32 = 0x0028_1053;
const VOI_LUT_FUNCTION: u32 = 0x0028_1056;
const PALETTE_DESCRIPTORS: [u32; 3] = [0x0028_1101, 0x0028_1102, 0x0028_1103];
const PALETTE_DATA: [u32; 3] = [0x0028_1201, 0x0028_1202, 0x0028_1203];
const SEGMENTED_PALETTE_DATA: [u32; 3] = [0x0028_1221, 0x0028_1222, 0x0028_1223];
const MODALITY_LUT_SEQUENCE: u32 = 0x0028_3000;
const LUT_DESCRIPTOR: u32 = 0x0028_3002;
const LUT_DATA: u32 = 0x0028_3006;
const VOI_LUT_SEQUENCE: u32 = 0x0028_3010;
const REPRESENTATIVE_FRAME_NUMBER: u32 = 0x0028_6010;
const PIXEL_MEASURES_SEQUENCE: u32 = 0x0028_9110;
const FRAME_VOI_LUT_SEQUENCE: u32 = 0x0028_9132;
const PIXEL_VALUE_TRANSFORMATION_SEQUENCE: u32 = 0x0028_9145;
const PRESENTATION_LUT_SHAPE: u32 = 0x2050_0020;
const SHARED_FUNCTIONAL_GROUPS_SEQUENCE: u32 = 0x5200_9229;
const PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE: u32 = 0x5200_9230;

/// Time that a frame of an animation stays when the header says nothing.
const FRAME_MS: f64 = 100.0;

/// How one frame of an instance is to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Its samples.
    pub shape: Shape,
    /// What stands for itself when nothing else is asked.
    pub voi: Voi,
    /// The frame that stands for all, counted from 1.
    pub representative_frame: u32,
    /// Time that a frame of an animation stays.
    pub frame_ms: u32,
    pub(crate) modality: Modality,
    pub(crate) is_inverse: bool,
    pub(crate) padding: Option<(f64, f64)>,
    pub(crate) palette: Option<[Table; 3]>,
    /// Height of a pixel for a width of 1.
    pub(crate) pixel_height: f64,
    pub(crate) presentation: Option<Presentation>,
}

impl Description {
    /// Reads what is said of a frame, counted from 0.
    ///
    /// # Errors
    /// The samples are not described, or are impossible.
    pub fn of(header: &Header<'_>, frame_idx: u32) -> Result<Self, PixelError> {
        let shape = Shape::of(header)?;
        let groups = Groups::of(header, frame_idx);
        let representative = header.number(None, REPRESENTATIVE_FRAME_NUMBER);
        let lut_shape = header.text(None, PRESENTATION_LUT_SHAPE);
        let palette = (shape.photometric == Photometric::PaletteColor)
            .then(|| palette(header, &shape))
            .flatten();
        Ok(Self {
            voi: voi(header, &groups, &shape),
            representative_frame: representative.map_or(1, |number| number.max(1.0) as u32),
            frame_ms: frame_ms(header),
            modality: modality(header, &groups, &shape),
            // PS3.3 C.8.11.3.1.2: INVERSE goes with MONOCHROME1 and says the same thing again.
            is_inverse: shape.photometric == Photometric::Monochrome1
                || lut_shape.as_deref() == Some("INVERSE"),
            padding: padding(header, &shape),
            palette,
            pixel_height: pixel_height(header, &groups),
            presentation: None,
            shape,
        })
    }
}

/// Where functional groups of a frame are looked for, its own first, the root last.
struct Groups(Vec<Item>);

impl Groups {
    fn of(header: &Header<'_>, frame_idx: u32) -> Self {
        let own = header.item(
            None,
            PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            frame_idx as usize,
        );
        let shared = header.item(None, SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0);
        Self(own.into_iter().chain(shared).collect())
    }

    /// Returns the first item of a group's sequence.
    fn find(&self, header: &Header<'_>, sequence: u32) -> Option<Item> {
        let mut groups = self.0.iter();
        groups.find_map(|group| header.item(Some(*group), sequence, 0))
    }
}

pub(crate) fn modality_table(header: &Header<'_>, shape: &Shape) -> Option<Modality> {
    let item = header.item(None, MODALITY_LUT_SEQUENCE, 0)?;
    table_of(header, Some(item), LUT_DESCRIPTOR, LUT_DATA, shape).map(Modality::Table)
}

fn modality(header: &Header<'_>, groups: &Groups, shape: &Shape) -> Modality {
    if let Some(table) = modality_table(header, shape) {
        return table;
    }
    let place = groups.find(header, PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
    let number = |tag| {
        let grouped = place.and_then(|item| header.number(Some(item), tag));
        grouped.or_else(|| header.number(None, tag))
    };
    Modality::Linear {
        slope: number(RESCALE_SLOPE)
            .filter(|slope| *slope != 0.0)
            .unwrap_or(1.0),
        intercept: number(RESCALE_INTERCEPT).unwrap_or(0.0),
    }
}

/// Returns the first table or window that can be used.
fn voi(header: &Header<'_>, groups: &Groups, shape: &Shape) -> Voi {
    let grouped = groups.find(header, FRAME_VOI_LUT_SEQUENCE);
    let tables = header.items(None, VOI_LUT_SEQUENCE, VOI_CHOICES);
    let table = tables
        .into_iter()
        .find_map(|item| table_of(header, Some(item), LUT_DESCRIPTOR, LUT_DATA, shape));
    let window = grouped
        .and_then(|item| window_of(header, Some(item)))
        .or_else(|| window_of(header, None));
    // PS3.3 C.11.2.1: a table and a window are alternatives; the table is what the machine's maker shaped.
    match (table, window) {
        (Some(table), _) => Voi::Table(table),
        (None, Some(window)) => window,
        (None, None) => Voi::Everything,
    }
}

pub(crate) fn window_of(header: &Header<'_>, place: Option<Item>) -> Option<Voi> {
    let function = match header.text(place, VOI_LUT_FUNCTION).as_deref() {
        Some("LINEAR_EXACT") => VoiFunction::LinearExact,
        Some("SIGMOID") => VoiFunction::Sigmoid,
        _ => VoiFunction::Linear,
    };
    let centers = header.numbers(place, WINDOW_CENTER);
    let widths = header.numbers(place, WINDOW_WIDTH);
    let least = if function == VoiFunction::Linear {
        1.0
    } else {
        0.0
    };
    let is_usable = |center: f64, width: f64| {
        center.is_finite() && width.is_finite() && width >= least && width > 0.0
    };
    let mut pairs = centers.into_iter().zip(widths).take(VOI_CHOICES);
    let (center, width) = pairs.find(|(center, width)| is_usable(*center, *width))?;
    Some(Voi::Window {
        center,
        width,
        function,
    })
}

/// Reads a lookup table (PS3.3 C.11.1.1: number of entries, first value, bits).
pub(crate) fn table_of(
    header: &Header<'_>,
    place: Option<Item>,
    descriptor: u32,
    data: u32,
    shape: &Shape,
) -> Option<Table> {
    let (count, first, bits) = descriptor_of(header, place, descriptor, shape)?;
    let value = header.value(place, data)?;
    let entries = entries(&value.bytes, count)?;
    Some(Table {
        first,
        entries,
        bits,
    })
}

fn descriptor_of(
    header: &Header<'_>,
    place: Option<Item>,
    tag: u32,
    shape: &Shape,
) -> Option<(usize, f64, u32)> {
    let numbers = header.numbers(place, tag);
    let [count, first, bits] = *numbers.first_chunk::<3>()?;
    // Where the number of entries is written with a sign, 65,535 looks like -1.
    let count = if count < 0.0 { count + 65_536.0 } else { count };
    let count = if count == 0.0 {
        TABLE_ENTRIES
    } else {
        count as usize
    };
    let is_negative = shape.kind == SampleKind::Signed && first >= 32_768.0;
    let first = if is_negative { first - 65_536.0 } else { first };
    (8.0..=16.0)
        .contains(&bits)
        .then_some((count.min(TABLE_ENTRIES), first, bits as u32))
}

/// Entries are words; where there are half as many bytes as words would need, they are bytes (C.11.1.1.1).
fn entries(bytes: &[u8], count: usize) -> Option<Vec<u16>> {
    let words: Vec<u16> = if bytes.len() < count * 2 {
        bytes
            .iter()
            .take(count)
            .map(|byte| u16::from(*byte))
            .collect()
    } else {
        let words = bytes.as_chunks::<2>().0.iter();
        words
            .map(|word| u16::from_le_bytes(*word))
            .take(count)
            .collect()
    };
    (!words.is_empty()).then_some(words)
}

fn palette(header: &Header<'_>, shape: &Shape) -> Option<[Table; 3]> {
    let mut tables = Vec::new();
    for index in 0..3 {
        let descriptor = *PALETTE_DESCRIPTORS.get(index)?;
        let plain = table_of(header, None, descriptor, *PALETTE_DATA.get(index)?, shape);
        let table = plain.or_else(|| {
            let (count, first, bits) = descriptor_of(header, None, descriptor, shape)?;
            let value = header.value(None, *SEGMENTED_PALETTE_DATA.get(index)?)?;
            let entries = unfold(&value.bytes, count);
            (!entries.is_empty()).then_some(Table {
                first,
                entries,
                bits,
            })
        });
        tables.push(table?);
    }
    tables.try_into().ok()
}

/// Unfolds a segmented table (PS3.3 C.7.9.2): runs of values, straight lines, and repetitions of earlier segments.
fn unfold(bytes: &[u8], count: usize) -> Vec<u16> {
    let words = bytes.as_chunks::<2>().0.iter();
    let words: Vec<u16> = words.map(|word| u16::from_le_bytes(*word)).collect();
    let mut out = Vec::new();
    unfold_from(&words, 0, usize::MAX, count, &mut out, true);
    out.truncate(count);
    out
}

fn unfold_from(
    words: &[u16],
    mut at: usize,
    segments: usize,
    count: usize,
    out: &mut Vec<u16>,
    may_repeat: bool,
) {
    for _ in 0..segments {
        let Some([kind, length]) = words.get(at..).and_then(|rest| rest.first_chunk::<2>()) else {
            return;
        };
        let length = usize::from(*length);
        let rest = words.get(at + 2..).unwrap_or_default();
        if out.len() >= count {
            return;
        }
        match (kind, rest) {
            (0, values) => {
                out.extend(values.iter().take(length.min(count - out.len())));
                at += 2 + length;
            }
            (1, [end, ..]) => {
                let start = f64::from(out.last().copied().unwrap_or(0));
                let step = (f64::from(*end) - start) / length.max(1) as f64;
                let line = (1..=length).map(|index| (start + step * index as f64).round() as u16);
                out.extend(line.take(count - out.len()));
                at += 3;
            }
            (2, [low, high, ..]) if may_repeat => {
                // The place is told in bytes.
                let place = (usize::from(*high) << 16 | usize::from(*low)) / 2;
                unfold_from(words, place, length, count, out, false);
                at += 4;
            }
            _ => return,
        }
    }
}

fn padding(header: &Header<'_>, shape: &Shape) -> Option<(f64, f64)> {
    if shape.samples != 1 || shape.photometric == Photometric::PaletteColor {
        return None;
    }
    // Written as US by some where samples are signed.
    let signed = |value: f64| {
        let is_negative = shape.kind == SampleKind::Signed && value >= 32_768.0;
        if is_negative { value - 65_536.0 } else { value }
    };
    let value = signed(header.number(None, PIXEL_PADDING_VALUE)?);
    let limit = header.number(None, PIXEL_PADDING_RANGE_LIMIT).map(signed);
    let limit = limit.unwrap_or(value);
    Some((value.min(limit), value.max(limit)))
}

fn frame_ms(header: &Header<'_>) -> u32 {
    let rate = header
        .number(None, RECOMMENDED_DISPLAY_FRAME_RATE)
        .or_else(|| header.number(None, CINE_RATE))
        .filter(|rate| *rate > 0.0)
        .map(|rate| 1000.0 / rate);
    let time = header.number(None, FRAME_TIME).filter(|time| *time > 0.0);
    time.or(rate).unwrap_or(FRAME_MS).clamp(20.0, 10_000.0) as u32
}

/// Returns how much higher than wide a pixel is; what is within a hundredth of a square is one.
fn pixel_height(header: &Header<'_>, groups: &Groups) -> f64 {
    let grouped = groups.find(header, PIXEL_MEASURES_SEQUENCE);
    let pairs = [
        // PS3.3 C.7.6.3.1.7: the vertical size first, as a ratio.
        header.numbers(None, PIXEL_ASPECT_RATIO),
        grouped.map_or_else(Vec::new, |item| header.numbers(Some(item), PIXEL_SPACING)),
        header.numbers(None, PIXEL_SPACING),
        header.numbers(None, IMAGER_PIXEL_SPACING),
    ];
    let ratios = pairs.iter().filter_map(|pair| match pair.as_slice() {
        [height, width, ..] if *height > 0.0 && *width > 0.0 => Some(height / width),
        _ => None,
    });
    let ratio = ratios.into_iter().next().unwrap_or(1.0);
    if (0.99..=1.01).contains(&ratio) {
        1.0
    } else {
        ratio.clamp(PIXEL_HEIGHT.0, PIXEL_HEIGHT.1)
    }
}

#[cfg(test)]
mod tests {
    use super::{entries, unfold};

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn entries_are_words_or_bytes() {
        assert_eq!(entries(&words(&[1, 2, 3]), 3), Some(vec![1, 2, 3]));
        assert_eq!(entries(&[1, 2, 3, 0], 3), Some(vec![1, 2, 3]));
        assert_eq!(entries(&[], 3), None);
    }

    #[test]
    fn segments_are_unfolded_c_7_9_2() {
        let segments = words(&[0, 2, 10, 20, 1, 4, 60, 2, 1, 0, 0]);
        assert_eq!(unfold(&segments, 100), [10, 20, 30, 40, 50, 60, 10, 20]);
        assert_eq!(unfold(&segments, 3), [10, 20, 30]);
        // A segment that repeats itself would never end.
        assert!(unfold(&words(&[2, 9, 0, 0]), 100).is_empty());
        assert!(unfold(&words(&[7, 9]), 100).is_empty());
    }
}
