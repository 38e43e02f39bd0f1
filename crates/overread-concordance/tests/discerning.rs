//! Pairs that differ in a word that matters are never called alike, and pairs that do not are.

use overread_concordance::{Overall, compare};

fn overall(exam: &str, original: &str, second: &str) -> Option<Overall> {
    compare(exam, original, second).overall
}

#[test]
fn a_weighty_word_in_one_report_alone_is_no_confirmation() {
    for (exam, calm, worse) in [
        (
            "CT chest",
            "Pneumothorax left.",
            "Tension pneumothorax left.",
        ),
        ("CT chest", "Effusion right.", "Empyema right."),
        ("CT abdomen", "Pancreatitis.", "Necrotising pancreatitis."),
        ("CT abdomen", "Cholecystitis.", "Gangrenous cholecystitis."),
        (
            "CT abdomen",
            "Aortic aneurysm 5 cm.",
            "Leaking aortic aneurysm 5 cm.",
        ),
        ("CTA aorta", "Type B dissection.", "Type A dissection."),
        (
            "CTA aorta",
            "Aortic dissection Stanford B.",
            "Aortic dissection Stanford A.",
        ),
        (
            "X-ray elbow",
            "Radial head fracture Mason I.",
            "Radial head fracture Mason III.",
        ),
        (
            "CT chest",
            "Lung cancer 4 cm RUL. Nodes: N0.",
            "Lung cancer 4 cm RUL. Nodes: N3.",
        ),
        (
            "CT chest",
            "Lung carcinoma RUL, cT1a.",
            "Lung carcinoma RUL, cT4.",
        ),
        (
            "MRI breast",
            "Carcinoma right breast 22 mm. Axilla negative.",
            "Carcinoma right breast 22 mm. Axilla positive.",
        ),
        (
            "MRI hip",
            "Avascular necrosis of the right femoral head without collapse.",
            "Avascular necrosis of the right femoral head with collapse.",
        ),
        (
            "MRI knee",
            "Horizontal tear of the medial meniscus.",
            "Bucket-handle tear of the medial meniscus.",
        ),
        (
            "CT abdomen",
            "Adrenal nodule left 20 mm, 5 HU.",
            "Adrenal nodule left 20 mm, 35 HU.",
        ),
    ] {
        for (a, b) in [(calm, worse), (worse, calm)] {
            let found = compare(exam, a, b);
            assert_ne!(found.overall, Some(Overall::Confirms), "{a} / {b}");
            assert_eq!(overall(exam, a, a), Some(Overall::Confirms), "{a}");
        }
    }
}

#[test]
fn the_reason_quotes_the_words_and_what_is_urgent_may_change_management() {
    for (exam, a, b, words, expected) in [
        (
            "CT abdomen",
            "Pancreatitis.",
            "Necrotising pancreatitis.",
            "Necrotising pancreatitis",
            Overall::ChangesManagement,
        ),
        (
            "X-ray wrist",
            "Fracture of the radius.",
            "Comminuted fracture of the radius.",
            "Comminuted",
            Overall::Refines,
        ),
    ] {
        let found = compare(exam, a, b);
        assert_eq!(found.overall, Some(expected), "{b}");
        let quoted =
            |r: &String| r.contains(&format!("second report says \u{201c}{words}\u{201d}"));
        assert!(found.reasons.iter().any(quoted), "{:?}", found.reasons);
    }
}

#[test]
fn a_second_site_does_not_disappear() {
    for (exam, one, two) in [
        ("CT spine", "Fracture of L1.", "Fracture of L1 and of T8."),
        (
            "CT head",
            "Subdural haematoma on the left.",
            "Bilateral subdural haematomas.",
        ),
        (
            "CT liver",
            "Metastasis in segment II.",
            "Metastases in segments II, IV and VII.",
        ),
        (
            "CT pelvis",
            "Fracture of the left superior pubic ramus.",
            "Fracture of the left superior pubic ramus and of the left femoral neck.",
        ),
        (
            "CT chest",
            "Nodule in the right upper lobe, 8 mm.",
            "Nodule in the right upper lobe, 8 mm, and in the left lower lobe, 14 mm.",
        ),
        (
            "CT chest",
            "Rib fracture left 5.",
            "Rib fractures left 5 and right 7.",
        ),
        (
            "MRI lumbar spine",
            "Disc herniation at L4-L5.",
            "Disc herniation at L4-L5 and at L5-S1.",
        ),
    ] {
        assert_ne!(overall(exam, one, two), Some(Overall::Confirms), "{two}");
        assert_ne!(overall(exam, two, one), Some(Overall::Confirms), "{two}");
        assert_eq!(overall(exam, two, two), Some(Overall::Confirms), "{two}");
    }
}

