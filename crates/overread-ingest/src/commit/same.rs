//! Says of an instance whether it is kept already: its very bytes, or its data set written by somebody else.
//!
//! The same instance comes by disc and by C-STORE under different meta groups (PS3.10 7.1: whoever writes the file fills them
//! in) and in different transfer syntaxes (PS3.5 10: the two sides of an association agree on one), so that the digests of the
//! files differ where nothing of the instance does.

use std::collections::HashMap;
use std::io::{self, Read};

use bytes::Bytes;
use overread_archive::Archive;
use overread_dicom::{ParseLimits, WrittenDataSet, data_set_start, is_same_data_set};
use overread_model::extent::{Digest, Extent};
use overread_store::Store;
use overread_store::studies::{self, Batch, Entered, Known, NewInstance, Outcome};

use crate::content::Part;
use crate::prepare::Readied;
use crate::{IngestError, limits};

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

/// Notes which conflicts of a batch whose bytes are written are none: the instance under the same UID, kept since or stored by the
/// batch itself, holds the same data set.
pub(crate) async fn note_twins(
    store: &Store,
    archive: &Archive,
    batch: &mut Batch,
    outcomes: &[Outcome],
) -> Result<(), IngestError> {
    let tried = || batch.instances().iter().zip(outcomes).enumerate();
    let conflicts = tried().filter(|(_, (_, outcome))| outcome.entered == Entered::Conflict);
    let uid_of = |item: &NewInstance| item.facts.sop_instance_uid.as_str().to_owned();
    let uids = conflicts.clone().map(|(_, (item, _))| uid_of(item));
    let known = studies::known_digests(&mut store.peek().await?, uids.collect()).await?;
    let kept = known.into_iter().filter_map(|(uid, known)| {
        let kept = known.into_iter().find(|one| one.study.is_some())?;
        Some((uid, (kept.extent, kept.digest)))
    });
    let stored = tried().filter(|(_, (_, outcome))| matches!(outcome.entered, Entered::Stored(_)));
    let stored = stored.map(|(_, (item, _))| (uid_of(item), (item.extent, item.digest)));
    let firsts: HashMap<String, (Extent, Digest)> = kept.chain(stored).collect();
    let pairs: Vec<(usize, Extent, (Extent, Digest))> = conflicts
        .filter_map(|(index, (item, _))| {
            let first = firsts.get(item.facts.sop_instance_uid.as_str())?;
            Some((index, item.extent, *first))
        })
        .collect();
    let archive = archive.clone();
    let compared = tokio::task::spawn_blocking(move || {
        let is_same =
            |(_, new, (kept, _)): &_| same_extents(&archive, *kept, *new).unwrap_or(false);
        pairs.into_iter().filter(is_same).collect::<Vec<_>>()
    });
    for (index, _, (_, digest)) in compared.await.map_err(|_| IngestError::Interrupted)? {
        batch.note_same(index, digest);
    }
    Ok(())
}

fn same_extents(archive: &Archive, kept: Extent, new: Extent) -> Option<bool> {
    let range = |start, count| range_of_kept(archive, new, start, count);
    same_as_kept(archive, kept, &File::of(new.length_bytes, &range)?)
}

/// Compares two files from their data sets on; `None` when one does not tell where that begins, is damaged, or cannot be read.
fn same_data_set(archive: &Archive, extent: Extent, part: &Part) -> Option<bool> {
    let new = |start: u64, count: u64| range_of(part, start, count);
    same_as_kept(archive, extent, &File::of(part.length_bytes(), &new)?)
}

fn same_as_kept(archive: &Archive, extent: Extent, new: &File<'_>) -> Option<bool> {
    let kept = |start, count| range_of_kept(archive, extent, start, count);
    let kept = File::of(extent.length_bytes, &kept)?;
    if kept.has_same_bytes(new)? {
        return Some(true);
    }
    let limits = ParseLimits::default();
    let kept = WrittenDataSet::new(kept.data_set(), &kept.transfer_syntax_uid, &limits)?;
    let new = WrittenDataSet::new(new.data_set(), &new.transfer_syntax_uid, &limits)?;
    is_same_data_set(kept, new)
}

fn range_of_kept(archive: &Archive, extent: Extent, start: u64, count: u64) -> Option<Bytes> {
    let range = start..start.checked_add(count)?;
    archive.read_blocking(extent, range).ok()
}

/// A Part 10 file, wherever it lies.
struct File<'a> {
    range: &'a dyn Fn(u64, u64) -> Option<Bytes>,
    begin_bytes: u64,
    end_bytes: u64,
    transfer_syntax_uid: String,
}

impl<'a> File<'a> {
    fn of(length_bytes: u64, range: &'a dyn Fn(u64, u64) -> Option<Bytes>) -> Option<Self> {
        let head = range(0, length_bytes.min(limits::WINDOW_BYTES as u64))?;
        let (begin_bytes, transfer_syntax_uid) = data_set_start(&head)?;
        Some(Self {
            range,
            begin_bytes,
            end_bytes: length_bytes,
            transfer_syntax_uid,
        })
    }

    /// Compares the bytes of the data sets, whatever their transfer syntax is.
    fn has_same_bytes(&self, other: &Self) -> Option<bool> {
        let mut left = self.end_bytes.checked_sub(self.begin_bytes)?;
        if self.transfer_syntax_uid != other.transfer_syntax_uid
            || other.end_bytes.checked_sub(other.begin_bytes)? != left
        {
            return Some(false);
        }
        let (mut at, mut other_at) = (self.begin_bytes, other.begin_bytes);
        while left > 0 {
            let count = left.min(limits::WINDOW_BYTES as u64);
            if (self.range)(at, count)? != (other.range)(other_at, count)? {
                return Some(false);
            }
            (at, other_at, left) = (at + count, other_at + count, left - count);
        }
        Some(true)
    }

    fn data_set(&self) -> Windows<'a> {
        Windows {
            range: self.range,
            at_bytes: self.begin_bytes,
            end_bytes: self.end_bytes,
            window: Bytes::new(),
        }
    }
}

/// Reads ranges one after another, each of them large enough to be worth the asking.
struct Windows<'a> {
    range: &'a dyn Fn(u64, u64) -> Option<Bytes>,
    at_bytes: u64,
    end_bytes: u64,
    window: Bytes,
}

impl Read for Windows<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.window.is_empty() {
            let left = self.end_bytes.saturating_sub(self.at_bytes);
            let count = left.min(limits::WINDOW_BYTES as u64);
            let window = (self.range)(self.at_bytes, count);
            self.window = window.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.at_bytes += self.window.len() as u64;
        }
        let count = self.window.len().min(buffer.len());
        let taken = self.window.split_to(count);
        buffer
            .get_mut(..count)
            .unwrap_or_default()
            .copy_from_slice(&taken);
        Ok(count)
    }
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
