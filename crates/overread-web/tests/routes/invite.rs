//! `/cases/{case}/invite` and `/cases/{case}/consent/paper`: a request that a coordinator wrote down for somebody else.

use http::StatusCode;
use overread_model::access::Role;
use overread_store::audit;

use crate::door::{Door, PASSWORD};

/// What the coordinator sends to invite the patient.
const INVITED: [(&str, &str); 4] = [
    ("name", "Pat Patient"),
    ("email", "pat@example.org"),
    ("role", "patient"),
    ("language", "en"),
];

#[tokio::test]
async fn the_patient_of_a_request_by_phone_is_invited() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    ada.act_as(Role::Coordinator).await;
    let case_id = ada.ask("Pat Patient").await;
    let review = ada.get(&format!("/cases/{case_id}/ask/review")).await;
    assert!(!review.body.contains("you sign"), "{}", review.body);
    ada.submit(&case_id).await;
    let path = format!("/cases/{case_id}");
    let invite = format!("{path}/invite");
    let page = ada.get(&path).await;
    assert!(
        page.body.contains("Invite the patient to sign")
            && page.body.contains("Whose turn: <b>the patient</b>")
            && page.body.contains(&format!("href=\"{invite}\"")),
        "{}",
        page.body
    );
    let form = ada.get(&invite).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.body);
    for filled in [
        "value=\"Pat Patient\"",
        "value=\"pat@example.org\"",
        "<option value=\"patient\" selected>",
    ] {
        assert!(form.body.contains(filled), "{filled}: {}", form.body);
    }
    // Nobody, and people of no case, invite nobody to it.
    let mut nobody = door.browser();
    assert!(!nobody.post(&invite, &INVITED).await.status.is_success());
    assert_eq!(
        stranger.post(&invite, &INVITED).await.status,
        StatusCode::NOT_FOUND
    );
    let wrong = ada.post(&invite, &[("role", "patient")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn who_was_invited_joins_and_signs() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    ada.act_as(Role::Coordinator).await;
    let case_id = ada.ask("Pat Patient").await;
    ada.submit(&case_id).await;
    let path = format!("/cases/{case_id}");
    let invite = format!("{path}/invite");
    let made = ada.post(&invite, &INVITED).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let secret = made.path_after("/invitations/");

    let mut patient = door.browser();
    let joined = patient
        .post(
            &secret,
            &[
                ("name", "Pat Patient"),
                ("password", PASSWORD),
                ("password_again", PASSWORD),
            ],
        )
        .await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.body);
    patient.learn_csrf("/account").await;
    let list = patient.get("/cases").await;
    assert!(list.body.contains(&path), "{}", list.body);
    assert_eq!(patient.get(&invite).await.status, StatusCode::FORBIDDEN);
    let signed = patient
        .post(
            &format!("{path}/consent"),
            &[
                ("scope_review", "true"),
                ("receivers", "Dr. Treat"),
                ("signature", "Pat Patient"),
                ("expires_on", "2027-03-01"),
            ],
        )
        .await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.body);
    let people = ada.get(&invite).await;
    assert!(
        people.body.contains("<b>Pat Patient</b>") && !people.body.contains("not joined yet</h2>"),
        "{}",
        people.body
    );
}

#[tokio::test]
async fn an_invitation_is_taken_back_by_any_coordinator_and_in_its_own_case_alone() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let mut cora = door.join(&mut ada, Role::Coordinator, "Cora Nator").await;
    let own = stranger.ask("Sam Stranger").await;
    stranger.submit(&own).await;
    ada.act_as(Role::Coordinator).await;
    let case_id = ada.ask("Pat Patient").await;
    ada.submit(&case_id).await;
    let invite = format!("/cases/{case_id}/invite");
    let made = ada.post(&invite, &INVITED).await;
    let secret = made.path_after("/invitations/");
    let revoke = made.path_after(&format!("{invite}/"));
    let elsewhere = revoke.replace(case_id.as_str(), own.as_str());

    let mut nobody = door.browser();
    assert!(!nobody.post(&revoke, &[]).await.status.is_success());
    for path in [&revoke, &elsewhere] {
        let answer = stranger.post(path, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = cora.post(&elsewhere, &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "of another case");
    assert_eq!(door.browser().get(&secret).await.status, StatusCode::OK);
    // Another coordinator than who invited.
    let answer = cora.post(&revoke, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(answer.leads_to(), invite);
    assert_eq!(
        door.browser().get(&secret).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        cora.post(&revoke, &[]).await.status,
        StatusCode::NOT_FOUND,
        "the second click"
    );
    let mut tx = door.workflow.store.read().await.unwrap();
    let rows = audit::list_of_case(&mut tx, &case_id).await.unwrap();
    let events = rows.iter().map(|row| row.event.as_str());
    assert_eq!(
        events
            .filter(|event| *event == "invitation.revoked")
            .count(),
        1
    );
}

#[tokio::test]
async fn the_people_page_and_the_consent_are_noted_as_read() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    ada.act_as(Role::Coordinator).await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let path = format!("/cases/{case_id}");
    let reads = async || {
        let mut tx = door.workflow.store.read().await.unwrap();
        let rows = audit::list_of_case(&mut tx, &case_id).await.unwrap();
        let reads = rows.into_iter().filter(|row| row.event == "case.read");
        reads.filter_map(|row| row.subject_id).collect::<Vec<_>>()
    };
    // Who is refused has read nothing, and the page that says that nothing was compared yet shows no consent.
    assert_eq!(
        patient.get(&format!("{path}/invite")).await.status,
        StatusCode::FORBIDDEN
    );
    ada.get(&format!("{path}/concordance")).await;
    assert_eq!(reads().await, Vec::<String>::new());
    for (part, what) in [("invite", "people"), ("consent", "consent")] {
        let page = ada.get(&format!("{path}/{part}")).await;
        assert_eq!(page.status, StatusCode::OK, "{part}");
        assert_eq!(reads().await.last().map(String::as_str), Some(what));
    }
    assert_eq!(reads().await.len(), 2);
}

#[tokio::test]
async fn a_consent_on_paper_is_entered_by_a_coordinator_alone() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    ada.act_as(Role::Coordinator).await;
    let case_id = ada.ask("Pat Patient").await;
    ada.submit(&case_id).await;
    let consent = format!("/cases/{case_id}/consent");
    let paper = format!("{consent}/paper");
    let fields = [
        ("signature", "Pat Patient"),
        ("signed_on", "2026-02-20"),
        ("expires_on", "2027-02-20"),
        ("scope_review", "true"),
        ("scope_letters", "true"),
        ("receivers", "Harbour Imaging"),
        ("paper_at", "Folder 12 <at the desk>"),
    ];
    assert!(
        !door
            .browser()
            .post(&paper, &fields)
            .await
            .status
            .is_success()
    );
    assert_eq!(
        patient.post(&paper, &fields).await.status,
        StatusCode::NOT_FOUND
    );
    let lacks = ada.post(&paper, fields.get(..3).unwrap()).await;
    assert_eq!(lacks.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        lacks.body.contains("value=\"2026-02-20\""),
        "what was typed stays: {}",
        lacks.body
    );
    let entered = ada.post(&paper, &fields).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.body);
    let page = ada.get(&consent).await;
    for words in [
        "on paper, entered by Ada Administrator",
        "Folder 12 &#60;at the desk&#62;",
        "In force",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let own = patient.ask("Pat Patient").await;
    patient.submit(&own).await;
    let theirs = format!("/cases/{own}/consent/paper");
    assert_eq!(
        patient.post(&theirs, &fields).await.status,
        StatusCode::FORBIDDEN
    );
}
