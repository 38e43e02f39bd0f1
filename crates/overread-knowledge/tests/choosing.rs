use std::collections::BTreeSet;

use overread_knowledge::Knowledge;
use overread_model::choosing::{AskedExam, ExamFacts, Suggestion, conditions_of, infer};
use serde_json::Value;

const CASES: &str = include_str!("../testdata/subspecialty/cases.json");

fn texts(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Value::String(text) => BTreeSet::from([text.clone()]),
        _ => BTreeSet::new(),
    }
}

fn exam(input: &Value) -> ExamFacts {
    let text = |key: &str| input[key].as_str().map(str::to_owned);
    let date = |key: &str| input[key].as_str().and_then(|text| text.parse().ok());
    ExamFacts {
        modalities: texts(&input["Modality"]),
        anatomic_region_codes: texts(&input["AnatomicRegionSequence"]),
        lateralities: BTreeSet::new(),
        body_parts: texts(&input["BodyPartExamined"]),
        study_description: text("StudyDescription").unwrap_or_default(),
        requested_procedure_description: text("RequestedProcedureDescription").unwrap_or_default(),
        procedure_code_meanings: texts(&input["ProcedureCode"]),
        series_texts: texts(&input["SeriesDescription"]),
        patient_sex: text("PatientSex"),
        patient_age: text("PatientAge"),
        patient_birth_date: date("PatientBirthDate"),
        study_date: date("StudyDate"),
    }
}

