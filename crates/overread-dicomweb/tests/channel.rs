//! The channel to subscribers: who is told what, and who is told nothing.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use futures_util::{SinkExt, StreamExt};
use overread_model::access::{Actor, Role};
use overread_model::time::Timestamp;
use overread_store::grants;
use overread_store::tokens::{self, NewToken};
use overread_store::work_items::{self, EventType, NewWorkItem};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::asked_again::{sign_out, signed_in};
use crate::house::{House, NOW, archive_token, person};
use crate::made::Made;
use crate::reads::Reads;
use crate::workitems::{ask, order, wants};

const WORKLIST: &str = "1.2.840.10008.5.1.4.34.5";
const FILTERED: &str = "1.2.840.10008.5.1.4.34.5.1";
/// A report that does not come in this time does not come.
const PATIENCE: Duration = Duration::from_secs(20);

type Channel = WebSocketStream<TcpStream>;

async fn try_open(
    house: &House,
    actor: Option<&Actor>,
    headers: &[(&'static str, &str)],
) -> Result<Channel, tungstenite::Error> {
    let address = house.listen(actor.cloned()).await;
    let url = format!("ws://{address}/dicom-web/ws/subscribers/STATION");
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let (channel, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(channel)
}

async fn open(house: &House, actor: &Actor) -> Channel {
    try_open(house, Some(actor), &[]).await.unwrap()
}

async fn next(channel: &mut Channel) -> Message {
    loop {
        let message = timeout(PATIENCE, channel.next()).await;
        match message.expect("in time").expect("a message").unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            other => return other,
        }
    }
}

/// Returns the next report: of which item, which event, and its state.
async fn report(channel: &mut Channel) -> (String, i64, String) {
    let Message::Text(text) = next(channel).await else {
        panic!("a report is text");
    };
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["00000002"]["Value"][0], "1.2.840.10008.5.1.4.34.6.4");
    let text = |tag: &str| {
        report[tag]["Value"][0]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let kind = report["00001002"]["Value"][0].as_i64().unwrap();
    let told = match kind {
        2 => text("00741238"),
        3 => report["00741002"]["Value"][0]["00741004"]["Value"][0].to_string(),
        _ => text("00741000"),
    };
    (text("00001000"), kind, told)
}

async fn subscribe(house: &House, actor: &Actor, target: &str) {
    let path = format!("/workitems/{target}");
    let got = ask(house, actor, Method::POST, &path, None).await;
    assert_eq!(got.status, StatusCode::CREATED, "{target}");
    assert_eq!(
        got.header("content-location"),
        "ws://pacs.example:8080/dicom-web/ws/subscribers/STATION"
    );
}

async fn create(house: &House, uid: &str) {
    let path = format!("/workitems?{uid}");
    let got = ask(house, &archive_token(), Method::POST, &path, Some(&order())).await;
    assert_eq!(got.status, StatusCode::CREATED);
}

fn is(uid: &str, kind: i64, told: &str) -> (String, i64, String) {
    (uid.to_owned(), kind, told.to_owned())
}

pub(crate) async fn a_machine(house: &House) -> Actor {
    let mut tx = house.store.begin().await.unwrap();
    let new = NewToken {
        name: "station",
        role: Role::Archive,
        case_id: None,
    };
    let now = Timestamp::from_micros(NOW);
    let (token_id, _) = tokens::create(&mut tx, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    Actor::Machine {
        token_id,
        role: Role::Archive,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_are_told_of_the_worklist() {
    let house = House::with(&[Made::default()]).await;
    let station = a_machine(&house).await;
    create(&house, "2.25.1").await;
    subscribe(
        &house,
        &station,
        &format!("{WORKLIST}/subscribers/STATION?deletionlock=true"),
    )
    .await;
    let mut channel = open(&house, &station).await;
    assert_eq!(report(&mut channel).await, is("2.25.1", 1, "SCHEDULED"));
    create(&house, "2.25.2").await;
    assert_eq!(report(&mut channel).await, is("2.25.2", 1, "SCHEDULED"));
    let put = async |uid: &str, body: &Value| {
        let path = format!("/workitems/{uid}/state");
        ask(&house, &station, Method::PUT, &path, Some(body)).await
    };
    put("2.25.2", &wants("IN PROGRESS", Some("2.25.5"))).await;
    assert_eq!(report(&mut channel).await, is("2.25.2", 1, "IN PROGRESS"));
    let progress =
        json!({"00741002": {"vr": "SQ", "Value": [{"00741004": {"vr": "DS", "Value": [40]}}]}});
    ask(
        &house,
        &station,
        Method::POST,
        "/workitems/2.25.2?2.25.5",
        Some(&progress),
    )
    .await;
    assert_eq!(report(&mut channel).await, is("2.25.2", 3, "40"));
    // The performer listens, and decides.
    let cancel = json!({"00741238": {"vr": "LT", "Value": ["not needed"]}});
    let path = "/workitems/2.25.2/cancelrequest";
    let got = ask(&house, &archive_token(), Method::POST, path, Some(&cancel)).await;
    assert_eq!(got.status, StatusCode::ACCEPTED);
    assert_eq!(report(&mut channel).await, is("2.25.2", 2, "not needed"));
    let path = "/workitems/2.25.1/cancelrequest";
    ask(&house, &archive_token(), Method::POST, path, Some(&cancel)).await;
    // PS3.4 CC.2.2.3: through IN PROGRESS.
    assert_eq!(report(&mut channel).await, is("2.25.1", 1, "IN PROGRESS"));
    assert_eq!(report(&mut channel).await, is("2.25.1", 1, "CANCELED"));

    // One item is left out, and what comes later.
    let path = "/workitems/2.25.2/subscribers/STATION";
    for expect in [StatusCode::OK, StatusCode::OK] {
        let got = ask(&house, &station, Method::DELETE, path, None).await;
        assert_eq!(got.status, expect);
    }
    ask(
        &house,
        &station,
        Method::POST,
        "/workitems/2.25.2?2.25.5",
        Some(&progress),
    )
    .await;
    create(&house, "2.25.3").await;
    assert_eq!(report(&mut channel).await, is("2.25.3", 1, "SCHEDULED"));
    drop(channel);

    // Whoever comes again is told how things stand.
    let mut channel = open(&house, &station).await;
    assert_eq!(report(&mut channel).await, is("2.25.3", 1, "SCHEDULED"));
    let path = format!("/workitems/{WORKLIST}/subscribers/STATION");
    let got = ask(&house, &station, Method::DELETE, &path, None).await;
    assert_eq!(got.status, StatusCode::OK);
    let got = ask(&house, &station, Method::DELETE, &path, None).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    create(&house, "2.25.4").await;
    subscribe(&house, &station, "2.25.3/subscribers/STATION").await;
    assert_eq!(report(&mut channel).await, is("2.25.3", 1, "SCHEDULED"));
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::too_many_lines,
    reason = "one line for each refused subscription"
)]
async fn filters_and_suspensions_hold() {
    let house = House::with(&[Made::default()]).await;
    let station = a_machine(&house).await;
    let path = format!("{FILTERED}/subscribers/STATION");
    for bad in [
        path.clone(),
        format!("{path}?Nonsense=1"),
        format!("{path}?deletionlock=perhaps"),
        format!("{WORKLIST}/subscribers/STATION?filter=PatientID%3DP1"),
        format!("{WORKLIST}/subscribers/SEVENTEENLETTERS!"),
        "2.25.1/subscribers/STATION/suspend".to_owned(),
    ] {
        let got = ask(
            &house,
            &station,
            Method::POST,
            &format!("/workitems/{bad}"),
            None,
        )
        .await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    for nowhere in [
        "2.25.1/subscribers/STATION".to_owned(),
        format!("{WORKLIST}/subscribers/STATION/suspend"),
    ] {
        let got = ask(
            &house,
            &station,
            Method::POST,
            &format!("/workitems/{nowhere}"),
            None,
        )
        .await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{nowhere}");
    }
    let filter = "filter=ScheduledProcedureStepPriority%3DHIGH,WorklistLabel%3DSeg*";
    subscribe(&house, &station, &format!("{path}?{filter}")).await;
    let mut channel = open(&house, &station).await;
    create(&house, "2.25.1").await;
    let urgent = |uid: &str| {
        let mut order = order();
        order["00741200"] = json!({"vr": "CS", "Value": ["HIGH"]});
        (format!("/workitems?{uid}"), order)
    };
    let (create_two, order) = urgent("2.25.2");
    ask(
        &house,
        &archive_token(),
        Method::POST,
        &create_two,
        Some(&order),
    )
    .await;
    assert_eq!(report(&mut channel).await, is("2.25.2", 1, "SCHEDULED"));
    let suspend = format!("/workitems/{path}/suspend");
    let got = ask(&house, &station, Method::POST, &suspend, None).await;
    assert_eq!(got.status, StatusCode::OK);
    // What comes later is left out; what was there is still told of.
    let mut tx = house.store.begin().await.unwrap();
    let new = NewWorkItem {
        uid: "2.25.3",
        study_instance_uid: None,
        attributes: &order.to_string(),
    };
    let later = Timestamp::from_micros(NOW + 1);
    work_items::insert(&mut tx, &station, &new, later)
        .await
        .unwrap();
    let report_of_state = json!({"00741000": {"vr": "CS", "Value": ["SCHEDULED"]}});
    let kind = EventType::StateReport;
    work_items::add_event(&mut tx, "2.25.3", kind, &report_of_state, later)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let claim = wants("IN PROGRESS", Some("2.25.5"));
    ask(
        &house,
        &station,
        Method::PUT,
        "/workitems/2.25.2/state",
        Some(&claim),
    )
    .await;
    assert_eq!(report(&mut channel).await, is("2.25.2", 1, "IN PROGRESS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_is_told_of_the_own_reads_and_of_what_the_case_does() {
    let house = House::with(&[Made::default()]).await;
    let reads = Reads::offered(&house).await;
    let path = format!("{WORKLIST}/subscribers/STATION");
    subscribe(&house, &reads.reviewer, &path).await;
    subscribe(&house, &reads.other_reviewer, &path).await;
    let mut channel = open(&house, &reads.reviewer).await;
    let mut other = open(&house, &reads.other_reviewer).await;
    let (uid, kind, state) = report(&mut channel).await;
    assert_eq!((kind, state.as_str()), (1, "SCHEDULED"));
    reads.accept(&house).await;
    assert_eq!(report(&mut channel).await, is(&uid, 1, "SCHEDULED"));
    reads.end(&house, "done").await;
    assert_eq!(report(&mut channel).await, is(&uid, 1, "IN PROGRESS"));
    assert_eq!(report(&mut channel).await, is(&uid, 1, "COMPLETED"));
    // All that passed by the other one; the first thing that concerns them comes first.
    create(&house, "2.25.9").await;
    let right = [overread_model::access::Right::ViewImages];
    let theirs = &reads.other_reviewer;
    let case_id = house.grant(7, "1.2.3", theirs, &right, None).await;
    let claim = wants("IN PROGRESS", Some("2.25.5"));
    ask(
        &house,
        theirs,
        Method::PUT,
        "/workitems/2.25.9/state",
        Some(&claim),
    )
    .await;
    let (uid, _, mut state) = report(&mut other).await;
    assert_eq!(uid, "2.25.9");
    if state == "SCHEDULED" {
        state = report(&mut other).await.2;
    }
    assert_eq!(state, "IN PROGRESS");
    // Without the grant the item does not exist for them any more.
    let mut tx = house.store.begin().await.unwrap();
    let now = Timestamp::from_micros(NOW);
    grants::revoke_of(&mut tx, &case_id, theirs.kind(), theirs.id(), now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let got = ask(&house, theirs, Method::GET, "/workitems/2.25.9", None).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_ends_with_its_token() {
    let house = House::with(&[Made::default()]).await;
    let station = a_machine(&house).await;
    let mut channel = open(&house, &station).await;
    let Actor::Machine { token_id, .. } = &station else {
        panic!("a machine");
    };
    let mut tx = house.store.begin().await.unwrap();
    let now = Timestamp::from_micros(NOW);
    tokens::revoke(&mut tx, token_id, now).await.unwrap();
    tx.commit().await.unwrap();
    let Message::Close(Some(frame)) = next(&mut channel).await else {
        panic!("it is closed");
    };
    assert_eq!(u16::from(frame.code), 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_out_is_told_nothing_more() {
    let house = House::with(&[Made::default()]).await;
    let reviewer = signed_in(&house, 3, Role::Reviewer).await;
    let mut channel = open(&house, &reviewer).await;
    sign_out(&house, &reviewer).await;
    let Message::Close(Some(frame)) = next(&mut channel).await else {
        panic!("it is closed");
    };
    assert_eq!(u16::from(frame.code), 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_not_for_everybody() {
    let house = House::with(&[Made::default()]).await;
    let patient = person(8, Role::Patient);
    let reviewer = signed_in(&house, 3, Role::Reviewer).await;
    let foreign: &[(&str, &str)] = &[("origin", "https://elsewhere.example")];
    for (actor, headers, expect) in [
        (None, &[][..], 401),
        (Some(&patient), &[], 403),
        // A page of another origin, with the cookie that the browser sends by itself.
        (Some(&reviewer), foreign, 403),
    ] {
        let error = try_open(&house, actor, headers).await.unwrap_err();
        let tungstenite::Error::Http(response) = error else {
            panic!("{error}");
        };
        assert_eq!(response.status().as_u16(), expect);
    }
    let mut channel = open(&house, &reviewer).await;
    channel
        .send(Message::Text("x".repeat(8 * 1024).into()))
        .await
        .unwrap();
    let ended = timeout(PATIENCE, channel.next()).await.expect("in time");
    assert!(!matches!(ended, Some(Ok(Message::Text(_)))), "{ended:?}");
    let got = ask(&house, &reviewer, Method::GET, "/ws/subscribers/A", None).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
}
