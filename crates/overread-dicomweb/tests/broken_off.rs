//! Images whose reading breaks off, since the process that reads them ends: nothing is said of what they are, and others of
//! their set can be had all the same. A program of its own, since where images are decoded is chosen once for all.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test may say so by a panic"
)]

#[allow(dead_code, reason = "other tests use the rest")]
mod house;
#[allow(dead_code, reason = "other tests use the rest")]
mod made;

use axum::http::StatusCode;
use overread_pixels::{Decoding, choose_decoding};

use crate::house::{Got, House};
use crate::made::Made;

const DICOM: &str = "multipart/related; type=\"application/dicom\"";
const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";
const PNGS: &str = "multipart/related; type=\"image/png\"";
const RLE: &str = "1.2.840.10008.1.2.5";

fn compressed() -> Made {
    Made {
        transfer_syntax: RLE,
        frames: vec![vec![7; 70], vec![7; 70]],
        ..Made::number(2)
    }
}

/// A film, which nothing here decodes.
fn film() -> Made {
    Made {
        transfer_syntax: "1.2.840.10008.1.2.4.102",
        frames: vec![b"\0\0\0\x18ftypmp42".to_vec()],
        ..Made::number(3)
    }
}

/// A house of which every process that decodes ends at once.
async fn house(instances: &[Made]) -> House {
    let ends = Decoding::processes("false".into(), Vec::new());
    choose_decoding(ends);
    House::with(instances).await
}

fn check(got: &Got, status: StatusCode, parts: usize) {
    let text = String::from_utf8_lossy(&got.body);
    assert_eq!(got.status, status, "{text}");
    if status.is_success() {
        assert_eq!(got.parts().len(), parts);
    } else {
        let text = got.json()["message"].as_str().unwrap().to_owned();
        assert!(
            text.contains("broke off") && text.contains("try again"),
            "{text}"
        );
        assert_eq!(got.header("etag"), "");
    }
}

#[tokio::test]
async fn alone_it_is_an_error_and_no_judgement_w12() {
    let made = compressed();
    let house = house(std::slice::from_ref(&made)).await;
    for (path, accept) in [
        ("", DICOM),
        ("", "application/dicom"),
        ("/pixeldata", OCTETS),
        ("/frames/1", OCTETS),
        ("/frames/1", "application/octet-stream"),
        ("/rendered", "image/png"),
        ("/rendered", PNGS),
        ("/thumbnail", "image/png"),
    ] {
        let got = house.get(&format!("{}{path}", made.url()), accept).await;
        check(&got, StatusCode::INTERNAL_SERVER_ERROR, 0);
    }
    let stored = format!("{DICOM}; transfer-syntax=*");
    check(&house.get(&made.url(), &stored).await, StatusCode::OK, 1);
}

#[tokio::test]
async fn others_are_had_all_the_same_w12() {
    let house = house(&[compressed(), Made::number(9)]).await;
    let got = house.get("/studies/1.2.3", DICOM).await;
    check(&got, StatusCode::OK, 2);
    let parts = got.parts();
    let stored = format!("transfer-syntax={RLE}\r\n");
    assert!(parts[0].0.contains(&stored) && !parts[1].0.contains(&stored));
    for (path, accept) in [("rendered", PNGS), ("pixeldata", OCTETS)] {
        let got = house.get(&format!("/studies/1.2.3/{path}"), accept).await;
        check(&got, StatusCode::PARTIAL_CONTENT, 1);
    }
}

#[tokio::test]
async fn nothing_else_is_no_partial_content_w12() {
    let made = compressed();
    let house = house(&[made.clone(), film()]).await;
    let explicit = format!("{DICOM}; transfer-syntax=1.2.840.10008.1.2.1");
    let got = house.get("/studies/1.2.3", &explicit).await;
    check(&got, StatusCode::INTERNAL_SERVER_ERROR, 0);
    let got = house.get("/studies/1.2.3/pixeldata", OCTETS).await;
    check(&got, StatusCode::INTERNAL_SERVER_ERROR, 0);
    let got = house
        .get(&format!("{}/frames/1,2", made.url()), OCTETS)
        .await;
    check(&got, StatusCode::INTERNAL_SERVER_ERROR, 0);
    // The first reason is that a film is not drawn.
    let got = house.get("/studies/1.2.3/rendered", PNGS).await;
    assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
}
