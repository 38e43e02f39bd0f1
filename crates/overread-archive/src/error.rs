//! The one way in which the archive fails.

use std::io;

use overread_model::extent::PackId;

/// Says why bytes could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The folders of the archive cannot be used.
    #[error("the folder of the archive cannot be used")]
    Folder {
        /// What the operating system said.
        source: io::Error,
    },
    /// A pack cannot be written: the disc is full or broken.
    #[error("pack {pack_id} cannot be written")]
    Write {
        /// Which pack.
        pack_id: PackId,
        /// What the operating system said.
        source: io::Error,
    },
    /// A pack cannot be read, is missing or ends early.
    #[error("pack {pack_id} cannot be read")]
    Read {
        /// Which pack.
        pack_id: PackId,
        /// What the operating system said.
        source: io::Error,
    },
    /// The bytes asked for are known to have changed since they were stored.
    #[error("bytes of pack {pack_id} are damaged, and not given out")]
    Damaged {
        /// Which pack.
        pack_id: PackId,
    },
    /// The object store is away, or refuses; the pack is neither lost nor damaged by that.
    #[error("the object store does not answer as it should")]
    Away {
        /// What it said, or what became of asking it.
        source: io::Error,
    },
    /// Another node wrote an object anew while we did; ours is not there.
    #[error("another node wrote the object meanwhile")]
    Overtaken,
    /// The settings of the object store cannot be used.
    #[error("the settings of the object store cannot be used: {reason}")]
    Settings {
        /// What is wrong with them.
        reason: String,
    },
    /// A range was asked for that lies outside what it is a range of.
    #[error("the range asked for is outside of the file")]
    Range,
    /// A file that was to be copied in cannot be read.
    #[error("the file to be stored cannot be read")]
    Source {
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("no random numbers are available")]
    Random,
    /// The program is stopping.
    #[error("the work was interrupted")]
    Interrupted,
}
