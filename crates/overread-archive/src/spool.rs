//! The folder for temporary files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::ArchiveError;
use crate::{blocking, limits};

/// A folder for temporary files, of this node alone.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    pub(crate) folder: PathBuf,
}

impl Spool {
    /// Opens `spool/` in a data folder, made when it is not there.
    pub(crate) async fn open(dir: &Path) -> Result<Self, ArchiveError> {
        let folder = dir.join("spool");
        let made = folder.clone();
        blocking(move || {
            std::fs::create_dir_all(&made).map_err(|source| ArchiveError::Folder { source })
        })
        .await?;
        Ok(Self { folder })
    }

    /// Makes a file without a name, which is gone when nobody holds it any more.
    pub(crate) fn unnamed(&self) -> Result<File, ArchiveError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| ArchiveError::Random)?;
        let name = format!("batch-{:016x}", u64::from_be_bytes(random));
        let path = self.folder.join(name);
        let make = || {
            let mut options = OpenOptions::new();
            let file = options
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)?;
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => Err(source),
                _ => Ok(file),
            }
        };
        make().map_err(|source| ArchiveError::Folder { source })
    }

    /// Writes a file without a name of so many bytes, [`limits::TRIAL_BYTES`] at most, durably, and lets it go.
    pub(crate) fn try_write(&self, bytes: u64) -> Result<(), ArchiveError> {
        let mut file = self.unnamed()?;
        let piece = vec![0; limits::TRIAL_PIECE_BYTES];
        let pieces = bytes
            .clamp(1, limits::TRIAL_BYTES)
            .div_ceil(piece.len() as u64);
        let written = (0..pieces).try_for_each(|_| file.write_all(&piece));
        let synced = written.and_then(|()| file.sync_data());
        synced.map_err(|source| ArchiveError::Folder { source })
    }

    /// Removes what a stopped program left. Only names that spooling gives are touched.
    pub(crate) async fn empty(&self) -> Result<(), ArchiveError> {
        let folder = self.folder.clone();
        blocking(move || {
            for entry in std::fs::read_dir(&folder)
                .map_err(|source| ArchiveError::Folder { source })?
                .flatten()
            {
                let path = entry.path();
                // A file in use is locked by the process that uses it.
                if let Ok(file) = File::open(&path)
                    && file.try_lock().is_ok()
                {
                    let _ = std::fs::remove_file(&path);
                }
            }
            Ok(())
        })
        .await
    }
}
