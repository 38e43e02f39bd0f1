//! Reads ranges of packs on a disc.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use overread_model::extent::{Extent, PackId};
use rustix::io::{ReadWriteFlags, preadv2};

use crate::disc::Disc;
use crate::error::ArchiveError;
use crate::{blocking, limits, unread};

/// The packs that are open for reading.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    files: HashMap<PackId, (Arc<File>, u64)>,
    clock: u64,
}

impl Readers {
    /// Returns a pack that is open already.
    fn opened(&self, pack_id: PackId) -> Option<Arc<File>> {
        let mut cache = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        cache.clock += 1;
        let clock = cache.clock;
        let (file, used) = cache.files.get_mut(&pack_id)?;
        *used = clock;
        Some(Arc::clone(file))
    }

    fn get(
        &self,
        pack_id: PackId,
        open: impl FnOnce() -> io::Result<File>,
    ) -> io::Result<Arc<File>> {
        if let Some(file) = self.opened(pack_id) {
            return Ok(file);
        }
        let file = Arc::new(open()?);
        let mut cache = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = cache.clock;
        cache.files.insert(pack_id, (Arc::clone(&file), clock));
        if cache.files.len() > limits::OPEN_READERS {
            let oldest = cache
                .files
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(pack_id, _)| *pack_id);
            if let Some(oldest) = oldest {
                cache.files.remove(&oldest);
            }
        }
        Ok(file)
    }

    /// Lets go of a pack that is to be removed.
    pub(crate) fn forget(&self, pack_id: PackId) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .files
            .remove(&pack_id);
    }
}

impl Disc {
    pub(crate) fn reader(&self, pack_id: PackId) -> Result<Arc<File>, ArchiveError> {
        self.shared
            .readers
            .get(pack_id, || File::open(self.path_of(pack_id)))
            .map_err(|source| ArchiveError::Read { pack_id, source })
    }

    /// Reads a range of an extent into memory; `within` counts from the extent's start.
    pub(crate) async fn read(
        &self,
        extent: Extent,
        within: Range<u64>,
    ) -> Result<Bytes, ArchiveError> {
        // What the page cache holds is copied here and now; only a disc is worth another thread.
        if let Some(bytes) = self.cached(extent, &within) {
            return Ok(bytes);
        }
        let archive = self.clone();
        blocking(move || archive.read_blocking(extent, within)).await
    }

    /// Reads a range when no disc is needed for it; `None` also for whatever else [`Disc::read_blocking`] is to judge.
    fn cached(&self, extent: Extent, within: &Range<u64>) -> Option<Bytes> {
        let length = within.end.checked_sub(within.start)?;
        if within.end > extent.length_bytes || length > limits::CACHED_READ_BYTES {
            return None;
        }
        let file = self.shared.readers.opened(extent.pack_id)?;
        let start = extent.offset_bytes.checked_add(within.start)?;
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        let mut filled = 0;
        while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
            let mut free = [IoSliceMut::new(free)];
            let at = start.checked_add(filled as u64)?;
            // Where a file system knows no such reading, or the cache only a part, the other way is taken.
            match preadv2(&*file, &mut free, at, ReadWriteFlags::NOWAIT) {
                Ok(0) | Err(_) => return None,
                Ok(count) => filled += count,
            }
        }
        Some(Bytes::from(bytes))
    }

    /// Returns bytes that stand for a range, when the page cache seems to hold all of it.
    pub(crate) fn unread(&self, extent: Extent, within: &Range<u64>) -> Option<Vec<Bytes>> {
        let length = within.end.checked_sub(within.start)?;
        if within.end > extent.length_bytes || length < limits::UNREAD_BYTES {
            return None;
        }
        let file = self.shared.readers.opened(extent.pack_id)?;
        let start = extent.offset_bytes.checked_add(within.start)?;
        let end = start.checked_add(length)?;
        let step = usize::try_from(limits::PROBE_BYTES).ok()?;
        let is_cached = |at: u64| {
            let mut one = [0];
            let mut one = [IoSliceMut::new(&mut one)];
            matches!(preadv2(&*file, &mut one, at, ReadWriteFlags::NOWAIT), Ok(1))
        };
        let is_all_cached = (start..end).step_by(step).chain([end - 1]).all(is_cached);
        is_all_cached
            .then(|| unread::standing_for(&file, start..end))
            .flatten()
    }

    /// Does what [`Disc::read`] does, on the calling thread.
    pub(crate) fn read_blocking(
        &self,
        extent: Extent,
        within: Range<u64>,
    ) -> Result<Bytes, ArchiveError> {
        let length = length_of(extent, &within)?;
        let file = self.reader(extent.pack_id)?;
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| ArchiveError::Range)?];
        file.read_exact_at(&mut bytes, extent.offset_bytes.saturating_add(within.start))
            .map_err(|source| ArchiveError::Read {
                pack_id: extent.pack_id,
                source,
            })?;
        Ok(Bytes::from(bytes))
    }
}

/// Returns the length of a range that lies within an extent and may be asked for.
pub(crate) const fn length_of(extent: Extent, within: &Range<u64>) -> Result<u64, ArchiveError> {
    if within.end > extent.length_bytes || within.start > within.end {
        return Err(ArchiveError::Range);
    }
    let length = within.end - within.start;
    if length > limits::READ_BYTES {
        return Err(ArchiveError::Range);
    }
    Ok(length)
}
