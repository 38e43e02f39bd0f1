//! Calling other doors: a second Overread, and DCMTK's archive.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use overread_dimse::{Committed, Fetched, FindLevel, Remote, ScuError, Sent};
use overread_model::access::Role;
use overread_model::peers::Purpose;
use overread_model::verdict::Verdict;
use overread_store::deliveries;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{EXPLICIT, MR, Peer};
use overread_testkit::program::{Running, free_port, listening};

use crate::house::{House, NOW};
use crate::retrieving::filled;

#[test]
fn a_second_overread_answers_finds_and_pulls() {
    let there = House::for_reader(Role::Archive, None, 1);
    let specs = filled(&there);
    let here = House::new();
    let (scu, remote) = (here.scu("READER"), there.remote());
    here.wait_for(scu.echo(&remote)).unwrap();
    let keys = [(0x0010_0010, "Nunez*"), (0x0020_000D, "")];
    let found = here
        .wait_for(scu.find(&remote, FindLevel::Study, &keys))
        .unwrap();
    let mut uids: Vec<String> = found
        .iter()
        .map(|answer| answer.text(0x0020_000D))
        .collect();
    uids.sort();
    assert_eq!(
        uids,
        [
            specs[0].study_instance_uid.clone(),
            specs[3].study_instance_uid.clone()
        ]
    );
    assert_eq!(found[0].text(0x0010_0010), "Núñez^Ana");

    // One is here already: it is not asked for again.
    let mut peer = Peer::open(here.address);
    assert_eq!(peer.store(&specs[1]), Some(0));
    peer.release();
    let study = &specs[0].study_instance_uid;
    let pulled = here.wait_for(scu.pull(&remote, study)).unwrap();
    let expect = Fetched {
        listed_count: 3,
        known_count: 1,
        missing_count: 0,
    };
    assert_eq!(pulled, expect);
    for spec in &specs[..3] {
        let data = overread_testkit::peer::data_set(spec);
        assert!(here.bytes_of(spec).unwrap().ends_with(&data));
    }
    assert_eq!(here.instance_count(), 3);
    let again = here.wait_for(scu.pull(&remote, study)).unwrap();
    assert_eq!(again.known_count, 3);
    let unknown = here.wait_for(scu.pull(&remote, "1.2.3"));
    assert!(matches!(unknown, Err(ScuError::NoSuchStudy)), "{unknown:?}");
    let well = |purpose| (purpose, String::new(), true, String::new());
    for purpose in [Purpose::Echo, Purpose::Find, Purpose::Retrieve] {
        let calls = here.calls();
        assert!(calls.contains(&well(purpose)), "{calls:?}");
    }
    assert_eq!(there.calls(), []);
}

#[test]
fn who_is_not_listed_learns_why_nothing_comes() {
    let there = House::for_reader(Role::Archive, None, 1);
    filled(&there);
    let here = House::new();
    let refused = here.wait_for(here.scu("STRANGER").echo(&there.remote()));
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("calling AE title not recognized"), "{said}");
    let keys = [(0x0020_000D, "")];
    let find = here.scu("TOKENLESS");
    let refused = here.wait_for(find.find(&there.remote(), FindLevel::Study, &keys));
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("0124") && said.contains("no token"), "{said}");
    // What a peer writes itself may name a patient, and is not kept.
    let why = "the peer answered with status 0124".to_owned();
    let calls = here.calls();
    let failed = (Purpose::Find, String::new(), true, why);
    assert!(calls.contains(&failed), "{calls:?}");
    let turned_away = calls.iter().any(|(purpose, refused, ..)| {
        *purpose == Purpose::Echo && refused.contains("calling AE title not recognized")
    });
    assert!(turned_away, "{calls:?}");
    let nobody = Remote {
        port: free_port(),
        ..there.remote()
    };
    let said = here.wait_for(here.scu("READER").echo(&nobody)).unwrap_err();
    assert!(said.to_string().contains("cannot be reached"), "{said}");
    let calls = here.calls();
    let in_vain = |(_, refused, ..): &(_, String, _, _)| refused.contains("cannot be reached");
    assert!(calls.iter().any(in_vain), "{calls:?}");
}

