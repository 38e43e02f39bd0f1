//! kill -9 at any moment: what was acknowledged is there, what was erased stays erased, nothing half-written is visible,
//! everything is proven.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use overread_ingest::{DeliverySource, Stowed};
use overread_store::access::Reach;
use overread_store::studies::{self, InstanceFilter, Page};
use overread_testkit::disc::{DiscFile, zip_of};

use crate::house::{House, NOW, mr, open, options, part10, place_with_new_database};

const FOLDER: &str = "OVERREAD_CRASH_TEST_FOLDER";
const ROUND: &str = "OVERREAD_CRASH_TEST_ROUND";
const REBUILD: &str = "OVERREAD_CRASH_TEST_REBUILD";
const ROUNDS: u64 = 20;
/// Fewer on PostgreSQL and a bucket, where each proof takes longer.
const SHARED_ROUNDS: u64 = 6;

/// Runs only when started by the test below: stores without end and tells what was acknowledged.
#[allow(
    clippy::disallowed_methods,
    reason = "the parent tells the child its folder this way"
)]
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) else {
        return;
    };
    let round: u64 = round.parse().unwrap();
    let dir = tempfile::Builder::new()
        .disable_cleanup(true)
        .tempdir()
        .unwrap();
    let house = House {
        dir,
        ingest: open(folder.as_ref()).await,
    };
    let mut lanes = tokio::task::JoinSet::new();
    let house = std::sync::Arc::new(house);
    let erasing = std::sync::Arc::clone(&house);
    lanes.spawn(async move {
        for step in 1_u64.. {
            erase_one(&erasing, round * 1_000_000 + step).await;
        }
    });
    for lane in 0..3_u64 {
        let house = std::sync::Arc::clone(&house);
        lanes.spawn(async move {
            for step in 0_u64.. {
                let specs: Vec<_> = (0..4)
                    .map(|part| mr(round * 10 + lane, 1 + step % 3, step * 4 + part))
                    .collect();
                if lane == 0 {
                    let files: Vec<_> = specs
                        .iter()
                        .map(|spec| DiscFile::new(&*spec.sop_instance_uid, part10(spec)))
                        .collect();
                    let zip = std::io::Cursor::new(zip_of(&files, true).unwrap());
                    let receipt = house
                        .ingest
                        .zip_stream(zip, options(DeliverySource::Zip))
                        .await
                        .unwrap();
                    assert_eq!(receipt.instances_stored, 4);
                } else {
                    let outcomes = house.stow(specs.iter().map(part10).collect()).await;
                    assert!(
                        outcomes
                            .iter()
                            .all(|outcome| outcome.result == Ok(Stowed::Stored))
                    );
                }
                let mut out = std::io::stdout().lock();
                for spec in &specs {
                    writeln!(
                        out,
                        "ACK {} {}",
                        spec.sop_instance_uid,
                        blake3::hash(&part10(spec))
                    )
                    .unwrap();
                }
                out.flush().unwrap();
            }
        });
    }
    while lanes.join_next().await.is_some() {}
}

/// Stores a study, erases it, and tells that it is gone.
async fn erase_one(house: &House, study: u64) {
    let specs: Vec<_> = (1..=3).map(|part| mr(study, 1, part)).collect();
    house.stow(specs.iter().map(part10).collect()).await;
    let found = house.find(&specs[0]).await.unwrap();
    let deletion = house.delete(found.study).await;
    assert!(house.erase(&deletion).await);
    let mut out = std::io::stdout().lock();
    for spec in &specs {
        let (uid, digest) = (&spec.sop_instance_uid, blake3::hash(&part10(spec)));
        writeln!(out, "ACK -{uid} {digest}").unwrap();
    }
    out.flush().unwrap();
}

/// Says whether an instance lies anywhere in the packs on the disc.
fn lies_in(packs: &[Vec<u8>], uid: &str) -> bool {
    let padded = uid.len().next_multiple_of(2);
    let mut element = b"\x08\0\x18\0UI".to_vec();
    element.extend_from_slice(&(padded as u16).to_le_bytes());
    element.extend_from_slice(uid.as_bytes());
    element.resize(8 + padded, 0);
    let is_there = |pack: &Vec<u8>| pack.windows(element.len()).any(|part| part == element);
    packs.iter().any(is_there)
}

/// Reads every pack on the disc.
fn packs(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(packs(&path));
        } else {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}

