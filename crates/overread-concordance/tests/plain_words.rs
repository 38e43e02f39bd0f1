//! What a patient reads.

use overread_concordance::{Overall, compare, plain};

fn view(original: &str, second: &str) -> (Option<Overall>, overread_concordance::PlainView) {
    let found = compare("MRI lumbar spine", original, second);
    (found.overall, plain::view(&found, plain::Reader::Patient))
}

#[test]
fn a_difference_of_side_is_said_and_asked() {
    let (overall, view) = view(
        "Left paracentral disc extrusion at L4-L5. No fracture.",
        "Right paracentral disc extrusion at L4/5. No fracture.",
    );
    assert_eq!(overall, Some(Overall::ChangesManagement));
    assert!(
        view.differences
            .iter()
            .any(|d| d.contains("left") && d.contains("right")),
        "{view:?}"
    );
    assert!(
        view.questions.iter().any(|q| q.contains("side")),
        "{view:?}"
    );
}

#[test]
fn never_blames_and_never_reassures() {
    for (o, s) in [
        ("No fracture.", "Acute compression fracture of L1."),
        (
            "Disc bulge at L4-5.",
            "The patient enjoyed the visit and the weather was lovely today.",
        ),
        ("", ""),
        ("L4-5 disc extrusion.", "L4-5 disc extrusion."),
    ] {
        let (_, view) = view(o, s);
        let all = serde_json::to_string(&view).unwrap().to_lowercase();
        for word in [
            "wrong",
            "mistake",
            "error",
            "missed",
            "reassur",
            "nothing to worry",
            "all is well",
            "everything is fine",
        ] {
            assert!(!all.contains(word), "{word} in {all}");
        }
    }
}

#[test]
fn little_understood_is_never_a_confirmation() {
    let (overall, view) = view(
        "Disc bulge at L4-5.",
        "Lorem ipsum dolor sit amet consectetur. Adipiscing elit sed do eiusmod.",
    );
    assert_eq!(overall, None);
    assert!(view.not_compared.is_some());
}

#[test]
fn doubt_is_explained() {
    let (_, view) = view(
        "Recurrent disc herniation at L4-5 cannot be excluded.",
        "Recurrent disc herniation at L4-5.",
    );
    assert!(
        view.meaning_of_words.iter().any(|m| m.contains("excluded")),
        "{view:?}"
    );
}

#[test]
fn who_treats_is_not_sent_to_a_doctor() {
    for (o, s) in [
        (
            "L4-5: disc bulge. Quick brown foxes jump here daily. Mild stenosis.",
            "L4-5: disc extrusion on the left. No stenosis.",
        ),
        (
            "MRI RIGHT KNEE. Quick brown foxes jump here daily. No fracture.",
            "MRI LEFT KNEE. No fracture.",
        ),
    ] {
        let found = compare("MRI lumbar spine", o, s);
        let told = |reader| plain::view(&found, reader).not_compared.unwrap_or_default();
        assert!(told(plain::Reader::Patient).contains("your doctor"), "{o}");
        for reader in [plain::Reader::Physician, plain::Reader::Staff] {
            assert!(!told(reader).is_empty());
            assert!(!told(reader).contains("doctor"), "{o}");
        }
    }
}

#[test]
fn a_label_that_names_a_finding_is_told_from_the_name_of_a_sequence() {
    for label in [
        "Carcinoma left breast",
        "AX_T2_CARCINOMA",
        "known HCC",
        "L5-S1 extrusion",
        "lung nodule follow-up",
        "stenosis",
    ] {
        assert!(overread_concordance::names_finding(label), "{label}");
    }
    for label in [
        "",
        "AX T2 FLAIR",
        "t1_vibe_fs_tra_dyn_post",
        "ep2d_diff ADC (10^-6 mm2/s)",
        "Chest 5.0 B70f",
        "Arterial phase liver",
        "PACEMAKER CHEST",
        "Screening mammogram R MLO",
        "Calcium Score",
        "Trauma WB",
        "GEMS_ACQU_01",
        "SIEMENS CSA HEADER",
    ] {
        assert!(!overread_concordance::names_finding(label), "{label}");
    }
}

#[test]
fn a_label_that_is_longer_than_what_is_searched_is_taken_to_name_a_finding() {
    let padded = |length: usize| format!("{}carcinoma", "x ".repeat(length));
    assert!(overread_concordance::names_finding(&padded(2_040)));
    assert!(overread_concordance::names_finding(&padded(2_100)));
    assert!(!overread_concordance::names_finding(&"x ".repeat(2_000)));
}

/// A denial of the other side stands beside what the one report finds, in the row and in the patient's words.
#[test]
fn the_side_of_a_finding_and_of_its_denial_are_said() {
    let check = |exam: &str, one: &str, other: &str, finding: &str| {
        for swapped in [false, true] {
            let (original, second) = if swapped { (other, one) } else { (one, other) };
            let found = compare(exam, original, second);
            let rows: Vec<_> = found
                .items
                .iter()
                .filter(|row| row.finding.contains(finding))
                .collect();
            let [row] = rows[..] else {
                panic!("{exam}: {:?}", found.items);
            };
            assert_eq!(row.side.as_deref(), Some("left"), "{exam}");
            assert_eq!(row.denied_on.as_deref(), Some("right"), "{exam}");
            assert!(!row.variation && row.original.is_some() && row.second.is_some());
            let view = plain::view(&found, plain::Reader::Patient);
            let told = view.differences.concat();
            assert!(
                told.contains("left side") && told.contains("none on the right side"),
                "{told}"
            );
        }
    };
    check(
        "CT chest",
        "There is a left pleural effusion.",
        "No right pleural effusion. The heart is of normal size.",
        "pleural_effusion",
    );
    check(
        "CT chest",
        "Left pneumothorax.",
        "No pneumothorax on the right.",
        "pneumothorax",
    );
    check(
        "US kidneys",
        "Hydronephrosis of the left kidney.",
        "No hydronephrosis of the right kidney.",
        "hydronephrosis",
    );
}

#[test]
fn a_side_is_named_where_the_exam_has_one() {
    let found = compare(
        "MRI left knee",
        "Tear of the medial meniscus.",
        "Normal ligaments.",
    );
    let view = plain::view(&found, plain::Reader::Patient);
    let told = view.differences.concat();
    assert!(told.contains("left side"), "{told}");
}
