//! QIDO-RS.

use axum::http::StatusCode;
use serde_json::Value;

use crate::house::House;
use crate::made::Made;

const JSON: &str = "application/dicom+json";

fn library() -> Vec<Made> {
    let mut all: Vec<Made> = (1..=2).map(Made::number).collect();
    all.push(Made {
        series: "1.2.3.2",
        instance: "1.2.3.2.1".to_owned(),
        modality: "SR",
        ..Made::default()
    });
    all.push(Made {
        study: "1.2.4",
        series: "1.2.4.1",
        instance: "1.2.4.1.1".to_owned(),
        modality: "CT",
        patient: "Roe^Rick",
        patient_id: "P2",
        date: "20250101",
        ..Made::default()
    });
    all
}

fn values(found: &Value, tag: &str) -> Vec<String> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one[tag]["Value"][0]))
        .collect()
}

async fn studies(house: &House, query: &str) -> Vec<String> {
    let got = house.get(&format!("/studies?{query}"), JSON).await;
    if got.status == StatusCode::NO_CONTENT {
        assert!(got.body.is_empty());
        return Vec::new();
    }
    assert_eq!(
        got.status,
        StatusCode::OK,
        "{query}: {}",
        String::from_utf8_lossy(&got.body)
    );
    values(&got.json(), "0020000D")
}

#[tokio::test]
async fn study_results_are_complete_q1_q10() {
    let house = House::with(&library()).await;
    let found = house.json("/studies?StudyInstanceUID=1.2.3").await;
    let study = &found[0];
    for (tag, expect) in [
        ("00080020", "20260302"),
        ("00080030", "101500"),
        ("00080050", "ACC1"),
        ("00080056", "ONLINE"),
        ("00081030", "Lumbar spine"),
        (
            "00081190",
            "http://pacs.example:8080/dicom-web/studies/1.2.3",
        ),
        ("00100020", "P1"),
        ("0020000D", "1.2.3"),
    ] {
        assert_eq!(study[tag]["Value"][0], expect, "{tag}");
    }
    assert_eq!(study["00100010"]["Value"][0]["Alphabetic"], "Dö^Jane");
    assert_eq!(study["00080090"]["Value"][0]["Alphabetic"], "Ref^Erring");
    assert_eq!(study["00080061"]["Value"], serde_json::json!(["MR", "SR"]));
    assert_eq!(
        (
            &study["00201206"]["Value"][0],
            &study["00201208"]["Value"][0]
        ),
        (&2.into(), &3.into())
    );
    for tag in ["00100030", "00100040", "00200010"] {
        assert!(study[tag]["vr"].is_string(), "{tag} is returned empty");
    }
}

#[tokio::test]
async fn study_keys_match_q7_q13_q14_q16() {
    let house = House::with(&library()).await;
    for (query, expect) in [
        ("", &["1.2.3", "1.2.4"][..]),
        ("PatientID=P1", &["1.2.3"]),
        ("00100020=P2", &["1.2.4"]),
        ("PatientID=", &["1.2.3", "1.2.4"]),
        ("PatientID=*2", &["1.2.4"]),
        ("PatientID=P%3F", &["1.2.3", "1.2.4"]),
        ("PatientName=*ROE*", &["1.2.4"]),
        ("PatientName=d%C3%B6*", &["1.2.3"]),
        ("PatientName=Do*", &["1.2.3"]),
        ("StudyDate=20260302", &["1.2.3"]),
        ("StudyDate=20260101-", &["1.2.3"]),
        ("StudyDate=-20251231", &["1.2.4"]),
        ("StudyDate=20250101-20260302", &["1.2.3", "1.2.4"]),
        ("StudyTime=1000-1100", &["1.2.3", "1.2.4"]),
        ("StudyTime=1100-", &[]),
        (
            "StudyDate=20260301-20260302&StudyTime=1800-1100",
            &["1.2.3"],
        ),
        ("StudyInstanceUID=1.2.3,1.2.4", &["1.2.3", "1.2.4"]),
        ("StudyInstanceUID=1.2.3%2C1.2.4", &["1.2.3", "1.2.4"]),
        ("StudyInstanceUID=1.2.*", &[]),
        ("ModalitiesInStudy=CT", &["1.2.4"]),
        ("ModalitiesInStudy=SR,CT", &["1.2.3", "1.2.4"]),
        (
            "AccessionNumber=ACC*&ReferringPhysicianName=Ref*",
            &["1.2.3", "1.2.4"],
        ),
        (
            "StudyDescription=*spine*&PatientID=*P*",
            &["1.2.3", "1.2.4"],
        ),
        ("PatientSex=M", &[]),
    ] {
        assert_eq!(studies(&house, query).await, expect, "{query}");
    }
}

