//! One part of a request while it arrives: in memory as long as it is small and there is room, else in a file.
//!
//! Nothing is buffered before it was granted out of the one budget of the process for what arrives, and nobody waits
//! long for it: a sender that falls asleep keeps its share, the others are written to temporary files. A part that
//! outgrows its small share gets a large one when that is free at once. What is whole has a budget of its own, for which
//! one may wait, since no sender can hold it up.

use std::fs::File;
use std::io::SeekFrom;

use overread_model::extent::Digest;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;

use crate::buffers::{Lent, memory_for};
use crate::content::{self, BEFORE_BYTES, Held, Part};
use crate::session::Bench;
use crate::{Ingest, IngestError, limits};

/// A part that is whole; keeps its share of the memory, or of the temporary files, until it is stored.
#[derive(Debug)]
pub struct Received(pub(crate) Held);

/// A part on its way.
#[derive(Debug)]
pub struct Receiving {
    bench: Bench,
    place: Place,
    /// Of the first `digested_bytes`: digesting while the sender is still busy costs nobody time.
    digesting: Box<blake3::Hasher>,
    digested_bytes: usize,
}

#[derive(Debug)]
enum Place {
    Memory {
        bytes: Lent,
        room: OwnedSemaphorePermit,
    },
    File {
        file: tokio::fs::File,
        length_bytes: u64,
    },
}

impl Ingest {
    /// Makes room for one part.
    ///
    /// # Errors
    /// When there is neither memory nor a temporary file.
    pub async fn receive(&self) -> Result<Receiving, IngestError> {
        let bench = self.shared.bench.clone();
        bench.troubles.check_room()?;
        let place = match bench.room(limits::PART_IN_MEMORY_BYTES).await {
            Some(room) => Place::Memory {
                bytes: bench.buffers.lend(limits::PART_IN_MEMORY_BYTES),
                room,
            },
            None => Place::File {
                file: bench.troubles.hear(temporary(&bench).await, 0)?,
                length_bytes: 0,
            },
        };
        Ok(Receiving {
            bench,
            place,
            digesting: Box::default(),
            digested_bytes: 0,
        })
    }
}

impl Receiving {
    /// Adds what arrived.
    ///
    /// # Errors
    /// When the part is too long or the disc for temporary files is full.
    pub async fn push(&mut self, more: &[u8]) -> Result<(), IngestError> {
        let bytes = self.length_bytes() + more.len() as u64;
        let added = self.add(more).await;
        self.bench.troubles.hear(added, bytes)
    }

    async fn add(&mut self, more: &[u8]) -> Result<(), IngestError> {
        if let Place::Memory { bytes, room } = &mut self.place {
            let length_bytes = (bytes.bytes().len() + more.len()) as u64;
            if length_bytes > granted_bytes(room)
                && length_bytes <= limits::IN_MEMORY_BYTES
                && let Some(rest) = self
                    .bench
                    .more_room(limits::IN_MEMORY_BYTES - granted_bytes(room))
            {
                room.merge(rest);
                bytes.reserve(limits::IN_MEMORY_BYTES as usize - bytes.bytes().len());
            }
            if length_bytes <= granted_bytes(room) {
                bytes.extend(more);
                if bytes.bytes().len() - self.digested_bytes >= limits::DIGESTED_BYTES {
                    self.digest_rest();
                }
                return Ok(());
            }
            self.digest_rest();
        }
        self.digesting.update(more);
        if let Place::Memory { bytes, .. } = &self.place {
            let mut file = temporary(&self.bench).await?;
            let held = bytes.bytes();
            file.write_all(held).await.map_err(IngestError::Spool)?;
            let length_bytes = held.len() as u64;
            // The share of the memory goes back here.
            self.place = Place::File { file, length_bytes };
        }
        if let Place::File { file, length_bytes } = &mut self.place {
            *length_bytes += more.len() as u64;
            if *length_bytes > limits::ENTRY_BYTES {
                return Err(IngestError::PartTooLong);
            }
            self.bench.troubles.check_room()?;
            file.write_all(more).await.map_err(IngestError::Spool)?;
        }
        Ok(())
    }

