//! The proof finds whatever is changed, missing or left over.

use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use overread_archive::{Archive, Directory};
use overread_dicom::data_set_start;
use overread_ingest::{
    Ingest, erase_study, overwrite_erased, rebuild, room_to_inflate, scrub_some, verify,
};
use overread_model::problem::ProblemKind;
use overread_model::time::Timestamp;
use overread_store::scrubbing::{self, Scrub};
use overread_store::{Store, erasures, studies};
use overread_testkit::dicom::InstanceSpec;
use tokio::time::timeout;

use crate::house::{House, NOW, mr, open, part10, place_with_new_database};

async fn damage(house: &House) -> Vec<String> {
    let report = verify(house.ingest.store(), house.ingest.archive())
        .await
        .unwrap();
    let is_whole = report.damaged.is_empty() && report.unclaimed_bytes == 0;
    assert_eq!(report.ok, is_whole);
    report.damaged
}

/// Three instances on a disc; `None` where packs are no files that a test could damage.
async fn three_on_disc() -> Option<House> {
    let house = three().await;
    (house.ingest.archive().kind() == "disc").then_some(house)
}

async fn three() -> House {
    let house = House::new().await;
    house
        .stow(
            (1..=3)
                .map(|instance| part10(&mr(1, 1, instance)))
                .collect(),
        )
        .await;
    assert_eq!(house.prove().await.instances, 3);
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_is_named() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let found = house.find(&mr(1, 1, 2)).await.unwrap();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(house.pack_of(found.extent))
        .unwrap();
    file.seek(SeekFrom::Start(found.extent.offset_bytes + 500))
        .unwrap();
    file.write_all(b"x").unwrap();
    let damaged = damage(&house).await;
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert!(
        damaged[0].contains(&format!("instance {}", found.id)),
        "{damaged:?}"
    );
    let spec = mr(1, 1, 2);
    for uid in [&spec.sop_instance_uid, &spec.study_instance_uid] {
        assert!(damaged[0].contains(uid.as_str()), "{damaged:?}");
    }
}

/// Deflates the data set of a file.
fn deflated(plain: &[u8]) -> Vec<u8> {
    let (start, _) = data_set_start(plain).unwrap();
    let mut file = vec![0; 128];
    // PS3.10 7.1: (0002,0010) alone, Deflated Explicit VR Little Endian.
    file.extend(b"DICM\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99");
    let mut encoder = DeflateEncoder::new(file, Compression::default());
    encoder.write_all(&plain[start as usize..]).unwrap();
    encoder.finish().unwrap()
}

