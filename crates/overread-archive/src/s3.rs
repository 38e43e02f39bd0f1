//! Packs as objects of an S3 bucket: one object a batch, never added to.

mod append;
mod cache;
mod erase;
mod fetch;
mod settings;
mod upload;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::aws::AmazonS3;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use overread_model::extent::PackId;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

pub(crate) use append::ObjectAppend;
pub use settings::{S3Secret, S3Settings};
pub(crate) use upload::Body;

use crate::error::ArchiveError;
use crate::limits;
use crate::settle::{Loose, Settled, pack_of};
use crate::spool::Spool;

/// The packs of one bucket; a clone is another handle.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    shared: Arc<Shared>,
    /// Reads ask the object store itself.
    pub(crate) is_past_cache: bool,
}

#[derive(Debug)]
struct Shared {
    objects: AmazonS3,
    /// What the names of our objects begin with.
    prefix: ObjectPath,
    spool: Spool,
    cache: cache::Cache,
    flights: fetch::Flights,
    ahead: Arc<Semaphore>,
    /// One object is erased in at a time.
    erasing: tokio::sync::Mutex<()>,
    runtime: Handle,
    patience: Duration,
}

impl Bucket {
    /// Connects, and writes a small object to learn that the bucket is there and may be written.
    pub(crate) async fn open(
        dir: &Path,
        spool: Spool,
        settings: &S3Settings,
    ) -> Result<Self, ArchiveError> {
        let shared = Shared {
            objects: settings.connect()?,
            prefix: ObjectPath::from(settings.prefix.as_str()),
            spool,
            cache: cache::Cache::open(&dir.join("cache"), settings.cache_bytes).await?,
            flights: fetch::Flights::default(),
            ahead: Arc::new(Semaphore::new(limits::FETCHES_AHEAD)),
            erasing: tokio::sync::Mutex::default(),
            runtime: Handle::current(),
            patience: settings.patience,
        };
        let bucket = Self {
            shared: Arc::new(shared),
            is_past_cache: false,
        };
        bucket.now().await?;
        Ok(bucket)
    }

    /// Writes a small object.
    pub(crate) async fn try_write(&self) -> Result<(), ArchiveError> {
        self.now().await.map(|_| ())
    }

    /// Begins a batch.
    pub(crate) fn begin(&self) -> ObjectAppend {
        ObjectAppend::new(self.clone())
    }

    /// Waits for asynchronous work on a thread that may wait.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ArchiveError>> + Send + 'static,
    ) -> Result<T, ArchiveError> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        self.shared.runtime.spawn(async move {
            // Whoever does not wait any more needs no answer.
            let _ = tell.send(work.await);
        });
        told.recv().unwrap_or(Err(ArchiveError::Interrupted))
    }

    /// Gives up a request with which the object store gets nowhere; `length_bytes` travel by it, perhaps over a slow line.
    pub(crate) async fn in_time<T>(
        &self,
        length_bytes: u64,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> object_store::Result<T> {
        let travelling = Duration::from_secs(length_bytes / limits::SLOW_BYTES_PER_SECOND);
        let silent = |_| object_store::Error::Generic {
            store: "S3",
            source: Box::new(io::Error::new(
                io::ErrorKind::TimedOut,
                "it did not answer in time",
            )),
        };
        let answer = tokio::time::timeout(self.shared.patience + travelling, request).await;
        answer.map_err(silent).flatten()
    }

    pub(crate) fn objects(&self) -> &AmazonS3 {
        &self.shared.objects
    }

    /// Returns what the names of remembered deletions begin with.
    pub(crate) fn deleted_folder(&self) -> ObjectPath {
        self.shared.prefix.clone().join("deleted")
    }

    pub(crate) fn path_of(&self, pack_id: PackId) -> ObjectPath {
        let folder = self.shared.prefix.clone().join("packs");
        folder.join(format!("{pack_id}.pack"))
    }

    /// Returns the time by the object store's own clock, UTC microseconds; that of this machine may differ.
    async fn now(&self) -> Result<i64, ArchiveError> {
        let path = self.shared.prefix.clone().join("clock");
        let objects = &self.shared.objects;
        let put = objects.put(&path, "now".into());
        self.in_time(0, put).await.map_err(away)?;
        let meta = self.in_time(0, objects.head(&path)).await.map_err(away)?;
        Ok(meta.last_modified.timestamp_micros())
    }

    /// Lists every pack.
    pub(crate) async fn list_packs(&self) -> Result<Vec<Loose>, ArchiveError> {
        let folder = self.shared.prefix.clone().join("packs");
        let mut packs = Vec::new();
        let mut listed = self.shared.objects.list(Some(&folder));
        while let Some(meta) = self.in_time(0, listed.try_next()).await.map_err(away)? {
            packs.extend(
                meta.location
                    .filename()
                    .and_then(pack_of)
                    .map(|pack_id| Loose {
                        pack_id,
                        length_bytes: meta.size,
                    }),
            );
        }
        packs.sort_by_key(|pack| pack.pack_id);
        Ok(packs)
    }

    /// Says when an object is shorter than its rows say, or is older than that and no row knows it.
    pub(crate) async fn settle<E, F>(
        &self,
        pack_id: PackId,
        age: Duration,
        committed: F,
    ) -> Result<Settled, E>
    where
        E: From<ArchiveError>,
        F: AsyncFnOnce() -> Result<Option<u64>, E>,
    {
        let Some(meta) = self.head(pack_id).await? else {
            return Ok(Settled::Fine);
        };
        let is_young = !age.is_zero() && {
            let old = self.now().await? - meta.last_modified.timestamp_micros();
            u128::try_from(old).unwrap_or(0) < age.as_micros()
        };
        // Asked after the age is known: what was old then had every time to be committed.
        match committed().await? {
            Some(bytes) if meta.size < bytes => Ok(Settled::Short),
            Some(_) => Ok(Settled::Fine),
            None if is_young => Ok(Settled::Busy),
            None => Ok(Settled::Unclaimed),
        }
    }

    /// Returns what the object store says of a pack; `None` when it is not there.
    async fn head(&self, pack_id: PackId) -> Result<Option<ObjectMeta>, ArchiveError> {
        let path = self.path_of(pack_id);
        let head = self.in_time(0, self.shared.objects.head(&path)).await;
        match head {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    pub(crate) async fn length_of(&self, pack_id: PackId) -> Result<Option<u64>, ArchiveError> {
        Ok(self.head(pack_id).await?.map(|meta| meta.size))
    }

    pub(crate) async fn forget_cached(&self, is_stale: impl Fn(PackId) -> bool) {
        for pack_id in self.shared.cache.packs() {
            if is_stale(pack_id) {
                self.shared.cache.forget(pack_id).await;
            }
        }
    }

    /// Removes an object, and what this node's cache has of it.
    pub(crate) async fn remove(&self, pack_id: PackId) -> Result<(), ArchiveError> {
        let path = self.path_of(pack_id);
        match self.in_time(0, self.shared.objects.delete(&path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(away(error)),
        }
        self.shared.cache.forget(pack_id).await;
        Ok(())
    }
}

/// Tells what the object store said, without the addresses around it.
pub(crate) fn away(error: object_store::Error) -> ArchiveError {
    use object_store::Error;
    let kind = match &error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            io::ErrorKind::PermissionDenied
        }
        _ => io::ErrorKind::Other,
    };
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let said: String = innermost
        .to_string()
        .chars()
        .filter(|c| !c.is_control())
        .take(limits::SAID_CHARACTERS)
        .collect();
    ArchiveError::Away {
        source: io::Error::new(kind, said),
    }
}
