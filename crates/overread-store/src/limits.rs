//! Every limit of the store, with its unit.

use std::time::Duration;

/// How long a writer waits for another process to finish its transaction.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections of the reader pool.
pub const READER_CONNECTIONS: u32 = 4;
/// Questions that belong together that are answered at once on SQLite, each with a connection of its own; for one who asks,
/// all but one of them.
pub const ASKING_AT_ONCE: usize = 4;
/// The same on PostgreSQL: fewer than [`POSTGRES_CONNECTIONS`], so that there are some for everything else.
pub const POSTGRES_ASKING_AT_ONCE: usize = 8;
/// How long such questions wait for their turn before whoever asks is told to come again.
pub const ASKING_PATIENCE: Duration = Duration::from_secs(10);
/// Connections to SQLite on the thread that asks that are kept open: for quick questions, and as many for batches.
pub const QUICK_CONNECTIONS: usize = 4;
/// Statements that each of them keeps prepared.
pub const QUICK_STATEMENTS: usize = 64;
/// How long a quick question waits when the database is locked as a whole, which it is for an instant after a crash.
pub const QUICK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a caller waits for a connection to PostgreSQL before the database counts as away.
pub const POSTGRES_PATIENCE: Duration = Duration::from_secs(10);
/// Connections to PostgreSQL.
pub const POSTGRES_CONNECTIONS: u32 = 10;
/// Page cache of each connection that writes, KiB: the one of the pool, and the one of batches.
pub const WRITER_CACHE_KIB: u32 = 16_384;
/// Page cache of each reader connection, KiB.
pub const READER_CACHE_KIB: u32 = 4_096;
/// Write-ahead log pages before it is folded back into the database (4 KiB each).
pub const CHECKPOINT_PAGES: u32 = 4_000;
/// Bytes that are kept free for reading, signing in and deleting when the disc of a SQLite file is full.
pub const RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// Of a small disc, the reserve is one part in so many.
pub const RESERVE_SHARE: u64 = 8;
/// The disc counts as full when one part in so many of the reserve is left beside it.
pub const RESERVE_FLOORS: u64 = 8;
/// Bytes that are written at once where a file system cannot set room aside.
pub const RESERVE_PIECE_BYTES: usize = 1024 * 1024;
/// Statements of one turn of SQLite's thread.
pub const SCRIPT_STATEMENTS: usize = 8;
/// Statements that each connection to SQLite keeps prepared.
pub const PREPARED_STATEMENTS: usize = 256;
/// Rows that one search answers at most.
pub const SEARCH_ROWS: u32 = 10_000;
/// Rows to leave out before a page is looked for from the nearer end.
pub const DEEP_OFFSET_ROWS: u32 = 500;
/// Characters of a name from each place in it that are kept for searches of its middle; as the migration has it.
pub const NAME_PART_CHARS: usize = 8;
/// Cases whose studies are merged for a page of all that is granted.
pub const MERGED_CASES: usize = 64;
/// Entries of an index that are gone over in the time in which one study is found by its key (measured: 0.5 and 2 µs).
pub const GONE_OVER_A_FIND: u64 = 4;
/// How many times as many studies as are granted the archive may have for all to be gone over: what is granted may be the
/// oldest of all.
pub const GONE_OVER_A_GRANTED: u64 = 64;
/// Studies with a part of a name from which on it is quicker to look at the newest studies one by one.
pub const COMMON_NAME_STUDIES: i64 = 1_500;
/// Bytes of DICOM JSON that go into one compressed block.
pub const BLOCK_BYTES: usize = 256 * 1024;
/// Bytes a stored block may inflate to (one large instance may pass [`BLOCK_BYTES`]).
pub const BLOCK_INFLATED_BYTES: u64 = 256 * 1024 * 1024;
/// Values of one list in one search (study UIDs, modalities).
pub const FILTER_VALUES: usize = 500;
/// Rows that a transfer writes at once; the widest hold a block of metadata.
pub const TRANSFER_ROWS: usize = 50;
/// Erasures that are read at once.
pub const ERASURES: i64 = 500;
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
/// Work items that one question looks at.
pub const WORK_ITEMS: usize = 2_000;
/// Days for which is kept what happened to work items.
pub const WORK_ITEM_EVENT_DAYS: i64 = 7;
/// Things that happened to work items, read at once.
pub const WORK_ITEM_EVENTS: i64 = 100;
/// Subscriptions to work items of one actor.
pub const WORK_ITEM_SUBSCRIPTIONS: i64 = 1_000;
/// Days for which a call of ours to a DICOM peer is kept.
pub const PEER_CALL_DAYS: i64 = 90;
/// Refused callers of the DICOM network that are kept.
pub const REFUSED_CALLERS: i64 = 200;
/// Of one network, since strangers choose their titles.
pub const REFUSED_CALLERS_OF_ONE_NETWORK: i64 = 8;
/// Calls of ours that are listed.
pub const PEER_CALLS: i64 = 200;
/// Series that are completed at once while the index is rebuilt.
pub const EARLY_SERIES: i64 = 200;
/// Files that were refused and are listed one by one, for each case; further ones are counted.
pub const REFUSED_FILES: i64 = 20_000;
/// Rows of the audit that one question looks at, unless those of one case are asked for.
pub const AUDIT_ROWS_LOOKED_AT: i64 = 100_000;
