//! Reading of instances, in which what inflating takes is counted before it begins: a small file can become a large data set.

use std::io::{Read, Seek};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use overread_dicom::{DicomProblem, ParseLimits, Parsed};

use crate::{IngestError, limits};

/// Memory for inflating, of the whole process.
static ROOM: Room = Room::new(limits::INFLATING_BYTES);

/// The turn to wait for it, of those that give no thread for that: one thread waits for all of them.
static WAITING: LazyLock<Arc<tokio::sync::Mutex<()>>> = LazyLock::new(Arc::default);

/// Memory to inflate in; free again when dropped.
pub struct RoomToInflate(#[expect(dead_code, reason = "held until dropped")] Taken<'static>);

/// Waits for memory to inflate what follows in a file of so many bytes. Whoever has it waits for nobody who may want it too.
///
/// # Errors
/// The program is shutting down.
pub async fn room_to_inflate(length_bytes: u64) -> Result<RoomToInflate, IngestError> {
    let bytes = overread_dicom::inflating_bytes_of_length(length_bytes, &ParseLimits::default());
    let turn = Arc::clone(&WAITING).lock_owned().await;
    let taken = tokio::task::spawn_blocking(move || {
        let taken = ROOM.take(bytes);
        drop(turn);
        taken
    });
    let taken = taken.await.map_err(|_| IngestError::Interrupted)?;
    Ok(RoomToInflate(taken))
}

/// Says whether reading these may have to wait for memory.
pub(crate) fn waits(bytes: &[u8]) -> bool {
    overread_dicom::inflating_bytes(bytes, &ParseLimits::default()).is_some()
}

/// As [`overread_dicom::parse_instance`], once there is memory to inflate in. Blocks.
pub(crate) fn parse_instance(bytes: &[u8], limits: &ParseLimits) -> Result<Parsed, DicomProblem> {
    let wanted = overread_dicom::inflating_bytes(bytes, limits);
    let _taken = wanted.map(|bytes| ROOM.take(bytes));
    overread_dicom::parse_instance(bytes, limits)
}

/// As [`overread_dicom::parse_reader`], once there is memory to inflate in. Blocks.
pub(crate) fn parse_reader<R: Read + Seek>(
    mut reader: R,
    length_bytes: u64,
    limits: &ParseLimits,
) -> Result<Parsed, DicomProblem> {
    let wanted = overread_dicom::inflating_bytes_of_reader(&mut reader, length_bytes, limits);
    let _taken = wanted.map(|bytes| ROOM.take(bytes));
    overread_dicom::parse_reader(reader, length_bytes, limits)
}

/// Bytes that are taken in the order in which they were asked for, so that a large one is not kept waiting by small ones.
struct Room {
    all_bytes: u64,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    free_bytes: u64,
    next: u64,
    served: u64,
}

struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Room {
    const fn new(all_bytes: u64) -> Self {
        Self {
            all_bytes,
            state: Mutex::new(State {
                free_bytes: all_bytes,
                next: 0,
                served: 0,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so many bytes; never for more than there are.
    fn take(&self, bytes: u64) -> Taken<'_> {
        let bytes = bytes.min(self.all_bytes);
        let mut state = self.state();
        let own = state.next;
        state.next += 1;
        while state.served != own || state.free_bytes < bytes {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.served += 1;
        state.free_bytes -= bytes;
        drop(state);
        self.changed.notify_all();
        Taken { room: self, bytes }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.room.state().free_bytes += self.bytes;
        self.room.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a failed test may say so by a panic"
    )]
    use std::io::{Cursor, Write};
    use std::thread::{self, yield_now};
    use std::time::{Duration, Instant};

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use overread_dicom::{ContentKind, ParseLimits, data_set_start};
    use overread_testkit::dicom::InstanceSpec;

    use super::{ROOM, parse_reader};
    use crate::content::{Held, Part};
    use crate::limits::INFLATING_BYTES;
    use crate::prepare::{Prepared, prepare};

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let (start, _) = data_set_start(plain).unwrap();
        let mut file = vec![0; 128];
        // PS3.10 7.1: (0002,0010) alone, Deflated Explicit VR Little Endian.
        file.extend(b"DICM\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99");
        let mut encoder = DeflateEncoder::new(file, Compression::default());
        encoder.write_all(&plain[start as usize..]).unwrap();
        encoder.finish().unwrap()
    }

    /// Waits until so many ask for memory.
    fn wait_for_askers(count: u64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let state = ROOM.state();
            if state.next - state.served == count {
                return;
            }
            drop(state);
            assert!(Instant::now() < deadline, "nobody asks for memory");
            yield_now();
        }
    }

    #[test]
    fn inflating_waits_for_its_memory_and_nothing_else_does() {
        let plain = InstanceSpec::mr(1, 1, 1).part10().unwrap();
        let packed = deflated(&plain);
        let read = |bytes: &[u8]| {
            let held = Held {
                part: Part::Memory(bytes.to_vec().into()),
                digest: None,
                _permit: None,
            };
            prepare(held, ContentKind::Part10)
        };
        let taken = ROOM.take(INFLATING_BYTES);
        assert!(matches!(read(&plain), Prepared::Instance(_)));
        thread::scope(|scope| {
            let whole = scope.spawn(|| matches!(read(&packed), Prepared::Instance(_)));
            let streamed = scope.spawn(|| {
                let length_bytes = packed.len() as u64;
                parse_reader(Cursor::new(&packed), length_bytes, &ParseLimits::default()).is_ok()
            });
            wait_for_askers(2);
            assert!(!whole.is_finished() && !streamed.is_finished());
            drop(taken);
            assert!(whole.join().unwrap() && streamed.join().unwrap());
        });
        assert_eq!(ROOM.state().free_bytes, INFLATING_BYTES);
    }
}
