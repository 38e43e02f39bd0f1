//! What says the opposite is never called the same, and what was not understood is never called confirmed.

use overread_concordance::{Class, Concordance, Overall, compare, context_of, jsonl, statements};

/// Compares both ways round and hands each result over.
fn both_ways(exam: &str, one: &str, other: &str, judge: impl Fn(&Concordance)) {
    for (a, b) in [(one, other), (other, one)] {
        judge(&compare(exam, a, b));
    }
}

fn changes(exam: &str, one: &str, other: &str) {
    both_ways(exam, one, other, |found| {
        assert_eq!(
            found.overall,
            Some(Overall::ChangesManagement),
            "{one} / {other}: {found:?}"
        );
        assert!(found.items.iter().any(|i| i.critical), "{one} / {other}");
    });
}

fn agrees(exam: &str, one: &str, other: &str) {
    both_ways(exam, one, other, |found| {
        assert_eq!(
            found.overall,
            Some(Overall::Confirms),
            "{one} / {other}: {found:?}"
        );
    });
}

#[test]
fn benign_and_malignant_differ() {
    let nodule = "10 mm right upper lobe nodule";
    for (one, other) in [
        (", likely benign.", ", likely malignant."),
        (", probably benign.", ", suspicious for malignancy."),
        (", malignancy likely.", ", malignancy unlikely."),
        (". Malignancy is likely.", ". Malignancy is unlikely."),
    ] {
        changes(
            "CT chest",
            &format!("{nodule}{one}"),
            &format!("{nodule}{other}"),
        );
        agrees(
            "CT chest",
            &format!("{nodule}{one}"),
            &format!("{nodule}{one}"),
        );
    }
}

#[test]
fn a_cyst_is_not_solid_and_a_seroma_no_abscess() {
    changes(
        "CT abdomen",
        "3 cm simple cyst in the left kidney.",
        "3 cm solid mass in the left kidney.",
    );
    changes(
        "CT abdomen",
        "3 cm left renal cyst.",
        "3 cm solid left renal mass.",
    );
    agrees(
        "CT abdomen",
        "3 cm simple cyst in the left kidney.",
        "Left renal cyst of 3 cm.",
    );
    changes(
        "US breast",
        "Seroma in the left breast.",
        "Abscess in the left breast.",
    );
    agrees(
        "US breast",
        "Seroma in the left breast.",
        "Postoperative seroma in the left breast.",
    );
}

#[test]
fn stages_and_scores_differ() {
    let cancer = "Lung cancer of the right upper lobe, ";
    changes(
        "CT chest",
        &format!("{cancer}T2N0M0."),
        &format!("{cancer}T3N1M0."),
    );
    changes(
        "CT chest",
        &format!("{cancer}cT2a N0 M0."),
        &format!("{cancer}cT2a N0 M1."),
    );
    agrees(
        "CT chest",
        &format!("{cancer}T2N0M0."),
        &format!("{cancer}stage cT2a, N0, M0."),
    );
    changes(
        "CT head",
        "Left MCA infarct. ASPECTS 9.",
        "Left MCA infarct. ASPECTS: 5.",
    );
    agrees(
        "CT head",
        "Left MCA infarct. ASPECTS 9.",
        "Left MCA infarct. ASPECTS score of 8.",
    );
    agrees(
        "CT chest",
        "2 cm mass at the lateral aspect, 3 cm deep.",
        "2 cm mass at the lateral aspect, 3 cm deep.",
    );
}

#[test]
fn a_few_are_not_many() {
    changes(
        "CT abdomen",
        "Two liver metastases.",
        "Liver metastases too numerous to count.",
    );
    changes(
        "CT abdomen",
        "Two liver metastases.",
        "Multiple liver metastases.",
    );
    agrees(
        "CT abdomen",
        "Four liver metastases.",
        "Multiple liver metastases.",
    );
    changes(
        "XR chest",
        "Trace right pleural effusion.",
        "Right pleural effusion filling the whole hemithorax.",
    );
}

#[test]
fn sizes_that_cross_a_step_are_critical() {
    for (exam, one, other) in [
        (
            "US abdomen",
            "Common bile duct measures 4 mm.",
            "Common bile duct measures 18 mm.",
        ),
        (
            "CT abdomen",
            "Abdominal aorta measures 3.4 cm.",
            "Abdominal aorta measures 6.1 cm.",
        ),
        (
            "US obstetric",
            "Cervical length 38 mm.",
            "Cervical length 14 mm.",
        ),
        (
            "US obstetric",
            "Cervix is long and closed.",
            "Cervical length is short, 14 mm.",
        ),
    ] {
        changes(exam, one, other);
    }
    agrees(
        "US abdomen",
        "Common bile duct measures 4 mm.",
        "Common bile duct measures 5 mm.",
    );
}

