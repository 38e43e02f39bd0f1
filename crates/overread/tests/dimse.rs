//! The DICOM network door of the program: ready line, and what `kill -9` leaves.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc;

use overread_store::{Store, refused_callers};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{IMPLICIT, Peer, VERIFICATION};

use crate::serving::{SECRET, Server};

/// Starts a server with both doors.
fn start(data: &Path, token: &Path) -> (Server, SocketAddr) {
    std::fs::write(token, SECRET).unwrap();
    let token = token.to_str().unwrap();
    let arguments = ["--bootstrap-token", token, "--dimse", "127.0.0.1:0"];
    let mut server = Server::start(data, &arguments);
    let line = server.next_line();
    let address = line.strip_prefix("listening on dicom://").unwrap();
    let address = address.parse().unwrap();
    (server, address)
}

fn is_found(server: &Server, spec: &InstanceSpec) -> bool {
    let head = format!(
        "GET /dicom-web/studies/{}/series/{}/instances/{}/metadata HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\nAccept: application/dicom+json",
        spec.study_instance_uid, spec.series_instance_uid, spec.sop_instance_uid
    );
    server.ask(&head, b"").0 == 200
}

#[test]
fn acknowledged_stores_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    let mut acknowledged: Vec<InstanceSpec> = Vec::new();
    for round in 1..=3 {
        let (mut server, address) = start(&data, &token);
        let (tell, told) = mpsc::channel();
        let lanes: Vec<_> = (1..=2)
            .map(|lane| {
                let tell = tell.clone();
                std::thread::spawn(move || {
                    let mut peer = Peer::open(address);
                    for instance in 1.. {
                        let spec = InstanceSpec::mr(round, lane, instance);
                        match peer.store(&spec) {
                            Some(0) => tell.send(spec).unwrap(),
                            Some(other) => panic!("status {other:04x}"),
                            // The server is gone.
                            None => return,
                        }
                    }
                })
            })
            .collect();
        drop(tell);
        acknowledged.extend(told.iter().take(20 * round as usize));
        server.kill();
        acknowledged.extend(told);
        for lane in lanes {
            lane.join().unwrap();
        }
    }
    let (server, _) = start(&data, &token);
    for spec in &acknowledged {
        assert!(is_found(&server, spec), "{}", spec.sop_instance_uid);
    }
    drop(server);
    let proof = crate::program::run(&["verify", "--json", "--data", data.to_str().unwrap()]);
    // What was synced and not acknowledged is for a rebuild, and no damage.
    let report = crate::program::json(&proof);
    assert_eq!(report["damaged"], serde_json::json!([]));
}

#[test]
fn a_stop_ends_both_doors() {
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    let (mut server, address) = start(&data, &token);
    let mut peer = Peer::open(address);
    let spec = InstanceSpec::mr(9, 1, 1);
    assert_eq!(peer.store(&spec), Some(0));
    assert!(is_found(&server, &spec));
    server.stop();
}

#[test]
fn who_was_refused_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    std::fs::create_dir_all(&data).unwrap();
    let known = "[[dimse.callers]]\nae_title = 'MR1'\naddresses = ['127.0.0.1']\n";
    std::fs::write(data.join("config.toml"), known).unwrap();
    let call = |address, title| Peer::with(address, title, &[(VERIFICATION, vec![IMPLICIT])]);
    let (mut server, address) = start(&data, &token);
    assert!(call(address, "STRANGER").is_err());
    call(address, "MR1").unwrap().release();
    server.stop();
    let refused = || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = Store::open_sqlite(&data.join("overread.sqlite")).await;
            let store = store.unwrap();
            let list = refused_callers::list(&mut store.read().await.unwrap()).await;
            store.close().await;
            list.unwrap()
        })
    };
    let list = refused();
    assert_eq!(list.len(), 1);
    assert_eq!(
        (list[0].calling.as_str(), list[0].called.as_str()),
        ("STRANGER", "OVERREAD")
    );
    assert!(!list[0].refused.is_empty() && !list[0].advice.is_empty());
    // Once it may call, its refusal is history.
    let both =
        format!("{known}[[dimse.callers]]\nae_title = 'STRANGER'\naddresses = ['127.0.0.1']\n");
    std::fs::write(data.join("config.toml"), both).unwrap();
    let (mut server, address) = start(&data, &token);
    call(address, "STRANGER").unwrap().release();
    server.stop();
    assert!(refused().is_empty());
}
