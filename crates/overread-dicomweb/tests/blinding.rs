//! What ordinary images carry of the first reading, for a reviewer who has locked no first impression.

use axum::http::StatusCode;
use overread_model::access::{Right, Role};

use crate::house::{House, person};
use crate::made::{Made, element};

const ANY: &[(&str, &str)] = &[("accept", "*/*")];
const JSON: &[(&str, &str)] = &[("accept", "application/dicom+json")];
const SECRET: &str = "SECRET extrusion L5-S1";

/// An image that carries the first reading wherever an image can.
pub(crate) fn telling() -> Made {
    let long = format!("{SECRET} {}", "and more ".repeat(2000));
    // Too long to stand in the metadata.
    let label = format!("{} {SECRET}", "and more ".repeat(8000));
    let comment = element(0x0020_4000, "LT", SECRET.as_bytes());
    let mut item = vec![0xFE, 0xFF, 0x00, 0xE0];
    item.extend_from_slice(&(comment.len() as u32).to_le_bytes());
    item.extend_from_slice(&comment);
    let text = |tag, vr| element(tag, vr, SECRET.as_bytes());
    let extra = [
        text(0x0008_1080, "LO"),
        element(0x0008_1140, "SQ", &item),
        text(0x0010_21B0, "LT"),
        // A comment whose VR the writer did not know.
        text(0x0010_4000, "UN"),
        // A code whose writer held it for text.
        text(0x0018_0022, "LT"),
        // A label whose VR the writer did not know.
        element(0x0018_1020, "UN", label.as_bytes()),
        // The name of the protocol, as a person typed it.
        text(0x0018_1030, "LO"),
        text(0x0020_4000, "LT"),
        text(0x0028_1055, "LO"),
        element(0x0029_0010, "LO", b"ACME 1.1"),
        text(0x0029_0011, "LO"),
        text(0x0029_1001, "LO"),
        text(0x0029_1002, "OB"),
        element(0x0029_1003, "DS", b"4.25"),
        // Text in what should be a number, and spelled by a row of numbers.
        text(0x0029_1004, "DS"),
        element(0x0029_1005, "US", &spelled()),
        text(0x0032_1060, "LO"),
        element(0x0032_4000, "UT", long.as_bytes()),
        text(0x0040_1002, "LO"),
        text(0x6000_1500, "LO"),
        text(0x6000_3000, "OW"),
    ];
    Made {
        extra: extra.concat(),
        ..Made::default()
    }
}

/// The secret as numbers of 16 bits.
fn spelled() -> Vec<u8> {
    SECRET.bytes().flat_map(|byte| [byte, 0]).collect()
}

