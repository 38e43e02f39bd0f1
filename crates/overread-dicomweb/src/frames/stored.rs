//! Frames out of the archive, each by range reads; in little endian, and else as they are stored.

use bytes::Bytes;
use overread_dicom::frames::{FrameBytes, Words, extract, take_bits};
use overread_dicom::syntax::EXPLICIT_VR_BIG_ENDIAN;
use overread_dicom::{FrameTable, Header, ParseLimits};
use overread_store::studies::StoredInstance;

use crate::caller::Sending;
use crate::limits::REWRITTEN_BYTES;
use crate::picture::start_of;
use crate::refusal::{Answer, Refusal};
use crate::room::to_inflate;
use crate::state::DicomWebState;

const BITS_ALLOCATED: u32 = 0x0028_0100;

const PIXEL_DATA: u32 = 0x7FE0_0010;

pub(crate) fn table_of(found: &StoredInstance) -> Answer<FrameTable> {
    FrameTable::from_bytes(&found.frames).ok_or_else(|| {
        tracing::error!(
            instance.id = found.id,
            "a frame table in the index is damaged; run verify"
        );
        Refusal::internal()
    })
}

/// Returns frames for nothing but to be sent; each may be several pieces.
pub(super) async fn to_send(
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
    let room = to_inflate(found).await?;
    let bytes = state
        .archive
        .read(found.extent, 0..found.extent.length_bytes)
        .await?;
    tokio::task::spawn_blocking(move || {
        let _room = room;
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
