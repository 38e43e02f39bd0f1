//! Deflated Image Frame Compression: one raw deflate stream a frame (PS3.5 A.4.13).

use flate2::{Decompress, FlushDecompress};

use crate::shape::Shape;
use crate::{Decoded, PixelError};

pub(super) fn decode(shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
    let wanted = shape.decoded_bytes();
    let mut bytes = Vec::with_capacity(wanted);
    let mut stream = Decompress::new(false);
    stream
        .decompress_vec(frame, &mut bytes, FlushDecompress::Finish)
        .map_err(|_| PixelError::Damaged)?;
    if bytes.len() != wanted {
        return Err(PixelError::Damaged);
    }
    if shape.samples > 1 && shape.is_planar {
        return Err(PixelError::Unsupported);
    }
    Ok(Decoded {
        bytes,
        photometric: shape.photometric,
    })
}
