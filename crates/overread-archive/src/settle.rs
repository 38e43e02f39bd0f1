//! Compares the files of a disc with the rows, and overwrites what was erased. Bytes that may be a record are never removed
//! here: the rows may be those of an older or another database.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use overread_model::extent::{Extent, PackId};

use crate::directory::{self, Contents};
use crate::disc::Disc;
use crate::error::ArchiveError;
use crate::{Place, blocking, file, limits};

/// A pack and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loose {
    /// Which pack.
    pub pack_id: PackId,
    /// Bytes of its file or object.
    pub length_bytes: u64,
}

/// What became of one pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is as long as the rows say, or gone.
    Fine,
    /// Somebody may be about to commit what it holds.
    Busy,
    /// The beginning of a batch that was never finished was cut off.
    Cut,
    /// It held nothing else, no row knew it, and it was removed.
    Removed,
    /// It holds bytes that the rows do not know; they are left where they are.
    Unclaimed,
    /// It is shorter than the rows say: bytes are lost.
    Short,
}

impl Disc {
    /// Lists every pack file. Files that are none are left alone.
    pub(crate) async fn list_packs(&self) -> Result<Vec<Loose>, ArchiveError> {
        let archive = self.clone();
        blocking(move || archive.list_packs_blocking()).await
    }

    fn list_packs_blocking(&self) -> Result<Vec<Loose>, ArchiveError> {
        let fail = |source| ArchiveError::Folder { source };
        let mut packs = Vec::new();
        for shelf in 0..limits::SHELVES {
            let folder = self.shared.folder.join(format!("{shelf:x}"));
            for entry in std::fs::read_dir(folder).map_err(fail)? {
                let entry = entry.map_err(fail)?;
                if let Some(pack_id) = pack_of(&entry.file_name().to_string_lossy()) {
                    let length_bytes = entry.metadata().map_err(fail)?.len();
                    packs.push(Loose {
                        pack_id,
                        length_bytes,
                    });
                }
            }
        }
        packs.sort_by_key(|pack| pack.pack_id);
        Ok(packs)
    }

