//! Here stored pixel data become pictures and other encodings: decoding, grey levels, JPEG/PNG/GIF, transcoding.
//!
//! Compressed pixel data come from strangers, and C and C++ read them: [`decode`] asks a process of its own, which the
//! system limits and which dies alone. Uncompressed ones are handled here, in safe code with bounded sizes.

mod codec;
mod colour;
mod description;
mod grey;
pub mod limits;
mod pool;
mod presentation;
mod reading;
mod render;
mod shape;
mod stored;
mod transcode;
mod view;
mod worker;
mod writing;

pub use codec::{JPEG_LS_LOSSLESS, is_decodable};
pub use description::Description;
pub use grey::{Voi, VoiFunction};
pub use pool::{Decoding, Pool, choose_decoding, decode, decode_with, encode_jpeg_ls};
pub use presentation::{has_graphics, images_of_state};
pub use reading::{RawPicture, read_gif, read_png};
pub use render::{Picture, Samples, draw};
pub use shape::{Photometric, SampleKind, Shape};
pub use transcode::{changes, pixel_by_pixel};
pub use view::{Source, View};
pub use worker::child_main;
pub use writing::{MediaType, write, write_animation};

/// A decoded frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Samples in the cells of the shape, little endian, pixel by pixel; single bits packed.
    pub bytes: Vec<u8>,
    /// What the colours are now.
    pub photometric: Photometric,
}

/// Why a frame could not be decoded, drawn or encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PixelError {
    /// Rows, columns, bits or samples are missing or impossible.
    #[error("the attributes that describe the pixels are missing or impossible")]
    NoShape,
    /// A limit on bytes or pixels is passed.
    #[error("the frame is larger than is decoded or drawn here")]
    TooLarge,
    /// No decoder for this, or the encoding cannot hold it.
    #[error("the pixel data are in a form that is not decoded or written here")]
    Unsupported,
    /// The frame is damaged, ends early, or is not what the header says.
    #[error("the pixel data are damaged or do not fit their description")]
    Damaged,
    /// The presentation state is of another frame, the frame is not grey, or it asks for what is not drawn.
    #[error(
        "the presentation state is not of this frame, or asks for what is not drawn here, so that the picture would not be \
             what its author saw; ask for the image without it"
    )]
    NotPresented,
    /// Decoding took too long, too much memory, or ended the process that did it.
    #[error("decoding took too much time or memory, or broke off")]
    BrokeOff,
    /// Others are being decoded; try again.
    #[error("other images are being decoded; try again in a moment")]
    Busy,
}
