//! Here stored pixel data become pictures and other encodings: decoding, grey levels, JPEG/PNG/GIF, transcoding.
//!
//! Compressed pixel data come from strangers, and C and C++ read them: [`decode`] asks a process of its own, which the
//! system limits and which dies alone. Uncompressed ones are handled here, in safe code with bounded sizes; what is drawn of them
//! is written as JPEG by libjpeg-turbo, which reads nothing of a stranger's.

mod codec;
mod colour;
mod description;
mod error;
mod grey;
pub mod limits;
mod pool;
mod presentation;
mod reading;
mod references;
mod render;
mod shape;
mod stored;
mod transcode;
mod view;
mod worker;
mod writing;

pub use codec::{JPEG_LS_LOSSLESS, is_decodable};
pub use description::Description;
pub use error::PixelError;
pub use grey::{Voi, VoiFunction};
pub use pool::{
    Decoding, Pool, choose_decoding, decode, decode_with, encode_jpeg_ls, process_count,
};
pub use presentation::{has_graphics, has_overlays};
pub use reading::{RawPicture, read_gif, read_png};
pub use references::{ReferencedImage, frames_of_image, images_of_state};
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
