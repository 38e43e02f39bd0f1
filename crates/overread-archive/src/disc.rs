//! Packs as files in folders of this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use overread_model::extent::PackId;

use crate::error::ArchiveError;
use crate::spool::Spool;
use crate::{append, blocking, file, limits, read, warming};

/// The packs of one data folder; a clone is another handle.
#[derive(Debug, Clone)]
pub(crate) struct Disc {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    pub(crate) writers: append::Writers,
    pub(crate) readers: read::Readers,
    pub(crate) warming: warming::Warming,
}

impl Disc {
    /// Opens the packs in a data folder; makes `packs/` below it when it is not there.
    pub(crate) async fn open(dir: &Path) -> Result<Self, ArchiveError> {
        let shared = Shared {
            folder: dir.join("packs"),
            writers: append::Writers::default(),
            readers: read::Readers::default(),
            warming: warming::Warming::default(),
        };
        let disc = Self {
            shared: Arc::new(shared),
        };
        let opened = disc.clone();
        blocking(move || opened.make_folders()).await?;
        Ok(disc)
    }

    fn make_folders(&self) -> Result<(), ArchiveError> {
        let shared = &self.shared;
        std::fs::create_dir_all(&shared.folder)
            .map_err(|source| ArchiveError::Folder { source })?;
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

    /// Writes a file without a name beside the packs.
    pub(crate) async fn try_write(&self, bytes: u64) -> Result<(), ArchiveError> {
        let folder = self.shared.folder.clone();
        blocking(move || Spool { folder }.try_write(bytes)).await
    }

    /// Returns where the file of a pack is.
    pub(crate) fn path_of(&self, pack_id: PackId) -> PathBuf {
        let name = pack_id.to_string();
        let shelf = name
            .chars()
            .last()
            .map_or_else(|| "0".to_owned(), String::from);
        self.shared.folder.join(shelf).join(format!("{name}.pack"))
    }

    /// Returns the folder of what is remembered of deletions, beside the packs.
    pub(crate) fn deleted_folder(&self) -> PathBuf {
        self.shared.folder.with_file_name("deleted")
    }
}
