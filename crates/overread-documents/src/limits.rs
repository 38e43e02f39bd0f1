//! How much of anything a document takes.

/// Characters in a fact of one line, a list item, a name.
pub const LINE_CHARS: usize = 500;
/// Characters in a fact of several lines.
pub const MULTILINE_CHARS: usize = 6_000;
/// Characters in a reviewer's note on one row of a comparison; what may be typed there is shorter.
pub const ROW_NOTE_CHARS: usize = 10_000;
/// Items in a list fact.
pub const LIST_ITEMS: usize = 60;
/// Bytes in a facts file.
pub const FACTS_BYTES: usize = 256 * 1024;
/// Problems reported for one facts file; the rest are the same mistake again.
pub const PROBLEMS: usize = 100;
/// Characters in one section of a report on paper; the rest is cut with a visible mark.
pub const SECTION_CHARS: usize = 60_000;
/// Rows in one table of a comparison on paper.
pub const CONCORDANCE_ROWS: usize = 400;
/// Documents set by Typst at the same time; each takes some 20 MB while it runs.
pub const CONCURRENT_PDFS: usize = 2;
/// Bytes of facts handed to Typst for one document.
pub const PDF_DATA_BYTES: usize = 4 * 1024 * 1024;
