//! The one way in which taking in a delivery fails as a whole.

use overread_archive::ArchiveError;
use overread_store::StoreError;

use crate::trouble::Trouble;

/// What every door says when the disc is full; as short as an Error Comment (0000,0902) must be.
pub const DISC_FULL: &str = "the server's disc is full: its administrator must make room";

/// Says why a delivery could not be stored. What is wrong with its files is no error but a problem in the receipt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The index failed.
    #[error("the index of the archive failed")]
    Store(#[source] StoreError),
    /// The archive failed.
    #[error("the archive failed")]
    Archive(#[source] ArchiveError),
    /// What was sent broke off.
    #[error("the delivery broke off while it arrived; send it again")]
    Body(#[source] std::io::Error),
    /// A temporary file could not be written.
    #[error("the disc for temporary files is full or broken")]
    Spool(#[source] std::io::Error),
    /// A request has more than [`STOW_PARTS`](crate::limits::STOW_PARTS) parts.
    #[error("the request has too many parts")]
    TooManyParts,
    /// More than [`STOW_UNUSABLE_PARTS`](crate::limits::STOW_UNUSABLE_PARTS) parts of a request are no instances.
    #[error("too many parts of the request are no DICOM instances")]
    TooManyUnusable,
    /// A part is longer than [`ENTRY_BYTES`](crate::limits::ENTRY_BYTES).
    #[error("a part of the request is too long")]
    PartTooLong,
    /// The committer could not store a batch; its log line says why.
    #[error("the archive could not store what arrived")]
    NotStored,
    /// The disc is full: what room is left is kept for reading.
    #[error("{DISC_FULL}")]
    Full,
    /// The program is stopping.
    #[error("the work was interrupted")]
    Interrupted,
}

impl IngestError {
    /// Says whether the rest of a request was left unread for what it was: nobody knows what its sender did not get in.
    pub(crate) const fn leaves_unread(&self) -> bool {
        matches!(
            self,
            Self::TooManyParts | Self::TooManyUnusable | Self::PartTooLong
        )
    }

    /// Says whether it failed since a disc is full.
    pub fn is_full(&self) -> bool {
        Trouble::of(self) == Trouble::Full
    }

    /// Says whether the database or the object store is away: the same may work later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Store(error) => error.is_away(),
            Self::Archive(error) => matches!(error, ArchiveError::Away { .. }),
            Self::NotStored | Self::Full => true,
            _ => false,
        }
    }
}

impl From<StoreError> for IngestError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ArchiveError> for IngestError {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}
