//! What a store request for a case brings and the archive does not keep is kept in mind, however the request ends.

use axum::http::StatusCode;
use overread_model::ids::CaseId;
use overread_model::refusal::{RefusalReason, RefusedSort};
use overread_store::refused_files::{Lacking, lacking};
use serde_json::{Value, json};

use crate::composed::{JSON, METADATA, described, store_at};
use crate::house::{House, archive_token, multipart};
use crate::made::Made;

const UNUSABLE: RefusalReason = RefusalReason::Unusable;

fn case() -> CaseId {
    CaseId::from_random([8; 16])
}

fn path() -> String {
    format!("/studies?case={}", case().as_str())
}

async fn check(house: &House, expect: &[(RefusedSort, i64)]) {
    let mut tx = house.store.read().await.unwrap();
    let told = lacking(&mut tx, &case()).await.unwrap();
    let line = |one: Lacking| (one.sort, one.reason, one.count);
    let told: Vec<_> = told.into_iter().map(line).collect();
    let expect = expect.iter().map(|(sort, count)| (*sort, UNUSABLE, *count));
    assert_eq!(told, expect.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_request_full_of_what_is_no_instance_leaves_its_rest_unread_and_says_so() {
    let house = House::new().await;
    let mut files = vec![b"no instance".to_vec(); 101];
    files.insert(0, Made::default().bytes());
    files.push(Made::number(2).bytes());
    let path = path();
    let got = house.stow_as(archive_token(), &path, &[], multipart(&files));
    assert_eq!(got.await.status, StatusCode::BAD_REQUEST);
    check(
        &house,
        &[(RefusedSort::Request, 1), (RefusedSort::Unnamed, 101)],
    )
    .await;
}

#[tokio::test]
async fn metadata_that_make_no_instance_are_told() {
    let house = House::new().await;
    let mut unlike = described(2, &Value::Null);
    unlike["00280010"] = json!({"vr": "US", "Value": ["seven"]});
    let mut nameless = described(3, &Value::Null);
    nameless.as_object_mut().unwrap().remove("00080018");
    let objects = json!([described(1, &Value::Null), unlike, nameless]).to_string();
    let parts = [(METADATA, objects.as_bytes())];
    let got = store_at(&house, &path(), JSON, JSON, &parts).await;
    assert_eq!(got.status, StatusCode::ACCEPTED);
    check(
        &house,
        &[(RefusedSort::Instance, 1), (RefusedSort::Unnamed, 1)],
    )
    .await;
    // What comes whole later is not lacking any more.
    let objects = json!([described(2, &Value::Null)]).to_string();
    let parts = [(METADATA, objects.as_bytes())];
    let got = store_at(&house, &path(), JSON, JSON, &parts).await;
    assert_eq!(got.status, StatusCode::OK);
    check(&house, &[(RefusedSort::Unnamed, 1)]).await;
}

#[tokio::test]
async fn a_request_of_more_parts_than_it_may_have_is_told_as_one() {
    let house = House::new().await;
    let bulk = (
        "Content-Type: application/octet-stream\r\nContent-Location: p",
        &b"x"[..],
    );
    let got = store_at(&house, &path(), JSON, JSON, &vec![bulk; 501]).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    check(&house, &[(RefusedSort::Request, 1)]).await;
}
