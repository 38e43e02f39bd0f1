//! What the lexicon has no name for, or not the same one, set together by its words; what ties and frees a denial.

use overread_concordance::{Class, Item, compare};

const EAR: &str = "CT temporal bones";

fn rows(exam: &str, original: &str, second: &str) -> Vec<Item> {
    compare(exam, original, second).items
}

fn class_of(rows: &[Item], finding: &str) -> Option<Class> {
    let row = rows.iter().find(|row| row.finding.contains(finding));
    row.map(|row| row.class)
}

#[test]
fn what_has_no_name_is_found_by_its_words_and_marked_for_the_reader() {
    let agreed = |original: &str, second: &str| {
        let rows = rows(EAR, original, second);
        let found = rows.iter().find(|row| row.rule_id == "same-words");
        found.map(|row| (row.class, row.needs_reader_check))
    };
    let told = Some((Class::Agree, true));
    assert_eq!(
        agreed(
            "The fissula of the fenestra is preserved.",
            "Fissula of the fenestra preserved."
        ),
        told
    );
    for (original, second) in [
        // Another side, another part, the opposite, another number.
        (
            "The left fissula of the fenestra is preserved.",
            "The right fissula of the fenestra is preserved.",
        ),
        (
            "The anterior fissula of the fenestra is preserved.",
            "The posterior fissula of the fenestra is preserved.",
        ),
        (
            "The fissula of the fenestra is preserved.",
            "The fissula of the fenestra is filled.",
        ),
    ] {
        assert_eq!(agreed(original, second), None, "{original} {second}");
    }
}

#[test]
fn a_denial_of_something_near_denies_nothing_else() {
    let original = "FINDINGS: Hemorrhage in the left maxillary sinus.";
    for denial in ["No associated hemorrhage.", "No zurbolbar hemorrhage."] {
        let rows = rows("CT face", original, &format!("FINDINGS: {denial}"));
        let class = class_of(&rows, "hemorrhage");
        assert_ne!(class, Some(Class::Contradicted), "{denial}");
    }
    let rows = rows("CT face", original, "FINDINGS: No hemorrhage.");
    assert_eq!(class_of(&rows, "hemorrhage"), Some(Class::Contradicted));
}

#[test]
fn an_open_vessel_may_have_plaque_and_no_clot() {
    let second = "FINDINGS: The left common carotid artery is patent.";
    let exam = "CT angiography neck";
    let plaque = "FINDINGS: Calcified plaque of the left common carotid artery.";
    let clot = "FINDINGS: Occlusion of the left common carotid artery.";
    let found = rows(exam, plaque, second);
    assert!(!found.iter().any(|row| row.class == Class::Contradicted));
    let found = rows(exam, clot, second);
    assert!(found.iter().any(|row| row.class == Class::Contradicted));
}

#[test]
fn one_finding_with_two_causes_is_read_in_two_ways() {
    let exam = "MRI lumbar spine";
    let original = "Compression fracture of L3 due to osteoporosis.";
    let second = "Compression fracture of L3 due to metastasis.";
    let class = class_of(&rows(exam, original, second), "fracture");
    assert_eq!(class, Some(Class::Interpretation));
    let class = class_of(&rows(exam, second, second), "fracture");
    assert_eq!(class, Some(Class::Agree));
}

#[test]
fn a_table_written_cell_by_cell_is_read_by_its_rows() {
    let exam = "CT abdomen";
    let original = "Organ\nResult\nLiver\nNormal\nFree air\nNone\nSpleen\nNormal";
    let second = "FINDINGS: Liver normal. No free air. Spleen normal.";
    let found = rows(exam, original, second);
    assert!(
        found.iter().all(|row| row.class == Class::Agree),
        "{found:?}"
    );
    let second = "FINDINGS: Liver normal. Free air below the diaphragm. Spleen normal.";
    let class = class_of(&rows(exam, original, second), "free_air");
    assert_eq!(class, Some(Class::Contradicted));
}
