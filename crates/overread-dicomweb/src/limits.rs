//! Every limit on what one DICOMweb request may cost.

use std::time::Duration;

/// Results of one search, whatever `limit` asks.
pub const SEARCH_RESULTS: u32 = 10_000;
/// Results that are held as they are while they are sent; more of them compressed, and together with all others in a room.
pub const QUICK_RESULTS: usize = 200;
/// Results of one search whose metadata are read, to match or return what the index has no column for.
pub const METADATA_READS: u32 = 2_000;
/// Bytes of a query string.
pub const QUERY_BYTES: usize = 16 * 1024;
/// Parameters in a query string.
pub const QUERY_PARAMETERS: usize = 200;
/// Characters of a parameter's name that an error repeats.
pub const NAMED_CHARACTERS: usize = 64;
/// Values in one list of UIDs or attributes.
pub const LIST_VALUES: usize = 500;
/// Frames in one request, and images of one presentation state.
pub const FRAMES_A_REQUEST: usize = 1000;
/// Instances up to this are read in one piece; longer ones are streamed.
pub const WHOLE_INSTANCE_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes that one answer may leave to the connection to send out of a file; the longer is read piece by piece, since the
/// connections share the places for such pieces.
pub const UNREAD_BYTES: u64 = 16 * 1024 * 1024;
/// Instances that must be rewritten (implicit, big endian, deflated) may have this many bytes.
pub const REWRITTEN_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of one bulk value.
pub const BULK_VALUE_BYTES: u64 = 256 * 1024 * 1024;
/// Memory for ready metadata answers.
pub const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of one piece of the room for long answers.
pub const ROOM_PIECE_BYTES: usize = 64 * 1024;
/// Bytes of a long answer in memory that are handed over, and freed, at once.
pub const SENT_PIECE_BYTES: usize = 4 * ROOM_PIECE_BYTES;
/// Such pieces for metadata, over all answers: 128 MiB.
pub const METADATA_ROOM_PIECES: usize = 2048;
/// The same for the results of long searches, which are held compressed: 64 MiB.
pub const SEARCH_ROOM_PIECES: usize = 1024;
/// How many askers share a room, or the places for channels, so that each may have that part of it: a half.
pub const ROOM_ASKERS: usize = 2;
/// How long an answer waits for room before its caller is asked to come again.
pub const ROOM_WAIT: Duration = Duration::from_secs(10);
/// Bytes a second that the reader of an answer that takes up room has to take at least.
pub const READER_FLOOR_BYTES: u64 = 4 * 1024;
/// Over how long that is counted: what lies between us and a slow reader takes much at once, and then nothing for a while.
pub const READER_TIME: Duration = Duration::from_secs(180);
/// Metadata up to this are put together at once and kept ready; longer ones are read and sent piece by piece.
pub const METADATA_WHOLE_BYTES: u64 = 4 * 1024 * 1024;
/// The same for who takes them compressed, which makes a twentieth of them.
pub const METADATA_PACKED_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of metadata that are read at once, of those that are sent piece by piece; one instance may have more.
pub const METADATA_AHEAD_BYTES: u64 = 512 * 1024;
/// Text shorter than this goes out as it is: one packet carries it.
pub const COMPRESSED_MIN_BYTES: u64 = 1024;
/// Bytes of one piece of text that is held compressed and sent as it was.
pub const UNPACKED_PIECE_BYTES: usize = 64 * 1024;
/// Text longer than this goes out as it is.
pub const COMPRESSED_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of the header block of one part.
pub const PART_HEADER_BYTES: usize = 16 * 1024;
/// Characters of a boundary (RFC 2046 5.1.1).
pub const BOUNDARY_CHARACTERS: usize = 70;
/// Bytes before the first boundary that are skipped.
pub const PREAMBLE_BYTES: usize = 64 * 1024;
/// Media ranges read from one Accept header.
pub const MEDIA_RANGES: usize = 64;
/// Bytes of metadata in one store request of metadata and bulk data; they are read into memory at once.
pub const COMPOSED_METADATA_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of such a request; they lie in temporary files until all have come.
pub const COMPOSED_REQUEST_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Parts of such a request; each may hold a temporary file open.
pub const COMPOSED_PARTS: usize = 500;
/// Bytes of the bulk data of one instance of such a request.
pub const COMPOSED_INSTANCE_BYTES: u64 = 256 * 1024 * 1024;
/// Instances put together in memory at the same time.
pub const COMPOSED_AT_ONCE: usize = 1;
/// Reasons for which instances of one store request were refused that are told in words; each code is told of each.
pub const REFUSAL_WARNINGS: usize = 8;
/// Numbers of items, or ranges of them, that are listed for each of these reasons.
pub const REFUSAL_RANGES: usize = 20;
/// Bytes before the pixel data that are read to describe frames.
pub const HEAD_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of an instance that is compressed anew as a whole, and of decoded frames of one answer that wait to be sent.
pub const RECODED_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of decoded frames that wait to be sent, over all answers, without the first of each; others are decoded once more.
pub const READY_BYTES: usize = 256 * 1024 * 1024;
/// Bytes of pictures that are drawn before an answer of several begins.
pub const DRAWN_AHEAD_BYTES: usize = 4 * 1024 * 1024;
/// Lines of a structured report that is shown.
pub const REPORT_ITEMS: usize = 10_000;
/// Levels of its content.
pub const REPORT_LEVELS: usize = 32;
/// Bytes of its text.
pub const REPORT_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a data set that a request about work items carries, and of what is kept of one item.
pub const WORK_ITEM_BYTES: usize = 64 * 1024;
/// Levels of sequences in it.
pub const WORK_ITEM_LEVELS: usize = 16;
/// Channels to subscribers of work items at once.
pub const CHANNELS: usize = 200;
/// How long a channel lives before the subscriber must open it, and prove who it is, anew.
pub const CHANNEL_TIME: Duration = Duration::from_secs(15 * 60);
/// How often a channel looks for what happened on other nodes and in cases.
pub const CHANNEL_LOOKS: Duration = Duration::from_secs(1);
/// How often a quiet channel is asked for a sign of life.
pub const CHANNEL_PING: Duration = Duration::from_secs(20);
/// How long a subscriber may leave a report unread, or give no sign of life, before its channel is closed.
pub const CHANNEL_PATIENCE: Duration = Duration::from_secs(50);
/// Bytes of what a subscriber may say on a channel; it has nothing to say.
pub const CHANNEL_MESSAGE_BYTES: usize = 4 * 1024;
/// Bytes of reports that wait for a slow subscriber before its channel is closed.
pub const CHANNEL_BUFFER_BYTES: usize = 256 * 1024;
/// Bytes from which on it is asked again, while an answer goes out, whether its reader may still read it.
pub const ASKED_AGAIN_BYTES: u64 = 1024 * 1024;
/// How often.
pub const ASK_AGAIN: Duration = Duration::from_secs(5);
