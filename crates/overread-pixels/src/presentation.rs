//! What a grayscale softcopy presentation state says of how an image is to be shown (PS3.4 N.2, PS3.3 C.11.8, C.10.4).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use overread_dicom::{Header, Item};

use crate::PixelError;
use crate::description::{Description, modality_table, table_of, window_of};
use crate::grey::{Modality, Table, Voi, VoiFunction};
use crate::limits::{PIXEL_HEIGHT, SHUTTER_CORNERS, VOI_CHOICES};
use crate::references::{Frame, frames_of_image};
use crate::render::Picture;
use crate::shape::{Photometric, SampleKind, Shape};
use crate::view::{Source, View, flip_across};

const SHUTTER_SHAPE: u32 = 0x0018_1600;
const RECTANGULAR_SHUTTER: [u32; 4] = [0x0018_1602, 0x0018_1604, 0x0018_1606, 0x0018_1608];
const CENTER_OF_CIRCULAR_SHUTTER: u32 = 0x0018_1610;
const RADIUS_OF_CIRCULAR_SHUTTER: u32 = 0x0018_1612;
const VERTICES_OF_POLYGONAL_SHUTTER: u32 = 0x0018_1620;
const SHUTTER_PRESENTATION_VALUE: u32 = 0x0018_1622;
const RESCALE_INTERCEPT: u32 = 0x0028_1052;
const RESCALE_SLOPE: u32 = 0x0028_1053;
const LUT_DESCRIPTOR: u32 = 0x0028_3002;
const LUT_DATA: u32 = 0x0028_3006;
const VOI_LUT_SEQUENCE: u32 = 0x0028_3010;
const SOFTCOPY_VOI_LUT_SEQUENCE: u32 = 0x0028_3110;
const MASK_SUBTRACTION_SEQUENCE: u32 = 0x0028_6100;
const GRAPHIC_ANNOTATION_SEQUENCE: u32 = 0x0070_0001;
const IMAGE_HORIZONTAL_FLIP: u32 = 0x0070_0041;
const IMAGE_ROTATION: u32 = 0x0070_0042;
const TOP_LEFT_HAND_CORNER: u32 = 0x0070_0052;
const BOTTOM_RIGHT_HAND_CORNER: u32 = 0x0070_0053;
const DISPLAYED_AREA_SELECTION_SEQUENCE: u32 = 0x0070_005A;
const PRESENTATION_PIXEL_SPACING: u32 = 0x0070_0101;
const PRESENTATION_PIXEL_ASPECT_RATIO: u32 = 0x0070_0102;
const PRESENTATION_LUT_SEQUENCE: u32 = 0x2050_0010;
const PRESENTATION_LUT_SHAPE: u32 = 0x2050_0020;

/// PS3.5 7.6: overlays are even groups of these.
const OVERLAY_GROUPS: RangeInclusive<u32> = 0x6000..=0x601E;
/// Elements of such a group.
const OVERLAY_ACTIVATION_LAYER: u32 = 0x1001;
const OVERLAY_DATA: u32 = 0x3000;

/// How a presentation state shows one frame beyond its grey levels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Presentation {
    pub(crate) lut: Option<Table>,
    area: Option<Source>,
    /// Clockwise, before it is flipped.
    quarter_turns: u32,
    is_flipped: bool,
    shutters: Vec<Shutter>,
    /// The level outside of the shutters.
    shutter_level: u8,
}

/// What is seen, in columns and rows of the image, the first being 1.
#[derive(Debug, Clone, PartialEq)]
enum Shutter {
    Rectangle([f64; 4]),
    Circle { row: f64, column: f64, radius: f64 },
    Polygon(Vec<[f64; 2]>),
}

/// Says whether a presentation state holds text or lines, which are not drawn here.
pub fn has_graphics(state: &Header<'_>) -> bool {
    !state.items(None, GRAPHIC_ANNOTATION_SEQUENCE, 1).is_empty()
}

/// Says whether a presentation state shows overlays, its own or those of its images, which are not drawn here.
pub fn has_overlays(state: &Header<'_>) -> bool {
    OVERLAY_GROUPS.step_by(2).any(|group| {
        let layer = group << 16 | OVERLAY_ACTIVATION_LAYER;
        match state.has(None, layer) {
            // PS3.3 C.11.7: without a layer it is not shown.
            true => state
                .text(None, layer)
                .is_some_and(|layer| !layer.is_empty()),
            false => state.has(None, group << 16 | OVERLAY_DATA),
        }
    })
}

