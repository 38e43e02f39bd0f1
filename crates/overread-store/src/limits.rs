//! Every limit of the store, with its unit.

use std::time::Duration;

/// How long a writer waits for another process to finish its transaction.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections of the reader pool.
pub const READER_CONNECTIONS: u32 = 4;
/// Connections to PostgreSQL.
pub const POSTGRES_CONNECTIONS: u32 = 10;
/// Page cache of the writer connection, KiB.
pub const WRITER_CACHE_KIB: u32 = 16_384;
/// Page cache of each reader connection, KiB.
pub const READER_CACHE_KIB: u32 = 4_096;
/// Write-ahead log pages before it is folded back into the database (4 KiB each).
pub const CHECKPOINT_PAGES: u32 = 4_000;
/// Rows that one search answers at most.
pub const SEARCH_ROWS: u32 = 10_000;
/// Bytes of DICOM JSON that go into one compressed block.
pub const BLOCK_BYTES: usize = 256 * 1024;
/// Bytes a stored block may inflate to (one large instance may pass [`BLOCK_BYTES`]).
pub const BLOCK_INFLATED_BYTES: u64 = 256 * 1024 * 1024;
/// Values of one list in one search (study UIDs, modalities).
pub const FILTER_VALUES: usize = 500;
/// Rows read at once while the archive is proven.
pub const PROOF_ROWS: i64 = 2_000;
/// Metadata blocks read at once while the archive is proven.
pub const PROOF_BLOCKS: i64 = 50;
/// Bytes of a machine token's secret.
pub const TOKEN_SECRET_BYTES: usize = 32;
/// Length of a secret that is registered from outside, bytes.
pub const TOKEN_SECRET_MIN_BYTES: usize = 24;
/// Characters of a token's name.
pub const TOKEN_NAME_CHARS: usize = 200;
