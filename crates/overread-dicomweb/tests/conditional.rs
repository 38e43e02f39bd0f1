//! Entity tags and ranges: what a client holds is not sent again, and never tells what it may not see.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use overread_model::access::{Right, Role};

use crate::house::{Got, House, archive_token, person, request};
use crate::made::{EXPLICIT, FRAME_BYTES, JPEG_LS, Made};

const DICOM: &str = "application/dicom; transfer-syntax=*";
const OCTETS: &str = "application/octet-stream; transfer-syntax=*";
const PARTS: &str = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";

async fn get(house: &House, path: &str, headers: &[(&str, &str)]) -> Got {
    house.get_as(Some(archive_token()), path, headers).await
}

fn stored_paths(made: &Made) -> [(String, &'static str); 4] {
    [
        (made.url(), DICOM),
        (format!("{}/frames/1", made.url()), OCTETS),
        (format!("{}/bulkdata/7FE00010", made.url()), OCTETS),
        (format!("{}/bulkdata/00100010", made.url()), OCTETS),
    ]
}

#[tokio::test]
async fn what_is_held_is_not_sent_again() {
    let made = Made::default();
    let house = House::with(std::slice::from_ref(&made)).await;
    let mut tags = Vec::new();
    for (path, accept) in stored_paths(&made) {
        let got = get(&house, &path, &[("accept", accept)]).await;
        let tag = got.header("etag").to_owned();
        assert!(tag.starts_with('"'), "strong: {path}");
        let held = [("accept", accept), ("if-none-match", &tag)];
        let again = get(&house, &path, &held).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!((again.header("etag"), again.body.len()), (&*tag, 0));
        assert!(again.header("cache-control").contains("immutable"));
        assert!(again.header("vary").contains("Accept"), "{path}");
        let other = [("accept", accept), ("if-none-match", "\"other\"")];
        let other = get(&house, &path, &other).await;
        assert_eq!((other.status, other.body), (StatusCode::OK, got.body));
        // A precondition for changes says nothing about reading.
        let matched = [("accept", accept), ("if-match", "\"other\"")];
        assert_eq!(get(&house, &path, &matched).await.status, StatusCode::OK);
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
    let path = format!("{}/frames/1", made.url());
    let parts = get(&house, &path, &[("accept", PARTS)]).await;
    let tag = parts.header("etag");
    assert!(tag.starts_with("W/"), "each has a boundary of its own");
    let held = [("accept", PARTS), ("if-none-match", tag)];
    let again = get(&house, &path, &held).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let missing = format!("{}/bulkdata/00100040", made.url());
    let any = [("accept", "*/*"), ("if-none-match", "*")];
    assert_eq!(
        get(&house, &missing, &any).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_tag_names_bytes_form_and_frame() {
    let frames = vec![vec![1; FRAME_BYTES], vec![2; FRAME_BYTES]];
    let made = Made {
        frames,
        ..Made::default()
    };
    let jpeg = Made {
        transfer_syntax: JPEG_LS,
        ..Made::number(2)
    };
    let house = House::with(&[made.clone(), jpeg.clone()]).await;
    let mut tags = Vec::new();
    for (path, accept) in [
        (made.url(), DICOM),
        (jpeg.url(), DICOM),
        (format!("{}/frames/1", made.url()), OCTETS),
        (format!("{}/frames/2", made.url()), OCTETS),
        (format!("{}/frames/1,2", made.url()), PARTS),
        (format!("{}/frames/1", made.url()), PARTS),
    ] {
        let got = get(&house, &path, &[("accept", accept)]).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        tags.push(got.header("etag").to_owned());
    }
    let count = tags.len();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), count);
}

#[tokio::test]
async fn ranges_of_single_parts_fit_together() {
    let made = Made::default();
    let house = House::with(std::slice::from_ref(&made)).await;
    for (path, accept) in stored_paths(&made) {
        let whole = get(&house, &path, &[("accept", accept)]).await;
        let tag = whole.header("etag").to_owned();
        assert_eq!(whole.header("accept-ranges"), "bytes", "{path}");
        let start = get(&house, &path, &[("accept", accept), ("range", "bytes=0-3")]).await;
        let rest = [
            ("accept", accept),
            ("range", "bytes=4-"),
            ("if-range", &tag),
        ];
        let rest = get(&house, &path, &rest).await;
        for part in [&start, &rest] {
            assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{path}");
            assert_eq!(part.header("etag"), tag);
        }
        let total = whole.body.len();
        assert_eq!(start.header("content-range"), format!("bytes 0-3/{total}"));
        assert_eq!([start.body, rest.body].concat(), whole.body, "{path}");
        for held in [
            "\"other\"",
            "Sun, 22 Nov 2026 10:00:00 GMT",
            &format!("W/{tag}"),
        ] {
            let headers = [
                ("accept", accept),
                ("range", "bytes=4-"),
                ("if-range", held),
            ];
            let got = get(&house, &path, &headers).await;
            assert_eq!(
                (got.status, got.body.len()),
                (StatusCode::OK, total),
                "{held}"
            );
        }
        // Several at once are answered by everything (RFC 9110 14.2).
        let several = [("accept", accept), ("range", "bytes=0-1,4-5")];
        let got = get(&house, &path, &several).await;
        assert_eq!((got.status, got.body.len()), (StatusCode::OK, total));
        let headers = [("accept", accept), ("range", "bytes=0-3")];
        let head = request(Method::HEAD, &path, &headers, Body::empty());
        let got = house.send(Some(archive_token()), head).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert_eq!(got.header("content-length"), total.to_string());
        let past = [("accept", accept), ("range", "bytes=999999-")];
        let got = get(&house, &path, &past).await;
        assert_eq!(got.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(got.header("content-range"), format!("bytes */{total}"));
    }
}

#[tokio::test]
async fn the_tag_of_metadata_changes_as_the_series_grows() {
    let house = House::with(&[Made::default()]).await;
    let paths = [
        "/studies/1.2.3/metadata".to_owned(),
        "/studies/1.2.3/series/1.2.3.1/metadata".to_owned(),
    ];
    let mut before = Vec::new();
    for path in &paths {
        let got = house.get(path, "application/dicom+json").await;
        assert!(got.header("etag").starts_with('"'));
        before.push(got.header("etag").to_owned());
    }
    house.stow("/studies", &[Made::number(2).bytes()]).await;
    for (path, tag) in paths.iter().zip(&before) {
        let held = [("accept", "*/*"), ("if-none-match", tag.as_str())];
        let got = get(&house, path, &held).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert_eq!(got.json().as_array().map(Vec::len), Some(2));
        let held = [("accept", "*/*"), ("if-none-match", got.header("etag"))];
        let got = get(&house, path, &held).await;
        assert_eq!(got.status, StatusCode::NOT_MODIFIED, "{path}");
    }
}

/// From a tag that names the whole file, a guess at what is withheld could be proven.
#[tokio::test]
async fn a_blinded_reader_gets_no_tag_of_the_whole_file() {
    let made = Made::default();
    let house = House::with(std::slice::from_ref(&made)).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    for (path, accept) in stored_paths(&made) {
        let open = get(&house, &path, &[("accept", accept)]).await;
        let tag = open.header("etag");
        for held in [tag, "*"] {
            let headers = [("accept", accept), ("if-none-match", held)];
            let got = house.get_as(Some(reviewer.clone()), &path, &headers).await;
            assert_eq!(
                (got.status, got.header("etag")),
                (StatusCode::OK, ""),
                "{path}"
            );
        }
        // Nor does a stranger learn from a tag that the image is there.
        let headers = [("accept", accept), ("if-none-match", tag)];
        let stranger = person(3, Role::Reviewer);
        let got = house.get_as(Some(stranger), &path, &headers).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
        let got = house.get_as(None, &path, &headers).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn text_goes_out_compressed_and_pixels_do_not() {
    let many: Vec<Made> = (1..=12).map(Made::number).collect();
    let house = House::with(&many).await;
    let gzip = ("accept-encoding", "gzip, br");
    let json = ("accept", "application/dicom+json");
    let path = "/studies/1.2.3/instances";
    let plain = get(&house, path, &[json]).await;
    assert_eq!(plain.header("content-encoding"), "");
    let packed = get(&house, path, &[json, gzip]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    for got in [&plain, &packed] {
        assert!(
            got.header("vary").contains("Accept-Encoding"),
            "{}",
            got.header("vary")
        );
    }
    assert_eq!(
        packed.header("content-length"),
        packed.body.len().to_string()
    );
    assert!(packed.body.len() * 2 < plain.body.len());
    let mut text = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::GzDecoder::new(packed.body.as_slice()),
        &mut text,
    )
    .unwrap();
    assert_eq!(text, plain.body);
    for refused in ["gzip;q=0", "br", "identity"] {
        let headers = [json, ("accept-encoding", refused)];
        let got = get(&house, path, &headers).await;
        assert_eq!(got.header("content-encoding"), "", "{refused}");
    }
    let short = "/studies?StudyInstanceUID=9.9&limit=1";
    let got = get(&house, short, &[json, gzip]).await;
    assert_eq!(got.header("content-encoding"), "");
    let made = Made {
        frames: vec![vec![0; 64 * FRAME_BYTES]],
        study: "1.2.4",
        series: "1.2.4.1",
        instance: "1.2.4.1.1".to_owned(),
        transfer_syntax: EXPLICIT,
        ..Made::default()
    };
    house.stow("/studies", &[made.bytes()]).await;
    for (path, accept) in stored_paths(&made) {
        let got = get(&house, &path, &[("accept", accept), gzip]).await;
        assert_eq!(got.header("content-encoding"), "", "{path}");
    }
    let head = request(Method::HEAD, path, &[json, gzip], Body::empty());
    let got = house.send(Some(archive_token()), head).await;
    assert_eq!((got.status, got.body.len()), (StatusCode::OK, 0));
}
