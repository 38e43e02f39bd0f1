//! `/dicom-web` and `/wado` for pages of other origins: by token, never by cookie, and only those that are named.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use overread_model::access::Role;
use overread_model::time::Timestamp;
use overread_store::tokens::{self, NewToken};

use crate::door::{Answer, Door};

const VIEWER: &str = "https://viewer.example";

async fn ask(door: &Door, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let mut request = request.header("accept", "*/*");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    door.send(request.body(Body::empty()).unwrap()).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let value = answer.headers.get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

fn vary(answer: &Answer) -> String {
    let lines = answer.headers.get_all("vary").iter();
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap()).collect();
    lines.join(", ")
}

async fn token(door: &Door) -> String {
    let mut tx = door.workflow.store.begin().await.unwrap();
    let new = NewToken {
        name: "viewer",
        role: Role::Archive,
        case_id: None,
    };
    let made = tokens::create(&mut tx, &new, Timestamp::from_micros(1)).await;
    tx.commit().await.unwrap();
    format!("Bearer {}", made.unwrap().1)
}

#[tokio::test]
async fn a_page_of_a_named_origin_asks_with_a_token() {
    let door = Door::new().await;
    let bearer = token(&door).await;
    let preflight = [
        ("origin", VIEWER),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let path = "/dicom-web/studies";
    let answer = ask(&door, Method::OPTIONS, path, &preflight).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    assert_eq!(header(&answer, "access-control-allow-origin"), VIEWER);
    let allowed = header(&answer, "access-control-allow-headers");
    for name in ["Authorization", "Range", "If-None-Match", "Content-Type"] {
        assert!(allowed.contains(name), "{name}");
    }
    assert!(header(&answer, "access-control-allow-methods").contains("POST"));
    let headers = [("origin", VIEWER), ("authorization", bearer.as_str())];
    let answer = ask(&door, Method::GET, path, &headers).await;
    assert!(answer.status.is_success(), "{}", answer.status);
    assert_eq!(header(&answer, "access-control-allow-origin"), VIEWER);
    assert_eq!(header(&answer, "access-control-allow-credentials"), "");
    let exposed = header(&answer, "access-control-expose-headers");
    for name in ["Content-Location", "Content-Range", "ETag", "Warning"] {
        assert!(exposed.contains(name), "{name}");
    }
    assert!(vary(&answer).contains("Origin"), "{}", vary(&answer));
    // What is refused is told to the page too, or it could not say why.
    let answer = ask(&door, Method::GET, path, &[("origin", VIEWER)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(header(&answer, "access-control-allow-origin"), VIEWER);
}

#[tokio::test]
async fn no_other_origin_and_no_other_path_is_opened() {
    let door = Door::new().await;
    let bearer = token(&door).await;
    let check = async |path: &str, origin: &str| {
        for (name, value) in [
            ("authorization", bearer.as_str()),
            ("access-control-request-method", "GET"),
        ] {
            for method in [Method::GET, Method::OPTIONS] {
                let headers = [("origin", origin), (name, value)];
                let answer = ask(&door, method, path, &headers).await;
                for (name, _) in &answer.headers {
                    let opens = name.as_str().starts_with("access-control-");
                    assert!(!opens, "{path} {origin} {name}");
                }
                if path.starts_with("/dicom-web") {
                    assert!(vary(&answer).contains("Origin"), "{path}");
                }
            }
        }
    };
    for origin in [
        "https://other.example",
        "http://viewer.example",
        "https://viewer.example:8443",
        "https://viewer.example.other.example",
        "https://VIEWER.example",
        "null",
        "",
    ] {
        check("/dicom-web/studies", origin).await;
    }
    for path in [
        "/",
        "/sign-in",
        "/api/deliveries",
        "/wado?requestType=WADO",
        "/healthz",
    ] {
        check(path, VIEWER).await;
    }
}

/// A cookie travels by itself: with it, a page could read what its visitor may see without asking them.
#[tokio::test]
async fn a_cookie_counts_for_nothing_on_a_page_of_another_origin() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    ada.act_as(Role::Coordinator).await;
    let path = "/dicom-web/studies";
    let own = [("cookie", ada.cookie.as_str())];
    let answer = ask(&door, Method::GET, path, &own).await;
    assert!(answer.status.is_success(), "{}", answer.status);
    let foreign = [("cookie", ada.cookie.as_str()), ("origin", VIEWER)];
    let answer = ask(&door, Method::GET, path, &foreign).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let with_csrf = [
        ("cookie", ada.cookie.as_str()),
        ("x-overread-csrf", ada.csrf.as_str()),
        ("origin", VIEWER),
    ];
    let answer = ask(&door, Method::POST, path, &with_csrf).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_old_way_knows_tokens_and_cookies_too() {
    let door = Door::new().await;
    let bearer = token(&door).await;
    let mut ada = door.administrator().await;
    ada.act_as(Role::Coordinator).await;
    let path = "/wado?requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4&contentType=application/dicom";
    let nobody = ask(&door, Method::GET, path, &[]).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    for known in [
        ("authorization", bearer.as_str()),
        ("cookie", ada.cookie.as_str()),
    ] {
        let answer = ask(&door, Method::GET, path, &[known]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.body);
    }
}
