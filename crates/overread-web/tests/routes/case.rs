//! `/cases/{case}`: the journey, consent, and changes of state.

use http::StatusCode;
use overread_model::access::Role;

use crate::door::Door;

#[tokio::test]
async fn the_journey_says_where_it_stands_and_whose_turn() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let page = patient.get(&format!("/cases/{case_id}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("Where it stands") && page.body.contains("aria-current=\"step\""));
    assert!(
        page.body.contains(&format!("/cases/{case_id}/consent")),
        "{}",
        page.body
    );
    let list = patient.get("/cases").await;
    assert!(list.body.contains("MRI lumbar spine"));
    ada.act_as(Role::Coordinator).await;
    assert!(ada.get("/cases").await.body.contains("Pat Patient"));
}

#[tokio::test]
async fn only_the_patients_side_signs_the_consent() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let path = format!("/cases/{case_id}/consent");
    let fields = [
        ("scope_review", "true"),
        ("scope_letters", "true"),
        ("scope_share", "true"),
        ("receivers", "Dr. Treat"),
        ("signature", "Pat Patient"),
        ("expires_on", "2027-03-01"),
    ];
    ada.act_as(Role::Coordinator).await;
    let refused = ada.post(&path, &fields).await;
    assert!(
        matches!(
            refused.status,
            StatusCode::FORBIDDEN | StatusCode::UNPROCESSABLE_ENTITY
        ),
        "{}",
        refused.status
    );
    let unsigned = patient.post(&path, &[("scope_review", "true")]).await;
    assert_eq!(unsigned.status, StatusCode::UNPROCESSABLE_ENTITY);
    let signed = patient.post(&path, &fields).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.body);
    assert!(patient.get(&path).await.body.contains("In force"));
}

#[tokio::test]
async fn a_spanish_letter_says_what_nobody_translates() {
    const SAID: &str = "printed as they were typed";
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    let path = format!("/cases/{case_id}/letters/second_opinion_request");
    let english = patient.get(&format!("{path}?language=en")).await;
    assert!(!english.body.contains(SAID), "{}", english.body);
    let spanish = patient.get(&format!("{path}?language=es")).await;
    assert!(spanish.body.contains(SAID), "{}", spanish.body);
    let typed = |reason| [("language", "es"), ("field.reason", reason)];
    let preview = format!("{path}/preview");
    let shown = patient.post(&preview, &typed("Surgery was advised")).await;
    assert!(shown.body.contains(SAID), "{}", shown.body);
    let empty = patient.post(&preview, &typed("")).await;
    assert!(!empty.body.contains(SAID), "{}", empty.body);
}

#[tokio::test]
async fn every_place_an_insurer_is_led_to_opens() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut insurer = door.join(&mut ada, Role::Insurer, "Ina Insurer").await;
    let case_id = insurer.ask("Pat Patient").await;
    insurer.submit(&case_id).await;
    let path = format!("/cases/{case_id}");
    let page = insurer.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let start = format!("href=\"{path}/");
    let links: Vec<&str> = page
        .body
        .split(&start)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(!links.is_empty() && !links.contains(&"records"));
    for link in links {
        let answer = insurer.get(&format!("{path}/{link}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{link}: {}", answer.body);
    }
}
