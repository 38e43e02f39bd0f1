//! Overwrites bytes of an object: since nothing of it can be changed, it is written anew with zeros in their place.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::{ObjectStoreExt, PutMode};
use overread_model::extent::Extent;

use super::upload::Body;
use super::{Bucket, away};
use crate::blocking;
use crate::error::ArchiveError;

impl Bucket {
    /// Writes the object anew; who reads meanwhile gets the one or the other, and both hold the same outside of the extent.
    pub(crate) async fn erase(&self, extent: Extent) -> Result<(), ArchiveError> {
        let path = self.path_of(extent.pack_id);
        let _alone = self.shared.erasing.lock().await;
        let found = self.shared.objects.get(&path).await.map_err(away)?;
        let mut length = 0;
        let mut file = self.shared.spool.unnamed()?;
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.try_next().await.map_err(away)? {
            let mut chunk = chunk.to_vec();
            let start = length;
            length += chunk.len() as u64;
            blank(&mut chunk, start, extent);
            file = write(file, chunk).await?;
        }
        let body = Body::File(Arc::new(file), length);
        self.put(&path, &body, PutMode::Overwrite).await?;
        self.shared.cache.forget(extent.pack_id).await;
        Ok(())
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
