//! Packs in a bucket: what differs from packs on a disc.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use overread_archive::{
    Archive, ArchiveError, Directory, Extent, PackId, PackKey, S3Secret, S3Settings, Settled,
    limits,
};
use overread_testkit::gate::Gate;
use tempfile::TempDir;

/// What has not ended after this time never does.
const ENDS: Duration = Duration::from_secs(120);

/// Returns settings for a part of the bucket that nobody else uses.
pub(crate) fn settings(test: &str) -> Option<S3Settings> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    Some(S3Settings {
        endpoint: overread_testkit::s3::endpoint(test)?,
        region: "eu-central-1".to_owned(),
        bucket: overread_testkit::s3::BUCKET.to_owned(),
        prefix: format!("archive/{test}-{}-{number}", std::process::id()),
        access_key_id: "test".to_owned(),
        secret: S3Secret::new("secret of the test"),
        allow_http: true,
        cache_bytes: limits::CACHE_MIN_BYTES,
        patience: limits::PATIENCE,
    })
}

pub(crate) async fn house(test: &str) -> Option<(TempDir, Archive)> {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open_s3(dir.path(), &settings(test)?)
        .await
        .unwrap();
    Some((dir, archive))
}

/// An archive behind a gate.
async fn gated(test: &str) -> Option<(TempDir, Archive, Gate)> {
    gated_by(settings(test)?).await
}

async fn gated_by(mut settings: S3Settings) -> Option<(TempDir, Archive, Gate)> {
    let gate = Gate::to(settings.endpoint.strip_prefix("http://").unwrap()).unwrap();
    settings.endpoint = format!("http://{}", gate.address);
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open_s3(dir.path(), &settings).await.unwrap();
    Some((dir, archive, gate))
}

