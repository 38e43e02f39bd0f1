//! Whole batches in the packs whose rows never came: killed in between, the database away, an older copy of it put back. A start
//! takes them in by itself, or the running program does once the trouble is over; nobody needs to rebuild anything.

use std::path::{Path, PathBuf};
use std::time::Instant;

use overread_store::{Store, StoreResult, Tx};
use overread_testkit::dicom::InstanceSpec;

use crate::doors::{Doors, PATIENCE};
use crate::outside::Outside;
use crate::program::{json, run, text};

fn spec(number: u64) -> InstanceSpec {
    InstanceSpec::mr(1, 1, number)
}

fn stow(doors: &Doors, number: u64) -> (u16, String) {
    let file = spec(number).part10().unwrap();
    let (status, body) = doors.client().stow(&[&file]).expect("an answer");
    (status, text(&body))
}

fn is_held(doors: &Doors, number: u64) -> bool {
    let spec = spec(number);
    let (study, series) = (&spec.study_instance_uid, &spec.series_instance_uid);
    let client = doors.client();
    let answer = client.instance(study, series, &spec.sop_instance_uid);
    let sent = overread_testkit::peer::data_set(&spec);
    answer.is_some_and(|(status, file)| status == 200 && file.ends_with(&sent))
}

fn verified(data: &Path) -> serde_json::Value {
    json(&run(&[
        "verify",
        "--json",
        "--data",
        data.to_str().unwrap(),
    ]))
}

/// Proves everything until the index knows every byte, as the running program takes in what it did not; returns how many
/// instances there are.
pub(crate) fn until_whole(proof: impl Fn() -> std::process::Output) -> u64 {
    let begun = Instant::now();
    loop {
        let report = json(&proof());
        assert_eq!(report["damaged"], serde_json::json!([]));
        if report["ok"] == true {
            // What was taken in while it was proven may not be counted yet.
            return json(&proof())["instances"].as_u64().unwrap();
        }
        assert!(begun.elapsed() < PATIENCE, "{report}");
    }
}

/// As [`until_whole`], by the program itself.
pub(crate) fn until_all_is_whole(data: &Path) -> u64 {
    until_whole(|| run(&["verify", "--json", "--data", data.to_str().unwrap()]))
}

/// Returns the packs of a folder with their lengths.
fn packs(data: &Path) -> Vec<(PathBuf, u64)> {
    let shelves = std::fs::read_dir(data.join("archive/packs")).unwrap();
    let files = shelves.flat_map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap());
    let files = files.map(|file| file.unwrap());
    files
        .map(|file| (file.path(), file.metadata().unwrap().len()))
        .collect()
}

fn bytes(data: &Path) -> u64 {
    packs(data).iter().map(|(_, length)| length).sum()
}

/// A database that nobody else can write meanwhile.
struct Locked {
    runtime: tokio::runtime::Runtime,
    held: Option<(Store, Tx)>,
}

impl Locked {
    fn of(data: &Path) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let held = runtime.block_on(async {
            let store = Store::open_sqlite(&data.join("overread.sqlite")).await?;
            let tx = store.begin().await?;
            StoreResult::Ok((store, tx))
        });
        Self {
            runtime,
            held: Some(held.unwrap()),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let Some((store, tx)) = self.held.take() else {
            return;
        };
        self.runtime.block_on(async {
            let _ = tx.rollback().await;
            store.close().await;
        });
    }
}

/// Sends an instance that is synced and cannot be committed, and kills the program.
fn kill_before_the_commit(doors: &mut Doors, data: &Path, number: u64) {
    // That the token is used stands in the database, too, and is noted before.
    assert!(!is_held(doors, number));
    let before = bytes(data);
    let locked = Locked::of(data);
    let killer = doors.server.id().to_string();
    std::thread::scope(|scope| {
        let client = doors.client();
        let file = spec(number).part10().unwrap();
        // Its directory, of more than a hundred bytes, is written with it.
        let least = before + file.len() as u64 + 100;
        let sent = scope.spawn(move || client.stow(&[&file]));
        let begun = Instant::now();
        while bytes(data) < least {
            assert!(begun.elapsed() < PATIENCE, "nothing is written");
            std::thread::yield_now();
        }
        let killed = std::process::Command::new("kill")
            .args(["-9", &killer])
            .status();
        assert!(killed.unwrap().success());
        assert!(sent.join().unwrap().is_none(), "it was not answered");
    });
    doors.server.kill();
    drop(locked);
}