    /// Digests what memory holds and was not digested yet.
    fn digest_rest(&mut self) {
        if let Place::Memory { bytes, .. } = &self.place {
            let rest = bytes.bytes().get(self.digested_bytes..);
            self.digesting.update(rest.unwrap_or_default());
            self.digested_bytes = bytes.bytes().len();
        }
    }

    /// Returns how many bytes came so far.
    pub fn length_bytes(&self) -> u64 {
        match &self.place {
            Place::Memory { bytes, .. } => bytes.bytes().len() as u64,
            Place::File { length_bytes, .. } => *length_bytes,
        }
    }

    /// Copies out what came so far, for a part that is no file by itself; more may come after it.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub async fn copy(&mut self) -> Result<Vec<u8>, IngestError> {
        match &mut self.place {
            Place::Memory { bytes, .. } => Ok(bytes.bytes().to_vec()),
            Place::File { file, length_bytes } => {
                let mut out = Vec::with_capacity(*length_bytes as usize);
                let begin = SeekFrom::Start(BEFORE_BYTES);
                file.seek(begin).await.map_err(IngestError::Spool)?;
                file.read_to_end(&mut out)
                    .await
                    .map_err(IngestError::Spool)?;
                Ok(out)
            }
        }
    }

    /// Ends the part.
    ///
    /// # Errors
    /// When the temporary file cannot be written, or the program is stopping.
    pub async fn finish(mut self) -> Result<Received, IngestError> {
        self.digest_rest();
        let digest = Some(Digest::new(*self.digesting.finalize().as_bytes()));
        match self.place {
            Place::Memory { bytes, room } => {
                let bytes = bytes.freeze();
                let permit = self.bench.keep(memory_for(bytes.len() as u64)).await?;
                drop(room);
                Ok(Received(Held {
                    part: Part::Memory(bytes),
                    digest,
                    _permit: Some(permit),
                }))
            }
            Place::File {
                mut file,
                length_bytes,
            } => {
                let flushed = file.flush().await.map_err(IngestError::Spool);
                self.bench.troubles.hear(flushed, length_bytes)?;
                let file = file.into_std().await;
                Ok(Received(Held {
                    part: Part::File {
                        file,
                        begin_bytes: BEFORE_BYTES,
                        length_bytes,
                    },
                    digest,
                    _permit: Some(self.bench.file_turn().await?),
                }))
            }
        }
    }
}

fn granted_bytes(room: &OwnedSemaphorePermit) -> u64 {
    room.num_permits() as u64 * 1024
}

async fn temporary(bench: &Bench) -> Result<tokio::fs::File, IngestError> {
    let folder = bench.spool.clone();
    tokio::task::spawn_blocking(move || content::temporary(&folder))
        .await
        .map_err(|_| IngestError::Interrupted)?
        .map(|file: File| tokio::fs::File::from_std(file))
        .map_err(IngestError::Spool)
}

#[cfg(test)]
mod tests {
    use overread_model::extent::Digest;

    use crate::content::Part;
    use crate::{Ingest, IngestError, Trouble, limits};

    async fn house() -> (tempfile::TempDir, Ingest) {
        let dir = tempfile::tempdir().unwrap();
        let store = overread_store::Store::open_sqlite(&dir.path().join("index.sqlite"))
            .await
            .unwrap();
        let archive = overread_archive::Archive::open(dir.path()).await.unwrap();
        let ingest = Ingest::open(store, archive).await.unwrap();
        (dir, ingest)
    }

    fn free_bytes(ingest: &Ingest) -> u64 {
        ingest.shared.bench.arriving.available_permits() as u64 * 1024
    }

    #[tokio::test]
    async fn one_long_part_stays_in_memory_and_the_others_leave_it() {
        let (_dir, ingest) = house().await;
        let mut sleeping = Vec::new();
        for _ in 0..24 {
            let mut part = ingest.receive().await.unwrap();
            for _ in 0..15 {
                part.push(&vec![7; 1024 * 1024]).await.unwrap();
            }
            sleeping.push(part);
        }
        assert_eq!(
            free_bytes(&ingest),
            limits::ARRIVING_BYTES - limits::IN_MEMORY_BYTES,
            "eight shares stay for others"
        );
        let whole = sleeping.pop().unwrap().finish().await.unwrap();
        assert!(
            matches!(whole.0.part, Part::File { length_bytes, .. } if length_bytes == 15 << 20)
        );
        let first = sleeping.swap_remove(0).finish().await.unwrap();
        assert!(matches!(&first.0.part, Part::Memory(bytes) if bytes.len() == 15 << 20));
        assert_eq!(free_bytes(&ingest), limits::ARRIVING_BYTES);
    }