pub(crate) fn tells(body: &[u8]) -> bool {
    let numbers: Vec<String> = SECRET.bytes().map(|byte| byte.to_string()).collect();
    let (numbers, spelled) = (numbers.join(","), spelled());
    let secrets = [
        SECRET.as_bytes(),
        &b"U0VDUkVU"[..],
        numbers.as_bytes(),
        &spelled,
    ];
    let mut secrets = secrets.iter();
    secrets.any(|secret| contains(body, secret))
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn images_tell_a_reviewer_nothing_of_the_first_reading() {
    let made = telling();
    let house = House::with(std::slice::from_ref(&made)).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let coordinator = person(5, Role::Coordinator);
    let url = made.url();
    let bulk = format!("{url}/bulkdata/");
    for (actor, is_open) in [
        (&coordinator, true),
        (&reviewer, false),
        (&coordinator, true),
    ] {
        let get = async |path: &str, headers: &[(&str, &str)]| {
            house.get_as(Some(actor.clone()), path, headers).await
        };
        for path in [
            url.clone(),
            "/studies/1.2.3".to_owned(),
            "/studies/1.2.3/series/1.2.3.1".to_owned(),
            format!("{url}/metadata"),
            "/studies/1.2.3/metadata".to_owned(),
            "/studies/1.2.3/instances?includefield=all".to_owned(),
            "/studies/1.2.3/instances?includefield=ImageComments".to_owned(),
            "/studies/1.2.3/series?includefield=all".to_owned(),
            "/studies?includefield=AdmittingDiagnosesDescription".to_owned(),
        ] {
            let is_search = path.contains('?');
            let got = get(&path, if is_search { JSON } else { ANY }).await;
            assert_eq!(got.status, StatusCode::OK, "{path}");
            assert_eq!(tells(&got.body), is_open, "{path}");
        }
        // Nor is it told by asking for it.
        let asked = "/studies/1.2.3/instances?ImageComments=SECRET*";
        let found = get(asked, JSON).await.status;
        assert_eq!(found == StatusCode::OK, is_open, "{found}");
        for path in [
            "00324000",
            "00081140.0.00204000",
            "60003000",
            "00291002",
            "00081080",
            "00180022",
            "00181020",
            "00181030",
            "+0181030",
        ] {
            let got = get(&format!("{bulk}{path}"), ANY).await;
            let expected = if is_open {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(got.status, expected, "{path}");
            assert_eq!(tells(&got.body), is_open, "{path}");
        }
        let octets = &[("accept", "application/octet-stream")];
        let pixels = get(&format!("{bulk}7FE00010"), octets).await;
        assert_eq!(pixels.body, made.frames.concat());
    }
}

#[tokio::test]
async fn a_search_matches_what_is_shown() {
    let telling = Made {
        description: SECRET,
        ..Made::default()
    };
    let plain = Made {
        study: "1.2.4",
        series: "1.2.4.1",
        instance: "1.2.4.1.1".to_owned(),
        ..Made::default()
    };
    let house = House::with(&[telling, plain]).await;
    let reviewer = person(2, Role::Reviewer);
    for (case, study) in [(7, "1.2.3"), (8, "1.2.4")] {
        house
            .grant(case, study, &reviewer, &[Right::ViewImages], None)
            .await;
    }
    let coordinator = person(5, Role::Coordinator);
    for (asked, of_all, of_reviewer) in [
        ("/studies?StudyDescription=S*", 1, 0),
        ("/studies?StudyDescription=SECRET extrusion*", 1, 0),
        ("/series?StudyDescription=S*", 1, 0),
        ("/studies/1.2.3/series?StudyDescription=S*", 1, 0),
        ("/instances?StudyDescription=S*", 1, 0),
        ("/studies?StudyDescription=Lumbar*", 1, 1),
        ("/studies?StudyDescription=Lumbar*&limit=1&offset=1", 0, 0),
        ("/studies?StudyDescription=Lumbar*&PatientID=P1", 1, 1),
        ("/studies?StudyDescription=*", 2, 2),
        ("/studies?PatientID=P1", 2, 2),
        ("/series?SeriesDescription=T2*", 2, 2),
    ] {
        for (actor, count) in [(&coordinator, of_all), (&reviewer, of_reviewer)] {
            let asked = asked.replace(' ', "%20");
            let got = house.get_as(Some(actor.clone()), &asked, JSON).await;
            let found = match got.status {
                StatusCode::NO_CONTENT => 0,
                _ => got.json().as_array().map_or(99, Vec::len),
            };
            assert_eq!(found, count, "{asked} as {:?}", actor.role());
        }
    }
}

#[tokio::test]
async fn what_is_no_reading_stays_as_it_is() {
    let made = telling();
    let house = House::with(std::slice::from_ref(&made)).await;
    let reviewer = person(2, Role::Reviewer);
    house
        .grant(7, "1.2.3", &reviewer, &[Right::ViewImages], None)
        .await;
    let path = format!("{}/metadata", made.url());
    let all = house.json(&path).await[0].clone();
    let got = house.get_as(Some(reviewer.clone()), &path, JSON).await;
    let less = got.json()[0].clone();
    for tag in [
        "00081030", "0008103E", "00100010", "00180050", "00280010", "7FE00010", "00290010",
        "00291003",
    ] {
        assert!(!all[tag].is_null() && all[tag] == less[tag], "{tag}");
    }
    assert_eq!(less["00081140"]["Value"][0], serde_json::json!({}));
    for (tag, value) in [("00081030", "Lumbar spine"), ("0008103E", "T2 sagittal ")] {
        let path = format!("{}/bulkdata/{tag}", made.url());
        let got = house.get_as(Some(reviewer.clone()), &path, ANY).await;
        assert!(
            got.status == StatusCode::OK && contains(&got.body, value.as_bytes()),
            "{tag}"
        );
    }
    let got = house.get_as(Some(reviewer), &made.url(), ANY).await;
    assert_ne!(
        got.header("cache-control"),
        "private, max-age=31536000, immutable",
        "the lock opens more"
    );
    let frames = made.frames.concat();
    assert!(contains(&got.body, &frames));
    let same = house.get(&made.url(), "*/*").await;
    assert!(tells(&same.body), "what is stored stays whole");
}

#[tokio::test]
async fn every_report_among_the_images_that_is_opened_is_a_row_of_the_audit() {
    let report = |number: u32| Made {
        series: "1.2.3.2",
        instance: format!("1.2.3.2.{number}"),
        number,
        modality: "SR",
        sop_class: "1.2.840.10008.5.1.4.1.1.88.11",
        ..Made::default()
    };
    let all = [Made::default(), report(1), report(2), report(3)];
    let house = House::with(&all).await;
    let coordinator = person(5, Role::Coordinator);
    let rows = async || {
        let mut tx = house.store.read().await.unwrap();
        overread_store::audit::prove(&mut tx).await.unwrap().rows
    };
    let start = rows().await;
    for (path, expect) in [
        (all[0].url(), 1),
        (all[1].url(), 2),
        (all[2].url(), 3),
        (all[2].url(), 3),
        (format!("{}/frames/1", all[3].url()), 4),
        ("/studies/1.2.3".to_owned(), 4),
        // Metadata are read apart from images; the reports in them were read a moment ago.
        ("/studies/1.2.3/metadata".to_owned(), 5),
    ] {
        let got = house.get_as(Some(coordinator.clone()), &path, ANY).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert_eq!(rows().await - start, expect, "{path}");
    }
    // The same person in another role reads again.
    let patient = person(5, Role::Patient);
    house
        .grant(7, "1.2.3", &patient, &[Right::ViewImages], None)
        .await;
    house.get_as(Some(patient), "/studies/1.2.3", ANY).await;
    assert_eq!(rows().await - start, 9);
}
