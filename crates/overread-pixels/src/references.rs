//! What a presentation state is of: its images and their frames (PS3.3 C.11.11).

use std::collections::{BTreeSet, HashMap};

use overread_dicom::{Header, Item};

use crate::PixelError;
use crate::limits::{REFERENCED_FRAMES, REFERENCES};

const REFERENCED_SERIES_SEQUENCE: u32 = 0x0008_1115;
const REFERENCED_IMAGE_SEQUENCE: u32 = 0x0008_1140;
const REFERENCED_SOP_INSTANCE_UID: u32 = 0x0008_1155;
const REFERENCED_FRAME_NUMBER: u32 = 0x0008_1160;
const SERIES_INSTANCE_UID: u32 = 0x0020_000E;

/// One frame, as presentation states refer to it.
pub(crate) struct Frame<'a> {
    pub(crate) sop_instance_uid: &'a str,
    pub(crate) number: f64,
}

impl Frame<'_> {
    /// Says whether one of these items refers to it; without frame numbers all frames are meant (PS3.3 table 10-3).
    fn is_among(&self, state: &Header<'_>, items: &[Item]) -> bool {
        items.iter().any(|item| {
            let uid = state.text(Some(*item), REFERENCED_SOP_INSTANCE_UID);
            let numbers = state.numbers(Some(*item), REFERENCED_FRAME_NUMBER);
            uid.as_deref() == Some(self.sop_instance_uid)
                && (numbers.is_empty() || numbers.contains(&self.number))
        })
    }

    /// Finds the item of a sequence that is of this frame: it refers to it, or to nothing, which means all.
    pub(crate) fn find(&self, state: &Header<'_>, sequence: u32) -> Option<Item> {
        let items = state.items(None, sequence, REFERENCES);
        items.into_iter().find(|item| {
            let images = state.items(Some(*item), REFERENCED_IMAGE_SEQUENCE, REFERENCES);
            images.is_empty() || self.is_among(state, &images)
        })
    }
}

/// An image that a presentation state is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencedImage {
    /// (0020,000E).
    pub series_instance_uid: String,
    /// (0008,1155).
    pub sop_instance_uid: String,
    /// (0008,1160), ascending, each once; `None` for all frames.
    pub frame_numbers: Option<BTreeSet<u32>>,
}

/// An item of a presentation state that names an image.
struct Reference {
    series_instance_uid: Option<String>,
    sop_instance_uid: String,
    /// PS3.3 table 10-3: without frame numbers all frames are meant.
    frame_numbers: Option<Vec<u32>>,
}

impl Reference {
    /// Adds its frames to those that other items name of the same image.
    fn add_to(self, frames: &mut Option<BTreeSet<u32>>) {
        match (frames.as_mut(), self.frame_numbers) {
            (Some(frames), Some(more)) => frames.extend(more),
            _ => *frames = None,
        }
    }
}

/// Goes through the items that name images; an error when they have too many frame numbers.
fn references(state: &Header<'_>) -> impl Iterator<Item = Result<Reference, PixelError>> {
    let series = state.items(None, REFERENCED_SERIES_SEQUENCE, REFERENCES);
    let items = series.into_iter().flat_map(move |series| {
        let series_uid = state.text(Some(series), SERIES_INSTANCE_UID);
        let items = state.items(Some(series), REFERENCED_IMAGE_SEQUENCE, REFERENCES);
        items
            .into_iter()
            .map(move |item| (series_uid.clone(), item))
    });
    let mut left = REFERENCED_FRAMES;
    items.filter_map(move |(series_instance_uid, item)| {
        let sop_instance_uid = state.text(Some(item), REFERENCED_SOP_INSTANCE_UID)?;
        let numbers = state.numbers(Some(item), REFERENCED_FRAME_NUMBER);
        let Some(fewer) = left.checked_sub(numbers.len()) else {
            return Some(Err(PixelError::TooManyReferences));
        };
        left = fewer;
        let is_frame =
            |number: &&f64| number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(*number);
        let frames = numbers.iter().filter(is_frame);
        Some(Ok(Reference {
            series_instance_uid,
            sop_instance_uid,
            frame_numbers: (!numbers.is_empty())
                .then(|| frames.map(|number| *number as u32).collect()),
        }))
    })
}

/// Lists the images that a presentation state is of, each once, at most so many.
///
/// # Errors
/// It names more frames than are followed here.
pub fn images_of_state(
    state: &Header<'_>,
    most: usize,
) -> Result<Vec<ReferencedImage>, PixelError> {
    let mut images: Vec<ReferencedImage> = Vec::new();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    for reference in references(state) {
        let reference = reference?;
        let Some(series_instance_uid) = reference.series_instance_uid.clone() else {
            continue;
        };
        let name = (series_instance_uid, reference.sop_instance_uid.clone());
        let index = *known.entry(name.clone()).or_insert(images.len());
        if index == most {
            return Ok(images);
        }
        if index == images.len() {
            images.push(ReferencedImage {
                series_instance_uid: name.0,
                sop_instance_uid: name.1,
                frame_numbers: Some(BTreeSet::new()),
            });
        }
        if let Some(image) = images.get_mut(index) {
            reference.add_to(&mut image.frame_numbers);
        }
    }
    Ok(images)
}

/// Lists the frames of an image that a presentation state is of; `None` for all, none for an image that it does not name.
///
/// # Errors
/// It names more frames than are followed here.
pub fn frames_of_image(
    state: &Header<'_>,
    sop_instance_uid: &str,
) -> Result<Option<BTreeSet<u32>>, PixelError> {
    let mut frames = Some(BTreeSet::new());
    for reference in references(state) {
        let reference = reference?;
        if reference.sop_instance_uid == sop_instance_uid {
            reference.add_to(&mut frames);
        }
    }
    Ok(frames)
}
