//! Who and what is refused, and how the peer is told.

use std::io::Read;
use std::net::IpAddr;

use dicom_ul::association::Error;
use dicom_ul::pdu::{
    AssociationRJ, AssociationRJResult, AssociationRJServiceUserReason, AssociationRJSource,
};
use overread_dimse::{Caller, Callers, Committed, limits};
use overread_ingest::{DeliveryOptions, DeliverySource, Wanted};
use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, DeletionId};
use overread_model::keeping::Quota;
use overread_model::refusal::{RefusalReason, RefusedSort};
use overread_store::cases;
use overread_store::deletions::{self, NewDeletion};
use overread_store::{quotas, refused_files, studies};
use overread_testkit::case;
use overread_testkit::dicom::InstanceSpec;
use overread_testkit::peer::{EXPLICIT, IMPLICIT, MR, Peer, VERIFICATION, data_set, request};

use crate::house::{House, NOW, config};

#[test]
fn a_broken_data_set_is_not_understood_and_harms_nothing() {
    let house = House::new();
    let mut peer = Peer::open(house.address);
    let spec = InstanceSpec::mr(1, 1, 1);
    let uid = &spec.sop_instance_uid;
    let whole = data_set(&spec);
    assert_eq!(peer.store_as(MR, uid, b"this is no data set"), Some(0xC000));
    assert_eq!(peer.store_as(MR, uid, &[]), Some(0xC000));
    assert_eq!(peer.store_as(MR, uid, &whole[..100]), Some(0xC000));
    let cut = &whole[..whole.len() - 9];
    assert_eq!(peer.store_as(MR, uid, cut), Some(0xC000), "half its pixels");
    assert_eq!(house.instance_count(), 0);
    assert_eq!(peer.store(&spec), Some(0), "the association goes on");
    peer.release();
}

#[test]
fn what_the_command_and_the_data_set_name_must_agree() {
    let house = House::new();
    let mut peer = Peer::open(house.address);
    let spec = InstanceSpec::mr(1, 1, 1);
    let (uid, whole) = (&spec.sop_instance_uid, data_set(&spec));
    assert_eq!(peer.store_as(MR, "1.2.3.4.5", &whole), Some(0xA900));
    let mut other = spec.clone();
    other.sop_class_uid = "1.2.840.10008.5.1.4.1.1.2".to_owned();
    assert_eq!(peer.store_as(MR, uid, &data_set(&other)), Some(0xA900));
    let ct = "1.2.840.10008.5.1.4.1.1.2";
    assert_eq!(peer.store_as(ct, uid, &whole), Some(0x0122));
    assert_eq!(peer.store_as(MR, "../etc", &whole), Some(0xC000));
    assert_eq!(house.instance_count(), 0);
    assert_eq!(peer.store(&spec), Some(0));
    let mut changed = spec.clone();
    changed.pixels[3] = 77;
    assert_eq!(peer.store(&changed), Some(0x0110), "kept aside");
    assert!(house.bytes_of(&spec).unwrap().ends_with(&whole));
    peer.release();
}

