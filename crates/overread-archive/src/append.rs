//! Appends batches to packs.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use overread_model::extent::{Digest, Extent, PackId};

use crate::error::ArchiveError;
use crate::{Archive, file, limits};

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
    file: File,
    length_bytes: u64,
}

/// The packs that are open between batches.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    idle: Mutex<Idle>,
}

/// The packs that no batch writes, the least recently used first; a key has several when batches overlap.
#[derive(Debug, Default)]
struct Idle {
    packs: VecDeque<(PackKey, OpenPack)>,
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

    fn is_open(&self, key: &PackKey) -> bool {
        self.idle().packs.iter().any(|(known, _)| known == key)
    }

    fn give_back(&self, key: PackKey, pack: OpenPack) {
        if pack.length_bytes >= limits::PACK_BYTES {
            return;
        }
        let mut idle = self.idle();
        idle.packs.push_back((key, pack));
        if idle.packs.len() > limits::OPEN_WRITERS {
            idle.packs.pop_front();
        }
    }

    /// Lets go of a pack that is to be removed.
    pub(crate) fn forget(&self, pack_id: PackId) {
        self.idle()
            .packs
            .retain(|(_, pack)| pack.pack_id != pack_id);
    }
}

/// One writer's batch. All its functions wait for the disc: call them where that does no harm.
///
/// Dropped without [`PackAppend::committed`], its packs are written no further, and what it wrote is cut off when the
/// archive is next opened, unless rows know it.
#[derive(Debug)]
pub struct PackAppend {
    archive: Archive,
    packs: HashMap<PackKey, OpenPack>,
    /// Packs that were filled in this batch; they stay open, and so locked, until it is committed.
    full: Vec<OpenPack>,
    wasted: Vec<Extent>,
}

impl Archive {
    /// Begins a batch.
    pub fn begin(&self) -> PackAppend {
        PackAppend {
            archive: self.clone(),
            packs: HashMap::new(),
            full: Vec::new(),
            wasted: Vec::new(),
        }
    }

    /// Says whether a pack with this key is open, so that a small batch may go there, too.
    pub fn is_open(&self, key: &PackKey) -> bool {
        self.shared.writers.is_open(key)
    }
}

impl PackAppend {
    /// Appends bytes and returns where they lie; they are durable after [`PackAppend::sync`].
    ///
    /// # Errors
    /// When the disc is full or broken.
    pub fn append(&mut self, key: &PackKey, bytes: &[u8]) -> Result<Extent, ArchiveError> {
        let pack = self.pack(key)?;
        let pack_id = pack.pack_id;
        let offset_bytes = pack.length_bytes;
        pack.file
            .write_all_at(bytes, offset_bytes)
            .map_err(|source| ArchiveError::Write { pack_id, source })?;
        pack.length_bytes += bytes.len() as u64;
        Ok(Extent {
            pack_id,
            offset_bytes,
            length_bytes: bytes.len() as u64,
        })
    }

    /// Copies a file of this length in, and returns where it lies and its digest.
    ///
    /// # Errors
    /// When it cannot be read, has another length, or the disc is full or broken.
    pub fn append_file(
        &mut self,
        key: &PackKey,
        source: &mut impl Read,
        length_bytes: u64,
    ) -> Result<(Extent, Digest), ArchiveError> {
        let pack = self.pack(key)?;
        let pack_id = pack.pack_id;
        let offset_bytes = pack.length_bytes;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; limits::COPY_BYTES];
        let mut copied = 0_u64;
        loop {
            let count = source
                .read(&mut buffer)
                .map_err(|source| ArchiveError::Source { source })?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            hasher.update(bytes);
            pack.file
                .write_all_at(bytes, offset_bytes + copied)
                .map_err(|source| ArchiveError::Write { pack_id, source })?;
            copied += count as u64;
        }
        // Whatever was written counts as used, so that every byte of a pack has an owner.
        pack.length_bytes += copied;
        if copied != length_bytes {
            self.wasted.push(Extent {
                pack_id,
                offset_bytes,
                length_bytes: copied,
            });
            return Err(ArchiveError::Source {
                source: std::io::ErrorKind::UnexpectedEof.into(),
            });
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

    /// Returns the bytes that failed copies left: the caller notes them as gaps.
    pub fn wasted(&self) -> &[Extent] {
        &self.wasted
    }

    /// Makes everything appended durable and says how long each pack now is.
    ///
    /// # Errors
    /// When the disc cannot say that it is.
    pub fn sync(&mut self) -> Result<Vec<PackLength>, ArchiveError> {
        let mut lengths = Vec::with_capacity(self.packs.len() + self.full.len());
        for pack in self.packs.values().chain(&self.full) {
            let fail = |source| ArchiveError::Write {
                pack_id: pack.pack_id,
                source,
            };
            pack.file.sync_data().map_err(fail)?;
            lengths.push(PackLength {
                pack_id: pack.pack_id,
                length_bytes: pack.length_bytes,
            });
        }
        Ok(lengths)
    }

    /// Says that the rows are committed: the packs may be written further.
    pub fn committed(mut self) {
        for (key, pack) in self.packs.drain() {
            self.archive.shared.writers.give_back(key, pack);
        }
    }

    fn pack(&mut self, key: &PackKey) -> Result<&mut OpenPack, ArchiveError> {
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
        self.packs.get_mut(key).ok_or(ArchiveError::Interrupted)
    }

    fn create(&self) -> Result<OpenPack, ArchiveError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| ArchiveError::Random)?;
        let pack_id = PackId::from_random(random);
        let file = file::create(&self.archive.path_of(pack_id), pack_id)?;
        Ok(OpenPack {
            pack_id,
            file,
            length_bytes: limits::PACK_HEADER_BYTES,
        })
    }
}
