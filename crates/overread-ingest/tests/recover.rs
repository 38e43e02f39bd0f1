//! Whole batches whose rows never came are taken in by themselves: those of this database, and no others.

use overread_archive::{Archive, limits};
use overread_ingest::{DeliverySource, Ingest, Stowed};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::Store;
use overread_testkit::dicom::InstanceSpec;

use crate::house::{House, machine, mr, of_case, open, options, part10};

/// The moment, which is later than the making of any database of a test.
#[allow(
    clippy::disallowed_methods,
    reason = "a database tells its age by the clock of the machine"
)]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_micros(since.unwrap().as_micros() as i64)
}

async fn store(house: &House, spec: &InstanceSpec) {
    let mut now_options = options(DeliverySource::File);
    now_options.now = now();
    let file = std::io::Cursor::new(part10(spec));
    let receipt = house.ingest.one_file("one", file, now_options).await;
    assert_eq!(receipt.unwrap().instances_stored, 1);
}

/// Ends a house whose packs are files; `None` where they are none.
async fn ended(house: House) -> Option<tempfile::TempDir> {
    let is_disc = house.ingest.archive().kind() == "disc";
    let dir = house.end().await;
    is_disc.then_some(dir)
}

/// Does this in the database of a folder.
fn on(dir: &std::path::Path, sql: &str) {
    let database = rusqlite::Connection::open(dir.join("overread.sqlite")).unwrap();
    database.execute_batch(sql).unwrap();
}

fn copy_database(from: &std::path::Path, to: &std::path::Path) {
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(to.join(format!("overread.sqlite{end}")));
    }
    std::fs::copy(from.join("overread.sqlite"), to.join("overread.sqlite")).unwrap();
}

async fn opened(dir: tempfile::TempDir) -> House {
    let ingest = open(dir.path()).await;
    House { dir, ingest }
}

