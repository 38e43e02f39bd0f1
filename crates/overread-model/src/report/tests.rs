use std::collections::BTreeMap;

use super::{
    ExamQuality, OverallAgreement, ReportDraft, ReportTables, SignContext, Signer, add_addendum,
    check_original, check_to_sign, lock_first_impression, sign,
};
use crate::ids::{CaseId, PersonId, ReportId};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_micros(1_772_446_500_000_000);

fn tables() -> ReportTables {
    let section = |id: &str, required: serde_json::Value| serde_json::json!({"id": id, "en": id, "es": id, "sr": null, "required": required, "source": "test"});
    let value = serde_json::json!({
        "sections": [
            section("findings", true.into()), section("impression", true.into()),
            section("agreement", "when an original report exists".into()),
            section("urgent", "when the urgent track was opened".into()),
            section("limits", true.into()), section("plain", true.into()), section("dose", false.into()),
        ],
        "signature_fields": [],
        "discrepancy": {"relation": [], "kind": [], "significance": {}, "overall": "", "evidence": ""},
        "certainty_lexicon": [],
    });
    serde_json::from_value(value).unwrap()
}

fn full() -> ReportDraft {
    let mut draft = ReportDraft {
        quality: Some(ExamQuality::Diagnostic),
        agreement: Some(OverallAgreement::Agree),
        ..ReportDraft::default()
    };
    for section in ["findings", "impression", "agreement", "limits", "plain"] {
        draft
            .sections
            .insert(section.to_owned(), format!("Text of {section}."));
    }
    draft
}

fn ready() -> SignContext {
    SignContext {
        original_present: true,
        first_impression_locked: true,
        reauthenticated: true,
        conflict_stated: true,
        ..SignContext::default()
    }
}

fn signer() -> Signer {
    Signer {
        person_id: PersonId::from_random([1; 16]),
        name: "Dr. Eva Lang".to_owned(),
        credentials: "MD".to_owned(),
        licence: "US-WA 123".to_owned(),
        subspecialty: "Neuroradiology".to_owned(),
        conflict_statement: "None.".to_owned(),
    }
}

fn check(draft: &ReportDraft, context: &SignContext, expect: &[&str]) {
    let problems = check_to_sign(draft, context, &tables());
    let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, expect);
}

fn without(section: &str) -> ReportDraft {
    let mut draft = full();
    draft.sections.insert(section.to_owned(), " \n".to_owned());
    draft
}

#[test]
fn everything_that_must_be_there_is_asked_for() {
    check(&full(), &ready(), &[]);
    for section in ["findings", "impression", "agreement", "limits", "plain"] {
        check(&without(section), &ready(), &[section]);
    }
    check(&without("dose"), &ready(), &[]);
    check(
        &full(),
        &SignContext {
            urgent_opened: true,
            ..ready()
        },
        &["urgent"],
    );
    check(
        &ReportDraft {
            quality: None,
            ..full()
        },
        &ready(),
        &["quality"],
    );
    check(
        &ReportDraft {
            agreement: None,
            ..full()
        },
        &ready(),
        &["agreement_overall"],
    );
    check(
        &full(),
        &SignContext {
            first_impression_locked: false,
            ..ready()
        },
        &["first_impression"],
    );
    check(
        &full(),
        &SignContext {
            reauthenticated: false,
            ..ready()
        },
        &["password"],
    );
    check(
        &full(),
        &SignContext {
            conflict_stated: false,
            ..ready()
        },
        &["conflict_statement"],
    );
}

#[test]
fn agreement_must_fit_the_case() {
    let with = |agreement| ReportDraft {
        agreement: Some(agreement),
        ..full()
    };
    check(
        &with(OverallAgreement::NoOriginal),
        &ready(),
        &["agreement_overall"],
    );
    let alone = SignContext {
        original_present: false,
        first_impression_locked: false,
        ..ready()
    };
    check(&with(OverallAgreement::NoOriginal), &alone, &[]);
    check(
        &ReportDraft {
            agreement: None,
            ..without("agreement")
        },
        &alone,
        &[],
    );
    check(
        &with(OverallAgreement::Agree),
        &alone,
        &["agreement_overall"],
    );
    let unusable = ReportDraft {
        quality: Some(ExamQuality::NonDiagnostic),
        ..full()
    };
    check(&unusable, &ready(), &["agreement_overall"]);
}

fn signed() -> super::SignedReport {
    let ids = (
        CaseId::from_random([2; 16]),
        ReportId::from_random([3; 16]),
        1,
    );
    sign(&full(), ids, &ready(), signer(), &tables(), NOW).unwrap()
}

