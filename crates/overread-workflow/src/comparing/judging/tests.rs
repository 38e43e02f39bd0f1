use overread_concordance::{Concordance, Overall, compare};
use overread_model::report::OverallAgreement;

use super::{Judged, OwnStatement, check, contradicts};
use crate::StepError;
use crate::comparing::Correction;

fn own(choice: OverallAgreement, text: &str) -> OwnStatement {
    OwnStatement {
        choice,
        title: "",
        text: text.to_owned(),
    }
}

/// Returns the field that is refused, or nothing.
fn refused(result: &Concordance, overall: Overall, note: &str, own: &OwnStatement) -> String {
    let corrections: &[Correction] = &[];
    let judged = Judged {
        result,
        corrections,
        overall,
        note,
        own,
    };
    match check(&judged) {
        Ok(()) => "nothing".to_owned(),
        Err(StepError::Invalid(problems)) => format!("{:?}", problems[0]),
        Err(other) => format!("{other:?}"),
    }
}

const SPINE: &str = "MRI lumbar spine";

fn same() -> Concordance {
    let text = "L4-L5: mild disc bulge. No fracture.";
    compare(SPINE, text, text)
}

#[test]
fn reports_that_could_not_be_compared_are_signed_with_a_word_why() {
    let foreign = compare(
        "CT chest",
        "Lungenembolie beidseits",
        "No pulmonary embolism.",
    );
    assert!(!foreign.comparable);
    let own = own(OverallAgreement::DiffersMinor, "");
    assert_eq!(foreign.overall, None);
    for overall in [Overall::Confirms, Overall::Refines] {
        assert!(refused(&foreign, overall, "", &own).contains("could not be compared"));
        assert_eq!(
            refused(&foreign, overall, "I read the German report.", &own),
            "nothing"
        );
    }
}

#[test]
fn the_same_is_not_signed_over_rows_that_may_change_what_is_done() {
    let torn = compare(
        "MRI left wrist",
        "The scapholunate ligament is intact.",
        "Scapholunate ligament tear.",
    );
    let row = torn.items.iter().position(|item| item.critical).unwrap();
    let own = own(OverallAgreement::Agree, "");
    let note = "Seen together with the surgeon.";
    let with = |corrections: &[Correction], overall| {
        check(&Judged {
            result: &torn,
            corrections,
            overall,
            note,
            own: &own,
        })
    };
    let refusal = with(&[], Overall::Confirms).unwrap_err();
    assert!(format!("{refusal:?}").contains("may change what is done"));
    assert!(with(&[], Overall::ChangesManagement).is_ok());
    let judged = Correction {
        item_idx: row,
        class: "agree".to_owned(),
        note: "Both mean the same old tear.".to_owned(),
    };
    assert!(with(&[judged], Overall::Confirms).is_ok());
}

#[test]
fn a_remark_that_says_nothing_is_none() {
    let found = same();
    let own = own(OverallAgreement::Agree, "");
    assert!(refused(&found, Overall::Refines, "ok", &own).contains("Write in one sentence"));
}

#[test]
fn what_older_rules_made_is_not_signed() {
    let mut old = same();
    old.engine = "overread-concordance 0.1.0 rules 1".to_owned();
    let own = own(OverallAgreement::Agree, "");
    assert!(refused(&old, Overall::Confirms, "Why", &own).contains("older rules"));
    assert_eq!(refused(&same(), Overall::Confirms, "", &own), "nothing");
}

#[test]
fn a_report_that_says_otherwise_owes_a_word() {
    let major = own(OverallAgreement::DiffersMajor, "");
    assert!(refused(&same(), Overall::Confirms, "", &major).contains("something else"));
    assert_eq!(
        refused(&same(), Overall::Confirms, "The choice was a slip.", &major),
        "nothing"
    );
    let written = own(
        OverallAgreement::DiffersMinor,
        "I agree with the original report.",
    );
    assert!(contradicts(&written, "changes_management"));
    assert!(!contradicts(&written, "refines"));
    let differs = own(
        OverallAgreement::Agree,
        "I disagree with the original report.",
    );
    assert!(contradicts(&differs, "confirms"));
    assert!(!contradicts(&own(OverallAgreement::Agree, ""), "confirms"));
}
