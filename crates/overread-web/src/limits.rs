//! Limits of the people's door.

/// Bytes of an ordinary form.
pub const FORM_BYTES: usize = 256 * 1024;

/// Bytes of a form that carries report text.
pub const REPORT_FORM_BYTES: usize = 2 * 1024 * 1024;

/// Bytes of a report file (PDF or text) sent by a form.
pub const REPORT_FILE_BYTES: usize = 25 * 1024 * 1024;

/// Files in one upload form without script.
pub const UPLOAD_FORM_FILES: usize = 50_000;

/// Bytes kept between the network and the reader of one uploaded file.
pub const UPLOAD_PIPE_BYTES: usize = 256 * 1024;
/// Pieces of a body that are taken off the network ahead of its reader; each is what one read of a connection brings.
pub const UPLOAD_PIECES_AHEAD: usize = 8;

/// Milliseconds after which a page gives up; deliveries and images have no such limit.
pub const PAGE_TIMEOUT_MS: u64 = 60_000;

/// Characters of the address of the page to return to after signing in.
pub const NEXT_CHARS: usize = 400;

/// Characters of a search or filter in an address.
pub const FILTER_CHARS: usize = 60;
/// Seconds after which to try again when the database or the object store is away, or the disc full.
pub const RETRY_SECONDS: u32 = 60;
