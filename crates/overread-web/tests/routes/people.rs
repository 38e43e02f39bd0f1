//! `/people` and `/reviewers`.

use http::StatusCode;
use overread_model::access::Role;
use overread_model::peers::{Call, Peer, ProposedContext, Purpose};
use overread_model::time::Timestamp;
use overread_store::peer_calls::{self, CallKey};
use overread_store::refused_callers;
use overread_store::scrubbing::{self, Scrub};
use overread_workflow::callers;

use crate::door::{Door, now, peer, peers};

#[tokio::test]
async fn only_those_who_run_the_house_see_people_and_reviewers() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    for other in [&patient, &reviewer] {
        for path in [
            "/people",
            "/reviewers",
            "/reviewers/new",
            "/reviewers/aaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            let status = other.get(path).await.status;
            assert!(
                matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND),
                "{path}: {status}"
            );
        }
    }
    ada.act_as(Role::Administrator).await;
    let list = ada.get("/people").await;
    assert!(list.body.contains("Pat Patient") && list.body.contains("Rae Reviewer"));
}

#[tokio::test]
async fn a_reviewer_is_added_and_shown_escaped() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    ada.act_as(Role::Coordinator).await;
    let fields = [
        ("name", "Dr. <b>Rae</b>"),
        ("credentials", "MD"),
        ("kind", "radiologist"),
        ("email", "rae@example.org"),
        ("subspecialties", "neuroradiology"),
        ("subspecialties", "207XS0117X"),
        ("modalities", "MR"),
        ("institution", "University"),
        ("licence_regions", "US-WA, ES"),
        ("languages", "en\nes"),
        ("fee", "350"),
        ("currency", "USD"),
        ("turnaround_business_days", "3"),
        ("capacity", "5"),
        ("credentials_checked_on", "2026-01-10"),
        ("credentials_source", "State board"),
    ];
    let made = ada.post("/reviewers", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let list = ada.get("/reviewers").await;
    assert!(
        list.body.contains("&#60;b&#62;Rae")
            && list.body.contains("USD 350.00")
            && list.body.contains("US-WA, ES"),
        "{}",
        list.body
    );
    // A kind of clinical specialist has a name, too, and is still ticked where the entry is changed.
    assert!(
        list.body.contains(", Orthopaedic surgery of the spine<br>")
            && !list.body.contains("207XS0117X"),
        "{}",
        list.body
    );
    // Behind the link to a new one.
    let link = list.body.split("href=\"/reviewers/").nth(2).unwrap();
    let id = link.split('"').next().unwrap();
    let entry = ada.get(&format!("/reviewers/{id}")).await.body;
    assert!(entry.contains("value=\"207XS0117X\" checked"), "{entry}");
    let wrong = ada.post("/reviewers", &[("name", "")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn who_is_signed_in_was_here() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let list = ada.get("/people").await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.body);
    assert!(list.body.contains("Ada Administrator") && !list.body.contains("never"));
    // Nobody else is there: the page says what to do first, and no more once somebody was invited.
    let first = "What to do first";
    assert!(list.body.contains(first) && list.body.contains("Invite a coordinator"));
    let guest = [
        ("name", "Cora"),
        ("email", "cora@example.org"),
        ("role", "coordinator"),
        ("language", "en"),
    ];
    let invited = ada.post("/people/invite", &guest).await;
    assert_eq!(invited.status, StatusCode::OK, "{}", invited.body);
    assert!(!ada.get("/people").await.body.contains(first));
    // Without a session there is a way back in.
    let (cookie, csrf) = (std::mem::take(&mut ada.cookie), ada.csrf.clone());
    let refused = ada
        .post_as_is("/account/role", &[("csrf", &csrf), ("role", "patient")])
        .await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.body);
    assert!(
        refused.body.contains("href=\"/sign-in\""),
        "{}",
        refused.body
    );
    ada.cookie = cookie;
    let missing = ada.get("/nowhere").await;
    assert!(!missing.body.contains("href=\"/sign-in\""));
}

