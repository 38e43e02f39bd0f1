//! The file of a pack.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use overread_model::extent::PackId;

use crate::error::ArchiveError;
use crate::limits;

/// Every batch ends with a directory.
const MAGIC: &[u8; 8] = b"OVRPACK2";
/// No batch does.
const MAGIC_BEFORE: &[u8; 8] = b"OVRPACK1";

/// Makes the number of a new pack, which nobody outside can guess.
pub(crate) fn new_id() -> Result<PackId, ArchiveError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| ArchiveError::Random)?;
    Ok(PackId::from_random(random))
}

/// Returns the header of a pack: what it is and which.
pub(crate) fn header(pack_id: PackId) -> [u8; limits::PACK_HEADER_BYTES as usize] {
    header_of(MAGIC, pack_id)
}

/// Returns the header of a pack of the first form.
pub(crate) fn header_before(pack_id: PackId) -> [u8; limits::PACK_HEADER_BYTES as usize] {
    header_of(MAGIC_BEFORE, pack_id)
}

fn header_of(magic: &[u8; 8], pack_id: PackId) -> [u8; limits::PACK_HEADER_BYTES as usize] {
    let mut header = [0; limits::PACK_HEADER_BYTES as usize];
    for (slot, byte) in header
        .iter_mut()
        .zip(magic.iter().copied().chain(pack_id.get().to_be_bytes()))
    {
        *slot = byte;
    }
    header
}

/// Makes a pack with its header and locks it for this process; its name is durable when this returns.
///
/// The lock tells another process that a tail without rows is being written, and not left over.
pub(crate) fn create(path: &Path, pack_id: PackId) -> Result<File, ArchiveError> {
    let fail = |source| ArchiveError::Write { pack_id, source };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(fail)?;
    file.try_lock().map_err(|error| fail(error.into()))?;
    if file.metadata().map_err(fail)?.nlink() == 0 {
        // Another process settled the archive between the creation and the lock.
        return Err(fail(io::Error::from(io::ErrorKind::NotFound)));
    }
    file.write_all_at(&header(pack_id), 0).map_err(fail)?;
    match path.parent() {
        Some(folder) => sync_folder(folder)?,
        None => return Err(fail(io::Error::from(io::ErrorKind::NotFound))),
    }
    Ok(file)
}

/// Gives a file without a name the name of a pack, locked as in [`create`]; `None` where a file system cannot.
///
/// What it holds and its name are durable when this returns.
#[cfg(target_os = "linux")]
pub(crate) fn adopt(
    unnamed: &File,
    path: &Path,
    pack_id: PackId,
) -> Result<Option<File>, ArchiveError> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};

    let fail = |source| ArchiveError::Write { pack_id, source };
    // The lock is the file's, so that nobody finds it without.
    if unnamed.try_lock().is_err() {
        return Ok(None);
    }
    unnamed.write_all_at(&header(pack_id), 0).map_err(fail)?;
    // What has a name has a header, also after the power went.
    unnamed.sync_data().map_err(fail)?;
    let known = format!("/proc/self/fd/{}", unnamed.as_raw_fd());
    if linkat(CWD, known, CWD, path, AtFlags::SYMLINK_FOLLOW).is_err() {
        // On another file system than the packs, or not made without a name.
        return Ok(None);
    }
    path.parent().map_or(Ok(()), sync_folder)?;
    unnamed.try_clone().map(Some).map_err(fail)
}

/// Gives a file without a name the name of a pack; no other system can.
#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt(_: &File, _: &Path, _: PackId) -> Result<Option<File>, ArchiveError> {
    Ok(None)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), ArchiveError> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(|source| ArchiveError::Folder { source })
}
