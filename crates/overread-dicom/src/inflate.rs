//! Deflated data sets, inflated within limits.

use flate2::{Decompress, FlushDecompress, Status};
use overread_model::problem::ProblemKind;

use crate::limits::{FREE_INFLATED_BYTES, MAX_INFLATE_RATIO, ParseLimits, READ_WINDOW_BYTES};
use crate::problem::DicomProblem;
use crate::source::Source;

/// An inflated data set.
pub(crate) struct Inflated {
    pub(crate) bytes: Vec<u8>,
    /// The stream ended early or was damaged.
    pub(crate) truncated: bool,
}

/// Returns how many bytes so many deflated bytes may become.
fn most_bytes(deflated_bytes: u64, limits: &ParseLimits) -> u64 {
    let by_ratio = deflated_bytes.saturating_mul(MAX_INFLATE_RATIO);
    limits.inflated_bytes.min(by_ratio.max(FREE_INFLATED_BYTES))
}

/// Returns how much memory, in bytes, inflating so many bytes may take.
pub(crate) fn memory_bytes(deflated_bytes: u64, limits: &ParseLimits) -> u64 {
    let most = most_bytes(deflated_bytes, limits);
    // While it grows for the last time, nearly all of it may be there twice.
    most.saturating_mul(2)
}

/// Inflates from an offset to the end of the source.
// PS3.5 A.5: a raw deflate stream (RFC 1951), without zlib header.
pub(crate) fn inflate<S: Source>(
    source: &mut S,
    start_bytes: u64,
    limits: &ParseLimits,
) -> Result<Inflated, DicomProblem> {
    let deflated_bytes = source.length_bytes().saturating_sub(start_bytes);
    let most = most_bytes(deflated_bytes, limits);
    let mut stream = Decompress::new(false);
    let mut bytes = Vec::new();
    loop {
        let used = stream.total_in();
        let left = deflated_bytes.saturating_sub(used);
        let window = left.min(READ_WINDOW_BYTES as u64) as usize;
        let Some(input) = source.view(start_bytes + used, window) else {
            return Ok(Inflated {
                bytes,
                truncated: true,
            });
        };
        if bytes.len() as u64 >= most {
            return Err(DicomProblem::new(
                ProblemKind::LimitExceeded,
                format!(
                    "the compressed data expand to more than {most} bytes; this is no real image"
                ),
            ));
        }
        let room = (most - bytes.len() as u64).min(READ_WINDOW_BYTES as u64 * 4) as usize;
        if bytes.capacity() - bytes.len() < room {
            // By doubling, but never to more than may come.
            let wanted = (bytes.capacity() * 2).clamp(bytes.len() + room, most as usize);
            bytes.reserve_exact(wanted - bytes.len());
        }
        let before = bytes.len();
        let status = stream.decompress_vec(input, &mut bytes, FlushDecompress::None);
        let progress = bytes.len() > before || stream.total_in() > used;
        match status {
            Ok(Status::StreamEnd) => {
                return Ok(Inflated {
                    bytes,
                    truncated: false,
                });
            }
            Ok(_) if progress => {}
            _ => {
                return Ok(Inflated {
                    bytes,
                    truncated: true,
                });
            }
        }
    }
}
