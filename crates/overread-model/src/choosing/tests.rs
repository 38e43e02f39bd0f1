use std::collections::BTreeSet;

use super::{
    Clinical, Confidence, ReviewNeed, Reviewer, ReviewerKind, SpecialtyMap, Suggestion,
    check_choice, check_directory_entry, rank,
};
use crate::case::{CaseEvent, CaseFacts, CaseRole, CaseState, Guard, decide};
use crate::duration::WorkCalendar;
use crate::ids::ReviewerId;
use crate::time::Timestamp;

fn map() -> SpecialtyMap {
    let map = serde_json::json!({
        "subspecialties": [
            {"id": "neuroradiology", "en": "Neuroradiology", "es": "", "nucc": ["2085N0700X"], "local_tag": null, "notes": "", "source": "t"},
            {"id": "msk", "en": "Musculoskeletal radiology", "es": "", "nucc": ["2085R0202X"], "local_tag": "musculoskeletal", "notes": "", "source": "t"},
            {"id": "general", "en": "Diagnostic radiology", "es": "", "nucc": ["2085R0202X"], "local_tag": null, "notes": "", "source": "t"}
        ],
        "clinical_by_group": {"spine": [{"nucc": "207XS0117X", "en": "Orthopaedic surgery of the spine"}]},
        "condition_rules": [],
        "text_patterns": [["spine", "\\bSPINE\\b"]],
        "rules": [{"id": "R99", "when": {}, "primary": "general", "source": "t"}],
        "text_parts": [], "kinds": [], "related": {},
        "absorbs": {}, "modifiers": [], "weights": {}
    });
    let sides = include_str!("../../../overread-knowledge/data/subspecialty/sides.json");
    SpecialtyMap::parse(&map.to_string(), r#"{"terms": [], "variants": {}}"#, sides).unwrap()
}

fn need() -> ReviewNeed {
    ReviewNeed {
        suggestions: vec![Suggestion {
            group: Some("spine".to_owned()),
            rule: "R17".to_owned(),
            primary: "neuroradiology".to_owned(),
            alternates: vec!["msk".to_owned()],
            confidence: Confidence::High,
            reasons: vec!["Study description says LUMBAR SPINE".to_owned()],
            clinical: vec![Clinical {
                nucc: "207XS0117X".to_owned(),
                title: "Orthopaedic surgery of the spine".to_owned(),
            }],
            note: None,
        }],
        modalities: BTreeSet::from(["MR".to_owned()]),
        language: "en".to_owned(),
        patient_region: Some("US-WA".to_owned()),
        first_reader: "Smith, John MD".to_owned(),
        first_groups: vec!["City Imaging".to_owned()],
        ..ReviewNeed::default()
    }
}

fn reviewer(number: u8, name: &str, subspecialties: &[&str]) -> Reviewer {
    Reviewer {
        reviewer_id: ReviewerId::from_random([number; 16]),
        name: name.to_owned(),
        kind: ReviewerKind::Radiologist,
        npi: None,
        subspecialties: subspecialties.iter().map(|s| (*s).to_owned()).collect(),
        local_tags: Vec::new(),
        modalities: vec!["MR".to_owned(), "CT".to_owned()],
        institution: "University".to_owned(),
        licence_regions: vec!["US-WA".to_owned()],
        languages: vec!["en".to_owned()],
        paediatric: false,
        fee_cents: Some(25_000),
        turnaround_hours: Some(72),
        capacity: Some(5),
        open_task_count: 0,
        conflicts: Vec::new(),
        credential_active: true,
        active: true,
    }
}

fn order(reviewers: &[Reviewer], need: &ReviewNeed) -> Vec<String> {
    let ranking = rank(reviewers, need, &map());
    ranking
        .radiologists
        .iter()
        .filter_map(|row| reviewers.iter().find(|r| r.reviewer_id == row.reviewer_id))
        .map(|r| r.name.clone())
        .collect()
}

#[test]
fn the_right_subspecialty_comes_first_then_the_alternate() {
    let tagged = Reviewer {
        local_tags: vec!["musculoskeletal".to_owned()],
        ..reviewer(2, "By code and tag", &["2085R0202X"])
    };
    let all = [
        reviewer(1, "Generalist", &["general"]),
        tagged,
        reviewer(3, "Neuro", &["neuroradiology"]),
        reviewer(4, "Other", &["breast"]),
    ];
    assert_eq!(
        order(&all, &need()),
        ["Neuro", "By code and tag", "Generalist", "Other"]
    );
    let first = &rank(&all, &need(), &map()).radiologists[0];
    assert!(
        first.reasons[0].contains("Study description says LUMBAR SPINE"),
        "{:?}",
        first.reasons
    );
}

#[test]
fn a_wish_wins_over_the_computed_one() {
    let need = ReviewNeed {
        wanted_subspecialty: Some("msk".to_owned()),
        ..need()
    };
    let all = [
        reviewer(1, "Neuro", &["neuroradiology"]),
        reviewer(2, "Msk", &["msk"]),
    ];
    assert_eq!(order(&all, &need), ["Msk", "Neuro"]);
}

#[test]
fn ties_go_to_the_faster_then_the_cheaper() {
    let slow = Reviewer {
        turnaround_hours: Some(100),
        ..reviewer(1, "Slow", &["neuroradiology"])
    };
    let cheap = Reviewer {
        fee_cents: Some(10_000),
        ..reviewer(2, "Cheap", &["neuroradiology"])
    };
    let dear = reviewer(3, "Dear", &["neuroradiology"]);
    assert_eq!(
        order(&[slow, dear, cheap], &need()),
        ["Cheap", "Dear", "Slow"]
    );
}

fn excluded(change: impl FnOnce(&mut Reviewer, &mut ReviewNeed), expect: &str) {
    let (mut reviewer, mut need) = (reviewer(1, "Eva Lang", &["neuroradiology"]), need());
    change(&mut reviewer, &mut need);
    let reasons = check_choice(&reviewer, &need);
    if expect.is_empty() {
        assert!(reasons.is_empty(), "{reasons:?}");
    } else {
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(reasons[0].contains(expect), "{reasons:?}");
    }
}

#[test]
fn independence_is_checked() {
    excluded(|_, _| {}, "");
    excluded(
        |r, _| r.name = "Dr. John A. Smith".to_owned(),
        "first report",
    );
    excluded(|r, _| r.name = "Jane Smith".to_owned(), "");
    excluded(
        |r, n| {
            r.npi = Some("1234567893".to_owned());
            n.first_reader_npi.clone_from(&r.npi);
        },
        "first report",
    );
    excluded(
        |r, _| r.institution = "CITY  imaging".to_owned(),
        "exam was made at City Imaging (as the request",
    );
    excluded(
        |r, _| r.conflicts = vec!["City Imaging".to_owned()],
        "exam was made at City Imaging",
    );
    excluded(
        |r, n| {
            r.institution = "St. Ann Hosp.".to_owned();
            n.image_institutions = vec!["SAINT ANN HOSPITAL".to_owned()];
        },
        "SAINT ANN HOSPITAL (as the images",
    );
    excluded(
        |r, _| r.conflicts = vec!["John Smith".to_owned()],
        "who wrote the first report",
    );
    excluded(
        |r, n| {
            r.institution = "City Imaging".to_owned();
            n.tie_disclosed = true;
        },
        "",
    );
}

#[test]
fn licences_are_checked() {
    excluded(
        |r, _| r.licence_regions = vec!["US-OR".to_owned()],
        "no licence in US-WA",
    );
    excluded(|_, n| n.patient_region = None, "in which state");
    excluded(
        |r, n| {
            r.licence_regions.clear();
            n.consults_physician = true;
        },
        "",
    );
    excluded(
        |r, n| {
            r.licence_regions = vec!["ES".to_owned()];
            n.patient_region = Some("ES-MD".to_owned());
        },
        "",
    );
    excluded(
        |r, n| {
            r.licence_regions = vec!["US-WA".to_owned()];
            n.patient_region = Some("US".to_owned());
        },
        "licence",
    );
    excluded(|r, _| r.open_task_count = 5, "takes no more");
    excluded(|r, _| r.credential_active = false, "credentials");
    excluded(|r, _| r.active = false, "no cases");
    excluded(
        |r, n| {
            n.excluded.insert(r.reviewer_id.clone());
        },
        "Declined",
    );
}

#[test]
fn who_cannot_be_chosen_stands_last_with_the_reason() {
    let best = Reviewer {
        licence_regions: vec!["DE".to_owned()],
        ..reviewer(1, "Best", &["neuroradiology"])
    };
    let other = reviewer(2, "Other", &["breast"]);
    assert_eq!(order(&[best, other], &need()), ["Other", "Best"]);
}

#[test]
fn clinical_specialists_are_a_list_of_their_own() {
    let surgeon = Reviewer {
        kind: ReviewerKind::ClinicalSpecialist,
        ..reviewer(1, "Surgeon", &["207XS0117X"])
    };
    let other = Reviewer {
        kind: ReviewerKind::ClinicalSpecialist,
        ..reviewer(2, "Other", &["207Y00000X"])
    };
    let ranking = rank(
        &[other, surgeon, reviewer(3, "Neuro", &["neuroradiology"])],
        &need(),
        &map(),
    );
    assert_eq!(ranking.radiologists.len(), 1);
    assert_eq!(
        ranking.clinical_specialists[0].reviewer_id,
        ReviewerId::from_random([1; 16])
    );
    assert!(
        ranking.clinical_specialists[0].reasons[0].starts_with("Orthopaedic surgery of the spine")
    );
}

#[test]
fn children_and_languages_count() {
    let need = ReviewNeed {
        is_child: true,
        language: "es".to_owned(),
        ..need()
    };
    let fits = Reviewer {
        paediatric: true,
        languages: vec!["es".to_owned()],
        ..reviewer(1, "Fits", &["msk"])
    };
    let not = reviewer(2, "Not", &["neuroradiology"]);
    assert_eq!(order(&[not, fits], &need), ["Fits", "Not"]);
}

#[test]
fn nothing_known_is_said_to_be_nothing_known() {
    assert!(rank(&[], &ReviewNeed::default(), &map()).low_confidence);
    assert!(!rank(&[], &need(), &map()).low_confidence);
}

#[test]
fn the_guards_of_the_case_agree_with_the_list() {
    let facts_of = |reviewer: &Reviewer| CaseFacts {
        reviewer: need().reviewer_facts(reviewer, false),
        ..CaseFacts::default()
    };
    let choose = |reviewer: &Reviewer| {
        decide(
            CaseState::Matching,
            CaseEvent::ReviewerSelected,
            &[CaseRole::Coordinator],
            &facts_of(reviewer),
            &WorkCalendar::default(),
            Timestamp::from_micros(0),
        )
    };
    assert!(choose(&reviewer(1, "Eva Lang", &["msk"])).is_ok());
    let first = reviewer(1, "John Smith", &["msk"]);
    assert_eq!(choose(&first).unwrap_err().guards(), [Guard::NoConflict]);
    let elsewhere = Reviewer {
        licence_regions: vec!["DE".to_owned()],
        ..reviewer(1, "Eva Lang", &["msk"])
    };
    assert_eq!(
        choose(&elsewhere).unwrap_err().guards(),
        [Guard::LicenceFits]
    );
}

#[test]
fn directory_entries_are_checked() {
    let fields = |change: fn(&mut Reviewer)| -> Vec<String> {
        let mut entry = reviewer(1, "Eva Lang", &["msk"]);
        change(&mut entry);
        check_directory_entry(&entry, &map())
            .into_iter()
            .map(|p| p.field)
            .collect()
    };
    assert!(fields(|_| {}).is_empty());
    assert_eq!(fields(|r| r.name.clear()), ["name"]);
    assert_eq!(fields(|r| r.npi = Some("12".to_owned())), ["npi"]);
    assert_eq!(fields(|r| r.subspecialties.clear()), ["subspecialties"]);
    assert_eq!(
        fields(|r| r.subspecialties = vec!["magic".to_owned()]),
        ["subspecialties"]
    );
    assert_eq!(
        fields(|r| r.licence_regions = vec!["Washington".to_owned()]),
        ["licence_regions"]
    );
    assert_eq!(fields(|r| r.fee_cents = Some(-1)), ["fee_cents"]);
    assert_eq!(fields(|r| r.institution.clear()), ["institution"]);
}
