//! Images as a grayscale softcopy presentation state shows them (PS3.4 N.2).

use overread_pixels::images_of_state;

use super::opened;
use super::several::{can_be_drawn, of_instances};
use crate::accept::Accept;
use crate::caller::Caller;
use crate::instances::{One, find};
use crate::limits::FRAMES_A_REQUEST;
use crate::looks::Asked;
use crate::partial::Missing;
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
        Some(shown) => images_of_state(&shown.header()?, FRAMES_A_REQUEST + 1),
        None => Vec::new(),
    };
    if referenced.len() > FRAMES_A_REQUEST {
        return Err(Refusal::too_large(
            "the presentation state is of too many images",
        ));
    }
    let mut images = Vec::with_capacity(referenced.len());
    for (series, instance) in referenced {
        let study = study.to_owned();
        let one = One {
            study,
            series,
            instance,
        };
        let image = find(state, caller, &one).await;
        images.push(image.and_then(|image| can_be_drawn(&image).map(|()| image)));
    }
    let mut missing = Missing::default();
    let images = missing.taken(images)?;
    of_instances(state, caller, accept, asked, images, missing).await
}