impl Description {
    /// Returns how a presentation state shows the frame, in the place of what the image says of itself.
    ///
    /// # Errors
    /// It is not of this frame, the frame is not grey, or it asks for what is not drawn here: a mask, a bitmap shutter, other than
    /// quarter turns.
    pub fn presented(
        mut self,
        state: &Header<'_>,
        sop_instance_uid: &str,
        frame_number: u32,
    ) -> Result<Self, PixelError> {
        let frame = Frame {
            sop_instance_uid,
            number: frame_number.into(),
        };
        let frames = frames_of_image(state, sop_instance_uid)?;
        let is_of_frame = frames.is_none_or(|frames| frames.contains(&frame_number));
        let is_grey = matches!(
            self.shape.photometric,
            Photometric::Monochrome1 | Photometric::Monochrome2
        );
        // Without its mask a subtraction would be another picture.
        let has_mask = !state.items(None, MASK_SUBTRACTION_SEQUENCE, 1).is_empty();
        if !is_of_frame || !is_grey || has_mask {
            return Err(PixelError::NotPresented);
        }
        self.modality = modality(state, &self.shape);
        self.voi = voi(state, &frame, &self.shape, &self.modality);
        // PS3.4 N.2.1.2: the shape counts whatever the image's Photometric Interpretation says.
        self.is_inverse = state.text(None, PRESENTATION_LUT_SHAPE).as_deref() == Some("INVERSE");
        let lut = state.item(None, PRESENTATION_LUT_SEQUENCE, 0);
        let lut =
            lut.and_then(|item| table_of(state, Some(item), LUT_DESCRIPTOR, LUT_DATA, &self.shape));
        let area = frame.find(state, DISPLAYED_AREA_SELECTION_SEQUENCE);
        if let Some(height) = area.and_then(|item| pixel_height(state, item)) {
            self.pixel_height = height;
        }
        self.presentation = Some(Presentation {
            lut,
            area: area.and_then(|item| displayed(state, item)),
            quarter_turns: quarter_turns(state)?,
            is_flipped: state.text(None, IMAGE_HORIZONTAL_FLIP).as_deref() == Some("Y"),
            shutters: shutters(state)?,
            // A P-Value of 16 bits, 0 being black.
            shutter_level: (state
                .number(None, SHUTTER_PRESENTATION_VALUE)
                .unwrap_or(0.0)
                / 257.0) as u8,
        });
        Ok(self)
    }
}

// PS3.4 N.2.1.1: what the state leaves out is left alone, whatever the image says.
fn modality(state: &Header<'_>, shape: &Shape) -> Modality {
    modality_table(state, shape).unwrap_or(Modality::Linear {
        slope: state
            .number(None, RESCALE_SLOPE)
            .filter(|slope| *slope != 0.0)
            .unwrap_or(1.0),
        intercept: state.number(None, RESCALE_INTERCEPT).unwrap_or(0.0),
    })
}

fn voi(state: &Header<'_>, frame: &Frame<'_>, shape: &Shape, modality: &Modality) -> Voi {
    let item = frame.find(state, SOFTCOPY_VOI_LUT_SEQUENCE);
    let tables = state.items(item, VOI_LUT_SEQUENCE, VOI_CHOICES);
    let mut tables = tables.into_iter().filter(|_| item.is_some());
    let table = tables.find_map(|one| table_of(state, Some(one), LUT_DESCRIPTOR, LUT_DATA, shape));
    let window = item.and_then(|item| window_of(state, Some(item)));
    match table.map(Voi::Table).or(window) {
        Some(voi) => voi,
        None => whole_range(shape, modality),
    }
}

/// Returns the window of all that can be stored.
fn whole_range(shape: &Shape, modality: &Modality) -> Voi {
    let count = f64::from(shape.bits_stored.min(16)).exp2();
    let (least, greatest) = match shape.kind {
        SampleKind::Unsigned => (0.0, count - 1.0),
        SampleKind::Signed => (-count / 2.0, count / 2.0 - 1.0),
        SampleKind::Float | SampleKind::Double => return Voi::Everything,
    };
    let (from, to) = match modality {
        Modality::Table(table) => (0.0, table.greatest()),
        linear => (linear.apply(least), linear.apply(greatest)),
    };
    Voi::Window {
        center: f64::midpoint(from, to),
        width: (to - from).abs().max(1.0),
        function: VoiFunction::LinearExact,
    }
}

// PS3.3 C.10.4: corners as column\row before the image is turned; turned, the first may be the greater one.
fn displayed(state: &Header<'_>, item: Item) -> Option<Source> {
    let corner = |tag| state.numbers(Some(item), tag).first_chunk::<2>().copied();
    let [left, top] = corner(TOP_LEFT_HAND_CORNER)?;
    let [right, bottom] = corner(BOTTOM_RIGHT_HAND_CORNER)?;
    let first = |one: f64, other: f64| one.min(other) - 1.0;
    let length = |one: f64, other: f64| (one - other).abs() + 1.0;
    Some(Source {
        x: first(left, right),
        y: first(top, bottom),
        width: length(left, right),
        height: length(top, bottom),
        is_flipped_across: false,
        is_flipped_down: false,
    })
}

fn pixel_height(state: &Header<'_>, item: Item) -> Option<f64> {
    let pair = |tag| state.numbers(Some(item), tag).first_chunk::<2>().copied();
    let [height, width] =
        pair(PRESENTATION_PIXEL_SPACING).or_else(|| pair(PRESENTATION_PIXEL_ASPECT_RATIO))?;
    (height > 0.0 && width > 0.0).then(|| (height / width).clamp(PIXEL_HEIGHT.0, PIXEL_HEIGHT.1))
}

