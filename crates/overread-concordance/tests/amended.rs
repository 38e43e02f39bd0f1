//! What an addendum corrects is compared as corrected.

use overread_concordance::{Class, Overall, compare};

fn with_addendum(report: &str, addendum: &str) -> String {
    format!("FINDINGS:\n{report}\n\nADDENDUM 1\nFINDINGS:\n{addendum}")
}

fn check(exam: &str, original: &str, report: &str, addendum: &str, expect: Class) {
    let second = with_addendum(report, addendum);
    let found = compare(exam, original, &second);
    assert!(
        found.items.iter().any(|i| i.class == expect && i.critical),
        "{found:#?}"
    );
    let taken_back = |i: &overread_concordance::Item| {
        let spans = i.second.iter().flatten();
        spans.into_iter().any(|s| report.contains(s.text.as_str()))
    };
    assert!(!found.items.iter().any(taken_back), "{found:#?}");
    assert_eq!(found.overall, Some(Overall::ChangesManagement));
}

#[test]
fn an_addendum_takes_a_statement_back() {
    check(
        "MRI wrist",
        "FINDINGS: Tear of the left scapholunate ligament.",
        "Tear of the left scapholunate ligament.",
        "The scapholunate ligament tear is in the right wrist, not the left wrist.",
        Class::Laterality,
    );
    check(
        "CT head",
        "FINDINGS: No intracranial haemorrhage.",
        "No intracranial haemorrhage.",
        "There is a subtle intracranial haemorrhage.",
        Class::Contradicted,
    );
}

#[test]
fn an_addendum_that_adds_takes_nothing_back() {
    let second = with_addendum(
        "Tear of the left scapholunate ligament.",
        "There is also a ganglion cyst of the left wrist.",
    );
    let found = compare(
        "MRI wrist",
        "FINDINGS: Tear of the left scapholunate ligament.",
        &second,
    );
    assert!(
        found.items.iter().any(|i| i.class == Class::Agree),
        "{found:#?}"
    );
}
