//! Uploads objects.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path as ObjectPath;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use overread_model::extent::PackId;

use super::{Bucket, away};
use crate::error::ArchiveError;
use crate::{blocking, limits};

/// What an object is to hold.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// In memory.
    Memory(Bytes),
    /// In a temporary file of this length.
    File(Arc<File>, u64),
}

impl Body {
    fn length_bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    pub(crate) async fn range(&self, range: Range<u64>) -> Result<Bytes, ArchiveError> {
        match self {
            Self::Memory(bytes) => {
                let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
                match (start, end) {
                    (Ok(start), Ok(end)) if start <= end && end <= bytes.len() => {
                        Ok(bytes.slice(start..end))
                    }
                    _ => Err(ArchiveError::Range),
                }
            }
            Self::File(file, _) => {
                let file = Arc::clone(file);
                blocking(move || {
                    let length = usize::try_from(range.end - range.start)
                        .map_err(|_| ArchiveError::Range)?;
                    let mut bytes = vec![0; length];
                    file.read_exact_at(&mut bytes, range.start)
                        .map_err(|source| ArchiveError::Folder { source })?;
                    Ok(Bytes::from(bytes))
                })
                .await
            }
        }
    }

    /// Cuts it into the parts that are uploaded one by one.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Range<u64>> + use<> {
        let length = self.length_bytes();
        let part = if length < limits::LARGE_PARTS_FROM_BYTES {
            limits::PART_BYTES
        } else {
            limits::LARGE_PART_BYTES
        };
        (0..length.div_ceil(part)).map(move |index| {
            let start = index * part;
            start..(start + part).min(length)
        })
    }

    /// Hashes everything, a part at a time.
    async fn digest(&self) -> Result<blake3::Hash, ArchiveError> {
        let mut hasher = blake3::Hasher::new();
        for part in self.parts() {
            hasher.update(&self.range(part).await?);
        }
        Ok(hasher.finalize())
    }
}

/// Why one try of an upload failed.
enum Failed {
    /// The object store said so, or nothing.
    There(Error),
    /// What is to be uploaded cannot be read.
    Here(ArchiveError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::There(error)
    }
}

impl From<ArchiveError> for Failed {
    fn from(error: ArchiveError) -> Self {
        Self::Here(error)
    }
}

impl Bucket {
    /// Makes an object; never overwrites one.
    pub(super) async fn upload(&self, pack_id: PackId, body: Body) -> Result<(), ArchiveError> {
        let path = self.path_of(pack_id);
        self.put(&path, &body, PutMode::Create).await
    }

    /// Puts an object, trying again as long as that may help and the patience lasts.
    pub(crate) async fn put(
        &self,
        path: &ObjectPath,
        body: &Body,
        mode: PutMode,
    ) -> Result<(), ArchiveError> {
        let (mut pause, begun) = (limits::UPLOAD_PAUSE, Instant::now());
        for tried in 1.. {
            let failed = match self.put_once(path, body, mode.clone()).await {
                Ok(()) => return Ok(()),
                Err(Failed::Here(error)) => return Err(error),
                Err(Failed::There(failed)) => failed,
            };
            match failed {
                // An earlier try arrived and only its answer was lost, or (never seen) a number was drawn twice.
                Error::AlreadyExists { .. } => return self.compare(path, body).await,
                Error::PermissionDenied { .. }
                | Error::Unauthenticated { .. }
                | Error::NotFound { .. } => return Err(away(failed)),
                Error::Precondition { .. } => return Err(ArchiveError::Overtaken),
                failed
                    if tried >= limits::UPLOAD_TRIES || begun.elapsed() >= self.shared.patience =>
                {
                    return Err(away(failed));
                }
                _ => {}
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(ArchiveError::Interrupted)
    }

    async fn put_once(&self, path: &ObjectPath, body: &Body, mode: PutMode) -> Result<(), Failed> {
        let objects = &self.shared.objects;
        let length = body.length_bytes();
        let at_once = match mode {
            PutMode::Update(_) => limits::REPLACED_BYTES,
            _ => limits::MULTIPART_BYTES,
        };
        if length < at_once {
            let bytes = body.range(0..length).await?;
            let put = objects.put_opts(path, bytes.into(), PutOptions::from(mode));
            self.in_time(length, put).await?;
            return Ok(());
        }
        let mut upload = self.in_time(0, objects.put_multipart(path)).await?;
        let sent = async {
            let mut running = FuturesUnordered::new();
            for part in body.parts() {
                if running.len() >= limits::PARTS_AT_ONCE {
                    running.next().await.transpose()?;
                }
                let bytes = body.range(part).await?;
                // The parts share the line.
                let travelling = bytes.len() as u64 * limits::PARTS_AT_ONCE as u64;
                running.push(self.in_time(travelling, upload.put_part(bytes.into())));
            }
            running.try_collect::<()>().await?;
            self.is_unchanged(path, &mode).await?;
            Ok::<_, Failed>(())
        };
        let outcome = match sent.await {
            Ok(()) => {
                let completed = self.in_time(length, upload.complete()).await;
                completed.map(drop).map_err(Failed::from)
            }
            Err(failed) => Err(failed),
        };
        if outcome.is_err() {
            // What cannot be cleared away costs room, and nothing else.
            let _cleared = self.in_time(0, upload.abort()).await;
        }
        outcome
    }

    /// Refuses to end an upload in parts when the object is not the one any more that it is to replace.
    async fn is_unchanged(&self, path: &ObjectPath, mode: &PutMode) -> object_store::Result<()> {
        let PutMode::Update(version) = mode else {
            return Ok(());
        };
        let found = self.in_time(0, self.shared.objects.head(path)).await?;
        if found.e_tag == version.e_tag {
            return Ok(());
        }
        Err(Error::Precondition {
            path: path.to_string(),
            source: "another node wrote it".into(),
        })
    }

    /// Says whether an object is what was to be uploaded.
    async fn compare(&self, path: &ObjectPath, body: &Body) -> Result<(), ArchiveError> {
        let expected = body.digest().await?;
        let get = self.shared.objects.get(path);
        let found = self.in_time(0, get).await.map_err(away)?;
        let mut hasher = blake3::Hasher::new();
        let mut chunks = found.into_stream();
        while let Some(chunk) = self.in_time(0, chunks.try_next()).await.map_err(away)? {
            hasher.update(&chunk);
        }
        if hasher.finalize() == expected {
            return Ok(());
        }
        Err(ArchiveError::Away {
            source: std::io::Error::other("an object of this name holds something else"),
        })
    }
}
