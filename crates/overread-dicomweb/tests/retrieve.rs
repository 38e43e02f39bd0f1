//! WADO-RS.

use std::io::Read;

use axum::body::Body;
use axum::http::{Method, StatusCode};

use crate::house::{House, archive_token, request};
use crate::made::{EXPLICIT, FRAME_BYTES, JPEG_LS, Made, element};

const DICOM: &str = "multipart/related; type=\"application/dicom\"";
const DICOM_ANY: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";
const OCTETS_ANY: &str = "multipart/related; type=application/octet-stream; transfer-syntax=*";

fn served(made: &Made) -> Vec<u8> {
    let mut bytes = made.bytes();
    bytes[..128].fill(0);
    bytes
}

fn compressed() -> Made {
    Made {
        transfer_syntax: JPEG_LS,
        frames: vec![
            b"\xff\xd8\xff\xf7first!".to_vec(),
            b"\xff\xd8\xff\xf7second".to_vec(),
        ],
        ..Made::default()
    }
}

#[tokio::test]
async fn instances_go_out_without_their_preamble_w1_w2_w13() {
    let made = Made::default();
    let house = House::with(std::slice::from_ref(&made)).await;
    let got = house.get(&made.url(), DICOM).await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(
        got.header("content-type")
            .starts_with("multipart/related; type=\"application/dicom\"; boundary=")
    );
    assert_eq!(got.header("content-length"), got.body.len().to_string());
    let parts = got.parts();
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].1, served(&made));
    assert!(
        parts[0]
            .0
            .contains("content-type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1")
    );
    assert!(parts[0].0.contains(&format!(
        "content-location: http://pacs.example:8080/dicom-web{}",
        made.url()
    )));
    assert!(
        parts[0]
            .0
            .contains(&format!("content-length: {}", parts[0].1.len()))
    );
    let got = house.get(&made.url(), "application/dicom").await;
    assert_eq!((got.status, &got.body), (StatusCode::OK, &served(&made)));
    assert!(got.header("content-disposition").starts_with("attachment"));
    for path in ["/studies/1.2.3", "/studies/1.2.3/series/1.2.3.1"] {
        assert_eq!(
            house.get(path, "application/dicom").await.status,
            StatusCode::NOT_ACCEPTABLE
        );
    }
}