#[test]
fn what_is_denied_or_written_otherwise_is_no_difference() {
    for (exam, a, b) in [
        (
            "CT abdomen",
            "Appendicitis. No perforation.",
            "Appendicitis.",
        ),
        (
            "X-ray wrist",
            "Fracture of the radius, not comminuted.",
            "Fracture of the radius.",
        ),
        (
            "X-ray spine",
            "Retrolisthesis of L2 on L3.",
            "Retrolisthesis at L2-L3.",
        ),
        (
            "CT liver",
            "Metastasis in segment VII.",
            "Metastasis, liver segment 7.",
        ),
        (
            "CT abdomen",
            "Pancreatitis, necrotizing.",
            "Necrotising pancreatitis.",
        ),
        (
            "CT chest",
            "Emphysema.",
            "Emphysematous change of the lungs.",
        ),
        (
            "MRI hip",
            "Avascular necrosis of the right femoral head.",
            "Osteonecrosis of the right femoral head.",
        ),
    ] {
        assert_eq!(overall(exam, a, b), Some(Overall::Confirms), "{a} / {b}");
        assert_eq!(overall(exam, b, a), Some(Overall::Confirms), "{b} / {a}");
    }
}

#[test]
fn places_that_exclude_each_other_and_narrowed_denials_are_no_confirmation() {
    for (exam, original, second) in [
        (
            "CTA heart",
            "Stenosis of the proximal LAD.",
            "Stenosis of the distal LAD.",
        ),
        (
            "MRI hip",
            "Labral tear anterior, right hip.",
            "Labral tear posterior, right hip.",
        ),
        (
            "CT abdomen",
            "Thrombus of the left renal vein.",
            "Thrombus of the left renal artery.",
        ),
        (
            "CT chest",
            "No lymphadenopathy. Enlarged lymph node in the left axilla, 16 mm.",
            "No lymphadenopathy. Enlarged lymph node in the left supraclavicular fossa, 16 mm.",
        ),
        ("CT chest", "No PE.", "No central PE."),
        ("CT leg", "No fracture.", "No displaced fracture."),
        ("CT liver", "No new lesion.", "No lesion smaller than 5 cm."),
        (
            "MRI knee",
            "No meniscal tear.",
            "No meniscal tear, save for the medial posterior horn.",
        ),
        (
            "CT head",
            "No haemorrhage.",
            "It is not true that there is no haemorrhage.",
        ),
        (
            "CT abdomen",
            "Liver normal. Spleen normal.",
            "Liver normal. Spleen absent.",
        ),
        (
            "US pelvis",
            "Ovarian torsion: no. Flow preserved.",
            "Ovarian torsion: no. Flow absent.",
        ),
        (
            "CT chest",
            "Lymph node right axilla 16 mm.",
            "Lymph node right groin 16 mm.",
        ),
    ] {
        for (o, s) in [(original, second), (second, original)] {
            let found = overall(exam, o, s);
            assert_ne!(found, Some(Overall::Confirms), "{o} / {s}");
        }
    }
}

#[test]
fn the_same_place_and_the_same_denial_are_a_confirmation() {
    for (exam, original, second) in [
        (
            "CTA heart",
            "Stenosis of the proximal LAD, 70 percent.",
            "70 percent stenosis in the proximal LAD.",
        ),
        (
            "MRI knee",
            "Posterior horn medial meniscus tear, lateral meniscus normal.",
            "Tear of the posterior horn of the medial meniscus.",
        ),
        (
            "CT chest",
            "No central PE.",
            "No central pulmonary embolism.",
        ),
        ("CT leg", "No acute fracture.", "No fracture."),
    ] {
        assert_eq!(
            overall(exam, original, second),
            Some(Overall::Confirms),
            "{original} / {second}"
        );
    }
}
