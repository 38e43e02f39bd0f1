//! Work items: who sees a read, who claims it, what ends it, and what other systems may order.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::TokenId;
use overread_model::time::Timestamp;
use overread_store::deletions;
use overread_store::review_tasks;
use serde_json::{Value, json};

use crate::deleted::delete;
use crate::house::{Got, House, NOW, archive_token, person, request};
use crate::made::Made;
use crate::reads::Reads;

const JSON: (&str, &str) = ("accept", "application/dicom+json");
const SENT: (&str, &str) = ("content-type", "application/dicom+json");
const UID: &str = "2.25.77";

pub(crate) async fn ask(
    house: &House,
    actor: &Actor,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Got {
    let headers: Vec<_> = [JSON]
        .into_iter()
        .chain(body.is_some().then_some(SENT))
        .collect();
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let request = request(method, path, &headers, body);
    house.send(Some(actor.clone()), request).await
}

async fn list(house: &House, actor: &Actor, query: &str) -> Vec<Value> {
    let path = format!("/workitems{query}");
    let got = ask(house, actor, Method::GET, &path, None).await;
    match got.status {
        StatusCode::NO_CONTENT => Vec::new(),
        StatusCode::OK => got.json().as_array().unwrap().clone(),
        other => panic!("{other}: {}", String::from_utf8_lossy(&got.body)),
    }
}

fn value<'a>(item: &'a Value, tag: &str) -> &'a str {
    item[tag]["Value"][0].as_str().unwrap_or("(nothing)")
}

pub(crate) fn wants(state: &str, transaction: Option<&str>) -> Value {
    let mut body = json!({"00741000": {"vr": "CS", "Value": [state]}});
    if let Some(uid) = transaction {
        body["00081195"] = json!({"vr": "UI", "Value": [uid]});
    }
    body
}

async fn put(house: &House, actor: &Actor, uid: &str, body: &Value) -> Got {
    let path = format!("/workitems/{uid}/state");
    ask(house, actor, Method::PUT, &path, Some(body)).await
}

fn why() -> Value {
    json!({"vr": "SQ", "Value": [{"0074100E": {"vr": "SQ", "Value": [{
        "00080100": {"vr": "SH", "Value": ["110513"]},
        "00080102": {"vr": "SH", "Value": ["DCM"]},
        "00080104": {"vr": "LO", "Value": ["Discontinued for unspecified reason"]},
    }]}}]})
}

/// What another system orders.
pub(crate) fn order() -> Value {
    json!({
        "00100020": {"vr": "LO", "Value": ["P1"]},
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "00404005": {"vr": "DT", "Value": ["20260302101500"]},
        "00404041": {"vr": "CS", "Value": ["READY"]},
        "00741000": {"vr": "CS", "Value": ["SCHEDULED"]},
        "00741200": {"vr": "CS", "Value": ["MEDIUM"]},
        "00741202": {"vr": "LO", "Value": ["Segmentations"]},
        "00741204": {"vr": "LO", "Value": ["Segment the spine"]},
    })
}

