//! What a file is, judged by its first bytes and never by its name.

use crate::part10;

/// What the first bytes of a file say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// `DICM` after a preamble (or, on some old media, at the very start).
    Part10,
    /// A plausible DICOM data set without preamble.
    NoPreamble,
    /// A ZIP archive.
    Zip,
    /// A gzip stream.
    Gzip,
    /// A PDF document.
    Pdf,
    /// An RTF document.
    Rtf,
    /// A JPEG picture.
    Jpeg,
    /// A PNG picture.
    Png,
    /// A TIFF picture.
    Tiff,
    /// A GIF picture.
    Gif,
    /// A BMP picture.
    Bmp,
    /// A film: AVI, MPEG, MP4.
    Video,
    /// A web page.
    Html,
    /// Plain text.
    Text,
    /// A program or a part of one.
    Executable,
    /// Nothing at all.
    Empty,
    /// Anything else.
    Other,
}

/// File heads that decide at once; the offset is from the start of the file.
const SIGNATURES: &[(usize, &[u8], ContentKind)] = &[
    (0, b"PK\x03\x04", ContentKind::Zip),
    (0, b"PK\x05\x06", ContentKind::Zip),
    (0, b"PK\x07\x08", ContentKind::Zip),
    (0, b"\x1f\x8b\x08", ContentKind::Gzip),
    (0, b"%PDF-", ContentKind::Pdf),
    (0, b"\xef\xbb\xbf%PDF-", ContentKind::Pdf),
    (0, b"{\\rtf", ContentKind::Rtf),
    (0, b"\xff\xd8\xff", ContentKind::Jpeg),
    (0, b"\x89PNG\r\n\x1a\n", ContentKind::Png),
    (0, b"II*\0", ContentKind::Tiff),
    (0, b"MM\0*", ContentKind::Tiff),
    (0, b"GIF8", ContentKind::Gif),
    (8, b"AVI ", ContentKind::Video),
    (0, b"\0\0\x01\xba", ContentKind::Video),
    (0, b"\0\0\x01\xb3", ContentKind::Video),
    (4, b"ftyp", ContentKind::Video),
    (0, b"MZ", ContentKind::Executable),
    (0, b"\x7fELF", ContentKind::Executable),
    (0, b"\xca\xfe\xba\xbe", ContentKind::Executable),
    (0, b"\xcf\xfa\xed\xfe", ContentKind::Executable),
    (0, b"\xce\xfa\xed\xfe", ContentKind::Executable),
    (0, b"#!", ContentKind::Executable),
];

/// Returns what the first bytes say (at least 132 when the file has them; [`crate::limits::SNIFF_BYTES`] is best).
pub fn sniff(head: &[u8]) -> ContentKind {
    if head.is_empty() {
        return ContentKind::Empty;
    }
    // Before every other signature: a preamble may hold a TIFF or even a program (PS3.10 7.1).
    if head.get(128..132) == Some(b"DICM") || head.starts_with(b"DICM") {
        return ContentKind::Part10;
    }
    for (offset, signature, kind) in SIGNATURES {
        if head
            .get(*offset..)
            .is_some_and(|rest| rest.starts_with(signature))
        {
            return *kind;
        }
    }
    if part10::looks_like_data_set(head) {
        return ContentKind::NoPreamble;
    }
    sniff_text(head)
}

fn sniff_text(head: &[u8]) -> ContentKind {
    if head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]) {
        return ContentKind::Bmp;
    }
    if head
        .iter()
        .any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b | 0x1a))
    {
        return ContentKind::Other;
    }
    let start = head.trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let lower: Vec<u8> = start.iter().take(64).map(u8::to_ascii_lowercase).collect();
    let html: [&[u8]; 4] = [b"<!doctype html", b"<html", b"<head", b"<script"];
    if html.iter().any(|tag| lower.starts_with(tag)) {
        ContentKind::Html
    } else {
        ContentKind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::{ContentKind, sniff};

    fn check(head: &[u8], expect: ContentKind) {
        assert_eq!(sniff(head), expect, "{head:?}");
    }

    #[test]
    fn content_decides() {
        let mut part10 = b"MZ".to_vec();
        part10.resize(128, 0);
        part10.extend_from_slice(b"DICM");
        check(&part10, ContentKind::Part10);
        check(b"", ContentKind::Empty);
        check(b"PK\x03\x04rest", ContentKind::Zip);
        check(b"%PDF-1.7", ContentKind::Pdf);
        check(b"MZ\x90\0", ContentKind::Executable);
        check(b"<HTML><body>", ContentKind::Html);
        check(b"[autorun]\r\nopen=x.exe\r\n", ContentKind::Text);
        check(b"\0\x01\x02\x03", ContentKind::Other);
        check(
            b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100\x08\0\x16\0\x04\0\0\x001.2\0",
            ContentKind::NoPreamble,
        );
        check(
            b"\x08\0\x05\0CS\x0a\0ISO_IR 100\x08\0\x16\0UI\x04\x001.2\0",
            ContentKind::NoPreamble,
        );
        check(
            b"\0\x08\0\x05CS\0\x0aISO_IR 100\0\x08\0\x16UI\0\x041.2\0",
            ContentKind::NoPreamble,
        );
    }
}
