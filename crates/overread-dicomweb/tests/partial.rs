//! Sets of which something cannot be had: what is known before the answer begins is said by 206, what is not is said by
//! the part, and nothing is broken off.

use axum::http::StatusCode;

use crate::house::{Got, House};
use crate::made::{EXPLICIT, JPEG_LS, Made, element};
use crate::rendered::{compressed, decoded};

const DICOM: &str = "multipart/related; type=\"application/dicom\"";
const DICOM_ANY: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";
const PNGS: &str = "multipart/related; type=\"image/png\"";
const RLE: &str = "1.2.840.10008.1.2.5";

/// A film, which nothing here decodes.
fn film() -> Made {
    Made {
        transfer_syntax: "1.2.840.10008.1.2.4.102",
        frames: vec![b"\0\0\0\x18ftypmp42".to_vec()],
        ..Made::number(7)
    }
}

/// Three frames, of which the second cannot be decoded.
fn damaged() -> Made {
    let mut made = compressed();
    made.frames[1] = vec![9; 70];
    made.instance = "1.2.3.1.8".to_owned();
    made
}

/// Another series, whose pixel data are large enough for a pack of their own.
fn of_other_series() -> Made {
    Made {
        series: "1.2.3.2",
        instance: "1.2.3.2.1".to_owned(),
        extra: element(0x0029_1010, "OB", &vec![7; 5 * 1024 * 1024]),
        ..Made::default()
    }
}

fn check(got: &Got, missing: usize, parts: usize) {
    if missing == 0 {
        assert_eq!((got.status, got.header("warning")), (StatusCode::OK, ""));
    } else {
        assert_eq!(got.status, StatusCode::PARTIAL_CONTENT);
        let warning = got.header("warning");
        let start = format!("299 Overread: This answer is not complete. {missing} of");
        assert!(warning.starts_with(&start), "{warning}");
        let kept = got.header("cache-control");
        assert!(!kept.contains("immutable"), "{kept}");
        assert_eq!(got.header("etag"), "", "what lacks something is no version");
    }
    assert_eq!(got.parts().len(), parts);
}

#[tokio::test]
async fn what_cannot_go_out_as_asked_is_left_out_and_told_w12() {
    let house = House::with(&[Made::default(), film()]).await;
    for path in ["/studies/1.2.3", "/studies/1.2.3/series/1.2.3.1"] {
        let named = format!("{DICOM}; transfer-syntax={EXPLICIT}");
        check(&house.get(path, &named).await, 1, 1);
        check(&house.get(path, DICOM_ANY).await, 0, 2);
        check(&house.get(&format!("{path}/rendered"), PNGS).await, 1, 1);
        check(&house.get(&format!("{path}/pixeldata"), OCTETS).await, 1, 1);
        // A thumbnail stands for the whole, and is of an image that can be drawn.
        let small = house.get(&format!("{path}/thumbnail"), "image/png").await;
        assert_eq!(small.status, StatusCode::OK);
    }
    let films = House::with(&[film()]).await;
    for (path, accept) in [
        ("", format!("{DICOM}; transfer-syntax={EXPLICIT}")),
        ("/rendered", PNGS.to_owned()),
        ("/pixeldata", OCTETS.to_owned()),
    ] {
        let got = films.get(&format!("/studies/1.2.3{path}"), &accept).await;
        assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE, "{path}");
    }
}

