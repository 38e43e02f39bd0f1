//! Keeps packs from being written while a study is erased out of them: a batch that is on its way into a pack would else
//! be acknowledged and lost with its file.

use std::fs::File;
use std::io;
use std::time::Instant;

use overread_model::extent::PackId;

use crate::disc::Disc;
use crate::error::ArchiveError;
use crate::settle::{Locked, lock};
use crate::{blocking, limits};

/// Packs that no batch writes, and none will, until this is dropped. Objects of a bucket are never written again anyhow.
#[derive(Debug, Default)]
pub struct Held {
    packs: Vec<PackId>,
    /// Locked; a pack whose file is gone has none.
    _files: Vec<File>,
}

impl Held {
    /// Says whether all of these are held.
    pub fn has_all(&self, packs: &[PackId]) -> bool {
        packs.iter().all(|pack| self.packs.contains(pack))
    }

    pub(crate) const fn of_bucket(packs: Vec<PackId>) -> Self {
        Self {
            packs,
            _files: Vec::new(),
        }
    }
}

impl Disc {
    /// Lets batches that are on their way into these packs end, and holds them.
    pub(crate) async fn hold(&self, mut packs: Vec<PackId>) -> Result<Held, ArchiveError> {
        let archive = self.clone();
        blocking(move || {
            // In one order, so that two who hold never wait for each other.
            packs.sort_unstable();
            packs.dedup();
            let files = packs.iter().map(|pack_id| archive.hold_one(*pack_id));
            let files: Vec<Option<File>> = files.collect::<Result<_, _>>()?;
            Ok(Held {
                packs,
                _files: files.into_iter().flatten().collect(),
            })
        })
        .await
    }

    fn hold_one(&self, pack_id: PackId) -> Result<Option<File>, ArchiveError> {
        let writers = &self.shared.writers;
        writers.close(pack_id);
        let held = self.wait_for(pack_id);
        // Who has the lock is the only one; nobody opens a pack that is there already to write it.
        writers.closed(pack_id);
        held
    }

    /// Waits for the lock; another process keeps its packs open for as long as it likes, so not for ever.
    #[allow(
        clippy::disallowed_methods,
        reason = "a lock of another process tells nobody when it is free, and this thread is for waiting"
    )]
    fn wait_for(&self, pack_id: PackId) -> Result<Option<File>, ArchiveError> {
        let (path, begun) = (self.path_of(pack_id), Instant::now());
        loop {
            match lock(&path, pack_id)? {
                Locked::Ours(file) => return Ok(Some(file)),
                Locked::Gone => return Ok(None),
                Locked::Elsewhere if begun.elapsed() > limits::HOLD_TIME => {
                    let source = io::Error::from(io::ErrorKind::ResourceBusy);
                    return Err(ArchiveError::Write { pack_id, source });
                }
                Locked::Elsewhere => std::thread::sleep(limits::HOLD_PAUSE),
            }
        }
    }
}
