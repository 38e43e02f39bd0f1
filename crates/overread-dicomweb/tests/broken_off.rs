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

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use overread_model::access::{Actor, Role};
use overread_model::ids::TokenId;
use overread_pixels::{Decoding, choose_decoding};

use crate::house::{Got, House, archive_token};
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

/// An image with which a process is busy until its time is over.
fn slow() -> Made {
    Made {
        transfer_syntax: RLE,
        frames: vec![b"HANG".repeat(18)],
        ..Made::number(4)
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

/// A house of which every process that decodes ends at once, but for frames that make it hang.
async fn house(instances: &[Made]) -> House {
    let script = "head -c 70 | grep -qa HANG && exec sleep 600; exit 1";
    let ends = Decoding::processes("sh".into(), vec!["-c".to_owned(), script.to_owned()]);
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

#[tokio::test]
async fn nobody_has_all_turns_to_decode() {
    let house = house(&[slow(), compressed()]).await;
    let other = Actor::Machine {
        token_id: TokenId::from_random([2; 16]),
        role: Role::Archive,
    };
    let (slow, quick) = (
        format!("{}/rendered", slow().url()),
        format!("{}/rendered", compressed().url()),
    );
    let accept = [("accept", "image/png")];
    let busy = (0..12).map(|_| house.get_as(Some(other.clone()), &slow, &accept));
    let asks = async {
        // More than once, since the first question may come before the others have all that they may.
        for _ in 0..5 {
            let got = house.get_as(Some(archive_token()), &quick, &accept).await;
            check(&got, StatusCode::INTERNAL_SERVER_ERROR, 0);
        }
    };
    tokio::select! {
        _ = join_all(busy) => panic!("what hangs came to an end"),
        answered = tokio::time::timeout(Duration::from_secs(20), asks) => answered.unwrap(),
    }
}