#[tokio::test]
async fn lost_bytes_keep_no_other_from_going_out_w12() {
    let lost = of_other_series();
    let house = House::with(&[Made::default()]).await;
    house.stow("/studies", &[lost.bytes()]).await;
    check(&house.get("/studies/1.2.3", DICOM).await, 0, 2);
    house.lose(&lost).await;
    check(&house.get("/studies/1.2.3", DICOM).await, 1, 1);
    check(&house.get("/studies/1.2.3/rendered", PNGS).await, 1, 1);
    check(&house.get("/studies/1.2.3/pixeldata", OCTETS).await, 1, 1);
    let metadata = house.json("/studies/1.2.3/metadata").await;
    assert_eq!(
        metadata.as_array().unwrap().len(),
        2,
        "they stand in the index"
    );
    for path in ["/studies/1.2.3/series/1.2.3.2", &lost.url()] {
        let got = house.get(path, DICOM).await;
        assert_eq!(got.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
    let instance = format!("{}/pixeldata", Made::default().url());
    check(&house.get(&instance, OCTETS).await, 0, 1);
}

#[tokio::test]
async fn a_frame_among_others_goes_out_as_it_is_stored_w12() {
    let made = damaged();
    let house = House::with(std::slice::from_ref(&made)).await;
    let url = format!("{}/frames", made.url());
    for list in ["1,2,3", "2,3"] {
        let got = house.get(&format!("{url}/{list}"), OCTETS).await;
        assert_eq!(got.status, StatusCode::OK, "{list}");
        let parts = got.parts();
        assert_eq!(parts.len(), list.split(',').count());
        for (head, body) in parts {
            let number = (1..=3_u8).find(|number| head.contains(&format!("frames/{number}\r\n")));
            let (syntax, expect) = match number.unwrap() {
                2 => (RLE, made.frames[1].clone()),
                other => (EXPLICIT, decoded(other)),
            };
            assert!(
                head.contains(&format!("transfer-syntax={syntax}\r\n")),
                "{head}"
            );
            assert_eq!(body, expect);
        }
    }
    for accept in [OCTETS, "application/octet-stream", "image/jls"] {
        let got = house.get(&format!("{url}/2"), accept).await;
        assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE, "{accept}");
    }
}

#[tokio::test]
async fn a_damaged_later_frame_is_known_before_the_answer_begins_w12() {
    let made = damaged();
    let house = House::with(&[Made::default(), made.clone()]).await;
    let url = made.url();
    for (path, accept) in [
        ("", "application/dicom".to_owned()),
        ("", DICOM.to_owned()),
        ("", format!("{DICOM}; transfer-syntax={JPEG_LS}")),
        ("/pixeldata", OCTETS.to_owned()),
    ] {
        let got = house.get(&format!("{url}{path}"), &accept).await;
        assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE, "{path} {accept}");
        assert!(got.json()["message"].as_str().unwrap().contains("damaged"));
    }
    // Among others it goes out as it is stored.
    let got = house.get("/studies/1.2.3", DICOM).await;
    check(&got, 0, 2);
    let syntaxes = got.parts().into_iter().map(|(head, _)| head.contains(RLE));
    assert_eq!(syntaxes.filter(|is_stored| *is_stored).count(), 1);
    check(&house.get(&format!("{url}/rendered"), PNGS).await, 1, 2);
    check(
        &house.get(&format!("{url}/frames/1,2/rendered"), PNGS).await,
        1,
        1,
    );
    let got = house.get(&format!("{url}/frames/2/rendered"), PNGS).await;
    assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
}

/// Two frames, of which none can be decoded.
fn spoiled() -> Made {
    Made {
        frames: vec![vec![9; 70], vec![9; 70]],
        ..damaged()
    }
}

#[tokio::test]
async fn nothing_but_what_cannot_go_out_as_asked_is_no_answer_w12() {
    let lost = of_other_series();
    let house = House::with(&[spoiled(), film()]).await;
    // In a request of its own: in a bucket what comes together may be one object.
    house.stow("/studies", &[lost.bytes()]).await;
    house.lose(&lost).await;
    let study = "/studies/1.2.3".to_owned();
    let explicit = format!("{DICOM}; transfer-syntax={EXPLICIT}");
    for (path, accept) in [
        (study.clone(), explicit.as_str()),
        (format!("{study}/rendered"), PNGS),
        (format!("{study}/pixeldata"), OCTETS),
        (format!("{}/frames/1,2", spoiled().url()), OCTETS),
    ] {
        let got = house.get(&path, accept).await;
        assert!(!got.status.is_success(), "{path}: {}", got.status);
        assert!(got.json()["message"].is_string(), "{path}");
    }
    // As they are stored they can be had.
    check(&house.get(&study, DICOM_ANY).await, 1, 2);
}

#[tokio::test]
async fn what_is_damaged_at_the_start_stands_where_it_belongs_w12() {
    let house = House::with(&[spoiled(), Made::number(2)]).await;
    let got = house.get("/studies/1.2.3", DICOM).await;
    check(&got, 0, 2);
    for ((head, _), syntax) in got.parts().iter().zip([RLE, EXPLICIT]) {
        let stated = format!("transfer-syntax={syntax}\r\n");
        assert!(head.contains(&stated), "{head}");
    }
    check(&house.get("/studies/1.2.3/pixeldata", OCTETS).await, 1, 1);
    let house = House::with(&[damaged()]).await;
    let got = house
        .get(&format!("{}/frames/2,3", damaged().url()), OCTETS)
        .await;
    let kind = got.header("content-type");
    assert!(
        kind.contains("image/dicom-rle"),
        "that of its first part: {kind}"
    );
}
