//! All bulk data, or all pixel data, of a study, a series or an instance.

use axum::http::StatusCode;
use overread_model::access::{Right, Role};

use crate::blinding::{telling, tells};
use crate::house::{House, person};
use crate::made::{Made, element};
use crate::rendered::{compressed, decoded};

const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";

#[tokio::test]
async fn values_come_together_w14() {
    let document = b"%PDF-1.4 not really a PDF".repeat(3000);
    let paper = Made {
        series: "1.2.3.2",
        instance: "1.2.3.2.1".to_owned(),
        frames: Vec::new(),
        extra: element(0x0042_0011, "OB", &document),
        ..Made::default()
    };
    let plain = Made::default();
    let packed = Made {
        instance: "1.2.3.1.9".to_owned(),
        number: 2,
        ..compressed()
    };
    let instances = [plain.clone(), packed, paper.clone()];
    let house = House::with(&instances).await;
    let get = async |path: &str| house.get(path, OCTETS).await;
    let series = "/studies/1.2.3/series/1.2.3.1";
    let pixels = [decoded(1), decoded(2), decoded(3)].concat();
    for (path, expect) in [
        ("/studies/1.2.3/pixeldata".to_owned(), 2),
        (format!("{series}/pixeldata"), 2),
        (format!("{}/pixeldata", plain.url()), 1),
        ("/studies/1.2.3/bulkdata".to_owned(), 3),
        (format!("{series}/bulkdata"), 2),
        (format!("{}/bulkdata", plain.url()), 1),
    ] {
        let got = get(&path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        let parts = got.parts();
        assert_eq!(parts.len(), expect, "{path}");
        assert_eq!(parts[0].1, plain.frames.concat(), "{path}");
        let url = format!("{}/bulkdata/7fe00010", plain.url());
        assert!(parts[0].0.contains(&url), "{}", parts[0].0);
        if expect > 1 {
            assert!(parts[1].1.starts_with(&pixels), "{path}");
        }
        if expect > 2 {
            assert_eq!(parts[2].1[..document.len()], document);
        }
    }
    for nothing in [
        format!("{}/pixeldata", paper.url()),
        "/studies/9.9/bulkdata".to_owned(),
    ] {
        assert_eq!(get(&nothing).await.status, StatusCode::NOT_FOUND);
    }
    let alone = house.get("/studies/1.2.3/pixeldata", "image/jpeg").await;
    assert_eq!(alone.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn values_are_for_who_reaches_them_and_tell_nothing_before_the_lock() {
    let house = House::with(&[telling()]).await;
    let reviewer = person(2, Role::Reviewer);
    let right = [Right::ViewImages];
    house.grant(7, "1.2.3", &reviewer, &right, None).await;
    let accept = &[("accept", OCTETS)];
    for end in ["bulkdata", "pixeldata"] {
        let path = format!("/studies/1.2.3/{end}");
        let got = house.get_as(None, &path, accept).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED);
        let strangers = [person(4, Role::Reviewer), person(9, Role::Administrator)];
        for stranger in strangers {
            let got = house.get_as(Some(stranger), &path, accept).await;
            assert_eq!(got.status, StatusCode::NOT_FOUND);
        }
        let got = house.get_as(Some(reviewer.clone()), &path, accept).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(!tells(&got.body), "{end}");
    }
    assert!(tells(
        &house.get("/studies/1.2.3/bulkdata", OCTETS).await.body
    ));
}

#[tokio::test]
async fn what_is_withheld_begins_no_collection_w14() {
    // Too long to stand in the metadata, and withheld for what it says.
    let label = format!("{} extrusion L5-S1", "and more ".repeat(8000));
    let made = Made {
        extra: element(0x0018_1020, "UN", label.as_bytes()),
        frames: vec![vec![9; 70]],
        ..compressed()
    };
    let url = made.url();
    let house = House::with(&[made]).await;
    let reviewer = person(2, Role::Reviewer);
    let right = [Right::ViewImages];
    house.grant(7, "1.2.3", &reviewer, &right, None).await;
    let label = house.get(&format!("{url}/bulkdata/00181020"), OCTETS).await;
    assert_eq!(label.status, StatusCode::OK);
    // What is left for the reader is pixel data that cannot be decoded.
    let accept = &[("accept", OCTETS)];
    let path = "/studies/1.2.3/bulkdata";
    let got = house.get_as(Some(reviewer), path, accept).await;
    assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_damaged_image_hides_nothing_behind_it() {
    let whole = |instance: &str, number| Made {
        instance: instance.to_owned(),
        number,
        ..Made::default()
    };
    // Its first value can be had; its frames cannot be decoded.
    let damaged = Made {
        instance: "1.2.3.1.5".to_owned(),
        number: 2,
        extra: element(0x0018_1020, "UN", &b"and more ".repeat(8000)),
        frames: vec![vec![9; 70], vec![8; 70]],
        ..compressed()
    };
    let house = House::with(&[
        whole("1.2.3.1.1", 1),
        damaged.clone(),
        whole("1.2.3.1.9", 3),
    ])
    .await;
    let check = async |path: String, places: &[&str]| {
        let got = house.get(&path, OCTETS).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        let parts = got.parts();
        assert_eq!(parts.len(), places.len(), "{path}");
        for ((head, body), place) in parts.iter().zip(places) {
            assert!(head.contains(place), "{head}");
            if place.contains("frames") {
                assert!(
                    head.contains("transfer-syntax=1.2.840.10008.1.2.5"),
                    "{head}"
                );
                assert_eq!(body.len(), 70);
            }
        }
    };
    let frames = ["1.2.3.1.5/frames/1", "1.2.3.1.5/frames/2"];
    let label = "1.2.3.1.5/bulkdata/00181020";
    let own = [&[label][..], &frames].concat();
    check(format!("{}/bulkdata", damaged.url()), &own).await;
    let (first, last) = (["1.2.3.1.1/bulkdata"], ["1.2.3.1.9/bulkdata"]);
    let all = [&first[..], &own, &last].concat();
    check("/studies/1.2.3/bulkdata".to_owned(), &all).await;
    let pixels = [&first[..], &frames, &last].concat();
    check("/studies/1.2.3/pixeldata".to_owned(), &pixels).await;
}
