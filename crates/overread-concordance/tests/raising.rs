//! How loud a difference is raised, and what is no statement at all.

use overread_concordance::{Class, Concordance, Item, Overall, compare, plain};

const SPINE: &str = "MRI lumbar spine";

fn row<'a>(found: &'a Concordance, finding: &str) -> &'a Item {
    let rows: Vec<&Item> = found
        .items
        .iter()
        .filter(|i| i.finding == finding)
        .collect();
    assert_eq!(rows.len(), 1, "{finding}: {found:?}");
    rows[0]
}

#[test]
fn a_mild_common_change_against_a_normal_statement_is_no_alarm() {
    for (normal, stated, finding) in [
        (
            "Paraspinal muscles are normal.",
            "Mild fatty infiltration of the paraspinal muscles.",
            "paraspinal_muscle_atrophy",
        ),
        (
            "Paraspinal muscles are normal.",
            "Mild fatty atrophy of the multifidus.",
            "paraspinal_muscle_atrophy",
        ),
        (
            "L5-S1: normal disc.",
            "L5-S1: small annular fissure.",
            "annular_fissure",
        ),
    ] {
        let found = compare(SPINE, normal, stated);
        assert!(!row(&found, finding).critical, "{stated} {found:?}");
        assert!(!row(&found, finding).variation, "{stated} {found:?}");
    }
}

#[test]
fn what_is_denied_by_name_or_is_no_small_matter_stays_an_alarm() {
    for (denied, stated, finding) in [
        (
            "L5-S1: no annular fissure.",
            "L5-S1: annular fissure.",
            "annular_fissure",
        ),
        (
            "L5-S1: normal disc.",
            "L5-S1: left disc extrusion.",
            "disc_extrusion",
        ),
        (
            "Paraspinal muscles are normal.",
            "Severe atrophy of the paraspinal muscles.",
            "paraspinal_muscle_atrophy",
        ),
    ] {
        let found = compare(SPINE, denied, stated);
        assert!(row(&found, finding).critical, "{stated} {found:?}");
    }
}

#[test]
fn a_fissure_told_twice_is_one_row() {
    let found = compare(
        SPINE,
        "L5-S1: Disc bulge.",
        "L5-S1: Disc bulge with an annular fissure. The annular tear is posterior.\nIMPRESSION: Annular fissure at L5-S1.",
    );
    assert_eq!(row(&found, "annular_fissure").class, Class::OnlySecond);
}

#[test]
fn a_narrowing_of_one_reader_is_folded_only_when_mild() {
    for (grade, folded) in [
        ("mild", true),
        ("moderate", false),
        ("mild to moderate", false),
        ("severe", false),
    ] {
        for (place, finding) in [
            ("central canal stenosis", "central_canal_stenosis"),
            ("left foraminal stenosis", "foraminal_stenosis"),
        ] {
            let one = "L4-L5: mild disc bulge.";
            let both = format!("L4-L5: mild disc bulge with {grade} {place}.");
            for found in [compare(SPINE, one, &both), compare(SPINE, &both, one)] {
                assert_eq!(row(&found, finding).variation, folded, "{grade} {place}");
            }
        }
    }
}

#[test]
fn what_stands_below_a_report_is_no_statement() {
    let report = "FINDINGS: L4-L5: mild disc bulge.\nIMPRESSION: Mild disc bulge at L4-L5.";
    for end in [
        "Electronically signed by: John Smith, MD 01/02/2026 10:20 AM",
        "Electronically signed by John Smith, MD\nRadiology Associates of Springfield\nWith offices all over the valley",
        "Dictated: 01/02/2026\n\nTranscribed by KM on 2 January",
        "Radiology Associates of Springfield\n123 Main Street, Springfield, IL 62701\nPhone: 555-123-4567",
        "This report was generated with voice recognition software and may hold errors.",
        "Yours sincerely,\n\nDr Jane Doe\n\nConsultant Radiologist",
        "END OF REPORT",
    ] {
        let ended = format!("{report}\n\n{end}");
        for found in [
            compare(SPINE, &ended, report),
            compare(SPINE, report, &ended),
        ] {
            assert!(found.not_compared.is_empty(), "{end}");
            assert!((found.coverage - 1.0).abs() < 1e-9, "{end}");
        }
    }
}

