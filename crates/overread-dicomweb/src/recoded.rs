//! Instances and frames whose pixel data go out in another encoding than the stored one (PS3.18 8.7.3).

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use overread_dicom::syntax::EXPLICIT_VR_LITTLE_ENDIAN;
use overread_dicom::{Header, ParseLimits, Recoded, recoded_head};
use overread_pixels::{Decoded, JPEG_LS_LOSSLESS, Photometric, changes};
use overread_store::studies::StoredInstance;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::blinding::Withheld;
use crate::content::Content;
use crate::limits::{READY_BYTES, RECODED_BYTES};
use crate::picture::Image;
use crate::refusal::{Answer, Refusal};
use crate::state::DicomWebState;

/// Room for decoded frames that wait to be sent, in KiB.
static READY: Semaphore = Semaphore::const_new(READY_BYTES / 1024);

/// The decoded frames of an instance, behind what stands before them.
pub(crate) struct Frames {
    image: Image,
    head: Bytes,
    /// The first ones; the others are decoded anew while they are sent.
    ready: Vec<Bytes>,
    /// Of those behind the first.
    room: Option<SemaphorePermit<'static>>,
    photometric: Photometric,
}

impl Frames {
    /// Decodes every frame before anything is said, since an answer that has begun can only be broken off. What does not fit
    /// into [`RECODED_BYTES`], or into what all answers have together, is let go again.
    async fn of(image: Image) -> Answer<Self> {
        let first = image.samples(1).await?;
        let fit = RECODED_BYTES / image.shape.decoded_bytes().max(1);
        let mut ready = vec![Bytes::from(first.bytes)];
        let mut room: Option<SemaphorePermit<'static>> = None;
        for number in 2..=image.frame_count() {
            let frame = image.samples(number).await?;
            let kib = u32::try_from(frame.bytes.len() / 1024 + 1).unwrap_or(u32::MAX);
            // Only the first ones in a row are of use.
            if ready.len() + 1 == number as usize
                && ready.len() < fit
                && let Ok(more) = READY.try_acquire_many(kib)
            {
                match &mut room {
                    Some(room) => room.merge(more),
                    None => room = Some(more),
                }
                ready.push(Bytes::from(frame.bytes));
            }
        }
        Ok(Self {
            image,
            head: Bytes::new(),
            ready,
            room,
            photometric: first.photometric,
        })
    }

    pub(crate) fn length_bytes(&self) -> u64 {
        let frames = decoded_bytes(&self.image);
        self.head.len() as u64 + frames + frames % 2
    }

    pub(crate) fn stream(self) -> BoxStream<'static, std::io::Result<Bytes>> {
        let padding = (decoded_bytes(&self.image) % 2 == 1).then(|| Ok(Bytes::from_static(b"\0")));
        let (image, next) = (self.image, self.ready.len() as u32 + 1);
        let rest = stream::iter(next..=image.frame_count()).then(move |number| {
            let image = image.clone();
            async move {
                // It was decoded once; an error in the middle of an answer can only break it off.
                let frame = image.samples(number).await;
                let frame = frame.map(|frame| Bytes::from(frame.bytes));
                frame.map_err(|_| std::io::Error::other("a frame could not be decoded"))
            }
        });
        let room = self.room;
        let ready = stream::iter(self.ready).map(move |frame| {
            // Given back when the last of them is sent.
            let _room = &room;
            Ok(frame)
        });
        stream::iter([Ok(self.head)])
            .chain(ready)
            .chain(rest)
            .chain(stream::iter(padding))
            .boxed()
    }
}

/// Returns how many bytes the decoded frames of an instance are; what decodes keeps to it.
fn decoded_bytes(image: &Image) -> u64 {
    u64::from(image.frame_count()) * image.shape.decoded_bytes() as u64
}