/// Starts the child, lets it work until a moment that differs each round, kills it, returns what it acknowledged.
fn kill_one(folder: &std::path::Path, round: u64) -> Vec<(String, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (tell, told) = mpsc::channel();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            // libtest may have written before it on the same line.
            if let Some(place) = line.find("ACK ") {
                let _ = tell.send(line[place + 4..].to_owned());
            }
        }
    });
    // The moment: after some acknowledgements, and a few microseconds to milliseconds more.
    let random = blake3::hash(&round.to_le_bytes());
    let (count, pause) = (
        usize::from(random.as_bytes()[0]) % 40,
        u64::from(random.as_bytes()[1]) * 40,
    );
    let mut acknowledged: Vec<String> = told.iter().take(count + 1).collect();
    let end = std::time::Instant::now() + Duration::from_micros(pause);
    while std::time::Instant::now() < end {
        acknowledged.extend(told.recv_timeout(Duration::from_micros(50)));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    acknowledged.extend(told.try_iter());
    assert!(
        !acknowledged.is_empty(),
        "round {round}: the child did nothing"
    );
    // A last line may be cut in the middle.
    let pairs = acknowledged.iter().filter_map(|line| line.split_once(' '));
    pairs
        .filter(|(_, digest)| digest.len() == 64)
        .map(|(uid, digest)| (uid.to_owned(), digest.to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_in_many_kills() {
    let dir = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut gone) = (Vec::new(), Vec::new());
    let is_shared = overread_testkit::place::shared(dir.path()).is_some();
    let rounds = if is_shared { SHARED_ROUNDS } else { ROUNDS };
    // Some more while no erasure came to its end before the kill.
    for round in 1..=3 * rounds {
        if round > rounds && !gone.is_empty() {
            break;
        }
        let folder = dir.path().to_owned();
        let told = tokio::task::spawn_blocking(move || kill_one(&folder, round)).await;
        for (uid, digest) in told.unwrap() {
            match uid.strip_prefix('-') {
                Some(uid) => gone.push(uid.to_owned()),
                None => acknowledged.push((uid, digest)),
            }
        }
        let ingest = open(dir.path()).await;
        let report = overread_ingest::verify(ingest.store(), ingest.archive())
            .await
            .unwrap();
        // What was synced and not acknowledged is for a rebuild, and no damage.
        assert_eq!(report.damaged, [""; 0], "round {round}");
        assert!(report.instances >= acknowledged.len() as u64);
        let mut tx = ingest.store().read().await.unwrap();
        let written = packs(dir.path());
        for uid in &gone {
            let filter = InstanceFilter {
                sop_instance_uids: vec![uid.clone()],
                ..InstanceFilter::default()
            };
            let page = Page::default();
            let rows = studies::search_instances(&mut tx, &Reach::Everything, &filter, &page);
            assert!(
                rows.await.unwrap().is_empty(),
                "round {round}: {uid} is back"
            );
            assert!(
                !lies_in(&written, uid),
                "round {round}: {uid} lies there yet"
            );
        }
        for (uid, digest) in &acknowledged {
            let filter = InstanceFilter {
                sop_instance_uids: vec![uid.clone()],
                ..InstanceFilter::default()
            };
            let rows =
                studies::search_instances(&mut tx, &Reach::Everything, &filter, &Page::default())
                    .await
                    .unwrap();
            let row = rows
                .first()
                .unwrap_or_else(|| panic!("round {round}: {uid} is lost"));
            let found = studies::find_instance(
                &mut tx,
                &Reach::Everything,
                &row.study_instance_uid,
                &row.series_instance_uid,
                uid,
            );
            assert_eq!(
                found.await.unwrap().unwrap().digest.to_string(),
                *digest,
                "round {round}: {uid}"
            );
        }
        drop(tx);
        ingest.store().close().await;
    }
    assert!(!gone.is_empty(), "nothing was erased");
    check_rebuilt(dir.path(), &acknowledged, &gone).await;
}

/// With the database lost, everything that was acknowledged comes back from the packs, however often that is interrupted, and
/// nothing that was erased.
async fn check_rebuilt(dir: &std::path::Path, acknowledged: &[(String, String)], gone: &[String]) {
    let (store, archive) = place_with_new_database(dir).await;
    let is_disc = archive.kind() == "disc";
    let (store, archive) = if is_disc {
        store.close().await;
        drop(archive);
        for round in 1..=8_u64 {
            let folder = dir.to_owned();
            let killed = tokio::task::spawn_blocking(move || kill_rebuild(&folder, round));
            killed.await.unwrap();
        }
        crate::house::place(dir).await
    } else {
        (store, archive)
    };
    let ingest = overread_ingest::Ingest::open(store, archive).await.unwrap();
    let (store, archive) = (ingest.store(), ingest.archive());
    let report = overread_ingest::rebuild(store, archive, NOW, |_| {}).await;
    assert!(report.unwrap().damaged.is_empty());
    let report = overread_ingest::verify(store, archive).await.unwrap();
    assert!(report.ok, "{:?}", report.damaged);
    let uids: Vec<String> = acknowledged.iter().map(|(uid, _)| uid.clone()).collect();
    let mut tx = store.read().await.unwrap();
    let known = studies::known_digests(&mut tx, uids);
    let known = known.await.unwrap();
    for (uid, digest) in acknowledged {
        let found = known.get(uid).unwrap_or_else(|| panic!("{uid} is lost"));
        assert_eq!(found[0].digest.to_string(), *digest);
    }
    let known = studies::known_digests(&mut tx, gone.to_vec())
        .await
        .unwrap();
    assert!(known.is_empty(), "what was erased is back: {known:?}");
}

/// Runs only when started by [`kill_rebuild`].
#[allow(
    clippy::disallowed_methods,
    reason = "the parent tells the child its folder this way"
)]
#[tokio::test(flavor = "multi_thread")]
async fn rebuilding_child() {
    let Ok(folder) = std::env::var(REBUILD) else {
        return;
    };
    let ingest = open(folder.as_ref()).await;
    println!("BEGUN");
    let report = overread_ingest::rebuild(ingest.store(), ingest.archive(), NOW, |_| {}).await;
    report.unwrap();
}

/// Starts a rebuild and kills it after a moment that differs each round.
fn kill_rebuild(folder: &std::path::Path, round: u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::rebuilding_child", "--nocapture"])
        .env(REBUILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("BEGUN")));
    assert!(begun.is_some(), "the child did nothing");
    let end = std::time::Instant::now() + Duration::from_millis(round * round);
    while std::time::Instant::now() < end && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