#[test]
fn grave_findings_of_one_report_are_critical() {
    let calm = "Lungs clear. Heart normal.";
    for more in [
        "Widened mediastinum.",
        "Healing rib fractures in this 4 month old infant.",
        "Necrotic right level II lymph nodes.",
        "Ruptured ectopic in the left adnexa.",
        "Extrauterine gestational sac on the left.",
    ] {
        changes("", calm, &format!("{calm} {more}"));
    }
    changes(
        "CT neck",
        "Enlarged right level II lymph nodes.",
        "Necrotic right level II lymph nodes.",
    );
    let adult = compare("XR chest", calm, &format!("{calm} Healing rib fractures."));
    assert_ne!(adult.overall, Some(Overall::ChangesManagement), "{adult:?}");
}

#[test]
fn another_interval_is_other_advice() {
    let advice =
        |when: &str| format!("6 mm nodule in the right upper lobe. Recommend CT in {when}.");
    for (one, other, apart) in [
        ("3 months", "6 months", true),
        ("3 months", "12 weeks", false),
        ("6 to 12 months", "12 months", false),
        ("6-12 months", "6 months", false),
        ("6 to 12 months", "3 months", true),
    ] {
        both_ways("CT chest", &advice(one), &advice(other), |found| {
            let differs = found.items.iter().any(|i| i.rule_id == "advice-when");
            assert_eq!(differs, apart, "{one} {other}: {found:?}");
            assert!(found.items.iter().all(|i| !i.critical), "{one} {other}");
        });
    }
}

#[test]
fn a_clot_in_the_leg_lies_in_its_veins() {
    for line in [
        "Left leg DVT.",
        "Acute DVT of the left leg.",
        "DVT in the left thigh.",
    ] {
        let found = statements(line);
        assert_eq!(
            found[0].site.as_deref(),
            Some("leg veins"),
            "{line}: {found:?}"
        );
    }
    assert_eq!(
        statements("Fracture of the tibia.")[0].site.as_deref(),
        Some("tibia")
    );
}

#[test]
fn what_was_not_understood_in_one_report_is_not_confirmed() {
    let calm = "No midline shift. Ventricles are normal. No fracture. No acute infarct.";
    for more in [
        "Hyperdensity in the basal cisterns.",
        "Tigroid pattern of the periventricular white matter.",
        "Xanthogranulomatosis around the clivus.",
    ] {
        let told = format!("{calm} {more}");
        both_ways("CT head", calm, &told, |found| {
            assert_eq!(found.overall, Some(Overall::Refines), "{more}: {found:?}");
            let words = more.trim_end_matches('.');
            assert!(found.reasons.iter().any(|r| r.contains(words)), "{found:?}");
        });
        agrees("CT head", &told, &told);
    }
}

#[test]
fn notices_that_were_not_understood_do_not_stand_against_confirming() {
    let calm = "No midline shift. Ventricles are normal. No fracture.";
    for more in [
        "The patient was positioned supine in the scanner.",
        "Thank you for the kind referral of this patient.",
        "Axial sections from the vertex to the skull base.",
        "These results were discussed with the ordering team.",
        "Dose reduction by automated exposure control.",
    ] {
        agrees("CT head", calm, &format!("{calm} {more}"));
    }
}

#[test]
fn a_concept_that_does_not_stand_in_the_sentence_is_no_answer() {
    let line = r#"{"id":1,"sentence":"No pleural effusion.","concept":"fracture"}"#;
    let refused = jsonl::statements_line(line).unwrap_err();
    assert!(refused.to_string().contains("concept"), "{refused}");
    let line = r#"{"id":1,"sentence":"No pleural effusion.","concept":"effusion"}"#;
    assert!(jsonl::statements_line(line).unwrap().contains("negated"));
    assert_eq!(
        context_of("Effusion.", "effusion").negation,
        overread_concordance::Negation::Affirmed
    );
}

#[test]
fn likely_and_unlikely_are_opposed() {
    both_ways(
        "CT chest",
        "Pulmonary embolism is likely.",
        "Pulmonary embolism is unlikely.",
        |found| {
            let row = &found.items[0];
            assert_eq!(
                (row.class, row.critical),
                (Class::Certainty, true),
                "{found:?}"
            );
        },
    );
}
