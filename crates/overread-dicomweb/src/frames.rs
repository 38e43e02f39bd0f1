//! WADO-RS: frames as they are stored, by range reads, or in another encoding (PS3.18 10.4.1.1.6).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use overread_dicom::frames::{FrameBytes, Words, extract, take_bits};
use overread_dicom::syntax::{EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, frame_media_type};
use overread_dicom::{FrameTable, Header, ParseLimits};
use overread_pixels::{JPEG_LS_LOSSLESS, is_decodable};
use overread_store::studies::StoredInstance;
use serde::Deserialize;

use crate::accept::{Accept, MediaRange};
use crate::caller::{Caller, RawQuery, Sending};
use crate::conditional::{Tag, immutable, tagged};
use crate::content::Content;
use crate::instances::{One, find};
use crate::limits::{FRAMES_A_REQUEST, REWRITTEN_BYTES};
use crate::multipart::{Boundary, answer, body_of, body_of_stream};
use crate::partial::{Begun, begin};
use crate::picture::{Image, start_of};
use crate::range::ranged;
use crate::recoded;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

const OCTETS: &str = "application/octet-stream";
const BITS_ALLOCATED: u32 = 0x0028_0100;
const PIXEL_DATA: u32 = 0x7FE0_0010;

/// A list of frames in a path.
#[derive(Deserialize)]
pub(crate) struct Listed {
    study: String,
    series: String,
    instance: String,
    frames: String,
}

/// In what frames go out that do not go out as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Decoded,
    JpegLs,
}

/// What the frames of an instance are on the wire.
#[derive(Clone)]
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

    /// Chooses the encoding for what a client takes, and whether it goes in parts.
    fn choose(&self, accept: &Accept, frame_count: usize) -> Answer<(Option<Sent>, bool)> {
        let may_be_decoded = self.is_compressed() && is_decodable(&self.transfer_syntax_uid);
        let mut offers = vec![None];
        if may_be_decoded {
            offers.push(Some(Sent::Decoded));
        }
        if may_be_decoded || !self.is_compressed() {
            offers.push(Some(Sent::JpegLs));
        }
        let taken = accept.0.iter().find_map(|range| {
            offers.iter().find_map(|sent| {
                // Nobody is sent what must be computed unless it is named.
                if *sent == Some(Sent::JpegLs) && !names_jpeg_ls(range) {
                    return None;
                }
                let is_parts = match sent {
                    None => self.taken_by(range)?,
                    Some(sent) => sent.encoding().taken_by(range)?,
                };
                // PS3.18 8.6.1.2: only one frame can go alone.
                (is_parts || frame_count == 1).then_some((*sent, is_parts))
            })
        });
        taken.ok_or_else(|| {
            let uid = &self.transfer_syntax_uid;
            let media_type = self.media_type;
            Refusal::not_acceptable(format!(
                "the frames are stored as {media_type} ({uid}); accept multipart/related; \
                 type=\"{media_type}\"; transfer-syntax={uid}, or application/octet-stream for decoded ones"
            ))
        })
    }

    fn decoded() -> Self {
        Self {
            media_type: OCTETS,
            transfer_syntax_uid: EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        }
    }

    fn jpeg_ls() -> Self {
        Self {
            media_type: "image/jls",
            transfer_syntax_uid: JPEG_LS_LOSSLESS.to_owned(),
        }
    }

    fn part_type(&self) -> String {
        format!(
            "{}; transfer-syntax={}",
            self.media_type, self.transfer_syntax_uid
        )
    }
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
    caller
        .note_reading(&state, "study.images_read", Some(&one.study))
        .await?;
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
        let image = Image::of(&state, found).await?;
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

fn names_jpeg_ls(range: &MediaRange) -> bool {
    let name = range.part_type.as_deref().unwrap_or(&range.essence);
    name == "image/jls" && range.transfer_syntax.as_deref() != Some("*")
}

