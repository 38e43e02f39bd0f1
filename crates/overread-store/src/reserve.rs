//! Room beside a SQLite file that is kept for what must go on when its disc is full: who reads is put on record first, and
//! signing in and deleting are written, too. A file holds that room, and is removed while there is no other.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use crate::limits;

/// The reserve of one database file. Every program that works on it sees by the file whether it is given up.
#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
    /// Whether this program keeps it: one that only looks makes none.
    is_kept: AtomicBool,
    making: Mutex<()>,
}

/// Bytes of the disc that matter here.
struct Room {
    free: u64,
    /// How much the reserve takes of such a disc.
    reserve: u64,
}

impl Room {
    /// What is left beside the reserve when it counts as full.
    const fn floor(&self) -> u64 {
        self.reserve / limits::RESERVE_FLOORS
    }
}

impl Reserve {
    pub(crate) fn beside(database: &Path) -> Self {
        Self {
            path: database.with_extension("reserve"),
            is_kept: AtomicBool::new(false),
            making: Mutex::new(()),
        }
    }

    /// Begins to keep it. On a disc that is full it stays given up until there is room.
    pub fn keep(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
        self.make_again();
    }

    /// Says whether what is new may be stored: the reserve is there, and there is room beside it. Gives it up where there is none.
    pub fn has_room(&self) -> bool {
        // A disc that does not say how full it is refuses by itself.
        let Some(room) = self.room() else { return true };
        if !self.is_there(&room) {
            return !self.is_kept.load(Ordering::Relaxed);
        }
        if room.free < room.floor() {
            self.give_up();
            return false;
        }
        true
    }

    /// Removes the file, so that its room can be used. To be called where a disc turned out to be full, too, since one that
    /// gives each user a share does not say how much of it is left.
    pub fn give_up(&self) {
        // Gone already, or on a disc on which nothing can be changed.
        let _ = std::fs::remove_file(&self.path);
    }

    /// Makes it again where there is room for it, durably; waits for the disc.
    pub fn make_again(&self) {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(room) = self.room() else { return };
        // A little more, lest it is given up again at once.
        if !self.is_there(&room)
            && room.free >= room.reserve + 2 * room.floor()
            && self.make(room.reserve).is_err()
        {
            self.give_up();
        }
    }

    fn is_there(&self, room: &Room) -> bool {
        // A shorter one was not finished.
        std::fs::metadata(&self.path).is_ok_and(|file| file.len() >= room.reserve)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new("."))
    }

    fn room(&self) -> Option<Room> {
        let disc = statvfs(self.folder()).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disc.f_frsize);
        let share = bytes(disc.f_blocks) / limits::RESERVE_SHARE;
        Some(Room {
            free: bytes(disc.f_bavail),
            reserve: share.min(limits::RESERVE_BYTES),
        })
    }

    fn make(&self, bytes: u64) -> io::Result<()> {
        let mut file = File::create(&self.path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => fill(&mut file, bytes)?,
            allocated => allocated?,
        }
        file.sync_all()?;
        File::open(self.folder())?.sync_all()
    }
}

/// Writes what no file system makes smaller.
fn fill(file: &mut File, bytes: u64) -> io::Result<()> {
    let mut piece = vec![0; limits::RESERVE_PIECE_BYTES];
    let mut left = bytes as usize;
    while left > 0 {
        let part = piece.len().min(left);
        piece.truncate(part);
        getrandom::fill(&mut piece).map_err(|_| io::Error::other("no random numbers"))?;
        file.write_all(&piece)?;
        left -= part;
    }
    Ok(())
}
