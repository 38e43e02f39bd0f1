//! Preamble and meta group, and a guess where both are missing.

use overread_model::problem::ProblemKind;

use crate::dataset::read_header;
use crate::problem::DicomProblem;
use crate::source::{SliceSource, Source};
use crate::syntax::Syntax;
use crate::tags;
use crate::vr::Vr;

/// Bytes of the preamble.
pub(crate) const PREAMBLE_BYTES: u64 = 128;
/// Bytes that the meta group may have before the file counts as damaged.
const MAX_META_BYTES: u64 = 1024 * 1024;
/// Longest UID with its padding, and some.
const MAX_UID_BYTES: u64 = 128;
/// Elements looked at before a file without preamble is taken for DICOM.
const GUESS_ELEMENTS: usize = 4;
/// The longest value that a guess believes.
const GUESS_VALUE_BYTES: u64 = 1024 * 1024;

/// What stands before the data set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meta {
    pub(crate) transfer_syntax_uid: Option<String>,
    pub(crate) sop_class_uid: Option<String>,
    /// Where the data set starts.
    pub(crate) data_set_offset_bytes: u64,
    /// The file has `DICM` where Part 10 wants it.
    pub(crate) has_preamble: bool,
}

/// Reads what stands before the data set and decides how the data set is written.
///
/// # Errors
/// The bytes are no DICOM.
pub(crate) fn read_meta<S: Source>(source: &mut S) -> Result<(Meta, Syntax), DicomProblem> {
    let mut meta = Meta::default();
    if source.view(PREAMBLE_BYTES, 4) == Some(b"DICM") {
        meta.has_preamble = true;
        meta.data_set_offset_bytes = PREAMBLE_BYTES + 4;
    } else if source.view(0, 4) == Some(b"DICM") {
        meta.data_set_offset_bytes = 4;
    } else if !guess_head(source).is_some_and(|syntax| plausible(source, 0, syntax)) {
        return Err(DicomProblem::new(
            ProblemKind::NotDicom,
            "the file does not start as DICOM data do",
        ));
    }
    read_meta_group(source, &mut meta)?;
    let stated = meta.transfer_syntax_uid.as_deref().map(Syntax::of_uid);
    let syntax = match stated {
        Some(syntax) if syntax.deflated => syntax,
        Some(syntax) => corrected(source, meta.data_set_offset_bytes, syntax),
        None => guess_at(source, meta.data_set_offset_bytes).ok_or_else(|| {
            DicomProblem::new(
                ProblemKind::Unreadable,
                "the file does not say how it is written, and its bytes follow no DICOM encoding",
            )
        })?,
    };
    Ok((meta, syntax))
}

/// Returns where the data set of a Part 10 file begins and the transfer syntax that its meta group states; `None` when the head
/// of the file does not tell both.
pub fn data_set_start(head: &[u8]) -> Option<(u64, String)> {
    let (meta, _) = read_meta(&mut SliceSource(head)).ok()?;
    Some((meta.data_set_offset_bytes, meta.transfer_syntax_uid?))
}

/// Reads group 0002, whatever its group length says.
fn read_meta_group<S: Source>(source: &mut S, meta: &mut Meta) -> Result<(), DicomProblem> {
    let start = meta.data_set_offset_bytes;
    let bound = source.length_bytes();
    let mut at = start;
    while let Some(header) = read_header(source, at, bound, Syntax::EXPLICIT_LITTLE, false) {
        if header.tag >> 16 != 0x0002 {
            break;
        }
        let value_at = at + header.header_bytes;
        let length = u64::from(header.length);
        if length > bound.saturating_sub(value_at) || value_at + length - start > MAX_META_BYTES {
            return Err(DicomProblem::new(
                ProblemKind::Truncated,
                "the file ends inside its first group of elements",
            ));
        }
        let mut value = || uid_text(source, value_at, length);
        match header.tag {
            tags::TRANSFER_SYNTAX_UID => meta.transfer_syntax_uid = value(),
            tags::MEDIA_STORAGE_SOP_CLASS_UID => meta.sop_class_uid = value(),
            _ => {}
        }
        at = value_at + length;
    }
    meta.data_set_offset_bytes = at;
    Ok(())
}

