//! QIDO-RS beyond the required keys: every level's attributes, further fields, XML, what a reader must not learn.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use overread_dicom::ParseLimits;
use overread_model::access::{Right, Role};
use serde_json::Value;

use crate::house::{House, archive_token, person, request};
use crate::made::{Made, element};

const JSON: &str = "application/dicom+json";
const XML: &str = "multipart/related; type=\"application/dicom+xml\"";

fn item(elements: &[Vec<u8>]) -> Vec<u8> {
    let bytes = elements.concat();
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
    out
}

fn requested(step: &str, procedure: &str) -> Vec<u8> {
    let ids = item(&[
        element(0x0040_0009, "SH", step.as_bytes()),
        element(0x0040_1001, "SH", procedure.as_bytes()),
    ]);
    element(0x0040_0275, "SQ", &ids)
}

fn rich() -> Vec<Made> {
    let first = [
        element(0x0008_0080, "LO", b"City Hospital"),
        element(0x0008_0201, "SH", b"+0100"),
        element(0x0008_1010, "SH", b"MR-ONE"),
        element(0x0010_0021, "LO", b"HOSP"),
        element(0x0010_0030, "DA", b"19700302"),
        element(0x0010_0040, "CS", b"F"),
        element(0x0010_4000, "LT", b"Lives \"<alone>\" & well"),
        element(0x0018_0015, "CS", b"LSPINE"),
        element(0x0018_1030, "LO", b"L-Spine routine"),
        element(0x0040_0244, "DA", b"20260302"),
        element(0x0040_0245, "TM", b"1020"),
        requested("STEP 1\\B", "RP_1"),
    ];
    vec![
        Made {
            patient: "García-Lopez^María^^Dra=山田^太郎",
            extra: first.concat(),
            ..Made::default()
        },
        Made {
            study: "1.2.4",
            series: "1.2.4.1",
            instance: "1.2.4.1.1".to_owned(),
            modality: "CT",
            patient: "Garcia^Mario",
            patient_id: "P2",
            date: "20260303",
            extra: requested("STEP2", "RP 1"),
            ..Made::default()
        },
    ]
}

