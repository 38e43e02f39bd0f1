//! WADO-RS: pictures for people's eyes, large and small (PS3.18 10.4.1.1.3, 10.4.1.1.4).

mod parts;
mod presented;
mod several;
mod thumbnails;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use overread_pixels::MediaType;
use overread_store::studies::StoredInstance;
use serde::Deserialize;

use parts::{Part, Source, alone, in_parts, moving, picture, tell};
pub(crate) use presented::presentation;
pub(crate) use several::several;
pub(crate) use thumbnails::{frame_thumbnail, instance_thumbnail, several_thumbnail};

use crate::accept::Accept;
use crate::blinding::Withheld;
use crate::caller::{Caller, RawQuery};
use crate::conditional::{Tag, immutable, tagged};
use crate::frames::{numbers, table_of};
use crate::instances::{One, find};
use crate::looks::Asked;
use crate::partial::Missing;
use crate::picture::{GRAYSCALE_SOFTCOPY_PRESENTATION_STATE, Image, PresentationState};
use crate::refusal::{Answer, Refusal};
use crate::report_text;
use crate::state::DicomWebState;

/// Frames in a path.
#[derive(Deserialize)]
pub(crate) struct Listed {
    study: String,
    series: String,
    instance: String,
    frames: String,
}

impl Listed {
    fn one(self) -> (One, String) {
        let one = One {
            study: self.study,
            series: self.series,
            instance: self.instance,
        };
        (one, self.frames)
    }
}

/// How pictures go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One picture, or one that moves.
    Alone(MediaType),
    /// Each in a part of its own.
    Parts(MediaType),
}

/// Chooses among what the client takes; several pictures go alone only when they move.
fn way(accept: &Accept, pictures: usize) -> Answer<Way> {
    accept.refuse_mixed()?;
    let all = [MediaType::Jpeg, MediaType::Png, MediaType::Gif];
    let chosen = accept.0.iter().find_map(|range| {
        let alone = all
            .into_iter()
            .filter(|one| pictures == 1 || *one == MediaType::Gif && !range.essence.contains('*'))
            .find(|one| range.takes_single(one.name()))
            .map(Way::Alone);
        let parts = all
            .into_iter()
            .find(|one| range.takes_parts(one.name()))
            .map(Way::Parts);
        alone.or(parts)
    });
    chosen.ok_or_else(|| {
        Refusal::not_acceptable(
            "pictures are offered as image/jpeg, image/png and image/gif; several as parts of multipart/related, or moving as image/gif",
        )
    })
}

/// Finds an instance, what of it is withheld, and writes down that it is read.
async fn opened(
    state: &DicomWebState,
    caller: &Caller,
    one: &One,
) -> Answer<(StoredInstance, Withheld)> {
    let found = find(state, caller, one).await?;
    let mut tx = state.store.peek().await?;
    let withheld = caller.withheld(&mut tx, &one.study).await?;
    drop(tx);
    caller.note_images(state, &one.study, [&found]).await?;
    Ok((found, withheld))
}

/// GET .../instances/{instance}/rendered.
pub(crate) async fn instance(
    State(state): State<DicomWebState>,
    Path(one): Path<One>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let accept = Accept::of_request(&headers, &query)?;
    let asked = Asked::rendered(&query)?;
    let drawn = Drawn {
        asked,
        frame_number: None,
        words: &query,
    };
    answered(&state, &caller, &headers, &one, (&accept, drawn)).await
}

/// How one instance is to be drawn.
pub(crate) struct Drawn<'a> {
    pub(crate) asked: Asked,
    /// One frame; else what stands for all.
    pub(crate) frame_number: Option<u32>,
    /// What the client said of both: other words, another tag.
    pub(crate) words: &'a str,
}