fn bytes_of(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// Stores a batch of one.
async fn store(archive: &Archive, bytes: &[u8]) -> Result<Extent, ArchiveError> {
    let (archive, bytes) = (archive.clone(), bytes.to_owned());
    let work = tokio::task::spawn_blocking(move || {
        let mut append = archive.begin();
        let extent = append.append(&PackKey::Mixed, &bytes)?;
        append.sync(&Directory::default())?;
        append.committed();
        Ok(extent)
    });
    work.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_batches_go_up_in_parts_and_come_down_whole() {
    let Some((dir, archive)) = house("large").await else {
        return;
    };
    let bytes = bytes_of(limits::GATHERED_BYTES + 12_345);
    let mut append = archive.begin();
    let first = append.append(&PackKey::Mixed, &[1; 99]).unwrap();
    let (extent, digest) = append
        .append_file(&PackKey::Mixed, &mut bytes.as_slice(), bytes.len() as u64)
        .unwrap();
    let lengths = append.sync(&Directory::default()).unwrap();
    append.committed();
    assert_eq!(first.pack_id, extent.pack_id);
    assert!(lengths[0].length_bytes > 16 + 99 + bytes.len() as u64);
    assert_eq!(
        std::fs::read_dir(dir.path().join("spool")).unwrap().count(),
        0
    );
    let chunks: Vec<_> = archive.stream(extent).try_collect().await.unwrap();
    assert!(chunks.concat() == bytes);
    assert_eq!(archive.digest_of(extent).await.unwrap(), digest);
    let tail = extent.length_bytes - 10..extent.length_bytes;
    assert_eq!(
        archive.read(extent, tail).await.unwrap(),
        bytes[bytes.len() - 10..]
    );
    // What the rows say beyond the end is damage, and not silently short.
    let beyond = Extent {
        length_bytes: lengths[0].length_bytes - extent.offset_bytes + 1,
        ..extent
    };
    let whole = archive.read(beyond, beyond.length_bytes - 9..beyond.length_bytes);
    assert!(matches!(whole.await, Err(ArchiveError::Read { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_twice() {
    let Some((_dir, archive, gate)) = gated("twice").await else {
        return;
    };
    let bytes = bytes_of(8 * 1024 * 1024);
    let extent = store(&archive, &bytes).await.unwrap();
    let frame = 512 * 1024;
    for round in 0..3 {
        let begun = gate.gets();
        let mut reads = tokio::task::JoinSet::new();
        for number in 0..16_u64 {
            let archive = archive.clone();
            let range = number * frame..(number + 1) * frame;
            if round == 2 {
                reads.spawn(async move { (range.clone(), archive.read(extent, range).await) });
                continue;
            }
            let read = archive.read(extent, range.clone()).await.unwrap();
            assert!(read == bytes[range.start as usize..range.end as usize]);
        }
        while let Some(read) = reads.join_next().await {
            let (range, read) = read.unwrap();
            assert!(read.unwrap() == bytes[range.start as usize..range.end as usize]);
        }
        let fetched = gate.gets() - begun;
        // Eight pieces and the rest behind them.
        assert!(
            if round == 0 {
                fetched == 9
            } else {
                fetched == 0
            },
            "{round}: {fetched}"
        );
    }
    // The proof asks the object store itself.
    let begun = gate.gets();
    archive.past_cache().read(extent, 0..frame).await.unwrap();
    assert_eq!(gate.gets() - begun, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_that_is_away_is_told_and_comes_back() {
    let Some((_dir, archive, gate)) = gated("away").await else {
        return;
    };
    let kept = store(&archive, b"kept").await.unwrap();
    gate.shut();
    let failed = store(&archive, b"not acknowledged").await;
    assert!(
        matches!(failed, Err(ArchiveError::Away { .. })),
        "{failed:?}"
    );
    let failed = archive.read(kept, 0..4).await;
    assert!(
        matches!(failed, Err(ArchiveError::Away { .. })),
        "{failed:?}"
    );
    gate.open();
    assert_eq!(archive.read(kept, 0..4).await.unwrap(), b"kept"[..]);
    let more = store(&archive, b"more").await.unwrap();
    assert_eq!(archive.read(more, 0..4).await.unwrap(), b"more"[..]);

    // An upload that the object store comes back for goes through by itself.
    gate.shut();
    let (waiting, before) = (archive.clone(), gate.turned_away());
    let late = tokio::spawn(async move { store(&waiting, b"late").await });
    while gate.turned_away() == before {
        assert!(!late.is_finished(), "it never asked");
        tokio::task::yield_now().await;
    }
    gate.open();
    let late = late.await.unwrap().unwrap();
    assert_eq!(archive.read(late, 0..4).await.unwrap(), b"late"[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_object_without_rows_is_left_to_whoever_writes_it() {
    let Some((_dir, archive)) = house("young").await else {
        return;
    };
    let extent = store(&archive, &[1; 100]).await.unwrap();
    let committed = |bytes| async move || Ok::<_, ArchiveError>(bytes);
    let length = archive.list_packs().await.unwrap()[0].length_bytes;
    let age = limits::UNCLAIMED_AGE;
    for (bytes, age, expected) in [
        (None, age, Settled::Busy),
        // Our own batch, of which we know that it failed.
        (None, Duration::ZERO, Settled::Unclaimed),
        (Some(length), age, Settled::Fine),
        (Some(length + 1), age, Settled::Short),
    ] {
        let settled = archive.settle(extent.pack_id, age, committed(bytes)).await;
        assert_eq!(settled.unwrap(), expected);
    }
    assert_eq!(archive.list_packs().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_refused_at_once() {
    let Some(good) = settings("settings") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let hidden = format!("{good:?}");
    assert!(!hidden.contains("secret of the test"), "{hidden}");
    let wrong = [
        S3Settings {
            bucket: String::new(),
            ..good.clone()
        },
        S3Settings {
            region: String::new(),
            ..good.clone()
        },
        S3Settings {
            allow_http: false,
            ..good.clone()
        },
        S3Settings {
            secret: S3Secret::default(),
            ..good.clone()
        },
        S3Settings {
            cache_bytes: 1,
            ..good.clone()
        },
        S3Settings {
            patience: Duration::ZERO,
            ..good.clone()
        },
    ];
    for settings in wrong {
        let refused = Archive::open_s3(dir.path(), &settings).await;
        assert!(matches!(refused, Err(ArchiveError::Settings { .. })));
    }
    let elsewhere = S3Settings {
        bucket: "no-such-bucket".to_owned(),
        ..good
    };
    let refused = Archive::open_s3(dir.path(), &elsewhere).await;
    assert!(
        matches!(refused, Err(ArchiveError::Away { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_move_there_and_back_unchanged() {
    let Some((_dir, bucket)) = house("moving").await else {
        return;
    };
    let (_first, disc) = super::house().await;
    let (_second, again) = super::house().await;
    let bytes = bytes_of(30_000_000);
    let extent = store(&disc, &bytes).await.unwrap();
    let length = disc.list_packs().await.unwrap()[0].length_bytes;
    let there = bucket
        .take_over(&disc, extent.pack_id, length)
        .await
        .unwrap();
    let back = again
        .take_over(&bucket, extent.pack_id, length)
        .await
        .unwrap();
    assert!(there == back && there.is_some_and(|taken| taken.is_whole()));
    for archive in [&bucket, &again] {
        let chunks: Vec<_> = archive.stream(extent).try_collect().await.unwrap();
        assert!(chunks.concat() == bytes);
        assert!(archive.header_is_good(extent.pack_id).await.unwrap());
    }
    // Of what is shorter than it should be comes what is there, and nothing of what is gone.
    for (from, to) in [(&disc, &bucket), (&bucket, &again)] {
        let short = to.take_over(from, extent.pack_id, length + 1).await;
        assert_eq!(short.unwrap().unwrap().short_bytes, 1);
        let gone = PackId::new(77).unwrap();
        assert_eq!(to.take_over(from, gone, 100).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_that_stalls_is_given_up_and_comes_back() {
    let Some(mut settings) = settings("stalls") else {
        return;
    };
    settings.patience = Duration::from_secs(1);
    let (_dir, archive, gate) = gated_by(settings).await.unwrap();
    let large = bytes_of(limits::MULTIPART_BYTES as usize + 1);
    let kept = store(&archive, &large).await.unwrap();
    // Without a word, and after half a word.
    for stall in [Gate::stall, Gate::stall_halfway] {
        stall(&gate);
        let past = archive.past_cache();
        let asked = async {
            tokio::join!(
                store(&archive, b"not acknowledged"),
                store(&archive, &large),
                past.read(kept, 0..4)
            )
        };
        let ended = tokio::time::timeout(ENDS, asked).await;
        let (small, parts, read) = ended.expect("everything is given up");
        for failed in [small.map(drop), parts.map(drop), read.map(drop)] {
            assert!(
                matches!(failed, Err(ArchiveError::Away { .. })),
                "{failed:?}"
            );
        }
        gate.open();
        assert_eq!(archive.read(kept, 0..4).await.unwrap(), large[..4]);
        let more = store(&archive, b"more").await.unwrap();
        assert_eq!(archive.read(more, 0..4).await.unwrap(), b"more"[..]);
    }
}

/// Stores two extents in one object and erases each by another node, again and again.
async fn erase_at_once(test: &str, length: usize, rounds: usize) {
    let Some(settings) = settings(test) else {
        return;
    };
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let one = Archive::open_s3(dirs[0].path(), &settings).await.unwrap();
    let other = Archive::open_s3(dirs[1].path(), &settings).await.unwrap();
    for _ in 0..rounds {
        let extent = store(&one, &bytes_of(length)).await.unwrap();
        let part = |number: u64| Extent {
            offset_bytes: extent.offset_bytes + number * 10,
            length_bytes: 10,
            ..extent
        };
        let erased = tokio::join!(
            one.erase(part(1)),
            other.erase(part(3)),
            one.erase(part(5)),
            other.erase(part(7))
        );
        assert!(
            [&erased.0, &erased.1, &erased.2, &erased.3]
                .iter()
                .all(|erased| erased.is_ok()),
            "{erased:?}"
        );
        let kept = one.past_cache().read(extent, 0..length as u64).await;
        let mut expected = bytes_of(length);
        for number in [1, 3, 5, 7] {
            expected[number * 10..number * 10 + 10].fill(0);
        }
        assert!(kept.unwrap() == expected, "what was erased came back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_erase_in_one_object_at_once() {
    erase_at_once("erasing", 100_000, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_erase_in_one_object_that_was_uploaded_in_parts() {
    let Some(settings) = settings("erasing-parts") else {
        return;
    };
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let one = Archive::open_s3(dirs[0].path(), &settings).await.unwrap();
    let other = Archive::open_s3(dirs[1].path(), &settings).await.unwrap();
    let length = limits::MULTIPART_BYTES as usize + 5;
    let extent = store(&one, &bytes_of(length)).await.unwrap();
    let mut expected = bytes_of(length);
    // One after the other, as the database gives them turns: the bucket of the tests looks at the condition before it has read
    // so long a body, and may let two of them through.
    for (number, node) in [(1, &one), (3, &other), (5, &one), (7, &other)] {
        let part = Extent {
            offset_bytes: extent.offset_bytes + number * 10,
            length_bytes: 10,
            ..extent
        };
        node.erase(part).await.unwrap();
        let begin = number as usize * 10;
        expected[begin..begin + 10].fill(0);
    }
    let kept = one.past_cache().read(extent, 0..length as u64).await;
    assert!(kept.unwrap() == expected, "what was erased came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_another_node_removes_does_not_come_back() {
    let Some(settings) = settings("removing") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let other = Archive::open_s3(dir.path(), &settings).await.unwrap();
    let (_dir, one, gate) = gated_by(settings).await.unwrap();
    for _ in 0..10 {
        let extent = store(&one, &bytes_of(100_000)).await.unwrap();
        // Removed between what the other reads and what it writes, most of the time.
        let before = gate.gets();
        let begun = Instant::now();
        let removing = async {
            while gate.gets() == before {
                assert!(begun.elapsed() < ENDS, "erasing reads nothing");
                tokio::task::yield_now().await;
            }
            other.remove(extent.pack_id).await
        };
        let (erased, removed) = tokio::join!(one.erase(extent), removing);
        removed.unwrap();
        let is_gone = match &erased {
            Ok(()) => true,
            Err(ArchiveError::Away { source }) => source.kind() == std::io::ErrorKind::NotFound,
            Err(_) => false,
        };
        assert!(is_gone, "{erased:?}");
        assert_eq!(one.list_packs().await.unwrap(), []);
    }
}
