//! Pieces of objects on the disc of this node, the least recently used going first, and a few in memory.
//!
//! A piece is kept with its digest, so that a file that was cut short or changed is fetched again and never served.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use overread_model::extent::PackId;

use super::fetch::Piece;
use crate::blocking;
use crate::error::ArchiveError;
use crate::limits;

const DIGEST_BYTES: usize = 32;

/// The read cache of one node; a clone is another handle.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    limit_bytes: u64,
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    /// Bytes of each piece, and when it was last used.
    pieces: HashMap<Piece, (u64, u64)>,
    /// The same by use.
    by_use: BTreeMap<u64, Piece>,
    clock: u64,
    bytes: u64,
    /// Counted up when something is forgotten: what was asked for before is not kept after.
    generation: u64,
    /// The latest last.
    hot: VecDeque<(Piece, Bytes)>,
}

impl Index {
    fn touch(&mut self, piece: Piece, bytes: u64) {
        self.clock += 1;
        if let Some((before, used)) = self.pieces.insert(piece, (bytes, self.clock)) {
            self.by_use.remove(&used);
            self.bytes -= before;
        }
        self.by_use.insert(self.clock, piece);
        self.bytes += bytes;
    }

    fn drop_piece(&mut self, piece: Piece) {
        if let Some((bytes, used)) = self.pieces.remove(&piece) {
            self.by_use.remove(&used);
            self.bytes -= bytes;
        }
    }

    /// Takes out what is too much, the least recently used first.
    fn take_surplus(&mut self, limit_bytes: u64) -> Vec<Piece> {
        let mut surplus = Vec::new();
        while self.bytes > limit_bytes
            && let Some((_, piece)) = self.by_use.pop_first()
        {
            if let Some((bytes, _)) = self.pieces.remove(&piece) {
                self.bytes -= bytes;
            }
            surplus.push(piece);
        }
        surplus
    }

    fn heat(&mut self, piece: Piece, bytes: Bytes) {
        self.hot.retain(|(known, _)| *known != piece);
        self.hot.push_back((piece, bytes));
        if self.hot.len() > limits::HOT_PIECES {
            self.hot.pop_front();
        }
    }
}

impl Cache {
    /// Opens the folder, and learns what an earlier run left there.
    pub(super) async fn open(folder: &Path, limit_bytes: u64) -> Result<Self, ArchiveError> {
        let folder = folder.to_owned();
        blocking(move || {
            let index = learn(&folder).map_err(|source| ArchiveError::Folder { source })?;
            Ok(Self {
                inner: Arc::new(Inner {
                    folder,
                    limit_bytes,
                    index: Mutex::new(index),
                }),
            })
        })
        .await
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.inner
            .index
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn path_of(&self, (pack_id, index): Piece) -> PathBuf {
        self.inner.folder.join(format!("{pack_id}-{index:x}"))
    }

    /// Returns what changes when something is forgotten.
    pub(super) fn generation(&self) -> u64 {
        self.index().generation
    }

    /// Says whether a piece is kept.
    pub(super) fn knows(&self, piece: Piece) -> bool {
        self.index().pieces.contains_key(&piece)
    }

    /// Returns a piece that is in memory.
    pub(super) fn hot(&self, piece: Piece) -> Option<Bytes> {
        let mut index = self.index();
        let at = index.hot.iter().position(|(known, _)| *known == piece)?;
        let found = index.hot.remove(at)?;
        let bytes = found.1.clone();
        index.hot.push_back(found);
        Some(bytes)
    }

    /// Reads a piece from the disc; `None` when it is not there or not what was kept.
    pub(super) async fn read(&self, piece: Piece) -> Option<Bytes> {
        if !self.knows(piece) {
            return None;
        }
        let path = self.path_of(piece);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = fs::read(path).ok()?;
            let digest = bytes.split_off(bytes.len().checked_sub(DIGEST_BYTES)?);
            (digest == blake3::hash(&bytes).as_bytes()).then(|| Bytes::from(bytes))
        });
        let bytes = read.await.ok().flatten();
        let mut index = self.index();
        match &bytes {
            Some(bytes) => {
                index.touch(piece, (bytes.len() + DIGEST_BYTES) as u64);
                index.heat(piece, bytes.clone());
            }
            // Somebody emptied the folder, or the disc is failing.
            None => index.drop_piece(piece),
        }
        bytes
    }

    /// Keeps a piece, unless something was forgotten since it was asked for. A disc that is full keeps nothing.
    pub(super) async fn keep(&self, piece: Piece, bytes: Bytes, generation: u64) {
        let length = (bytes.len() + DIGEST_BYTES) as u64;
        let path = self.path_of(piece);
        let cache = self.clone();
        let keeping = tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&path, &bytes) {
                tracing::warn!(%error, "the read cache cannot be written");
                return;
            }
            let surplus = {
                let mut index = cache.index();
                if index.generation != generation {
                    drop(index);
                    let _ = fs::remove_file(&path);
                    return;
                }
                index.touch(piece, length);
                index.heat(piece, bytes);
                index.take_surplus(cache.inner.limit_bytes)
            };
            for piece in surplus {
                let _ = fs::remove_file(cache.path_of(piece));
            }
        });
        let _kept = keeping.await;
    }

    /// Lists the packs of which anything is kept.
    pub(super) fn packs(&self) -> BTreeSet<PackId> {
        let index = self.index();
        index.pieces.keys().map(|(pack_id, _)| *pack_id).collect()
    }

    /// Forgets every piece of a pack.
    pub(super) async fn forget(&self, pack_id: PackId) {
        let cache = self.clone();
        let forgetting = tokio::task::spawn_blocking(move || {
            let mut index = cache.index();
            index.generation += 1;
            index.hot.retain(|((of, _), _)| *of != pack_id);
            let pieces: Vec<Piece> = index.pieces.keys().copied().collect();
            for piece in pieces.into_iter().filter(|(of, _)| *of == pack_id) {
                index.drop_piece(piece);
                let _ = fs::remove_file(cache.path_of(piece));
            }
        });
        let _forgotten = forgetting.await;
    }
}

