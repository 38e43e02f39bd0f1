//! Says of an instance whether it is kept already: its very bytes, or its data set behind another meta group.
//!
//! The same instance comes by disc and by C-STORE under different meta groups (PS3.10 7.1: whoever writes the file fills them
//! in), so that the digests of the files differ where nothing of the instance does.

use bytes::Bytes;
use overread_archive::Archive;
use overread_dicom::data_set_start;
use overread_model::extent::Extent;
use overread_store::studies::{Entered, Known};

use crate::content::Part;
use crate::limits;
use crate::prepare::Readied;

/// Returns what is to be answered for an instance when it is known already; waits for the disc.
pub(super) fn entered(archive: &Archive, known: &[Known], readied: &Readied) -> Option<Entered> {
    if known.iter().any(|one| one.is_deleted) {
        return Some(Entered::Deleted);
    }
    let twins = known.iter().filter(|one| one.digest == readied.digest);
    if let Some(study) = twins.clone().find_map(|one| one.study) {
        return Some(Entered::Duplicate(study));
    }
    let aside = twins.clone().next().map(|_| Entered::Conflict);
    let Some((study, extent)) = known.iter().find_map(|one| Some((one.study?, one.extent))) else {
        return aside;
    };
    // What cannot be read back is not proven to be the same.
    let is_same = same_data_set(archive, extent, &readied.held.part).unwrap_or(false);
    if is_same {
        Some(Entered::Duplicate(study))
    } else {
        aside
    }
}

/// Compares two files from their data sets on; `None` when one does not tell where that begins, or cannot be read.
fn same_data_set(archive: &Archive, extent: Extent, part: &Part) -> Option<bool> {
    let kept = |start: u64, count: u64| archive.read_blocking(extent, start..start + count).ok();
    let (kept_length, new_length) = (extent.length_bytes, part.length_bytes());
    let head_bytes = limits::WINDOW_BYTES as u64;
    let (mut kept_at, kept_syntax) = data_set_start(&kept(0, kept_length.min(head_bytes))?)?;
    let (mut new_at, new_syntax) = data_set_start(&range_of(part, 0, new_length.min(head_bytes))?)?;
    let mut left = kept_length.checked_sub(kept_at)?;
    if kept_syntax != new_syntax || new_length.checked_sub(new_at)? != left {
        return Some(false);
    }
    while left > 0 {
        let count = left.min(head_bytes);
        if kept(kept_at, count)? != range_of(part, new_at, count)? {
            return Some(false);
        }
        (kept_at, new_at, left) = (kept_at + count, new_at + count, left - count);
    }
    Some(true)
}

fn range_of(part: &Part, start: u64, count: u64) -> Option<Bytes> {
    use std::os::unix::fs::FileExt;
    match part {
        Part::Memory(bytes) => {
            let (start, end) = (usize::try_from(start), usize::try_from(start + count));
            bytes
                .get(start.ok()?..end.ok()?)
                .map(|range| bytes.slice_ref(range))
        }
        Part::File {
            file, begin_bytes, ..
        } => {
            let mut range = vec![0; usize::try_from(count).ok()?];
            file.read_exact_at(&mut range, begin_bytes + start).ok()?;
            Some(Bytes::from(range))
        }
    }
}
