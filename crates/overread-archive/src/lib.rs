//! Here live the bytes: packs of Part 10 files, durable appends, range reads, scrub.
//!
//! A pack is a header of [`limits::PACK_HEADER_BYTES`], then batches: instances as received, one after another, and a
//! [`Directory`] of them. [`PackAppend`] writes a batch and makes it durable; the rows that the caller then commits make it
//! count.
//!
//! Packs are files of this machine or objects of an S3 bucket, of the same form. A file is appended to by batch after
//! batch. An object holds one batch and is never written again. Bytes that no row knows are told of by
//! [`Archive::settle`] and stay.

mod append;
mod batch;
mod damaged;
mod deleted;
mod directory;
mod disc;
mod error;
mod file;
mod hold;
pub mod limits;
mod moving;
mod read;
mod s3;
mod settle;
mod spool;
mod staging;
mod unread;
mod warming;

use std::io;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::task::JoinHandle;

pub use append::{PackKey, PackLength};
pub use batch::PackAppend;
pub use deleted::Deletion;
pub use directory::{Contents, Directory, Entry, Recorded};
pub use error::ArchiveError;
pub use hold::Held;
pub use moving::TakenOver;
pub use overread_model::extent::{Digest, Extent, PackId};
pub use s3::{S3Secret, S3Settings};
pub use settle::{Loose, Settled};
pub use unread::{FilePart, file_behind, is_unread};

use damaged::Damaged;
use disc::Disc;
use s3::Bucket;
use spool::Spool;

/// The bytes of one installation; a clone is another handle.
#[derive(Debug, Clone)]
pub struct Archive {
    place: Place,
    spool: Spool,
    damaged: Damaged,
}

/// Where packs are.
#[derive(Debug, Clone)]
enum Place {
    Disc(Disc),
    S3(Bucket),
}

impl Place {
    async fn read(&self, extent: Extent, within: Range<u64>) -> Result<Bytes, ArchiveError> {
        match self {
            Self::Disc(disc) => disc.read(extent, within).await,
            Self::S3(bucket) => bucket.read(extent, within).await,
        }
    }
}

impl Archive {
    /// Opens the archive in a data folder; makes `packs/` and `spool/` below it when they are not there.
    ///
    /// # Errors
    /// When the folders cannot be made, read or synced.
    pub async fn open(dir: &Path) -> Result<Self, ArchiveError> {
        Ok(Self {
            place: Place::Disc(Disc::open(dir).await?),
            spool: Spool::open(dir).await?,
            damaged: Damaged::default(),
        })
    }

    /// Opens the archive in an S3 bucket, with `cache/` and `spool/` in a data folder; needs a running Tokio.
    ///
    /// # Errors
    /// When the settings cannot be used, the bucket does not answer or may not be written, or the folders cannot be made.
    pub async fn open_s3(dir: &Path, settings: &S3Settings) -> Result<Self, ArchiveError> {
        let spool = Spool::open(dir).await?;
        Ok(Self {
            place: Place::S3(Bucket::open(dir, spool.clone(), settings).await?),
            spool,
            damaged: Damaged::default(),
        })
    }

