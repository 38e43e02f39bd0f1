//! Gathers what is appended to a pack and writes its whole blocks past the page cache.
//!
//! What arrives is rarely what is read next, and copying it into the page cache costs more than hashing it.
//! Blocks that are not whole go through the cache, so that no byte that was written before is written again.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::limits;

/// The file of a pack, open in both ways.
#[derive(Debug)]
pub(crate) struct PackFile {
    /// Through the page cache; holds the lock.
    file: File,
    /// Past the page cache, where the file system can.
    direct: Option<File>,
}

impl PackFile {
    pub(crate) fn new(file: File, path: &Path) -> Self {
        Self {
            file,
            direct: open_direct(path).ok(),
        }
    }

    pub(crate) fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Writes blocks that begin and end where blocks of the file do.
    fn write_blocks(&mut self, blocks: &[u8], offset_bytes: u64) -> io::Result<()> {
        if let Some(direct) = &self.direct
            && blocks.len() >= limits::DIRECT_BYTES
        {
            match direct.write_all_at(blocks, offset_bytes) {
                // The file system has other wishes for its blocks; what was written is written again.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.direct = None,
                outcome => return outcome,
            }
        }
        self.file.write_all_at(blocks, offset_bytes)
    }
}

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::DIRECT.bits().cast_signed();
    OpenOptions::new()
        .write(true)
        .custom_flags(flags)
        .open(path)
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Bytes of one file that are not written yet. Each lies in memory as far behind a block's begin as in the file.
#[derive(Debug, Default)]
pub(crate) struct Staging {
    /// Nothing before the first byte comes.
    memory: Vec<u8>,
    /// Where in the memory a block begins.
    begin: usize,
    /// Where in the file the block at `begin` lies.
    block_bytes: u64,
    /// Bytes behind `begin`: the first that is staged, and the first that is free.
    from: usize,
    to: usize,
}

impl Staging {
    fn make_memory(&mut self) {
        self.memory = vec![0; limits::STAGED_BYTES + limits::BLOCK_BYTES];
        let begin = self.memory.as_ptr().align_offset(limits::BLOCK_BYTES);
        // An allocation that cannot be aligned makes direct writes fail, and others not.
        self.begin = begin.min(limits::BLOCK_BYTES);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Stages bytes for a place in a file, behind what is staged for it; writes what finds no room.
    pub(crate) fn push(
        &mut self,
        file: &mut PackFile,
        mut bytes: &[u8],
        mut offset_bytes: u64,
    ) -> io::Result<()> {
        if self.memory.is_empty() {
            self.make_memory();
        }
        while !bytes.is_empty() {
            if self.is_empty() {
                let behind = offset_bytes % limits::BLOCK_BYTES as u64;
                self.block_bytes = offset_bytes - behind;
                self.from = behind as usize;
                self.to = self.from;
            }
            let count = bytes.len().min(limits::STAGED_BYTES - self.to);
            let (now, later) = bytes.split_at(count);
            let at = self.begin + self.to;
            let free = self.memory.get_mut(at..at + count).ok_or_else(outside)?;
            free.copy_from_slice(now);
            self.to += count;
            offset_bytes += count as u64;
            bytes = later;
            if self.to == limits::STAGED_BYTES {
                self.write(file)?;
            }
        }
        Ok(())
    }

    /// Writes what is staged.
    pub(crate) fn write(&mut self, file: &mut PackFile) -> io::Result<()> {
        let (from, to) = (self.from, self.to);
        self.from = 0;
        self.to = 0;
        let first = from.next_multiple_of(limits::BLOCK_BYTES).min(to);
        let last = (to - to % limits::BLOCK_BYTES).max(first);
        file.file
            .write_all_at(self.part(from, first), self.place(from))?;
        file.write_blocks(self.part(first, last), self.place(first))?;
        file.file
            .write_all_at(self.part(last, to), self.place(last))
    }

    fn part(&self, from: usize, to: usize) -> &[u8] {
        let part = self.memory.get(self.begin + from..self.begin + to);
        part.unwrap_or_default()
    }

    const fn place(&self, behind: usize) -> u64 {
        self.block_bytes + behind as u64
    }
}

fn outside() -> io::Error {
    io::Error::other("a place outside of what is staged")
}

#[cfg(test)]
mod tests {
    use super::{PackFile, Staging};
    use crate::limits;

    /// Appends pieces of these lengths, writing after each where it is marked, and compares the file.
    fn check(pieces: &[(usize, bool)]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pack");
        let created = std::fs::File::create_new(&path).unwrap();
        let mut file = PackFile::new(created, &path);
        let (mut staging, mut expected) = (Staging::default(), Vec::new());
        for (index, (length, write)) in pieces.iter().enumerate() {
            let piece: Vec<u8> = (0..*length).map(|at| (at * 7 + index + 1) as u8).collect();
            staging
                .push(&mut file, &piece, expected.len() as u64)
                .unwrap();
            expected.extend_from_slice(&piece);
            if *write {
                staging.write(&mut file).unwrap();
                assert!(staging.is_empty());
                assert_eq!(std::fs::read(&path).unwrap(), expected, "{pieces:?}");
            }
        }
        staging.write(&mut file).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), expected, "{pieces:?}");
    }

    #[test]
    fn every_byte_arrives_at_its_place() {
        const FULL: usize = limits::STAGED_BYTES;
        const BLOCK: usize = limits::BLOCK_BYTES;
        check(&[(0, true)]);
        check(&[(1, true), (1, true)]);
        check(&[(16, true), (BLOCK - 16, true), (FULL, true)]);
        check(&[(16, true), (FULL - 16, false), (1, true)]);
        check(&[(16, false), (FULL - 17, true), (BLOCK + 1, false)]);
        check(&[(16, true), (3 * FULL + 5, true), (3 * FULL, true)]);
        check(&[(BLOCK, true), (limits::DIRECT_BYTES, true), (5, true)]);
        let many: Vec<(usize, bool)> = (0..200)
            .map(|index| (index * 7919 % 300_000, index % 3 == 0))
            .collect();
        check(&many);
    }

    #[test]
    fn whole_blocks_go_past_the_cache_where_they_can() {
        // Beside the test's program: the folder for temporary files is often in memory, where nothing goes past anything.
        let program = std::env::current_exe().unwrap();
        let dir = tempfile::tempdir_in(program.parent().unwrap()).unwrap();
        let path = dir.path().join("pack");
        let created = std::fs::File::create_new(&path).unwrap();
        let mut file = PackFile::new(created, &path);
        if file.direct.is_none() {
            let missing = "the file system of the build has no direct writes";
            assert!(
                std::env::var_os("OVERREAD_TEST_DIRECT").is_none(),
                "{missing}"
            );
            eprintln!("{missing}; NOTHING WAS TRIED");
            return;
        }
        let mut staging = Staging::default();
        let bytes = vec![3; 2 * limits::STAGED_BYTES];
        staging.push(&mut file, &bytes, 0).unwrap();
        assert!(file.direct.is_some(), "the blocks were not aligned");
    }
}
