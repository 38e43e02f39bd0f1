//! WADO-RS: frames as they are stored, by range reads (PS3.18 10.4.1.1.5).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use overread_dicom::frames::{FrameBytes, extract, take_bits, to_little_endian};
use overread_dicom::syntax::{EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, frame_media_type};
use overread_dicom::{FrameTable, ParseLimits};
use overread_store::studies::StoredInstance;
use serde::Deserialize;

use crate::accept::{Accept, MediaRange};
use crate::caller::{Caller, RawQuery};
use crate::instances::{Content, One, find, immutable, ranged};
use crate::limits::{FRAMES_A_REQUEST, REWRITTEN_BYTES};
use crate::multipart::{Boundary, answer, body_of};
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

const OCTETS: &str = "application/octet-stream";

/// A list of frames in a path.
#[derive(Deserialize)]
pub(crate) struct Listed {
    study: String,
    series: String,
    instance: String,
    frames: String,
}

/// What the frames of an instance are on the wire.
struct Encoding {
    media_type: &'static str,
    transfer_syntax_uid: String,
}

impl Encoding {
    fn of(found: &StoredInstance, table: &FrameTable) -> Self {
        if !table.is_encapsulated() {
            return Self {
                media_type: OCTETS,
                transfer_syntax_uid: EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
            };
        }
        Self {
            media_type: frame_media_type(&found.transfer_syntax_uid).unwrap_or(OCTETS),
            transfer_syntax_uid: found.transfer_syntax_uid.clone(),
        }
    }

    fn is_compressed(&self) -> bool {
        self.transfer_syntax_uid != EXPLICIT_VR_LITTLE_ENDIAN
    }

    /// Says whether a range takes this encoding in parts (`true`) or alone (`false`); `None` when not at all.
    fn taken_by(&self, range: &MediaRange) -> Option<bool> {
        let any_syntax = range.transfer_syntax.as_deref() == Some("*");
        let syntax_fits = match range.transfer_syntax.as_deref() {
            None | Some("*") => true,
            Some(wanted) => wanted == self.transfer_syntax_uid,
        };
        if !syntax_fits {
            return None;
        }
        // `type=application/octet-stream; transfer-syntax=*` is how viewers ask for whatever is stored.
        let as_octets = any_syntax || !self.is_compressed() || self.media_type == OCTETS;
        if range.takes_parts(self.media_type) || as_octets && range.takes_parts(OCTETS) {
            return Some(true);
        }
        (range.takes_single(self.media_type) || as_octets && range.takes_single(OCTETS))
            .then_some(false)
    }

    fn choose(&self, accept: &Accept, frame_count: usize) -> Answer<bool> {
        let taken = accept
            .0
            .iter()
            .filter_map(|range| self.taken_by(range))
            // PS3.18 8.6.1.2: only one frame can go alone.
            .find(|is_parts| *is_parts || frame_count == 1);
        taken.ok_or_else(|| {
            let uid = &self.transfer_syntax_uid;
            let media_type = self.media_type;
            Refusal::not_acceptable(format!(
                "the frames are stored as {media_type} ({uid}) and are not decoded here; \
                 accept multipart/related; type=\"{media_type}\"; transfer-syntax={uid}"
            ))
        })
    }

    fn part_type(&self) -> String {
        format!(
            "{}; transfer-syntax={}",
            self.media_type, self.transfer_syntax_uid
        )
    }
}

/// Reads `1,3,5`; numbers count from 1.
fn numbers(list: &str) -> Answer<Vec<u32>> {
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
    let is_parts = encoding.choose(&accept, numbers.len())?;
    caller
        .note_reading(&state, "study.images_read", Some(&one.study))
        .await?;
    let bytes = read(&state, &found, table, &numbers).await?;
    let mut response = if is_parts {
        let url = caller
            .address
            .instance(&one.study, &one.series, &one.instance);
        in_parts(&encoding, &url, &numbers, bytes)?
    } else {
        let content_type =
            HeaderValue::try_from(encoding.part_type()).map_err(|_| Refusal::internal())?;
        ranged(
            &headers,
            Content::Pieces(bytes.into_iter().flatten().collect()),
            content_type,
        )?
    };
    immutable(&mut response);
    Ok(response)
}