/// Waits while others have all memory to inflate in, and goes on when they gave it back.
async fn waits_for_room<T>(work: impl Future<Output = T>) -> T {
    let all = room_to_inflate(u64::MAX).await.unwrap();
    let mut work = Box::pin(work);
    let early = timeout(Duration::from_millis(200), &mut work).await;
    assert!(early.is_err(), "it inflates without room");
    drop(all);
    work.await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_and_the_new_index_wait_for_memory_to_inflate_in() {
    let house = House::new().await;
    house.stow(vec![deflated(&part10(&mr(1, 1, 1)))]).await;
    let (store, archive) = (house.ingest.store(), house.ingest.archive());
    let report = waits_for_room(verify(store, archive)).await.unwrap();
    assert!(report.ok, "{:?}", report.damaged);
    let dir = house.end().await;
    let (store, archive) = place_with_new_database(dir.path()).await;
    let report = waits_for_room(rebuild(&store, &archive, NOW, |_| {})).await;
    let report = report.unwrap();
    assert_eq!((report.instances, report.damaged.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_cut_pack_is_named() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let pack = house.packs()[0].clone();
    let length = std::fs::metadata(&pack).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&pack)
        .unwrap()
        .set_len(length - 10)
        .unwrap();
    assert_eq!(damage(&house).await.len(), 1);
    std::fs::remove_file(&pack).unwrap();
    let damaged = damage(&house).await;
    let study = mr(1, 1, 1).study_instance_uid;
    let names = |what: &String| {
        what.contains("missing") && what.contains("3 images") && what.contains(study.as_str())
    };
    assert!(damaged.iter().any(names), "{damaged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_finished_is_removed_at_the_next_start() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let pack = house.packs()[0].clone();
    let length = std::fs::metadata(&pack).unwrap().len();
    let dir = house.end().await;
    std::fs::OpenOptions::new()
        .append(true)
        .open(&pack)
        .unwrap()
        .write_all(&[7; 1000])
        .unwrap();
    let stray = dir.path().join("packs/1/0000000000000001.pack");
    std::fs::write(&stray, b"half written").unwrap();
    let unrelated = dir.path().join("packs/1/notes.txt");
    std::fs::write(&unrelated, b"somebody's own").unwrap();
    let ingest = open(dir.path()).await;
    assert_eq!(std::fs::metadata(&pack).unwrap().len(), length);
    assert!(!stray.exists());
    assert!(unrelated.exists());
    assert!(verify(ingest.store(), ingest.archive()).await.unwrap().ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_writes_is_left_alone() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let archive = house.ingest.archive();
    let mut append = archive.begin();
    let key = overread_archive::PackKey::Series("1.2.3".to_owned());
    let extent = append.append(&key, &[1; 100]).unwrap();
    append.sync(&Directory::default()).unwrap();
    // Another handle on the same folder, as a second process would have.
    let store = Store::open_sqlite(&house.dir.path().join("overread.sqlite"))
        .await
        .unwrap();
    let second = Ingest::open(store, Archive::open(house.dir.path()).await.unwrap())
        .await
        .unwrap();
    assert_eq!(
        second.archive().read(extent, 0..100).await.unwrap().len(),
        100
    );
    drop(append);
    // Its directory is written, and its rows never come: that is not whole.
    let report = verify(second.store(), second.archive()).await.unwrap();
    assert!(report.unclaimed_bytes > 100 && !report.ok, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_on_its_way_is_no_damage() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let pack = house.packs()[0].clone();
    let mut file = std::fs::OpenOptions::new().append(true).open(pack).unwrap();
    file.write_all(&[7; 1000]).unwrap();
    let report = house.prove().await;
    assert_eq!((report.ok, report.unclaimed_bytes), (true, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_study_leaves_nothing_behind() {
    let house = three().await;
    house.stow(vec![part10(&mr(2, 1, 1))]).await;
    let found = house.find(&mr(1, 1, 1)).await.unwrap();
    let deletion = house.delete(found.study).await;
    assert!(house.find(&mr(1, 1, 1)).await.is_none());
    let refused = house
        .stow(vec![part10(&mr(1, 1, 1)), part10(&mr(1, 1, 7))])
        .await;
    for outcome in refused {
        let problem = outcome.result.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Deleted);
    }
    let (store, archive) = (house.ingest.store(), house.ingest.archive());
    let erased = erase_study(store, archive, &deletion, NOW).await;
    assert!(erased.unwrap());
    // The program ends here. The rows are gone, the bytes are not; another one goes on.
    let kept = archive.read(found.extent, 128..132).await;
    assert_eq!(kept.unwrap().as_ref(), b"DICM");
    let again = open(house.dir.path()).await;
    let finished = overwrite_erased(again.store(), again.archive(), NOW).await;
    assert_eq!(finished.unwrap(), 1);
    let finished = overwrite_erased(store, archive, NOW).await;
    assert_eq!(finished.unwrap(), 0, "once");
    let mut tx = store.read().await.unwrap();
    assert!(erasures::some(&mut tx).await.unwrap().is_empty());
    drop(tx);
    assert!(house.find(&mr(1, 1, 1)).await.is_none());
    assert!(house.find(&mr(2, 1, 1)).await.is_some());
    let report = house.prove().await;
    assert_eq!(report.instances, 1);
    let mut tx = house.ingest.store().read().await.unwrap();
    assert_eq!(
        studies::study_counts(&mut tx, found.study).await.unwrap(),
        None
    );
    drop(tx);
    let bytes = house
        .ingest
        .archive()
        .past_cache()
        .read(found.extent, 0..found.extent.length_bytes)
        .await;
    assert!(bytes.map_or(true, |bytes| bytes.iter().all(|byte| *byte == 0)));
    house.stow(vec![part10(&mr(1, 1, 1))]).await;
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_takes_nothing_along_that_arrives_meanwhile() {
    let house = House::new().await;
    for step in 1..=40 {
        // Both are small, so that they share a pack.
        house.stow(vec![part10(&mr(1000 + step, 1, 1))]).await;
        let found = house.find(&mr(1000 + step, 1, 1)).await.unwrap();
        let deletion = house.delete(found.study).await;
        let (erased, outcomes) = tokio::join!(
            house.erase(&deletion),
            house.stow(vec![part10(&mr(step, 1, 1)), part10(&mr(step, 1, 2))])
        );
        assert!(erased);
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    }
    for step in 1..=40 {
        let kept = mr(step, 1, 2);
        assert_eq!(house.bytes_of(&kept).await, part10(&kept), "{step}");
        assert!(house.find(&mr(1000 + step, 1, 1)).await.is_none());
    }
    assert_eq!(house.prove().await.instances, 80);
}

/// The length of every pack, by its path.
fn lengths(house: &House) -> std::collections::BTreeMap<PathBuf, u64> {
    let length = |pack: PathBuf| (pack.clone(), std::fs::metadata(pack).unwrap().len());
    house.packs().into_iter().map(length).collect()
}

/// Ends a house and opens its folder with the database that `replace` puts in place of its own.
async fn reopened(house: House, replace: impl FnOnce(&std::path::Path)) -> House {
    let dir = house.end().await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("overread.sqlite{end}")));
    }
    replace(&dir.path().join("overread.sqlite"));
    let ingest = open(dir.path()).await;
    House { dir, ingest }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_beside_full_packs_removes_none() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let before = lengths(&house);
    let house = reopened(house, |_| {}).await;
    assert_eq!(lengths(&house), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_cuts_nothing_off() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let older = house.dir.path().join("older");
    std::fs::copy(house.dir.path().join("overread.sqlite"), &older).unwrap();
    let wal = house.dir.path().join("overread.sqlite-wal");
    std::fs::copy(wal, house.dir.path().join("older-wal")).unwrap();
    let more = (4..=9).map(|instance| part10(&mr(1, 1, instance)));
    house.stow(more.collect()).await;
    house.stow(vec![part10(&mr(2, 1, 1))]).await;
    let before = lengths(&house);
    let house = reopened(house, |database| {
        std::fs::rename(&older, database).unwrap();
        let wal = database.with_file_name("overread.sqlite-wal");
        std::fs::rename(database.with_file_name("older-wal"), wal).unwrap();
    })
    .await;
    assert_eq!(lengths(&house), before);
    assert!(house.find(&mr(1, 1, 1)).await.is_some());
    assert!(house.find(&mr(2, 1, 1)).await.is_none());
    let report = verify(house.ingest.store(), house.ingest.archive()).await;
    let report = report.unwrap();
    assert!(report.unclaimed_bytes > 0 && !report.ok, "{report:?}");
    // What came after the copy was made is taken in, and nothing twice.
    let (store, archive) = (house.ingest.store(), house.ingest.archive());
    let report = rebuild(store, archive, NOW, |_| {}).await.unwrap();
    assert_eq!(report.instances, 7, "{report:?}");
    assert!(house.find(&mr(2, 1, 1)).await.is_some());
    assert_eq!(house.prove().await.unclaimed_bytes, 0);
}

/// Goes on with the proof beside everything else until nothing is left to do; returns how many steps it took.
async fn scrub(house: &House, now: Timestamp) -> usize {
    let (store, archive) = (house.ingest.store(), house.ingest.archive());
    let mut steps = 0;
    while scrub_some(store, archive, 30, now).await.unwrap() {
        steps += 1;
    }
    steps
}

async fn state(house: &House) -> Scrub {
    let mut tx = house.ingest.store().read().await.unwrap();
    scrubbing::state(&mut tx).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_beside_everything_else_goes_on_where_it_was_and_finds_a_changed_byte() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let large = mr(5, 1, 1);
    house
        .stow(vec![
            InstanceSpec {
                rows: 600,
                columns: 600,
                // Enough for a pack of its own.
                pixels: vec![7; 600 * 600],
                ..large
            }
            .part10()
            .unwrap(),
        ])
        .await;
    assert!(
        house.packs().len() >= 2,
        "several packs are proven one by one"
    );
    let (store, archive) = (house.ingest.store(), house.ingest.archive());
    // The round is begun, and one pack is proven; then the program stops.
    assert!(scrub_some(store, archive, 30, NOW).await.unwrap());
    assert!(scrub_some(store, archive, 30, NOW).await.unwrap());
    let before = state(&house).await;
    assert!(before.after_pack_id > 0 && before.finished_at.is_none());
    let dir = house.end().await;
    let house = House {
        ingest: open(dir.path()).await,
        dir,
    };
    assert_eq!(scrub(&house, NOW).await, house.packs().len());
    let after = state(&house).await;
    assert_eq!((after.instances, after.last_damaged.as_str()), (4, ""));
    assert_eq!(after.finished_at, Some(NOW.as_micros()));
    // Nothing is due before the time, and then everything is read again.
    assert_eq!(scrub(&house, NOW.plus_days(29)).await, 0);
    let found = house.find(&mr(1, 1, 2)).await.unwrap();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(house.pack_of(found.extent))
        .unwrap();
    file.seek(SeekFrom::Start(found.extent.offset_bytes + 500))
        .unwrap();
    file.write_all(b"x").unwrap();
    assert!(scrub(&house, NOW.plus_days(30)).await > 2);
    let after = state(&house).await;
    assert_eq!(
        after.last_damaged.lines().count(),
        1,
        "{}",
        after.last_damaged
    );
    assert!(
        after
            .last_damaged
            .contains(&format!("instance {}", found.id))
    );
    let uid = mr(1, 1, 2).sop_instance_uid;
    assert!(!after.last_damaged.contains(uid.as_str()), "it is logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_to_be_damaged_is_not_given_out_until_it_is_whole_again() {
    let Some(house) = three_on_disc().await else {
        return;
    };
    let found = house.find(&mr(1, 1, 2)).await.unwrap();
    let (extent, place) = (found.extent, house.pack_of(found.extent));
    let good = std::fs::read(&place).unwrap();
    let mut bad = good.clone();
    bad[extent.offset_bytes as usize + 500] ^= 1;
    std::fs::write(&place, bad).unwrap();
    scrub(&house, NOW).await;
    house.ingest.shun_damaged().await.unwrap();
    let archive = house.ingest.archive();
    let is_refused = |archive: &Archive| {
        let archive = archive.clone();
        async move {
            let read = archive.read(extent, 0..4).await;
            assert!(archive.unread(extent, &(0..extent.length_bytes)).is_none());
            let blocking = archive.clone();
            let blocking =
                tokio::task::spawn_blocking(move || blocking.read_blocking(extent, 0..4));
            let mut chunks = std::pin::pin!(archive.stream(extent));
            let streamed = futures_util::StreamExt::next(&mut chunks).await.unwrap();
            let refused = matches!(read, Err(overread_archive::ArchiveError::Damaged { .. }));
            assert_eq!(blocking.await.unwrap().is_err(), refused);
            assert_eq!(streamed.is_err(), refused);
            refused
        }
    };
    assert!(is_refused(archive).await);
    assert_eq!(house.bytes_of(&mr(1, 1, 1)).await, part10(&mr(1, 1, 1)));
    assert_eq!(
        damage(&house).await.len(),
        1,
        "the proof reads it all the same"
    );
    // Another start knows it, too, and looks whether it was mended meanwhile.
    let dir = house.end().await;
    let ingest = open(dir.path()).await;
    ingest.shun_damaged().await.unwrap();
    assert!(is_refused(ingest.archive()).await);
    std::fs::write(&place, good).unwrap();
    let again = open(dir.path()).await;
    again.shun_damaged().await.unwrap();
    assert!(!is_refused(again.archive()).await);
    // The next round finds it whole, and then it is given out by the one that refused it.
    let house = House { dir, ingest };
    scrub(&house, NOW.plus_days(30)).await;
    house.ingest.shun_damaged().await.unwrap();
    assert!(!is_refused(house.ingest.archive()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_of_another_node_forgets_what_was_erased() {
    let house = three().await;
    if house.ingest.archive().kind() != "s3" {
        return;
    }
    house
        .stow(vec![part10(&mr(2, 1, 1)), part10(&mr(3, 1, 1))])
        .await;
    let other_dir = tempfile::tempdir().unwrap();
    let other = crate::house::open_beside(house.dir.path(), other_dir.path()).await;
    other.forget_erased().await.unwrap();
    // One shares its object with what stays, the other does not.
    for study in [1, 2] {
        let found = house.find(&mr(study, 1, 1)).await.unwrap();
        let read = other.archive().read(found.extent, 128..132).await;
        assert_eq!(read.unwrap().as_ref(), b"DICM");
        let is_cached = || {
            let name = found.extent.pack_id.to_string();
            let entries = std::fs::read_dir(other_dir.path().join("cache")).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name())
                .any(|file| file.to_string_lossy().starts_with(&name))
        };
        assert!(is_cached(), "{study}");
        let deletion = house.delete(found.study).await;
        assert!(house.erase(&deletion).await);
        other.forget_erased().await.unwrap();
        assert!(!is_cached(), "{study}: it lies on the disc of another node");
        let read = other.archive().read(found.extent, 128..132).await;
        assert!(read.map_or(true, |bytes| *bytes == [0; 4]), "{study}");
    }
    assert_eq!(house.bytes_of(&mr(3, 1, 1)).await, part10(&mr(3, 1, 1)));
}