    /// Says where the packs are: `disc` or `s3`.
    pub const fn kind(&self) -> &'static str {
        match self.place {
            Place::Disc(_) => "disc",
            Place::S3(_) => "s3",
        }
    }

    /// Returns a handle that reads what is really kept, past every cache of this node, and whether or not it is damaged.
    #[must_use]
    pub fn past_cache(&self) -> Self {
        let mut archive = self.clone();
        archive.damaged = Damaged::default();
        if let Place::S3(bucket) = &mut archive.place {
            bucket.is_past_cache = true;
        }
        archive
    }

    /// Returns the folder for temporary files of this node.
    pub fn spool_folder(&self) -> &Path {
        &self.spool.folder
    }

    /// Removes what a stopped program left in the spool folder. Only names that spooling gives are touched.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn empty_spool(&self) -> Result<(), ArchiveError> {
        self.spool.empty().await
    }

    /// Writes so many bytes, [`limits::TRIAL_BYTES`] at most, where temporary files and packs are, durably, and lets them go.
    ///
    /// # Errors
    /// When the disc or the bucket does not take it.
    pub async fn try_write(&self, bytes: u64) -> Result<(), ArchiveError> {
        // The packs may be on a disc of their own.
        let spool = self.spool.clone();
        blocking(move || spool.try_write(bytes)).await?;
        match &self.place {
            Place::Disc(disc) => disc.try_write(bytes).await,
            Place::S3(bucket) => bucket.try_write().await,
        }
    }

    /// Begins a batch.
    pub fn begin(&self) -> PackAppend {
        match &self.place {
            Place::Disc(disc) => PackAppend::Disc(disc.begin()),
            Place::S3(bucket) => PackAppend::S3(bucket.begin()),
        }
    }

    /// Says whether a pack with this key is open, so that a small batch may go there, too.
    pub fn is_open(&self, key: &PackKey) -> bool {
        match &self.place {
            Place::Disc(disc) => disc.is_open(key),
            // A batch is one object whatever its keys.
            Place::S3(_) => false,
        }
    }

    /// Reads a range of an extent into memory; `within` counts from the extent's start.
    ///
    /// # Errors
    /// When the range is outside of the extent or too large, or the pack cannot be read.
    pub async fn read(&self, extent: Extent, within: Range<u64>) -> Result<Bytes, ArchiveError> {
        self.damaged.check(extent)?;
        self.place.read(extent, within).await
    }

    /// Does what [`Archive::read`] does and waits on the calling thread: call it where that does no harm.
    ///
    /// # Errors
    /// As [`Archive::read`].
    pub fn read_blocking(&self, extent: Extent, within: Range<u64>) -> Result<Bytes, ArchiveError> {
        self.damaged.check(extent)?;
        match &self.place {
            Place::Disc(disc) => disc.read_blocking(extent, within),
            Place::S3(bucket) => {
                let reader = bucket.clone();
                bucket.wait(async move { reader.read(extent, within).await })
            }
        }
    }

    /// Returns bytes that stand for a range of an extent and are sent by who knows [`file_behind`]; `None` when the range
    /// is to be read instead: it is short, would have to be waited for, or is in no file.
    pub fn unread(&self, extent: Extent, within: &Range<u64>) -> Option<Vec<Bytes>> {
        self.damaged.check(extent).ok()?;
        match &self.place {
            Place::Disc(disc) => disc.unread(extent, within),
            Place::S3(_) => None,
        }
    }

    /// Streams an extent in chunks, the next ones being read while this one is sent.
    pub fn stream(&self, extent: Extent) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        self.read_on(extent)
            .map(|(_, read)| read.map_err(io::Error::other))
    }

    /// Reads an extent in chunks as [`Archive::stream`] does, and tells of each which it is.
    fn read_on(
        &self,
        extent: Extent,
    ) -> impl Stream<Item = (Range<u64>, Result<Bytes, ArchiveError>)> + Send + use<> {
        let (chunk_bytes, ahead) = match self.place {
            Place::Disc(_) => (limits::STREAM_CHUNK_BYTES, 1),
            Place::S3(_) => (limits::FETCH_BYTES, limits::PIECES_AT_ONCE),
        };
        let archive = self.clone();
        stream::iter(chunks(extent, chunk_bytes))
            .map(move |chunk| {
                let reading = archive.start(extent, chunk.clone());
                async move {
                    let read = reading.await.unwrap_or(Err(ArchiveError::Interrupted));
                    (chunk, read)
                }
            })
            .buffered(ahead + 1)
    }

    /// Begins to read, whether or not anybody waits already.
    fn start(&self, extent: Extent, range: Range<u64>) -> JoinHandle<Result<Bytes, ArchiveError>> {
        let checked = self.damaged.check(extent);
        match &self.place {
            Place::Disc(disc) => {
                let disc = disc.clone();
                tokio::task::spawn_blocking(move || {
                    checked.and_then(|()| disc.read_blocking(extent, range))
                })
            }
            Place::S3(bucket) => {
                let bucket = bucket.clone();
                tokio::spawn(async move {
                    checked?;
                    bucket.read(extent, range).await
                })
            }
        }
    }

    /// Forgets, in the cache of this node, the pieces of packs for which `is_stale` says so; nothing on a disc.
    pub async fn forget_cached(&self, is_stale: impl Fn(PackId) -> bool) {
        if let Place::S3(bucket) = &self.place {
            bucket.forget_cached(is_stale).await;
        }
    }

    /// Lists every pack. Files and objects that are none are left alone.
    ///
    /// # Errors
    /// When a folder or the bucket cannot be read.
    pub async fn list_packs(&self) -> Result<Vec<Loose>, ArchiveError> {
        match &self.place {
            Place::Disc(disc) => disc.list_packs().await,
            Place::S3(bucket) => bucket.list_packs().await,
        }
    }

    /// Returns how long a pack is; `None` when there is none.
    ///
    /// # Errors
    /// When the disc or the bucket cannot say.
    pub async fn length_of(&self, pack_id: PackId) -> Result<Option<u64>, ArchiveError> {
        match &self.place {
            Place::Disc(disc) => disc.length_of(pack_id).await,
            Place::S3(bucket) => bucket.length_of(pack_id).await,
        }
    }

    /// Makes durable what was written to a pack by whoever could not wait for it.
    ///
    /// # Errors
    /// When the disc cannot say that it is.
    pub async fn sync(&self, pack_id: PackId) -> Result<(), ArchiveError> {
        match &self.place {
            Place::Disc(disc) => disc.sync(pack_id).await,
            Place::S3(_) => Ok(()),
        }
    }

    /// Writes what a failed batch left anew, and makes it durable: after a sync that failed, the system takes the bytes for
    /// written, and another sync would say so without writing anything.
    ///
    /// # Errors
    /// When the disc cannot be read or written.
    pub async fn rewrite(&self, pack_id: PackId, range: Range<u64>) -> Result<(), ArchiveError> {
        match &self.place {
            Place::Disc(disc) => disc.rewrite(pack_id, range).await,
            Place::S3(_) => Ok(()),
        }
    }

    /// Says whether somebody may be writing this pack. In a bucket, where nothing can be locked, somebody always may.
    pub async fn may_be_written(&self, pack_id: PackId) -> bool {
        match &self.place {
            Place::Disc(disc) => disc.may_be_written(pack_id).await,
            Place::S3(_) => true,
        }
    }

    /// Compares one pack with the length that `committed` tells. What the rows do not know stays where it is, unless it is the
    /// beginning of a batch that was never finished, and so never acknowledged.
    ///
    /// On a disc `committed` is asked only after the file is locked. In a bucket, where nothing can be locked, a pack
    /// without rows is told of only when it is older than `age` (mostly [`limits::UNCLAIMED_AGE`]).
    ///
    /// # Errors
    /// When the pack cannot be opened, or `committed` fails.
    pub async fn settle<E, F>(
        &self,
        pack_id: PackId,
        age: Duration,
        committed: F,
    ) -> Result<Settled, E>
    where
        E: From<ArchiveError>,
        F: AsyncFnOnce() -> Result<Option<u64>, E>,
    {
        match &self.place {
            Place::Disc(disc) => disc.settle(pack_id, committed).await,
            Place::S3(bucket) => bucket.settle(pack_id, age, committed).await,
        }
    }

    /// Lets batches that are on their way into these packs end, and keeps further ones out until what is returned is
    /// dropped. Nobody may wait for this inside of a transaction, since those batches wait for theirs.
    ///
    /// # Errors
    /// When another process has one of the packs open.
    pub async fn hold(&self, packs: Vec<PackId>) -> Result<Held, ArchiveError> {
        match &self.place {
            Place::Disc(disc) => disc.hold(packs).await,
            Place::S3(_) => Ok(Held::of_bucket(packs)),
        }
    }

    /// Removes a pack whose rows are gone, and which is held.
    ///
    /// # Errors
    /// When the file or object cannot be removed.
    pub async fn remove(&self, pack_id: PackId) -> Result<(), ArchiveError> {
        match &self.place {
            Place::Disc(disc) => disc.remove(pack_id).await,
            Place::S3(bucket) => bucket.remove(pack_id).await,
        }
    }

    /// Overwrites bytes whose rows are gone with zeros, durably.
    ///
    /// # Errors
    /// When the pack cannot be written.
    pub async fn erase(&self, extent: Extent) -> Result<(), ArchiveError> {
        match &self.place {
            Place::Disc(disc) => disc.erase(extent).await,
            Place::S3(bucket) => bucket.erase(extent).await,
        }
    }

    /// Says whether the header of a pack is what it should be.
    ///
    /// # Errors
    /// When the pack cannot be read.
    pub async fn header_is_good(&self, pack_id: PackId) -> Result<bool, ArchiveError> {
        let extent = Extent {
            pack_id,
            offset_bytes: 0,
            length_bytes: limits::PACK_HEADER_BYTES,
        };
        let header = self.read(extent, 0..limits::PACK_HEADER_BYTES).await?;
        Ok(*header == file::header(pack_id) || *header == file::header_before(pack_id))
    }

    /// Reads the directory that ends at this place of a pack; `None` when none does, or it does not hold.
    ///
    /// # Errors
    /// When the pack cannot be read.
    pub async fn recorded(
        &self,
        pack_id: PackId,
        end_bytes: u64,
    ) -> Result<Option<Recorded>, ArchiveError> {
        directory::recorded(&self.place, pack_id, end_bytes).await
    }

    /// Reads what a pack of this length says of itself.
    ///
    /// # Errors
    /// When the pack cannot be read.
    pub async fn contents(
        &self,
        pack_id: PackId,
        length_bytes: u64,
    ) -> Result<Contents, ArchiveError> {
        directory::contents(&self.place, pack_id, length_bytes).await
    }
}

/// Cuts an extent into ranges that end where pieces of the pack do.
fn chunks(extent: Extent, chunk_bytes: u64) -> impl Iterator<Item = Range<u64>> + Send + use<> {
    let length = extent.length_bytes;
    let mut start = 0;
    std::iter::from_fn(move || {
        let place = extent.offset_bytes.checked_add(start)?;
        let end = length.min(start + chunk_bytes - place % chunk_bytes);
        let chunk = start..end;
        start = end;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Runs file work where waiting for a disc does no harm.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(ArchiveError::Interrupted))
}