fn quarter_turns(state: &Header<'_>) -> Result<u32, PixelError> {
    match state.number(None, IMAGE_ROTATION).unwrap_or(0.0) as u32 {
        degrees @ (0 | 90 | 180 | 270) => Ok(degrees / 90),
        _ => Err(PixelError::NotPresented),
    }
}

fn shutters(state: &Header<'_>) -> Result<Vec<Shutter>, PixelError> {
    let shapes = state.raw_text(None, SHUTTER_SHAPE).unwrap_or_default();
    let shapes = shapes.split('\\').map(str::trim);
    let shapes: Vec<&str> = shapes.filter(|shape| !shape.is_empty()).collect();
    // PS3.3 C.7.6.11: one of each. Every pixel is held against all of them.
    let distinct: BTreeSet<&str> = shapes.iter().copied().collect();
    if distinct.len() < shapes.len() {
        return Err(PixelError::NotPresented);
    }
    let shutter = |shape: &str| match shape {
        "RECTANGULAR" => {
            let edges = RECTANGULAR_SHUTTER.map(|tag| state.number(None, tag));
            let [Some(left), Some(right), Some(upper), Some(lower)] = edges else {
                return None;
            };
            Some(Shutter::Rectangle([left, right, upper, lower]))
        }
        "CIRCULAR" => {
            let center = state.numbers(None, CENTER_OF_CIRCULAR_SHUTTER);
            let [row, column] = *center.first_chunk::<2>()?;
            let radius = state.number(None, RADIUS_OF_CIRCULAR_SHUTTER)?;
            Some(Shutter::Circle {
                row,
                column,
                radius,
            })
        }
        "POLYGONAL" => {
            let corners = state.numbers(None, VERTICES_OF_POLYGONAL_SHUTTER);
            let corners = corners.as_chunks::<2>().0;
            (3..=SHUTTER_CORNERS)
                .contains(&corners.len())
                .then(|| Shutter::Polygon(corners.to_vec()))
        }
        // A bitmap would have to be found among the overlays.
        _ => None,
    };
    let all = shapes
        .into_iter()
        .map(|shape| shutter(shape).ok_or(PixelError::NotPresented));
    all.collect()
}

impl Shutter {
    fn shows(&self, row: f64, column: f64) -> bool {
        match self {
            Self::Rectangle([left, right, upper, lower]) => {
                (*left..=*right).contains(&column) && (*upper..=*lower).contains(&row)
            }
            Self::Circle {
                row: middle_row,
                column: middle_column,
                radius,
            } => (row - middle_row).hypot(column - middle_column) <= *radius,
            Self::Polygon(corners) => {
                let next = corners.iter().cycle().skip(1);
                let crossed = corners
                    .iter()
                    .zip(next)
                    .filter(|([from, start], [to, end])| {
                        (*from > row) != (*to > row)
                            && column < start + (row - from) / (to - from) * (end - start)
                    });
                crossed.count() % 2 == 1
            }
        }
    }
}

impl Presentation {
    /// Closes the shutters over a grey picture that is not arranged yet.
    pub(crate) fn close(&self, picture: &mut Picture) {
        if self.shutters.is_empty() {
            return;
        }
        let lines = picture
            .bytes
            .chunks_exact_mut(picture.width.max(1) as usize);
        for (row_idx, line) in lines.enumerate() {
            for (column_idx, level) in line.iter_mut().enumerate() {
                let (row, column) = (row_idx as f64 + 1.0, column_idx as f64 + 1.0);
                if !self
                    .shutters
                    .iter()
                    .all(|shutter| shutter.shows(row, column))
                {
                    *level = self.shutter_level;
                }
            }
        }
    }

    /// Returns how the picture is to be arranged before it is turned, so that it fits afterwards.
    pub(crate) fn view(&self, view: &View) -> View {
        let is_on_its_side = self.quarter_turns % 2 == 1;
        View {
            fit: match view.fit {
                Some((wide, high)) if is_on_its_side => Some((high, wide)),
                fit => fit,
            },
            source: view.source.or(self.area),
        }
    }

    /// Turns the arranged picture and then flips it.
    pub(crate) fn turn(&self, mut picture: Picture) -> Picture {
        for _ in 0..self.quarter_turns {
            let width = picture.width.max(1) as usize;
            let columns = 0..width;
            // What was lowest on the left is the first of the first row.
            let turned = columns.flat_map(|column| {
                let below_up = picture.bytes.chunks_exact(width).rev();
                below_up.filter_map(move |row| row.get(column).copied())
            });
            picture = Picture {
                bytes: turned.collect(),
                width: picture.height,
                height: picture.width,
                is_colour: false,
            };
        }
        if self.is_flipped {
            flip_across(&mut picture);
        }
        picture
    }
}
