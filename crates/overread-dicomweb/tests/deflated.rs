//! Deflated instances: what inflating takes in memory is waited for, whatever is asked of them.

use std::io::Write;
use std::time::Duration;

use axum::http::StatusCode;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use overread_dicom::data_set_start;
use overread_dicom::syntax::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
use overread_ingest::room_to_inflate;
use tokio::time::timeout;

use crate::house::House;
use crate::made::{EXPLICIT, Made, element};

/// How long it is looked at whether an answer is held back.
const A_WHILE: Duration = Duration::from_millis(200);

fn made() -> Made {
    Made {
        extra: element(0x0028_0004, "CS", b"MONOCHROME2"),
        ..Made::default()
    }
}

/// Deflates the data set of a file.
fn deflated(plain: &[u8]) -> Vec<u8> {
    let (start, _) = data_set_start(plain).unwrap();
    let mut file = vec![0; 128];
    file.extend_from_slice(b"DICM");
    let syntax = DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
    file.extend(element(0x0002_0010, "UI", syntax.as_bytes()));
    let mut encoder = DeflateEncoder::new(file, Compression::default());
    encoder.write_all(&plain[start as usize..]).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_one_waits_for_memory_to_inflate_in() {
    let house = House::new().await;
    let plain = made().bytes();
    let got = house.stow("/studies", &[deflated(&plain)]).await;
    assert_eq!(got.status, StatusCode::OK);
    let url = made().url();
    let octets = "multipart/related; type=\"application/octet-stream\"";
    let dicom =
        format!("multipart/related; type=\"application/dicom\"; transfer-syntax={EXPLICIT}");
    let asked = [
        (format!("{url}/bulkdata/7FE00010"), octets),
        (format!("{url}/bulkdata/00100020"), octets),
        (format!("{url}/frames/1"), octets),
        (url.clone(), dicom.as_str()),
        (format!("{url}/rendered"), "image/png"),
    ];
    for (path, accept) in asked {
        let all = room_to_inflate(u64::MAX).await.unwrap();
        let mut answer = Box::pin(house.get(&path, accept));
        let early = timeout(A_WHILE, &mut answer).await;
        assert!(early.is_err(), "{path} did not wait");
        drop(all);
        let got = answer.await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        if accept == octets && !path.ends_with("00100020") {
            let frame = &made().frames[0];
            let mut windows = got.body.windows(frame.len());
            assert!(windows.any(|window| window == frame), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_deflated_waits_for_nothing() {
    let house = House::with(&[made()]).await;
    let _all = room_to_inflate(u64::MAX).await.unwrap();
    let octets = "multipart/related; type=\"application/octet-stream\"";
    let got = house
        .get(&format!("{}/frames/1", made().url()), octets)
        .await;
    assert_eq!(got.status, StatusCode::OK);
}
