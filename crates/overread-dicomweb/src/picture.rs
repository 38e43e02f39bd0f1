//! One instance's frames with what describes them: decoded, drawn, or encoded anew.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use overread_dicom::{FrameTable, Header, ParseLimits, to_explicit_little_endian_without};
use overread_pixels::{
    Decoded, Description, Picture, PixelError, Samples, Shape, View, Voi, decode, draw,
    encode_jpeg_ls, frames_of_image, limits, pixel_by_pixel, process_count,
};
use overread_store::shares::{Share, Shares};
use overread_store::studies::StoredInstance;
use tokio::sync::Semaphore;

use crate::frames::{read, table_of};
use crate::limits::{HEAD_BYTES, REWRITTEN_BYTES, ROOM_ASKERS};
use crate::refusal::{Answer, Refusal};
use crate::room::to_inflate;
use crate::state::DicomWebState;

/// SOP Class of the presentation states that are followed (PS3.4 B.5).
pub(crate) const GRAYSCALE_SOFTCOPY_PRESENTATION_STATE: &str = "1.2.840.10008.5.1.4.1.1.11.1";

/// Everything from here on is pixel data, or what is said about them.
const FIRST_PIXEL_TAG: u32 = 0x7FE0_0000;

/// Drawings at the same time; each has a processor for itself.
static DRAWINGS: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new(processors * limits::DRAWINGS_A_PROCESSOR)
});

/// Turns to decode, of which nobody has all: a frame may take half a minute.
static DECODINGS: LazyLock<Shares> = LazyLock::new(|| {
    let all = process_count();
    Shares::new(all, all / ROOM_ASKERS)
});

/// An instance with frames; a clone is a handle.
#[derive(Clone)]
pub(crate) struct Image {
    state: DicomWebState,
    asker: Arc<str>,
    pub(crate) found: Arc<StoredInstance>,
    table: Arc<FrameTable>,
    /// Everything before the pixel data.
    pub(crate) start: Bytes,
    pub(crate) shape: Shape,
}

/// How a grey image is shown, and how large.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Look {
    pub(crate) voi: Option<Voi>,
    pub(crate) view: View,
    pub(crate) state: Option<PresentationState>,
}

/// A presentation state that an image is shown by.
#[derive(Clone, PartialEq)]
pub(crate) struct PresentationState(Bytes);

impl fmt::Debug for PresentationState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

impl PresentationState {
    /// Reads a presentation state.
    ///
    /// # Errors
    /// It is of another kind than those that are followed here.
    pub(crate) async fn of(state: &DicomWebState, found: &StoredInstance) -> Answer<Self> {
        if found.sop_class_uid != GRAYSCALE_SOFTCOPY_PRESENTATION_STATE {
            return Err(Refusal::not_acceptable(
                "of presentation states only grayscale softcopy ones are followed here",
            ));
        }
        let bytes = start_of(state, found, &table_of(found)?).await?;
        let state = Self(bytes);
        state.header()?;
        Ok(state)
    }

    pub(crate) fn header(&self) -> Answer<Header<'_>> {
        Header::read(&self.0, &ParseLimits::default())
            .map_err(|problem| Refusal::not_acceptable(problem.message))
    }

    /// Returns the frames of an image that it is of; `None` for all.
    pub(crate) fn frames_of(&self, found: &StoredInstance) -> Answer<Option<BTreeSet<u32>>> {
        frames_of_image(&self.header()?, &found.sop_instance_uid)
            .map_err(|error| refused(found, error))
    }
}

/// Returns what must be read so that everything before the pixel data is there.
fn start_bytes(table: &FrameTable, length_bytes: u64) -> u64 {
    let first = match table {
        FrameTable::Native {
            first_offset_bytes, ..
        }
        | FrameTable::NativeBits {
            first_offset_bytes, ..
        } => Some(*first_offset_bytes),
        FrameTable::Fragments(frames) => frames
            .iter()
            .flatten()
            .map(|fragment| fragment.offset_bytes)
            .min(),
        FrameTable::None | FrameTable::Deflated { .. } => None,
    };
    first.unwrap_or(length_bytes).min(length_bytes)
}

/// Reads an instance up to its pixel data; whole when it has none. What is deflated is inflated here, once.
pub(crate) async fn start_of(
    state: &DicomWebState,
    found: &StoredInstance,
    table: &FrameTable,
) -> Answer<Bytes> {
    let end = start_bytes(table, found.extent.length_bytes);
    let is_deflated = matches!(table, FrameTable::Deflated { .. });
    let most = if is_deflated {
        REWRITTEN_BYTES
    } else {
        HEAD_BYTES
    };
    let too_large = || Refusal::too_large("what stands before the pixel data is too large");
    if end > most {
        return Err(too_large());
    }
    let room = to_inflate(found).await?;
    let bytes = state.archive.read(found.extent, 0..end).await?;
    if !is_deflated {
        return Ok(bytes);
    }
    let inflated = tokio::task::spawn_blocking(move || {
        let _room = room;
        let is_of_pixels = |tag, _: &str, _: &[u8]| tag >= FIRST_PIXEL_TAG;
        to_explicit_little_endian_without(&bytes, &ParseLimits::default(), &is_of_pixels)
    })
    .await
    .map_err(|_| Refusal::internal())?
    .map_err(|problem| Refusal::not_acceptable(problem.message))?;
    if inflated.len() as u64 > HEAD_BYTES {
        return Err(too_large());
    }
    Ok(inflated.into())
}