impl Sent {
    fn encoding(self) -> Encoding {
        match self {
            Self::JpegLs => Encoding::jpeg_ls(),
            Self::Decoded => Encoding::decoded(),
        }
    }
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
    let boundary = Boundary::new()?;
    let closing = boundary.closing();
    let mut numbers = numbers.into_iter();
    let decode = |number| {
        let image = &image;
        async move { recoded::frame(image, number, sent == Sent::JpegLs).await }
    };
    let Begun { refused, first } = begin(numbers.by_ref(), decode).await?;
    let start = refused.first().map_or(first.0, |(number, _)| *number);
    let root = match refused.as_slice() {
        [] => sent.encoding(),
        _ => stored.clone(),
    };
    let content_type = boundary.content_type(root.media_type)?;
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
    let pieces = all.flat_map(move |(number, frame)| {
        let pieces = match frame {
            Ok((encoding, bytes)) => {
                let location = format!("{url}/frames/{number}");
                let (part_type, length) = (encoding.part_type(), bytes.len() as u64);
                let opening = boundary.opening(number == start, &part_type, &location, length);
                vec![Ok(opening), Ok(bytes)]
            }
            Err(_) => vec![Err(std::io::Error::other("a frame could not be read"))],
        };
        stream::iter(pieces)
    });
    let body = body_of_stream(pieces.chain(stream::iter([Ok(closing)])));
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
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

/// Returns frames for nothing but to be sent; each may be several pieces.
async fn to_send(
    state: &DicomWebState,
    sending: Sending,
    found: &StoredInstance,
    table: FrameTable,
    numbers: &[u32],
) -> Answer<Vec<Vec<Bytes>>> {
    let whole = |number: &u32| match table.locate(number - 1) {
        Some(FrameBytes::Ranges(ranges)) => Some(ranges),
        _ => None,
    };
    let is_big_endian = found.transfer_syntax_uid == EXPLICIT_VR_BIG_ENDIAN;
    let places: Option<Vec<_>> = numbers.iter().map(whole).collect();
    let Some(places) = places.filter(|_| sending == Sending::Files && !is_big_endian) else {
        return read(state, found, table, numbers).await;
    };
    let mut frames = Vec::with_capacity(places.len());
    for ranges in places {
        let mut frame = Vec::with_capacity(ranges.len());
        for range in ranges {
            let within = range.offset_bytes..range.offset_bytes.saturating_add(range.length_bytes);
            frame.extend(sending.pieces(&state.archive, found.extent, within).await?);
        }
        frames.push(frame);
    }
    Ok(frames)
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
    if let Some(bits_allocated) = big_endian_words(state, found, &table).await? {
        return turned_round(state, found, &table, (numbers, bits_allocated)).await;
    }
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
    Ok(frames)
}

/// Returns the bits of a cell of pixel data that are stored in big endian words; `None` for any other.
async fn big_endian_words(
    state: &DicomWebState,
    found: &StoredInstance,
    table: &FrameTable,
) -> Answer<Option<u16>> {
    if found.transfer_syntax_uid != EXPLICIT_VR_BIG_ENDIAN {
        return Ok(None);
    }
    let start = start_of(state, found, table).await?;
    let header = Header::read(&start, &ParseLimits::default())
        .map_err(|problem| Refusal::not_acceptable(problem.message))?;
    let bits = header.number(None, BITS_ALLOCATED).unwrap_or(16.0) as u16;
    // PS3.5 8.2 and A.3: bytes (OB) have no order, words (OW) do, also when several cells share one.
    Ok((header.stated_vr(None, PIXEL_DATA) != Some("OB")).then_some(bits))
}

/// Reads big endian words as little endian frames (PS3.18 8.7.3.2: octet-stream is little endian).
async fn turned_round(
    state: &DicomWebState,
    found: &StoredInstance,
    table: &FrameTable,
    (numbers, bits_allocated): (&[u32], u16),
) -> Answer<Vec<Vec<Bytes>>> {
    let mut frames = Vec::with_capacity(numbers.len());
    for number in numbers {
        let words = Words::of(table, number - 1, bits_allocated).ok_or_else(Refusal::internal)?;
        let start = words.range.offset_bytes;
        let end = start.saturating_add(words.range.length_bytes);
        // The last word is not filled up where its sender forgot to.
        let read = start..end.min(found.extent.length_bytes);
        let bytes = state.archive.read(found.extent, read).await?;
        frames.push(vec![Bytes::from(words.little_endian(bytes.to_vec()))]);
    }
    Ok(frames)
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

    use super::{Encoding, Sent, numbers};
    use crate::accept::Accept;

    fn check(
        media_type: &'static str,
        syntax: &str,
        accept: &str,
        expect: Option<(Option<Sent>, bool)>,
    ) {
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
        let any = "multipart/related; type=application/octet-stream; transfer-syntax=*";
        let plain = "multipart/related; type=\"application/octet-stream\"";
        let jls_parts = "multipart/related; type=\"image/jls\"";
        let stored = |is_parts| Some((None, is_parts));
        check(octets, native, any, stored(true));
        check(octets, native, plain, stored(true));
        check(octets, native, octets, stored(false));
        check(octets, native, "*/*", stored(true));
        check(octets, native, jls_parts, Some((Some(Sent::JpegLs), true)));
        check(
            octets,
            native,
            "image/jls",
            Some((Some(Sent::JpegLs), false)),
        );
        check(octets, native, "image/*", None);
        check(octets, native, "image/jpeg", None);
        let jls = "1.2.840.10008.1.2.4.80";
        check("image/jls", jls, any, stored(true));
        check("image/jls", jls, plain, Some((Some(Sent::Decoded), true)));
        let explicit = format!("{plain}; transfer-syntax={native}");
        check(
            "image/jls",
            jls,
            &explicit,
            Some((Some(Sent::Decoded), true)),
        );
        check("image/jls", jls, jls_parts, stored(true));
        check("image/jls", jls, "image/*", stored(false));
        check(
            "image/jls",
            jls,
            "image/jls; transfer-syntax=1.2.840.10008.1.2.4.81",
            None,
        );
        check(
            "image/jls",
            jls,
            &format!("{octets}, image/jls;q=0.1"),
            Some((Some(Sent::Decoded), false)),
        );
        let film = "1.2.840.10008.1.2.4.102";
        check("video/mp4", film, plain, None);
        check("video/mp4", film, any, stored(true));
    }

    #[test]
    fn lists_are_ascending_w5() {
        assert_eq!(numbers("3,1, 2,1").ok(), Some(vec![1, 2, 3]));
        for bad in ["0", "a", "", "1,,2", "-1"] {
            assert!(numbers(bad).is_err(), "{bad}");
        }
    }
}
