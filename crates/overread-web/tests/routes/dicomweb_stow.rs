//! `POST /dicom-web/studies` through the whole door.

use axum::body::Body;
use http::{Request, StatusCode};
use overread_model::access::Role;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::checks;
use overread_store::tokens::{self, NewToken};
use overread_testkit::dicom::InstanceSpec;
use overread_workflow::limits;

use crate::door::{Answer, Browser, Door};

fn body(spec: &InstanceSpec) -> Vec<u8> {
    let mut body = b"\r\n--b0undary\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
    body.extend(spec.part10().unwrap());
    body.extend_from_slice(b"\r\n--b0undary--\r\n");
    body
}

fn stow(query: &str) -> http::request::Builder {
    Request::post(format!("/dicom-web/studies{query}"))
        .header("content-type", "multipart/related; boundary=b0undary")
}

async fn stow_as(door: &Door, who: &Browser<'_>, query: &str, spec: &InstanceSpec) -> Answer {
    let request = stow(query)
        .header("cookie", &who.cookie)
        .header("x-overread-csrf", &who.csrf)
        .body(Body::from(body(spec)))
        .unwrap();
    door.send(request).await
}

async fn held_back(door: &Door, case_id: &CaseId) -> usize {
    let mut tx = door.workflow.store.read().await.unwrap();
    checks::held_back(&mut tx, case_id).await.unwrap().len()
}

#[tokio::test]
async fn a_case_written_in_percent_signs_is_the_same_case() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let encoded: String = case_id
        .as_str()
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    for (number, query) in [
        format!("?case={encoded}"),
        format!("?%63ase={case_id}"),
        format!("?c%61se={encoded}"),
    ]
    .iter()
    .enumerate()
    {
        let spec = InstanceSpec::mr(number as u64 + 1, 1, 1);
        let answer = stow_as(&door, &stranger, query, &spec).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{query}");
        assert_eq!(held_back(&door, &case_id).await, number, "{query}");
        // The images name somebody else; that they wait for a person shows that the case took them in.
        let answer = stow_as(&door, &patient, query, &spec).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
        assert_eq!(held_back(&door, &case_id).await, number + 1, "{query}");
    }
}

#[tokio::test]
async fn a_case_that_takes_nothing_is_a_conflict() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    // Not sent yet.
    let case_id = patient.ask("Pat Patient").await;
    let query = format!("?case={case_id}");
    let answer = stow_as(&door, &patient, &query, &InstanceSpec::mr(1, 1, 1)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    assert_eq!(held_back(&door, &case_id).await, 0);
}

#[tokio::test]
async fn other_bytes_under_a_known_uid_are_a_conflict() {
    let door = Door::new().await;
    let mut tx = door.workflow.store.begin().await.unwrap();
    let new = NewToken {
        name: "test",
        role: Role::Archive,
        case_id: None,
    };
    let made = tokens::create(&mut tx, &new, Timestamp::from_micros(1)).await;
    let (_, secret) = made.unwrap();
    tx.commit().await.unwrap();
    let send = async |spec: &InstanceSpec| {
        let request = stow("")
            .header("authorization", format!("Bearer {secret}"))
            .body(Body::from(body(spec)))
            .unwrap();
        door.send(request).await
    };
    let mut spec = InstanceSpec::mr(1, 1, 1);
    assert_eq!(send(&spec).await.status, StatusCode::OK);
    spec.pixels[3] ^= 1;
    let answer = send(&spec).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let failed = &said["00081198"]["Value"][0];
    assert_eq!(failed["00081155"]["Value"][0], &*spec.sop_instance_uid);
    assert_eq!(failed["00081197"]["Value"][0], 0x0110);
}

