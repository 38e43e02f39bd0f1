//! What a part holds: bytes in memory, or what is read while it is sent.

use std::ops::Range;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use overread_archive::Archive;
use overread_dicom::{ParseLimits, to_explicit_little_endian_without};
use overread_model::extent::Extent;
use overread_store::studies::StoredInstance;

use crate::blinding::Withheld;
use crate::caller::Sending;
use crate::forms::{Form, can_be_rewritten};
use crate::frames::table_of;
use crate::limits::WHOLE_INSTANCE_BYTES;
use crate::multipart::{body_of, body_of_stream};
use crate::recoded::{self, Frames};
use crate::refusal::{Answer, Refusal};
use crate::room::to_inflate;
use crate::state::DicomWebState;

/// Where `DICM` stands, and what the preamble before it is replaced by: a preamble may be a program or a page (PS3.10 7.1).
const PREAMBLE_BYTES: usize = 128;

/// Bytes that tell whether there is a preamble.
const HEAD_BYTES: u64 = 132;

static EMPTY_PREAMBLE: [u8; PREAMBLE_BYTES] = [0; PREAMBLE_BYTES];

/// What a part holds: in memory, or still in the archive.
pub(crate) enum Content {
    /// In memory, to be sent one after another.
    Pieces(Vec<Bytes>),
    /// A long instance with a preamble that is not sent.
    Long(Long),
    /// Frames that are decoded while they are sent.
    Frames(Box<Frames>),
}

/// A long instance in the archive.
pub(crate) struct Long {
    archive: Archive,
    extent: Extent,
}

impl Content {
    /// Reads an instance in a form, without what is withheld.
    pub(crate) async fn of(
        state: &DicomWebState,
        (asker, sending): (&str, Sending),
        found: &StoredInstance,
        form: Form,
        withheld: Withheld,
    ) -> Answer<Self> {
        let archive = &state.archive;
        match form {
            Form::JpegLs => return recoded::jpeg_ls(state, asker, found, &withheld).await,
            // Some compressed instances hold no image at all.
            Form::Decoded if table_of(found)?.is_encapsulated() => {
                return recoded::decoded(state, asker, found, &withheld).await;
            }
            _ => {}
        }
        if form == Form::Stored
            && !withheld.is_any()
            && let Some(content) = Self::as_stored(archive, sending, found.extent).await?
        {
            return Ok(content);
        }
        can_be_rewritten(found)?;
        let all = 0..found.extent.length_bytes;
        let room = to_inflate(found).await?;
        let bytes = archive.read(found.extent, all).await?;
        let written = tokio::task::spawn_blocking(move || {
            let _room = room;
            let leaves_out = |tag, vr: &str, value: &[u8]| withheld.holds_bytes(tag, vr, value);
            to_explicit_little_endian_without(&bytes, &ParseLimits::default(), &leaves_out)
        })
        .await
        .map_err(|_| Refusal::internal())?
        .map_err(|problem| Refusal::not_acceptable(problem.message))?;
        Ok(Self::Pieces(vec![Bytes::from(written)]))
    }

    /// Returns an instance as it is stored, but for its preamble; `None` when it has none.
    async fn as_stored(
        archive: &Archive,
        sending: Sending,
        extent: Extent,
    ) -> Answer<Option<Self>> {
        let head = archive
            .read(extent, 0..HEAD_BYTES.min(extent.length_bytes))
            .await?;
        if !has_preamble(&head) {
            return Ok(None);
        }
        let rest = PREAMBLE_BYTES as u64..extent.length_bytes;
        let rest = match sending.unread(archive, extent, &rest) {
            Some(rest) => rest,
            None if extent.length_bytes > WHOLE_INSTANCE_BYTES => {
                return Ok(Some(Self::Long(Long {
                    archive: archive.clone(),
                    extent,
                })));
            }
            None => vec![archive.read(extent, rest).await?],
        };
        let preamble = Bytes::from_static(&EMPTY_PREAMBLE);
        Ok(Some(Self::Pieces([vec![preamble], rest].concat())))
    }

    pub(crate) fn length_bytes(&self) -> u64 {
        match self {
            Self::Pieces(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Self::Long(long) => long.extent.length_bytes,
            Self::Frames(frames) => frames.length_bytes(),
        }
    }

    pub(crate) fn stream(self) -> BoxStream<'static, std::io::Result<Bytes>> {
        match self {
            Self::Pieces(pieces) => stream::iter(pieces.into_iter().map(Ok)).boxed(),
            Self::Long(long) => {
                let all = 0..long.extent.length_bytes;
                long.stream(all)
            }
            Self::Frames(frames) => frames.stream(),
        }
    }

    pub(crate) fn body(self, range: Range<u64>) -> Body {
        match self {
            Self::Pieces(pieces) => body_of(cut(pieces, &range)).0,
            Self::Long(long) => body_of_stream(long.stream(range)),
            Self::Frames(frames) => body_of_stream(frames.stream()),
        }
    }
}

/// Cuts a range out of pieces.
fn cut(pieces: Vec<Bytes>, range: &Range<u64>) -> Vec<Bytes> {
    let mut start = 0_u64;
    let mut out = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let length = piece.len() as u64;
        let from = range.start.saturating_sub(start).min(length);
        let to = range.end.saturating_sub(start).min(length);
        if from < to {
            out.push(piece.slice(from as usize..to as usize));
        }
        start += length;
    }
    out
}

impl Long {
    fn stream(self, range: Range<u64>) -> BoxStream<'static, std::io::Result<Bytes>> {
        let preamble = PREAMBLE_BYTES as u64;
        let empty = cut(vec![Bytes::from_static(&EMPTY_PREAMBLE)], &range);
        let start = range.start.max(preamble);
        let rest = Extent {
            pack_id: self.extent.pack_id,
            offset_bytes: self.extent.offset_bytes.saturating_add(start),
            length_bytes: range.end.saturating_sub(start),
        };
        stream::iter(empty.into_iter().map(Ok))
            .chain(self.archive.stream(rest))
            .boxed()
    }
}

fn has_preamble(bytes: &[u8]) -> bool {
    bytes.get(PREAMBLE_BYTES..PREAMBLE_BYTES + 4) == Some(b"DICM")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::cut;

    #[test]
    fn ranges_cross_pieces() {
        let pieces = vec![Bytes::from_static(b"abc"), Bytes::from_static(b"defg")];
        assert_eq!(
            cut(pieces.clone(), &(2..5)),
            [Bytes::from_static(b"c"), Bytes::from_static(b"de")]
        );
        assert_eq!(cut(pieces, &(4..5)), [Bytes::from_static(b"e")]);
    }
}
