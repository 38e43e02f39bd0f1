//! Brings what was just written into the page cache, once nothing more is being written: it is likely read next.
//!
//! Writing went past the cache, so the first reader would wait for the disc; reading ahead costs no copying.

use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use overread_model::extent::PackId;

use crate::disc::{Disc, Shared};
use crate::limits;

/// What was written lately and not brought back yet.
#[derive(Debug, Default)]
pub(crate) struct Warming {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The latest last.
    ranges: Vec<(PackId, Range<u64>)>,
    last_write: Option<Instant>,
    /// Somebody waits for quiet already.
    is_awaited: bool,
}

impl State {
    /// Notes a range behind what is known, and forgets the oldest beyond the limit.
    fn note(&mut self, pack_id: PackId, range: Range<u64>) {
        let behind = self
            .ranges
            .iter_mut()
            .find(|(known, before)| *known == pack_id && before.end == range.start);
        match behind {
            Some((_, before)) => before.end = range.end,
            None => self.ranges.push((pack_id, range)),
        }
        let mut bytes = 0;
        let kept = self.ranges.iter().rev().take_while(|(_, range)| {
            bytes += range.end - range.start;
            bytes <= limits::WARM_BYTES
        });
        let forgotten = self.ranges.len() - kept.count();
        self.ranges.drain(..forgotten);
        self.last_write = Some(Instant::now());
    }

    /// Gives out everything once nothing was written for a while.
    fn take_when_quiet(&mut self, now: Instant) -> Option<Vec<(PackId, Range<u64>)>> {
        let is_quiet = self
            .last_write
            .is_none_or(|last| now.saturating_duration_since(last) >= limits::QUIET);
        is_quiet.then(|| {
            self.is_awaited = false;
            std::mem::take(&mut self.ranges)
        })
    }
}

impl Disc {
    fn warming(&self) -> std::sync::MutexGuard<'_, State> {
        let state = self.shared.warming.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what was written, and waits for quiet beside everything else.
    pub(crate) fn warm_later(&self, written: impl Iterator<Item = (PackId, Range<u64>)>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let mut state = self.warming();
        for (pack_id, range) in written {
            state.note(pack_id, range);
        }
        if !std::mem::replace(&mut state.is_awaited, true) {
            runtime.spawn(warm_when_quiet(Arc::downgrade(&self.shared)));
        }
    }
}

/// Keeps nothing of the archive open while it waits.
async fn warm_when_quiet(archive: Weak<Shared>) {
    loop {
        tokio::time::sleep(limits::QUIET).await;
        let Some(shared) = archive.upgrade() else {
            return;
        };
        let archive = Disc { shared };
        let Some(ranges) = archive.warming().take_when_quiet(Instant::now()) else {
            continue;
        };
        let reading = tokio::task::spawn_blocking(move || {
            for (pack_id, range) in ranges {
                // A pack that cannot be opened any more needs no reader.
                if let Ok(file) = File::open(archive.path_of(pack_id)) {
                    read_ahead(&file, range);
                }
            }
        });
        let _ended = reading.await;
        return;
    }
}

/// Asks the system to read; what it does not do is read later.
#[cfg(target_os = "linux")]
fn read_ahead(file: &File, range: Range<u64>) {
    use rustix::fs::{Advice, fadvise};
    let length = std::num::NonZeroU64::new(range.end - range.start);
    let _ = fadvise(file, range.start, length, Advice::WillNeed);
}

#[cfg(not(target_os = "linux"))]
fn read_ahead(_file: &File, _range: Range<u64>) {}

#[cfg(test)]
mod tests {
    use overread_model::extent::PackId;

    use super::State;
    use crate::limits;

    #[test]
    fn the_latest_is_kept_and_neighbours_are_joined() {
        let pack = |id| PackId::new(id).unwrap();
        let mut state = State::default();
        state.note(pack(1), 0..10);
        state.note(pack(2), 0..5);
        state.note(pack(1), 10..30);
        assert_eq!(state.ranges, [(pack(1), 0..30), (pack(2), 0..5)]);
        state.note(pack(3), 0..limits::WARM_BYTES - 5);
        assert_eq!(state.ranges.len(), 2, "the oldest is forgotten");
        state.note(pack(4), 0..limits::WARM_BYTES + 1);
        assert!(state.ranges.is_empty(), "more than all is nothing");
        let written = state.last_write.unwrap();
        assert!(state.take_when_quiet(written).is_none());
        assert!(state.take_when_quiet(written + limits::QUIET).is_some());
    }
}
