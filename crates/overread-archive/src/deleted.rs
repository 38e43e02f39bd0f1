//! What the archive remembers of deletions: a small file or object for each, so that no rebuild brings back what was deleted.

use std::collections::BTreeSet;
use std::io::Write;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use overread_model::extent::Digest;

use crate::disc::Disc;
use crate::error::ArchiveError;
use crate::s3::{Body, Bucket, away};
use crate::{Archive, Place, blocking, file};

/// What is remembered of one deletion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deletion {
    /// What came until then was deleted; UTC µs.
    pub until: i64,
    /// Of the files that were deleted.
    pub digests: BTreeSet<Digest>,
}

impl Deletion {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.until.to_le_bytes().to_vec();
        for digest in &self.digests {
            bytes.extend_from_slice(digest.as_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (until, rest) = bytes.split_first_chunk::<8>()?;
        let digests = rest.chunks(32).map(|one| one.try_into().map(Digest::new));
        Some(Self {
            until: i64::from_le_bytes(*until),
            digests: digests.collect::<Result<_, _>>().ok()?,
        })
    }
}

impl Archive {
    /// Remembers, durably, a deletion under this name, beside what is remembered under it already.
    ///
    /// # Errors
    /// When the name has signs other than hexadecimal ones, or it cannot be written.
    pub async fn remember_deletion(
        &self,
        name: &str,
        deletion: Deletion,
    ) -> Result<(), ArchiveError> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ArchiveError::Range);
        }
        let mut all = self.deletion(name).await?.unwrap_or_default();
        all.until = all.until.max(deletion.until);
        all.digests.extend(deletion.digests);
        let bytes = all.to_bytes();
        match &self.place {
            Place::Disc(disc) => disc.write_deletion(name.to_owned(), bytes).await,
            Place::S3(bucket) => {
                let path = bucket.deleted_folder().join(name);
                let body = Body::Memory(Bytes::from(bytes));
                bucket.put(&path, &body, PutMode::Overwrite).await
            }
        }
    }

    /// Remembers every deletion that another archive remembers.
    ///
    /// # Errors
    /// When one cannot be read there or written here.
    pub async fn take_over_deletions(&self, from: &Self) -> Result<(), ArchiveError> {
        let names = match &from.place {
            Place::Disc(disc) => disc.deletion_names().await?,
            Place::S3(bucket) => bucket.deletion_names().await?,
        };
        for name in names {
            if let Some(deletion) = from.deletion(&name).await? {
                self.remember_deletion(&name, deletion).await?;
            }
        }
        Ok(())
    }

    /// Returns what is remembered under a name.
    ///
    /// # Errors
    /// When it cannot be read: then nobody knows what must not come back.
    pub async fn deletion(&self, name: &str) -> Result<Option<Deletion>, ArchiveError> {
        let bytes = match &self.place {
            Place::Disc(disc) => disc.read_deletion(name.to_owned()).await?,
            Place::S3(bucket) => bucket.read_deletion(name).await?,
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let unreadable = || ArchiveError::Folder {
            source: std::io::Error::other("a deletion that is remembered cannot be read"),
        };
        Deletion::read(&bytes).map(Some).ok_or_else(unreadable)
    }
}

impl Disc {
    async fn write_deletion(&self, name: String, bytes: Vec<u8>) -> Result<(), ArchiveError> {
        let folder = self.deleted_folder();
        blocking(move || {
            let beside = folder.join(format!("{name}.new"));
            let write = || {
                std::fs::create_dir_all(&folder)?;
                let mut file = std::fs::File::create(&beside)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                std::fs::rename(&beside, folder.join(&name))
            };
            write().map_err(|source| ArchiveError::Folder { source })?;
            file::sync_folder(&folder)?;
            folder.parent().map_or(Ok(()), file::sync_folder)
        })
        .await
    }

    async fn deletion_names(&self) -> Result<Vec<String>, ArchiveError> {
        let folder = self.deleted_folder();
        let fail = |source| ArchiveError::Folder { source };
        blocking(move || {
            let entries = match std::fs::read_dir(folder) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries.map_err(fail)?,
            };
            let names = entries.map(|entry| Ok(entry.map_err(fail)?.file_name()));
            let names: Result<Vec<_>, ArchiveError> = names.collect();
            let names = names?.into_iter();
            let names = names.filter_map(|name| name.into_string().ok());
            // One that was being written when the program stopped is written again.
            Ok(names.filter(|name| !name.contains('.')).collect())
        })
        .await
    }

    async fn read_deletion(&self, name: String) -> Result<Option<Vec<u8>>, ArchiveError> {
        let path = self.deleted_folder().join(name);
        blocking(move || match std::fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ArchiveError::Folder { source }),
        })
        .await
    }
}

impl Bucket {
    async fn deletion_names(&self) -> Result<Vec<String>, ArchiveError> {
        let folder = self.deleted_folder();
        let mut listed = self.objects().list(Some(&folder));
        let mut names = Vec::new();
        while let Some(meta) = self.in_time(0, listed.try_next()).await.map_err(away)? {
            names.push(meta.location.filename().unwrap_or_default().to_owned());
        }
        Ok(names)
    }

    async fn read_deletion(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        let path = self.deleted_folder().join(name);
        match self.in_time(0, self.objects().get(&path)).await {
            Ok(found) => {
                let bytes = self.in_time(found.meta.size, found.bytes()).await;
                Ok(Some(bytes.map_err(away)?.to_vec()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }
}
