//! `rebuild`: with the database lost, the same answers from the packs alone.

use std::path::Path;
use std::time::{Duration, Instant};

use overread_store::{Store, scrubbing};
use overread_testkit::dicom::InstanceSpec;

use crate::doors::{Doors, PATIENCE};
use crate::moving::{answers, filled, path};
use crate::outside::Outside;
use crate::program::{json, run, text};
use crate::serving::{SECRET, Server};

/// Lets a new database know the token that the test asks with.
fn bootstrap(data: &Path, dir: &Path) {
    let token = dir.join("token");
    std::fs::write(&token, SECRET).unwrap();
    Server::start(data, &["--bootstrap-token", path(&token)]).stop();
}

fn check_rebuilt(data: &Path, dir: &Path, before: &[(u16, String)]) {
    let told = run(&["verify", "--json", "--data", path(data)]);
    assert_eq!(told.status.code(), Some(1), "an empty index is not whole");
    assert_eq!(json(&told)["ok"], false);
    assert!(json(&told)["unclaimed_bytes"].as_u64().unwrap() > 0);
    let said = text(&run(&["verify", "--data", path(data)]).stdout);
    assert!(
        said.contains("overread rebuild") && said.contains("not everything is whole"),
        "{said}"
    );
    let rebuilt = run(&["rebuild", "--json", "--data", path(data)]);
    assert!(rebuilt.status.success(), "{}", text(&rebuilt.stderr));
    let report = json(&rebuilt);
    assert_eq!(
        (report["instances"].as_u64(), report["documents"].as_u64()),
        (Some(5), Some(1))
    );
    bootstrap(data, dir);
    assert!(answers(data) == before);
    let verified = run(&["verify", "--json", "--data", path(data)]);
    let verified = json(&verified);
    assert_eq!(
        (&verified["ok"], &verified["unclaimed_bytes"]),
        (&true.into(), &0.into())
    );
    let again = run(&["rebuild", "--data", path(data)]);
    assert!(
        text(&again.stdout).contains("0 batches taken in"),
        "{}",
        text(&again.stdout)
    );
}

#[test]
fn a_lost_database_is_made_anew_from_the_packs() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path());
    let before = answers(&data);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(data.join(format!("overread.sqlite{end}")));
    }
    check_rebuilt(&data, dir.path(), &before);
}

#[test]
fn a_lost_postgresql_is_made_anew_from_a_bucket() {
    let Some(outside) = Outside::new("rebuilding") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (first, data) = (filled(dir.path()), dir.path().join("there"));
    outside.configure(&data, None, None);
    let moved = run(&["migrate", "--data", path(&first), "--to", path(&data)]);
    assert!(moved.status.success(), "{}", text(&moved.stderr));
    let before = answers(&data);
    let new = outside.with_new_database();
    new.configure(&data, None, None);
    check_rebuilt(&data, dir.path(), &before);
}

#[test]
fn nothing_is_rebuilt_beside_a_server_or_where_nothing_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path());
    let mut server = Server::start(&data, &[]);
    let refused = run(&["rebuild", "--data", path(&data)]);
    let said = text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("serves the data folder"),
        "{said}"
    );
    server.stop();
    let refused = run(&["rebuild", "--data", path(&dir.path().join("nowhere"))]);
    let said = text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("is no data folder"),
        "{said}"
    );
}

#[test]
fn a_running_server_proves_the_archive_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path());
    let mut server = Server::start(&data, &[]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let proven = runtime.block_on(async {
        let store = Store::open_sqlite(&data.join("overread.sqlite"))
            .await
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let proven = loop {
            let state = scrubbing::state(&mut store.read().await.unwrap())
                .await
                .unwrap();
            if let Some(state) = state.filter(|state| state.finished_at.is_some()) {
                break Some(state);
            }
            if Instant::now() > deadline {
                break None;
            }
            tokio::task::yield_now().await;
        };
        store.close().await;
        proven
    });
    let proven = proven.expect("nothing was proven in a minute");
    assert_eq!((proven.instances, proven.last_damaged.as_str()), (5, ""));
    server.stop();
}

#[test]
fn what_the_proof_found_damaged_is_given_out_by_no_address() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path());
    let spec = InstanceSpec::mr(71, 2, 3).at_z_mm(12.0);
    let file = spec.part10().unwrap();
    let shelves = std::fs::read_dir(data.join("archive/packs")).unwrap();
    let packs = shelves.flat_map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap());
    let changed = packs.map(|pack| pack.unwrap().path()).find_map(|pack| {
        let mut bytes = std::fs::read(&pack).unwrap();
        let at = bytes.windows(file.len()).position(|part| part == file)?;
        bytes[at + file.len() - 1] ^= 1;
        std::fs::write(pack, bytes).unwrap();
        Some(at)
    });
    assert!(changed.is_some(), "the image lies in a pack");
    let doors = Doors::open(&data);
    let client = doors.client();
    let study = format!("/dicom-web/studies/{}", spec.study_instance_uid);
    let series = format!("{study}/series/{}", spec.series_instance_uid);
    let instance = format!("{series}/instances/{}", spec.sop_instance_uid);
    let asked = |address: &str, accept: &str| {
        let what = format!("GET {address}");
        client.ask(&what, &format!("Accept: {accept}\r\n"), b"")
    };
    let dicom = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
    let begun = Instant::now();
    let refused = loop {
        let (status, body) = asked(&instance, dicom).expect("an answer");
        if status != 200 {
            break (status, text(&body));
        }
        assert!(begun.elapsed() < PATIENCE, "it is given out for ever");
    };
    assert!(
        refused.0 == 500 && refused.1.contains("damaged"),
        "{refused:?}"
    );
    for (address, accept) in [
        (
            format!("{instance}/frames/1"),
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
        ),
        (
            format!("{instance}/bulkdata"),
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
        ),
        (format!("{instance}/rendered"), "image/png"),
        (format!("{instance}/thumbnail"), "image/jpeg"),
        (study.clone(), dicom),
        (series, dicom),
        (study.clone(), "application/zip"),
    ] {
        // An answer that had begun breaks off.
        let status = asked(&address, accept).map(|(status, _)| status);
        assert!(
            status.is_none_or(|status| status >= 400),
            "{address} as {accept}: {status:?}"
        );
    }
    let other = InstanceSpec::mr(71, 2, 1);
    let (study, series) = (&other.study_instance_uid, &other.series_instance_uid);
    let answer = client.instance(study, series, &other.sop_instance_uid);
    assert_eq!(answer.unwrap().0, 200, "others are given out as before");
}
