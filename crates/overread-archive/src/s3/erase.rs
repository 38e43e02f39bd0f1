//! Overwrites bytes of an object: since nothing of it can be changed, it is written anew with zeros in their place.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use overread_model::extent::Extent;

use super::upload::Body;
use super::{Bucket, away};
use crate::error::ArchiveError;
use crate::{blocking, limits};

impl Bucket {
    /// Writes the object anew; who reads meanwhile gets the one or the other, and both hold the same outside of the extent.
    ///
    /// Another node may erase something else in it, or remove it, at the same moment. What we write replaces only what we read:
    /// whoever comes second reads again, so that nothing that was erased comes back.
    pub(crate) async fn erase(&self, extent: Extent) -> Result<(), ArchiveError> {
        let path = self.path_of(extent.pack_id);
        let _alone = self.shared.erasing.lock().await;
        for _ in 0..limits::REPLACE_TRIES {
            let head = self.shared.objects.head(&path);
            let found = self.in_time(0, head).await.map_err(away)?;
            let written = match self.blanked(&found, extent).await {
                Ok(body) => self.put(&path, &body, replacing(&found)).await,
                Err(error) => Err(error),
            };
            match written {
                Err(ArchiveError::Overtaken) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    self.shared.cache.forget(extent.pack_id).await;
                    return Ok(());
                }
            }
        }
        Err(ArchiveError::Overtaken)
    }

    /// Copies an object to a temporary file, with zeros for the extent.
    async fn blanked(&self, found: &ObjectMeta, extent: Extent) -> Result<Body, ArchiveError> {
        let mut file = self.shared.spool.unnamed()?;
        let mut start = 0;
        while start < found.size {
            let end = found.size.min(start + limits::PART_BYTES);
            let mut chunk = self.part_of(&found.location, found, start..end).await?;
            blank(&mut chunk, start, extent);
            file = write(file, chunk).await?;
            start = end;
        }
        Ok(Body::File(Arc::new(file), found.size))
    }

    /// Reads a part of an object as long as it is the one that was found.
    async fn part_of(
        &self,
        path: &ObjectPath,
        found: &ObjectMeta,
        range: std::ops::Range<u64>,
    ) -> Result<Vec<u8>, ArchiveError> {
        let length = range.end - range.start;
        let options = GetOptions::new()
            .with_range(Some(range))
            .with_if_match(found.e_tag.clone());
        let got = async {
            self.shared
                .objects
                .get_opts(path, options)
                .await?
                .bytes()
                .await
        };
        match self.in_time(length, got).await {
            Ok(bytes) if bytes.len() as u64 == length => Ok(bytes.to_vec()),
            Ok(_) | Err(object_store::Error::Precondition { .. }) => Err(ArchiveError::Overtaken),
            Err(error) => Err(away(error)),
        }
    }
}

/// Replaces what was found and nothing else, where the object store marks what it holds.
fn replacing(found: &ObjectMeta) -> PutMode {
    match &found.e_tag {
        None => PutMode::Overwrite,
        Some(_) => PutMode::Update(UpdateVersion {
            e_tag: found.e_tag.clone(),
            version: found.version.clone(),
        }),
    }
}

/// Makes zeros of the bytes of a chunk that belong to the extent.
fn blank(chunk: &mut [u8], start: u64, extent: Extent) {
    let end = extent.offset_bytes.saturating_add(extent.length_bytes);
    for (place, byte) in (start..).zip(chunk) {
        if place >= extent.offset_bytes && place < end {
            *byte = 0;
        }
    }
}

async fn write(mut file: File, chunk: Vec<u8>) -> Result<File, ArchiveError> {
    blocking(move || {
        file.write_all(&chunk)
            .map_err(|source| ArchiveError::Folder { source })?;
        Ok(file)
    })
    .await
}
