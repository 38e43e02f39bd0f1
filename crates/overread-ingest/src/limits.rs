//! Every limit of a delivery, with its unit.

use std::time::Duration;

/// Bytes of one file that are kept in memory; a larger one is written to an unnamed temporary file first.
pub const IN_MEMORY_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of all files that are in memory while they arrive, over all deliveries.
pub const ARRIVING_BYTES: u64 = 24 * 1024 * 1024;
/// Bytes of all files that are in memory and whole, over all deliveries.
pub const BUDGET_BYTES: u64 = 48 * 1024 * 1024;
/// Bytes of memory that inflating deflated data sets takes, over all deliveries: the longest that is taken, while it grows.
pub const INFLATING_BYTES: u64 = 192 * 1024 * 1024;
/// Bytes of one part of a request that are kept in memory, so that many slow senders fit into the budget.
pub const PART_IN_MEMORY_BYTES: u64 = 1024 * 1024;
/// Buffers of [`PART_IN_MEMORY_BYTES`] that are kept for the next files.
pub const KEPT_BUFFERS: usize = 40;
/// How long a file waits for memory before it is written to a temporary file instead.
pub const ROOM_WAIT: Duration = Duration::from_millis(500);
/// Whole temporary files that wait for being stored; each is an open file of the process.
pub const TEMPORARY_FILES: usize = 128;
/// Parts of one store request.
pub const STOW_PARTS: usize = 10_000;
/// Parts of one store request that are no instances before the rest is not read any more.
pub const STOW_UNUSABLE_PARTS: usize = 100;
/// Bytes of DICOM JSON that one instance may have.
pub const METADATA_BYTES: usize = 24 * 1024 * 1024;
/// Files of one delivery that are on their way at once.
pub const FILES_ON_THE_WAY: usize = 64;
/// Instances that are committed together at most.
pub const BATCH_INSTANCES: usize = 256;
/// Bytes that are committed together at most (one file may pass it).
pub const BATCH_BYTES: u64 = 20 * 1024 * 1024;
/// Bytes from which on a batch does not wait until the one before is committed.
pub const LARGE_BATCH_BYTES: u64 = 4 * 1024 * 1024;
/// Batches whose bytes are written at once.
pub const BATCHES_BEING_WRITTEN: usize = 2;
/// Batches that are not committed at once; each keeps its packs open.
pub const BATCHES_UNDERWAY: usize = 4;
/// How often the log says that batches fail.
pub const TROUBLE_TOLD: Duration = Duration::from_secs(60);
/// How often it is tried whether something can be stored again, however often that is asked.
pub const TRIAL_EVERY: Duration = Duration::from_secs(2);
/// How long whoever asks waits for such a trial.
pub const TRIAL_PATIENCE: Duration = Duration::from_secs(10);
/// How often the rows of a batch are committed anew when another node was in the way.
pub const COMMIT_TRIES: u32 = 5;
/// Bytes of a series in one batch from which on it gets a pack of its own.
pub const OWN_PACK_BYTES: u64 = 256 * 1024;
/// Bytes of a temporary file from which on it becomes a pack itself instead of being copied into one.
pub const OWN_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Entries of one delivery, over all nested archives.
pub const ENTRIES: u64 = 500_000;
/// Entries that unpack to a suspicious size before the rest of a delivery is not looked at any more.
pub const STRIKES: u64 = 16;
/// Bytes that one entry of an archive may inflate to.
pub const ENTRY_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// Bytes that a whole delivery may inflate to.
pub const TOTAL_BYTES: u64 = 256 * 1024 * 1024 * 1024;
/// How many times larger than packed an entry may become, once it is larger than [`FREE_BYTES`].
pub const RATIO: u64 = 200;
/// Bytes that an entry may have whatever its ratio.
pub const FREE_BYTES: u64 = 32 * 1024 * 1024;
/// Archives inside archives, at most.
pub const ARCHIVE_DEPTH_LEVELS: usize = 4;
/// Bytes of an entry's name that are looked at.
pub const NAME_BYTES: usize = 1024;
/// Bytes of the rest of an archive that are written to a temporary file when it cannot be streamed.
pub const SPOOL_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// Entries of an archive that cannot be streamed (its list is then held in memory).
pub const SPOOLED_ENTRIES: usize = 100_000;
/// Bytes that are digested at once of a part that is still arriving.
pub const DIGESTED_BYTES: usize = 128 * 1024;
/// Bytes read at once from an archive.
pub const WINDOW_BYTES: usize = 256 * 1024;
/// Problems that a receipt lists one by one.
pub const PROBLEMS: usize = 5_000;
/// Studies left outside their case by a delivery whose images come one by one up to which each image is counted as it comes;
/// with more, the counts are those of when the last study came or went.
pub const OUTSIDE_STUDIES_COUNTED: usize = 16;
/// Bytes of a document that is kept.
pub const DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Characters of a document's name that are kept.
pub const DOCUMENT_NAME_CHARS: usize = 200;
/// Bytes below which a picture is an icon.
pub const PICTURE_MIN_BYTES: u64 = 4 * 1024;
/// Files of a medium whose names are compared with its DICOMDIR.
pub const NAMES: usize = 200_000;
/// Bytes of a PDF whose text is read.
pub const PDF_BYTES: usize = 32 * 1024 * 1024;
/// How long the text of a PDF may take.
pub const PDF_TIME: Duration = Duration::from_secs(20);
/// Readers of PDF text at once; one that passed its time counts until it ends.
pub const PDF_READERS: usize = 2;
/// Characters of a PDF's text that are kept.
pub const PDF_TEXT_CHARS: usize = 2_000_000;
/// Memory that the process which reads a PDF may use, bytes.
pub const PDF_MEMORY_BYTES: u64 = 1024 * 1024 * 1024;
/// Letters and digits below which a PDF counts as a scan.
pub const PDF_TEXT_MIN_CHARS: usize = 20;
/// Damages that the proof of an archive names one by one.
pub const DAMAGES: usize = 1_000;
/// Studies that the damage of one pack names one by one.
pub const DAMAGED_STUDIES: usize = 20;
/// Studies whose damaged images are counted, over all packs.
pub const COUNTED_STUDIES: usize = 10_000;
/// How long a whole batch may wait for its rows, beside a working server, before its bytes count as unknown to the index.
pub const COMMIT_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked whether they are there.
pub const COMMIT_PAUSE: Duration = Duration::from_millis(200);
/// Parts of batches, one a pack, that a start takes in in one go; what is more follows.
pub const RECOVERED_PARTS: usize = 50_000;
/// Instances that are proven at once, each with [`IN_MEMORY_BYTES`] at most.
pub const PROOFS_AT_ONCE: usize = 3;
/// Bytes read at once while the archive is proven.
pub const PROOF_CHUNK_BYTES: u64 = 1024 * 1024;

/// Bytes of papers whose text is read when a delivery is only looked at.
pub const SURVEY_PAPER_BYTES: usize = 64 * 1024 * 1024;
/// Bytes that a case may hold, unless the settings or an administrator say otherwise.
pub const CASE_BYTES: u64 = 20_000_000_000;
/// Instances that it may hold.
pub const CASE_INSTANCES: u64 = 100_000;
/// Attributes that are named in which two instances of one UID differ.
pub const DIFFERING_ATTRIBUTES: usize = 20;
