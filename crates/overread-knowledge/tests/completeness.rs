use overread_knowledge::Knowledge;
use overread_model::completeness::{Severity, Slice, Stack, is_localizer_like, stacks, weighting};
use overread_model::imaging::MrFacts;
use serde_json::Value;

const SLICES: &str = include_str!("../testdata/completeness/slice_cases.json");
const WEIGHTINGS: &str = include_str!("../testdata/completeness/mr_weighting_cases.json");

fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    let list: Vec<f64> = value
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_f64().unwrap())
        .collect();
    list.try_into().unwrap()
}

fn check_stack(id: &str, got: &Stack, expect: &Value) {
    let json = serde_json::to_value(got).unwrap();
    for (key, wanted) in expect.as_object().unwrap() {
        let same = match (json[key].as_f64(), wanted.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() < 0.005,
            _ => json[key] == *wanted,
        };
        assert!(same, "{id}: {key} is {}, not {wanted}", json[key]);
    }
}

#[test]
fn all_vectors_of_slices_hold() {
    let cases: Vec<Value> = serde_json::from_str(SLICES).unwrap();
    assert_eq!(cases.len(), 15);
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let slices: Vec<Slice> = case["slices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|slice| Slice {
                instance_number: slice["n"].as_i64(),
                acquisition_number: None,
                position_mm: numbers(&slice["ipp"]),
                orientation: numbers(&slice["iop"]),
                sub_volume: 0,
            })
            .collect();
        let found = stacks(&slices);
        let expect = case["expect"].as_array().unwrap();
        assert_eq!(found.len(), expect.len(), "{id}");
        for (got, expect) in found.iter().zip(expect) {
            check_stack(id, got, expect);
        }
        assert_eq!(case["localizer_like"], is_localizer_like(&found), "{id}");
    }
}

#[test]
fn all_vectors_of_weightings_hold() {
    let cases: Vec<Value> = serde_json::from_str(WEIGHTINGS).unwrap();
    assert_eq!(cases.len(), 21);
    for case in &cases {
        let input = &case["input"];
        let texts = |key: &str| -> Vec<String> {
            let list = input[key].as_array().cloned().unwrap_or_default();
            list.iter()
                .map(|item| item.as_str().unwrap().to_owned())
                .collect()
        };
        let mr = MrFacts {
            repetition_time_ms: input["RepetitionTime"].as_f64(),
            echo_time_ms: input["EchoTime"].as_f64(),
            inversion_time_ms: input["InversionTime"].as_f64(),
            scanning_sequence: texts("ScanningSequence"),
            diffusion_b_value: input["DiffusionBValue"].as_f64(),
            ..MrFacts::default()
        };
        let description = input["SeriesDescription"].as_str().unwrap_or("");
        let got = weighting(&texts("ImageType"), description, &mr);
        assert_eq!(case["expect"], got.as_str(), "{input}");
    }
}

#[test]
fn severities_are_read_as_the_command_line_writes_them() {
    let rule = |id: &str| Knowledge::embedded().rules.rule(id).unwrap().severity;
    assert_eq!(rule("F01"), Severity::Blocker);
    assert_eq!(rule("S01"), Severity::Warning);
    assert_eq!(rule("S07"), Severity::Info);
    assert_eq!(serde_json::to_value(Severity::Blocker).unwrap(), "blocker");
    assert_eq!(serde_json::to_value(Severity::Warning).unwrap(), "warning");
}