    pub(crate) async fn length_of(&self, pack_id: PackId) -> Result<Option<u64>, ArchiveError> {
        let path = self.path_of(pack_id);
        blocking(move || match std::fs::metadata(path) {
            Ok(meta) => Ok(Some(meta.len())),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ArchiveError::Read { pack_id, source }),
        })
        .await
    }

    pub(crate) async fn may_be_written(&self, pack_id: PackId) -> bool {
        let path = self.path_of(pack_id);
        let locked = blocking(move || lock(&path, pack_id)).await;
        !matches!(locked, Ok(Locked::Ours(_) | Locked::Gone))
    }

    /// Compares one pack file with the length that `committed` tells, which is asked only after the file is locked.
    pub(crate) async fn settle<E, F>(&self, pack_id: PackId, committed: F) -> Result<Settled, E>
    where
        E: From<ArchiveError>,
        F: AsyncFnOnce() -> Result<Option<u64>, E>,
    {
        let path = self.path_of(pack_id);
        let file = match blocking(move || lock(&path, pack_id)).await? {
            Locked::Ours(file) => file,
            Locked::Elsewhere => return Ok(Settled::Busy),
            Locked::Gone => return Ok(Settled::Fine),
        };
        let committed = committed().await?;
        let fail = |source| ArchiveError::Write { pack_id, source };
        let length = file.metadata().map_err(fail)?.len();
        match committed {
            Some(committed) if length == committed => return Ok(Settled::Fine),
            Some(committed) if length < committed => return Ok(Settled::Short),
            None | Some(_) => {}
        }
        let place = Place::Disc(self.clone());
        let contents = directory::contents(&place, pack_id, length).await?;
        let archive = self.clone();
        Ok(blocking(move || archive.cut_unfinished(pack_id, &file, committed, &contents)).await?)
    }

    /// Cuts off the beginning of a batch that was never finished; nothing else may be gone for good.
    fn cut_unfinished(
        &self,
        pack_id: PackId,
        file: &File,
        committed: Option<u64>,
        contents: &Contents,
    ) -> Result<Settled, ArchiveError> {
        let known = committed.unwrap_or_default();
        let Some(from) = contents.unfinished_from.filter(|from| *from >= known) else {
            return Ok(Settled::Unclaimed);
        };
        if from <= limits::PACK_HEADER_BYTES && committed.is_none() {
            self.remove_file(pack_id)?;
            return Ok(Settled::Removed);
        }
        let fail = |source| ArchiveError::Write { pack_id, source };
        file.set_len(from).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        Ok(if Some(from) == committed {
            Settled::Cut
        } else {
            Settled::Unclaimed
        })
    }

    fn remove_file(&self, pack_id: PackId) -> Result<(), ArchiveError> {
        self.shared.writers.forget(pack_id);
        self.shared.readers.forget(pack_id);
        let path = self.path_of(pack_id);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(ArchiveError::Write { pack_id, source });
            }
            _ => {}
        }
        path.parent().map_or(Ok(()), file::sync_folder)
    }

    /// Removes a pack whose rows are gone.
    pub(crate) async fn remove(&self, pack_id: PackId) -> Result<(), ArchiveError> {
        let archive = self.clone();
        blocking(move || archive.remove_file(pack_id)).await
    }

    /// Makes a pack durable as it is.
    pub(crate) async fn sync(&self, pack_id: PackId) -> Result<(), ArchiveError> {
        let path = self.path_of(pack_id);
        blocking(move || {
            let synced = File::open(&path).and_then(|file| file.sync_data());
            synced.map_err(|source| ArchiveError::Write { pack_id, source })
        })
        .await
    }

    /// Writes bytes that nobody owns yet anew, as they are, and makes them durable.
    pub(crate) async fn rewrite(
        &self,
        pack_id: PackId,
        range: Range<u64>,
    ) -> Result<(), ArchiveError> {
        let path = self.path_of(pack_id);
        blocking(move || {
            let fail = |source| ArchiveError::Write { pack_id, source };
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).open(&path).map_err(fail)?;
            let mut buffer = vec![0_u8; limits::COPY_BYTES];
            let mut next = range.start;
            while next < range.end {
                let count = usize::try_from(range.end - next).unwrap_or(usize::MAX);
                let count = count.min(buffer.len());
                let part = buffer.get_mut(..count).unwrap_or_default();
                file.read_exact_at(part, next).map_err(fail)?;
                file.write_all_at(part, next).map_err(fail)?;
                next += count as u64;
            }
            file.sync_data().map_err(fail)
        })
        .await
    }

    /// Overwrites bytes whose rows are gone with zeros, durably.
    pub(crate) async fn erase(&self, extent: Extent) -> Result<(), ArchiveError> {
        let path = self.path_of(extent.pack_id);
        blocking(move || {
            let pack_id = extent.pack_id;
            let fail = |source| ArchiveError::Write { pack_id, source };
            let file = OpenOptions::new().write(true).open(&path).map_err(fail)?;
            let zeros = vec![0_u8; limits::COPY_BYTES];
            let mut done = 0;
            while done < extent.length_bytes {
                let count = usize::try_from(extent.length_bytes - done)
                    .unwrap_or(usize::MAX)
                    .min(zeros.len());
                let part = zeros.get(..count).unwrap_or_default();
                file.write_all_at(part, extent.offset_bytes + done)
                    .map_err(fail)?;
                done += count as u64;
            }
            file.sync_data().map_err(fail)
        })
        .await
    }
}

/// Returns the pack that a name is of.
pub(crate) fn pack_of(name: &str) -> Option<PackId> {
    let digits = name
        .strip_suffix(".pack")
        .filter(|digits| digits.len() == 16)?;
    i64::from_str_radix(digits, 16).ok().and_then(PackId::new)
}

/// What became of locking a pack.
pub(crate) enum Locked {
    /// Nobody else writes it.
    Ours(File),
    /// A batch or another process has it.
    Elsewhere,
    /// It is not there.
    Gone,
}

/// Opens and locks a pack.
pub(crate) fn lock(path: &Path, pack_id: PackId) -> Result<Locked, ArchiveError> {
    let fail = |source| ArchiveError::Write { pack_id, source };
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(Locked::Ours(file)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(Locked::Elsewhere),
            Err(std::fs::TryLockError::Error(source)) => Err(fail(source)),
        },
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Locked::Gone),
        Err(source) => Err(fail(source)),
    }
}