pub(crate) fn table_of(found: &StoredInstance) -> Answer<FrameTable> {
    FrameTable::from_bytes(&found.frames).ok_or_else(|| {
        tracing::error!(
            instance.id = found.id,
            "a frame table in the index is damaged; run verify"
        );
        Refusal::internal()
    })
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

/// Reads frames; each may be several fragments.
pub(crate) async fn read(
    state: &DicomWebState,
    found: &StoredInstance,
    table: FrameTable,
    numbers: &[u32],
) -> Answer<Vec<Vec<Bytes>>> {
    if matches!(table, FrameTable::Deflated { .. }) {
        return inflated(state, found, table, numbers.to_vec()).await;
    }
    let is_big_endian = found.transfer_syntax_uid == EXPLICIT_VR_BIG_ENDIAN;
    let mut frames = Vec::with_capacity(numbers.len());
    for number in numbers {
        let frame = match table.locate(number - 1) {
            Some(FrameBytes::Ranges(ranges)) => {
                let mut pieces = Vec::with_capacity(ranges.len());
                for range in ranges {
                    let end = range.offset_bytes.saturating_add(range.length_bytes);
                    pieces.push(
                        state
                            .archive
                            .read(found.extent, range.offset_bytes..end)
                            .await?,
                    );
                }
                pieces
            }
            Some(FrameBytes::Bits {
                range,
                first_bit,
                bit_count,
            }) => {
                let end = range.offset_bytes.saturating_add(range.length_bytes);
                let bytes = state
                    .archive
                    .read(found.extent, range.offset_bytes..end)
                    .await?;
                vec![Bytes::from(take_bits(&bytes, first_bit, bit_count))]
            }
            Some(FrameBytes::WholeInstance) | None => return Err(Refusal::internal()),
        };
        frames.push(frame);
    }
    if is_big_endian {
        turn_round(state, found, &mut frames).await?;
    }
    Ok(frames)
}

/// Turns big endian samples into little endian ones (PS3.18 8.7.3.2: octet-stream is little endian).
async fn turn_round(
    state: &DicomWebState,
    found: &StoredInstance,
    frames: &mut [Vec<Bytes>],
) -> Answer<()> {
    let bits_allocated = bits_allocated(state, found).await?;
    for piece in frames.iter_mut().flatten() {
        let mut bytes = piece.to_vec();
        to_little_endian(&mut bytes, bits_allocated);
        *piece = Bytes::from(bytes);
    }
    Ok(())
}

async fn bits_allocated(state: &DicomWebState, found: &StoredInstance) -> Answer<u16> {
    let value = crate::bulkdata::value(state, found, "00280100").await?;
    let word = value
        .as_ref()
        .and_then(|value| value.bytes.first_chunk::<2>());
    Ok(word.map_or(16, |word| u16::from_le_bytes(*word)))
}

async fn inflated(
    state: &DicomWebState,
    found: &StoredInstance,
    table: FrameTable,
    numbers: Vec<u32>,
) -> Answer<Vec<Vec<Bytes>>> {
    if found.extent.length_bytes > REWRITTEN_BYTES {
        return Err(Refusal::too_large("the deflated instance is too large"));
    }
    let bytes = state
        .archive
        .read(found.extent, 0..found.extent.length_bytes)
        .await?;
    tokio::task::spawn_blocking(move || {
        let limits = ParseLimits::default();
        numbers
            .into_iter()
            .map(|number| {
                extract(&bytes, &table, number - 1, &limits)
                    .map(|frame| vec![Bytes::from(frame.into_owned())])
            })
            .collect::<Result<Vec<_>, _>>()
    })
    .await
    .map_err(|_| Refusal::internal())?
    .map_err(|problem| Refusal::not_acceptable(problem.message))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{Encoding, numbers};
    use crate::accept::Accept;

    fn check(media_type: &'static str, syntax: &str, accept: &str, expect: Option<bool>) {
        let mut headers = HeaderMap::new();
        headers.insert("accept", accept.parse().expect("a header"));
        let accept_ranges = Accept::of_request(&headers, "").expect("reads");
        let encoding = Encoding {
            media_type,
            transfer_syntax_uid: syntax.to_owned(),
        };
        assert_eq!(encoding.choose(&accept_ranges, 1).ok(), expect, "{accept}");
    }

    #[test]
    fn viewers_get_what_is_stored() {
        let native = "1.2.840.10008.1.2.1";
        let octets = "application/octet-stream";
        check(
            octets,
            native,
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            Some(true),
        );
        check(
            octets,
            native,
            "multipart/related; type=\"application/octet-stream\"",
            Some(true),
        );
        check(octets, native, "application/octet-stream", Some(false));
        check(octets, native, "multipart/related; type=image/jls", None);
        check(octets, native, "*/*", Some(true));
        let jls = "1.2.840.10008.1.2.4.80";
        check(
            "image/jls",
            jls,
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            Some(true),
        );
        check(
            "image/jls",
            jls,
            "multipart/related; type=application/octet-stream",
            None,
        );
        check(
            "image/jls",
            jls,
            "multipart/related; type=\"image/jls\"",
            Some(true),
        );
        check("image/jls", jls, "image/*", Some(false));
        check(
            "image/jls",
            jls,
            "image/jls; transfer-syntax=1.2.840.10008.1.2.4.81",
            None,
        );
        check(
            "image/jls",
            jls,
            "application/octet-stream, image/jls;q=0.1",
            Some(false),
        );
    }

    #[test]
    fn lists_are_ascending_w5() {
        assert_eq!(numbers("3,1, 2,1").ok(), Some(vec![1, 2, 3]));
        for bad in ["0", "a", "", "1,,2", "-1"] {
            assert!(numbers(bad).is_err(), "{bad}");
        }
    }
}
