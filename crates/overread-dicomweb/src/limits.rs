//! Every limit on what one DICOMweb request may cost.

/// Results of one search, whatever `limit` asks.
pub const SEARCH_RESULTS: u32 = 10_000;
/// Bytes of a query string.
pub const QUERY_BYTES: usize = 16 * 1024;
/// Parameters in a query string.
pub const QUERY_PARAMETERS: usize = 200;
/// Values in one list of UIDs or attributes.
pub const LIST_VALUES: usize = 500;
/// Frames in one request.
pub const FRAMES_A_REQUEST: usize = 1000;
/// Instances up to this are read in one piece; longer ones are streamed.
pub const WHOLE_INSTANCE_BYTES: u64 = 4 * 1024 * 1024;
/// Instances that must be rewritten (implicit, big endian, deflated) may have this many bytes.
pub const REWRITTEN_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of one bulk value.
pub const BULK_VALUE_BYTES: u64 = 256 * 1024 * 1024;
/// Memory for ready metadata answers.
pub const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of the header block of one part.
pub const PART_HEADER_BYTES: usize = 16 * 1024;
/// Characters of a boundary (RFC 2046 5.1.1).
pub const BOUNDARY_CHARACTERS: usize = 70;
/// Bytes before the first boundary that are skipped.
pub const PREAMBLE_BYTES: usize = 64 * 1024;
/// Media ranges read from one Accept header.
pub const MEDIA_RANGES: usize = 64;
