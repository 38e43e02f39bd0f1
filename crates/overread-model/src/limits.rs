//! Limits of the rules: how much of anything is looked at.

/// Longest text that pattern rules look at, characters.
pub const TEXT_FOR_PATTERNS_CHARS: usize = 4_096;
/// Most instances kept of one series for the slice checks; more are only counted.
pub const SLICES_A_SERIES_COUNT: usize = 20_000;
/// Most findings of one rule that are listed one by one; the rest is summed up in one line.
pub const FINDINGS_A_RULE_COUNT: usize = 50;
/// Most people on a disc who are told of one by one in a finding; the rest is counted.
pub const PEOPLE_TOLD_COUNT: usize = 20;
/// Most characters in one section of a report.
pub const REPORT_SECTION_CHARS: usize = 50_000;
/// Fewest letters and digits in the text of a paper that can be a report.
pub const REPORT_LETTERS_MIN: usize = 40;
/// Most characters in an original report.
pub const ORIGINAL_REPORT_CHARS: usize = 200_000;
/// Most characters in one intake answer.
pub const INTAKE_ANSWER_CHARS: usize = 4_000;
/// Most characters in a person's name.
pub const PERSON_NAME_CHARS: usize = 200;
/// Longest password that is accepted, code points.
pub const PASSWORD_MAX_CHARS: usize = 256;
/// Shortest password that stands alone, code points (NIST SP 800-63B-4 3.1.1).
pub const PASSWORD_MIN_CHARS: usize = 15;
/// Shortest password beside a second factor, code points (NIST SP 800-63B-4 3.1.1).
pub const PASSWORD_MIN_WITH_FACTOR_CHARS: usize = 8;
/// Longest e-mail address, characters (RFC 5321 4.5.3.1.3 less the angle brackets).
pub const EMAIL_CHARS: usize = 254;
/// Days after expiry in which a case can be reopened.
pub const REOPEN_DAYS: i64 = 30;
/// Most characters of a sentence that is quoted where something in it is to be looked at.
pub const QUOTED_CHARS: usize = 160;
/// Callers of the DICOM network that are remembered.
pub const PEERS: usize = 200;
/// Presentation contexts that are remembered of each.
pub const PEER_CONTEXTS: usize = 128;
/// Years that a rule of retention may keep images.
pub const RETENTION_YEARS: u32 = 1_000;
/// Days that it may keep them on top of these.
pub const RETENTION_DAYS: u32 = 36_600;
/// Most bytes a compiled pattern may take.
pub const PATTERN_BYTES: usize = 1 << 20;
