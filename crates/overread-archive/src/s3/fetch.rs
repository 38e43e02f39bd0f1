//! Reads objects by pieces, each fetched once, kept in the cache of this node, and the next ones ahead of who reads on.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{Error, GetOptions, ObjectStore};
use overread_model::extent::{Extent, PackId};

use super::{Bucket, away};
use crate::error::ArchiveError;
use crate::limits;
use crate::read::length_of;

/// A piece of an object: which object, and how many pieces lie before it.
pub(super) type Piece = (PackId, u64);

/// The pieces that are being fetched, and who reads on.
#[derive(Debug, Default)]
pub(super) struct Flights {
    /// Whoever wants a piece waits for whoever fetches it.
    underway: Mutex<HashMap<Piece, Arc<tokio::sync::Mutex<()>>>>,
    watched: Mutex<HashMap<PackId, Watched>>,
}

/// What is known of a pack that is being read.
#[derive(Debug, Default, Clone, Copy)]
struct Watched {
    /// The piece that was read last.
    last: Option<u64>,
    /// Pieces of the object, once the object store has told its length.
    count: u64,
}

impl Flights {
    fn underway(&self) -> MutexGuard<'_, HashMap<Piece, Arc<tokio::sync::Mutex<()>>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, piece: Piece) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.underway().entry(piece).or_default())
    }

    fn ended(&self, piece: Piece) {
        self.underway().remove(&piece);
    }

    fn watched<T>(&self, pack_id: PackId, look: impl FnOnce(&mut Watched) -> T) -> T {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.len() >= limits::WATCHED_PACKS && !watched.contains_key(&pack_id) {
            watched.clear();
        }
        look(watched.entry(pack_id).or_default())
    }

    fn has_length(&self, pack_id: PackId, length_bytes: u64) {
        self.watched(pack_id, |watched| {
            watched.count = length_bytes.div_ceil(limits::FETCH_BYTES);
        });
    }

    /// Notes what is read, and returns what will be read next when it follows what was read before.
    fn next_ones(&self, (pack_id, index): Piece) -> Range<u64> {
        self.watched(pack_id, |watched| {
            let before = watched.last.replace(index);
            let next = index.saturating_add(1);
            if before.is_some_and(|before| before.checked_add(1) == Some(index)) {
                next..watched.count.min(next.saturating_add(limits::PIECES_AHEAD))
            } else {
                0..0
            }
        })
    }
}

impl Bucket {
    /// Reads a range of an extent into memory; `within` counts from the extent's start.
    pub(crate) async fn read(
        &self,
        extent: Extent,
        within: Range<u64>,
    ) -> Result<Bytes, ArchiveError> {
        let length = length_of(extent, &within)?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let pack_id = extent.pack_id;
        let start = extent.offset_bytes.saturating_add(within.start);
        let range = start..start.saturating_add(length);
        if self.is_past_cache {
            let bytes = self.fetch(pack_id, range).await?;
            return whole(pack_id, bytes, length);
        }
        let first = range.start / limits::FETCH_BYTES;
        let last = (range.end - 1) / limits::FETCH_BYTES;
        let mut pieces = stream::iter(first..=last)
            .map(|index| async move { Ok((index, self.piece((pack_id, index)).await?)) })
            .buffered(limits::PIECES_AT_ONCE);
        let mut gathered = BytesMut::new();
        while let Some((index, piece)) = pieces.try_next().await? {
            let place = index * limits::FETCH_BYTES;
            let from = range.start.saturating_sub(place) as usize;
            let to = (range.end - place).min(piece.len() as u64) as usize;
            let part = piece.slice(from.min(to)..to);
            if first == last {
                return whole(pack_id, part, length);
            }
            gathered.extend_from_slice(&part);
        }
        whole(pack_id, gathered.freeze(), length)
    }

    /// Returns a piece, and begins to fetch the next ones for who reads on.
    async fn piece(&self, piece: Piece) -> Result<Bytes, ArchiveError> {
        let bytes = self.kept_or_fetched(piece).await?;
        let (pack_id, _) = piece;
        for index in self.shared.flights.next_ones(piece) {
            let piece = (pack_id, index);
            if self.shared.cache.knows(piece) {
                continue;
            }
            let Ok(permit) = Arc::clone(&self.shared.ahead).try_acquire_owned() else {
                break;
            };
            let bucket = self.clone();
            self.shared.runtime.spawn(async move {
                // Whoever needs the piece hears of a fault.
                let _fetched = bucket.kept_or_fetched(piece).await;
                drop(permit);
            });
        }
        Ok(bytes)
    }

    async fn kept_or_fetched(&self, piece: Piece) -> Result<Bytes, ArchiveError> {
        let cache = &self.shared.cache;
        if let Some(bytes) = cache.hot(piece) {
            return Ok(bytes);
        }
        let flight = self.shared.flights.of(piece);
        let _alone = flight.lock().await;
        let known = match cache.hot(piece) {
            Some(bytes) => Some(bytes),
            None => cache.read(piece).await,
        };
        let outcome = match known {
            Some(bytes) => Ok(bytes),
            None => {
                let begun = cache.generation();
                let (pack_id, index) = piece;
                let start = index.saturating_mul(limits::FETCH_BYTES);
                let fetched = self
                    .fetch(pack_id, start..start.saturating_add(limits::FETCH_BYTES))
                    .await;
                if let Ok(bytes) = &fetched {
                    cache.keep(piece, bytes.clone(), begun).await;
                }
                fetched
            }
        };
        self.shared.flights.ended(piece);
        outcome
    }

    /// Asks the object store for a range; it may be shorter where the object ends.
    async fn fetch(&self, pack_id: PackId, range: Range<u64>) -> Result<Bytes, ArchiveError> {
        let length = range.end - range.start;
        let options = GetOptions::new().with_range(Some(range));
        let got = async {
            let path = self.path_of(pack_id);
            let got = self.shared.objects.get_opts(&path, options).await?;
            self.shared.flights.has_length(pack_id, got.meta.size);
            got.bytes().await
        };
        self.in_time(length, got)
            .await
            .map_err(|error| match error {
                Error::NotFound { .. } => ArchiveError::Read {
                    pack_id,
                    source: io::ErrorKind::NotFound.into(),
                },
                error => away(error),
            })
    }
}

/// A pack that ends early is damaged.
fn whole(pack_id: PackId, bytes: Bytes, length: u64) -> Result<Bytes, ArchiveError> {
    if bytes.len() as u64 == length {
        return Ok(bytes);
    }
    Err(ArchiveError::Read {
        pack_id,
        source: io::ErrorKind::UnexpectedEof.into(),
    })
}
