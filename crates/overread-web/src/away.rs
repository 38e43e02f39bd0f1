//! Tells apart what is broken and what is only away: a database or an object store that does not answer comes back.

use overread_archive::ArchiveError;
use overread_ingest::IngestError;
use overread_store::StoreError;

/// Says whether one error of a chain means that the disc is full.
pub(crate) fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return error.is_full();
    }
    matches!(error.downcast_ref::<IngestError>(), Some(error) if error.is_full())
}

/// Says whether one error of a chain means that the database or the object store does not answer.
pub(crate) fn is_away(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return error.is_away();
    }
    if let Some(error) = error.downcast_ref::<IngestError>() {
        return error.is_away();
    }
    matches!(error.downcast_ref(), Some(ArchiveError::Away { .. }))
}
