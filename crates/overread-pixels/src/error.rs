//! What can go wrong with pixels.

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
    /// The presentation state names more frames than are followed.
    #[error("the presentation state is of more frames than are followed here")]
    TooManyReferences,
    /// Decoding took too long, too much memory, or ended the process that did it.
    #[error("decoding took too much time or memory, or broke off")]
    BrokeOff,
    /// Others are being decoded; try again.
    #[error("other images are being decoded; try again in a moment")]
    Busy,
}
