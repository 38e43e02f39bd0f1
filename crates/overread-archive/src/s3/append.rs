//! Gathers a batch and uploads it as one object.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use overread_model::extent::{Digest, Extent, PackId};

use super::Bucket;
use super::upload::Body;
use crate::append::PackLength;
use crate::directory::Directory;
use crate::error::ArchiveError;
use crate::{file, limits};

/// A batch for a bucket; see [`crate::PackAppend`].
#[derive(Debug)]
pub struct ObjectAppend {
    bucket: Bucket,
    gathered: Option<Gathered>,
    uploaded: Vec<PackLength>,
    wasted: Vec<Extent>,
}

/// An object that is not uploaded yet.
#[derive(Debug)]
struct Gathered {
    pack_id: PackId,
    memory: Vec<u8>,
    /// Everything, once memory was not enough.
    spooled: Option<File>,
    length_bytes: u64,
}

impl Gathered {
    fn new() -> Result<Self, ArchiveError> {
        let pack_id = file::new_id()?;
        Ok(Self {
            pack_id,
            memory: file::header(pack_id).to_vec(),
            spooled: None,
            length_bytes: limits::PACK_HEADER_BYTES,
        })
    }

    fn push(&mut self, bucket: &Bucket, bytes: &[u8]) -> Result<(), ArchiveError> {
        let fail = |source| ArchiveError::Folder { source };
        if self.spooled.is_none() && self.memory.len() + bytes.len() > limits::GATHERED_BYTES {
            let mut file = bucket.shared.spool.unnamed()?;
            file.write_all(&self.memory).map_err(fail)?;
            self.memory = Vec::new();
            self.spooled = Some(file);
        }
        match &mut self.spooled {
            Some(file) => file.write_all(bytes).map_err(fail)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.length_bytes += bytes.len() as u64;
        Ok(())
    }

    fn body(self) -> Body {
        match self.spooled {
            Some(file) => Body::File(Arc::new(file), self.length_bytes),
            None => Body::Memory(Bytes::from(self.memory)),
        }
    }
}

impl ObjectAppend {
    pub(super) const fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            gathered: None,
            uploaded: Vec::new(),
            wasted: Vec::new(),
        }
    }

    fn gathered(&mut self) -> Result<(&Bucket, &mut Gathered), ArchiveError> {
        let gathered = match self.gathered.take() {
            Some(gathered) => gathered,
            None => Gathered::new()?,
        };
        Ok((&self.bucket, self.gathered.insert(gathered)))
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<Extent, ArchiveError> {
        let (bucket, gathered) = self.gathered()?;
        let extent = Extent {
            pack_id: gathered.pack_id,
            offset_bytes: gathered.length_bytes,
            length_bytes: bytes.len() as u64,
        };
        gathered.push(bucket, bytes)?;
        Ok(extent)
    }

    pub(crate) fn append_file(
        &mut self,
        source: &mut impl Read,
        length_bytes: u64,
    ) -> Result<(Extent, Digest), ArchiveError> {
        let (bucket, gathered) = self.gathered()?;
        let mut extent = Extent {
            pack_id: gathered.pack_id,
            offset_bytes: gathered.length_bytes,
            length_bytes: 0,
        };
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; limits::COPY_BYTES];
        let failed = loop {
            let count = match source.read(&mut buffer) {
                Ok(0) if extent.length_bytes == length_bytes => break None,
                Ok(0) => break Some(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) => break Some(error),
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            hasher.update(bytes);
            gathered.push(bucket, bytes)?;
            extent.length_bytes += count as u64;
        };
        if let Some(source) = failed {
            // What was gathered counts as used, so that every byte of a pack has an owner.
            self.wasted.push(extent);
            return Err(ArchiveError::Source { source });
        }
        Ok((extent, Digest::new(*hasher.finalize().as_bytes())))
    }

    pub(crate) fn wasted(&self) -> &[Extent] {
        &self.wasted
    }

    /// Uploads what was gathered; an object is durable when the object store has answered.
    pub(crate) fn sync(&mut self, directory: &Directory) -> Result<Vec<PackLength>, ArchiveError> {
        if let Some(mut gathered) = self.gathered.take() {
            let record = directory.record(
                gathered.pack_id,
                limits::PACK_HEADER_BYTES,
                gathered.length_bytes,
            );
            gathered.push(&self.bucket, &record)?;
            let (pack_id, length_bytes) = (gathered.pack_id, gathered.length_bytes);
            let bucket = self.bucket.clone();
            let body = gathered.body();
            self.bucket
                .wait(async move { bucket.upload(pack_id, body).await })?;
            self.uploaded.push(PackLength {
                pack_id,
                length_bytes,
            });
        }
        Ok(self.uploaded.clone())
    }
}