fn uid_text<S: Source>(source: &mut S, at: u64, length: u64) -> Option<String> {
    let bytes = source.view(at, length.min(MAX_UID_BYTES) as usize)?;
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.trim_matches(['\0', ' ']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// Corrects a stated syntax by what the first element shows; writers confuse implicit and explicit.
fn corrected<S: Source>(source: &mut S, at: u64, stated: Syntax) -> Syntax {
    if first_fits(source, at, stated) {
        return stated;
    }
    match guess_at(source, at) {
        Some(found) => Syntax {
            encapsulated: stated.encapsulated,
            ..found
        },
        None => stated,
    }
}

/// Says whether the first element makes sense in a syntax.
fn first_fits<S: Source>(source: &mut S, at: u64, syntax: Syntax) -> bool {
    let length = source.length_bytes();
    let written_vr = source
        .view(at + 4, 2)
        .and_then(<[u8]>::first_chunk::<2>)
        .and_then(|letters| Vr::known(*letters));
    if syntax.explicit_vr != written_vr.is_some() {
        return false;
    }
    read_header(source, at, length, syntax, false).is_some_and(|header| {
        header.length == u32::MAX
            || u64::from(header.length) <= length.saturating_sub(at + header.header_bytes)
    })
}

/// Returns the syntax in which most of the first elements make sense.
fn guess_at<S: Source>(source: &mut S, at: u64) -> Option<Syntax> {
    [
        Syntax::EXPLICIT_BIG,
        Syntax::IMPLICIT_LITTLE,
        Syntax::EXPLICIT_LITTLE,
    ]
    .into_iter()
    .filter_map(|syntax| Some((count_plausible(source, at, syntax)?, syntax)))
    .filter(|(count, _)| *count > 0)
    // The last one of equals wins.
    .max_by_key(|(count, _)| *count)
    .map(|(_, syntax)| syntax)
}

fn guess_head<S: Source>(source: &mut S) -> Option<Syntax> {
    let starts_with_meta = source.view(0, 2) == Some(&[0x02, 0x00]);
    let syntax = guess_at(source, 0)?;
    // Group 0002 first: a meta group without preamble.
    Some(if starts_with_meta {
        Syntax::EXPLICIT_LITTLE
    } else {
        syntax
    })
}

/// Says whether the first bytes of a file are those of a DICOM data set.
pub(crate) fn looks_like_data_set(head: &[u8]) -> bool {
    let mut source = SliceSource(head);
    [
        Syntax::EXPLICIT_LITTLE,
        Syntax::IMPLICIT_LITTLE,
        Syntax::EXPLICIT_BIG,
    ]
    .into_iter()
    .any(|syntax| head_is_plausible(&mut source, syntax))
}

/// Says whether the first elements make sense in a syntax. Values may reach beyond the bytes at hand.
fn plausible<S: Source>(source: &mut S, start: u64, syntax: Syntax) -> bool {
    count_plausible(source, start, syntax).is_some_and(|count| count > 0)
}

/// As [`plausible`], for a file that says nothing of itself: two elements at least, from a group that stands first.
fn head_is_plausible(source: &mut SliceSource<'_>, syntax: Syntax) -> bool {
    count_plausible(source, 0, syntax).is_some_and(|count| count >= 2)
        && read_header(source, 0, u64::MAX, syntax, false)
            .is_some_and(|header| matches!(header.tag >> 16, 0x0002 | 0x0004 | 0x0008))
}

/// Returns how many elements make sense in a row (at most [`GUESS_ELEMENTS`]); `None` when one does not.
fn count_plausible<S: Source>(source: &mut S, start: u64, syntax: Syntax) -> Option<usize> {
    let length = source.length_bytes();
    let mut at = start;
    let mut last = 0;
    for count in 0..GUESS_ELEMENTS {
        if at >= length {
            return Some(count);
        }
        let Some(header) = read_header(source, at, length, syntax, false) else {
            return Some(count);
        };
        let group = header.tag >> 16;
        let undefined = header.length == u32::MAX;
        let written_vr = source
            .view(at + 4, 2)
            .and_then(<[u8]>::first_chunk::<2>)
            .copied();
        let vr_fits = !syntax.explicit_vr || written_vr.is_some_and(|vr| Vr::known(vr).is_some());
        let sensible = vr_fits
            && header.tag > last
            && group != 0
            && (undefined || u64::from(header.length) <= GUESS_VALUE_BYTES || count > 0)
            && (undefined || header.length.is_multiple_of(2) || count > 0);
        if !sensible {
            // Later elements may be odd in a damaged file; the first may not.
            return (count > 1).then_some(count);
        }
        if undefined {
            return Some(count + 1);
        }
        last = header.tag;
        at = at + header.header_bytes + u64::from(header.length);
    }
    Some(GUESS_ELEMENTS)
}