/// Q18: names are folded, so fuzzy matching is more than literal.
#[tokio::test]
async fn names_match_fuzzily_q18() {
    let house = House::with(&library()).await;
    assert_eq!(
        studies(&house, "PatientName=jane&fuzzymatching=true").await,
        ["1.2.3"]
    );
    assert_eq!(
        studies(&house, "PatientName=jane&fuzzymatching=false").await,
        [""; 0]
    );
    let got = house.get("/studies?fuzzymatching=true", JSON).await;
    assert_eq!(got.header("warning"), "");
}

/// What an unmodified OHIF sends.
#[tokio::test]
async fn ohif_finds_its_way() {
    let house = House::with(&library()).await;
    let fields = "includefield=00081030%2C00080060%2C00080090%2C00100030";
    let list = format!("limit=101&offset=0&fuzzymatching=true&{fields}");
    assert_eq!(studies(&house, &list).await, ["1.2.3", "1.2.4"]);
    assert_eq!(
        studies(&house, &format!("{list}&PatientName=*Roe*&00100020=*P2*")).await,
        ["1.2.4"]
    );
    assert_eq!(
        studies(&house, &format!("00100020=P1&{list}")).await,
        ["1.2.3"]
    );
    let found = house
        .json("/studies/1.2.3/series?includefield=00080021%2C00080031%2C0008103E%2C00200011")
        .await;
    assert_eq!(values(&found, "0008103E"), ["T2 sagittal"; 2]);
}

