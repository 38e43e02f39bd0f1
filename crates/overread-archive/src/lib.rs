//! Here live the bytes: packs of Part 10 files, durable appends, range reads, scrub.
//!
//! A pack is an append-only file: a header of [`limits::PACK_HEADER_BYTES`], then instances as received, one after
//! another. [`PackAppend`] writes a batch and syncs it; the rows that the caller then commits make it count. Bytes that no
//! row knows are cut off when the archive is next opened by [`Archive::settle`].

mod append;
mod error;
mod file;
pub mod limits;
mod read;
mod settle;
mod staging;
mod warming;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use append::{PackAppend, PackKey, PackLength};
pub use error::ArchiveError;
pub use overread_model::extent::{Digest, Extent, PackId};
pub use settle::{Loose, Settled};

/// The bytes of one installation; a clone is another handle.
#[derive(Debug, Clone)]
pub struct Archive {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    spool: PathBuf,
    writers: append::Writers,
    readers: read::Readers,
    warming: warming::Warming,
}

impl Archive {
    /// Opens the archive in a data folder; makes `packs/` and `spool/` below it when they are not there.
    ///
    /// # Errors
    /// When the folders cannot be made, read or synced.
    pub async fn open(dir: &Path) -> Result<Self, ArchiveError> {
        let (folder, spool) = (dir.join("packs"), dir.join("spool"));
        let shared = Shared {
            folder,
            spool,
            writers: append::Writers::default(),
            readers: read::Readers::default(),
            warming: warming::Warming::default(),
        };
        let archive = Self {
            shared: Arc::new(shared),
        };
        let opened = archive.clone();
        blocking(move || opened.make_folders()).await?;
        Ok(archive)
    }

    fn make_folders(&self) -> Result<(), ArchiveError> {
        let shared = &self.shared;
        for folder in [&shared.folder, &shared.spool] {
            std::fs::create_dir_all(folder).map_err(|source| ArchiveError::Folder { source })?;
        }
        for shelf in 0..limits::SHELVES {
            let path = shared.folder.join(format!("{shelf:x}"));
            match std::fs::create_dir(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(ArchiveError::Folder { source });
                }
                _ => {}
            }
        }
        file::sync_folder(&shared.folder)?;
        match shared.folder.parent() {
            Some(parent) => file::sync_folder(parent),
            None => Ok(()),
        }
    }

    /// Returns the folder for temporary files; on the same disc as the packs, emptied by [`Archive::settle`].
    pub fn spool_folder(&self) -> &Path {
        &self.shared.spool
    }

    /// Returns where the file of a pack is.
    fn path_of(&self, pack_id: PackId) -> PathBuf {
        let name = pack_id.to_string();
        let shelf = name
            .chars()
            .last()
            .map_or_else(|| "0".to_owned(), String::from);
        self.shared.folder.join(shelf).join(format!("{name}.pack"))
    }
}

/// Runs file work where waiting for a disc does no harm.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(ArchiveError::Interrupted))
}