/// Says in plain words why a frame is not to be had in this form.
pub(crate) fn refused(found: &StoredInstance, error: PixelError) -> Refusal {
    let uid = &found.transfer_syntax_uid;
    match error {
        PixelError::TooLarge | PixelError::TooManyReferences => {
            Refusal::too_large(error.to_string())
        }
        PixelError::Busy => Refusal::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            error.to_string(),
        ),
        PixelError::NotPresented => Refusal::not_acceptable(error.to_string()),
        PixelError::BrokeOff => {
            tracing::warn!(instance.id = found.id, "the reading of an image broke off");
            Refusal::broken_off(format!(
                "the image is stored as {uid}: {error}; try again, or ask for transfer-syntax={uid} or transfer-syntax=*"
            ))
        }
        error => Refusal::not_acceptable(format!(
            "the image is stored as {uid}: {error}; ask for transfer-syntax={uid} or transfer-syntax=*"
        )),
    }
}

/// Describes a frame as the presentation state shows it, when there is one.
fn presented(
    description: Description,
    look: &Look,
    found: &StoredInstance,
    number: u32,
) -> Answer<Description> {
    let Some(state) = &look.state else {
        return Ok(description);
    };
    let header = state.header()?;
    description
        .presented(&header, &found.sop_instance_uid, number)
        .map_err(|error| refused(found, error))
}

impl Image {
    /// Reads what describes an instance's frames, for this asker.
    pub(crate) async fn of(
        state: &DicomWebState,
        asker: &str,
        found: StoredInstance,
    ) -> Answer<Self> {
        let table = table_of(&found)?;
        if table.frame_count() == 0 {
            return Err(Refusal::not_acceptable(
                "the instance holds no image that could be drawn or decoded",
            ));
        }
        let start = start_of(state, &found, &table).await?;
        let shape = Header::read(&start, &ParseLimits::default())
            .map_err(|problem| Refusal::not_acceptable(problem.message))
            .and_then(|header| Shape::of(&header).map_err(|error| refused(&found, error)))?;
        Ok(Self {
            state: state.clone(),
            asker: asker.into(),
            found: Arc::new(found),
            table: Arc::new(table),
            start,
            shape,
        })
    }

    pub(crate) fn frame_count(&self) -> u32 {
        self.table.frame_count()
    }

    pub(crate) fn is_encapsulated(&self) -> bool {
        self.table.is_encapsulated()
    }

    /// Returns what is said of a frame, counted from 1.
    pub(crate) fn description(&self, number: u32) -> Answer<Description> {
        let header = Header::read(&self.start, &ParseLimits::default())
            .map_err(|problem| Refusal::not_acceptable(problem.message))?;
        Description::of(&header, number - 1).map_err(|error| refused(&self.found, error))
    }

    /// Reads a frame as it is stored, little endian.
    pub(crate) async fn stored(&self, number: u32) -> Answer<Vec<u8>> {
        let mut frames = read(
            &self.state,
            &self.found,
            self.table.as_ref().clone(),
            &[number],
        )
        .await?;
        let pieces = frames.pop().ok_or_else(Refusal::internal)?;
        Ok(pieces.concat())
    }

    /// Returns the samples of a frame, uncompressed.
    pub(crate) async fn samples(&self, number: u32) -> Answer<Decoded> {
        let stored = self.stored(number).await?;
        if !self.is_encapsulated() {
            return Ok(Decoded {
                bytes: stored,
                photometric: self.shape.photometric,
            });
        }
        let _turn = self.turn().await?;
        decode(&self.found.transfer_syntax_uid, &self.shape, stored)
            .await
            .map_err(|error| refused(&self.found, error))
    }

    async fn turn(&self) -> Answer<Share> {
        let turn = DECODINGS.take(&self.asker, 1, limits::WAITING_TIME);
        turn.await
            .ok_or_else(|| refused(&self.found, PixelError::Busy))
    }

    /// Returns a frame in JPEG-LS, without loss, and what its colours are.
    pub(crate) async fn jpeg_ls(&self, number: u32) -> Answer<Decoded> {
        let refused = |error| refused(&self.found, error);
        let samples = self.samples(number).await?;
        let bytes = pixel_by_pixel(&self.shape, samples.bytes).map_err(refused)?;
        let shape = Shape {
            photometric: samples.photometric,
            is_planar: false,
            ..self.shape.clone()
        };
        let _turn = self.turn().await?;
        let bytes = encode_jpeg_ls(&shape, bytes).await.map_err(refused)?;
        Ok(Decoded {
            bytes,
            photometric: samples.photometric,
        })
    }

    /// Draws a frame and does something with the picture, on a thread that may be busy.
    pub(crate) async fn drawn<T: Send + 'static>(
        &self,
        number: u32,
        look: &Look,
        then: impl FnOnce(Picture) -> Result<T, PixelError> + Send + 'static,
    ) -> Answer<T> {
        let samples = self.samples(number).await?;
        let description = self.description(number)?;
        let (look, is_native) = (look.clone(), !self.is_encapsulated());
        let found = Arc::clone(&self.found);
        let turn = DRAWINGS.acquire().await.map_err(|_| Refusal::internal())?;
        let drawing = tokio::task::spawn_blocking(move || {
            // It goes on when nobody waits any more, and keeps its place so long.
            let _turn = turn;
            let description = presented(description, &look, &found, number)?;
            let samples = if is_native {
                Samples::Native(&samples.bytes)
            } else {
                Samples::Decoded(&samples)
            };
            draw(&description, samples, look.voi.as_ref(), &look.view)
                .and_then(then)
                .map_err(|error| refused(&found, error))
        });
        drawing.await.map_err(|_| Refusal::internal())?
    }
}