#[tokio::test]
async fn series_are_found_q2_q5_q8_q11() {
    let house = House::with(&library()).await;
    let found = house.json("/studies/1.2.3/series").await;
    assert_eq!(values(&found, "0020000E"), ["1.2.3.1", "1.2.3.2"]);
    assert_eq!(values(&found, "00201209"), ["2", "1"]);
    assert_eq!(
        values(&found, "00081190")[0],
        "http://pacs.example:8080/dicom-web/studies/1.2.3/series/1.2.3.1"
    );
    assert!(found[0].get("00100010").is_none());
    let found = house.json("/series?Modality=CT").await;
    assert_eq!(values(&found, "0020000E"), ["1.2.4.1"]);
    assert_eq!(found[0]["00100010"]["Value"][0]["Alphabetic"], "Roe^Rick");
    assert_eq!(found[0]["00201208"]["Value"][0], 1);
    for (query, expect) in [
        ("PatientID=P1", 2),
        ("PatientID=P1&Modality=SR", 1),
        ("SeriesInstanceUID=1.2.3.1,1.2.4.1", 2),
        ("SeriesNumber=3", 3),
        ("SeriesDescription=T2*", 3),
    ] {
        assert_eq!(
            house
                .json(&format!("/series?{query}"))
                .await
                .as_array()
                .unwrap()
                .len(),
            expect,
            "{query}"
        );
    }
    let got = house
        .get(
            "/studies/1.2.3/series?RequestAttributesSequence.ScheduledProcedureStepID=X",
            JSON,
        )
        .await;
    assert_eq!(got.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn instances_are_found_q3_q4_q6_q9_q12() {
    let house = House::with(&library()).await;
    let found = house.json("/studies/1.2.3/series/1.2.3.1/instances").await;
    assert_eq!(values(&found, "00200013"), ["1", "2"]);
    assert_eq!(values(&found, "00080016"), ["1.2.840.10008.5.1.4.1.1.4"; 2]);
    assert_eq!(values(&found, "00280010"), ["4", "4"]);
    assert_eq!(values(&found, "00083002"), ["1.2.840.10008.1.2.1"; 2]);
    let found = house.json("/studies/1.2.3/instances").await;
    assert_eq!(found.as_array().unwrap().len(), 3);
    assert_eq!(found[0]["00080060"]["Value"][0], "MR");
    let found = house.json("/instances?SOPInstanceUID=1.2.4.1.1").await;
    assert_eq!(found[0]["00100020"]["Value"][0], "P2");
    assert_eq!(found[0]["0008103E"]["Value"][0], "T2 sagittal");
    let found = house
        .json("/studies/1.2.3/instances?InstanceNumber=2")
        .await;
    assert_eq!(values(&found, "00080018"), ["1.2.3.1.2"]);
    let found = house
        .json("/studies/1.2.3/instances?SliceThickness=4")
        .await;
    assert_eq!(found.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn fields_are_added_q17() {
    let house = House::with(&library()).await;
    let found = house
        .json("/studies/1.2.3/instances?includefield=SliceThickness")
        .await;
    assert_eq!(found[0]["00180050"]["Value"][0], 4.0);
    let found = house
        .json("/studies/1.2.3/instances?includefield=all")
        .await;
    assert_eq!(found[0]["00280100"]["Value"][0], 16);
    assert!(
        found[0].get("7FE00010").is_none(),
        "pixel data are no search result"
    );
    // Attributes of a lower level are not returned.
    let found = house.json("/studies?includefield=00180050").await;
    assert!(found[0].get("00180050").is_none());
    let keys: Vec<_> = found[0].as_object().unwrap().keys().cloned().collect();
    assert!(keys.is_sorted());
}

#[tokio::test]
async fn pages_are_stable_q20() {
    let house = House::with(&library()).await;
    let got = house.get("/studies?limit=1", JSON).await;
    assert_eq!(values(&got.json(), "0020000D"), ["1.2.3"]);
    assert_eq!(
        got.header("warning"),
        "299 Overread: There are 1 additional results that can be requested"
    );
    let got = house.get("/studies?limit=1&offset=1", JSON).await;
    assert_eq!(values(&got.json(), "0020000D"), ["1.2.4"]);
    assert_eq!(got.header("warning"), "");
    for query in ["limit=1&offset=2", "limit=0", "offset=99"] {
        assert_eq!(studies(&house, query).await, [""; 0], "{query}");
    }
    let got = house.get("/studies/1.2.3/instances?limit=2", JSON).await;
    assert_eq!(
        got.header("warning"),
        "299 Overread: There are 1 additional results that can be requested"
    );
}

#[tokio::test]
async fn bad_questions_are_refused_q15_q19_q21_q23() {
    let house = House::with(&library()).await;
    for query in [
        "PatientID=a&00100020=b",
        "Nonsense=1",
        "limit=-1",
        "limit=x",
        "StudyDate=2026",
        "StudyInstanceUID=abc",
        "StudyInstanceUID=1.2.3,abc",
        "StudyInstanceUID=1.2.3%5C1.2.x",
        "includefield=Nonsense",
    ] {
        let got = house.get(&format!("/studies?{query}"), JSON).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(got.json()["message"].is_string());
    }
    for path in [
        format!("/studies?StudyInstanceUID=1.{}", "2".repeat(63)),
        "/series?StudyInstanceUID=abc".to_owned(),
        "/series?SeriesInstanceUID=1-2".to_owned(),
        "/studies/1.2.3/series?SeriesInstanceUID=abc".to_owned(),
        "/instances?SOPInstanceUID=1.2.3.1.1,x".to_owned(),
        "/instances?SeriesInstanceUID=x".to_owned(),
    ] {
        let got = house.get(&path, JSON).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}");
        let message = got.json()["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("InstanceUID is matched by UIDs"),
            "{message}"
        );
    }
    // As devices write them, though PS3.5 9.1 does not; a pattern asks nothing wrong.
    for query in ["StudyInstanceUID=1.02.3", "StudyInstanceUID=a*"] {
        let got = house.get(&format!("/studies?{query}"), JSON).await;
        assert_eq!(got.status, StatusCode::NO_CONTENT, "{query}");
    }
    let got = house.get("/studies?emptyvaluematching=true", JSON).await;
    assert_eq!(
        got.header("warning"),
        "299 Overread: The emptyvaluematching parameter is not supported. Only literal matching has been performed."
    );
}