    #[tokio::test]
    async fn a_temporary_file_that_cannot_be_written_is_told_to_who_watches() {
        let (dir, ingest) = house().await;
        assert_eq!(ingest.trouble().await, None);
        let spool = dir.path().join("spool");
        std::fs::remove_dir_all(&spool).unwrap();
        let mut part = ingest.receive().await.unwrap();
        let pushed = part
            .push(&vec![7; limits::IN_MEMORY_BYTES as usize + 1])
            .await;
        assert!(matches!(pushed, Err(IngestError::Spool(_))), "{pushed:?}");
        assert_eq!(ingest.trouble().await, Some(Trouble::Other));
    }

    #[tokio::test]
    async fn a_part_longer_than_any_share_leaves_the_memory_again() {
        let (_dir, ingest) = house().await;
        let mut part = ingest.receive().await.unwrap();
        for number in 0..17 {
            part.push(&vec![number; 1024 * 1024]).await.unwrap();
        }
        assert_eq!(free_bytes(&ingest), limits::ARRIVING_BYTES);
        let Part::File {
            file,
            begin_bytes,
            length_bytes,
        } = part.finish().await.unwrap().0.part
        else {
            panic!("it is longer than what may stay in memory");
        };
        assert_eq!(length_bytes, 17 << 20);
        let mut bytes = vec![0; 17 << 20];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, begin_bytes).unwrap();
        assert!(
            bytes
                .iter()
                .enumerate()
                .all(|(at, byte)| *byte as usize == at >> 20)
        );
    }

    #[tokio::test]
    async fn what_came_is_copied_out_of_memory_and_file() {
        let (_dir, ingest) = house().await;
        for megabytes in [1, 17] {
            let mut part = ingest.receive().await.unwrap();
            let mut expect = Vec::new();
            for number in 0..megabytes {
                expect.extend(vec![number; 1024 * 1024]);
                part.push(&vec![number; 1024 * 1024]).await.unwrap();
            }
            part.push(b"the end").await.unwrap();
            expect.extend(b"the end");
            assert_eq!(part.length_bytes(), expect.len() as u64);
            assert!(part.copy().await.unwrap() == expect);
            assert!(part.copy().await.unwrap() == expect);
            let digest = part.finish().await.unwrap().0.digest.unwrap();
            assert_eq!(digest, Digest::new(*blake3::hash(&expect).as_bytes()));
        }
    }

    #[tokio::test]
    async fn when_sleepers_hold_all_memory_others_use_files() {
        let (_dir, ingest) = house().await;
        let mut sleeping = Vec::new();
        for _ in 0..limits::ARRIVING_BYTES / limits::PART_IN_MEMORY_BYTES {
            let mut part = ingest.receive().await.unwrap();
            part.push(b"a start and then nothing").await.unwrap();
            sleeping.push(part);
        }
        assert_eq!(free_bytes(&ingest), 0);
        let mut part = ingest.receive().await.unwrap();
        part.push(&[1; 5000]).await.unwrap();
        let whole = part.finish().await.unwrap();
        assert!(whole.0.part.head().unwrap().iter().all(|byte| *byte == 1));
        assert!(matches!(
            whole.0.part,
            Part::File {
                length_bytes: 5000,
                ..
            }
        ));
        let one = sleeping.pop().unwrap().finish().await.unwrap();
        assert_eq!(free_bytes(&ingest), limits::PART_IN_MEMORY_BYTES);
        assert_eq!(
            ingest.shared.bench.whole.available_permits() as u64,
            limits::BUDGET_BYTES / 1024 - 1
        );
        drop((sleeping, one));
        assert_eq!(free_bytes(&ingest), limits::ARRIVING_BYTES);
    }
}
