//! Denial, time and person of a phrase in its sentence.

use overread_concordance::{Experiencer, Negation, Temporality, context_of};

fn check(sentence: &str, concept: &str, negation: Negation) {
    assert_eq!(
        context_of(sentence, concept).negation,
        negation,
        "{concept} in: {sentence}"
    );
}

#[test]
fn denials() {
    for (sentence, concept) in [
        ("No pleural effusion or pneumothorax.", "pneumothorax"),
        (
            "There is no evidence of fracture, dislocation or bone lesion.",
            "bone lesion",
        ),
        ("The appendix is not dilated.", "dilated"),
        ("Neither hydronephrosis nor calculus is seen.", "calculus"),
        ("Small effusion without septation.", "septation"),
        ("Acute infarct is not identified.", "infarct"),
        (
            "Negative for intracranial hemorrhage.",
            "intracranial hemorrhage",
        ),
    ] {
        check(sentence, concept, Negation::Negated);
    }
}

#[test]
fn statements() {
    for (sentence, concept) in [
        ("No fracture, but there is a large effusion.", "effusion"),
        ("Recurrent herniation cannot be excluded.", "herniation"),
        ("No change in the pulmonary nodule.", "nodule"),
        ("No fracture. Mild bulge at L4-5.", "bulge"),
        ("Without contrast the lesion is hyperdense.", "lesion"),
        ("No fracture, mild disc bulge.", "disc bulge"),
    ] {
        check(sentence, concept, Negation::Affirmed);
    }
}

#[test]
fn time_and_person() {
    assert_eq!(
        context_of("History of breast cancer.", "breast cancer").temporality,
        Temporality::Historical
    );
    assert_eq!(
        context_of("Acute appendicitis.", "appendicitis").temporality,
        Temporality::Recent
    );
    assert_eq!(
        context_of("Her mother had lung cancer.", "lung cancer").experiencer,
        Experiencer::Other
    );
    assert_eq!(
        context_of("Lung nodule.", "nodule").experiencer,
        Experiencer::Patient
    );
}

#[test]
fn negex_development_set() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/nlp/negex-dev");
    let Ok(input) = std::fs::read_to_string(format!("{dir}/input.jsonl")) else {
        println!("skipped: ../shared/nlp is not there");
        return;
    };
    let gold = std::fs::read_to_string(format!("{dir}/gold.jsonl")).unwrap();
    let (mut tp, mut wrong) = (0_u32, 0_u32);
    for (line, gold) in input.lines().zip(gold.lines()) {
        let asked: serde_json::Value = serde_json::from_str(line).unwrap();
        let gold: serde_json::Value = serde_json::from_str(gold).unwrap();
        assert_eq!(asked["id"], gold["id"]);
        let found = context_of(
            asked["sentence"].as_str().unwrap(),
            asked["concept"].as_str().unwrap(),
        );
        let (said, truth) = (
            found.negation == Negation::Negated,
            gold["negation"] == "negated",
        );
        tp += u32::from(said && truth);
        wrong += u32::from(said != truth);
    }
    let f1 = f64::from(2 * tp) / f64::from(2 * tp + wrong);
    println!("negation F1 {f1:.4}");
    assert!(f1 >= 0.95, "negation F1 {f1:.4}");
}
