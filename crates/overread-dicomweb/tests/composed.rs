//! STOW-RS with metadata and bulk data.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use overread_dicom::ParseLimits;
use overread_model::access::Role;
use serde_json::{Value, json};

use crate::house::{Got, House, archive_token, person, request};

pub(crate) const JSON: &str = "application/dicom+json";
const PLAIN_XML: &str = "application/dicom+xml";

pub(crate) fn described(number: u32, pixels: &Value) -> Value {
    let mut object = json!({
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
        "00080018": {"vr": "UI", "Value": [format!("1.2.7.1.{number}")]},
        "00080020": {"vr": "DA", "Value": ["20260302"]},
        "00080060": {"vr": "CS", "Value": ["OT"]},
        "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.9"]}}, {}]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg", "Ideographic": "山田"}]},
        "00100020": {"vr": "LO", "Value": ["P7", null]},
        "00180050": {"vr": "DS", "Value": [4.5, "3.00"]},
        "0020000D": {"vr": "UI", "Value": ["1.2.7"]},
        "0020000E": {"vr": "UI", "Value": ["1.2.7.1"]},
        "00200013": {"vr": "IS", "Value": [number]},
        "00280002": {"vr": "US", "Value": [1]},
        "00280009": {"vr": "AT", "Value": ["00181063"]},
        "00280010": {"vr": "US", "Value": [2]},
        "00280011": {"vr": "US", "Value": [2]},
        "00280100": {"vr": "US", "Value": [8]},
        "00282000": {"vr": "OB", "InlineBinary": "AAECAw=="},
    });
    if !pixels.is_null() {
        object["7FE00010"] = pixels.clone();
    }
    object
}

pub(crate) fn at(place: &str) -> Value {
    json!({"vr": "OB", "BulkDataURI": place})
}

/// A body of parts, each its headers and content.
fn body(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (headers, content) in parts {
        out.extend_from_slice(b"\r\n--b0undary\r\n");
        out.extend_from_slice(headers.as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(content);
    }
    out.extend_from_slice(b"\r\n--b0undary--\r\n");
    out
}

pub(crate) async fn store(
    house: &House,
    part_type: &str,
    accept: &str,
    parts: &[(&str, &[u8])],
) -> Got {
    store_at(house, "/studies", part_type, accept, parts).await
}

pub(crate) async fn store_at(
    house: &House,
    path: &str,
    part_type: &str,
    accept: &str,
    parts: &[(&str, &[u8])],
) -> Got {
    let content_type = format!("multipart/related; type=\"{part_type}\"; boundary=b0undary");
    let headers = [("content-type", content_type.as_str()), ("accept", accept)];
    let request = request(Method::POST, path, &headers, Body::from(body(parts)));
    house.send(Some(archive_token()), request).await
}

pub(crate) const URL: &str = "/studies/1.2.7/series/1.2.7.1/instances/1.2.7.1.1";
pub(crate) const METADATA: &str = "Content-Type: application/dicom+json";

#[tokio::test]
async fn metadata_and_bulk_data_make_an_instance_s8() {
    let house = House::new().await;
    let objects = json!([described(1, &at("bulk/1")), described(2, &at("bulk/2"))]).to_string();
    let got = store(
        &house,
        JSON,
        JSON,
        &[
            (METADATA, objects.as_bytes()),
            (
                "Content-Type: application/octet-stream\r\nContent-Location: bulk/1",
                &[1, 2, 3, 4],
            ),
            (
                "Content-Location: bulk/2\r\nContent-Type: application/octet-stream",
                &[5, 6, 7, 8],
            ),
        ],
    )
    .await;
    let text = String::from_utf8_lossy(&got.body);
    assert_eq!(got.status, StatusCode::OK, "{text}");
    assert_eq!(got.json()["00081199"]["Value"].as_array().unwrap().len(), 2);
    // What comes back is what was described.
    let mut metadata = house.json(&format!("{URL}/metadata")).await[0].clone();
    let members = metadata.as_object_mut().unwrap();
    assert_eq!(
        members.remove("00080005").unwrap()["Value"][0],
        "ISO_IR 192"
    );
    assert!(members.remove("7FE00010").unwrap()["BulkDataURI"].is_string());
    let mut expect = described(1, &Value::Null);
    expect["00180050"]["Value"][1] = json!(3.0);
    assert_eq!(metadata, expect);
    let frame = house
        .get(&format!("{URL}/frames/1"), "application/octet-stream")
        .await;
    assert_eq!(frame.body, [1, 2, 3, 4]);
    // The same again is no error; other pixels under the UID are.
    let one = json!([described(1, &at("a"))]).to_string();
    for (pixels, expect) in [
        ([1, 2, 3, 4], StatusCode::OK),
        ([9, 2, 3, 4], StatusCode::CONFLICT),
    ] {
        let bulk = (
            "Content-Type: application/octet-stream\r\nContent-Location: a",
            &pixels[..],
        );
        let got = store(&house, JSON, JSON, &[(METADATA, one.as_bytes()), bulk]).await;
        assert_eq!(got.status, expect);
    }
}

#[tokio::test]
async fn xml_makes_the_same_instance_and_answers_in_xml_s1_s8() {
    let house = House::new().await;
    let xml = overread_dicom::xml::write(&described(1, &at("http://sender/pixels?a&b")));
    let bulk =
        "Content-Type: application/octet-stream\r\nContent-Location: http://sender/pixels?a&b";
    let got = store(
        &house,
        PLAIN_XML,
        PLAIN_XML,
        &[
            ("Content-Type: application/dicom+xml", &xml),
            (bulk, &[1, 2, 3, 4]),
        ],
    )
    .await;
    assert_eq!(
        got.status,
        StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&got.body)
    );
    assert_eq!(got.header("content-type"), PLAIN_XML);
    let answer = overread_dicom::xml::read(&got.body, &ParseLimits::default()).unwrap();
    assert_eq!(
        answer["00081199"]["Value"][0]["00081155"]["Value"][0],
        "1.2.7.1.1"
    );
    let metadata = house.json(&format!("{URL}/metadata")).await;
    assert_eq!(metadata[0]["00100010"]["Value"][0]["Ideographic"], "山田");
}

