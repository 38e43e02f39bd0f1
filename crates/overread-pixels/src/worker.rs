//! What the process that decodes does, and the words it speaks with who asks.

use std::io::{Read, Write};

use crate::codec::{self, Codec};
use crate::limits::{ENCODED_BYTES, FRAME_BYTES, WORKER_CPU_TIME, WORKER_MEMORY_BYTES};
use crate::shape::{Photometric, Shape};
use crate::{Decoded, PixelError};

/// Bytes before the frame in a request: what to do, the codec, the shape, the length.
pub(crate) const REQUEST_BYTES: usize = 26;
/// Bytes before the samples in an answer: how it went, the colours, the length.
pub(crate) const ANSWER_BYTES: usize = 26;

const ERRORS: [PixelError; 5] = [
    PixelError::NoShape,
    PixelError::TooLarge,
    PixelError::Unsupported,
    PixelError::Damaged,
    PixelError::BrokeOff,
];

/// What is asked of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Decode(Codec),
    EncodeJpegLs,
}

impl Task {
    /// Does it, in this process.
    pub(crate) fn run(self, shape: &Shape, frame: &[u8]) -> Result<Decoded, PixelError> {
        match self {
            Self::Decode(codec) => codec::decode(codec, shape, frame),
            Self::EncodeJpegLs => Ok(Decoded {
                bytes: codec::encode_jpeg_ls(shape, frame)?,
                photometric: shape.photometric,
            }),
        }
    }

    /// Writes the head of a request.
    pub(crate) fn request(self, shape: &Shape, frame_bytes: usize) -> [u8; REQUEST_BYTES] {
        let (task, codec) = match self {
            Self::Decode(codec) => (0, codec.number()),
            Self::EncodeJpegLs => (1, 0),
        };
        head([task, codec], shape, frame_bytes)
    }
}

fn head(two: [u8; 2], shape: &Shape, length: usize) -> [u8; REQUEST_BYTES] {
    let mut out = [0; REQUEST_BYTES];
    let bytes = two
        .into_iter()
        .chain(shape.to_bytes())
        .chain((length as u64).to_le_bytes());
    for (place, byte) in out.iter_mut().zip(bytes) {
        *place = byte;
    }
    out
}

/// Reads the head of an answer: the colours and the length, or what went wrong.
pub(crate) fn read_answer(
    head: [u8; ANSWER_BYTES],
) -> Option<Result<(Photometric, usize), PixelError>> {
    let (two, rest) = head.split_first_chunk::<2>()?;
    let (shape, length) = rest.split_first_chunk::<16>()?;
    let length = u64::from_le_bytes(*length.first_chunk()?);
    match two {
        [0, _] if length <= FRAME_BYTES.saturating_mul(2) => Some(Ok((
            Shape::from_bytes(*shape)?.photometric,
            length as usize,
        ))),
        [1, error] => Some(Err(*ERRORS.get(usize::from(*error))?)),
        _ => None,
    }
}

/// Decodes one frame after another from standard input to standard output; the executable calls it for a hidden command.
///
/// # Errors
/// When the other end speaks nonsense or is gone; the caller ends with a code other than 0.
pub fn child_main() -> std::io::Result<()> {
    limits_for_ever();
    // A panic is answered; its message could hold what the frame held.
    std::panic::set_hook(Box::new(|_| {}));
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut request = [0; REQUEST_BYTES];
    loop {
        if let Err(error) = input.read_exact(&mut request) {
            let is_over = error.kind() == std::io::ErrorKind::UnexpectedEof;
            return if is_over { Ok(()) } else { Err(error) };
        }
        let nonsense = || std::io::Error::from(std::io::ErrorKind::InvalidData);
        let (task, shape, length) = read_request(&request).ok_or_else(nonsense)?;
        let mut frame = Vec::new();
        (&mut input).take(length).read_to_end(&mut frame)?;
        if frame.len() as u64 != length {
            return Err(nonsense());
        }
        limit_for_one();
        let done = std::panic::catch_unwind(|| task.run(&shape, &frame));
        let done = done.unwrap_or(Err(PixelError::Damaged));
        match done {
            Ok(decoded) => {
                let coloured = Shape {
                    photometric: decoded.photometric,
                    ..shape
                };
                output.write_all(&head([0, 0], &coloured, decoded.bytes.len()))?;
                output.write_all(&decoded.bytes)?;
            }
            Err(error) => {
                let number = ERRORS.iter().position(|known| *known == error);
                let number = number.unwrap_or_default() as u8;
                output.write_all(&head([1, number], &shape, 0))?;
            }
        }
        output.flush()?;
    }
}

fn read_request(request: &[u8; REQUEST_BYTES]) -> Option<(Task, Shape, u64)> {
    let (two, rest) = request.split_first_chunk::<2>()?;
    let (shape, length) = rest.split_first_chunk::<16>()?;
    let length = u64::from_le_bytes(*length.first_chunk()?);
    let task = match two {
        [0, codec] => Task::Decode(Codec::of_number(*codec)?),
        [1, _] => Task::EncodeJpegLs,
        _ => return None,
    };
    (length <= ENCODED_BYTES).then_some((task, Shape::from_bytes(*shape)?, length))
}

/// Lets the system stop this process when it takes too much memory, and forbids what decoding never needs.
#[cfg(unix)]
fn limits_for_ever() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let both = |value: u64| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    // Where a limit cannot be set the parent's time limit still holds.
    let _ = setrlimit(Resource::As, both(WORKER_MEMORY_BYTES));
    // No files are written, and no memory of patients' images is left behind by a crash.
    let _ = setrlimit(Resource::Fsize, both(0));
    let _ = setrlimit(Resource::Core, both(0));
}

/// Gives one frame its processor time.
#[cfg(unix)]
fn limit_for_one() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    use rustix::time::{ClockId, clock_gettime};
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.max(0) as u64;
    let limit = Rlimit {
        current: Some(used + WORKER_CPU_TIME.as_secs()),
        maximum: None,
    };
    let _ = setrlimit(Resource::Cpu, limit);
}

#[cfg(not(unix))]
const fn limits_for_ever() {}

#[cfg(not(unix))]
const fn limit_for_one() {}