#[tokio::test]
async fn who_called_over_the_dicom_network_is_for_administrators() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let empty = ada.get("/dicom-peers").await;
    assert!(empty.body.contains("Nobody was called yet"));
    note_a_call(&door).await;
    // It was refused before the server started.
    let before = Peer {
        asked_at: now().plus_days(-3),
        ..peer("CT9", "its title is unknown")
    };
    let mut tx = door.workflow.store.begin().await.unwrap();
    let noted = refused_callers::note(&mut tx, &before, before.address).await;
    noted.unwrap();
    tx.commit().await.unwrap();
    let page = ada.get("/dicom-peers").await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "MR1",
        "CT9",
        "before this server started or at another node.",
        "Images refused",
        "MR Image Storage",
        "this caller may not store here",
        "Add an entry.",
        "called OVERREAD",
        "our title is OVERREAD",
        "Failed before,",
        "its certificate is over",
        "In all 2 associations since this server started.",
        "Request refused",
        "Refused 3 times: the case is full",
        "Sending: PACS1",
        "at pacs.example:104",
        "it does not offer this",
        "the peer answered with status A700",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains("Broke off</span>"), "{}", page.body);
    // What was refused in an association is kept as who was refused is.
    callers::keep(&door.workflow, &peers(), now(), now())
        .await
        .unwrap();
    let kept = refused_callers::list(&mut door.workflow.store.read().await.unwrap()).await;
    let mr1 = |peer: &Peer| peer.calling == "MR1" && peer.refused.contains("3 of 5 instances");
    assert!(kept.unwrap().iter().any(mr1));
    // Not over images that were refused.
    assert!(!page.body.contains("Ended well"), "{}", page.body);
    let others = [
        Role::Patient,
        Role::Coordinator,
        Role::Reviewer,
        Role::ReferringPhysician,
        Role::Insurer,
    ];
    for role in others {
        let other = door.join(&mut ada, role, "Otto Other").await;
        let answer = other.get("/dicom-peers").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role}");
        assert!(!answer.body.contains("MR1"), "{role}");
        assert!(!answer.body.contains("PACS1"), "{role}");
    }
}

/// Writes down that an archive was called and refused what it was sent.
async fn note_a_call(door: &Door) {
    let call = Call {
        called: "PACS1".to_owned(),
        address: "pacs.example:104".to_owned(),
        purpose: Purpose::Send,
        asked_at: now(),
        count: 1,
        is_tls: false,
        refused: String::new(),
        implementation: "PACS_1".to_owned(),
        contexts: vec![ProposedContext {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.4".to_owned(),
            transfer_syntax_uids: vec!["1.2.840.10008.1.2".to_owned()],
            answer: Err("it does not offer this".to_owned()),
        }],
        ended_at: None,
        reason: String::new(),
    };
    let key = CallKey {
        called: call.called.clone(),
        address: call.address.clone(),
        purpose: call.purpose,
        asked_at: call.asked_at,
    };
    let mut tx = door.workflow.store.begin().await.unwrap();
    peer_calls::note(&mut tx, &call).await.unwrap();
    let why = "the peer answered with status A700";
    peer_calls::end(&mut tx, &key, now(), why).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_administrator_alone_reads_what_the_proof_of_the_archive_found() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let store = &door.workflow.store;
    let begun = Timestamp::from_micros(1_772_446_500_000_000);
    let mut tx = store.begin().await.unwrap();
    scrubbing::begin(&mut tx, begun).await.unwrap();
    let before = scrubbing::state(&mut tx).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    ada.act_as(Role::Administrator).await;
    let told = ada.get("/people").await.body;
    let goes_on = "0 images were read and found whole so far, and the rest was not read again yet";
    assert!(told.contains(goes_on), "{told}");
    // The round ended before the first image came.
    let empty = Scrub {
        after_pack_id: scrubbing::EVERY_PACK,
        finished_at: Some(begun.as_micros()),
        ..before.clone()
    };
    go_on(&door, &before, &empty).await;
    let told = ada.get("/people").await.body;
    assert!(told.contains("No image was read again yet"), "{told}");
    assert!(!told.contains("found whole"), "{told}");
    let read = Scrub {
        instances: 137,
        ..empty.clone()
    };
    go_on(&door, &empty, &read).await;
    let told = ada.get("/people").await.body;
    let whole =
        "137 images were read again and found whole by the reading that began on March 2, 2026";
    assert!(told.contains(whole), "{told}");
    assert!(told.contains("What came later was not read again yet."));
    let damaged = Scrub {
        last_damaged: "pack 1: it is missing\npack 2: it is missing\n".to_owned(),
        ..read.clone()
    };
    go_on(&door, &read, &damaged).await;
    let told = ada.get("/people").await.body;
    for words in [
        "ended on March 2, 2026, found damage in 2 places",
        "pack 2: it is missing",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // The next round finds one of them, and says so before it ends.
    let mut tx = store.begin().await.unwrap();
    scrubbing::begin(&mut tx, begun).await.unwrap();
    let next = scrubbing::state(&mut tx).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let found = Scrub {
        after_pack_id: 1,
        damaged: "pack 1: it is missing\n".to_owned(),
        ..next.clone()
    };
    go_on(&door, &next, &found).await;
    let told = ada.get("/people").await.body;
    for words in ["found damage in 1 place so far", "found damage in 2 places"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    ada.act_as(Role::Coordinator).await;
    let told = ada.get("/people").await.body;
    assert!(!told.contains("damage"), "{told}");
}

/// Writes how far the proof is.
async fn go_on(door: &Door, before: &Scrub, after: &Scrub) {
    let mut tx = door.workflow.store.begin().await.unwrap();
    assert!(scrubbing::advance(&mut tx, before, after).await.unwrap());
    tx.commit().await.unwrap();
}