#[test]
fn what_stands_below_a_signature_and_speaks_of_findings_still_counts() {
    let report = "L4-L5: mild disc bulge.\n\nElectronically signed by John Smith, MD";
    let more =
        format!("{report}\n\nADDENDUM: Quick brown foxes jump over dogs.\nAcute fracture of L2.");
    let found = compare(SPINE, report, &more);
    assert!(
        found.items.iter().any(|i| i.finding.contains("fracture")),
        "{found:?}"
    );
    assert_eq!(found.not_compared.len(), 1, "{found:?}");
}

#[test]
fn an_instruction_or_a_text_not_understood_is_no_end_matter() {
    let report = "L4-L5: mild disc bulge.";
    let sent = format!("{report} The patient should drive straight into the nearest hospital.");
    assert_eq!(compare(SPINE, &sent, report).not_compared.len(), 1);
    let foreign = "Dictated by Dr Doe. Quick brown foxes jump daily. Lazy zygotes ponder slowly.";
    assert!(!compare(SPINE, foreign, foreign).not_compared.is_empty());
    assert!(!compare(SPINE, foreign, report).comparable);
}

#[test]
fn the_side_of_a_diagnosis_told_in_the_impression_is_no_guess() {
    let told = |side: &str| {
        format!(
            "FINDINGS: Restricted diffusion in the {side} corona radiata, consistent with an acute infarct.\n\
             IMPRESSION: Acute infarct in the {side} corona radiata."
        )
    };
    let found = compare("MRI brain", &told("left"), &told("right"));
    assert_eq!(row(&found, "infarct").class, Class::Laterality, "{found:?}");
    let same = compare("MRI brain", &told("left"), &told("left"));
    assert!(same.items.iter().all(|i| !i.critical), "{same:?}");
}

#[test]
fn levels_between_the_ends_of_a_row_are_told() {
    let row_of = |text: &str| {
        let found = compare(SPINE, text, "L2-L3: mild disc desiccation.");
        found
            .items
            .iter()
            .any(|i| i.class == Class::Agree && i.finding == "disc_desiccation")
    };
    for text in [
        "Mild disc desiccation L1-L2 to L3-L4.",
        "Mild disc desiccation from L1-2 through L4-5.",
    ] {
        assert!(row_of(text), "{text}");
    }
}

#[test]
fn debug_shows_no_words_of_a_report() {
    let text = "L4-L5: Marigold disc bulge. Quick brown foxes jump daily. The zygote was not well seen by Marigold.";
    let found = compare(SPINE, text, text);
    let shown = format!("{:?} {:?}", found.not_compared, found.guard);
    assert!(
        !shown.contains("Marigold") && !shown.contains("foxes"),
        "{shown}"
    );
}

#[test]
fn a_biopsy_that_the_first_report_alone_asks_for_is_an_alarm() {
    let first = "4 mm cyst in the left kidney. Biopsy is recommended.";
    let second = "4 mm cyst in the left kidney.";
    for (a, b, who) in [(first, second, "original"), (second, first, "second")] {
        let found = compare("CT abdomen", a, b);
        let rule = format!("only-{who}-invasive");
        let advice = found.items.iter().find(|i| i.rule_id == rule);
        assert!(
            advice.is_some_and(|i| i.critical && !i.variation),
            "{found:?}"
        );
        assert_eq!(found.overall, Some(Overall::ChangesManagement));
    }
}

#[test]
fn advice_that_differs_is_named_where_nothing_else_does() {
    let found = compare(
        "CT abdomen",
        "4 mm cyst in the left kidney. Follow-up ultrasound is recommended.",
        "4 mm cyst in the left kidney. Referral to a urologist is recommended.",
    );
    assert!(
        found.items.iter().any(|i| i.rule_id == "advice-minor"),
        "{found:?}"
    );
    assert_eq!(found.overall, Some(Overall::Confirms));
    assert!(found.reasons[0].starts_with("Apart from the advice"));
    assert!(found.reasons.len() > 1);
    let told = plain::view(&found, plain::Reader::Patient).counts;
    assert!(told[2].contains("advice on next steps is not the same"));
}
