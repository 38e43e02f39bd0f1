//! Who sees work items, orders them and claims them.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::TokenId;
use overread_model::time::Timestamp;
use overread_store::review_tasks;
use serde_json::{Value, json};

use super::{JSON, UID, ask, check, list, order, put, value, wants, why};
use crate::house::{House, NOW, archive_token, person, request};
use crate::made::Made;
use crate::reads::Reads;

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one walk of an item through its states"
)]
async fn a_read_is_listed_for_who_reads_it_and_for_nobody_else_u2() {
    let house = House::with(&[Made::default()]).await;
    let reads = Reads::offered(&house).await;
    let offered = list(&house, &reads.reviewer, "").await;
    assert_eq!(offered.len(), 1);
    let item = &offered[0];
    assert_eq!(value(item, "00741000"), "SCHEDULED");
    assert_eq!(value(item, "00404041"), "INCOMPLETE");
    // Nothing of the patient before it is accepted.
    assert_eq!(value(item, "00100020"), "(nothing)");
    assert_eq!(item["00404021"]["Value"], Value::Null);
    let uid = value(item, "00080018").to_owned();
    let claim = wants("IN PROGRESS", Some("2.25.1"));
    let got = put(&house, &reads.reviewer, &uid, &claim).await;
    let inconsistent = "The submitted request is inconsistent with the state of the UPS Instance.";
    check(&got, StatusCode::CONFLICT, inconsistent);

    reads.accept(&house).await;
    let accepted = list(
        &house,
        &reads.reviewer,
        "?PatientID=P1&ProcedureStepState=SCHEDULED",
    )
    .await;
    let item = &accepted[0];
    assert_eq!(value(item, "00404041"), "READY");
    assert_eq!(item["00100010"]["Value"][0]["Alphabetic"], "Dö^Jane");
    assert_eq!(value(item, "00741200"), "HIGH");
    assert_eq!(value(item, "00404011"), "20260309101500+0000");
    let input = &item["00404021"]["Value"][0];
    assert_eq!(value(input, "0020000D"), "1.2.3");
    assert_eq!(
        value(&input["0040E025"]["Value"][0], "00081190"),
        "http://pacs.example:8080/dicom-web/studies/1.2.3"
    );
    let performer = &item["00404034"]["Value"][0];
    assert_eq!(
        performer["00404037"]["Value"][0]["Alphabetic"],
        "Rosa Reader"
    );
    assert_eq!(
        value(&item["0040A370"]["Value"][0], "00401001"),
        "2026-00001"
    );

    let path = format!("/workitems/{uid}");
    let other = reads.other_reviewer.clone();
    let of_other_case = reads.machine_of_another_case(&house).await;
    for stranger in [
        other,
        of_other_case,
        person(8, Role::Patient),
        person(9, Role::Administrator),
    ] {
        assert_eq!(list(&house, &stranger, "").await, Vec::<Value>::new());
        for (method, end, body) in [
            (Method::GET, "", None),
            (Method::POST, "", Some(&claim)),
            (Method::PUT, "/state", Some(&claim)),
            (Method::POST, "/cancelrequest", None),
        ] {
            let got = ask(&house, &stranger, method, &format!("{path}{end}"), body).await;
            let missing = StatusCode::NOT_FOUND;
            assert_eq!(got.status, missing, "{end}");
        }
        let got = ask(
            &house,
            &stranger,
            Method::POST,
            &format!("{path}/subscribers/A"),
            None,
        )
        .await;
        let works = stranger.role() == Some(Role::Reviewer);
        let expect = if works {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(got.status, expect);
    }
    for (method, end) in [
        (Method::GET, ""),
        (Method::POST, ""),
        (Method::PUT, "/state"),
        (Method::POST, "/cancelrequest"),
        (Method::POST, "/subscribers/A"),
        (Method::DELETE, "/subscribers/A"),
        (Method::POST, "/subscribers/A/suspend"),
    ] {
        let request = request(method, &format!("{path}{end}"), &[JSON], Body::empty());
        let got = house.send(None, request).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{end}");
    }
    for path in ["/workitems", "/ws/subscribers/A", "/subscribers/A"] {
        let got = house.get_as(None, path, &[JSON]).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let got = ask(
        &house,
        &person(8, Role::Patient),
        Method::GET,
        "/ws/subscribers/A",
        None,
    )
    .await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    // Whoever runs cases sees it, and does not claim it.
    let coordinator = person(5, Role::Coordinator);
    assert_eq!(list(&house, &coordinator, "").await.len(), 1);
    let got = put(&house, &coordinator, &uid, &claim).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert_eq!(
        put(&house, &archive_token(), &uid, &claim).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one line for each refused order")]
async fn other_systems_order_work() {
    let house = House::with(&[Made::default()]).await;
    let archive = archive_token();
    let create = format!("/workitems?{UID}");
    for (actor, expect) in [
        (person(2, Role::Reviewer), StatusCode::FORBIDDEN),
        (person(9, Role::Administrator), StatusCode::FORBIDDEN),
        (archive.clone(), StatusCode::CREATED),
        (archive.clone(), StatusCode::CONFLICT),
    ] {
        let got = ask(&house, &actor, Method::POST, &create, Some(&order())).await;
        assert_eq!(got.status, expect, "{}", String::from_utf8_lossy(&got.body));
        if expect == StatusCode::CREATED {
            let place = format!("http://pacs.example:8080/dicom-web/workitems/{UID}");
            assert_eq!(got.header("location"), place);
            assert_eq!(got.header("content-location"), place);
        }
    }
    let without = |tag: &str| {
        let mut body = order();
        body.as_object_mut().unwrap().remove(tag);
        body
    };
    for missing in ["00404005", "00404041", "00741000", "00741200", "00741204"] {
        let got = ask(
            &house,
            &archive,
            Method::POST,
            "/workitems",
            Some(&without(missing)),
        )
        .await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{missing}");
    }
    for (tag, wrong) in [
        ("00741000", json!({"vr": "CS", "Value": ["COMPLETED"]})),
        ("00741200", json!({"vr": "CS", "Value": ["STAT"]})),
        ("00081195", json!({"vr": "UI", "Value": ["1.2"]})),
        ("00741002", why()),
        ("patient", json!({"vr": "LO"})),
        ("00081110", json!({"vr": "SQ", "Value": ["no item"]})),
    ] {
        let mut body = order();
        body[tag] = wrong;
        let got = ask(&house, &archive, Method::POST, "/workitems", Some(&body)).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{tag}");
    }
    // The images would be read for another patient.
    let mut other = order();
    other["00100020"] = json!({"vr": "LO", "Value": ["P2"]});
    let got = ask(&house, &archive, Method::POST, "/workitems", Some(&other)).await;
    assert_eq!(got.status, StatusCode::CONFLICT);
    let got = ask(
        &house,
        &archive,
        Method::POST,
        &format!("/workitems/{UID}"),
        Some(&json!({"00100020": {"vr": "LO", "Value": ["P2"]}})),
    )
    .await;
    assert_eq!(got.status, StatusCode::CONFLICT);
    let got = ask(
        &house,
        &archive,
        Method::POST,
        "/workitems",
        Some(&without("00741202")),
    )
    .await;
    check(
        &got,
        StatusCode::CREATED,
        "The Workitem was created with modifications.",
    );
    let said = got.headers.get_all("warning").iter();
    let said: Vec<&str> = said.map(|value| value.to_str().unwrap()).collect();
    assert!(said[1].contains("WorklistLabel"), "{said:?}");
    let request = request(Method::POST, "/workitems", &[JSON], Body::from("x"));
    let got = house.send(Some(archive.clone()), request).await;
    assert_eq!(got.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let huge = json!({"00400400": {"vr": "LT", "Value": ["x".repeat(64 * 1024)]}});
    let got = ask(&house, &archive, Method::POST, "/workitems", Some(&huge)).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn ordered_work_tells_a_reviewer_nothing_of_the_first_reading() {
    let house = House::with(&[Made::default()]).await;
    let reads = Reads::offered(&house).await;
    reads.accept(&house).await;
    let archive = archive_token();
    let mut telling = order();
    telling["00400400"] = json!({"vr": "LT", "Value": ["SECRET extrusion"]});
    telling["00741204"] = json!({"vr": "LO", "Value": ["Confirm the extrusion"]});
    let create = format!("/workitems?{UID}");
    ask(&house, &archive, Method::POST, &create, Some(&telling)).await;
    let path = format!("/workitems/{UID}");
    for is_locked in [false, true] {
        let got = ask(&house, &reads.reviewer, Method::GET, &path, None).await;
        let text = String::from_utf8(got.body).unwrap();
        assert_eq!(text.contains("extrusion"), is_locked, "{text}");
        // Nor is it told by asking for it.
        let query = "?CommentsOnTheScheduledProcedureStep=SECRET*";
        assert_eq!(
            list(&house, &reads.reviewer, query).await.len(),
            usize::from(is_locked)
        );
        assert_eq!(list(&house, &archive, query).await.len(), 1);
        let mut tx = house.store.begin().await.unwrap();
        let now = Timestamp::from_micros(NOW);
        review_tasks::lock_first_impression(&mut tx, "t1", "Text", now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_workstation_with_a_token_of_the_case_claims_its_read() {
    let house = House::with(&[Made::default()]).await;
    let reads = Reads::offered(&house).await;
    reads.accept(&house).await;
    let station = Actor::Machine {
        token_id: TokenId::from_random([9; 16]),
        role: Role::Reviewer,
    };
    assert!(list(&house, &station, "").await.is_empty());
    house
        .grant(1, "1.2.3", &station, &[Right::ViewImages], None)
        .await;
    let found = list(&house, &station, "?ScheduledProcedureStepPriority=HIGH").await;
    let uid = value(&found[0], "00080018").to_owned();
    let claim = wants("IN PROGRESS", Some("2.25.4"));
    check(
        &put(&house, &station, &uid, &claim).await,
        StatusCode::OK,
        "",
    );
}
