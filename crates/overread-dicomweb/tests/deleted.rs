//! What is deleted is there for nobody, whoever saw it is told so, and nothing is added to it; a full case says so.

use axum::http::StatusCode;
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::{CaseId, DeletionId, LinkId};
use overread_model::keeping::Quota;
use overread_model::time::Timestamp;
use overread_store::deletions::{self, NewDeletion};
use overread_store::links::{self, LinkRow};
use overread_store::studies::link_pending;
use overread_store::{cases, quotas};

use crate::house::{House, archive_token, multipart, person};
use crate::made::Made;
use crate::reads::row;
use crate::wado::wado;

const NOW: Timestamp = Timestamp::from_micros(1_772_446_500_000_000);

/// Takes the first study out of everybody's reach; returns when it can be erased.
pub(crate) async fn delete(house: &House) -> (DeletionId, Timestamp) {
    let study = house.study_key("1.2.3").await;
    let new = NewDeletion {
        id: &DeletionId::from_random([1; 16]),
        study,
        reason: "a test",
        erase_at: NOW.plus_days(30),
    };
    let mut tx = house.store.begin().await.unwrap();
    let marked = deletions::mark(&mut tx, &new, &archive_token(), NOW).await;
    assert!(marked.unwrap());
    tx.commit().await.unwrap();
    (new.id.clone(), new.erase_at)
}

/// Every kind of address below a study.
fn single() -> [String; 10] {
    let instance = Made::default().url();
    let study = "/studies/1.2.3";
    [
        format!("{study}/metadata"),
        format!("{study}/series/1.2.3.1/metadata"),
        format!("{instance}/metadata"),
        study.to_owned(),
        instance.clone(),
        format!("{instance}/frames/1"),
        format!("{instance}/bulkdata/7FE00010"),
        format!("{study}/pixeldata"),
        format!("{instance}/rendered"),
        format!("{study}/thumbnail"),
    ]
}

async fn statuses(house: &House, actor: Option<&Actor>) -> Vec<StatusCode> {
    let mut out = Vec::new();
    for path in single() {
        let got = house.get_as(actor.cloned(), &path, &[("accept", "*/*")]);
        out.push(got.await.status);
    }
    let uids = "requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.1&objectUID=1.2.3.1.1";
    out.push(wado(house, actor.cloned(), uids, "*/*").await.status);
    out.dedup();
    out
}

#[tokio::test]
async fn no_address_leads_to_it() {
    let house = House::with(&[Made::default(), Made::number(2)]).await;
    // What was asked before may lie ready in memory.
    assert_eq!(
        statuses(&house, Some(&archive_token())).await,
        [StatusCode::OK]
    );
    delete(&house).await;
    assert_eq!(
        statuses(&house, Some(&archive_token())).await,
        [StatusCode::GONE]
    );
    for path in [
        "/studies",
        "/series",
        "/instances",
        "/studies?StudyInstanceUID=1.2.3",
    ] {
        let got = house.get(path, "application/dicom+json").await;
        assert!(
            got.body.is_empty() || got.json().as_array().is_some_and(Vec::is_empty),
            "{path}"
        );
    }
}

/// A link to a case that was made at a moment and is good from another.
pub(crate) async fn link(
    house: &House,
    number: u8,
    case_id: &CaseId,
    (created_at, not_before): (Timestamp, Timestamp),
) -> Actor {
    let link_id = LinkId::from_random([number; 16]);
    let row = LinkRow {
        id: link_id.as_str().to_owned(),
        case_id: case_id.as_str().to_owned(),
        recipient_name: "Dr Treating".to_owned(),
        recipient_email: String::new(),
        created_by: "p".to_owned(),
        created_at: created_at.as_micros(),
        not_before: not_before.as_micros(),
        expires_at: NOW.plus_days(90).as_micros(),
        passcode_hash: None,
        wrong_passcode_count: 0,
        with_images: 1,
        opened_at: None,
        last_used_at: None,
        acknowledged_at: None,
        decided_at: None,
        decision: None,
        decision_note: None,
        revoked_at: None,
    };
    let mut tx = house.store.begin().await.unwrap();
    links::insert(&mut tx, &row, &[number; 32]).await.unwrap();
    tx.commit().await.unwrap();
    let case_id = case_id.clone();
    Actor::Link { link_id, case_id }
}