/// Answers one instance for people's eyes.
pub(crate) async fn answered(
    state: &DicomWebState,
    caller: &Caller,
    headers: &HeaderMap,
    one: &One,
    (accept, drawn): (&Accept, Drawn<'_>),
) -> Answer {
    let frame_number = drawn.frame_number;
    let (found, withheld) = opened(state, caller, one).await?;
    let frame_count = table_of(&found)?.frame_count();
    if frame_number.is_some_and(|number| number > frame_count) {
        return Err(no_such_frame());
    }
    let tag = tag_of(caller, &found, accept, (drawn.words, ""));
    if let Some(tag) = tag.as_ref().filter(|tag| tag.is_known(headers)) {
        return Ok(kept(tag.not_modified(), &withheld));
    }
    if frame_count == 0 {
        // What is no image may tell of the first reading in any of its words.
        if withheld.is_any() {
            return Err(Refusal::not_found());
        }
        if found.sop_class_uid == GRAYSCALE_SOFTCOPY_PRESENTATION_STATE {
            let asked = drawn
                .asked
                .by(PresentationState::of(state, &found).await?)?;
            return presented::presented(state, caller, accept, &one.study, &asked).await;
        }
        return report_text::answer(state, &found, accept).await;
    }
    let image = Image::of(state, &caller.asker(), found).await?;
    let is_moving = frame_number.is_none() && frame_count > 1 && moves(accept);
    let count = if is_moving { frame_count as usize } else { 1 };
    let numbers: Vec<u32> = match way(accept, count)? {
        Way::Alone(MediaType::Gif) if is_moving => (1..=image.frame_count()).collect(),
        Way::Alone(_) => {
            vec![frame_number.map_or_else(|| representative(&image, &drawn.asked), Ok)?]
        }
        Way::Parts(_) => (1..=image.frame_count()).collect(),
    };
    let url = caller
        .address
        .instance(&one.study, &one.series, &one.instance);
    let response = pictures(accept, drawn.asked, image, &numbers, &url).await?;
    Ok(named(response, tag.as_ref(), &withheld))
}

/// Returns the tag of pictures of an instance. It changes with the program, which may draw otherwise tomorrow.
fn tag_of(
    caller: &Caller,
    found: &StoredInstance,
    accept: &Accept,
    asked: (&str, &str),
) -> Option<Tag> {
    let drawn_by = env!("CARGO_PKG_VERSION");
    Tag::of_stored(
        caller,
        found,
        (drawn_by, format!("{accept:?}"), asked),
        true,
    )
}

/// Names the version of pictures, and says that it never changes. What lacks some is no version: the next time they may be there.
fn named(response: Response, tag: Option<&Tag>, withheld: &Withheld) -> Response {
    if response.status() == StatusCode::PARTIAL_CONTENT {
        return response;
    }
    kept(tagged(response, tag), withheld)
}

/// Says that an answer never changes, unless more may be shown of the instance one day.
fn kept(mut response: Response, withheld: &Withheld) -> Response {
    if !withheld.is_any() {
        immutable(&mut response);
    }
    response
}

/// Says whether a client asks for a picture that moves before any that stands still.
fn moves(accept: &Accept) -> bool {
    let first = accept.0.first();
    first.is_some_and(|range| range.essence == "image/gif")
}

/// Returns the frame that stands for all: the one that the image names, or the first that a presentation state is of.
fn representative(image: &Image, asked: &Asked) -> Answer<u32> {
    let stated = image.description(1)?.representative_frame;
    let stated = stated.clamp(1, image.frame_count());
    let shown = asked.look.state.as_ref();
    let frames = shown
        .map(|shown| shown.frames_of(&image.found))
        .transpose()?;
    match frames.flatten() {
        Some(frames) if !frames.contains(&stated) => match frames.first() {
            Some(first) if *first > image.frame_count() => Err(no_such_frame()),
            Some(first) => Ok(*first),
            // The state is not of this image, which is said where it is to be shown by it.
            None => Ok(stated),
        },
        _ => Ok(stated),
    }
}

/// GET .../frames/{list}/rendered.
pub(crate) async fn frames(
    State(state): State<DicomWebState>,
    Path(listed): Path<Listed>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let (one, list) = listed.one();
    let numbers = numbers(&list)?;
    let accept = Accept::of_request(&headers, &query)?;
    let asked = Asked::rendered(&query)?;
    way(&accept, numbers.len())?;
    let (found, withheld) = opened(&state, &caller, &one).await?;
    let frame_count = table_of(&found)?.frame_count();
    if numbers.iter().any(|number| *number > frame_count) {
        return Err(no_such_frame());
    }
    let tag = tag_of(&caller, &found, &accept, (&query, &list));
    if let Some(tag) = tag.as_ref().filter(|tag| tag.is_known(&headers)) {
        return Ok(kept(tag.not_modified(), &withheld));
    }
    let image = Image::of(&state, &caller.asker(), found).await?;
    let url = caller
        .address
        .instance(&one.study, &one.series, &one.instance);
    let response = pictures(&accept, asked, image, &numbers, &url).await?;
    Ok(named(response, tag.as_ref(), &withheld))
}

fn no_such_frame() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "the instance has no such frame, or its pixel data end before it",
    )
}

/// Answers with frames of one instance.
async fn pictures(
    accept: &Accept,
    asked: Asked,
    image: Image,
    numbers: &[u32],
    url: &str,
) -> Answer {
    let mut missing = Missing::default();
    let mut response = match (way(accept, numbers.len())?, numbers) {
        (Way::Alone(media_type), [number]) => alone(
            media_type,
            picture(&image, *number, &asked, media_type).await?,
        )?,
        (Way::Alone(_), many) => alone(MediaType::Gif, moving(&image, many, &asked).await?)?,
        (Way::Parts(media_type), many) => {
            let frames: Vec<Part> = many
                .iter()
                .map(|number| Part {
                    image: Source::Read(image.clone()),
                    number: Some(*number),
                    url: format!("{url}/frames/{number}/rendered"),
                })
                .collect();
            in_parts(media_type, &asked, frames, &mut missing).await?
        }
    };
    tell(&mut response, &asked);
    Ok(missing.said_on(response))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use overread_pixels::MediaType::{Gif, Jpeg, Png};

    use super::{Way, way};
    use crate::accept::Accept;

    fn check(accept: &str, pictures: usize, expect: Option<Way>) {
        let mut headers = HeaderMap::new();
        headers.insert("accept", accept.parse().expect("a header"));
        let accept_ranges = Accept::of_request(&headers, "").expect("reads");
        assert_eq!(
            way(&accept_ranges, pictures).ok(),
            expect,
            "{accept} {pictures}"
        );
    }

    #[test]
    fn jpeg_is_the_default_w7() {
        check("*/*", 1, Some(Way::Alone(Jpeg)));
        check("image/*", 1, Some(Way::Alone(Jpeg)));
        check("image/png", 1, Some(Way::Alone(Png)));
        check("image/gif", 1, Some(Way::Alone(Gif)));
        check(
            "image/webp, image/png;q=0.5, image/jpeg;q=0.4",
            1,
            Some(Way::Alone(Png)),
        );
        check("image/webp", 1, None);
        check(
            "multipart/related; type=\"image/png\"",
            1,
            Some(Way::Parts(Png)),
        );
        check("*/*", 3, Some(Way::Parts(Jpeg)));
        check("image/gif", 3, Some(Way::Alone(Gif)));
        check("image/jpeg", 3, None);
        check("application/dicom", 1, None);
        check("application/dicom, image/jpeg", 1, None);
    }
}