/// An archive with two instances, and a copy of its database that knows the first alone.
async fn older() -> Option<(tempfile::TempDir, tempfile::TempDir)> {
    let house = House::new().await;
    store(&house, &mr(1, 1, 1)).await;
    let dir = ended(house).await?;
    let backup = tempfile::tempdir().unwrap();
    std::fs::copy(
        dir.path().join("overread.sqlite"),
        backup.path().join("overread.sqlite"),
    )
    .unwrap();
    let house = opened(dir).await;
    store(&house, &mr(2, 1, 1)).await;
    Some((ended(house).await?, backup))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_copy_does_not_know_is_taken_in_once() {
    let Some((dir, backup)) = older().await else {
        return;
    };
    copy_database(backup.path(), dir.path());
    let house = opened(dir).await;
    assert!(house.find(&mr(2, 1, 1)).await.is_none());
    let report = house.ingest.recover(now()).await.unwrap();
    assert_eq!((report.batches, report.instances), (1, 1));
    assert_eq!(house.bytes_of(&mr(2, 1, 1)).await, part10(&mr(2, 1, 1)));
    house.prove().await;
    let again = house.ingest.recover(now()).await.unwrap();
    assert_eq!(again, overread_ingest::RebuildReport::default());
    // Who sends it again is told that it is there.
    let outcomes = house.stow(vec![part10(&mr(2, 1, 1))]).await;
    assert_eq!(outcomes[0].result, Ok(Stowed::Duplicate));
    let dir = house.end().await;
    let database = rusqlite::Connection::open(dir.path().join("overread.sqlite")).unwrap();
    let sql = "select count(*) from audit where event = 'index.recovered'";
    let count: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1, "it stands on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_archive_is_not_filled() {
    let other = House::new().await;
    store(&other, &mr(7, 1, 1)).await;
    let Some(other) = ended(other).await else {
        return;
    };
    let Some((dir, _)) = older().await else {
        return;
    };
    copy_database(other.path(), dir.path());
    let house = opened(dir).await;
    let report = house.ingest.recover(now()).await.unwrap();
    assert_eq!((report.batches, report.instances), (0, 0));
    assert!(house.find(&mr(1, 1, 1)).await.is_none());
    let verified = overread_ingest::verify(house.ingest.store(), house.ingest.archive()).await;
    let verified = verified.unwrap();
    assert!(!verified.ok && verified.unclaimed_bytes > 0, "it is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_is_not_filled_with_what_is_older_than_it() {
    let Some((dir, _)) = older().await else {
        return;
    };
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("overread.sqlite{end}")));
    }
    let house = opened(dir).await;
    // A database tells its age in whole seconds, of which what is older may share one.
    on(
        house.dir.path(),
        "update _sqlx_migrations set installed_on = datetime('now', '+1 minute')",
    );
    // Also not once something was stored beside it.
    for study in [3, 4] {
        let report = house.ingest.recover(now()).await.unwrap();
        assert_eq!((report.batches, report.instances), (0, 0), "{study}");
        store(&house, &mr(study, 1, 1)).await;
    }
    let dir = house.end().await;
    let house = opened(dir).await;
    let report = house.ingest.recover(now()).await.unwrap();
    assert_eq!((report.batches, report.instances), (0, 0));
    assert!(house.find(&mr(1, 1, 1)).await.is_none());
    // A person may say that it is meant so.
    let (store, archive) = (house.ingest.store(), house.ingest.archive());
    let report = overread_ingest::rebuild(store, archive, now(), |_| {}).await;
    assert_eq!(report.unwrap().instances, 2);
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_that_was_erased_since_does_not_come_back() {
    let Some((dir, backup)) = older().await else {
        return;
    };
    // Its second instance was synced only; then the first was erased with the whole study.
    let house = opened(dir).await;
    let found = house.find(&mr(2, 1, 1)).await.unwrap();
    let deletion = house.delete(found.study).await;
    let mut tx = house.ingest.store().begin().await.unwrap();
    let event = overread_store::audit::AuditEvent::new("study.deleted");
    overread_store::audit::record(&mut tx, &machine(), &event, now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let pack = house.pack_of(found.extent);
    let copy = std::fs::read(&pack).unwrap();
    assert!(house.erase(&deletion).await);
    let dir = house.end().await;
    // As when a backup of the disc brought the pack back, beside the older database.
    std::fs::write(&pack, copy).unwrap();
    copy_database(backup.path(), dir.path());
    let house = opened(dir).await;
    let report = house.ingest.recover(now()).await.unwrap();
    assert_eq!((report.instances, report.deleted), (0, 1));
    assert!(house.find(&mr(2, 1, 1)).await.is_none());
    let bytes = std::fs::read(&pack).unwrap_or_default();
    let start = found.extent.offset_bytes as usize;
    let there = bytes.get(start..start + found.extent.length_bytes as usize);
    assert!(there.is_none_or(|there| there.iter().all(|byte| *byte == 0)));
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_a_case_goes_into_its_case_whatever_room_it_has() {
    let house = House::new().await;
    let case = CaseId::from_random([9; 16]);
    store(&house, &mr(1, 1, 1)).await;
    let Some(dir) = ended(house).await else {
        return;
    };
    let backup = tempfile::tempdir().unwrap();
    std::fs::copy(
        dir.path().join("overread.sqlite"),
        backup.path().join("overread.sqlite"),
    )
    .unwrap();
    let house = opened(dir).await;
    let mut options = of_case(DeliverySource::File, machine(), &case);
    options.now = now();
    let file = std::io::Cursor::new(part10(&mr(2, 1, 1)));
    house.ingest.one_file("one", file, options).await.unwrap();
    let dir = house.end().await;
    copy_database(backup.path(), dir.path());
    // What may have been acknowledged is not lost since the case may hold less now.
    let store = Store::open_sqlite(&dir.path().join("overread.sqlite")).await;
    let archive = Archive::open(dir.path()).await.unwrap();
    let none = overread_model::keeping::Quota {
        bytes: 1,
        instances: 0,
    };
    let ingest = Ingest::open_with(store.unwrap(), archive, none).await;
    let house = House {
        dir,
        ingest: ingest.unwrap(),
    };
    let report = house.ingest.recover(now()).await.unwrap();
    assert_eq!((report.instances, report.aside), (1, 0));
    let mut tx = house.ingest.store().read().await.unwrap();
    let usage = overread_store::quotas::usage(&mut tx, &case).await;
    assert_eq!(usage.unwrap().instances, 1);
    drop(tx);
    house.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_another_node_may_be_about_to_commit_is_left_to_it() {
    let house = House::new().await;
    let archive = house.ingest.archive();
    if archive.kind() != "s3" {
        return;
    }
    assert!(limits::UNCLAIMED_AGE.as_secs() >= 60);
    let mut append = archive.begin();
    let key = overread_archive::PackKey::Mixed;
    let bytes = part10(&mr(1, 1, 1));
    let (extent, append) = tokio::task::spawn_blocking(move || {
        let extent = append.append(&key, &bytes).unwrap();
        append
            .sync(&overread_archive::Directory::default())
            .unwrap();
        (extent, append)
    })
    .await
    .unwrap();
    // The other node looks while the object has no rows.
    let other = open(house.dir.path()).await;
    for _ in 0..2 {
        let report = other.recover(now()).await.unwrap();
        assert_eq!(report.batches, 0);
    }
    let read = other.archive().read(extent, 128..132).await;
    assert_eq!(read.unwrap().as_ref(), b"DICM");
    drop(append);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_commit_failed_is_taken_in_by_the_same_program() {
    let house = House::new().await;
    store(&house, &mr(1, 1, 1)).await;
    if house.ingest.archive().kind() != "disc" {
        return;
    }
    on(
        house.dir.path(),
        "create trigger full before insert on instance begin select raise(abort, 'full'); end",
    );
    let mut failing = options(DeliverySource::File);
    failing.now = now();
    let file = std::io::Cursor::new(part10(&mr(2, 1, 1)));
    let failed = house.ingest.one_file("two", file, failing).await;
    assert!(failed.is_err(), "nobody is told that it is stored");
    on(house.dir.path(), "drop trigger full");
    let long_ago = std::time::UNIX_EPOCH;
    let packs = house.packs();
    for pack in &packs {
        let file = std::fs::File::options().write(true).open(pack).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    assert!(house.find(&mr(2, 1, 1)).await.is_none());
    let report = house.ingest.recover(now()).await.unwrap();
    assert_eq!((report.batches, report.instances), (1, 1));
    // Its sync may have failed, and another sync would write nothing.
    let is_new =
        |pack: &std::path::PathBuf| pack.metadata().unwrap().modified().unwrap() > long_ago;
    assert!(packs.iter().any(is_new), "its bytes were not written again");
    assert_eq!(house.bytes_of(&mr(2, 1, 1)).await, part10(&mr(2, 1, 1)));
    house.prove().await;
}
