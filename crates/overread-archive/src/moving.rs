//! Takes packs over from another archive, byte for byte.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};
use object_store::PutMode;
use overread_model::extent::{Digest, Extent, PackId};

use crate::disc::Disc;
use crate::error::ArchiveError;
use crate::s3::{Body, Bucket};
use crate::{Archive, Place, blocking, file, limits};

/// Stands where nothing could be read.
const UNREAD: &[u8] = b"unreadable ";

/// Says whether it is the disc that cannot read this place (EIO), so that asking again is of no use.
fn is_of_the_disc(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// What came of taking a pack over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenOver {
    /// Of the pack as it is kept here now.
    pub digest: Digest,
    /// Bytes at its end that are not there any more, and so not here either.
    pub short_bytes: u64,
    /// Bytes that the disc could not read; others stand in their places, so that no digest of them holds.
    pub unread_bytes: u64,
}

impl TakenOver {
    /// Says whether every byte was read.
    pub const fn is_whole(&self) -> bool {
        self.short_bytes == 0 && self.unread_bytes == 0
    }
}

impl Archive {
    /// Copies a pack of another archive up to this length, replacing what an interrupted copy left, and returns the digest of
    /// what is now here, read back from where it is kept; `None` when the pack is not there.
    ///
    /// Of a pack that is damaged comes whatever can be read, at its place.
    ///
    /// # Errors
    /// When the other archive does not answer, or the pack cannot be written here.
    pub async fn take_over(
        &self,
        from: &Self,
        pack_id: PackId,
        length_bytes: u64,
    ) -> Result<Option<TakenOver>, ArchiveError> {
        let from = from.past_cache();
        let Some(there) = from.length_of(pack_id).await? else {
            return Ok(None);
        };
        let extent = Extent {
            pack_id,
            offset_bytes: 0,
            length_bytes: length_bytes.min(there),
        };
        let mut spooled = self.spool.unnamed()?;
        let mut unread_bytes = 0;
        let mut hasher = blake3::Hasher::new();
        let mut chunks = std::pin::pin!(from.read_on(extent));
        while let Some((range, read)) = chunks.next().await {
            let chunk = match read {
                Err(ArchiveError::Read { source, .. }) if is_of_the_disc(&source) => {
                    let (bytes, unread) = from.salvaged(extent, range).await?;
                    unread_bytes += unread;
                    bytes
                }
                read => read?,
            };
            hasher.update(&chunk);
            spooled = blocking(move || {
                spooled
                    .write_all(&chunk)
                    .map_err(|source| ArchiveError::Folder { source })?;
                Ok(spooled)
            })
            .await?;
        }
        let body = Body::File(Arc::new(spooled), extent.length_bytes);
        match &self.place {
            Place::Disc(disc) => disc.replace(pack_id, body).await?,
            Place::S3(bucket) => bucket.replace(pack_id, body).await?,
        }
        let digest = self.digest_of(extent).await?;
        if digest != Digest::new(*hasher.finalize().as_bytes()) {
            let source = io::Error::other("the copy differs from what was copied");
            return Err(ArchiveError::Write { pack_id, source });
        }
        Ok(Some(TakenOver {
            digest,
            short_bytes: length_bytes - extent.length_bytes,
            unread_bytes,
        }))
    }

    /// Reads what can be read of a range in which something cannot, and says how much that is.
    async fn salvaged(
        &self,
        extent: Extent,
        range: Range<u64>,
    ) -> Result<(Bytes, u64), ArchiveError> {
        let (mut salvaged, mut unread) = (BytesMut::new(), 0);
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + limits::BLOCK_BYTES as u64);
            let read = self.start(extent, start..end).await;
            match read.unwrap_or(Err(ArchiveError::Interrupted)) {
                Ok(bytes) => salvaged.extend_from_slice(&bytes),
                Err(ArchiveError::Read { source, .. }) if is_of_the_disc(&source) => {
                    unread += end - start;
                    // No zeros: those say that something was erased.
                    let filler = UNREAD.iter().copied().cycle();
                    salvaged.extend(filler.take((end - start) as usize));
                }
                Err(error) => return Err(error),
            }
            start = end;
        }
        Ok((salvaged.freeze(), unread))
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
        .await?;
        // Who reads on reads the new one.
        self.shared.readers.forget(pack_id);
        Ok(())
    }
}

impl Bucket {
    /// Makes the object of a pack anew.
    async fn replace(&self, pack_id: PackId, body: Body) -> Result<(), ArchiveError> {
        let path = self.path_of(pack_id);
        self.put(&path, &body, PutMode::Overwrite).await
    }
}
