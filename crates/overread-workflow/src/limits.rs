//! Every limit of the steps, with its unit.

use std::time::Duration;

/// Sign-in ends after this long without a request, seconds. NIST SP 800-63B: 30 minutes.
pub const SESSION_IDLE_SECONDS: i64 = 30 * 60;
/// Session of staff, seconds.
pub const SESSION_STAFF_SECONDS: i64 = 12 * 3600;
/// Session of patients and their representatives, seconds.
pub const SESSION_PATIENT_SECONDS: i64 = 24 * 3600;
/// A visit is written to the store at most this often, seconds.
pub const SESSION_TOUCH_SECONDS: i64 = 60;
/// Sessions a person may have open.
pub const SESSIONS_PER_PERSON: usize = 20;
/// Shortest password, characters (code points). NIST SP 800-63B-4 3.1.1.
pub const PASSWORD_MIN_CHARACTERS: usize = 15;
/// Longest password, characters.
pub const PASSWORD_MAX_CHARACTERS: usize = 256;
/// Memory of one password hash, KiB. OWASP: at least 19 MiB with two passes.
pub const PASSWORD_MEMORY_KIB: u32 = 19 * 1024;
/// Passes of one password hash.
pub const PASSWORD_PASSES: u32 = 2;
/// Password hashes computed at once.
pub const PASSWORD_HASHES_AT_ONCE: usize = 4;
/// Of them, for one network or one known browser or person.
pub const PASSWORD_HASHES_OF_ONE: usize = 1;
/// How long somebody waits for a turn to have a password hashed.
pub const PASSWORD_PATIENCE: Duration = Duration::from_secs(10);
/// Wrong passwords before waiting begins, for one account from one network or known browser.
pub const SIGN_IN_FREE_TRIES: i64 = 5;
/// Wrong passwords before waiting begins, for one account from all networks. NIST SP 800-63B-4 3.2.2: at most 100.
pub const SIGN_IN_FREE_TRIES_EVERYWHERE: i64 = 100;
/// Wrong passwords for any account from one network, after which each account has one free try from there.
pub const SIGN_IN_FREE_TRIES_NETWORK: i64 = 50;
/// First wait, seconds; doubles with each further failure.
pub const SIGN_IN_WAIT_SECONDS: i64 = 30;
/// Longest wait for one account from one network or known browser, seconds.
pub const SIGN_IN_WAIT_MAX_SECONDS: i64 = 900;
/// Longest wait for one account because of tries from other networks, seconds; short, since its owner waits too.
pub const SIGN_IN_WAIT_MAX_SECONDS_EVERYWHERE: i64 = 60;
/// People that one browser is known to.
pub const PEOPLE_PER_BROWSER: usize = 5;
/// A browser stays known this long after the last sign-in, seconds.
pub const KNOWN_BROWSER_SECONDS: i64 = 180 * 24 * 3600;
/// Failures are forgotten after this long, seconds.
pub const SIGN_IN_FORGET_SECONDS: i64 = 24 * 3600;
/// An invitation holds this long, days.
pub const INVITATION_DAYS: i64 = 14;
/// Open invitations one person may have out.
pub const INVITATIONS_OPEN: i64 = 200;
/// A share link opens this long unless said otherwise, days.
pub const LINK_DAYS: i64 = 30;
/// A share link opens at most this long, days.
pub const LINK_MAX_DAYS: i64 = 365;
/// Open share links of one case.
pub const LINKS_PER_CASE: i64 = 20;
/// Wrong passcodes before a link is revoked.
pub const LINK_PASSCODE_TRIES: i64 = 10;
/// Shortest passcode, characters.
pub const LINK_PASSCODE_MIN_CHARACTERS: usize = 6;
/// A passcode once given holds this long in its browser, seconds.
pub const LINK_UNLOCK_SECONDS: i64 = 12 * 3600;
/// A link that nobody opened is overdue after this long, days.
pub const LINK_UNREAD_DAYS: i64 = 3;
/// Longest short text (names, places), characters.
pub const SHORT_TEXT_CHARACTERS: usize = 300;
/// Longest long text (questions, reasons), characters.
pub const LONG_TEXT_CHARACTERS: usize = 8_000;
/// Longest report or report section, characters.
pub const REPORT_TEXT_CHARACTERS: usize = 100_000;
/// Largest original report as a file, bytes.
pub const ORIGINAL_FILE_BYTES: usize = 20 * 1024 * 1024;
/// Largest letter or report document read back into memory, bytes.
pub const DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Largest text files of a case together that the check of its records reads.
pub const CHECKED_TEXT_BYTES: u64 = 1024 * 1024;
/// PDFs of one delivery whose text is read when they arrive; each may take `overread_ingest::limits::PDF_TIME`.
pub const PDFS_READ_ON_ARRIVAL: usize = 20;
/// Drafts of requests one person may have open.
pub const DRAFTS_PER_PERSON: i64 = 20;
/// Cases on one page of the list.
pub const CASES_ON_A_PAGE: i64 = 200;
/// Studies without a case on one page.
pub const UNFILED_ON_A_PAGE: usize = 25;
/// Lines of the timeline on the case page.
pub const TIMELINE_ROWS: i64 = 200;
/// Versions of a draft kept beside the newest.
pub const KEPT_VERSIONS: i64 = 50;
/// A consent holds at most this long, days.
pub const CONSENT_MAX_DAYS: i64 = 3 * 365;
/// A consent holds this long unless said otherwise, days.
pub const CONSENT_DAYS: i64 = 365;
/// A facility has this long to answer a records letter, days. 45 CFR 164.524(b)(2).
pub const RECORDS_CLOCK_DAYS: i64 = 30;
/// A reviewer reads on after delivery, days (addendum, questions).
pub const REVIEWER_GRANT_DAYS_AFTER_DELIVERY: i64 = 30;
/// Mails sent in one round.
pub const MAILS_A_ROUND: i64 = 50;
/// Tries for one mail.
pub const MAIL_TRIES: i64 = 12;
/// First wait after a failed mail, seconds; doubles.
pub const MAIL_RETRY_SECONDS: i64 = 60;
/// One conversation with the mail server, seconds.
pub const MAIL_TIMEOUT_SECONDS: u64 = 30;
/// Reviewers in the directory.
pub const REVIEWERS: i64 = 5_000;
/// Items in one list field of a form.
pub const LIST_ITEMS: usize = 60;
/// People on one page of the list.
pub const PEOPLE_ON_A_PAGE: i64 = 2_000;
/// Rows in the list of what is overdue.
pub const OVERDUE_ROWS: i64 = 200;
/// Largest amount of money in a quote, cents.
pub const AMOUNT_CENTS: i64 = 100_000_000;
/// Letters one case may have.
pub const LETTERS_PER_CASE: usize = 200;
/// Lines of two texts that are compared one by one.
pub const COMPARED_LINES: usize = 500;
/// Characters of a remark that is owed, at least: less says nothing.
pub const REMARK_MIN_CHARACTERS: usize = 12;
/// Most images set aside that are looked at for one case.
pub const ASIDE_ROWS: u32 = 10_000;
/// Images set aside outside of every case on one page.
pub const ASIDE_ON_A_PAGE: u32 = 50;
/// Most images set aside that the page of a case lists; the others show when these are decided on.
pub const ASIDE_SHOWN: u32 = 500;
/// Of so many images set aside the page tells what they say of themselves.
pub const ASIDE_LOOKED_AT: usize = 12;
/// Most missing things that a letter names one by one.
pub const MISSING_ITEMS: usize = 25;
/// Rows of each list of what is held, deleted, asked or proposed, and studies that one round erases.
pub const KEEPING_ROWS: i64 = 500;
/// Rows of what was restored or erased last.
pub const ENDED_DELETIONS: i64 = 50;
/// GB that one case may be given.
pub const QUOTA_GB: u64 = 100_000;
/// Instances that one case may be given.
pub const QUOTA_INSTANCES: u64 = 100_000_000;
/// Series of which images were refused, on the page of a case.
pub const REFUSED_SERIES_SHOWN: i64 = 200;
/// Bytes of one field by which rows of the audit are looked for.
pub const AUDIT_FIELD_BYTES: usize = 320;
/// Rows of the audit on one page.
pub const AUDIT_ON_A_PAGE: i64 = 100;
/// Rows of the audit that a command asks for at once.
pub const AUDIT_ROWS_AT_ONCE: i64 = 10_000;
