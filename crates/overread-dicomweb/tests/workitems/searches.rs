//! Lists of work items in pages and as XML, and what they lose with a study.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use overread_store::deletions;

use super::{JSON, UID, ask, check, list, order, value};
use crate::deleted::delete;
use crate::house::{House, archive_token, request};
use crate::made::Made;

#[tokio::test]
async fn pages_and_xml() {
    let house = House::with(&[Made::default()]).await;
    let archive = archive_token();
    for number in 1..=3 {
        let path = format!("/workitems?2.25.{number}");
        ask(&house, &archive, Method::POST, &path, Some(&order())).await;
    }
    let got = ask(&house, &archive, Method::GET, "/workitems?limit=2", None).await;
    check(
        &got,
        StatusCode::OK,
        "There are 1 additional results that can be requested",
    );
    assert_eq!(got.json().as_array().unwrap().len(), 2);
    assert_eq!(list(&house, &archive, "?limit=2&offset=2").await.len(), 1);
    for bad in ["?Nonsense=1", "?limit=x"] {
        let got = ask(
            &house,
            &archive,
            Method::GET,
            &format!("/workitems{bad}"),
            None,
        )
        .await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let got = ask(
        &house,
        &archive,
        Method::GET,
        "/workitems?fuzzymatching=true",
        None,
    )
    .await;
    check(
        &got,
        StatusCode::OK,
        "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
    );
    let xml = (
        "accept",
        "multipart/related; type=\"application/dicom+xml\"",
    );
    let got = house
        .get_as(Some(archive.clone()), "/workitems", &[xml])
        .await;
    assert_eq!(got.parts().len(), 3);
    let plain = ("accept", "application/dicom+xml");
    let got = house
        .get_as(Some(archive.clone()), "/workitems/2.25.1", &[plain])
        .await;
    assert_eq!(got.header("content-type"), "application/dicom+xml");
    let text = String::from_utf8(got.body).unwrap();
    assert!(text.contains("keyword=\"ProcedureStepLabel\""), "{text}");
    // What was told is taken again under another name.
    let text = text.replace("2.25.1<", "2.25.9<");
    let sent = ("content-type", "application/dicom+xml");
    let again = request(Method::POST, "/workitems", &[JSON, sent], Body::from(text));
    let got = house.send(Some(archive.clone()), again).await;
    check(&got, StatusCode::CREATED, "");
    assert_eq!(list(&house, &archive, "?00080018=2.25.9").await.len(), 1);
}

#[tokio::test]
async fn ordered_work_goes_with_its_study() {
    let house = House::with(&[Made::default()]).await;
    let archive = archive_token();
    let create = format!("/workitems?{UID}");
    ask(&house, &archive, Method::POST, &create, Some(&order())).await;
    let mut other = order();
    other.as_object_mut().unwrap().remove("0020000D");
    ask(
        &house,
        &archive,
        Method::POST,
        "/workitems?2.25.78",
        Some(&other),
    )
    .await;
    let (deletion, erase_at) = delete(&house).await;
    assert_eq!(list(&house, &archive, "").await.len(), 1, "at once");
    let mut tx = house.store.begin().await.unwrap();
    let erased = deletions::begin_erasure(&mut tx, &deletion, erase_at).await;
    assert!(erased.unwrap().is_some());
    tx.commit().await.unwrap();
    let left = list(&house, &archive, "").await;
    assert_eq!(left.len(), 1);
    assert_eq!(value(&left[0], "00080018"), "2.25.78");
    let got = ask(
        &house,
        &archive,
        Method::GET,
        &format!("/workitems/{UID}"),
        None,
    )
    .await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
}
