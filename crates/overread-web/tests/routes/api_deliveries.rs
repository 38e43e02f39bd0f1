//! `POST /api/deliveries`.

use axum::body::Body;
use http::{Request, StatusCode};
use overread_model::access::Role;
use overread_model::time::Timestamp;
use overread_store::tokens::{self, NewToken};

use crate::door::Door;

async fn token(door: &Door, role: Role) -> String {
    let mut tx = door.workflow.store.begin().await.unwrap();
    let new = NewToken {
        name: "test",
        role,
        case_id: None,
    };
    let (_, secret) = tokens::create(&mut tx, &new, Timestamp::from_micros(1))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    secret
}

fn zip() -> Vec<u8> {
    let exam = overread_testkit::dicom::InstanceSpec::mr(1, 1, 1)
        .part10()
        .unwrap();
    let files = [overread_testkit::disc::DiscFile::new("IMG1", exam)];
    overread_testkit::disc::zip_of(&files, true).unwrap()
}

fn post(kind: &str, body: Vec<u8>) -> http::request::Builder {
    let _ = body;
    Request::post("/api/deliveries").header("content-type", kind)
}

#[tokio::test]
async fn nobody_is_told_how_to_sign_the_request() {
    let door = Door::new().await;
    let request = post("application/zip", Vec::new())
        .body(Body::from(zip()))
        .unwrap();
    let answer = door.send(request).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers.get("www-authenticate").unwrap(), "Bearer");
    let wrong = post("application/zip", Vec::new())
        .header("authorization", "Bearer ovr_wrong")
        .body(Body::from(zip()))
        .unwrap();
    assert_eq!(door.send(wrong).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_archive_machine_delivers_a_zip() {
    let door = Door::new().await;
    let secret = token(&door, Role::Archive).await;
    let send = |body: Vec<u8>, kind: &str| {
        post(kind, Vec::new())
            .header("authorization", format!("Bearer {secret}"))
            .body(Body::from(body))
            .unwrap()
    };
    let answer = door.send(send(zip(), "application/zip")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let receipt: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(receipt["instances_stored"], 1, "{}", answer.body);
    let again = door.send(send(zip(), "application/zip")).await;
    let receipt: serde_json::Value = serde_json::from_str(&again.body).unwrap();
    assert_eq!(receipt["duplicates"], 1, "{}", again.body);
    let form = door
        .send(send(b"a=b".to_vec(), "application/x-www-form-urlencoded"))
        .await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let studies = Request::get("/dicom-web/studies")
        .header("accept", "application/dicom+json")
        .header("authorization", format!("Bearer {secret}"))
        .body(Body::empty())
        .unwrap();
    let studies = door.send(studies).await;
    assert_eq!(studies.status, StatusCode::OK, "{}", studies.body);
}

#[tokio::test]
async fn a_session_needs_its_token_and_a_right() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut patient = door.join(&mut ada, Role::Patient, "Pat Patient").await;
    let stranger = door.join(&mut ada, Role::Patient, "Sam Stranger").await;
    let case_id = patient.ask("Pat Patient").await;
    patient.submit(&case_id).await;
    let send = |cookie: &str, csrf: &str| {
        Request::post(format!("/api/deliveries?case={case_id}"))
            .header("content-type", "application/zip")
            .header("cookie", cookie)
            .header("x-overread-csrf", csrf)
            .body(Body::from(zip()))
            .unwrap()
    };
    assert_eq!(
        door.send(send(&patient.cookie, "")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        door.send(send(&stranger.cookie, &stranger.csrf))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let nobody = Request::get("/dicom-web/studies")
        .body(Body::empty())
        .unwrap();
    assert_eq!(door.send(nobody).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_address_for_programs_tells_of_errors_in_one_shape() {
    let door = Door::new().await;
    let bearer = format!("Bearer {}", token(&door, Role::Archive).await);
    let stow = "multipart/related; type=\"application/dicom\"; boundary=b";
    let no_case = format!(
        "?case={}",
        overread_model::ids::CaseId::from_random([7; 16])
    );
    for (method, path, kind, is_known) in [
        ("POST", "/api/deliveries", "application/zip", false),
        ("POST", "/api/deliveries", "multipart/form-data", true),
        (
            "POST",
            &format!("/api/deliveries{no_case}"),
            "application/zip",
            true,
        ),
        ("GET", "/dicom-web/studies", "", false),
        ("GET", "/dicom-web/studies/9.9/metadata", "", true),
        ("GET", "/dicom-web/nowhere", "", true),
        ("GET", "/dicom-web/", "", true),
        ("DELETE", "/dicom-web/?x=1", "", true),
        ("GET", "/dicom-web//studies", "", true),
        ("POST", "/dicom-web/studies", "text/plain", true),
        ("POST", &format!("/dicom-web/studies{no_case}"), stow, true),
        ("GET", "/wado?requestType=WADO", "", true),
    ] {
        let mut request = Request::builder().method(method).uri(path);
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        if is_known {
            request = request.header("authorization", &bearer);
        }
        let answer = door.send(request.body(Body::empty()).unwrap()).await;
        let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(said["status"], answer.status.as_u16(), "{path}: {said}");
        assert!(!answer.status.is_success(), "{path}");
        for (name, value) in said.as_object().unwrap() {
            let is_part = matches!(&**name, "message" | "detail" | "hint") && value.is_string();
            assert!(is_part || name == "status", "{path}: {name}");
        }
        assert!(said["message"].is_string(), "{path}: {said}");
    }
}
