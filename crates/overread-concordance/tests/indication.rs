//! What a report was asked is no statement, and where the asking ends the report begins.

use overread_concordance::{Class, ItemKind, Overall, Polarity, compare, statements};

const ASKED: [&str; 8] = [
    "Indication: rule out PE.",
    "History: exclude PE.",
    "Clinical question: PE?",
    "Reason for exam: r/o PE.",
    "INDICATION: Evaluate for PE.",
    "Indication: PE.",
    "Clinical history: shortness of breath, query PE.",
    "Reason: suspected PE.",
];

#[test]
fn what_was_asked_is_neither_stated_nor_denied() {
    for asked in ASKED {
        for line in [
            format!("{asked} Lungs clear."),
            format!("{asked}\nLungs clear."),
        ] {
            let found = statements(&line);
            assert!(
                found.iter().all(|s| s.finding == "lung_normal"),
                "{line}: {found:?}"
            );
            assert_eq!(found.len(), 1, "{line}");
        }
    }
}

#[test]
fn all_that_follows_the_first_description_is_read() {
    for asked in ASKED {
        let line = format!("{asked} Lungs clear. No pleural effusion. Saddle embolus.");
        let found = statements(&line);
        let last = found.last().unwrap();
        assert_eq!(last.finding, "pulmonary_embolism", "{line}: {found:?}");
        assert_eq!(last.polarity, Polarity::Present, "{line}");
        let calm = format!("{asked} Lungs clear. No pleural effusion.");
        for (a, b) in [(&line, &calm), (&calm, &line)] {
            let found = compare("CTPA", a, b);
            assert_eq!(found.overall, Some(Overall::ChangesManagement), "{found:?}");
            assert!(
                found.items.iter().all(|i| i.class != Class::Contradicted),
                "{found:?}"
            );
        }
    }
}

#[test]
fn a_weighty_finding_that_may_be_asked_or_seen_is_listed() {
    let found = compare(
        "CTPA",
        "Indication: dyspnea. Saddle embolus.\nFindings: Lungs clear.",
        "Lungs clear.",
    );
    assert!(
        found
            .not_compared
            .iter()
            .any(|n| n.span.text == "Saddle embolus"),
        "{found:?}"
    );
}

#[test]
fn what_an_examination_looks_for_is_no_finding() {
    for title in [
        "CT PULMONARY EMBOLISM PROTOCOL",
        "MRI prostate cancer protocol",
        "CT lung cancer screening",
        "HCC surveillance ultrasound",
    ] {
        let read = statements(&format!("{title}\nThe bones are normal."));
        let present = read
            .iter()
            .filter(|s| s.kind == ItemKind::Finding && s.polarity == Polarity::Present);
        assert_eq!(present.count(), 0, "{title} {read:?}");
    }
}

#[test]
fn a_low_lying_placenta_is_no_previa() {
    let found = compare(
        "Obstetric ultrasound",
        "The placenta is low-lying, 14 mm from the internal os.",
        "Placenta previa: the placenta covers the internal os.",
    );
    assert!(found.items.iter().any(|i| i.critical), "{found:?}");
}