#[tokio::test]
async fn what_came_for_no_case_is_put_into_one_by_a_coordinator() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Alex Sample").await;
    let mut coordinator = door.join(&mut ada, Role::Coordinator, "Cora Nator").await;
    let draft = patient.ask("Alex Sample").await;
    let case_id = patient.ask("Alex Sample").await;
    patient.submit(&case_id).await;
    for number in [1, 2] {
        let spec = InstanceSpec::mr(number, 1, 1);
        let answer = stow_as(&door, &coordinator, "", &spec).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    for stranger in [&patient, &ada] {
        assert_eq!(stranger.get("/unfiled").await.status, StatusCode::NOT_FOUND);
    }
    let page = coordinator.get("/unfiled").await;
    assert_eq!(
        page.body.matches("name=\"study\"").count(),
        0,
        "first the case"
    );
    let chosen = format!("/unfiled?case={case_id}");
    let page = coordinator.get(&chosen).await;
    assert!(page.body.contains("2 studies wait"), "{}", page.body);
    assert_eq!(
        page.body.matches("name=\"study\"").count(),
        2,
        "{}",
        page.body
    );
    let study = InstanceSpec::mr(1, 1, 1).study_instance_uid;
    let fields = |case: &CaseId| [("study", study.clone()), ("case", case.to_string())];
    let post = async |who: &mut Browser<'_>, case: &CaseId| {
        let fields = fields(case);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        who.post("/unfiled", &fields).await.status
    };
    assert_eq!(post(&mut patient, &case_id).await, StatusCode::NOT_FOUND);
    let unready = post(&mut coordinator, &draft).await;
    assert!(unready.is_client_error(), "{unready}");
    assert_eq!(
        post(&mut coordinator, &case_id).await,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        post(&mut coordinator, &case_id).await,
        StatusCode::CONFLICT,
        "once"
    );
    let page = coordinator.get(&chosen).await;
    assert_eq!(
        page.body.matches("name=\"study\"").count(),
        1,
        "{}",
        page.body
    );
    // Its name and birth date are judged like those of every delivery.
    let mut tx = door.workflow.store.read().await.unwrap();
    let shown = checks::studies(&mut tx, &case_id).await.unwrap().len();
    drop(tx);
    assert_eq!(shown + held_back(&door, &case_id).await, 1);
}

#[tokio::test]
async fn what_a_person_called_another_patients_is_not_put_back_and_the_rest_is_counted() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Alex Sample").await;
    let mut coordinator = door.join(&mut ada, Role::Coordinator, "Cora Nator").await;
    let case_id = patient.ask("Alex Sample").await;
    patient.submit(&case_id).await;
    let page = coordinator.get("/unfiled").await;
    assert!(page.body.contains("No images wait here"), "{}", page.body);
    let last = limits::UNFILED_ON_A_PAGE as u32 + 1;
    for number in 1..=u64::from(last) {
        let spec = InstanceSpec::mr(number, 1, 1);
        let answer = stow_as(&door, &coordinator, "", &spec).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    let page = coordinator.get("/unfiled").await;
    let all = format!("{last} studies wait");
    assert!(page.body.contains(&all), "{}", page.body);
    let (_, next) = page.body.split_once("href=\"/unfiled?after=").unwrap();
    let after = next.split_once('"').unwrap().0;
    let path = format!("/unfiled?case={case_id}&after={after}");
    let page = coordinator.get(&path).await;
    assert_eq!(page.body.matches("name=\"study\"").count(), 1);
    assert!(!page.body.contains("Show the next"), "{}", page.body);
    let study = InstanceSpec::mr(1, 1, 1).study_instance_uid;
    let mut tx = door.workflow.store.begin().await.unwrap();
    let row = checks::study_by_uid(&mut tx, &study).await.unwrap();
    let decision = checks::HeldDecision {
        study_id: row.unwrap().id,
        right_patient: false,
        reason: "another birth date",
        decided_by: "somebody",
    };
    let now = Timestamp::from_micros(1);
    let held = checks::hold_back(&mut tx, &case_id, decision.study_id, "test", now).await;
    assert!(held.unwrap());
    let decided = checks::decide_held(&mut tx, &case_id, decision, now).await;
    assert!(decided.unwrap());
    tx.commit().await.unwrap();
    let case = case_id.to_string();
    let fields = [("study", study.as_str()), ("case", case.as_str())];
    let answer = coordinator.post("/unfiled", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let reason = "images are another patient&#39;s";
    assert!(answer.body.contains(reason), "{}", answer.body);
    assert!(answer.body.contains(&all), "it still waits");
}