#[test]
fn a_study_is_sent_once_and_its_safety_asked_for() {
    let there = House::for_reader(Role::Archive, None, 1);
    let here = House::new();
    let mut peer = Peer::open(here.address);
    let specs: Vec<InstanceSpec> = (1..=4)
        .map(|instance| InstanceSpec::mr(1, 1, instance))
        .collect();
    for spec in &specs {
        assert_eq!(peer.store(spec), Some(0));
    }
    peer.release();
    let (scu, remote) = (here.scu("READER"), there.remote());
    let study = &specs[0].study_instance_uid;
    let committed = here.wait_for(scu.commit(&remote, study)).unwrap();
    assert_eq!(committed, Committed::Reported(0, 4), "nothing is there yet");
    let rows = here.audit_rows();
    for known_count in [0, 4] {
        let sent = here.wait_for(scu.send(&remote, study)).unwrap();
        let expect = Sent {
            held_count: 4,
            known_count,
            ..Sent::default()
        };
        assert_eq!(sent, expect);
        assert_eq!(there.instance_count(), 4);
    }
    let committed = here.wait_for(scu.commit(&remote, study)).unwrap();
    assert_eq!(committed, Committed::Reported(4, 0));
    // What is known there already is not sent, and not said to be.
    assert_eq!(here.audit_rows(), rows + 2);

    // Other bytes under the same UID wait for a person: what the peer means is not safe.
    let contexts = [(MR, vec![EXPLICIT])];
    let mut other = Peer::with(there.address, "READER", &contexts).unwrap();
    let mut changed = specs[2].clone();
    changed.pixels[5] = 99;
    assert_ne!(other.store(&changed), Some(0));
    other.release();
    let committed = here.wait_for(scu.commit(&remote, study)).unwrap();
    assert_eq!(committed, Committed::Reported(3, 1));

    // What a person calls right and is not the stored is as little safe; what is not right need not be.
    let mut wrong = specs[0].clone();
    wrong.pixels[5] = 99;
    let mut other = Peer::with(there.address, "READER", &contexts).unwrap();
    assert_ne!(other.store(&wrong), Some(0));
    other.release();
    for (spec, verdict) in [
        (&changed, Verdict::NewerIsRight),
        (&wrong, Verdict::StoredKept),
    ] {
        there.wait_for(async {
            let mut tx = there.store().begin().await.unwrap();
            let aside = deliveries::list_aside(&mut tx, None, 9).await.unwrap();
            let mut aside = aside.iter();
            let one = aside.find(|one| one.sop_instance_uid == spec.sop_instance_uid);
            let id = &one.unwrap().id;
            let settled = deliveries::settle_aside(&mut tx, id, verdict, "asked", NOW).await;
            assert!(settled.unwrap());
            tx.commit().await.unwrap();
        });
    }
    let committed = here.wait_for(scu.commit(&remote, study)).unwrap();
    assert_eq!(committed, Committed::Reported(3, 1));
}

#[test]
fn a_report_goes_to_the_address_of_who_asked() {
    let here = House::new();
    let there = House::for_reader(Role::Archive, None, here.address.port());
    let mut peer = Peer::with(there.address, "READER", &[(MR, vec![EXPLICIT])]).unwrap();
    let spec = InstanceSpec::mr(1, 1, 1);
    assert_eq!(peer.store(&spec), Some(0));
    peer.release();
    let mut peer = Peer::open(here.address);
    assert_eq!(peer.store(&spec), Some(0));
    peer.release();
    let rows = here.audit_rows();
    let (scu, remote) = (here.scu("STORESCP"), there.remote());
    let asked = scu.commit(&remote, &spec.study_instance_uid);
    assert_eq!(here.wait_for(asked).unwrap(), Committed::Later);
    let start = Instant::now();
    while here.audit_rows() == rows {
        assert!(start.elapsed() < Duration::from_secs(20), "no report came");
        std::thread::yield_now();
    }
    let well = (Purpose::Commit, String::new(), true, String::new());
    let mut calls = there.calls();
    while !calls.contains(&well) {
        assert!(start.elapsed() < Duration::from_secs(40), "{calls:?}");
        there.wait_for(async { tokio::time::sleep(Duration::from_millis(20)).await });
        calls = there.calls();
    }
}

/// Starts DCMTK's archive, which knows our door as `OVERREAD`; it listens when this returns.
fn archive(folder: &Path, ours: u16, options: &[&str]) -> Option<(Running, Remote)> {
    let program = Path::new("/usr/bin/dcmqrscp");
    if !program.exists() {
        return None;
    }
    let port = free_port();
    let store = folder.join("store");
    std::fs::create_dir(&store).unwrap();
    let config = format!(
        "NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n\
         HostTable BEGIN\noverread = (OVERREAD, 127.0.0.1, {ours})\nHostTable END\n\
         VendorTable BEGIN\nVendorTable END\nAETable BEGIN\n\
         QR {} RW (200, 1024mb) ANY\nAETable END\n",
        store.display()
    );
    let file = folder.join("qr.cfg");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(program);
    command.args(["-c", file.to_str().unwrap()]).args(options);
    let qr = listening(&mut command, port);
    let remote = Remote {
        ae_title: "QR".parse().unwrap(),
        host: "127.0.0.1".to_owned(),
        port,
        tls: false,
    };
    Some((qr, remote))
}

#[test]
fn a_study_goes_to_an_archive_and_comes_back_by_get_or_move() {
    for options in [&[][..], &["--disable-get"]] {
        let folder = tempfile::tempdir().unwrap();
        let (sender, receiver) = (House::new(), House::new());
        let ours = receiver.address.port();
        let Some((_qr, remote)) = archive(folder.path(), ours, options) else {
            return;
        };
        let mut peer = Peer::open(sender.address);
        let specs: Vec<InstanceSpec> = (1..=3)
            .map(|instance| InstanceSpec::mr(1, 1, instance))
            .collect();
        for spec in &specs {
            assert_eq!(peer.store(spec), Some(0));
        }
        peer.release();
        let study = &specs[0].study_instance_uid;
        let sent = sender
            .wait_for(sender.scu("OVERREAD").send(&remote, study))
            .unwrap();
        assert_eq!(
            (sent.held_count, sent.failed_count),
            (3, 0),
            "{options:?} {}",
            sent.why
        );
        let pulled = receiver
            .wait_for(receiver.scu("OVERREAD").pull(&remote, study))
            .unwrap();
        assert_eq!(
            (pulled.listed_count, pulled.missing_count),
            (3, 0),
            "{options:?}"
        );
        assert_eq!(receiver.instance_count(), 3);
        for spec in &specs {
            let bytes = receiver.bytes_of(spec).unwrap();
            let pixels: Vec<u8> = spec
                .pixels
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            assert!(bytes.ends_with(&pixels), "{options:?}");
        }
    }
}
