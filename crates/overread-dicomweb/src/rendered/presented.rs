//! Images as a grayscale softcopy presentation state shows them (PS3.4 N.2).

use std::collections::{BTreeSet, HashMap};

use overread_pixels::{ReferencedImage, images_of_state};
use overread_store::studies::StoredInstance;

use super::several::{can_be_drawn, of_parts};
use super::{Part, Way, no_such_frame, opened, way};
use crate::accept::Accept;
use crate::caller::Caller;
use crate::frames::table_of;
use crate::instances::{One, find};
use crate::limits::FRAMES_A_REQUEST;
use crate::looks::Asked;
use crate::partial::{Missing, readable};
use crate::picture::PresentationState;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// Finds a presentation state for an image of its study, and writes down that it is read.
pub(crate) async fn presentation(
    state: &DicomWebState,
    caller: &Caller,
    one: &One,
) -> Answer<PresentationState> {
    let (found, withheld) = opened(state, caller, one).await?;
    if withheld.is_any() {
        return Err(Refusal::not_found());
    }
    PresentationState::of(state, &found).await
}

/// Answers a presentation state by the images that it is of, as it shows them.
pub(super) async fn presented(
    state: &DicomWebState,
    caller: &Caller,
    accept: &Accept,
    study: &str,
    asked: &Asked,
) -> Answer {
    let referenced = match &asked.look.state {
        Some(shown) => images_of_state(&shown.header()?, FRAMES_A_REQUEST + 1)
            .map_err(|error| Refusal::too_large(error.to_string()))?,
        None => Vec::new(),
    };
    // One image alone can go out as one picture, of the frame that stands for it.
    let is_one = referenced.len() == 1 && matches!(way(accept, 1)?, Way::Alone(_));
    let frame_count = |image: &ReferencedImage| match &image.frame_numbers {
        Some(frames) if !is_one => frames.len().max(1),
        _ => 1,
    };
    if referenced.iter().map(frame_count).sum::<usize>() > FRAMES_A_REQUEST {
        return Err(Refusal::too_large(
            "the presentation state is of too many images",
        ));
    }
    let mut missing = Missing::default();
    let mut parts = Vec::with_capacity(referenced.len());
    let found = found(state, caller, study, referenced, &mut missing).await?;
    // As for images that are asked for by themselves: one may be a report, or show one.
    let shown = found.iter().map(|(one, _)| one);
    caller.note_images(state, study, shown).await?;
    for (found, frames) in found {
        let last = table_of(&found)?.frame_count();
        let part = |number| Part::of(state, caller, found.clone(), number);
        match frames.filter(|_| !is_one) {
            Some(frames) => parts.extend(frames.into_iter().map(|number| match number <= last {
                true => Ok(part(Some(number))),
                false => Err(no_such_frame()),
            })),
            None => parts.push(Ok(part(None))),
        }
    }
    let parts = missing.taken(parts)?;
    of_parts(accept, asked, parts, missing).await
}

/// Finds the images that can be drawn, with the frames that are asked of each; what cannot be had is left out and counted.
async fn found(
    state: &DicomWebState,
    caller: &Caller,
    study: &str,
    referenced: Vec<ReferencedImage>,
    missing: &mut Missing,
) -> Answer<Vec<(StoredInstance, Option<BTreeSet<u32>>)>> {
    let mut frames = HashMap::with_capacity(referenced.len());
    let mut images = Vec::with_capacity(referenced.len());
    for image in referenced {
        let one = One {
            study: study.to_owned(),
            series: image.series_instance_uid,
            instance: image.sop_instance_uid,
        };
        let found = find(state, caller, &one).await;
        match found.and_then(|found| can_be_drawn(&found).map(|()| found)) {
            Ok(found) => {
                frames.insert(found.id, image.frame_numbers);
                images.push(Ok(found));
            }
            Err(refusal) if refusal.leaves_others() => images.push(Err(refusal)),
            Err(refusal) => return Err(refusal),
        }
    }
    let images = missing.taken(images)?;
    let images = readable(&state.archive, images, missing).await?;
    let with_frames = images.into_iter().map(|found| {
        let frames = frames.remove(&found.id).flatten();
        (found, frames)
    });
    Ok(with_frames.collect())
}
