//! Takes packs over from another archive, byte for byte.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::PutMode;
use overread_model::extent::{Digest, Extent, PackId};

use crate::disc::Disc;
use crate::error::ArchiveError;
use crate::s3::{Body, Bucket};
use crate::{Archive, Place, blocking, file};

impl Archive {
    /// Copies a pack of another archive up to this length, replacing what an interrupted copy left, and returns the digest of
    /// what is now here, read back from where it is kept.
    ///
    /// # Errors
    /// When the pack cannot be read there or written here.
    pub async fn take_over(
        &self,
        from: &Self,
        pack_id: PackId,
        length_bytes: u64,
    ) -> Result<Digest, ArchiveError> {
        let extent = Extent {
            pack_id,
            offset_bytes: 0,
            length_bytes,
        };
        let mut spooled = self.spool.unnamed()?;
        let mut chunks = std::pin::pin!(from.past_cache().stream(extent));
        let fail = |source| ArchiveError::Read { pack_id, source };
        let sent = async {
            let mut hasher = blake3::Hasher::new();
            while let Some(chunk) = chunks.try_next().await.map_err(fail)? {
                hasher.update(&chunk);
                spooled = blocking(move || {
                    spooled
                        .write_all(&chunk)
                        .map_err(|source| ArchiveError::Folder { source })?;
                    Ok(spooled)
                })
                .await?;
            }
            Ok::<_, ArchiveError>((spooled, hasher.finalize()))
        };
        let (spooled, sent) = sent.await?;
        let body = Body::File(Arc::new(spooled), length_bytes);
        match &self.place {
            Place::Disc(disc) => disc.replace(pack_id, body).await?,
            Place::S3(bucket) => bucket.replace(pack_id, body).await?,
        }
        let kept = self.digest_of(extent).await?;
        if kept == Digest::new(*sent.as_bytes()) {
            return Ok(kept);
        }
        Err(fail(std::io::Error::other(
            "the copy differs from what was copied",
        )))
    }

    /// Hashes an extent as it is really kept.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn digest_of(&self, extent: Extent) -> Result<Digest, ArchiveError> {
        let mut hasher = blake3::Hasher::new();
        let mut chunks = std::pin::pin!(self.past_cache().stream(extent));
        while let Some(chunk) = chunks
            .try_next()
            .await
            .map_err(|source| ArchiveError::Read {
                pack_id: extent.pack_id,
                source,
            })?
        {
            hasher.update(&chunk);
        }
        Ok(Digest::new(*hasher.finalize().as_bytes()))
    }
}

impl Disc {
    /// Makes the file of a pack anew.
    async fn replace(&self, pack_id: PackId, body: Body) -> Result<(), ArchiveError> {
        let path = self.path_of(pack_id);
        let beside = path.with_extension("new");
        let fail = move |source| ArchiveError::Write { pack_id, source };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&beside)
            .map_err(fail)?;
        for part in body.parts() {
            let bytes = body.range(part).await?;
            file = blocking(move || {
                file.write_all(&bytes).map_err(fail)?;
                Ok(file)
            })
            .await?;
        }
        blocking(move || {
            file.sync_all().map_err(fail)?;
            std::fs::rename(&beside, &path).map_err(fail)?;
            path.parent().map_or(Ok(()), file::sync_folder)
        })
        .await
    }
}

impl Bucket {
    /// Makes the object of a pack anew.
    async fn replace(&self, pack_id: PackId, body: Body) -> Result<(), ArchiveError> {
        let path = self.path_of(pack_id);
        self.put(&path, &body, PutMode::Overwrite).await
    }
}