#[test]
fn a_signed_report_shows_every_change() {
    let report = signed();
    assert!(report.is_intact());
    assert_eq!(report.hash.as_str().len(), 64);
    let mut changed = report.clone();
    changed
        .sections
        .insert("findings".to_owned(), "Another text.".to_owned());
    assert!(!changed.is_intact());
    let mut changed = report.clone();
    changed.sections.remove("plain");
    assert!(!changed.is_intact());
    let mut changed = report.clone();
    changed.signer.name.push('x');
    assert!(!changed.is_intact());
    let mut changed = report.clone();
    changed.signed_at = changed.signed_at.plus_seconds(1);
    assert!(!changed.is_intact());
    // Words that move from one section to the next make another text.
    let mut changed = report;
    changed
        .sections
        .insert("findings".to_owned(), "Text".to_owned());
    changed.sections.insert(
        "impression".to_owned(),
        " of findings.Text of impression.".to_owned(),
    );
    assert!(!changed.is_intact());
}

#[test]
fn what_looks_the_same_hashes_the_same() {
    let ids = || {
        (
            CaseId::from_random([2; 16]),
            ReportId::from_random([3; 16]),
            1,
        )
    };
    let mut other = full();
    other
        .sections
        .insert("findings".to_owned(), "Text of findings.  \r\n".to_owned());
    other.sections.insert("dose".to_owned(), "  ".to_owned());
    let other = sign(&other, ids(), &ready(), signer(), &tables(), NOW).unwrap();
    assert_eq!(other.hash, signed().hash);
}

#[test]
fn an_unready_report_is_not_signed() {
    let ids = (
        CaseId::from_random([2; 16]),
        ReportId::from_random([3; 16]),
        1,
    );
    let refused = sign(
        &without("findings"),
        ids,
        &ready(),
        signer(),
        &tables(),
        NOW,
    );
    assert_eq!(refused.unwrap_err()[0].field, "findings");
}

#[test]
fn addenda_are_chained() {
    let report = signed();
    let first = add_addendum(
        &report,
        &[],
        ("Typing mistake", "L4, not L5."),
        signer(),
        true,
        NOW,
    )
    .unwrap();
    assert_eq!(first.number, 1);
    assert!(first.is_intact(&report.hash));
    let earlier = [first.clone()];
    let second = add_addendum(
        &report,
        &earlier,
        ("New images", "Unchanged."),
        signer(),
        true,
        NOW,
    )
    .unwrap();
    assert_eq!(second.number, 2);
    assert!(second.is_intact(&first.hash));
    // A chain without its first link does not hold.
    assert!(!second.is_intact(&report.hash));
    assert!(add_addendum(&report, &[], ("", "x"), signer(), true, NOW).is_err());
    assert!(add_addendum(&report, &[], ("x", " "), signer(), true, NOW).is_err());
    assert!(add_addendum(&report, &[], ("x", "y"), signer(), false, NOW).is_err());
}

#[test]
fn forms_are_taken_over_whole_or_not_at_all() {
    let mut draft = ReportDraft::default();
    let fields = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    draft
        .apply(
            &fields(&[("findings", "A"), ("quality", "limited")]),
            &tables(),
        )
        .unwrap();
    assert_eq!(
        (draft.text("findings"), draft.quality),
        ("A", Some(ExamQuality::Limited))
    );
    let refused = draft.apply(&fields(&[("findings", "B"), ("nonsense", "x")]), &tables());
    assert_eq!(refused.unwrap_err()[0].field, "nonsense");
    assert_eq!(draft.text("findings"), "A");
    assert!(
        draft
            .apply(&fields(&[("quality", "superb")]), &tables())
            .is_err()
    );
    draft.apply(&fields(&[("quality", "")]), &tables()).unwrap();
    assert_eq!(draft.quality, None);
    let long = "x".repeat(50_001);
    assert!(
        draft
            .apply(&fields(&[("findings", &long)]), &tables())
            .is_err()
    );
}

#[test]
fn a_first_impression_is_locked_once_and_says_something() {
    let locked = lock_first_impression(" Disc bulge L4/5. ", None, NOW).unwrap();
    assert_eq!(locked.text, "Disc bulge L4/5.");
    assert!(lock_first_impression("Something else", Some(&locked), NOW).is_err());
    assert_eq!(format!("{locked:?}").matches("Disc").count(), 0);
    for text in [
        "Nothing abnormal",
        "Sin hallazgos.",
        "Torn ACL",
        "No fracture",
    ] {
        assert!(lock_first_impression(text, None, NOW).is_ok(), "{text}");
    }
    for text in [
        " ",
        "x",
        "...",
        "a b c d e f g h",
        "ok ok",
        "seen",
        "12 34 56 78",
    ] {
        let problem = lock_first_impression(text, None, NOW).err().unwrap();
        assert!(problem.message.contains("few words"), "{text}");
    }
}

#[test]
fn an_original_report_is_kept_as_it_was() {
    assert_eq!(check_original("A\r\nB\rC\u{7}").as_deref(), Ok("A\nB\nC"));
    assert!(check_original(" \n ").is_err());
    assert!(check_original(&"x".repeat(200_001)).is_err());
}

#[test]
fn debug_shows_no_text() {
    let shown = format!("{:?} {:?}", full(), signed());
    assert!(!shown.contains("Text of"));
    assert!(!shown.contains("Lang"));
}
