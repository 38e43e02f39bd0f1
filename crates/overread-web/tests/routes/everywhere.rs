//! What holds at every address: who may not see it, headers, hostile input.

use axum::body::{Body, Bytes};
use http::{Request, StatusCode};
use overread_model::access::Role;

use crate::door::Door;

/// Every page of a case.
const CASE_PAGES: [&str; 17] = [
    "",
    "/ask/who",
    "/ask/exam",
    "/ask/why",
    "/ask/urgency",
    "/ask/review",
    "/consent",
    "/invite",
    "/records",
    "/letters",
    "/letters/second_opinion_request",
    "/reviewers",
    "/cost",
    "/viewer",
    "/original-report",
    "/concordance",
    "/act",
];

const NO_CASE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

#[tokio::test]
async fn nobody_is_sent_to_the_sign_in_and_comes_back() {
    let door = Door::new().await;
    let nobody = door.browser();
    for tail in CASE_PAGES {
        let path = format!("/cases/{NO_CASE}{tail}");
        let answer = nobody.get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.leads_to(), format!("/sign-in?next={path}"));
    }
    for path in [
        "/cases",
        "/people",
        "/reviewers",
        "/account",
        "/dicom-peers",
    ] {
        let answer = nobody.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test]
async fn what_one_may_not_see_is_not_there() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let reviewer = door.join(&mut ada, Role::Reviewer, "Rae Reviewer").await;
    let doctor = door
        .join(&mut ada, Role::ReferringPhysician, "Dora Doctor")
        .await;
    let insurer = door.join(&mut ada, Role::Insurer, "Ina Insurer").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    for other in [&stranger, &reviewer, &doctor, &insurer] {
        for tail in CASE_PAGES {
            let path = format!("/cases/{case_id}{tail}");
            let answer = other.get(&path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(!answer.body.contains("Pat Patient"), "{path}");
        }
    }
    for tail in CASE_PAGES {
        let path = format!("/cases/{NO_CASE}{tail}");
        assert_eq!(
            patient.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    for path in [
        "/cases/../../etc/passwd",
        "/cases/%00",
        "/cases/<script>",
        "/nowhere",
    ] {
        let path = path.replace('<', "%3C").replace('>', "%3E");
        assert_eq!(
            patient.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_owner_sees_every_page_that_is_theirs() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    for tail in [
        "",
        "/consent",
        "/records",
        "/letters",
        "/letters/second_opinion_request",
        "/original-report",
        "/concordance",
    ] {
        let path = format!("/cases/{case_id}{tail}");
        let answer = patient.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    }
    ada.act_as(Role::Coordinator).await;
    for tail in [
        "",
        "/consent",
        "/invite",
        "/records",
        "/letters",
        "/reviewers",
        "/cost",
        "/original-report",
        "/act",
    ] {
        let path = format!("/cases/{case_id}{tail}");
        let answer = ada.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn every_answer_carries_the_strict_headers() {
    let door = Door::new().await;
    let nobody = door.browser();
    for path in [
        "/",
        "/sign-in",
        "/emergency",
        "/nowhere",
        "/healthz",
        "/dicom-web/studies",
        "/wado?requestType=WADO",
        "/assets/none.js",
    ] {
        let answer = nobody.get(path).await;
        let header = |name: &str| {
            answer
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap())
                .unwrap_or_default()
        };
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"),
            "{path}: {policy}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("x-request-id").len(), 16, "{path}");
        assert!(
            !answer.body.contains("<script>") && !answer.body.contains(" style="),
            "{path}"
        );
    }
}

#[tokio::test]
async fn hostile_names_are_shown_as_text() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door
        .join(&mut ada, Role::Patient, "<img src=x onerror=alert(1)>")
        .await;
    let name = "\"><script>alert('p')</script>";
    let case_id = patient.ask(name).await;
    patient.submit(&case_id).await;
    ada.act_as(Role::Coordinator).await;
    let mut seen = false;
    for tail in CASE_PAGES {
        for who in [&patient, &ada] {
            let answer = who.get(&format!("/cases/{case_id}{tail}")).await;
            assert!(!answer.body.contains("<script>alert"), "{tail}");
            assert!(!answer.body.contains("<img src=x"), "{tail}");
            seen |= answer.body.contains("&#60;script&#62;alert");
        }
    }
    assert!(seen, "the name is shown nowhere");
    for path in ["/cases", "/account", "/people"] {
        let answer = patient.get(path).await;
        assert!(
            !answer.body.contains("<script>alert") && !answer.body.contains("<img src=x"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn forms_without_their_token_or_from_elsewhere_change_nothing() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    for token in ["", "wrong"] {
        let answer = patient.post_as_is("/cases", &[("csrf", token)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let foreign = Request::post("/cases")
        .header("cookie", &patient.cookie)
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("csrf={}", patient.csrf)))
        .unwrap();
    assert_eq!(door.send(foreign).await.status, StatusCode::FORBIDDEN);
    let list = patient.get("/cases").await;
    assert!(list.body.contains("You have no case yet"), "{}", list.body);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused_in_words() {
    let door = Door::new().await;
    let mut nobody = door.browser();
    let long = "x".repeat(300 * 1024);
    let answer = nobody.post_as_is("/sign-in", &[("email", &long)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.contains("What you can do now"));
}

#[tokio::test]
async fn a_form_that_breaks_off_is_unreadable_and_not_too_large() {
    let door = Door::new().await;
    let broken = futures_util::stream::iter([
        Ok(Bytes::from_static(b"email=a")),
        Err(std::io::Error::other("a chunk without a size")),
    ]);
    let request = Request::post("/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from_stream(broken))
        .unwrap();
    assert_eq!(door.send(request).await.status, StatusCode::BAD_REQUEST);
    let endless = futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 8192]))
    });
    let request = Request::post("/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from_stream(endless))
        .unwrap();
    let answer = door.send(request).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