#[tokio::test]
async fn series_and_studies_go_out_in_order_w1() {
    let all: Vec<Made> = (1..=12).rev().map(Made::number).collect();
    let house = House::with(&all).await;
    for path in ["/studies/1.2.3", "/studies/1.2.3/series/1.2.3.1"] {
        let got = house.get(path, DICOM_ANY).await;
        let parts = got.parts();
        assert_eq!(parts.len(), 12);
        for (number, (_, content)) in (1..).zip(parts) {
            assert_eq!(content, served(&Made::number(number)));
        }
    }
    assert_eq!(
        house.get("/studies/9.9", DICOM).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_long_instance_is_streamed_and_cut() {
    let made = Made {
        extra: element(0x0029_1010, "OB", &vec![7; 5 * 1024 * 1024]),
        ..Made::default()
    };
    let house = House::with(std::slice::from_ref(&made)).await;
    let whole = served(&made);
    let got = house.get(&made.url(), DICOM).await;
    assert!(got.parts()[0].1 == whole);
    let ranges = [
        ("bytes=0-9", 0..10),
        ("bytes=120-140", 120..141),
        ("bytes=-5", whole.len() - 5..whole.len()),
    ];
    for (range, expect) in ranges {
        let headers = [("accept", "application/dicom"), ("range", range)];
        let got = house
            .get_as(Some(archive_token()), &made.url(), &headers)
            .await;
        assert_eq!(got.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(got.body, whole[expect.clone()], "{range}");
        assert_eq!(
            got.header("content-range"),
            format!("bytes {}-{}/{}", expect.start, expect.end - 1, whole.len())
        );
    }
    let headers = [
        ("accept", "application/dicom"),
        ("range", "bytes=99999999-"),
    ];
    let got = house
        .get_as(Some(archive_token()), &made.url(), &headers)
        .await;
    assert_eq!(got.status, StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test]
async fn a_range_of_a_small_instance() {
    let made = Made::default();
    let house = House::with(std::slice::from_ref(&made)).await;
    let headers = [("accept", "application/dicom"), ("range", "bytes=126-135")];
    let got = house
        .get_as(Some(archive_token()), &made.url(), &headers)
        .await;
    assert_eq!(got.body, served(&made)[126..136]);
}

#[tokio::test]
async fn compressed_instances_that_cannot_be_decoded_are_refused_g12_g13() {
    let made = compressed();
    let house = House::with(std::slice::from_ref(&made)).await;
    assert_eq!(
        house.get(&made.url(), DICOM_ANY).await.parts()[0].1,
        served(&made)
    );
    let got = house.get(&made.url(), DICOM).await;
    assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
    assert!(got.json()["message"].as_str().unwrap().contains(JPEG_LS));
    let named = format!("{DICOM}; transfer-syntax={JPEG_LS}");
    assert_eq!(house.get(&made.url(), &named).await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_that_cannot_be_decoded_keeps_no_other_from_going_out_g12() {
    let damaged = compressed();
    let others = [Made::number(2), Made::number(3)];
    let house = House::with(&[others[0].clone(), damaged.clone(), others[1].clone()]).await;
    for path in ["/studies/1.2.3", "/studies/1.2.3/series/1.2.3.1"] {
        let got = house.get(path, DICOM).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        let parts = got.parts();
        assert_eq!(parts.len(), 3, "{path}");
        for made in &others {
            assert!(parts.iter().any(|(_, body)| *body == served(made)));
        }
        let stored = parts.iter().find(|(_, body)| *body == served(&damaged));
        let (head, _) = stored.expect("as it is stored");
        assert!(
            head.contains(&format!("transfer-syntax={JPEG_LS}")),
            "{head}"
        );
    }
}

/// G11: what may not go out as it is stored is written anew.
#[tokio::test]
async fn implicit_instances_go_out_explicit_g11() {
    let mut data_set = Vec::new();
    let mut put = |tag: u32, value: &[u8]| {
        data_set.extend_from_slice(&((tag >> 16) as u16).to_le_bytes());
        data_set.extend_from_slice(&(tag as u16).to_le_bytes());
        data_set.extend_from_slice(&(value.len() as u32).to_le_bytes());
        data_set.extend_from_slice(value);
    };
    put(0x0008_0016, b"1.2.840.10008.5.1.4.1.1.4\0");
    put(0x0008_0018, b"1.2.3.1.1\0");
    put(0x0020_000D, b"1.2.3\0");
    put(0x0020_000E, b"1.2.3.1\0");
    put(0x0028_0010, &[2, 0]);
    put(0x0028_0011, &[2, 0]);
    put(0x0028_0100, &[16, 0]);
    put(0x7FE0_0010, &[1, 2, 3, 4, 5, 6, 7, 8]);
    let house = House::new().await;
    // As old discs have it: neither preamble nor meta group.
    assert_eq!(
        house.stow("/studies", &[data_set]).await.status,
        StatusCode::OK
    );
    let url = Made::default().url();
    for accept in [DICOM, DICOM_ANY, "*/*"] {
        let parts = house.get(&url, accept).await.parts();
        assert!(parts[0].0.contains(EXPLICIT), "{accept}");
        assert_eq!(&parts[0].1[128..132], b"DICM");
        assert!(
            parts[0]
                .1
                .windows(6)
                .any(|window| window == [0x28, 0, 0x10, 0, b'U', b'S'])
        );
    }
    let frame = house.get(&format!("{url}/frames/1"), OCTETS).await;
    assert_eq!(frame.parts()[0].1, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn frames_are_cut_out_w5() {
    let made = Made {
        frames: (0..3_u8).map(|number| vec![number; FRAME_BYTES]).collect(),
        ..Made::default()
    };
    let house = House::with(std::slice::from_ref(&made)).await;
    let url = made.url();
    for accept in [
        OCTETS,
        OCTETS_ANY,
        "*/*",
        "multipart/related; type=application/octet-stream, image/jls",
    ] {
        let got = house.get(&format!("{url}/frames/2"), accept).await;
        let parts = got.parts();
        assert_eq!(
            (parts.len(), parts[0].1.as_slice()),
            (1, &[1; FRAME_BYTES][..]),
            "{accept}"
        );
        assert!(
            parts[0]
                .0
                .contains("content-type: application/octet-stream")
        );
        assert!(got.header("cache-control").contains("immutable"));
    }
    let parts = house
        .get(&format!("{url}/frames/3,1"), OCTETS)
        .await
        .parts();
    assert_eq!((parts[0].1[0], parts[1].1[0]), (0, 2));
    assert!(parts[1].0.contains(&format!(
        "content-location: http://pacs.example:8080/dicom-web{url}/frames/3"
    )));
    let got = house
        .get(&format!("{url}/frames/3"), "application/octet-stream")
        .await;
    assert_eq!(got.body, [2; FRAME_BYTES]);
    for (path, accept, expect) in [
        ("/frames/4", OCTETS, 404),
        ("/frames/0", OCTETS, 400),
        ("/frames/x", OCTETS, 400),
        ("/frames/1", "image/jpeg", 406),
        ("/frames/1,2", "application/octet-stream", 406),
    ] {
        assert_eq!(
            house.get(&format!("{url}{path}"), accept).await.status,
            expect,
            "{path} {accept}"
        );
    }
}

#[tokio::test]
async fn compressed_frames_go_out_as_stored_and_damaged_ones_are_not_decoded_w5() {
    let made = compressed();
    let house = House::with(std::slice::from_ref(&made)).await;
    let url = format!("{}/frames/2", made.url());
    for accept in [
        OCTETS_ANY,
        "multipart/related; type=\"image/jls\"",
        "*/*",
        "multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.80",
    ] {
        let got = house.get(&url, accept).await;
        assert!(
            got.header("content-type")
                .starts_with("multipart/related; type=\"image/jls\""),
            "{accept}"
        );
        let parts = got.parts();
        assert!(
            parts[0]
                .0
                .contains("content-type: image/jls; transfer-syntax=1.2.840.10008.1.2.4.80")
        );
        assert_eq!(parts[0].1, b"\xff\xd8\xff\xf7second");
    }
    let got = house.get(&url, OCTETS).await;
    assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
    assert!(got.json()["message"].as_str().unwrap().contains("damaged"));
}

#[tokio::test]
async fn metadata_is_one_array_w3_w4_j8() {
    let all: Vec<Made> = (1..=3).rev().map(Made::number).collect();
    let house = House::with(&all).await;
    for path in [
        "/studies/1.2.3/metadata",
        "/studies/1.2.3/series/1.2.3.1/metadata",
    ] {
        let found = house.json(path).await;
        let numbers: Vec<_> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["00200013"]["Value"][0].as_i64().unwrap())
            .collect();
        assert_eq!(numbers, [1, 2, 3], "{path}");
        assert_eq!(found[0]["00100010"]["Value"][0]["Alphabetic"], "Dö^Jane");
        assert!(found[0].get("00020010").is_none());
    }
    let one = house.json(&format!("{}/metadata", all[0].url())).await;
    assert_eq!(one.as_array().unwrap().len(), 1);
    let uri = one[0]["7FE00010"]["BulkDataURI"].as_str().unwrap();
    assert_eq!(
        uri,
        format!(
            "http://pacs.example:8080/dicom-web{}/bulkdata/7FE00010",
            all[0].url()
        )
    );
    let path = uri
        .strip_prefix("http://pacs.example:8080/dicom-web")
        .unwrap();
    let got = house.get(path, "application/octet-stream").await;
    assert_eq!(got.body, all[0].frames[0]);
}

#[tokio::test]
async fn metadata_is_compressed_and_kept_by_version() {
    let house = House::with(&[Made::default()]).await;
    let path = "/studies/1.2.3/series/1.2.3.1/metadata";
    let plain = house.get(path, "application/dicom+json").await;
    let headers = [
        ("accept", "application/dicom+json"),
        ("accept-encoding", "br, gzip"),
    ];
    let packed = house.get_as(Some(archive_token()), path, &headers).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(text, plain.body);
    assert_ne!(packed.header("etag"), plain.header("etag"));
    let headers = [("accept", "*/*"), ("if-none-match", plain.header("etag"))];
    let got = house.get_as(Some(archive_token()), path, &headers).await;
    assert_eq!((got.status, got.body.len()), (StatusCode::NOT_MODIFIED, 0));
    // One more instance: another version, and nothing stale.
    assert_eq!(
        house
            .stow("/studies", &[Made::number(2).bytes()])
            .await
            .status,
        StatusCode::OK
    );
    let got = house.get_as(Some(archive_token()), path, &headers).await;
    assert_eq!(got.json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn bulk_data_are_saved_and_never_shown_w6() {
    let document = b"%PDF-1.7 <script>alert(1)</script>".repeat(100);
    let extra = [
        element(0x0042_0011, "OB", &document),
        element(0x0042_0012, "LO", b"application/pdf"),
    ]
    .concat();
    let made = Made {
        frames: Vec::new(),
        extra,
        ..Made::default()
    };
    let house = House::with(std::slice::from_ref(&made)).await;
    let metadata = house.json(&format!("{}/metadata", made.url())).await;
    assert!(
        metadata[0]["00420011"]["BulkDataURI"]
            .as_str()
            .unwrap()
            .ends_with("/bulkdata/00420011")
    );
    let url = format!("{}/bulkdata/00420011", made.url());
    for (accept, content_type) in [
        ("application/pdf", "application/pdf"),
        ("application/octet-stream", "application/octet-stream"),
    ] {
        let got = house.get(&url, accept).await;
        assert_eq!(got.body, document);
        assert_eq!(got.header("content-type"), content_type);
        assert_eq!(got.header("content-disposition"), "attachment");
        assert!(got.header("content-security-policy").contains("sandbox"));
    }
    assert_eq!(house.get(&url, OCTETS).await.parts()[0].1, document);
    assert_eq!(
        house.get(&url, "text/html").await.status,
        StatusCode::NOT_ACCEPTABLE
    );
    let got = house
        .get(&format!("{}/bulkdata/00991010", made.url()), "*/*")
        .await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    let got = house.get(&format!("{}/frames/1", made.url()), "*/*").await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn negotiation_follows_the_standard_g2_g3_g5() {
    let made = Made::default();
    let house = House::with(std::slice::from_ref(&made)).await;
    let paths = [
        "/studies".to_owned(),
        "/studies/1.2.3/metadata".to_owned(),
        made.url(),
        format!("{}/frames/1", made.url()),
    ];
    for path in &paths {
        assert_eq!(
            house.get(path, "*/*").await.status,
            StatusCode::OK,
            "{path}"
        );
        assert_eq!(
            house.get(path, "video/nonsense").await.status,
            StatusCode::NOT_ACCEPTABLE,
            "{path}"
        );
    }
    assert_eq!(
        house
            .get("/studies", "multipart/related; type=\"text/xml\"")
            .await
            .status,
        StatusCode::NOT_ACCEPTABLE
    );
    assert_eq!(
        house
            .get(&made.url(), "application/dicom, image/jpeg")
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
    let got = house
        .get("/studies?accept=application/dicom%2Bjson", "*/*")
        .await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(
        house.get("/studies?accept=*/*", "*/*").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn an_empty_uid_is_told_and_never_means_everything() {
    let house = House::with(&[Made::default()]).await;
    for path in [
        "/studies/",
        "/studies//series",
        "/studies//metadata",
        "/studies//instances",
        "/studies//series//instances",
        "/studies/1.2.3/",
        "/studies/1.2.3/series//instances",
        "/studies/1.2.3/series/1.2.3.1/instances//frames/1",
        "/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/",
        "/workitems/",
        "/workitems//state",
    ] {
        let got = house.get(path, "application/dicom+json").await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}");
        let message = got.json()["message"].to_string();
        assert!(message.contains("an empty UID"), "{path}: {message}");
    }
}

#[tokio::test]
async fn methods_are_told_g7_g10() {
    let house = House::with(&[Made::default()]).await;
    let got = house
        .send(
            Some(archive_token()),
            request(Method::DELETE, "/studies/1.2.3", &[], Body::empty()),
        )
        .await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
    let message = got.json()["message"].to_string();
    assert!(message.contains("overread keeping delete"), "{message}");
    assert!(
        got.header("allow").contains("GET"),
        "{}",
        got.header("allow")
    );
    for path in ["", "/studies", "/studies/1.2.3/metadata"] {
        let got = house
            .send(
                Some(archive_token()),
                request(Method::OPTIONS, path, &[], Body::empty()),
            )
            .await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert!(got.json()["resources"].is_array());
    }
    let url = format!("{}/frames/1", Made::default().url());
    let got = house
        .send(
            Some(archive_token()),
            request(Method::HEAD, &url, &[("accept", "*/*")], Body::empty()),
        )
        .await;
    assert_eq!((got.status, got.body.len()), (StatusCode::OK, 0));
    assert!(got.header("content-length").parse::<usize>().unwrap() > FRAME_BYTES);
}
