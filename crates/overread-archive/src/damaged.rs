//! Extents that are known to be damaged: nobody is given their bytes as if they were what was stored.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use overread_model::extent::{Extent, PackId};

use crate::Archive;
use crate::error::ArchiveError;

/// What is known; a clone is another handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Damaged {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Asked first, since mostly there is nothing.
    is_any: AtomicBool,
    /// Where extents begin.
    places: RwLock<HashSet<(PackId, u64)>>,
}

impl Damaged {
    /// Refuses an extent that is known to be damaged.
    pub(crate) fn check(&self, extent: Extent) -> Result<(), ArchiveError> {
        if !self.inner.is_any.load(Ordering::Relaxed) {
            return Ok(());
        }
        let places = self.inner.places.read();
        let places = places.unwrap_or_else(PoisonError::into_inner);
        if places.contains(&(extent.pack_id, extent.offset_bytes)) {
            return Err(ArchiveError::Damaged {
                pack_id: extent.pack_id,
            });
        }
        Ok(())
    }
}

impl Archive {
    /// Gives out nothing of the extents that begin here, and again of all others. Who proves the archive reads them all the
    /// same, by [`Archive::past_cache`].
    pub fn shun(&self, places: HashSet<(PackId, u64)>) {
        let inner = &self.damaged.inner;
        let mut known = inner.places.write().unwrap_or_else(PoisonError::into_inner);
        inner.is_any.store(!places.is_empty(), Ordering::Relaxed);
        *known = places;
    }

    /// Says whether nothing of an extent is given out since it is damaged.
    pub fn is_shunned(&self, extent: Extent) -> bool {
        self.damaged.check(extent).is_err()
    }
}
