//! The DICOM network door of the program: ready line, and what `kill -9` leaves.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc;

use overread_store::{Store, refused_callers};
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{EXPLICIT, IMPLICIT, MR, Peer, VERIFICATION, request};

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

/// Lists who is known to have been refused, while no server runs.
fn refused(data: &Path) -> Vec<overread_model::peers::Peer> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open_sqlite(&data.join("overread.sqlite")).await;
        let store = store.unwrap();
        let list = refused_callers::list(&mut store.read().await.unwrap()).await;
        store.close().await;
        list.unwrap()
    })
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
    let refused = || refused(&data);
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

#[test]
fn what_was_refused_within_an_association_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    std::fs::create_dir_all(&data).unwrap();
    let find = "1.2.840.10008.5.1.4.1.2.2.1";
    let never_made = "a".repeat(26);
    let callers = format!(
        "[[dimse.callers]]\nae_title = 'MR1'\n\n[[dimse.callers]]\nae_title = 'DESK'\nmay = ['find']\ntoken = '{never_made}'\n"
    );
    std::fs::write(data.join("config.toml"), callers).unwrap();
    let (mut server, address) = start(&data, &token);
    let contexts = [(MR, vec![EXPLICIT])];
    let mut scanner = Peer::with(address, "MR1", &contexts).unwrap();
    let spec = InstanceSpec::mr(1, 1, 1);
    assert_eq!(scanner.store(&spec), Some(0));
    let ct = "1.2.840.10008.5.1.4.1.1.2";
    assert_eq!(
        scanner.store_as(ct, &spec.sop_instance_uid, &[0; 8]),
        Some(0x0122)
    );
    scanner.release();
    let mut desk = Peer::with(address, "DESK", &[(find, vec![IMPLICIT])]).unwrap();
    desk.command(1, request(0x0020, find, "")).unwrap();
    assert_eq!(desk.status(), Some(0x0124));
    desk.release();
    server.stop();
    let list = refused(&data);
    let words = |title: &str| {
        let found = list.iter().find(|peer| peer.calling == title);
        found.map(|peer| peer.refused.clone()).unwrap_or_default()
    };
    assert!(
        words("MR1").starts_with("1 of 2 instances were refused"),
        "{list:?}"
    );
    assert!(words("DESK").contains("token of this entry"), "{list:?}");
    // An association in which all went well makes it history.
    let (mut server, address) = start(&data, &token);
    let mut scanner = Peer::with(address, "MR1", &contexts).unwrap();
    assert_eq!(scanner.store(&spec), Some(0));
    scanner.release();
    server.stop();
    assert!(refused(&data).iter().all(|peer| peer.calling == "DESK"));
}
