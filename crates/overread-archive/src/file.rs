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

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), ArchiveError> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(|source| ArchiveError::Folder { source })
}
