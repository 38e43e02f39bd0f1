//! Packs are written, synced, read and brought in line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may say so by a panic"
)]

use futures_util::TryStreamExt;
use overread_archive::{
    Archive, ArchiveError, Directory, Extent, PackAppend, PackKey, Settled, limits,
};
use tempfile::TempDir;

mod directories;
mod s3;

async fn house() -> (TempDir, Archive) {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path()).await.unwrap();
    (dir, archive)
}

/// A fresh archive on a disc, and one in a bucket when an object store is offered.
async fn houses(test: &str) -> Vec<(TempDir, Archive)> {
    let mut houses = vec![house().await];
    houses.extend(s3::house(test).await);
    houses
}

fn series(number: u32) -> PackKey {
    PackKey::Series(format!("1.2.{number}"))
}

fn put(append: &mut PackAppend, key: &PackKey, bytes: &[u8]) -> Extent {
    append.append(key, bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_is_read_back() {
    for (_dir, archive) in houses("what_is_appended_is_read_back").await {
        check_what_is_appended_is_read_back(archive).await;
    }
}

async fn check_what_is_appended_is_read_back(archive: Archive) {
    let mut extents = Vec::new();
    for round in 0..3_u8 {
        let mut append = archive.begin();
        for number in 0..4 {
            let bytes = vec![round * 10 + number; 1000 + usize::from(number)];
            extents.push((
                put(&mut append, &series(u32::from(number % 2)), &bytes),
                bytes,
            ));
        }
        // A pack for each key, or an object for each batch.
        let is_disc = archive.kind() == "disc";
        assert_eq!(
            append.sync(&Directory::default()).unwrap().len(),
            if is_disc { 2 } else { 1 }
        );
        append.committed();
    }
    let packs = archive.list_packs().await.unwrap();
    assert_eq!(packs.len(), if archive.kind() == "disc" { 2 } else { 3 });
    for (extent, bytes) in &extents {
        assert_eq!(
            archive.read(*extent, 0..extent.length_bytes).await.unwrap(),
            bytes
        );
        assert_eq!(archive.read(*extent, 10..20).await.unwrap(), bytes[10..20]);
        assert!(archive.header_is_good(extent.pack_id).await.unwrap());
    }
    let (extent, _) = &extents[0];
    assert!(matches!(
        archive.read(*extent, 0..extent.length_bytes + 1).await,
        Err(ArchiveError::Range)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_give_every_byte_once() {
    for (_dir, archive) in houses("streams_give_every_byte_once").await {
        check_streams_give_every_byte_once(archive).await;
    }
}

async fn check_streams_give_every_byte_once(archive: Archive) {
    let bytes: Vec<u8> = (0..limits::STREAM_CHUNK_BYTES * 2 + 77)
        .map(|byte| (byte % 251) as u8)
        .collect();
    let mut append = archive.begin();
    let extent = put(&mut append, &PackKey::Mixed, &bytes);
    let empty = put(&mut append, &PackKey::Mixed, &[]);
    append.sync(&Directory::default()).unwrap();
    append.committed();
    let chunks: Vec<_> = archive.stream(extent).try_collect().await.unwrap();
    assert_eq!(chunks.concat(), bytes);
    assert_eq!(
        archive
            .stream(empty)
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
            .len(),
        0
    );
}

const AGE: std::time::Duration = limits::UNCLAIMED_AGE;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_not_committed_is_written_no_further() {
    let (_dir, archive) = house().await;
    let mut append = archive.begin();
    let lost = put(&mut append, &series(1), b"lost");
    append.sync(&Directory::default()).unwrap();
    drop(append);
    let mut append = archive.begin();
    let kept = put(&mut append, &series(1), b"kept");
    let lengths = append.sync(&Directory::default()).unwrap();
    append.committed();
    assert_ne!(lost.pack_id, kept.pack_id);
    let none = async || Ok::<_, ArchiveError>(None);
    assert_eq!(
        archive.settle(lost.pack_id, AGE, none).await.unwrap(),
        Settled::Unclaimed
    );
    // The kept pack is open for writing and so left alone.
    assert_eq!(
        archive.settle(kept.pack_id, AGE, none).await.unwrap(),
        Settled::Busy
    );
    let _ = lengths;
}

#[tokio::test(flavor = "multi_thread")]
async fn tails_are_kept_and_short_packs_told() {
    let (dir, archive) = house().await;
    let mut append = archive.begin();
    let extent = put(&mut append, &series(1), &[1; 100]);
    append.sync(&Directory::default()).unwrap();
    append.committed();
    drop(archive);
    let archive = Archive::open(dir.path()).await.unwrap();
    let committed = |bytes| async move || Ok::<_, ArchiveError>(Some(bytes));
    let length = archive.list_packs().await.unwrap()[0].length_bytes;
    let header = limits::PACK_HEADER_BYTES;
    assert_eq!(
        archive
            .settle(extent.pack_id, AGE, committed(header + 60))
            .await
            .unwrap(),
        Settled::Unclaimed
    );
    assert_eq!(archive.list_packs().await.unwrap()[0].length_bytes, length);
    assert_eq!(
        archive
            .settle(extent.pack_id, AGE, committed(length + 1))
            .await
            .unwrap(),
        Settled::Short
    );
}

/// Gives some bytes and then fails, as a broken disc does.
struct Breaking(&'static [u8]);

impl std::io::Read for Breaking {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer) {
            Ok(0) => Err(std::io::Error::other("the disc is broken")),
            other => other,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_copy_left_is_told() {
    for (_dir, archive) in houses("what_a_failed_copy_left_is_told").await {
        check_what_a_failed_copy_left_is_told(archive).await;
    }
}

async fn check_what_a_failed_copy_left_is_told(archive: Archive) {
    let mut append = archive.begin();
    let first = put(&mut append, &series(1), &[1; 100]);
    for (bytes, length) in [(&[2; 30][..], 31), (&[2; 30][..], 30)] {
        let copied = append.append_file(&series(1), &mut Breaking(bytes), length);
        assert!(matches!(copied, Err(ArchiveError::Source { .. })));
    }
    let next = put(&mut append, &series(1), &[3; 10]);
    let left: u64 = append.wasted().iter().map(|gap| gap.length_bytes).sum();
    assert_eq!(left, 60);
    assert_eq!(next.offset_bytes, first.offset_bytes + 100 + left);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_copied_in_with_their_digest() {
    for (_dir, archive) in houses("files_are_copied_in_with_their_digest").await {
        check_files_are_copied_in_with_their_digest(archive).await;
    }
}

async fn check_files_are_copied_in_with_their_digest(archive: Archive) {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|byte| (byte % 253) as u8).collect();
    let mut append = archive.begin();
    let (extent, digest) = append
        .append_file(&series(1), &mut bytes.as_slice(), bytes.len() as u64)
        .unwrap();
    assert_eq!(digest.as_bytes(), blake3::hash(&bytes).as_bytes());
    assert!(
        append
            .append_file(&series(1), &mut &bytes[..10], 11)
            .is_err()
    );
    assert_eq!(
        append.wasted(),
        [Extent {
            length_bytes: 10,
            offset_bytes: extent.offset_bytes + bytes.len() as u64,
            ..extent
        }]
    );
    append.sync(&Directory::default()).unwrap();
    append.committed();
    assert_eq!(
        archive.read(extent, 0..extent.length_bytes).await.unwrap(),
        bytes
    );
    archive
        .erase(Extent {
            length_bytes: 1_500_000,
            ..extent
        })
        .await
        .unwrap();
    let after = archive.read(extent, 0..extent.length_bytes).await.unwrap();
    assert!(after[..1_500_000].iter().all(|byte| *byte == 0));
    assert_eq!(after[1_500_000..], bytes[1_500_000..]);
    archive.remove(extent.pack_id).await.unwrap();
    assert!(archive.read(extent, 0..1).await.is_err());
}
