//! A second report that takes a finding back, or says by a word more that it is grave, must never be called a confirmation.

use overread_concordance::{Class, Overall, compare};

const EMBOLUS: &str = "Pulmonary embolism in the right lower lobe.";

#[test]
fn a_finding_that_is_taken_back_is_a_contradiction() {
    for second in [
        "The diagnosis of pulmonary embolism cannot be upheld.",
        "Pulmonary embolism cannot be confirmed.",
        "Pulmonary embolism can no longer be maintained.",
        "Pulmonary embolism does not stand up to review.",
        "Pulmonary embolism is refuted.",
        "The described pulmonary embolism is an artefact.",
        "The finding called pulmonary embolism is motion artifact.",
        "The reported pulmonary embolism represents a flow artefact.",
        "Pulmonary embolism was overcalled.",
        "The report of pulmonary embolism is wrong.",
        "The diagnosis of pulmonary embolism is not correct.",
        "There is insufficient evidence for pulmonary embolism.",
        "I see no support for pulmonary embolism.",
        "What was read as pulmonary embolism is a lymph node.",
        "What had been interpreted as pulmonary embolism represents a mucus plug.",
        "Hilar node erroneously called pulmonary embolism.",
        "I do not agree with the diagnosis of pulmonary embolism.",
    ] {
        let found = compare("CT chest", EMBOLUS, second);
        let row = found.items.iter().find(|i| i.class == Class::Contradicted);
        assert!(row.is_some_and(|i| i.critical), "{second} {found:?}");
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{second}");
    }
}

#[test]
fn what_was_called_so_and_is_described_further_is_not_taken_back() {
    for second in [
        "What was read as pulmonary embolism is confirmed.",
        "What was described as pulmonary embolism is indeed present.",
        "The reported pulmonary embolism in the right lower lobe is again seen.",
        "The pulmonary embolism described in the right lower lobe is real.",
    ] {
        let found = compare("CT chest", EMBOLUS, second);
        let denied = found.items.iter().any(|i| i.class == Class::Contradicted);
        assert!(!denied, "{second} {found:?}");
    }
}

#[test]
fn a_wrong_level_side_or_size_takes_back_no_finding() {
    for (second, finding) in [
        (
            "The level of the disc extrusion is incorrect: it is at L5-S1.",
            "disc_extrusion",
        ),
        ("The size of the disc extrusion is wrong.", "disc_extrusion"),
    ] {
        let found = compare("MRI lumbar spine", "Disc extrusion at L4-5.", second);
        let row = |i: &&overread_concordance::Item| i.finding.ends_with("_absent");
        assert!(
            found.items.iter().filter(row).count() == 0,
            "{finding} {found:?}"
        );
        assert_ne!(found.overall, Some(Overall::Confirms), "{second}");
    }
}

#[test]
fn what_is_joined_to_a_quality_is_denied_all_the_same() {
    for joined in [
        "The size of the nodule is unchanged and a pneumothorax is not seen.",
        "The position of the tube is correct, pneumothorax is absent.",
    ] {
        let found = compare("CT chest", "There is a large pneumothorax.", joined);
        let row = found.items.iter().find(|i| i.class == Class::Contradicted);
        assert!(row.is_some_and(|i| i.critical), "{joined} {found:?}");
    }
}

#[test]
fn growth_is_read_from_the_earlier_size() {
    let at = |now: &str| format!("Nodule in the right upper lobe {now}.");
    let compared = |o: &str, s: &str| compare("CT chest", &at(o), &at(s));
    for (o, s) in [
        ("8 mm, previously 8 mm", "8 mm, previously 5 mm"),
        ("8 mm, stable", "8 mm (prior 5 mm)"),
        ("8 mm, previously 5 mm", "8 mm, unchanged"),
    ] {
        let found = compared(o, s);
        assert!(
            found.items.iter().any(|i| i.rule_id == "trend"),
            "{o} {s} {found:?}"
        );
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{o} {s}");
    }
    for (o, s) in [
        ("8 mm, previously 5 mm", "8 mm, increased from 5 mm"),
        ("8 mm, previously 8 mm", "8 mm, previously 7 mm"),
        ("8 mm, previously 8 mm", "8 mm, previously reported as 5 mm"),
    ] {
        let found = compared(o, s);
        assert!(
            found.items.iter().all(|i| i.rule_id != "trend"),
            "{o} {s} {found:?}"
        );
    }
}

#[test]
fn a_line_in_an_artery_lies_wrong() {
    for artery in [
        "right subclavian artery",
        "carotid artery",
        "brachiocephalic artery",
        "aorta",
    ] {
        let second = format!("Central line tip in the {artery}.");
        let found = compare(
            "Chest radiograph",
            "Central line tip in the superior vena cava.",
            &second,
        );
        assert!(found.items.iter().any(|i| i.critical), "{artery} {found:?}");
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{artery}");
    }
}

#[test]
fn tamponade_is_more_than_an_effusion_and_a_template_without_its_last_letter_is_read() {
    for (o, s) in [
        (
            "Small pericardial effusion.",
            "Pericardial effusion with tamponade.",
        ),
        (
            "Pulmonary embolism: negativ.",
            "Pulmonary embolism: positiv.",
        ),
    ] {
        let found = compare("CT chest", o, s);
        assert!(found.items.iter().any(|i| i.critical), "{o} {s} {found:?}");
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{o} {s}");
    }
}