/// Who asks for study 1.2.3, and who of them could see it by a case, and with what right.
async fn people(house: &House) -> [(Actor, bool); 9] {
    let images = [Right::ViewImages];
    let patient = person(2, Role::Patient);
    let case_id = house.grant(7, "1.2.3", &patient, &images, None).await;
    let of_other_case = person(4, Role::Patient);
    house.grant(8, "1.2.4", &of_other_case, &images, None).await;
    // The study waits in this case until it is judged whose it is.
    let waiting = person(5, Role::Patient);
    let pending = house.grant(9, "1.2.4", &waiting, &images, None).await;
    let study = house.study_key("1.2.3").await;
    let mut tx = house.store.begin().await.unwrap();
    link_pending(&mut tx, study, &pending, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = house.store.begin().await.unwrap();
    cases::insert(&mut tx, &row(7)).await.unwrap();
    cases::insert(&mut tx, &row(8)).await.unwrap();
    tx.commit().await.unwrap();
    let other_case = CaseId::from_random([8; 16]);
    let later = NOW.plus_seconds(1);
    [
        (archive_token(), true),
        (patient, true),
        (link(house, 1, &case_id, (NOW, NOW)).await, true),
        // Made when the study was deleted already, or good only from then on.
        (link(house, 2, &case_id, (later, later)).await, false),
        (link(house, 3, &case_id, (NOW, later)).await, false),
        (link(house, 4, &other_case, (NOW, NOW)).await, false),
        (of_other_case, false),
        (waiting, false),
        (person(6, Role::Administrator), false),
    ]
}

#[tokio::test]
async fn it_is_gone_for_who_saw_it_and_was_never_there_for_others_w12() {
    let other = Made {
        study: "1.2.4",
        series: "1.2.4.1",
        instance: "1.2.4.1.1".to_owned(),
        ..Made::default()
    };
    let house = House::with(&[Made::default(), other]).await;
    let people = people(&house).await;
    let reader = person(3, Role::Reviewer);
    let rights = [Right::ViewImages];
    house.grant(7, "1.2.3", &reader, &rights, None).await;
    let (id, erase_at) = delete(&house).await;
    for is_erased in [false, true] {
        if is_erased {
            let mut tx = house.store.begin().await.unwrap();
            let begun = deletions::begin_erasure(&mut tx, &id, erase_at).await;
            assert!(begun.unwrap().is_some());
            tx.commit().await.unwrap();
        }
        assert_eq!(statuses(&house, None).await, [StatusCode::UNAUTHORIZED]);
        for (actor, saw_it) in &people {
            let expect = match saw_it {
                true => StatusCode::GONE,
                false => StatusCode::NOT_FOUND,
            };
            let got = statuses(&house, Some(actor)).await;
            assert_eq!(got, [expect], "{actor:?} {is_erased}");
        }
        // What nobody can restore is not asked for.
        let told = house.get("/studies/1.2.3", "*/*").await.json();
        let words = match is_erased {
            true => "cannot be restored",
            false => "whether it can still be restored",
        };
        assert!(told["message"].as_str().unwrap().contains(words), "{told}");
        // A reader who may see no report is told of images alone, and once erased nobody knows what it was.
        let expect = match is_erased {
            true => StatusCode::NOT_FOUND,
            false => StatusCode::GONE,
        };
        assert_eq!(statuses(&house, Some(&reader)).await, [expect]);
        let headers = [("accept", "*/*")];
        for (actor, _) in people.iter().filter(|(_, saw_it)| !saw_it) {
            let ask = async |path| house.get_as(Some(actor.clone()), path, &headers).await.body;
            assert_eq!(ask("/studies/1.2.3").await, ask("/studies/9.9.9").await);
        }
    }
    // What comes then is a new record, and what is not in it was never there.
    let files = [Made::default().bytes()];
    assert_eq!(house.stow("/studies", &files).await.status, StatusCode::OK);
    assert_eq!(
        statuses(&house, Some(&archive_token())).await,
        [StatusCode::OK]
    );
    let absent = format!("{}/metadata", Made::number(2).url());
    assert_eq!(
        house.get(&absent, "*/*").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn reports_alone_were_never_there_for_a_reader_who_may_see_none_w12() {
    let report = Made {
        modality: "SR",
        sop_class: "1.2.840.10008.5.1.4.1.1.88.11",
        frames: Vec::new(),
        ..Made::default()
    };
    let house = House::with(&[report]).await;
    let reader = person(3, Role::Reviewer);
    let rights = [Right::ViewImages];
    house.grant(7, "1.2.3", &reader, &rights, None).await;
    delete(&house).await;
    let expect = [StatusCode::NOT_FOUND];
    assert_eq!(statuses(&house, Some(&reader)).await, expect);
}

#[tokio::test]
async fn what_is_restored_is_not_gone_w12() {
    let house = House::with(&[Made::default()]).await;
    let (id, _) = delete(&house).await;
    let mut tx = house.store.begin().await.unwrap();
    let restored = deletions::restore(&mut tx, &id, &archive_token(), NOW).await;
    assert!(restored.unwrap().is_some());
    tx.commit().await.unwrap();
    let everything = statuses(&house, Some(&archive_token())).await;
    assert_eq!(everything, [StatusCode::OK]);
}

#[tokio::test]
async fn what_is_sent_for_it_is_refused_with_the_reason() {
    let house = House::with(&[Made::default()]).await;
    delete(&house).await;
    let files = [Made::default().bytes(), Made::number(2).bytes()];
    let got = house.stow("/studies", &files).await;
    assert_eq!(got.status, StatusCode::CONFLICT);
    let answer = got.json();
    let failed = answer["00081198"]["Value"].as_array().unwrap();
    assert_eq!(failed.len(), 2);
    for one in failed {
        assert_eq!(one["00081197"]["Value"][0], 0x0124, "not authorised");
    }
}

#[tokio::test]
async fn a_case_without_room_says_so() {
    let house = House::new().await;
    let case_id = CaseId::from_random([4; 16]);
    let set = async |bytes, instances| {
        let quota = Quota { bytes, instances };
        let mut tx = house.store.begin().await.unwrap();
        quotas::set(&mut tx, &case_id, quota, "a test", "p", NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    let path = format!("/studies?case={case_id}");
    set(1 << 20, 1).await;
    let files = [Made::default().bytes(), Made::number(2).bytes()];
    let got = house.stow(&path, &files).await;
    assert_eq!(got.status, StatusCode::ACCEPTED, "one of them is in");
    let failed = &got.json()["00081198"]["Value"][0];
    assert_eq!(failed["00081197"]["Value"][0], 0xA700, "out of resources");
    set(100, 9).await;
    let body = multipart(&files);
    let length = body.len().to_string();
    let headers = [("content-length", length.as_str())];
    let got = house.stow_as(archive_token(), &path, &headers, body).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
}
