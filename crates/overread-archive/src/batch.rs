//! One writer's batch, wherever packs are.

use std::fs::File;
use std::io::Read;

use overread_model::extent::{Digest, Extent};

use crate::append::{DiscAppend, PackKey, PackLength};
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

    /// Ends the batch with its directory, makes everything durable and says how long each pack now is.
    ///
    /// # Errors
    /// When the disc or the object store cannot say that it is.
    pub fn sync(&mut self, directory: &Directory) -> Result<Vec<PackLength>, ArchiveError> {
        match self {
            Self::Disc(batch) => batch.sync(directory),
            Self::S3(batch) => batch.sync(directory),
        }
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