#[test]
fn all_vectors_of_the_map_hold() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert_eq!(cases.len(), 70);
    let mut wrong = Vec::new();
    for case in &cases {
        let found = infer(
            &exam(&case["input"]),
            "",
            &Knowledge::embedded().specialties,
        );
        let got: Vec<Value> = found
            .iter()
            .map(|s| serde_json::json!({"group": s.group, "rule": s.rule, "primary": s.primary, "alt": s.alternates, "confidence": s.confidence}))
            .collect();
        if Value::Array(got.clone()) != case["expect"] {
            wrong.push(format!(
                "{}: {}\n  not {}",
                case["id"],
                Value::Array(got),
                case["expect"]
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn lumbar(diagnosis: &str) -> Suggestion {
    let exam = ExamFacts {
        modalities: BTreeSet::from(["MR".to_owned()]),
        study_description: "MRI LUMBAR SPINE".to_owned(),
        body_parts: BTreeSet::from(["LSPINE".to_owned()]),
        ..ExamFacts::default()
    };
    infer(&exam, diagnosis, &Knowledge::embedded().specialties).remove(0)
}

#[test]
fn reasons_are_written_out() {
    let found = lumbar("");
    assert_eq!(
        found.reasons,
        [
            "Study description says LUMBAR SPINE",
            "Body part examined says LSPINE"
        ]
    );
    let codes: Vec<&str> = found.clinical.iter().map(|c| c.nucc.as_str()).collect();
    assert_eq!(
        codes,
        ["207XS0117X", "207T00000X", "208100000X", "208VP0014X"]
    );
}

#[test]
fn a_diagnosis_adds_clinical_specialists() {
    let map = &Knowledge::embedded().specialties;
    let titles = |text: &str, group| -> Vec<String> {
        conditions_of(text, group, map)
            .into_iter()
            .map(|c| c.title)
            .collect()
    };
    assert!(
        titles("Cáncer de próstata", None).contains(&"Urology".to_owned())
            || titles("prostate cancer", None).contains(&"Urology".to_owned())
    );
    assert!(
        !titles("herniated disc", Some("knee"))
            .iter()
            .any(|t| t.contains("spine"))
    );
    assert!(
        titles("disc herniation", Some("spine"))
            .iter()
            .any(|t| t.contains("spine"))
    );
    assert!(titles("", None).is_empty());
    assert!(
        lumbar("metastasis of a carcinoma")
            .clinical
            .iter()
            .any(|c| c.title == "Medical oncology")
    );
}

#[test]
fn the_exam_asked_about_is_found_among_others() {
    let map = &Knowledge::embedded().specialties;
    let study = |description: &str, modality: &str, date: &str| ExamFacts {
        study_description: description.to_owned(),
        modalities: BTreeSet::from([modality.to_owned()]),
        study_date: date.parse().ok(),
        ..ExamFacts::default()
    };
    let studies = [
        study("CT CHEST", "CT", "20260305"),
        study("MRI RIGHT KNEE", "MR", "20260302"),
        study("MRI LEFT KNEE", "MR", "20260302"),
        study("MRI L SPINE", "MR", "20260302"),
        study("CERVICAL SPINE", "MR", "20260302"),
        study("XR LUMBAR SPINE", "DX", "20260110"),
    ];
    let check = |name: &'static str, modality, date: &str, expected: &[usize]| {
        let asked = AskedExam {
            name,
            modality,
            date: date.parse().ok(),
            ..AskedExam::default()
        };
        assert_eq!(asked.best(&studies, map), expected, "{name} {date}");
    };
    check("MRI lumbar spine", "MR", "2026-03-02", &[3]);
    check("Neck MRI (cervical spine)", "MR", "", &[4]);
    check("left knee", "MR", "2026-03-02", &[2]);
    check("X-ray of the lumbar spine", "", "", &[5]);
    check("", "CR", "", &[5]);
    check("", "", "2026-03-05", &[0]);
    // The day may be mistaken; the place counts more.
    check("CT of the chest", "CT", "2026-03-02", &[0]);
    check("", "", "", &[0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_mistaken_side_leads_to_no_other_exam() {
    let map = &Knowledge::embedded().specialties;
    let study = |description: &str, date: &str| ExamFacts {
        study_description: description.to_owned(),
        modalities: BTreeSet::from(["MR".to_owned()]),
        study_date: date.parse().ok(),
        ..ExamFacts::default()
    };
    let check = |studies: &[ExamFacts], expected: &[usize], told: Option<&str>| {
        let asked = AskedExam {
            name: "MRI right wrist",
            date: "2026-03-02".parse().ok(),
            ..AskedExam::default()
        };
        assert_eq!(asked.best(studies, map), expected);
        assert_eq!(asked.other_side(studies, map).as_deref(), told);
    };
    let wrong = "The request is about the right wrist, the images say left (MRI LEFT WRIST)";
    let lumbar = study("MRI LUMBAR SPINE", "20260302");
    let left = study("MRI LEFT WRIST", "20260302");
    check(&[lumbar.clone(), left.clone()], &[1], Some(wrong));
    let right = study("MRI RIGHT WRIST", "20260302");
    check(&[lumbar.clone(), left.clone(), right], &[2], None);
    // The day counts more than the side: an old exam of the other wrist is hardly the one asked about.
    let old = study("MRI RIGHT WRIST", "20190101");
    check(&[left.clone(), old], &[0], Some(wrong));
    let untold = study("MRI WRIST", "20260302");
    check(&[left, untold], &[1], Some(wrong));
    check(&[lumbar], &[0], None);
}

#[test]
fn a_side_counts_where_the_exam_has_one() {
    let map = &Knowledge::embedded().specialties;
    let check = |asked: AskedExam<'_>, description: &str, side: &str, told: Option<&str>| {
        let study = ExamFacts {
            study_description: description.to_owned(),
            lateralities: BTreeSet::from([side.to_owned()]),
            ..ExamFacts::default()
        };
        let found = asked.other_side(&[study], map);
        assert_eq!(found.is_some(), told.is_some(), "{description} {found:?}");
        let words = told.unwrap_or_default();
        assert!(found.unwrap_or_default().contains(words), "{description}");
    };
    let named = |name: &'static str| AskedExam {
        name,
        ..AskedExam::default()
    };
    let wrong = Some("the images say left");
    for title in [
        "L KNEE",
        "MR KNEE LT",
        "RODILLA IZQ",
        "RODILLA IZDA",
        "KNIE LI",
        "LINKES KNIE",
    ] {
        check(named("MRI right knee"), title, "", wrong);
        check(named("MRI left knee"), title, "", None);
    }
    for title in [
        "R WRIST",
        "MUNECA DER",
        "MUNECA DCHA",
        "RE HANDGELENK",
        "RECHTES HANDGELENK",
    ] {
        check(
            named("MRI left wrist"),
            title,
            "",
            Some("the images say right"),
        );
        check(named("MRI R wrist"), title, "", None);
    }
    for side in ["L", "LEFT", "LI", "IZQ"] {
        check(named("MRI right knee"), "MRI KNEE", side, wrong);
    }
    let question = |question: &'static str| AskedExam {
        question,
        ..named("MRI knee")
    };
    check(question("Is the right meniscus torn?"), "L KNEE", "", wrong);
    check(question("Is the left meniscus torn?"), "L KNEE", "", None);
    check(
        question("Does it explain the pain in the right hip?"),
        "L KNEE",
        "",
        None,
    );
    // The spine has no sides: the right is the leg's.
    let spine = AskedExam {
        body_part: "lumbar spine, right leg pain",
        ..AskedExam::default()
    };
    check(spine, "MRI LUMBAR SPINE LEFT", "", None);
    check(spine, "MRI LEFT LEG", "", wrong);
    // A request that names both sides is no request about both.
    let both = AskedExam {
        body_part: "left knee",
        ..named("MRI right knee")
    };
    let told = Some("right in the name of the scan and left in the part of the body");
    check(both, "MRI KNEE", "", told);
}

#[test]
fn a_complaint_of_another_place_is_asked_about() {
    let map = &Knowledge::embedded().specialties;
    let check = |name: &'static str, complaint: &str, told: Option<&str>| {
        let asked = AskedExam {
            name,
            ..AskedExam::default()
        };
        let found = asked.differs_from_complaint(complaint, map);
        assert_eq!(found.as_deref(), told, "{name}: {complaint}");
    };
    check(
        "MRI left knee",
        "Pain in the right knee",
        Some("The scan is of the left knee, what is felt is told of the right knee"),
    );
    check(
        "MRI left knee",
        "My shoulder hurts",
        Some("The scan is of the left knee, what is felt is told of the shoulder"),
    );
    check(
        "MRI right knee",
        "It hurts on the left",
        Some("The scan is of the right knee, what is felt is told of the left side"),
    );
    check("MRI left knee", "It hurts right after running", None);
    check("MRI left knee", "Pain in the left knee", None);
    check("MRI left knee", "Locks when I climb stairs", None);
    check("MRI lumbar spine", "Pain into the right leg", None);
    check("MRI brain", "Weak left arm", None);
}

/// Expects that a question about an unnamed knee is of these sides.
fn check_question(question: &str, expected: &[&str]) {
    let map = &Knowledge::embedded().specialties;
    let asked = AskedExam {
        name: "MRI knee",
        question,
        ..AskedExam::default()
    };
    let study = |study_description: &str| ExamFacts {
        study_description: study_description.to_owned(),
        ..ExamFacts::default()
    };
    let (right, left) = (study("MRI RIGHT KNEE"), study("MRI LEFT KNEE"));
    let told = [
        ("right", right.clone(), left.clone()),
        ("left", left, right),
    ]
    .into_iter()
    .filter(|(_, own, other)| {
        let told = asked.other_side(std::slice::from_ref(other), map).is_some();
        let best = asked.best(&[other.clone(), own.clone()], map);
        assert_eq!(best == [1], told, "{question}");
        told
    });
    let told: Vec<&str> = told.map(|(side, ..)| side).collect();
    assert_eq!(told, expected, "{question}");
}

#[test]
fn a_question_names_no_side_where_it_means_none_or_both() {
    for question in [
        "",
        "Is the first report right?",
        "Is surgery all that is left?",
        "Is it right that the knee needs surgery?",
        "What is left after knee surgery?",
        "Is the diagnosis right: knee arthritis?",
        "Am I on the right treatment?",
        "It hurts right after running.",
        "It hurts right behind the knee.",
        "I am right-handed, and right hand dominant.",
        "Is RT possible before the knee is done?",
        "What links the knee to the fall?",
        "Is the pain linked to the finding?",
        "Is it LT or ST?",
        "\u{bf}Tengo derecho a una segunda opini\u{f3}n?",
        "Ai-je droit \u{e0} un second avis ?",
        "Right or left knee, which is worse?",
        "Is the left knee worse than the right?",
        "Is it worse on the right or on the left?",
        "Compare left knee to the right.",
        "Rodilla derecha o izquierda?",
    ] {
        check_question(question, &[]);
    }
}

#[test]
fn a_question_names_the_side_of_a_part_of_the_body() {
    for question in [
        "Is the right meniscus torn?",
        "Is my right inner meniscus torn?",
        "Is the right-sided tear new?",
        "Is the tear on the right side new?",
        "Is the tear on the right?",
        "Pain on the right since May",
        "Schmerz im rechten Knie",
        "\u{bf}Est\u{e1} roto el menisco derecho?",
        "Le genou droit est-il touch\u{e9} ?",
        "Was it right to scan the right knee?",
    ] {
        check_question(question, &["right"]);
    }
    for question in [
        "Is the left meniscus torn?",
        "Does it hurt to the left of the kneecap?",
        "Is surgery all that is left for the left knee?",
        "Is it right that the left knee was scanned?",
        "Schmerz im linken Knie",
        "Le genou gauche est-il touch\u{e9} ?",
    ] {
        check_question(question, &["left"]);
    }
}

#[test]
fn a_sentence_about_the_other_side_is_quoted() {
    let map = &Knowledge::embedded().specialties;
    let check = |name: &'static str, text: &str, told: Option<&str>| {
        let asked = AskedExam {
            name,
            question: "Is the right one torn?",
            ..AskedExam::default()
        };
        let found = asked.differs_in_side(text, map);
        assert_eq!(found.as_deref(), told, "{name}: {text}");
    };
    let told =
        "“Ligament tear, right wrist” names the right side, and the scan is of the left wrist";
    check(
        "MRI left wrist",
        "Fell. Ligament tear, right wrist.",
        Some(told),
    );
    check(
        "MRI left wrist",
        "Surgery on the right",
        Some("“Surgery on the right” names the right side, and the scan is of the left wrist"),
    );
    for text in ["Tear, left wrist", "Pain in the right hip", "A tear", ""] {
        check("MRI left wrist", text, None);
    }
    for name in ["MRI wrist", "MRI lumbar spine", "MRI of both wrists", ""] {
        check(name, "Ligament tear, right wrist", None);
    }
}