#[tokio::test]
async fn compressed_frames_become_fragments_s8() {
    let house = House::new().await;
    let mut object = described(1, &at("p"));
    object["00280008"] = json!({"vr": "IS", "Value": [2]});
    let objects = json!([object]).to_string();
    let frame =
        "Content-Type: image/jls; transfer-syntax=1.2.840.10008.1.2.4.80\r\nContent-Location: p";
    let parts: [(&str, &[u8]); 3] = [
        (METADATA, objects.as_bytes()),
        (frame, b"first frame!"),
        (frame, b"the second"),
    ];
    let got = store(&house, JSON, JSON, &parts).await;
    assert_eq!(
        got.status,
        StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&got.body)
    );
    let accept = "multipart/related; type=\"image/jls\"; transfer-syntax=*";
    let got = house.get(&format!("{URL}/frames/1,2"), accept).await;
    let frames: Vec<Vec<u8>> = got.parts().into_iter().map(|(_, frame)| frame).collect();
    assert_eq!(frames, [b"first frame!".to_vec(), b"the second".to_vec()]);
    let found = house.json("/instances?SOPInstanceUID=1.2.7.1.1").await;
    assert_eq!(found[0]["00083002"]["Value"][0], "1.2.840.10008.1.2.4.80");
}

/// What is no media type of pixel data is refused with the reason for transfer syntaxes.
#[tokio::test]
async fn what_cannot_be_put_together_is_told_one_by_one_s2_s6_s8() {
    let house = House::new().await;
    let objects = json!([
        described(1, &at("p")),
        described(2, &at("nowhere")),
        described(3, &at("picture")),
        {"00080018": {"vr": "UI", "Value": ["1.2.7.1.4"]}, "00280010": {"vr": "US", "Value": [-1]}},
        [],
    ])
    .to_string();
    let parts: [(&str, &[u8]); 3] = [
        (METADATA, objects.as_bytes()),
        (
            "Content-Type: application/octet-stream\r\nContent-Location: p",
            &[1, 2, 3, 4],
        ),
        (
            "Content-Type: image/webp\r\nContent-Location: picture",
            b"RIFF",
        ),
    ];
    let got = store(&house, JSON, JSON, &parts).await;
    assert_eq!(got.status, StatusCode::ACCEPTED);
    let answer = got.json();
    assert_eq!(answer["00081199"]["Value"].as_array().unwrap().len(), 1);
    let failed: Vec<(&str, u64)> = answer["00081198"]["Value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let uid = one["00081155"]["Value"][0].as_str().unwrap();
            (uid, one["00081197"]["Value"][0].as_u64().unwrap())
        })
        .collect();
    assert_eq!(failed, [("1.2.7.1.2", 0xC000), ("1.2.7.1.3", 0xC122)]);
    let others = answer["0008119A"]["Value"].as_array().unwrap();
    assert_eq!(others.len(), 2);
    assert_eq!(others[0]["00081197"]["Value"][0], 0xC000);
    for bad in ["{", "[1]", "7", "[]"] {
        let got = store(&house, JSON, JSON, &[(METADATA, bad.as_bytes())]).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let lonely = (
        "Content-Type: application/octet-stream\r\nContent-Location: p",
        &b"x"[..],
    );
    let got = store(&house, JSON, JSON, &[lonely]).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_may_not_store_may_not_describe_either() {
    let house = House::new().await;
    let objects = json!([described(1, &Value::Null)]).to_string();
    let parts = body(&[(METADATA, objects.as_bytes())]);
    let content_type = "multipart/related; type=\"application/dicom+json\"; boundary=b0undary";
    let csrf = ("x-overread-csrf", "1");
    for (actor, expect) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(person(3, Role::Patient)), StatusCode::FORBIDDEN),
        (Some(person(4, Role::Reviewer)), StatusCode::FORBIDDEN),
    ] {
        let headers = [("content-type", content_type), csrf];
        let body = Body::from(parts.clone());
        let got = house
            .send(actor, request(Method::POST, "/studies", &headers, body))
            .await;
        assert_eq!(got.status, expect);
    }
    assert_eq!(
        house.get("/studies", JSON).await.status,
        StatusCode::NO_CONTENT
    );
}
