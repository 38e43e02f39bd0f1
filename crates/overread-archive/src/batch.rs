//! One writer's batch, wherever packs are.

use std::fs::File;
use std::io::Read;

use overread_model::extent::{Digest, Extent};

use crate::append::{DiscAppend, PackKey, PackLength, Unsynced};
use crate::directory::Directory;
use crate::error::ArchiveError;
use crate::s3::ObjectAppend;

/// One writer's batch. All its functions wait for the disc or the network: call them where that does no harm.
///
/// Dropped without [`PackAppend::committed`], its packs are written no further.
#[derive(Debug)]
pub enum PackAppend {
    /// On a disc.
    Disc(DiscAppend),
    /// In a bucket.
    S3(ObjectAppend),
}

impl PackAppend {
    /// Appends bytes and returns where they will lie; they are durable after [`PackAppend::sync`].
    ///
    /// # Errors
    /// When the disc is full or broken.
    pub fn append(&mut self, key: &PackKey, bytes: &[u8]) -> Result<Extent, ArchiveError> {
        match self {
            Self::Disc(batch) => batch.append(key, bytes),
            Self::S3(batch) => batch.append(bytes),
        }
    }

    /// Copies a file of this length in, and returns where it will lie and its digest.
    ///
    /// # Errors
    /// When it cannot be read, has another length, or the disc is full or broken.
    pub fn append_file(
        &mut self,
        key: &PackKey,
        source: &mut impl Read,
        length_bytes: u64,
    ) -> Result<(Extent, Digest), ArchiveError> {
        match self {
            Self::Disc(batch) => batch.append_file(key, source, length_bytes),
            Self::S3(batch) => batch.append_file(source, length_bytes),
        }
    }

    /// Makes a temporary file a pack, without copying it: behind [`crate::limits::PACK_HEADER_BYTES`] free bytes it holds
    /// this many that are to be kept, and nobody else writes to it. `None` where that cannot be done; then it is to be copied.
    ///
    /// # Errors
    /// When the disc is full or broken.
    pub fn adopt(
        &mut self,
        file: &File,
        length_bytes: u64,
    ) -> Result<Option<Extent>, ArchiveError> {
        match self {
            Self::Disc(batch) => batch.adopt(file, length_bytes),
            Self::S3(_) => Ok(None),
        }
    }

    /// Returns the bytes that failed copies left: the caller notes them as gaps.
    pub fn wasted(&self) -> &[Extent] {
        match self {
            Self::Disc(batch) => batch.wasted(),
            Self::S3(batch) => batch.wasted(),
        }
    }

    /// Ends the batch with its directory and says how long each pack now is, and what is left to be synced.
    ///
    /// # Errors
    /// When the disc is full or broken, or the object store cannot say that everything is durable.
    pub fn end(
        &mut self,
        directory: &Directory,
    ) -> Result<(Vec<PackLength>, Unsynced), ArchiveError> {
        match self {
            Self::Disc(batch) => batch.end(directory),
            Self::S3(batch) => Ok((batch.end(directory)?, Unsynced::NOTHING)),
        }
    }

    /// Ends the batch and makes everything durable.
    ///
    /// # Errors
    /// As those of [`PackAppend::end`] and [`Unsynced::sync`].
    pub fn sync(&mut self, directory: &Directory) -> Result<Vec<PackLength>, ArchiveError> {
        let (lengths, unsynced) = self.end(directory)?;
        unsynced.sync()?;
        Ok(lengths)
    }

    /// Says that the rows are committed: the packs may be written further.
    pub fn committed(self) {
        match self {
            Self::Disc(batch) => batch.committed(),
            // Nothing is ever added to an object.
            Self::S3(_) => {}
        }
    }
}