/// Does this in the database of a program that runs.
fn on(data: &Path, sql: &str) {
    let database = rusqlite::Connection::open(data.join("overread.sqlite")).unwrap();
    database.busy_timeout(PATIENCE).unwrap();
    database.execute_batch(sql).unwrap();
}

#[test]
fn a_batch_that_was_killed_before_its_commit_is_there_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut doors = Doors::open(&data);
    // Before the database knows any pack, and when it does.
    for number in [1, 3] {
        kill_before_the_commit(&mut doors, &data, number);
        let report = verified(&data);
        assert_eq!(report["ok"], false, "{report}");
        assert!(report["unclaimed_bytes"].as_u64().unwrap() > 0);
        if number == 3 {
            // Nor does it stay behind when everything is moved.
            let to = folder.path().join("to");
            let (from, to) = (data.to_str().unwrap(), to.to_str().unwrap());
            let moved = run(&["migrate", "--json", "--data", from, "--to", to]);
            assert_eq!(json(&moved)["verified"]["instances"], 3);
        }
        doors = Doors::open(&data);
        assert_eq!(until_all_is_whole(&data), number);
        assert!(is_held(&doors, number));
        // Who got no answer sends again, and is told that it is there.
        let (status, body) = stow(&doors, number);
        assert!(status == 200 && !body.contains("00081198"), "{body}");
        assert_eq!(stow(&doors, number + 1).0, 200);
        assert_eq!(verified(&data)["others"], 0, "nothing is set aside");
    }
    drop(doors);
    let report = verified(&data);
    assert_eq!(
        (&report["ok"], &report["instances"]),
        (&true.into(), &4.into())
    );
}

#[test]
fn a_batch_that_the_database_would_not_take_is_there_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let doors = Doors::open(&data);
    assert_eq!(stow(&doors, 1).0, 200);
    on(
        &data,
        "create trigger full before insert on instance begin select raise(abort, 'full'); end",
    );
    assert_eq!(stow(&doors, 2).0, 503);
    on(&data, "drop trigger full");
    assert_eq!(until_all_is_whole(&data), 2);
    assert!(is_held(&doors, 2));
    let (status, body) = stow(&doors, 2);
    assert!(status == 200 && !body.contains("00081198"), "{body}");
}

/// Copies the database of a program that does not run.
fn copy_database(from: &Path, to: &Path) {
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(to.join(format!("overread.sqlite{end}")));
    }
    for end in ["", "-wal"] {
        let name = format!("overread.sqlite{end}");
        if from.join(&name).exists() {
            std::fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
    }
}

#[test]
fn what_came_after_an_older_copy_of_the_database_is_there_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    std::fs::create_dir(&backup).unwrap();
    let doors = Doors::open(&data);
    assert_eq!(stow(&doors, 1).0, 200);
    drop(doors);
    copy_database(&data, &backup);
    for number in 2..=6 {
        let doors = Doors::open(&data);
        assert_eq!(stow(&doors, number).0, 200);
    }
    copy_database(&backup, &data);
    assert_eq!(verified(&data)["ok"], false);
    let doors = Doors::open(&data);
    assert_eq!(until_all_is_whole(&data), 6);
    assert!((1..=6).all(|number| is_held(&doors, number)));
}

#[test]
fn a_batch_whose_rows_postgresql_did_not_get_is_there_when_it_is_back() {
    let Some(outside) = Outside::new("left") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let database = overread_testkit::gate::Gate::to(&outside.database).unwrap();
    outside.configure(&data, Some(&database.address.to_string()), None);
    let doors = Doors::open(&data);
    assert_eq!(stow(&doors, 1).0, 200);
    database.shut();
    assert_eq!(stow(&doors, 2).0, 503);
    database.open();
    until_all_is_whole(&data);
    assert_eq!(stow(&doors, 2).0, 200);
    assert!(is_held(&doors, 2));
    assert_eq!(until_all_is_whole(&data), 2);
}
