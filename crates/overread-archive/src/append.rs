//! Appends batches to packs on a disc.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

use overread_model::extent::{Digest, Extent, PackId};

use crate::directory::Directory;
use crate::disc::Disc;
use crate::error::ArchiveError;
use crate::staging::{PackFile, Staging};
use crate::{file, limits};

/// What is written next to each other: one key, one pack (until it is full).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PackKey {
    /// The instances of a series.
    Series(String),
    /// Small things of many sorts, which would be poor packs of their own.
    Mixed,
}

/// How long a pack is, with everything in it synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackLength {
    /// Which pack.
    pub pack_id: PackId,
    /// Bytes from its start, header included.
    pub length_bytes: u64,
}

/// A pack that is open for writing.
#[derive(Debug)]
struct OpenPack {
    pack_id: PackId,
    file: PackFile,
    length_bytes: u64,
    /// How long it was when its batch began.
    begin_bytes: u64,
}

impl OpenPack {
    fn push(&mut self, staging: &mut Staging, bytes: &[u8]) -> Result<(), ArchiveError> {
        let pushed = staging.push(&mut self.file, bytes, self.length_bytes);
        pushed.map_err(|source| self.fault(source))?;
        self.length_bytes += bytes.len() as u64;
        Ok(())
    }

    fn write(&mut self, staging: &mut Staging) -> Result<(), ArchiveError> {
        let written = staging.write(&mut self.file);
        written.map_err(|source| self.fault(source))
    }

    const fn fault(&self, source: std::io::Error) -> ArchiveError {
        ArchiveError::Write {
            pack_id: self.pack_id,
            source,
        }
    }
}

/// The packs that are open between batches.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    idle: Mutex<Idle>,
    /// Memory of batches that are written: fresh memory costs more than what is copied into it.
    stagings: Mutex<Vec<Staging>>,
}

/// The packs that no batch writes, the least recently used first; a key has several when batches overlap.
#[derive(Debug, Default)]
struct Idle {
    packs: VecDeque<(PackKey, OpenPack)>,
    /// Packs that are not to be kept when their batch ends, since somebody waits to hold them.
    closing: HashSet<PackId>,
}

impl Writers {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, key: &PackKey) -> Option<OpenPack> {
        let mut idle = self.idle();
        let at = idle.packs.iter().position(|(known, _)| known == key)?;
        idle.packs.remove(at).map(|(_, pack)| pack)
    }

    fn stagings(&self) -> MutexGuard<'_, Vec<Staging>> {
        self.stagings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn staging(&self) -> Staging {
        self.stagings().pop().unwrap_or_default()
    }

    /// Takes back what holds nothing any more.
    fn keep_staging(&self, staging: Staging) {
        let mut kept = self.stagings();
        if kept.len() < limits::KEPT_STAGINGS {
            kept.push(staging);
        }
    }

    fn is_open(&self, key: &PackKey) -> bool {
        self.idle().packs.iter().any(|(known, _)| known == key)
    }

    fn give_back(&self, key: PackKey, pack: OpenPack) {
        if pack.length_bytes >= limits::PACK_BYTES {
            return;
        }
        let mut idle = self.idle();
        if idle.closing.contains(&pack.pack_id) {
            return;
        }
        idle.packs.push_back((key, pack));
        if idle.packs.len() > limits::OPEN_WRITERS {
            idle.packs.pop_front();
        }
    }

    /// Lets go of a pack, now or when its batch ends, so that it can be held.
    pub(crate) fn close(&self, pack_id: PackId) {
        self.idle().closing.insert(pack_id);
        self.forget(pack_id);
    }

    /// Says that nobody waits for a pack any more.
    pub(crate) fn closed(&self, pack_id: PackId) {
        self.idle().closing.remove(&pack_id);
    }

    /// Lets go of a pack that is to be removed.
    pub(crate) fn forget(&self, pack_id: PackId) {
        self.idle()
            .packs
            .retain(|(_, pack)| pack.pack_id != pack_id);
    }
}

/// A batch on a disc; see [`crate::PackAppend`].
#[derive(Debug)]
pub struct DiscAppend {
    archive: Disc,
    packs: HashMap<PackKey, OpenPack>,
    staging: Staging,
    /// Whose bytes are staged.
    staged: Option<PackKey>,
    /// Packs that were filled in this batch; they stay open, and so locked, until it is committed.
    full: Vec<OpenPack>,
    wasted: Vec<Extent>,
}

impl Disc {
    /// Begins a batch.
    pub(crate) fn begin(&self) -> DiscAppend {
        DiscAppend {
            archive: self.clone(),
            packs: HashMap::new(),
            staging: self.shared.writers.staging(),
            staged: None,
            full: Vec::new(),
            wasted: Vec::new(),
        }
    }

    /// Says whether a pack with this key is open, so that a small batch may go there, too.
    pub(crate) fn is_open(&self, key: &PackKey) -> bool {
        self.shared.writers.is_open(key)
    }
}

impl DiscAppend {
    /// Appends bytes and returns where they lie; they are durable after [`DiscAppend::sync`].
    pub(crate) fn append(&mut self, key: &PackKey, bytes: &[u8]) -> Result<Extent, ArchiveError> {
        self.stage(key)?;
        let (pack, staging) = self.pack(key)?;
        let extent = Extent {
            pack_id: pack.pack_id,
            offset_bytes: pack.length_bytes,
            length_bytes: bytes.len() as u64,
        };
        pack.push(staging, bytes)?;
        Ok(extent)
    }

