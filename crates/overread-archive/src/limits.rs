//! Every limit of the archive, with its unit.

use std::time::Duration;

/// Bytes after which a pack is closed and the next instance begins another one.
pub const PACK_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of the header of a pack.
pub const PACK_HEADER_BYTES: u64 = 16;
/// Folders that packs are spread over.
pub const SHELVES: u32 = 16;
/// Packs that are open for writing at once.
pub const OPEN_WRITERS: usize = 64;
/// Packs that are open for reading at once.
pub const OPEN_READERS: usize = 128;
/// Bytes that a stream reads at once.
pub const STREAM_CHUNK_BYTES: u64 = 512 * 1024;
/// Bytes that one [`crate::Archive::read`] may ask for; more is streamed.
pub const READ_BYTES: u64 = 512 * 1024 * 1024;
/// Bytes that are copied out of the page cache without another thread.
pub const CACHED_READ_BYTES: u64 = 1024 * 1024;
/// Bytes copied at once from a spooled file.
pub const COPY_BYTES: usize = 1024 * 1024;
/// Bytes that are gathered before they are written; whole blocks.
pub const STAGED_BYTES: usize = 1024 * 1024;
/// Memories of [`STAGED_BYTES`] that are kept for the next batches.
pub const KEPT_STAGINGS: usize = 2;
/// Bytes at whose multiples the memory and the places of direct writes lie.
pub const BLOCK_BYTES: usize = 4096;
/// Bytes from which on a write goes past the page cache.
pub const DIRECT_BYTES: usize = 64 * 1024;
/// Bytes that are brought back into the page cache after they were written, the latest first.
pub const WARM_BYTES: u64 = 512 * 1024 * 1024;
/// How long nothing is written before what was written is read ahead.
pub const QUIET: Duration = Duration::from_millis(250);
