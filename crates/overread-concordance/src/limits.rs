//! Every limit of the engine, with its unit.

/// Longest report that is read whole, in code points; the rest is listed as not compared.
pub(crate) const REPORT_CHARS_MAX: usize = 400_000;
/// Longest evidence passage, in code points.
pub(crate) const EVIDENCE_CHARS_MAX: usize = 240;
/// Statements of one report that take part in the alignment.
pub(crate) const FRAMES_MAX: usize = 3_000;
/// Candidate pairs looked at for one statement.
pub(crate) const CANDIDATES_MAX: usize = 400;
/// Largest number of words in a sentence that is read as one; longer ones are cut.
pub(crate) const SENTENCE_TOKENS_MAX: usize = 160;
/// Words of at least this length may be mended when misspelt.
pub(crate) const TYPO_LETTERS_MIN: usize = 6;
/// Longest word that is looked up for misspelling, in code points.
pub(crate) const TYPO_LETTERS_MAX: usize = 24;
/// Alternative evidence passages kept for one statement.
pub(crate) const SPANS_MAX: usize = 4;
/// Share of finding-bearing sentences that must be understood before "confirms" is proposed.
pub(crate) const COVERAGE_MIN: f64 = 0.6;
/// Longest line of JSON that is read, in bytes.
pub(crate) const LINE_BYTES_MAX: usize = 8_000_000;
/// Longest label that is searched for a finding, in code points; DICOM allows 64 in one value of LO.
pub(crate) const LABEL_CHARS_MAX: usize = 4_096;
