//! What a client gets that says nothing of the media types it takes: the default of each resource, as for `*/*`.

use axum::http::StatusCode;
use overread_model::access::Role;

use crate::house::{House, archive_token, multipart, person, request};
use crate::made::Made;
use crate::reads::Reads;

const JSON: &str = "application/dicom+json";
const DICOM: &str = "multipart/related; type=\"application/dicom\"";
const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";
const JPEG: &str = "image/jpeg";

/// Every resource that is read, with how the type of its answer begins.
fn resources() -> Vec<(String, &'static str)> {
    let (study, series) = ("/studies/1.2.3", "/studies/1.2.3/series/1.2.3.1");
    let instance = &Made::default().url();
    let mut all = Vec::new();
    for search in ["/studies", "/series", "/instances", "/workitems"] {
        all.push((search.to_owned(), JSON));
    }
    all.push((format!("{study}/series"), JSON));
    all.push((format!("{series}/instances"), JSON));
    for level in [study, series, instance] {
        all.push((level.to_owned(), DICOM));
        for (resource, media_type) in [
            ("metadata", JSON),
            ("bulkdata", OCTETS),
            ("pixeldata", OCTETS),
            ("rendered", JPEG),
            ("thumbnail", JPEG),
        ] {
            all.push((format!("{level}/{resource}"), media_type));
        }
    }
    all.extend([
        (format!("{instance}/frames/1"), OCTETS),
        (format!("{instance}/frames/1/rendered"), JPEG),
        (format!("{instance}/frames/1/thumbnail"), JPEG),
        (format!("{instance}/bulkdata/7FE00010"), OCTETS),
    ]);
    all
}

#[tokio::test]
async fn every_resource_has_a_default_for_who_names_no_type_g1_g2() {
    let house = House::with(&[Made::default()]).await;
    Reads::offered(&house).await;
    let coordinator = Some(person(5, Role::Coordinator));
    for (path, media_type) in resources() {
        for headers in [&[][..], &[("accept", "*/*")]] {
            let got = house.get_as(coordinator.clone(), &path, headers).await;
            let said = format!("{path} {headers:?}: {}", String::from_utf8_lossy(&got.body));
            assert_eq!(got.status, StatusCode::OK, "{said}");
            let given = got.header("content-type");
            assert!(given.starts_with(media_type), "{path}: {given}");
        }
        // Whoever names what is not offered is told so all the same.
        let headers = &[("accept", "audio/mpeg")];
        let got = house.get_as(coordinator.clone(), &path, headers).await;
        assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE, "{path}");
        // And nobody gets more for it.
        assert_eq!(
            house.get_as(None, &path, &[]).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_changes_something_answers_who_names_no_type_in_json() {
    let house = House::new().await;
    let files = multipart(&[Made::default().bytes()]);
    let got = house.stow_as(archive_token(), "/studies", &[], files).await;
    assert_eq!(
        (got.status, got.header("content-type")),
        (StatusCode::OK, JSON)
    );
    let search = request(
        axum::http::Method::GET,
        "/studies?accept=application/dicom%2Bjson",
        &[],
        axum::body::Body::empty(),
    );
    let got = house.send(Some(archive_token()), search).await;
    assert_eq!(
        (got.status, got.header("content-type")),
        (StatusCode::OK, JSON)
    );
}