/// Lists what is kept, the least recently written first; removes what was not finished.
fn learn(folder: &Path) -> io::Result<Index> {
    fs::create_dir_all(folder)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        match piece_of(&entry.file_name().to_string_lossy()) {
            Some(piece) => found.push((meta.modified()?, piece, meta.len())),
            None if meta.is_file() => fs::remove_file(entry.path())?,
            None => {}
        }
    }
    found.sort_unstable_by_key(|(modified, piece, _)| (*modified, *piece));
    let mut index = Index::default();
    for (_, piece, bytes) in found {
        index.touch(piece, bytes);
    }
    Ok(index)
}

fn piece_of(name: &str) -> Option<Piece> {
    let (pack, index) = name.split_once('-')?;
    let pack_id = i64::from_str_radix(pack, 16).ok().and_then(PackId::new)?;
    Some((pack_id, u64::from_str_radix(index, 16).ok()?))
}

/// Writes a piece under another name first, so that what is found under its own is whole.
fn write(path: &Path, bytes: &Bytes) -> io::Result<()> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|_| io::ErrorKind::Other)?;
    let beside = path.with_extension(format!("{:08x}", u32::from_be_bytes(random)));
    let mut kept = Vec::with_capacity(bytes.len() + DIGEST_BYTES);
    kept.extend_from_slice(bytes);
    kept.extend_from_slice(blake3::hash(bytes).as_bytes());
    fs::write(&beside, kept)
        .and_then(|()| fs::rename(&beside, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use bytes::Bytes;
    use overread_model::extent::PackId;

    use super::Cache;

    #[tokio::test]
    async fn the_least_recently_used_goes_first_and_damage_is_not_served() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cache");
        let pack_id = PackId::new(7).unwrap();
        let cache = Cache::open(&folder, 3 * 132).await.unwrap();
        for index in 0..3 {
            cache.keep((pack_id, index), vec![1; 100].into(), 0).await;
        }
        assert!(cache.read((pack_id, 0)).await.is_some());
        cache.keep((pack_id, 3), vec![1; 100].into(), 0).await;
        assert!(
            cache.read((pack_id, 1)).await.is_none(),
            "it was used least"
        );
        assert!(cache.read((pack_id, 0)).await.is_some());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);

        // A later run finds them; one that was changed is not served, one that was cut short neither.
        std::fs::write(folder.join(format!("{pack_id}-3.0000beef")), b"unfinished").unwrap();
        let cache = Cache::open(&folder, 3 * 132).await.unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
        std::fs::write(folder.join(format!("{pack_id}-0")), vec![1; 132]).unwrap();
        std::fs::write(folder.join(format!("{pack_id}-2")), b"cut").unwrap();
        assert!(cache.read((pack_id, 0)).await.is_none());
        assert!(cache.read((pack_id, 2)).await.is_none());
        assert_eq!(
            cache.read((pack_id, 3)).await.unwrap(),
            Bytes::from(vec![1; 100])
        );
    }

    #[tokio::test]
    async fn what_is_forgotten_does_not_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let (pack_id, other) = (PackId::new(7).unwrap(), PackId::new(8).unwrap());
        let cache = Cache::open(dir.path(), 1_000_000).await.unwrap();
        let before = cache.generation();
        for pack_id in [pack_id, other] {
            cache.keep((pack_id, 0), vec![1; 100].into(), before).await;
        }
        cache.forget(pack_id).await;
        cache.keep((pack_id, 1), vec![1; 100].into(), before).await;
        for index in [0, 1] {
            assert!(cache.hot((pack_id, index)).is_none());
            assert!(cache.read((pack_id, index)).await.is_none());
        }
        assert!(cache.hot((other, 0)).is_some());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
