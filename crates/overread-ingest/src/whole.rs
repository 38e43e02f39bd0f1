//! Whether one stored instance still is what arrived.

use futures_util::StreamExt;
use overread_archive::Archive;
use overread_model::extent::{Digest, Extent};

/// Reads the bytes of an instance back and says whether they have the digest that its row holds.
pub async fn is_whole(archive: &Archive, extent: Extent, digest: Digest) -> bool {
    let mut hasher = blake3::Hasher::new();
    let mut pieces = std::pin::pin!(archive.stream(extent));
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(bytes) => hasher.update(&bytes),
            Err(_) => return false,
        };
    }
    Digest::new(*hasher.finalize().as_bytes()) == digest
}