async fn found(house: &House, path: &str, uid: &str) -> Vec<String> {
    let got = house.get(path, JSON).await;
    if got.status == StatusCode::NO_CONTENT {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&got.body);
    assert_eq!(got.status, StatusCode::OK, "{path}: {text}");
    let rows = got.json();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row[uid]["Value"][0].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn further_keys_of_the_study_q7_q13_q16() {
    let house = House::with(&rich()).await;
    for (query, expect) in [
        ("PatientBirthDate=19700302", &["1.2.3"][..]),
        ("PatientBirthDate=19700101-19701231", &["1.2.3"]),
        ("PatientBirthDate=-19600101", &[]),
        ("PatientSex=F", &["1.2.3"]),
        ("IssuerOfPatientID=HO*", &["1.2.3"]),
        ("InstitutionName=*hospital*", &["1.2.3"]),
        ("StudyTime=10", &["1.2.4", "1.2.3"]),
        ("StudyTime=101500.000001-", &[]),
        ("StudyTime=-1014", &[]),
        ("StudyDate=20260302-20260303&StudyTime=1016-0900", &[]),
        (
            "StudyDate=20260302-20260303&StudyTime=1015-1016",
            &["1.2.4", "1.2.3"],
        ),
        (
            "StudyDate=20260302-20260303&StudyTime=1016-1015",
            &["1.2.4"],
        ),
        ("ReferringPhysicianName=REF^erring", &["1.2.4", "1.2.3"]),
        ("ReferringPhysicianName=*err*", &["1.2.4", "1.2.3"]),
        (
            "ReferringPhysicianName=erring&fuzzymatching=true",
            &["1.2.4", "1.2.3"],
        ),
        ("ModalitiesInStudy=C*", &["1.2.4"]),
        ("PatientName=%E5%B1%B1%E7%94%B0*", &["1.2.3"]),
        ("PatientName=*%E5%A4%AA%E9%83%8E", &["1.2.3"]),
        // What only the metadata know, and what their series say.
        ("PatientComments=Lives*", &["1.2.3"]),
        ("Modality=CT", &["1.2.4"]),
        ("BodyPartExamined=LSPINE&StationName=MR*", &["1.2.3"]),
        ("ProtocolName=*routine*&Modality=CT", &[]),
        (
            "RequestAttributesSequence.RequestedProcedureID=RP%201",
            &["1.2.4"],
        ),
    ] {
        let path = format!("/studies?{query}");
        assert_eq!(found(&house, &path, "0020000D").await, expect, "{query}");
    }
    for query in [
        "SliceThickness=4",
        "SOPInstanceUID=1.2.3.1.1",
        "StudyTime=noon",
        "Rows=x",
    ] {
        let got = house.get(&format!("/studies?{query}"), JSON).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn words_of_names_match_in_any_order_q18() {
    let house = House::with(&rich()).await;
    for (name, expect) in [
        ("maria%20garcia", &["1.2.3"][..]),
        ("GARC%20MAR", &["1.2.4", "1.2.3"]),
        ("lopez", &["1.2.3"]),
        ("Mar%C3%ADa%5EGarc%C3%ADa", &["1.2.3"]),
        ("arcia", &[]),
        ("mario%20lopez", &[]),
        ("*ARCIA*", &["1.2.4", "1.2.3"]),
        ("%E5%A4%AA", &["1.2.3"]),
    ] {
        let path = format!("/studies?fuzzymatching=true&PatientName={name}");
        assert_eq!(found(&house, &path, "0020000D").await, expect, "{name}");
    }
}

#[tokio::test]
async fn further_keys_of_the_series_q8_q11() {
    let house = House::with(&rich()).await;
    let all = house.json("/studies/1.2.3/series").await;
    let series = &all[0];
    assert_eq!(series["00400244"]["Value"][0], "20260302");
    assert_eq!(series["00400245"]["Value"][0], "1020");
    assert_eq!(series["00080201"]["Value"][0], "+0100");
    let request = &series["00400275"]["Value"][0];
    assert_eq!(request["00400009"]["Value"][0], "STEP 1");
    assert_eq!(request["00401001"]["Value"][0], "RP_1");
    for (query, expect) in [
        (
            "RequestAttributesSequence.ScheduledProcedureStepID=STEP%201",
            &["1.2.3.1"][..],
        ),
        ("00400275.00400009=STEP*", &["1.2.3.1", "1.2.4.1"]),
        ("00400275.00401001=RP_1", &["1.2.3.1"]),
        ("00400275.00401001=RP%1", &[]),
        (
            "PerformedProcedureStepStartDate=20260301-&PerformedProcedureStepStartTime=10-11",
            &["1.2.3.1"],
        ),
        ("StationName=MR-ONE&ProtocolName=L-Spine*", &["1.2.3.1"]),
        (
            "PatientName=garcia*&SeriesNumber=3",
            &["1.2.3.1", "1.2.4.1"],
        ),
        ("StudyInstanceUID=1.2.4&Modality=?T", &["1.2.4.1"]),
    ] {
        let path = format!("/series?{query}");
        assert_eq!(found(&house, &path, "0020000E").await, expect, "{query}");
    }
    // A page of a search over everything counts what stands behind it.
    let got = house.get("/series?limit=1", JSON).await;
    assert!(got.header("warning").contains("There are 1 additional"));
    let got = house.get("/instances?limit=1&offset=1", JSON).await;
    assert_eq!((got.header("warning"), got.status), ("", StatusCode::OK));
}

#[tokio::test]
async fn further_keys_of_the_instance_q9_q12_q17() {
    let house = House::with(&rich()).await;
    for (query, expect) in [
        (
            "Rows=4&Columns=4&NumberOfFrames=1",
            &["1.2.3.1.1", "1.2.4.1.1"][..],
        ),
        ("Rows=5", &[]),
        ("SliceThickness=4&PatientID=P2", &["1.2.4.1.1"]),
        (
            "AvailableTransferSyntaxUID=1.2.840.10008.1.2.1&Modality=CT",
            &["1.2.4.1.1"],
        ),
        ("SOPInstanceUID=1.2.3.1.1,1.2.9", &["1.2.3.1.1"]),
        ("SOPInstanceUID=1.2.3.*", &[]),
    ] {
        let path = format!("/instances?{query}");
        assert_eq!(found(&house, &path, "00080018").await, expect, "{query}");
    }
    let all = house
        .json("/studies?includefield=PatientComments&PatientID=P1")
        .await;
    assert_eq!(all[0]["00104000"]["Value"][0], "Lives \"<alone>\" & well");
    let all = house
        .json("/instances?includefield=SliceThickness&Modality=CT")
        .await;
    assert_eq!(all[0]["00180050"]["Value"][0], 4.0);
    assert_eq!(all[0]["00100020"]["Value"][0], "P2");
}

/// Q22: what would have to be looked at one by one has an end.
#[tokio::test]
async fn a_search_of_everything_by_what_is_not_indexed_is_refused_q22() {
    let house = House::new().await;
    let files: Vec<Vec<u8>> = (1..=2001)
        .map(|number| Made::number(number).bytes())
        .collect();
    assert_eq!(house.stow("/studies", &files).await.status, StatusCode::OK);
    let got = house.get("/instances?SliceThickness=4", JSON).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    let got = house
        .get("/instances?SliceThickness=4&InstanceNumber=7", JSON)
        .await;
    assert_eq!(got.json().as_array().unwrap().len(), 1);
    let got = house
        .get("/studies/1.2.3/instances?includefield=all", JSON)
        .await;
    assert_eq!(got.json().as_array().unwrap().len(), 2000);
    assert!(got.header("warning").contains("There are 1 additional"));
}

#[tokio::test]
async fn xml_says_what_json_says_q23_w3() {
    let house = House::with(&rich()).await;
    for path in [
        "/studies?PatientName=Garc*",
        "/studies/1.2.3/series",
        "/instances?includefield=all",
        "/studies/1.2.3/metadata",
        "/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/metadata",
    ] {
        let json = house.json(path).await;
        let got = house.get(path, XML).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert!(got.header("content-type").starts_with(XML), "{path}");
        let parts: Vec<Value> = got
            .parts()
            .iter()
            .map(|(headers, xml)| {
                assert!(headers.contains("content-type: application/dicom+xml"));
                assert!(
                    headers
                        .contains("content-location: http://pacs.example:8080/dicom-web/studies/")
                );
                overread_dicom::xml::read(xml, &ParseLimits::default()).unwrap()
            })
            .collect();
        assert_eq!(Value::Array(parts), json, "{path}");
    }
    let got = house.get("/studies?PatientID=none", XML).await;
    assert_eq!(got.status, StatusCode::NO_CONTENT);
    for accept in [
        "application/dicom+xml",
        "text/html",
        "multipart/related; type=\"text/xml\"",
    ] {
        let got = house.get("/studies", accept).await;
        assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE, "{accept}");
    }
}

/// G15: what is asked of character sets changes nothing: answers are UTF-8.
#[tokio::test]
async fn answers_are_utf8_whatever_is_asked_g15() {
    let house = House::with(&rich()).await;
    for (path, charset) in [
        ("/studies?PatientID=P1", "iso-8859-1"),
        ("/studies?PatientID=P1&charset=iso-8859-1", "utf-8"),
        ("/studies?PatientID=P1&charset=nonsense", "*"),
    ] {
        let headers = [("accept", JSON), ("accept-charset", charset)];
        let got = house.get_as(Some(archive_token()), path, &headers).await;
        let found = got.json();
        let name = &found[0]["00100010"]["Value"][0]["Alphabetic"];
        assert_eq!(name, "García-Lopez^María^^Dra", "{path}");
        assert_eq!(found[0]["00080005"]["Value"][0], "ISO_IR 192");
    }
}

/// A reader before the lock learns nothing by asking for what is withheld, on whatever level it stands.
#[tokio::test]
async fn a_reader_finds_nothing_by_what_is_withheld_q24() {
    let secret = "extrusion";
    let telling = Made {
        extra: [
            element(0x0018_1030, "LO", secret.as_bytes()),
            requested("extrusion L5", "RP1"),
        ]
        .concat(),
        ..Made::default()
    };
    let house = House::with(&[telling]).await;
    let reviewer = person(2, Role::Reviewer);
    let rights = [Right::ViewImages];
    house.grant(7, "1.2.3", &reviewer, &rights, None).await;
    for (actor, is_open) in [(archive_token(), true), (reviewer, false)] {
        for path in [
            "/studies?ProtocolName=extr*",
            "/series?ProtocolName=extr*",
            "/instances?ProtocolName=extr*",
            "/series?00400275.00400009=extrusion%20L5",
            "/series?00400275.00400009=extr*",
            "/studies?00400275.00400009=extrusion%20L5",
        ] {
            let headers = [("accept", JSON)];
            let got = house.get_as(Some(actor.clone()), path, &headers).await;
            assert_eq!(got.status == StatusCode::OK, is_open, "{path}");
        }
        for (path, accept) in [
            ("/series", JSON),
            ("/series?includefield=all", XML),
            ("/studies/1.2.3/metadata", XML),
        ] {
            let headers = [("accept", accept)];
            let got = house.get_as(Some(actor.clone()), path, &headers).await;
            assert_eq!(got.status, StatusCode::OK, "{path}");
            let text = String::from_utf8_lossy(&got.body).into_owned();
            assert_eq!(text.contains(secret), is_open, "{path} {accept}");
        }
    }
}

#[tokio::test]
async fn strangers_get_no_xml_g8_g9() {
    let house = House::with(&rich()).await;
    let headers = [("accept", XML)];
    let stranger = person(3, Role::Patient);
    for (path, of_stranger) in [
        ("/studies", StatusCode::NO_CONTENT),
        ("/studies/1.2.3/metadata", StatusCode::NOT_FOUND),
    ] {
        let got = house.get_as(None, path, &headers).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{path}");
        let got = house.get_as(Some(stranger.clone()), path, &headers).await;
        assert_eq!(got.status, of_stranger, "{path}");
    }
}

#[tokio::test]
async fn what_is_offered_is_there_g10() {
    let house = House::with(&[Made::default()]).await;
    let create = "/workitems?2.25.1";
    let order = crate::workitems::order();
    crate::workitems::ask(&house, &archive_token(), Method::POST, create, Some(&order)).await;
    let options = async |accept: &str| {
        let headers = [("accept", accept)];
        let request = request(Method::OPTIONS, "", &headers, Body::empty());
        house.send(Some(archive_token()), request).await
    };
    let got = options("*/*").await;
    assert_eq!(got.header("content-type"), "application/json");
    let offers = got.json()["resources"].as_array().unwrap().clone();
    assert!(offers.len() > 15);
    let wadl = options("application/vnd.sun.wadl+xml").await;
    assert_eq!(wadl.header("content-type"), "application/vnd.sun.wadl+xml");
    let wadl = String::from_utf8(wadl.body).unwrap();
    assert!(wadl.contains("<resources base=\"http://pacs.example:8080/dicom-web\">"));
    for offer in offers {
        let path = offer["path"].as_str().unwrap();
        assert!(wadl.contains(&format!("id=\"{}\"", offer["id"].as_str().unwrap())));
        assert!(wadl.contains(&format!("<resource path=\"{}\">", &path[1..])));
        let path = path
            .replace("{study}", "1.2.3")
            .replace("{series}", "1.2.3.1")
            .replace("{instance}", "1.2.3.1.1")
            .replace("{frames}", "1")
            .replace("{workitem}", "2.25.1")
            .replace("{aetitle}", "A")
            .replace("{path}", "7FE00010");
        let method: Method = offer["method"].as_str().unwrap().parse().unwrap();
        let expect = if method == Method::GET {
            StatusCode::OK
        } else {
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        };
        // Without what they need, or who they need, yet there.
        if offer["gives"].as_array().unwrap().is_empty() {
            let request = request(method.clone(), &path, &[], Body::empty());
            let got = house.send(Some(archive_token()), request).await;
            assert_ne!(
                got.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            let is_routed = path.contains("/subscribers/") || got.status != StatusCode::NOT_FOUND;
            assert!(is_routed, "{method} {path}");
        }
        for given in offer["gives"].as_array().unwrap() {
            let headers = [("accept", given.as_str().unwrap())];
            let request = request(method.clone(), &path, &headers, Body::empty());
            let got = house.send(Some(archive_token()), request).await;
            assert_eq!(got.status, expect, "{method} {path} {given}");
        }
    }
    let request = request(Method::OPTIONS, "/studies", &[], Body::empty());
    assert_eq!(
        house.send(None, request).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn what_is_not_offered_is_told_from_what_is_not_there() {
    let house = House::with(&[Made::default()]).await;
    let delete = request(Method::DELETE, "/studies/1.2.3", &[], Body::empty());
    let got = house.send(Some(archive_token()), delete).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(
        got.header("allow").contains("GET"),
        "{}",
        got.header("allow")
    );
    assert!(got.json()["message"].is_string());
    for path in ["/studies/1.2.3/nothing", "/nothing"] {
        let got = house.get(path, "*/*").await;
        assert_eq!(got.status, StatusCode::NOT_FOUND);
        let said = got.json()["message"].to_string();
        assert!(said.contains("offered"), "{said}");
    }
    let got = house.get("/studies?PatientNme=X", "*/*").await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    assert!(got.json()["message"].to_string().contains("PatientNme"));
    let got = house.get("/studies/1.2.3", "application/dicom").await;
    assert_eq!(got.status, StatusCode::NOT_ACCEPTABLE);
    assert!(
        got.json()["message"]
            .to_string()
            .contains("multipart/related")
    );
}
