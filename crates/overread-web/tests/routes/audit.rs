//! `/audit`.

use http::StatusCode;
use overread_model::access::Role;
use overread_model::ids::PersonId;

use crate::door::{Door, PASSWORD};

#[tokio::test]
async fn only_administrators_read_the_audit() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let nobody = door.browser().get("/audit?case=2026-00001").await;
    assert_eq!(nobody.leads_to(), "/sign-in?next=/audit");
    let unsent = door.browser().post("/audit", &[]).await;
    assert_eq!(unsent.status, StatusCode::UNAUTHORIZED);
    for role in [
        Role::Patient,
        Role::Reviewer,
        Role::ReferringPhysician,
        Role::Insurer,
    ] {
        let mut other = door.join(&mut ada, role, "Olga Other").await;
        let answer = other.get("/audit").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role}");
        let answer = other.post("/audit", &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role}");
    }
    ada.act_as(Role::Coordinator).await;
    assert_eq!(ada.get("/audit").await.status, StatusCode::FORBIDDEN);
    assert!(!ada.get("/account").await.body.contains("\"/audit\""));
}

#[tokio::test]
async fn the_audit_says_when_who_what_and_in_which_case() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat <b>Patient").await;
    let case_id = patient.ask("Alex Sample").await;
    patient.submit(&case_id).await;
    ada.act_as(Role::Administrator).await;
    let all = ada.get("/audit").await.body;
    for words in [
        "Pat &#60;b&#62;Patient",
        "Signed in",
        "Began a request",
        "<td data-label=\"Case\">2026-00001</td>",
        "<a href=\"/audit\" aria-current=\"page\">",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
    for secret in [PASSWORD, "Alex Sample", "Alex"] {
        assert!(!all.contains(secret), "{secret}");
    }
    let of_case = ada.get("/audit?case=2026-00001").await.body;
    assert!(of_case.contains("Began a request") && !of_case.contains("Signed in"));
    let of_kind = ada.get("/audit?kind=session&before=0").await.body;
    assert!(!of_kind.contains("Began a request") && of_kind.contains("Signed in"));
    // Reading the audit is in it, too.
    let again = ada.get("/audit?kind=audit").await.body;
    assert!(again.contains("Read the audit"), "{again}");
    let nobody = ada.get("/audit?person=ada%40nowhere.example").await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nobody.body.contains("no account with this address"));
    let wrong = ada.get("/audit?since=%3Cb%3E&case=%3Ci%3E").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let later = ada.get("/audit?since=2999-01-01").await.body;
    assert!(later.contains("<p class=\"quiet\">Nothing"), "{later}");
}

/// What is looked for is written down for ever, and stands in the address.
#[tokio::test]
async fn only_whoever_is_known_is_looked_for_and_by_an_id() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    ada.act_as(Role::Administrator).await;
    let found = ada.post("/audit", &[("person", "Ada@example.org")]).await;
    assert_eq!(found.status, StatusCode::SEE_OTHER, "{}", found.body);
    let address = found.leads_to().to_owned();
    assert!(
        !address.contains('@') && !address.contains("%40"),
        "{address}"
    );
    let rows = ada.get(&address).await;
    assert!(rows.body.contains("Signed in"), "{}", rows.body);
    let stranger = PersonId::from_random([200; 16]);
    let long = "9".repeat(321);
    for (field, text) in [
        ("person", "Alex Sample"),
        ("person", stranger.as_str()),
        ("person", &"a".repeat(26)),
        ("kind", "Sample"),
        ("case", &long),
        ("person", &long),
    ] {
        let refused = ada.post("/audit", &[(field, text)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(refused.body.contains("field__problem"), "{}", refused.body);
        let address = format!("/audit?{field}={}", text.replace(' ', "+"));
        let refused = ada.get(&address).await.status;
        assert_eq!(refused, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
    }
    let rows = ada.get("/audit?kind=audit").await.body;
    assert!(!rows.contains("Sample") && !rows.contains(stranger.as_str()));
}

#[tokio::test]
async fn a_hundred_rows_stand_on_a_page() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    ada.act_as(Role::Administrator).await;
    for _ in 0..101 {
        ada.get("/audit?kind=setup").await;
    }
    let page = ada.get("/audit?kind=audit").await;
    assert_eq!(page.body.matches("Read the audit").count(), 100);
    let (_, older) = page.body.split_once("href=\"/audit?").unwrap();
    let older = older.split('"').next().unwrap().replace("&#38;", "&");
    let older = format!("/audit?{older}");
    let older = ada.get(&older).await.body;
    assert_eq!(older.matches("Read the audit").count(), 1, "{older}");
    assert!(older.contains("Back to the newest") && !older.contains("Show older ones"));
}