/// Makes a case that holds so much.
fn limit(house: &House, case_id: &CaseId, quota: Quota) {
    house.wait_for(async {
        let mut tx = house.ingest.store().begin().await.unwrap();
        cases::insert(&mut tx, &case::row(case_id, NOW))
            .await
            .unwrap();
        quotas::set(&mut tx, case_id, quota, "a test", "p", NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
}

#[test]
fn what_a_full_case_refused_is_never_called_safe() {
    let case_id = CaseId::from_random([5; 16]);
    let house = House::for_reader(Role::Archive, Some(&case_id), 1);
    let quota = Quota {
        bytes: 1 << 20,
        instances: 1,
    };
    limit(&house, &case_id, quota);
    let (spec, second) = (InstanceSpec::mr(1, 1, 1), InstanceSpec::mr(1, 1, 2));
    let scanner = House::new();
    let mut peer = Peer::open(scanner.address);
    for spec in [&spec, &second] {
        assert_eq!(peer.store(spec), Some(0));
    }
    peer.release();
    let (scu, remote) = (scanner.scu("READER"), house.remote());
    let check = |expect: Committed| {
        let asked = scu.commit(&remote, &spec.study_instance_uid);
        assert_eq!(scanner.wait_for(asked).unwrap(), expect);
    };
    let contexts = [(MR, vec![EXPLICIT])];
    let mut peer = Peer::with(house.address, "READER", &contexts).unwrap();
    assert_eq!(peer.store(&spec), Some(0));
    assert_eq!(peer.store(&second), Some(0xA700), "no room");
    check(Committed::Reported(1, 1));
    // The scanner's own may be the other content, which was not kept.
    let mut changed = spec.clone();
    changed.pixels[5] = 99;
    assert_eq!(peer.store(&changed), Some(0xA700), "no room");
    peer.release();
    check(Committed::Reported(0, 2));
}

#[test]
fn what_came_without_a_case_joins_it_when_it_is_sent_again() {
    let case_id = CaseId::from_random([6; 16]);
    let house = House::for_reader(Role::Archive, Some(&case_id), 1);
    let quota = |instances| Quota {
        bytes: 1 << 20,
        instances,
    };
    limit(&house, &case_id, quota(1));
    let specs = [InstanceSpec::mr(1, 1, 1), InstanceSpec::mr(1, 1, 2)];
    house.wait_for(async {
        let mut delivery = house
            .ingest
            .one_by_one(&DeliveryOptions {
                case_id: None,
                actor: Actor::System,
                now: NOW,
                source: DeliverySource::Dimse,
            })
            .unwrap();
        for spec in &specs {
            let mut part = house.ingest.receive().await.unwrap();
            part.push(&spec.part10().unwrap()).await.unwrap();
            let part = part.finish().await.unwrap();
            let stored = delivery.store(part, &Wanted::default(), NOW).await;
            assert!(stored.unwrap().result.is_ok());
        }
    });
    let used = || {
        house.wait_for(async {
            let mut tx = house.ingest.store().read().await.unwrap();
            quotas::usage(&mut tx, &case_id).await.unwrap().instances
        })
    };
    let contexts = [(MR, vec![EXPLICIT])];
    let mut peer = Peer::with(house.address, "READER", &contexts).unwrap();
    // One of two images would bring both into a case that has room for one.
    assert_eq!(peer.store(&specs[0]), Some(0xA700), "no room");
    assert_eq!(used(), 0);
    house.wait_for(async {
        let mut tx = house.ingest.store().begin().await.unwrap();
        let set = quotas::set(&mut tx, &case_id, quota(2), "a test", "p", NOW);
        set.await.unwrap();
        tx.commit().await.unwrap();
    });
    for spec in &specs {
        assert_eq!(peer.store(spec), Some(0));
    }
    peer.release();
    assert_eq!(used(), 2);
}

#[test]
fn a_full_case_and_a_deleted_exam_are_told() {
    let case_id = CaseId::from_random([4; 16]);
    let house = House::for_reader(Role::Archive, Some(&case_id), 1);
    let quota = Quota {
        bytes: 1 << 20,
        instances: 1,
    };
    let (first, second) = (InstanceSpec::mr(1, 1, 1), InstanceSpec::mr(1, 1, 2));
    limit(&house, &case_id, quota);
    let contexts = [(MR, vec![EXPLICIT])];
    let mut peer = Peer::with(house.address, "READER", &contexts).unwrap();
    assert_eq!(peer.store(&first), Some(0));
    assert_eq!(peer.store(&second), Some(0xA700), "no room");
    assert_eq!(peer.store(&first), Some(0), "the same again needs none");
    peer.release();
    let seen = house.seen(|peer| peer.ended.is_some());
    let (why, times) = &seen.ended.unwrap().refusals[0];
    assert!(
        why.contains("holds as much as it may") && why.contains("A700"),
        "{why}"
    );
    assert_eq!(*times, 1);
    let lacking = house.wait_for(async {
        let mut tx = house.ingest.store().read().await.unwrap();
        let lacking = refused_files::lacking(&mut tx, &case_id).await;
        lacking.unwrap()
    });
    let lacks = |one: &refused_files::Lacking| (one.sort, one.reason, one.count);
    let image = (RefusedSort::Instance, RefusalReason::NoRoom, 1);
    assert_eq!(lacking.iter().map(lacks).collect::<Vec<_>>(), [image]);
    let mut peer = Peer::with(house.address, "READER", &contexts).unwrap();
    house.wait_for(async {
        let mut tx = house.ingest.store().begin().await.unwrap();
        let study = studies::key_of(&mut tx, &first.study_instance_uid).await;
        let new = NewDeletion {
            id: &DeletionId::from_random([1; 16]),
            study: study.unwrap().unwrap(),
            reason: "a test",
            erase_at: NOW.plus_days(30),
        };
        let marked = deletions::mark(&mut tx, &new, &Actor::System, NOW).await;
        assert!(marked.unwrap());
        tx.commit().await.unwrap();
    });
    assert_eq!(peer.store(&first), Some(0x0124), "not authorised");
    assert_eq!(peer.store(&second), Some(0x0124));
    assert!(house.bytes_of(&first).is_none());
    peer.release();
}

#[test]
fn queries_and_retrievals_are_refused_without_an_entry() {
    let house = House::new();
    let find = "1.2.840.10008.5.1.4.1.2.2.1";
    let contexts = [
        (VERIFICATION, vec![IMPLICIT]),
        (find, vec![IMPLICIT]),
        ("1.2.840.10008.5.1.4.1.2.2.2", vec![IMPLICIT]),
        ("1.2.840.10008.5.1.4.1.2.2.3", vec![IMPLICIT]),
    ];
    let mut peer = Peer::with(house.address, "TESTPEER", &contexts).unwrap();
    let accepted = peer.association.presentation_contexts();
    assert_eq!(accepted.len(), 1, "{accepted:?}");
    let context = accepted[0].id;
    peer.command(context, request(0x0020, find, "")).unwrap();
    assert_eq!(peer.status(), Some(0x0122), "all the same");
    assert_eq!(peer.echo(), Some(0));
    let only_find = [(find, vec![IMPLICIT])];
    assert!(Peer::with(house.address, "TESTPEER", &only_find).is_err());
}

fn rejection(tried: Result<Peer, Error>) -> AssociationRJ {
    match tried.expect_err("a refusal") {
        Error::Rejected { association_rj, .. } => association_rj,
        other => panic!("{other}"),
    }
}

#[test]
fn only_who_is_listed_may_call() {
    let here = "127.0.0.1".parse().unwrap();
    let elsewhere = "192.0.2.1".parse().unwrap();
    let caller = |title: &str, address| Caller::storing(title.parse().unwrap(), vec![address]);
    let contexts = [(MR, vec![EXPLICIT])];
    let check = |listed: Caller, calling: &str, expect: &str| {
        let house = House::with(overread_dimse::DoorConfig {
            callers: Callers(vec![listed]),
            ..config()
        });
        let tried = Peer::with(house.address, calling, &contexts);
        if expect.is_empty() {
            tried.unwrap().release();
            return;
        }
        let seen = house.seen(|peer| !peer.refused.is_empty());
        assert!(seen.refused.contains(expect), "{}", seen.refused);
        assert_eq!(
            (seen.calling.as_str(), seen.called.as_str()),
            (calling, "OVERREAD")
        );
        assert!(!seen.advice.is_empty());
        let told = rejection(tried);
        let reason = AssociationRJServiceUserReason::CallingAETitleNotRecognized;
        assert_eq!(told.result, AssociationRJResult::Permanent);
        assert_eq!(told.source, AssociationRJSource::ServiceUser(reason));
    };
    check(caller("MR1", here), "MR1", "");
    check(caller("MR1", "127.0.0.0/8".parse().unwrap()), "MR1", "");
    check(caller("MR1", here), "MR2", "no entry of dimse.callers");
    check(caller("MR1", here), "mr1", "other capital letters");
    check(caller("MR1", elsewhere), "MR1", "names other addresses");
}

/// Asks for an association under this called title; the peer of the other tests calls ours.
fn calls(house: &House, called: &str) -> Result<(), Error> {
    let options = dicom_ul::association::client::ClientAssociationOptions::new()
        .calling_ae_title("MR1")
        .called_ae_title(called)
        .with_presentation_context(VERIFICATION, vec![IMPLICIT]);
    let association = options.establish(house.address)?;
    association.release()
}

#[test]
fn another_called_title_is_told_or_refused_as_is_set() {
    let house = House::new();
    calls(&house, "OVERREAD").unwrap();
    assert!(house.seen(|peer| peer.ended.is_some()).remarks.is_empty());
    calls(&house, "OVEREAD").unwrap();
    let seen = house.seen(|peer| peer.called == "OVEREAD");
    assert!(seen.remarks[0].contains("our title is OVERREAD"));
    let house = House::with(overread_dimse::DoorConfig {
        only_own_title: true,
        ..config()
    });
    calls(&house, "OVERREAD").unwrap();
    let told = match calls(&house, "OVEREAD").expect_err("a refusal") {
        Error::Rejected { association_rj, .. } => association_rj.source,
        other => panic!("{other}"),
    };
    let reason = AssociationRJServiceUserReason::CalledAETitleNotRecognized;
    assert_eq!(told, AssociationRJSource::ServiceUser(reason));
    let seen = house.seen(|peer| !peer.refused.is_empty());
    assert!(
        seen.refused.contains("another AE title"),
        "{}",
        seen.refused
    );
}

#[test]
fn whoever_asks_for_no_association_is_told_of_too() {
    use std::io::Write as _;
    let house = House::with(overread_dimse::DoorConfig {
        request: crate::house::SHORT,
        ..config()
    });
    let check = |sent: &[u8], expect: &str| {
        let mut stream = std::net::TcpStream::connect(house.address).unwrap();
        stream.write_all(sent).unwrap();
        let seen = house.seen(|peer| peer.refused.contains(expect));
        assert_eq!(seen.calling, "?");
        assert!(!seen.advice.is_empty());
    };
    check(&[22, 3, 1, 2, 0, 1, 0, 1], "speaks TLS");
    check(b"GET / HTTP/1.1\r\n\r\n", "no PDU");
    check(b"", "asked for no association in time");
}

#[test]
fn one_association_too_many_is_told_to_come_back() {
    let house = House::new();
    let contexts = [(VERIFICATION, vec![IMPLICIT])];
    let open = || Peer::with(house.address, "TESTPEER", &contexts);
    let mut peers: Vec<Peer> = (0..limits::ASSOCIATIONS_OF_ONE_CALLER)
        .map(|_| open().unwrap())
        .collect();
    assert_eq!(rejection(open()).result, AssociationRJResult::Transient);
    let mut other = Peer::with(house.address, "OTHER", &contexts).unwrap();
    assert_eq!(
        other.echo(),
        Some(0),
        "another caller has a share of its own"
    );
    let seen = house.seen(|peer| !peer.refused.is_empty());
    assert!(
        seen.refused.contains("as many associations"),
        "{}",
        seen.refused
    );
    assert_eq!(peers[0].echo(), Some(0));
}

#[test]
fn idle_connections_keep_out_neither_a_named_caller_nor_a_new_network() {
    let anywhere = Caller::storing("PACS".parse().unwrap(), Vec::new());
    let named = |host: u8| {
        Caller::storing(
            "MR1".parse().unwrap(),
            vec![IpAddr::from([127, 0, 0, host]).into()],
        )
    };
    let contexts = [(VERIFICATION, vec![IMPLICIT])];
    // The peer comes from 127.0.0.1: once as the address that is named, once as one more that is not.
    for (named_host, calling) in [(1, "MR1"), (9, "PACS")] {
        let house = House::with(overread_dimse::DoorConfig {
            callers: Callers(vec![anywhere.clone(), named(named_host)]),
            ..config()
        });
        let mut idle: Vec<_> = (0..limits::UNNAMED)
            .map(|number| house.idle_from(2 + (number / limits::UNNAMED_OF_ONE_NETWORK) as u8))
            .collect();
        let mut one_more = house.idle_from(2);
        assert_eq!(one_more.read(&mut [0; 8]).unwrap_or(0), 0, "hung up on");
        let mut peer = Peer::with(house.address, calling, &contexts).unwrap();
        assert_eq!(peer.echo(), Some(0), "{calling}");
        idle.clear();
    }
}

#[test]
fn room_is_made_by_an_idle_association_with_an_abort_and_never_by_one_that_stores() {
    let anywhere = Caller::storing("PACS".parse().unwrap(), Vec::new());
    let house = House::with(overread_dimse::DoorConfig {
        callers: Callers(vec![anywhere]),
        ..config()
    });
    let contexts = [(VERIFICATION, vec![IMPLICIT]), (MR, vec![EXPLICIT])];
    let open = || Peer::with(house.address, "PACS", &contexts).unwrap();
    let mut peers: Vec<Peer> = (0..limits::UNNAMED_OF_ONE_NETWORK)
        .map(|_| open())
        .collect();
    let mut storing = peers.pop().unwrap();
    assert_eq!(storing.store(&InstanceSpec::mr(1, 1, 1)), Some(0));
    // Nobody else can give a place: each of them has one.
    let others = (limits::UNNAMED - limits::UNNAMED_OF_ONE_NETWORK) as u8;
    let _idle: Vec<_> = (0..others).map(|host| house.idle_from(2 + host)).collect();
    let _newcomer = house.idle_from(2 + others);
    let mut newest = peers.pop().unwrap();
    let mut answer = Vec::new();
    let stream = newest.association.inner_stream();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    stream.read_to_end(&mut answer).expect("the door closes");
    assert_eq!(
        (answer.first(), answer.len()),
        (Some(&0x07), 10),
        "{answer:x?}"
    );
    assert_eq!(storing.store(&InstanceSpec::mr(1, 1, 2)), Some(0));
    for peer in &mut peers {
        assert_eq!(peer.echo(), Some(0));
    }
}