#[track_caller]
fn check(got: &Got, status: StatusCode, warning: &str) {
    let body = String::from_utf8_lossy(&got.body);
    assert_eq!(got.status, status, "{body}");
    let expect = match warning {
        "" => String::new(),
        text => format!("299 Overread: {text}"),
    };
    assert_eq!(got.header("warning"), expect, "{body}");
}

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
#[expect(
    clippy::too_many_lines,
    reason = "one walk of an item through its states"
)]
async fn a_read_is_completed_by_the_signature_alone() {
    let house = House::with(&[Made::default()]).await;
    let reads = Reads::offered(&house).await;
    reads.accept(&house).await;
    let reviewer = &reads.reviewer;
    let uid = value(&list(&house, reviewer, "").await[0], "00080018").to_owned();
    let path = format!("/workitems/{uid}");
    let progress = json!({"00741002": {"vr": "SQ", "Value": [
        {"00741004": {"vr": "DS", "Value": [40]}}]}});
    let got = ask(&house, reviewer, Method::POST, &path, Some(&progress)).await;
    let unclaimed = "The target URI did not reference a claimed Workitem.";
    check(&got, StatusCode::CONFLICT, unclaimed);
    let missing = "The Transaction UID is missing.";
    let incorrect = "The Transaction UID is incorrect.";
    let inconsistent = "The submitted request is inconsistent with the state of the UPS Instance.";
    check(
        &put(&house, reviewer, &uid, &wants("IN PROGRESS", None)).await,
        StatusCode::BAD_REQUEST,
        missing,
    );
    let claim = wants("IN PROGRESS", Some("2.25.1"));
    check(
        &put(&house, reviewer, &uid, &claim).await,
        StatusCode::OK,
        "",
    );
    // A second click, or a second workstation.
    check(
        &put(&house, reviewer, &uid, &claim).await,
        StatusCode::CONFLICT,
        inconsistent,
    );
    for (query, status, warning) in [
        ("", StatusCode::BAD_REQUEST, missing),
        ("?2.25.2", StatusCode::BAD_REQUEST, incorrect),
        ("?transaction-uid=2.25.1", StatusCode::OK, ""),
        ("?2.25.1", StatusCode::OK, ""),
    ] {
        let path = format!("{path}{query}");
        let got = ask(&house, reviewer, Method::POST, &path, Some(&progress)).await;
        check(&got, status, warning);
    }
    let rename = json!({"00100020": {"vr": "LO", "Value": ["P2"]}});
    let got = ask(
        &house,
        reviewer,
        Method::POST,
        &format!("{path}?2.25.1"),
        Some(&rename),
    )
    .await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    // Piece by piece it may not grow without end either.
    let long = |tag: &str| json!({tag: {"vr": "SQ", "Value": [{"00741006": {"vr": "ST", "Value": ["x".repeat(40_000)]}}]}});
    for (tag, expect) in [
        ("00741002", StatusCode::OK),
        ("00741216", StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let path = format!("{path}?2.25.1");
        let got = ask(&house, reviewer, Method::POST, &path, Some(&long(tag))).await;
        assert_eq!(got.status, expect);
    }
    ask(
        &house,
        reviewer,
        Method::POST,
        &format!("{path}?2.25.1"),
        Some(&progress),
    )
    .await;
    for wrong in [None, Some("2.25.2"), Some("2.25.1")] {
        let got = put(&house, reviewer, &uid, &wants("COMPLETED", wrong)).await;
        let (status, warning) = match wrong {
            None => (StatusCode::BAD_REQUEST, missing),
            Some("2.25.2") => (StatusCode::BAD_REQUEST, incorrect),
            Some(_) => (StatusCode::CONFLICT, inconsistent),
        };
        check(&got, status, warning);
    }
    let shown = list(&house, reviewer, "").await;
    assert_eq!(value(&shown[0], "00741000"), "IN PROGRESS");
    assert_eq!(shown[0]["00741002"]["Value"][0]["00741004"]["Value"][0], 40);
    assert_eq!(shown[0].get("00081195"), None);

    reads.end(&house, "done").await;
    let got = ask(&house, reviewer, Method::GET, &path, None).await;
    let item = &got.json()[0];
    assert_eq!(value(item, "00741000"), "COMPLETED");
    let performed = &item["00741216"]["Value"][0];
    assert_eq!(
        value(&performed["00404028"]["Value"][0], "00080100"),
        "OVERREAD"
    );
    assert!(performed["00404051"]["Value"][0].is_string());
    let already = "The UPS is already in the requested state of COMPLETED.";
    let done = wants("COMPLETED", Some("2.25.1"));
    check(
        &put(&house, reviewer, &uid, &done).await,
        StatusCode::OK,
        already,
    );
    let cancel = wants("CANCELED", Some("2.25.1"));
    check(
        &put(&house, reviewer, &uid, &cancel).await,
        StatusCode::CONFLICT,
        inconsistent,
    );
    let got = ask(
        &house,
        reviewer,
        Method::POST,
        &format!("{path}?2.25.1"),
        Some(&progress),
    )
    .await;
    let over = "The submitted request is inconsistent with the current state of the Workitem.";
    check(&got, StatusCode::BAD_REQUEST, over);
    let got = ask(
        &house,
        &archive_token(),
        Method::POST,
        &format!("{path}/cancelrequest"),
        None,
    )
    .await;
    check(&got, StatusCode::CONFLICT, "The UPS is already COMPLETED.");
}

#[tokio::test]
async fn a_read_that_a_workstation_gives_up_is_not_lost() {
    let house = House::with(&[Made::default()]).await;
    let reads = Reads::offered(&house).await;
    reads.accept(&house).await;
    let (reviewer, archive) = (&reads.reviewer, &archive_token());
    let first = value(&list(&house, reviewer, "").await[0], "00080018").to_owned();
    let cancel = format!("/workitems/{first}/cancelrequest");
    let got = ask(&house, archive, Method::POST, &cancel, None).await;
    check(
        &got,
        StatusCode::CONFLICT,
        "Performer chooses not to cancel.",
    );
    put(
        &house,
        reviewer,
        &first,
        &wants("IN PROGRESS", Some("2.25.1")),
    )
    .await;
    let got = ask(&house, archive, Method::POST, &cancel, None).await;
    check(
        &got,
        StatusCode::CONFLICT,
        "The performer cannot be contacted.",
    );
    let got = ask(&house, reviewer, Method::POST, &cancel, None).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    let give_up = wants("CANCELED", Some("2.25.1"));
    let inconsistent = "The submitted request is inconsistent with the state of the UPS Instance.";
    check(
        &put(&house, reviewer, &first, &give_up).await,
        StatusCode::CONFLICT,
        inconsistent,
    );
    let path = format!("/workitems/{first}?2.25.1");
    let reason = json!({"00741002": why()});
    let got = ask(&house, reviewer, Method::POST, &path, Some(&reason)).await;
    check(&got, StatusCode::OK, "");
    check(
        &put(&house, reviewer, &first, &give_up).await,
        StatusCode::OK,
        "",
    );
    let already = "The UPS is already in the requested state of CANCELED.";
    check(
        &put(&house, reviewer, &first, &give_up).await,
        StatusCode::OK,
        already,
    );
    let got = ask(&house, archive, Method::POST, &cancel, None).await;
    check(&got, StatusCode::ACCEPTED, already);

    let waiting = list(&house, reviewer, "?ProcedureStepState=SCHEDULED").await;
    assert_eq!(waiting.len(), 1);
    assert_ne!(value(&waiting[0], "00080018"), first);
    assert_eq!(
        value(&waiting[0]["00741224"]["Value"][0], "00081155"),
        first
    );
    // The case takes it back: the item goes with it.
    reads.end(&house, "withdrawn").await;
    assert!(
        list(&house, reviewer, "?ProcedureStepState=SCHEDULED")
            .await
            .is_empty()
    );
    assert_eq!(list(&house, reviewer, "?00741000=CANCELED").await.len(), 2);
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
    let request = request(Method::POST, "/workitems", &[JSON], Body::from("x"));
    let got = house.send(Some(archive.clone()), request).await;
    assert_eq!(got.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let huge = json!({"00400400": {"vr": "LT", "Value": ["x".repeat(64 * 1024)]}});
    let got = ask(&house, &archive, Method::POST, "/workitems", Some(&huge)).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one walk of an item through its states"
)]
async fn ordered_work_is_done_as_the_tables_say() {
    let house = House::with(&[Made::default()]).await;
    let archive = archive_token();
    let create = format!("/workitems?workitem={UID}");
    ask(&house, &archive, Method::POST, &create, Some(&order())).await;
    let reviewer = person(2, Role::Reviewer);
    assert!(list(&house, &reviewer, "").await.is_empty());
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    assert_eq!(
        list(&house, &reviewer, "?ProcedureStepLabel=Segment*")
            .await
            .len(),
        1
    );
    assert!(
        list(&house, &reviewer, "?ProcedureStepLabel=Read*")
            .await
            .is_empty()
    );
    let path = format!("/workitems/{UID}");
    let urgent = json!({"00741200": {"vr": "CS", "Value": ["HIGH"]}});
    let got = ask(&house, &reviewer, Method::POST, &path, Some(&urgent)).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    let got = ask(
        &house,
        &archive,
        Method::POST,
        &format!("{path}?2.25.9"),
        Some(&urgent),
    )
    .await;
    let unclaimed = "The target URI did not reference a claimed Workitem.";
    check(&got, StatusCode::CONFLICT, unclaimed);
    check(
        &ask(&house, &archive, Method::POST, &path, Some(&urgent)).await,
        StatusCode::OK,
        "",
    );
    let got = ask(
        &house,
        &archive,
        Method::POST,
        &path,
        Some(&wants("COMPLETED", None)),
    )
    .await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);

    let inconsistent = "The submitted request is inconsistent with the state of the UPS Instance.";
    let done = wants("COMPLETED", Some("2.25.5"));
    check(
        &put(&house, &reviewer, UID, &done).await,
        StatusCode::CONFLICT,
        inconsistent,
    );
    check(
        &put(
            &house,
            &reviewer,
            UID,
            &wants("IN PROGRESS", Some("2.25.5")),
        )
        .await,
        StatusCode::OK,
        "",
    );
    check(
        &put(&house, &reviewer, UID, &done).await,
        StatusCode::CONFLICT,
        inconsistent,
    );
    let code = json!({"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["X"]}}]});
    let performed = json!({"00741216": {"vr": "SQ", "Value": [{
        "00404019": code, "00404028": code,
        "00404033": {"vr": "SQ"},
        "00404050": {"vr": "DT", "Value": ["20260302101600"]},
        "00404051": {"vr": "DT", "Value": ["20260302101700"]},
    }]}});
    let got = ask(
        &house,
        &reviewer,
        Method::POST,
        &format!("{path}?2.25.5"),
        Some(&performed),
    )
    .await;
    check(&got, StatusCode::OK, "");
    check(
        &put(&house, &reviewer, UID, &done).await,
        StatusCode::OK,
        "",
    );
    let shown = list(&house, &archive, "?SOPInstanceUID=2.25.77,2.25.78").await;
    assert_eq!(value(&shown[0], "00741000"), "COMPLETED");
    assert_eq!(value(&shown[0], "00741200"), "HIGH");
    assert_eq!(
        list(
            &house,
            &archive,
            "?ProcedureStepState=SCHEDULED,IN%20PROGRESS"
        )
        .await
        .len(),
        0
    );

    ask(
        &house,
        &archive,
        Method::POST,
        "/workitems?2.25.78",
        Some(&order()),
    )
    .await;
    let cancel = json!({"00741238": {"vr": "LT", "Value": ["ordered twice"]}});
    let got = ask(
        &house,
        &archive,
        Method::POST,
        "/workitems/2.25.78/cancelrequest",
        Some(&cancel),
    )
    .await;
    check(&got, StatusCode::ACCEPTED, "");
    let got = ask(&house, &archive, Method::GET, "/workitems/2.25.78", None).await;
    let item = &got.json()[0];
    assert_eq!(value(item, "00741000"), "CANCELED");
    assert_eq!(
        value(&item["00741002"]["Value"][0], "00741238"),
        "ordered twice"
    );
    assert_eq!(
        put(
            &house,
            &archive,
            "2.25.78",
            &wants("SCHEDULED", Some("1.2"))
        )
        .await
        .status,
        StatusCode::BAD_REQUEST
    );
}

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
