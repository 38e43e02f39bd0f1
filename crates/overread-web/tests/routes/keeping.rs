//! `/keeping` and what a case's page says of it.

use http::StatusCode;
use overread_model::access::Role;

use crate::door::Door;

const NO_ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

fn posts() -> Vec<String> {
    vec![
        "/keeping/delete".to_owned(),
        "/keeping/hold".to_owned(),
        "/keeping/quota".to_owned(),
        format!("/keeping/deletions/{NO_ID}/restore"),
        format!("/keeping/holds/{NO_ID}/lift"),
        format!("/keeping/requests/{NO_ID}/delete"),
        format!("/keeping/requests/{NO_ID}/decline"),
        "/keeping/proposals/1/delete".to_owned(),
    ]
}

const FIELDS: [(&str, &str); 2] = [("named", "2026-00001"), ("reason", "because")];

#[tokio::test]
async fn only_administrators_delete_hold_and_restore() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let mut insurer = door.join(&mut ada, Role::Insurer, "Ina Insurer").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let mut nobody = door.browser();
    assert_eq!(
        nobody.get("/keeping").await.leads_to(),
        "/sign-in?next=/keeping"
    );
    for path in posts() {
        let answer = nobody.post(&path, &FIELDS).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    ada.act_as(Role::Coordinator).await;
    for other in [&mut patient, &mut reviewer, &mut insurer, &mut ada] {
        assert_eq!(other.get("/keeping").await.status, StatusCode::FORBIDDEN);
        for path in posts() {
            let answer = other.post(&path, &FIELDS).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{path}: {}",
                answer.body
            );
        }
    }
    ada.act_as(Role::Administrator).await;
    let shown = ada.get("/keeping").await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert!(
        shown.body.contains("21 CFR 900.12(c)(4)(i)"),
        "a rule names its law"
    );
    assert!(
        !shown.body.contains("Pat Patient"),
        "an administrator sees no patient"
    );
    let wrong = ada
        .post("/keeping/delete", &[("named", "9999"), ("reason", "why")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.body.contains("value=\"9999\"") && wrong.body.contains("no case with this number")
    );
    let stolen = ada.post_as_is("/keeping/delete", &FIELDS).await;
    assert_eq!(
        stolen.status,
        StatusCode::FORBIDDEN,
        "a form that is not ours"
    );
}

#[tokio::test]
async fn the_patient_asks_and_others_of_the_case_may_not() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let mut stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let mut reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let (ask, hold) = (
        format!("/cases/{case_id}/deletion"),
        format!("/cases/{case_id}/hold"),
    );
    let page = format!("/cases/{case_id}");
    let mut nobody = door.browser();
    for path in [&ask, &hold] {
        let answer = nobody.post(path, &[("reason", "because")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        for other in [&mut stranger, &mut reviewer, &mut ada] {
            let answer = other.post(path, &[("reason", "because")]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    let held = patient.post(&hold, &[("reason", "because")]).await;
    assert_eq!(held.status, StatusCode::FORBIDDEN);
    let before = patient.get(&page).await;
    assert!(
        before.body.contains("Ask for deletion") && !before.body.contains("Place a legal hold")
    );
    let asked = patient
        .post(&ask, &[("reason", "They are <b>mine</b>.")])
        .await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    assert!(
        patient
            .get(&page)
            .await
            .body
            .contains("It waits for an answer.")
    );
    let list = ada.get("/keeping").await;
    assert!(
        list.body.contains("They are &#60;b&#62;mine"),
        "{}",
        list.body
    );
    let decline = list.path_after("/keeping/requests/");
    let decline = decline.replace("/delete", "/decline");
    let answered = ada
        .post(&decline, &[("reason", "The law asks us to keep them.")])
        .await;
    assert_eq!(answered.status, StatusCode::OK, "{}", answered.body);
    let after = patient.get(&page).await;
    assert!(after.body.contains("The law asks us to keep them."));
    ada.act_as(Role::Coordinator).await;
    let held = ada.post(&hold, &[("reason", "A claim was made.")]).await;
    assert_eq!(held.status, StatusCode::SEE_OTHER, "{}", held.body);
    let desk = ada.get(&page).await;
    assert!(
        desk.body.contains("A claim was made.") && desk.body.contains("of 20.0 GB"),
        "{}",
        desk.body
    );
    let theirs = patient.get(&page).await;
    assert!(
        !theirs.body.contains("A claim was made."),
        "a dispute is not told"
    );
}
