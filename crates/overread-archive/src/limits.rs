//! Every limit of the archive, with its unit.

use std::time::Duration;

/// Bytes after which a pack is closed and the next instance begins another one.
pub const PACK_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of the header of a pack.
pub const PACK_HEADER_BYTES: u64 = 16;
/// Bytes that the directory of one batch may have.
pub const DIRECTORY_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes that are read at once from the end of a pack, where its directories stand.
pub const DIRECTORY_WINDOW_BYTES: u64 = 64 * 1024;
/// Bytes that are searched at once for a directory where none stands at its place.
pub const SCAN_BYTES: u64 = 1024 * 1024;
/// Bytes that are written at most to see whether so much can be stored.
pub const TRIAL_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of them that are written at once.
pub const TRIAL_PIECE_BYTES: usize = 1024 * 1024;
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
/// Bytes from which on a piece of a pack may be sent without being read; copying less costs less than that.
pub const UNREAD_BYTES: u64 = 16 * 1024;
/// Pieces that are sent so at once; more are read.
pub const UNREAD_PLACES: usize = 128;
/// Bytes of each of them.
pub const UNREAD_PLACE_BYTES: usize = 1024 * 1024;
/// How many bytes lie between those that are asked for to see whether the page cache holds a piece.
pub const PROBE_BYTES: u64 = 128 * 1024;
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

/// Bytes of a batch for an object store that are gathered in memory; more goes to a temporary file.
pub const GATHERED_BYTES: usize = 32 * 1024 * 1024;
/// Bytes from which on an object is uploaded in parts.
pub const MULTIPART_BYTES: u64 = 24 * 1024 * 1024;
/// Bytes of each part.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of each part of an object that would have too many: an object store takes ten thousand.
pub const LARGE_PART_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes from which on an object is uploaded in large parts.
pub const LARGE_PARTS_FROM_BYTES: u64 = 32 * 1024 * 1024 * 1024;
/// Parts of one object that are uploaded at once.
pub const PARTS_AT_ONCE: usize = 4;
/// How often an upload is tried as a whole; each of its requests is tried several times, too.
pub const UPLOAD_TRIES: u32 = 3;
/// How long is waited before the second try of an upload; each further wait is twice as long.
pub const UPLOAD_PAUSE: Duration = Duration::from_millis(500);
/// How often one request to an object store is tried again.
pub const REQUEST_RETRIES: usize = 5;
/// How long is waited before a request is tried again: the first time, and at most.
pub const REQUEST_PAUSES: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_secs(2));
/// How long a request is tried again at all.
pub const REQUEST_PATIENCE: Duration = Duration::from_secs(10);
/// How long connecting to an object store may take.
pub const CONNECT_TIME: Duration = Duration::from_secs(3);
/// How long an object store may take to answer when nothing is set; bytes that travel have [`SLOW_BYTES_PER_SECOND`] more.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes per second that a slow line to an object store carries at the least.
pub const SLOW_BYTES_PER_SECOND: u64 = 1024 * 1024;
/// How long one request to an object store may take in all.
pub const REQUEST_TIME: Duration = Duration::from_secs(600);
/// Bytes of an object that is written anew in one request, which the object store refuses when another node was faster.
pub const REPLACED_BYTES: u64 = 64 * 1024 * 1024;
/// How often an object is read again because another node wrote it before us.
pub const REPLACE_TRIES: u32 = 5;
/// Bytes of an object that are fetched and kept together.
pub const FETCH_BYTES: u64 = 1024 * 1024;
/// Fetched pieces that are kept in memory, too.
pub const HOT_PIECES: usize = 16;
/// Pieces that one read or stream fetches at once.
pub const PIECES_AT_ONCE: usize = 4;
/// Pieces that are fetched ahead of a reader who reads one after another.
pub const PIECES_AHEAD: u64 = 4;
/// Pieces that are fetched ahead at once, of all readers.
pub const FETCHES_AHEAD: usize = 8;
/// Packs whose readers are watched for reading one piece after another.
pub const WATCHED_PACKS: usize = 256;
/// Bytes of the read cache when nothing is set.
pub const CACHE_BYTES: u64 = 10 * 1024 * 1024 * 1024;
/// The fewest bytes that a read cache may have.
pub const CACHE_MIN_BYTES: u64 = 64 * 1024 * 1024;
/// How old an object without rows must be before it is taken in: another node may be about to commit it. Should it be slower
/// yet, only one of two enters it, and who sent it is told to send again.
pub const UNCLAIMED_AGE: Duration = Duration::from_secs(2 * 60);
/// Characters of what an object store said that are repeated in an error.
pub const SAID_CHARACTERS: usize = 300;
/// How long packs are waited for before a study is erased out of them.
pub const HOLD_TIME: Duration = Duration::from_secs(10);
/// How long it is waited before a pack is tried to be locked again.
pub const HOLD_PAUSE: Duration = Duration::from_millis(5);
