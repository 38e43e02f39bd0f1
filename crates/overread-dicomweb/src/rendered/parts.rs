//! Pictures that are drawn for an answer: one, one that moves, or part after part.

use axum::http::HeaderValue;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use overread_pixels::{MediaType, limits, write, write_animation};
use overread_store::studies::StoredInstance;

use super::representative;
use crate::caller::Caller;
use crate::limits::DRAWN_AHEAD_BYTES;
use crate::looks::Asked;
use crate::multipart::{self, answer, part_after_part};
use crate::partial::Missing;
use crate::picture::Image;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;
use crate::warning::warn;

pub(super) fn alone(media_type: MediaType, bytes: Bytes) -> Answer {
    let length = bytes.len() as u64;
    Ok(answer(
        bytes.into(),
        HeaderValue::from_static(media_type.name()),
        length,
    ))
}

pub(super) async fn picture(
    image: &Image,
    number: u32,
    asked: &Asked,
    media_type: MediaType,
) -> Answer<Bytes> {
    let quality = asked.quality;
    let written = image.drawn(number, &asked.look, move |picture| {
        write(&picture, media_type, quality)
    });
    Ok(Bytes::from(written.await?))
}

/// Draws frames as one picture that moves.
pub(super) async fn moving(image: &Image, numbers: &[u32], asked: &Asked) -> Answer<Bytes> {
    let pixels = image.shape.pixels() as u64 * numbers.len() as u64;
    if numbers.len() > limits::ANIMATION_FRAMES || pixels > limits::ANIMATION_PIXELS {
        return Err(Refusal::too_large(format!(
            "a moving picture has at most {} frames and {} pixels; ask for fewer frames, or for parts",
            limits::ANIMATION_FRAMES,
            limits::ANIMATION_PIXELS
        )));
    }
    let mut drawn = Vec::with_capacity(numbers.len());
    for number in numbers {
        drawn.push(image.drawn(*number, &asked.look, Ok).await?);
    }
    let frame_ms = image.description(1)?.frame_ms;
    let written = tokio::task::spawn_blocking(move || write_animation(&drawn, frame_ms));
    let written = written.await.map_err(|_| Refusal::internal())?;
    let written = written.map_err(|error| crate::picture::refused(&image.found, error))?;
    Ok(Bytes::from(written))
}

/// Where a part's picture comes from.
pub(super) enum Source {
    Read(Image),
    /// For this asker.
    Stored(DicomWebState, String, Box<StoredInstance>),
}

/// A picture that is drawn when its turn comes; the frame that stands for all when none is named.
pub(super) struct Part {
    pub(super) image: Source,
    pub(super) number: Option<u32>,
    pub(super) url: String,
}

impl Part {
    pub(super) fn of(
        state: &DicomWebState,
        caller: &Caller,
        found: StoredInstance,
        number: Option<u32>,
    ) -> Self {
        let url = caller.address.instance(
            &found.study_instance_uid,
            &found.series_instance_uid,
            &found.sop_instance_uid,
        );
        let frame = number.map_or_else(String::new, |number| format!("/frames/{number}"));
        Self {
            image: Source::Stored(state.clone(), caller.asker(), Box::new(found)),
            number,
            url: format!("{url}{frame}/rendered"),
        }
    }

    pub(super) async fn draw(
        self,
        asked: &Asked,
        media_type: MediaType,
    ) -> Answer<(String, Bytes)> {
        let image = match self.image {
            Source::Read(image) => image,
            Source::Stored(state, asker, found) => Image::of(&state, &asker, *found).await?,
        };
        let number = match self.number {
            Some(number) => number,
            None => representative(&image, asked)?,
        };
        let bytes = picture(&image, number, asked, media_type).await?;
        Ok((self.url, bytes))
    }
}

/// Answers part after part. As many as fit into [`DRAWN_AHEAD_BYTES`] are drawn before anything is said, since what has begun
/// can only be broken off; of those that come later one at a time is in memory.
pub(super) async fn in_parts(
    media_type: MediaType,
    asked: &Asked,
    parts: Vec<Part>,
    missing: &mut Missing,
) -> Answer {
    let mut parts = parts.into_iter();
    let (mut ahead, mut ahead_bytes) = (Vec::new(), 0);
    while ahead_bytes < DRAWN_AHEAD_BYTES
        && let Some(part) = parts.next()
    {
        match part.draw(asked, media_type).await {
            Err(refusal) if !refusal.leaves_others() => return Err(refusal),
            drawn => {
                ahead_bytes += drawn.as_ref().map_or(0, |(_, bytes)| bytes.len());
                ahead.push(drawn);
            }
        }
    }
    let ahead = missing.taken(ahead)?;
    let asked = asked.clone();
    let rest = stream::iter(parts).then(move |part| {
        let asked = asked.clone();
        async move { part.draw(&asked, media_type).await }
    });
    let all = stream::iter(ahead.into_iter().map(Ok)).chain(rest);
    let parts = all.map(move |drawn| {
        let (location, bytes) = drawn?;
        Ok(multipart::Part {
            content_type: media_type.name().to_owned(),
            location,
            bytes,
        })
    });
    part_after_part(media_type.name(), parts)
}

// PS3.18 8.3.5: what is asked and not supported is said in a Warning header.
pub(super) fn tell(response: &mut Response, asked: &Asked) {
    for text in &asked.not_done {
        warn(response.headers_mut(), text);
    }
}
