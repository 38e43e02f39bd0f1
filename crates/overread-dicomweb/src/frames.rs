//! WADO-RS: frames as they are stored, by range reads, or in another encoding (PS3.18 10.4.1.1.6).

mod encoding;
mod stored;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use overread_store::studies::StoredInstance;
use serde::Deserialize;

use encoding::{Encoding, Sent};
use stored::to_send;
pub(crate) use stored::{read, table_of};

use crate::accept::Accept;
use crate::caller::{Caller, RawQuery};
use crate::conditional::{Tag, immutable, tagged};
use crate::content::Content;
use crate::instances::{One, find};
use crate::limits::FRAMES_A_REQUEST;
use crate::multipart::{Boundary, Part, answer, body_of, part_after_part};
use crate::partial::{Begun, begin};
use crate::picture::Image;
use crate::range::ranged;
use crate::recoded;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// A list of frames in a path.
#[derive(Deserialize)]
pub(crate) struct Listed {
    study: String,
    series: String,
    instance: String,
    frames: String,
}

/// Reads `1,3,5`; numbers count from 1.
pub(crate) fn numbers(list: &str) -> Answer<Vec<u32>> {
    let numbers: Result<Vec<u32>, _> = list
        .split(',')
        .map(|number| number.trim().parse())
        .collect();
    let mut numbers = numbers
        .map_err(|_| Refusal::bad_request("frames are numbers from 1, separated by commas"))?;
    if numbers.len() > FRAMES_A_REQUEST {
        return Err(Refusal::too_large(format!(
            "ask for at most {FRAMES_A_REQUEST} frames at once"
        )));
    }
    if numbers.contains(&0) {
        return Err(Refusal::bad_request("frames are counted from 1"));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// GET .../frames/{list}.
pub(crate) async fn frames(
    State(state): State<DicomWebState>,
    Path(listed): Path<Listed>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let numbers = numbers(&listed.frames)?;
    let accept = Accept::of_request(&headers, &query)?;
    let one = One {
        study: listed.study,
        series: listed.series,
        instance: listed.instance,
    };
    let found = find(&state, &caller, &one).await?;
    let table = table_of(&found)?;
    if numbers.iter().any(|number| *number > table.frame_count()) {
        return Err(Refusal::new(
            axum::http::StatusCode::NOT_FOUND,
            "the instance has no such frame, or its pixel data end before it",
        ));
    }
    let encoding = Encoding::of(&found, &table);
    let (sent, is_parts) = encoding.choose(&accept, numbers.len())?;
    caller.note_images(&state, &one.study, [&found]).await?;
    let part_type = sent.map_or_else(|| encoding.part_type(), |sent| sent.encoding().part_type());
    let form = (part_type, &numbers);
    let tag = Tag::of_stored(&caller, &found, form, is_parts);
    if let Some(tag) = tag.as_ref().filter(|tag| tag.is_known(&headers)) {
        let mut response = tag.not_modified();
        immutable(&mut response);
        return Ok(response);
    }
    let url = caller
        .address
        .instance(&one.study, &one.series, &one.instance);
    if let Some(sent) = sent {
        let image = Image::of(&state, &caller.asker(), found).await?;
        let mut response = match (is_parts, numbers.as_slice()) {
            (false, [number]) => {
                recoded_alone(&headers, sent, &image, *number, tag.as_ref()).await?
            }
            _ => {
                let is_alone = numbers.len() == 1;
                let parts = recoded_parts(sent, encoding, image, url, numbers).await?;
                if !is_alone {
                    // What goes out as it is stored this time may be decoded the next time.
                    return Ok(parts);
                }
                tagged(parts, tag.as_ref())
            }
        };
        immutable(&mut response);
        return Ok(response);
    }
    let bytes = to_send(&state, caller.sending, &found, table, &numbers).await?;
    let mut response = if is_parts {
        tagged(in_parts(&encoding, &url, &numbers, bytes)?, tag.as_ref())
    } else {
        let content_type =
            HeaderValue::try_from(encoding.part_type()).map_err(|_| Refusal::internal())?;
        ranged(
            &headers,
            Content::Pieces(bytes.into_iter().flatten().collect()),
            content_type,
            tag.as_ref(),
        )?
    };
    immutable(&mut response);
    Ok(response)
}

/// Returns the type of every frame as it is stored, and the frames.
pub(crate) async fn as_they_are_stored(
    state: &DicomWebState,
    found: &StoredInstance,
) -> Answer<(String, Vec<Vec<Bytes>>)> {
    let table = table_of(found)?;
    let part_type = Encoding::of(found, &table).part_type();
    let numbers: Vec<u32> = (1..=table.frame_count()).collect();
    Ok((part_type, read(state, found, table, &numbers).await?))
}

async fn recoded_alone(
    headers: &HeaderMap,
    sent: Sent,
    image: &Image,
    number: u32,
    tag: Option<&Tag>,
) -> Answer {
    let bytes = recoded::frame(image, number, sent == Sent::JpegLs).await?;
    let content_type = HeaderValue::try_from(sent.encoding().part_type());
    let content_type = content_type.map_err(|_| Refusal::internal())?;
    ranged(headers, Content::Pieces(vec![bytes]), content_type, tag)
}

/// A frame among others in another encoding than the stored one; where that cannot be had, as it is stored, and its part says
/// so: the others could not be had either when the answer broke off, and none is mistaken for the one before it.
// PS3.18 8.7.3.5.2: every part names its transfer syntax.
async fn among_others(
    image: &Image,
    number: u32,
    sent: Sent,
    stored: &Encoding,
) -> Answer<(Encoding, Bytes)> {
    match recoded::frame(image, number, sent == Sent::JpegLs).await {
        Ok(bytes) => Ok((sent.encoding(), bytes)),
        Err(refusal) if refusal.leaves_others() => as_stored(image, number, stored).await,
        Err(refusal) => Err(refusal),
    }
}

async fn as_stored(image: &Image, number: u32, stored: &Encoding) -> Answer<(Encoding, Bytes)> {
    let bytes = Bytes::from(image.stored(number).await?);
    Ok((stored.clone(), bytes))
}

/// Decodes and sends frame after frame: one at a time is in memory.
async fn recoded_parts(
    sent: Sent,
    stored: Encoding,
    image: Image,
    url: String,
    numbers: Vec<u32>,
) -> Answer {
    let mut numbers = numbers.into_iter();
    let decode = |number| {
        let image = &image;
        async move { recoded::frame(image, number, sent == Sent::JpegLs).await }
    };
    let Begun { refused, first } = begin(numbers.by_ref(), decode).await?;
    let root = match refused.as_slice() {
        [] => sent.encoding(),
        _ => stored.clone(),
    };
    let of = (image.clone(), stored.clone());
    let before = stream::iter(refused).then(move |(number, _)| {
        let (image, stored) = of.clone();
        async move { (number, as_stored(&image, number, &stored).await) }
    });
    let rest = stream::iter(numbers).then(move |number| {
        let (image, stored) = (image.clone(), stored.clone());
        async move {
            let frame = among_others(&image, number, sent, &stored).await;
            (number, frame)
        }
    });
    let first = (first.0, Ok((sent.encoding(), first.1)));
    let all = before.chain(stream::iter([first])).chain(rest);
    let parts = all.map(move |(number, frame)| {
        let (encoding, bytes) = frame?;
        Ok(Part {
            content_type: encoding.part_type(),
            location: format!("{url}/frames/{number}"),
            bytes,
        })
    });
    part_after_part(root.media_type, parts)
}

fn in_parts(encoding: &Encoding, url: &str, numbers: &[u32], bytes: Vec<Vec<Bytes>>) -> Answer {
    let boundary = Boundary::new()?;
    let part_type = encoding.part_type();
    let mut pieces = Vec::with_capacity(bytes.len() * 3 + 1);
    for (index, (number, frame)) in numbers.iter().zip(bytes).enumerate() {
        let length = frame.iter().map(|piece| piece.len() as u64).sum();
        let location = format!("{url}/frames/{number}");
        pieces.push(boundary.opening(index == 0, &part_type, &location, length));
        pieces.extend(frame);
    }
    pieces.push(boundary.closing());
    let (body, total) = body_of(pieces);
    Ok(answer(
        body,
        boundary.content_type(encoding.media_type)?,
        total,
    ))
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn lists_are_ascending_w5() {
        assert_eq!(numbers("3,1, 2,1").ok(), Some(vec![1, 2, 3]));
        for bad in ["0", "a", "", "1,,2", "-1"] {
            assert!(numbers(bad).is_err(), "{bad}");
        }
    }
}