    /// Copies a file of this length in, and returns where it lies and its digest.
    pub(crate) fn append_file(
        &mut self,
        key: &PackKey,
        source: &mut impl Read,
        length_bytes: u64,
    ) -> Result<(Extent, Digest), ArchiveError> {
        self.stage(key)?;
        let (pack, staging) = self.pack(key)?;
        let pack_id = pack.pack_id;
        let offset_bytes = pack.length_bytes;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; limits::COPY_BYTES];
        let mut copied = 0_u64;
        let failed = loop {
            let count = match source.read(&mut buffer) {
                Ok(0) if copied == length_bytes => break None,
                Ok(0) => break Some(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) => break Some(error),
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            hasher.update(bytes);
            pack.push(staging, bytes)?;
            copied += count as u64;
        };
        if let Some(source) = failed {
            // What was written counts as used, so that every byte of a pack has an owner.
            self.wasted.push(Extent {
                pack_id,
                offset_bytes,
                length_bytes: copied,
            });
            return Err(ArchiveError::Source { source });
        }
        Ok((
            Extent {
                pack_id,
                offset_bytes,
                length_bytes,
            },
            Digest::new(*hasher.finalize().as_bytes()),
        ))
    }

    /// Makes a temporary file without a name a pack of its own, where the file system can.
    pub(crate) fn adopt(
        &mut self,
        file: &File,
        length_bytes: u64,
    ) -> Result<Option<Extent>, ArchiveError> {
        let pack_id = file::new_id()?;
        let path = self.archive.path_of(pack_id);
        let Some(file) = file::adopt(file, &path, pack_id)? else {
            return Ok(None);
        };
        self.full.push(OpenPack {
            pack_id,
            file: PackFile::new(file, &path),
            length_bytes: limits::PACK_HEADER_BYTES + length_bytes,
            begin_bytes: 0,
        });
        Ok(Some(Extent {
            pack_id,
            offset_bytes: limits::PACK_HEADER_BYTES,
            length_bytes,
        }))
    }

    /// Returns the bytes that failed copies left.
    pub(crate) fn wasted(&self) -> &[Extent] {
        &self.wasted
    }

    /// Ends each pack with its part of the directory, makes everything durable and says how long each pack now is.
    pub(crate) fn sync(&mut self, directory: &Directory) -> Result<Vec<PackLength>, ArchiveError> {
        self.write_staged()?;
        for pack in self.packs.values_mut().chain(&mut self.full) {
            let begin_bytes = pack.begin_bytes.max(limits::PACK_HEADER_BYTES);
            let record = directory.record(pack.pack_id, begin_bytes, pack.length_bytes);
            pack.push(&mut self.staging, &record)?;
            pack.write(&mut self.staging)?;
        }
        let writers = &self.archive.shared.writers;
        writers.keep_staging(std::mem::take(&mut self.staging));
        let mut lengths = Vec::with_capacity(self.packs.len() + self.full.len());
        for pack in self.packs.values().chain(&self.full) {
            let synced = pack.file.sync_data();
            synced.map_err(|source| pack.fault(source))?;
            lengths.push(PackLength {
                pack_id: pack.pack_id,
                length_bytes: pack.length_bytes,
            });
        }
        Ok(lengths)
    }

    /// Says that the rows are committed: the packs may be written further.
    pub(crate) fn committed(mut self) {
        let written = self.packs.values().chain(&self.full);
        self.archive
            .warm_later(written.map(|pack| (pack.pack_id, pack.begin_bytes..pack.length_bytes)));
        for (key, mut pack) in self.packs.drain() {
            pack.begin_bytes = pack.length_bytes;
            self.archive.shared.writers.give_back(key, pack);
        }
    }

    /// Makes the staging free for this pack.
    fn stage(&mut self, key: &PackKey) -> Result<(), ArchiveError> {
        let is_full = |pack: &OpenPack| pack.length_bytes >= limits::PACK_BYTES;
        if self.staged.as_ref() != Some(key) || self.packs.get(key).is_some_and(is_full) {
            self.write_staged()?;
            self.staged = Some(key.clone());
        }
        Ok(())
    }

    fn write_staged(&mut self) -> Result<(), ArchiveError> {
        let Some(key) = self.staged.take() else {
            return Ok(());
        };
        match self.packs.get_mut(&key) {
            Some(pack) => pack.write(&mut self.staging),
            None => Ok(()),
        }
    }

    fn pack(&mut self, key: &PackKey) -> Result<(&mut OpenPack, &mut Staging), ArchiveError> {
        if self
            .packs
            .get(key)
            .is_some_and(|pack| pack.length_bytes >= limits::PACK_BYTES)
            && let Some(full) = self.packs.remove(key)
        {
            self.full.push(full);
        }
        if !self.packs.contains_key(key) {
            let pack = match self.archive.shared.writers.take(key) {
                Some(pack) => pack,
                None => self.create()?,
            };
            self.packs.insert(key.clone(), pack);
        }
        let pack = self.packs.get_mut(key).ok_or(ArchiveError::Interrupted)?;
        Ok((pack, &mut self.staging))
    }

    fn create(&self) -> Result<OpenPack, ArchiveError> {
        let pack_id = file::new_id()?;
        let path = self.archive.path_of(pack_id);
        let file = file::create(&path, pack_id)?;
        Ok(OpenPack {
            pack_id,
            file: PackFile::new(file, &path),
            length_bytes: limits::PACK_HEADER_BYTES,
            begin_bytes: 0,
        })
    }
}
