//! How work items move from state to state.

use axum::http::{Method, StatusCode};
use overread_model::access::{Right, Role};
use serde_json::json;

use super::{UID, ask, check, list, order, put, value, wants, why};
use crate::house::{House, archive_token, person};
use crate::made::Made;
use crate::reads::Reads;

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
    let early = put(&house, &reviewer, UID, &done).await;
    check(&early, StatusCode::CONFLICT, inconsistent);
    let message = early.json()["message"].to_string();
    for keyword in [
        "PerformedStationNameCodeSequence",
        "PerformedProcedureStepStartDateTime",
        "PerformedWorkitemCodeSequence",
        "PerformedProcedureStepEndDateTime",
        "OutputInformationSequence",
    ] {
        assert!(message.contains(keyword), "{message}");
    }
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
