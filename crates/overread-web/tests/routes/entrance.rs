//! `/`, `/setup/{secret}`, `/sign-in`, `/sign-out`, `/invitations/{secret}`, `/emergency`, `/account`.

use http::StatusCode;
use overread_model::access::Role;

use crate::door::{Door, PASSWORD};

#[tokio::test]
async fn the_landing_page_is_for_everybody() {
    let door = Door::new().await;
    let answer = door.browser().get("/").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("<html lang=\"en\">"));
    let answer = door.browser().get("/emergency").await;
    assert!(answer.body.contains("Call 911 now"));
}

#[tokio::test]
async fn the_setup_page_works_once() {
    let door = Door::new().await;
    assert_eq!(
        door.browser().get("/setup/wrong").await.status,
        StatusCode::NOT_FOUND
    );
    let ada = door.administrator().await;
    let answer = ada.get("/people").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("Ada Administrator"));
    let again = overread_workflow::setup::prepare(
        &door.workflow,
        overread_model::time::Timestamp::from_micros(1),
    )
    .await
    .unwrap();
    assert!(again.is_none());
}

#[tokio::test]
async fn signing_in_and_out() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let mut browser = door.browser();
    let wrong = browser
        .post_as_is(
            "/sign-in",
            &[("email", "ada@example.org"), ("password", "wrong")],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        !wrong.body.contains("wrong\""),
        "the password is not shown again"
    );
    let unknown = browser
        .post_as_is(
            "/sign-in",
            &[("email", "eve@example.org"), ("password", "wrong")],
        )
        .await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = browser
        .post_as_is(
            "/sign-in",
            &[
                ("email", "ada@example.org"),
                ("password", PASSWORD),
                ("next", "//evil.example"),
            ],
        )
        .await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    assert!(!right.leads_to().contains("evil"));
    let cookie = right.headers.get("set-cookie").unwrap().to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    let out = ada.post("/sign-out", &[]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert_eq!(
        browser.get("/account").await.status,
        StatusCode::OK,
        "the other session goes on"
    );
    assert_eq!(ada.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_invitation_works_once() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    ada.act_as(Role::Administrator).await;
    let made = ada
        .post(
            "/people/invite",
            &[
                ("name", "Rae"),
                ("email", "rae@example.org"),
                ("role", "reviewer"),
                ("language", "en"),
            ],
        )
        .await;
    let path = made.path_after("/invitations/");
    let mut rae = door.browser();
    let shown = rae.get(&path).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.body.contains("rae@example.org"));
    let weak = rae
        .post_as_is(
            &path,
            &[
                ("name", "Rae"),
                ("password", "short"),
                ("password_again", "short"),
            ],
        )
        .await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let joined = rae
        .post_as_is(
            &path,
            &[
                ("name", "Rae"),
                ("password", PASSWORD),
                ("password_again", PASSWORD),
            ],
        )
        .await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.body);
    assert_eq!(
        door.browser().get(&path).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        door.browser().get("/invitations/wrong").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_browser_stays_known_after_signing_out() {
    let door = Door::new().await;
    let mut ada = door.administrator().await;
    let out = ada.post("/sign-out", &[]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    let try_it = |password: &'static str| [("email", "ada@example.org"), ("password", password)];
    let mut stranger = door.browser();
    for _ in 0..overread_workflow::limits::SIGN_IN_FREE_TRIES {
        let wrong = stranger.post_as_is("/sign-in", &try_it("wrong")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let late = stranger.post_as_is("/sign-in", &try_it(PASSWORD)).await;
    assert_eq!(late.status, StatusCode::TOO_MANY_REQUESTS);
    let own = ada.post_as_is("/sign-in", &try_it(PASSWORD)).await;
    assert_eq!(own.status, StatusCode::SEE_OTHER, "{}", own.body);
}