/// Returns an instance with its pixel data decoded.
pub(crate) async fn decoded(
    state: &DicomWebState,
    asker: &str,
    found: &StoredInstance,
    withheld: &Withheld,
) -> Answer<Content> {
    let image = Image::of(state, asker, found.clone()).await?;
    let total = decoded_bytes(&image);
    let native_bytes = u32::try_from(total + total % 2)
        .ok()
        .filter(|bytes| *bytes != u32::MAX)
        .ok_or_else(|| {
            Refusal::too_large("the decoded pixel data are too large for one instance")
        })?;
    let mut frames = Frames::of(image).await?;
    let head = head(
        &frames.image,
        frames.photometric,
        withheld,
        EXPLICIT_VR_LITTLE_ENDIAN,
        Some(native_bytes),
    )?;
    frames.head = head.into();
    Ok(Content::Frames(Box::new(frames)))
}

/// Returns the decoded pixel data of an instance alone.
pub(crate) async fn pixel_data(
    state: &DicomWebState,
    asker: &str,
    found: &StoredInstance,
) -> Answer<Content> {
    let image = Image::of(state, asker, found.clone()).await?;
    Ok(Content::Frames(Box::new(Frames::of(image).await?)))
}

/// Returns an instance with its pixel data in JPEG-LS, without loss.
pub(crate) async fn jpeg_ls(
    state: &DicomWebState,
    asker: &str,
    found: &StoredInstance,
    withheld: &Withheld,
) -> Answer<Content> {
    let image = Image::of(state, asker, found.clone()).await?;
    let mut pieces = Vec::new();
    let mut total = 0;
    let mut photometric = image.shape.photometric;
    for number in 1..=image.frame_count() {
        let mut frame = image.jpeg_ls(number).await?;
        photometric = frame.photometric;
        // PS3.5 A.4: every fragment is an item of an even length.
        if frame.bytes.len() % 2 == 1 {
            frame.bytes.push(0);
        }
        total += frame.bytes.len();
        if total > RECODED_BYTES {
            return Err(Refusal::too_large(
                "the instance is too large to be compressed as a whole; ask for its frames",
            ));
        }
        pieces.push(item(frame.bytes.len() as u32));
        pieces.push(frame.bytes.into());
    }
    let head = head(&image, photometric, withheld, JPEG_LS_LOSSLESS, None)?;
    let start = [Bytes::from(head), item(0)];
    // The sequence delimitation item.
    let end = Bytes::from_static(b"\xfe\xff\xdd\xe0\0\0\0\0");
    Ok(Content::Pieces(
        start.into_iter().chain(pieces).chain([end]).collect(),
    ))
}

fn item(length: u32) -> Bytes {
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
    out.extend_from_slice(&length.to_le_bytes());
    Bytes::from(out)
}

fn head(
    image: &Image,
    photometric: Photometric,
    withheld: &Withheld,
    transfer_syntax_uid: &str,
    native_bytes: Option<u32>,
) -> Answer<Vec<u8>> {
    let limits = ParseLimits::default();
    let unreadable =
        |problem: overread_dicom::DicomProblem| Refusal::not_acceptable(problem.message);
    let header = Header::read(&image.start, &limits).map_err(unreadable)?;
    let stored = &image.found.transfer_syntax_uid;
    let recoded = Recoded {
        transfer_syntax_uid: transfer_syntax_uid.to_owned(),
        native_bytes,
        are_words: image.shape.bits_allocated > 8,
        changes: changes(&header, &image.shape, photometric, always_loses(stored)),
    };
    let leaves_out = |tag, vr: &str, value: &[u8]| withheld.holds_bytes(tag, vr, value);
    recoded_head(&image.start, &limits, &leaves_out, &recoded).map_err(unreadable)
}

/// Says whether a syntax cannot hold an image without loss.
fn always_loses(transfer_syntax_uid: &str) -> bool {
    let last = transfer_syntax_uid
        .strip_prefix("1.2.840.10008.1.2.4.")
        .unwrap_or_default();
    matches!(last, "50" | "51" | "53" | "55")
}

/// Returns one frame for the wire, in JPEG-LS or uncompressed.
pub(crate) async fn frame(image: &Image, number: u32, is_jpeg_ls: bool) -> Answer<Bytes> {
    let Decoded { bytes, .. } = if is_jpeg_ls {
        image.jpeg_ls(number).await?
    } else {
        image.samples(number).await?
    };
    Ok(Bytes::from(bytes))
}
