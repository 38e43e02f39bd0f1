//! Checks J1 to J8 and the vectors of the JSON model.

use serde_json::Value;

use crate::made::{EXPLICIT, element, instance, part10};

fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0_u32;
    let mut count = 0;
    let mut out = Vec::new();
    for letter in text.chars().filter(|letter| *letter != '=') {
        bits = bits << 6 | LETTERS.find(letter).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

/// Elements that an instance must have, where the vector lacks them.
fn completed(data_set: &[u8]) -> (Vec<u8>, Vec<String>) {
    let mut added = Vec::new();
    let mut out = data_set.to_vec();
    for (tag, value) in [
        (0x0008_0016_u32, "1.2.840.10008.5.1.4.1.1.2"),
        (0x0008_0018, "1.2.3.4"),
        (0x0020_000D, "1.2.3"),
        (0x0020_000E, "1.2.3.1"),
    ] {
        let start = [(tag >> 16) as u8, 0, tag as u8, 0];
        if !data_set.windows(4).any(|window| window == start) {
            out.extend(element(tag, "UI", value.as_bytes()));
            added.push(format!("{tag:08X}"));
        }
    }
    (out, added)
}

fn same(got: &Value, expect: &Value) -> bool {
    match (got, expect) {
        (Value::Number(got), Value::Number(expect)) => got.as_f64() == expect.as_f64(),
        (Value::Array(got), Value::Array(expect)) => {
            got.len() == expect.len()
                && got
                    .iter()
                    .zip(expect)
                    .all(|(got, expect)| same(got, expect))
        }
        (Value::Object(got), Value::Object(expect)) => {
            got.len() == expect.len()
                && expect
                    .iter()
                    .all(|(key, value)| got.get(key).is_some_and(|got| same(got, value)))
        }
        _ => got == expect,
    }
}

#[test]
fn vectors_j1_j2_j3_j4_j5_j6_j7_j8() {
    let file: Value =
        serde_json::from_str(include_str!("vectors/json_model_vectors.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 17);
    for vector in vectors {
        let (data_set, added) =
            completed(&base64(vector["dataset_explicit_le_b64"].as_str().unwrap()));
        let json = instance(&part10(EXPLICIT, &data_set)).metadata_json;
        let mut got: Value = serde_json::from_slice(&json).unwrap();
        for tag in added {
            got.as_object_mut().unwrap().remove(&tag);
        }
        assert!(same(&got, &vector["expect"]), "{}: {got}", vector["id"]);
    }
}

/// What was written as JSON and XML makes an instance of which the same is written again.
#[test]
fn vectors_come_back() {
    let file: Value =
        serde_json::from_str(include_str!("vectors/json_model_vectors.json")).unwrap();
    for vector in file["vectors"].as_array().unwrap() {
        let (data_set, _) = completed(&base64(vector["dataset_explicit_le_b64"].as_str().unwrap()));
        let json = instance(&part10(EXPLICIT, &data_set)).metadata_json;
        let mut object: Value = serde_json::from_slice(&json).unwrap();
        let xml = overread_dicom::xml::write(&object);
        let limits = overread_dicom::ParseLimits::default();
        let read = overread_dicom::xml::read(&xml, &limits).unwrap();
        let id = &vector["id"];
        // Whole numbers that pass what JSON holds are texts in it, and XML has texts alone.
        assert!(same(&read, &object), "{id}: {read} {object}");
        let mut bulk = std::collections::HashMap::new();
        bulk_of(&object, &mut bulk);
        let file = overread_dicom::part10_of_json(&object, &bulk, &limits);
        let again = instance(&file.unwrap()).metadata_json;
        let again: Value = serde_json::from_slice(&again).unwrap();
        without_bulk(&mut object);
        let mut again = again;
        without_bulk(&mut again);
        assert!(same(&again, &object), "{id}: {again} {object}");
    }
}

/// Gives something to every BulkDataURI.
fn bulk_of(object: &Value, bulk: &mut std::collections::HashMap<String, overread_dicom::BulkData>) {
    for element in object
        .as_object()
        .into_iter()
        .flat_map(|members| members.values())
    {
        if let Some(uri) = element["BulkDataURI"].as_str() {
            let bytes = overread_dicom::BulkData::Bytes(vec![0, 1]);
            bulk.insert(uri.to_owned(), bytes);
        }
        for item in element["Value"].as_array().into_iter().flatten() {
            bulk_of(item, bulk);
        }
    }
}

/// Leaves out bulk data, whose value is no part of the text, and the character set, which is UTF-8 then.
fn without_bulk(object: &mut Value) {
    let members = object.as_object_mut().unwrap();
    members.remove("00080005");
    members.retain(|tag, element| element.get("BulkDataURI").is_none() && tag != "7FE00010");
    for element in members.values_mut() {
        let values = element.get_mut("Value").and_then(Value::as_array_mut);
        for item in values
            .into_iter()
            .flatten()
            .filter(|item| item.get("Alphabetic").is_none())
        {
            if item
                .as_object()
                .is_some_and(|item| item.keys().all(|key| key.len() == 8))
            {
                without_bulk(item);
            }
        }
    }
}

/// J1: keys are upper-case hex in ascending order, without group 0002 and group lengths.
#[test]
fn keys_ascend_j1() {
    let data_set = [
        element(0x0020_000E, "UI", b"1.2.3.1"),
        element(0x0008_0000, "UL", &[1, 0, 0, 0]),
        element(0x0020_000D, "UI", b"1.2.3"),
        element(0x0008_0018, "UI", b"1.2.3.4"),
        element(0x0008_0016, "UI", b"1.2.840.10008.5.1.4.1.1.2"),
    ]
    .concat();
    let json = String::from_utf8(instance(&part10(EXPLICIT, &data_set)).metadata_json).unwrap();
    let places: Vec<_> = ["00080016", "00080018", "0020000D", "0020000E"]
        .iter()
        .map(|tag| json.find(tag).unwrap())
        .collect();
    assert!(places.is_sorted());
    assert!(!json.contains("00080000") && !json.contains("00020010"));
}

/// J4: numbers that are exact are numbers; all others are texts.
#[test]
fn numbers_are_exact_j4() {
    let data_set = [
        element(0x0008_0016, "UI", b"1.2.840.10008.5.1.4.1.1.2"),
        element(0x0008_0018, "UI", b"1.2.3.4"),
        element(0x0018_0050, "DS", b"+1.50\\.5\\5.\\abc\\1e-3"),
        element(0x0020_000D, "UI", b"1.2.3"),
        element(0x0020_000E, "UI", b"1.2.3.1"),
        element(0x0020_0013, "IS", b" +7 \\007\\x"),
    ]
    .concat();
    let json: Value =
        serde_json::from_slice(&instance(&part10(EXPLICIT, &data_set)).metadata_json).unwrap();
    assert_eq!(
        json["00180050"]["Value"],
        serde_json::json!([1.5, 0.5, 5.0, "abc", 0.001])
    );
    assert_eq!(json["00200013"]["Value"], serde_json::json!([7, 7, "x"]));
}
