//! `/cases` and `/cases/{case}/ask/…`.

use http::StatusCode;
use overread_model::access::Role;

use crate::door::Door;

#[tokio::test]
async fn a_reviewer_does_not_ask() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    assert_eq!(
        reviewer.post("/cases", &[]).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_red_flag_ends_it_with_whom_to_call() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    let path = format!("/cases/{case_id}/ask/urgency");
    let version = patient.get(&path).await.hidden("version");
    let answer = patient
        .post(&path, &[("version", &version), ("red_flags", "rf_cauda")])
        .await;
    assert_eq!(answer.leads_to(), "/emergency");
}

#[tokio::test]
async fn an_old_tab_does_not_overwrite() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    let path = format!("/cases/{case_id}/ask/who");
    let answer = patient
        .post(&path, &[("version", "0"), ("patient_name", "Other")])
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    assert!(patient.get(&path).await.body.contains("Pat Patient"));
}

#[tokio::test]
async fn what_is_missing_is_said_beside_its_field() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let start = patient.post("/cases", &[]).await;
    let path = start.leads_to().to_owned();
    let version = patient.get(&path).await.hidden("version");
    let answer = patient
        .post(&path, &[("version", &version), ("requester", "patient")])
        .await;
    assert!(
        answer.leads_to().contains("check=true"),
        "{}",
        answer.leads_to()
    );
    let shown = patient
        .get(answer.leads_to().split('#').next().unwrap())
        .await;
    assert!(
        shown.body.contains("Please look at this first")
            && shown.body.contains("aria-invalid=\"true\"")
    );
}
