//! `rebuild`: with the database lost, the same answers from the packs alone.

use std::path::Path;
use std::time::{Duration, Instant};

use overread_store::{Store, scrubbing};

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
