//! Nobody, the wrong role, another case, an expired grant.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use overread_model::access::{Actor, Right, Role};
use overread_model::ids::{CaseId, LinkId, TokenId};

use crate::house::{House, NOW, archive_token, multipart, person, request};
use crate::made::Made;

const JSON: (&str, &str) = ("accept", "application/dicom+json");

fn two_studies() -> [Made; 2] {
    let other = Made {
        study: "1.2.4",
        series: "1.2.4.1",
        instance: "1.2.4.1.1".to_owned(),
        ..Made::default()
    };
    [Made::default(), other]
}

fn resources(made: &Made) -> Vec<String> {
    let (study, series) = (made.study, made.series);
    vec![
        format!("/studies/{study}"),
        format!("/studies/{study}/metadata"),
        format!("/studies/{study}/series/{series}"),
        format!("/studies/{study}/series/{series}/metadata"),
        made.url(),
        format!("{}/metadata", made.url()),
        format!("{}/frames/1", made.url()),
        format!("{}/bulkdata/7FE00010", made.url()),
    ]
}

#[tokio::test]
async fn nobody_is_asked_to_sign_in_g8() {
    let house = House::with(&[Made::default()]).await;
    let mut paths = resources(&Made::default());
    paths.extend(["/studies", "/series", "/instances", ""].map(str::to_owned));
    for path in paths {
        let method = if path.is_empty() {
            Method::OPTIONS
        } else {
            Method::GET
        };
        let got = house
            .send(
                None,
                request(method, &path, &[("accept", "*/*")], Body::empty()),
            )
            .await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(got.header("www-authenticate"), "Bearer");
    }
    let got = house
        .send(None, request(Method::POST, "/studies", &[], Body::empty()))
        .await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_no_grant_covers_does_not_exist_g9() {
    let house = House::with(&two_studies()).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let expired = person(3, Role::Reviewer);
    house
        .grant(7, "1.2.3", &expired, &[Right::ViewImages], Some(NOW - 1))
        .await;
    let no_images = person(4, Role::Insurer);
    house
        .grant(
            7,
            "1.2.3",
            &no_images,
            &[Right::ViewCase, Right::ViewReport],
            None,
        )
        .await;
    let [mine, other] = two_studies();
    for path in resources(&mine) {
        let got = house
            .get_as(Some(reviewer.clone()), &path, &[("accept", "*/*")])
            .await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        for stranger in [&expired, &no_images, &person(5, Role::Administrator)] {
            let got = house
                .get_as(Some(stranger.clone()), &path, &[("accept", "*/*")])
                .await;
            assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    for path in resources(&other) {
        let got = house
            .get_as(Some(reviewer.clone()), &path, &[("accept", "*/*")])
            .await;
        let missing = house
            .get_as(
                Some(reviewer.clone()),
                &path.replace("1.2.4", "9.9.9"),
                &[("accept", "*/*")],
            )
            .await;
        assert_eq!(
            (got.status, &got.body),
            (StatusCode::NOT_FOUND, &missing.body),
            "{path}"
        );
    }
}

/// Q24: lists, counts and paging know only what is in reach.
#[tokio::test]
async fn searches_are_filtered_before_they_are_counted_q24() {
    let house = House::with(&two_studies()).await;
    let reviewer = person(2, Role::Reviewer);
    let case_id = house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let link = Actor::Link {
        link_id: LinkId::from_random([9; 16]),
        case_id,
    };
    for actor in [&reviewer, &link] {
        for path in ["/studies?limit=1", "/series?limit=1", "/instances?limit=1"] {
            let got = house.get_as(Some(actor.clone()), path, &[JSON]).await;
            assert_eq!(got.status, StatusCode::OK);
            assert_eq!(got.header("warning"), "", "{path} tells of more");
            let found = got.json();
            assert_eq!(found.as_array().unwrap().len(), 1);
            assert_eq!(found[0]["0020000D"]["Value"][0], "1.2.3");
        }
        let got = house
            .get_as(
                Some(actor.clone()),
                "/studies?StudyInstanceUID=1.2.4",
                &[JSON],
            )
            .await;
        assert_eq!(got.status, StatusCode::NO_CONTENT);
        let got = house
            .get_as(Some(actor.clone()), "/studies/1.2.4/series", &[JSON])
            .await;
        assert_eq!(got.status, StatusCode::NO_CONTENT);
    }
    let got = house
        .get_as(Some(person(8, Role::Patient)), "/studies", &[JSON])
        .await;
    assert_eq!(got.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn storing_needs_a_role_or_a_grant() {
    let house = House::with(&[Made::default()]).await;
    let body = multipart(&[Made::number(2).bytes()]);
    let csrf = [("x-overread-csrf", "token")];
    let patient = person(2, Role::Patient);
    let case_id = house
        .grant(
            7,
            "1.2.3",
            &patient,
            &[Right::ViewImages, Right::AddRecords],
            None,
        )
        .await;
    let viewer = person(3, Role::Reviewer);
    house
        .grant(7, "1.2.3", &viewer, &[Right::ViewImages], None)
        .await;
    let to_case = format!("/studies?case={case_id}");
    let cases = [
        (&viewer, "/studies", &csrf[..], StatusCode::FORBIDDEN),
        (&viewer, &to_case, &csrf[..], StatusCode::FORBIDDEN),
        (
            &person(6, Role::Reviewer),
            &to_case,
            &csrf[..],
            StatusCode::NOT_FOUND,
        ),
        (&patient, "/studies", &csrf[..], StatusCode::FORBIDDEN),
        (&patient, &to_case, &[], StatusCode::FORBIDDEN),
        (
            &person(5, Role::Coordinator),
            "/studies",
            &[],
            StatusCode::FORBIDDEN,
        ),
        (&patient, &to_case, &csrf[..], StatusCode::OK),
        (
            &person(5, Role::Coordinator),
            "/studies",
            &csrf[..],
            StatusCode::OK,
        ),
    ];
    for (actor, path, headers, expect) in cases {
        let got = house
            .stow_as(actor.clone(), path, headers, body.clone())
            .await;
        assert_eq!(got.status, expect, "{path} {:?}", actor.role());
    }
}

#[tokio::test]
async fn who_repeats_an_image_of_another_case_is_told_that_it_did_not_join_and_not_why() {
    let house = House::with(&[Made::default(), Made::number(2)]).await;
    let other = Made {
        study: "1.2.9",
        series: "1.2.9.1",
        instance: "1.2.9.1.1".to_owned(),
        ..Made::default()
    };
    let made = other.bytes();
    assert_eq!(house.stow("/studies", &[made]).await.status, StatusCode::OK);
    let rights = [Right::ViewImages, Right::AddRecords];
    let (first, second) = (person(2, Role::Patient), person(3, Role::Patient));
    house.grant(7, "1.2.3", &first, &rights, None).await;
    let case_id = house.grant(8, "1.2.9", &second, &rights, None).await;
    let to_case = format!("/studies?case={case_id}");
    let stow = async |actor: &Actor, files: &[Vec<u8>]| {
        let csrf = [("x-overread-csrf", "token"), JSON];
        house
            .stow_as(actor.clone(), &to_case, &csrf, multipart(files))
            .await
    };
    let sees = async || {
        let got = house.get_as(Some(second.clone()), "/studies/1.2.3/metadata", &[JSON]);
        got.await.status
    };
    let one = Made::default().bytes();
    let got = stow(&second, std::slice::from_ref(&one)).await;
    assert_eq!(got.status, StatusCode::CONFLICT);
    let told: serde_json::Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(told["00081198"]["Value"][0]["00081197"]["Value"][0], 0x0124);
    let words = got.headers["warning"].to_str().unwrap();
    assert!(words.contains("not put into the case"), "{words}");
    assert!(!words.contains("held"), "{words}");
    // Other content under the same identifier is answered by the same bytes.
    let changed = Made {
        number: 9,
        ..Made::default()
    };
    let other = stow(&second, &[changed.bytes()]).await;
    assert_eq!((other.status, &other.body), (got.status, &got.body));
    assert_eq!(other.headers["warning"], got.headers["warning"]);
    assert_eq!(sees().await, StatusCode::NOT_FOUND);
    // Nor does a member of the one case put it into the other, or say by it that the other is there.
    assert_eq!(stow(&first, &[one]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(sees().await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_names_no_case_or_its_number_is_told_how_to_name_it() {
    let house = House::with(&[Made::default()]).await;
    let rights = [Right::ViewImages, Right::AddRecords];
    let patient = person(2, Role::Patient);
    let viewer = person(3, Role::Patient);
    house.grant(7, "1.2.3", &patient, &rights, None).await;
    let csrf = [("x-overread-csrf", "token")];
    let stow = async |actor: &Actor, path: &str| {
        let body = multipart(&[Made::number(2).bytes()]);
        house.stow_as(actor.clone(), path, &csrf, body).await
    };
    let got = stow(&patient, "/studies").await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.json()["message"].as_str().unwrap().contains("?case=ID"));
    for actor in [&patient, &archive_token()] {
        let got = stow(actor, "/studies?case=2026-00007").await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST);
        let told = got.json();
        assert!(told["message"].as_str().unwrap().contains("not its number"));
    }
    // A foreign case is told as one that is not there.
    house.grant(8, "1.2.3", &viewer, &rights, None).await;
    let mut told = Vec::new();
    for number in [8, 9] {
        let id = CaseId::from_random([number; 16]);
        let got = stow(&patient, &format!("/studies?case={id}")).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND);
        told.push(got.json()["message"].clone());
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].as_str().unwrap().contains("no case of this id"));
}

#[tokio::test]
async fn answers_are_never_pages() {
    let house = House::with(&[Made::default()]).await;
    for path in resources(&Made::default())
        .into_iter()
        .chain(["/studies".to_owned(), "/nothing".to_owned()])
    {
        let got = house.get(&path, "*/*").await;
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            got.header("content-security-policy").contains("sandbox"),
            "{path}"
        );
        assert!(!got.header("content-type").contains("html"), "{path}");
        assert!(got.header("cache-control").starts_with("private"), "{path}");
    }
}

/// One image, a structured report, and a document in a series that says it is something else.
fn study_with_reports() -> [Made; 3] {
    let report = Made {
        series: "1.2.3.2",
        instance: "1.2.3.2.1".to_owned(),
        modality: "SR",
        sop_class: "1.2.840.10008.5.1.4.1.1.88.11",
        ..Made::default()
    };
    let document = Made {
        series: "1.2.3.3",
        instance: "1.2.3.3.1".to_owned(),
        modality: "OT",
        sop_class: "1.2.840.10008.5.1.4.1.1.104.1",
        ..Made::default()
    };
    [Made::default(), report, document]
}

fn below_study(made: &Made) -> impl Iterator<Item = String> {
    let study = format!("/studies/{}", made.study);
    let whole = format!("{study}/metadata");
    resources(made)
        .into_iter()
        .filter(move |path| *path != study && *path != whole)
}

#[tokio::test]
async fn what_can_carry_a_readers_words_is_not_there_for_a_reviewer() {
    let reviewer = person(2, Role::Reviewer);
    for (sop_class, status) in [
        ("1.2.840.10008.5.1.4.1.1.66", StatusCode::NOT_FOUND),
        ("1.2.840.10008.5.1.4.1.1.66.4", StatusCode::NOT_FOUND),
        ("1.2.840.10008.5.1.4.1.1.68.1", StatusCode::NOT_FOUND),
        ("1.2.840.10008.5.1.4.1.1.90.1", StatusCode::NOT_FOUND),
        ("1.2.840.10008.5.1.4.1.1.91.1", StatusCode::NOT_FOUND),
        ("1.2.840.10008.5.1.4.1.1.131", StatusCode::NOT_FOUND),
        ("1.2.840.10008.5.1.4.1.1.481.3", StatusCode::NOT_FOUND),
        ("1.2.840.10008.5.1.4.1.1.481.1", StatusCode::OK),
        ("1.2.840.10008.5.1.4.1.1.6.1", StatusCode::OK),
    ] {
        let marked = Made {
            series: "1.2.3.2",
            instance: "1.2.3.2.1".to_owned(),
            modality: "OT",
            sop_class,
            ..Made::default()
        };
        let house = House::with(&[Made::default(), marked]).await;
        house
            .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
            .await;
        let path = "/studies/1.2.3/series/1.2.3.2/metadata";
        let got = house
            .get_as(Some(reviewer.clone()), path, &[("accept", "*/*")])
            .await;
        assert_eq!(got.status, status, "{sop_class}");
    }
}

#[tokio::test]
async fn reports_among_the_images_are_not_there_for_a_reviewer() {
    let [image, report, document] = study_with_reports();
    let house = House::with(&[image.clone(), report.clone(), document.clone()]).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let machine = Actor::Machine {
        token_id: TokenId::from_random([6; 16]),
        role: Role::Reviewer,
    };
    house
        .grant(7, "1.2.3", &machine, &[Right::ViewImages], None)
        .await;
    let coordinator = person(5, Role::Coordinator);
    let patient = person(4, Role::Patient);
    house
        .grant(7, "1.2.3", &patient, &[Right::ViewImages], None)
        .await;
    let any: &[(&str, &str)] = &[("accept", "*/*")];
    // The coordinator asks first, so that no kept answer is handed on.
    for (actor, shown) in [
        (&coordinator, 3),
        (&patient, 3),
        (&reviewer, 1),
        (&machine, 1),
        (&coordinator, 3),
    ] {
        let status = if shown == 3 {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        for path in below_study(&report).chain(below_study(&document)) {
            let got = house.get_as(Some(actor.clone()), &path, any).await;
            assert_eq!(got.status, status, "{path} {:?}", actor.role());
        }
        for path in below_study(&image) {
            let got = house.get_as(Some(actor.clone()), &path, any).await;
            assert_eq!(got.status, StatusCode::OK, "{path}");
        }
        let got = house
            .get_as(Some(actor.clone()), "/studies/1.2.3", any)
            .await;
        assert_eq!(got.parts().len(), shown);
        for path in [
            "/studies/1.2.3/metadata",
            "/studies/1.2.3/series",
            "/studies/1.2.3/instances",
            "/series",
            "/instances",
        ] {
            let got = house.get_as(Some(actor.clone()), path, &[JSON]).await;
            assert_eq!(got.json().as_array().unwrap().len(), shown, "{path}");
        }
        let path = "/studies/1.2.3/series/1.2.3.3/instances";
        let got = house.get_as(Some(actor.clone()), path, &[JSON]).await;
        assert_eq!(got.status == StatusCode::OK, shown == 3);
    }
}

#[tokio::test]
async fn counts_do_not_tell_a_reviewer_of_reports() {
    let hidden_among_images = Made {
        sop_class: "1.2.840.10008.5.1.4.1.1.104.1",
        ..Made::number(7)
    };
    let mut all = study_with_reports().to_vec();
    all.push(hidden_among_images);
    let house = House::with(&all).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let coordinator = person(5, Role::Coordinator);
    for (actor, modalities, series, instances, in_first_series) in [
        (&coordinator, vec!["MR", "OT", "SR"], 3, 4, 2),
        (&reviewer, vec!["MR"], 1, 1, 1),
    ] {
        let get = async |path: &str| house.get_as(Some(actor.clone()), path, &[JSON]).await;
        let study = get("/studies").await.json()[0].clone();
        assert_eq!(study["00080061"]["Value"], serde_json::json!(modalities));
        assert_eq!(study["00201206"]["Value"][0], series);
        assert_eq!(study["00201208"]["Value"][0], instances);
        let found = get("/studies/1.2.3/series?Modality=MR").await.json()[0].clone();
        assert_eq!(found["00201209"]["Value"][0], in_first_series);
        let is_wide = actor == &coordinator;
        for (modality, is_found) in [("MR", true), ("SR", is_wide), ("OT", is_wide)] {
            let path = format!("/studies?ModalitiesInStudy={modality}");
            assert_eq!(
                get(&path).await.status == StatusCode::OK,
                is_found,
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_known_tag_of_a_wider_reader_is_no_answer_for_a_reviewer() {
    let house = House::with(&study_with_reports()).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let path = "/studies/1.2.3/metadata";
    let all = house.get(path, JSON.1).await;
    let known = ("if-none-match", all.header("etag"));
    let got = house.get_as(Some(reviewer), path, &[JSON, known]).await;
    assert_eq!(got.status, StatusCode::OK);
}

#[tokio::test]
async fn a_study_of_reports_alone_is_not_there_for_a_reviewer() {
    let [_, report, document] = study_with_reports();
    let house = House::with(&[report, document]).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    for path in ["/studies/1.2.3", "/studies/1.2.3/metadata"] {
        let got = house
            .get_as(Some(reviewer.clone()), path, &[("accept", "*/*")])
            .await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
    }
    let got = house.get_as(Some(reviewer), "/studies", &[JSON]).await;
    assert_eq!(got.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_role_that_sees_no_images_sees_none_by_a_grant() {
    let house = House::with(&[Made::default()]).await;
    for role in [Role::Insurer, Role::Administrator] {
        let actor = person(3, role);
        house
            .grant(7, "1.2.3", &actor, &[Right::ViewImages], None)
            .await;
        let got = house
            .get_as(Some(actor), "/studies/1.2.3", &[("accept", "*/*")])
            .await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{role}");
    }
}

/// Who sees the study by a grant, and who by a link to the same case.
async fn patient_and_link(house: &House) -> (Actor, Actor) {
    let patient = person(2, Role::Patient);
    let case_id = house
        .grant(7, "1.2.3", &patient, &[Right::ViewImages], None)
        .await;
    let link_id = LinkId::from_random([9; 16]);
    (patient, Actor::Link { link_id, case_id })
}

/// A browser must ask again after a link was taken back; of a signed-in reader it may keep what never changes.
#[tokio::test]
async fn nothing_behind_a_link_is_kept() {
    let house = House::with(&[Made::default()]).await;
    let (patient, link) = patient_and_link(&house).await;
    let paths = resources(&Made::default()).into_iter();
    for path in paths.chain(["/studies".to_owned(), "/nothing".to_owned()]) {
        let got = house
            .get_as(Some(link.clone()), &path, &[("accept", "*/*")])
            .await;
        assert_eq!(got.header("cache-control"), "private, no-store", "{path}");
    }
    let path = Made::default().url();
    let got = house
        .get_as(Some(patient), &path, &[("accept", "*/*")])
        .await;
    assert!(got.header("cache-control").contains("immutable"));
}

/// The routes of work items stand behind an address with a name more, the link's secret.
#[tokio::test]
async fn no_work_item_is_behind_a_link() {
    let house = House::with(&[Made::default()]).await;
    let (_, link) = patient_and_link(&house).await;
    let behind = house.behind_link();
    let item = "/workitems/1.2.3";
    let subscriber = format!("{item}/subscribers/X");
    let suspended = format!("{subscriber}/suspend");
    for (method, path) in [
        ("GET", "/workitems"),
        ("POST", "/workitems"),
        ("GET", item),
        ("POST", item),
        ("OPTIONS", item),
        ("PUT", "/workitems/1.2.3/state"),
        ("POST", "/workitems/1.2.3/cancelrequest"),
        ("POST", &subscriber),
        ("DELETE", &subscriber),
        ("POST", &suspended),
        ("GET", "/ws/subscribers/X"),
        ("GET", "/subscribers/X"),
    ] {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/links/secret/dicom-web{path}"))
            .extension(link.clone())
            .body(axum::body::Body::empty())
            .unwrap();
        let got = tower::ServiceExt::oneshot(behind.clone(), request)
            .await
            .unwrap();
        assert_eq!(got.status(), StatusCode::NOT_FOUND, "{method} {path}");
    }
}
