//! What is deleted is there for nobody, and nothing is added to it; a full case says so.

use axum::http::StatusCode;
use overread_model::ids::{CaseId, DeletionId};
use overread_model::keeping::Quota;
use overread_model::time::Timestamp;
use overread_store::deletions::{self, NewDeletion};
use overread_store::quotas;

use crate::house::{House, archive_token, multipart};
use crate::made::Made;

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

#[tokio::test]
async fn no_address_leads_to_it() {
    let house = House::with(&[Made::default(), Made::number(2)]).await;
    let instance = Made::default().url();
    let study = "/studies/1.2.3";
    let single = [
        format!("{study}/metadata"),
        format!("{study}/series/1.2.3.1/metadata"),
        format!("{instance}/metadata"),
        study.to_owned(),
        instance.clone(),
        format!("{instance}/frames/1"),
        format!("{instance}/rendered"),
        format!("{study}/thumbnail"),
    ];
    // What was asked before may lie ready in memory.
    for path in &single {
        let got = house.get(path, "*/*").await;
        assert_ne!(got.status, StatusCode::NOT_FOUND, "{path}");
    }
    delete(&house).await;
    for path in &single {
        let got = house.get(path, "*/*").await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
    }
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
