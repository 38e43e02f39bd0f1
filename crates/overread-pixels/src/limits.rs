//! Every limit on what decoding and drawing one picture may cost.

use std::time::Duration;

/// Bytes of one decoded frame.
pub const FRAME_BYTES: u64 = 128 * 1024 * 1024;
/// Bytes of one encoded frame that is decoded.
pub const ENCODED_BYTES: u64 = 128 * 1024 * 1024;
/// Memory of a process that decodes.
pub const WORKER_MEMORY_BYTES: u64 = 1536 * 1024 * 1024;
/// Processor time for one frame.
pub const WORKER_CPU_TIME: Duration = Duration::from_secs(20);
/// Time for one frame, after which its process is killed.
pub const WORKER_TIME: Duration = Duration::from_secs(30);
/// How long a frame that took as long as a process may is refused at once.
pub const SLOW_FOR: Duration = Duration::from_secs(5 * 60);
/// Such frames that are known at a time.
pub const SLOW_FRAMES: usize = 1000;
/// Time that a frame waits for its turn.
pub const WAITING_TIME: Duration = Duration::from_secs(60);
/// Processes that decode at the same time, whatever the machine has; two at least, so that one asker never has all.
pub const WORKERS: usize = 8;
/// Frames after which a process is replaced by a fresh one, so that no leak of foreign code grows.
pub const FRAMES_A_WORKER: u32 = 5000;
/// Frames that are drawn in this process at the same time, for each processor.
pub const DRAWINGS_A_PROCESSOR: usize = 2;
/// Longest side of a picture that is drawn.
pub const PICTURE_SIDE: u32 = 16_384;
/// Pixels of a picture that is drawn.
pub const PICTURE_PIXELS: u64 = 64 * 1024 * 1024;
/// Entries of one lookup table (PS3.3 C.11.1.1.1: 0 stands for 65,536).
pub const TABLE_ENTRIES: usize = 65_536;
/// Windows and lookup tables of one image that are read.
pub const VOI_CHOICES: usize = 16;
/// Series, images and other items of a presentation state that are looked at, each; more than one request is answered with, so
/// that too many are refused and not cut.
pub const REFERENCES: usize = 2000;
/// Frame numbers of one presentation state, over all its images, repeated ones too; a state of more is refused.
pub const REFERENCED_FRAMES: usize = 100_000;
/// Frames of one picture, however small they are.
pub const PICTURE_FRAMES: usize = 1_000_000;
/// Height of a pixel for a width of 1, least and greatest; what is beyond is drawn as these.
pub const PIXEL_HEIGHT: (f64, f64) = (0.1, 10.0);
/// Corners of a shutter.
pub const SHUTTER_CORNERS: usize = 100;
/// Frames of one animated picture.
pub const ANIMATION_FRAMES: usize = 256;
/// Pixels of all frames of one animated picture.
pub const ANIMATION_PIXELS: u64 = 128 * 1024 * 1024;
/// Longest side of a thumbnail when nothing else is asked.
pub const THUMBNAIL_SIDE: u32 = 256;
/// Longest side of a thumbnail that may be asked.
pub const THUMBNAIL_SIDE_MAX: u32 = 1024;
