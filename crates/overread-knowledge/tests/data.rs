use std::collections::BTreeSet;

use overread_knowledge::{DataFiles, EMBEDDED, Knowledge, entries};
use overread_model::intake::{Advice, UrgencyLevel, advise};
use overread_model::letter::Language;

#[test]
fn every_entry_has_a_source() {
    let entries = entries(Knowledge::embedded());
    assert!(entries.len() > 150, "{}", entries.len());
    for entry in entries {
        assert!(
            !entry.id.trim().is_empty() && !entry.title.trim().is_empty(),
            "{entry:?}"
        );
        assert!(
            entry.source.trim().len() > 3,
            "{} in {} has no source",
            entry.id,
            entry.file
        );
        // Sources are documents, never the places on somebody's machine where they were read.
        assert!(
            !entry.source.contains("seed"),
            "{} names a source nobody can find",
            entry.id
        );
    }
}

#[test]
fn every_file_says_where_it_holds_and_when_it_was_read() {
    for text in [
        EMBEDDED.rules,
        EMBEDDED.protocols,
        EMBEDDED.specialties,
        EMBEDDED.sides,
        EMBEDDED.body_parts,
        EMBEDDED.triggers,
        EMBEDDED.first_reading,
        EMBEDDED.sections,
        EMBEDDED.coverage,
        EMBEDDED.consent,
        EMBEDDED.regions,
        EMBEDDED.retention,
        include_str!("../data/case/state_machine.json"),
        include_str!("../data/codes/modalities.json"),
    ] {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        for key in ["jurisdiction", "checked_on", "checked_by"] {
            assert!(
                value[key].as_str().is_some_and(|text| !text.is_empty()),
                "{key} of {}",
                &text[..80]
            );
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one line for each list")]
#[test]
fn the_lists_are_complete_and_without_doubles() {
    let knowledge = Knowledge::embedded();
    let count = |ids: Vec<&str>| {
        let distinct: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(distinct.len(), ids.len());
        ids.len()
    };
    assert_eq!(
        count(
            knowledge
                .rules
                .rules
                .iter()
                .map(|r| r.id.as_str())
                .collect()
        ),
        54
    );
    assert_eq!(
        count(
            knowledge
                .rules
                .protocols
                .iter()
                .map(|p| p.id.as_str())
                .collect()
        ),
        18
    );
    assert_eq!(
        count(
            knowledge
                .specialties
                .subspecialties
                .iter()
                .map(|s| s.id.as_str())
                .collect()
        ),
        19
    );
    assert_eq!(
        count(
            knowledge
                .specialties
                .rules
                .iter()
                .map(|r| r.id.as_str())
                .collect()
        ),
        31
    );
    assert_eq!(
        count(
            knowledge
                .intake
                .triggers
                .iter()
                .map(|t| t.id.as_str())
                .collect()
        ),
        11
    );
    assert_eq!(
        count(
            knowledge
                .intake
                .red_flags
                .items
                .iter()
                .map(|t| t.id.as_str())
                .collect()
        ),
        6
    );
    assert_eq!(
        count(
            knowledge
                .intake
                .urgency
                .iter()
                .map(|u| u.id.as_str())
                .collect()
        ),
        4
    );
    assert_eq!(
        count(
            knowledge
                .report
                .sections
                .iter()
                .map(|s| s.id.as_str())
                .collect()
        ),
        16
    );
    assert_eq!(knowledge.specialties.body_terms.len(), 139);
    assert!(knowledge.letters.letters.len() >= 14);
}

#[test]
fn both_languages_are_there() {
    let knowledge = Knowledge::embedded();
    let texts = knowledge
        .rules
        .rules
        .iter()
        .map(|rule| (&rule.title_en, &rule.title_es))
        .chain(
            knowledge
                .specialties
                .subspecialties
                .iter()
                .map(|s| (&s.en, &s.es)),
        )
        .chain(knowledge.intake.triggers.iter().map(|t| (&t.en, &t.es)))
        .chain(
            knowledge
                .intake
                .red_flags
                .items
                .iter()
                .map(|t| (&t.en, &t.es)),
        )
        .chain(knowledge.report.sections.iter().map(|s| (&s.en, &s.es)));
    for (en, es) in texts {
        assert!(!en.is_empty() && !es.is_empty(), "{en} / {es}");
    }
    let flags = &knowledge.intake.red_flags;
    assert!(flags.emergency_text_en.contains("911") && flags.emergency_text_es.contains("911"));
}

#[test]
fn letters_that_the_check_names_exist() {
    let knowledge = Knowledge::embedded();
    for kind in [
        "records_request_access",
        "provider_records_request",
        "hipaa_authorization",
    ] {
        assert!(knowledge.letters.letter(kind).is_some(), "{kind}");
    }
    for rule in &knowledge.rules.rules {
        assert!(
            rule.letter
                .as_deref()
                .is_none_or(|letter| letter == "records"),
            "{}",
            rule.id
        );
    }
}

#[test]
fn clinical_facts_wait_for_a_clinician() {
    let knowledge = Knowledge::embedded();
    assert!(
        knowledge
            .intake
            .red_flags
            .items
            .iter()
            .all(|item| item.needs_sign_off)
    );
    assert!(
        knowledge
            .rules
            .protocols
            .iter()
            .all(|item| item.needs_sign_off)
    );
    assert!(
        knowledge
            .specialties
            .rules
            .iter()
            .all(|item| item.needs_sign_off)
    );
}

#[test]
fn a_consent_names_who_and_what_and_waits_for_a_lawyer() {
    let consent = &Knowledge::embedded().consent;
    assert!(consent.all().all(|item| item.needs_sign_off));
    for language in Language::ALL {
        let text = consent.of(language, "Harbour Imaging", "MRI {organisation}");
        let [asking, rest @ ..] = text.as_slice() else {
            panic!("no paragraphs");
        };
        assert!(asking.contains("Harbour Imaging") && asking.contains("MRI {organisation}"));
        assert!(rest.len() >= 6 && rest.iter().all(|text| !text.contains(['{', '}'])));
        let unnamed = consent.of(language, "Harbour Imaging", "");
        let nothing = consent.unnamed_exam.of(language);
        assert!(unnamed.iter().any(|text| text.contains(nothing)));
    }
}

#[test]
fn triggers_add_up() {
    let tables = &Knowledge::embedded().intake;
    assert_eq!(advise(&["serious"], tables), Advice::Recommended);
    assert_eq!(advise(&["unclear", "confirm"], tables), Advice::Recommended);
    assert_eq!(advise(&["confirm", "quality"], tables), Advice::Reasonable);
    assert_eq!(
        advise(&["confirm", "confirm", "confirm"], tables),
        Advice::Reasonable
    );
    assert_eq!(advise(&["nonsense"], tables), Advice::Reasonable);
    assert_eq!(advise::<&str>(&[], tables), Advice::Reasonable);
}

#[test]
fn urgency_levels_are_those_of_the_model() {
    let tables = &Knowledge::embedded().intake;
    let span = |level| {
        tables
            .urgency
            .iter()
            .find(|entry| entry.id == level)
            .unwrap()
            .sla
            .map(|s| s.to_string())
    };
    assert_eq!(span(UrgencyLevel::Emergent), None);
    assert_eq!(span(UrgencyLevel::Urgent).as_deref(), Some("P1B"));
    assert_eq!(span(UrgencyLevel::Expedited).as_deref(), Some("P3B"));
    assert_eq!(span(UrgencyLevel::Standard).as_deref(), Some("P5B"));
}

#[test]
fn payer_clocks_are_found_by_plan() {
    let coverage = &Knowledge::embedded().coverage;
    let clock = coverage.decision_clock("medicare_advantage").unwrap();
    assert_eq!(clock.standard.unwrap().to_string(), "P7D");
    assert_eq!(
        coverage
            .decision_clock("original_medicare")
            .unwrap()
            .standard,
        None
    );
    assert_eq!(
        coverage
            .appeal_clock("erisa_self_funded")
            .unwrap()
            .file_within
            .to_string(),
        "P180D"
    );
    assert!(coverage.decision_clock("self_pay").is_none());
}

#[test]
fn a_broken_file_is_named() {
    let files = DataFiles {
        triggers: "{",
        ..EMBEDDED
    };
    assert_eq!(
        Knowledge::parse(&files).unwrap_err().to_string(),
        "triggers.json cannot be read"
    );
    let map = EMBEDDED
        .specialties
        .replace("\"primary\": \"pathology\"", "\"primary\": \"palmistry\"");
    let files = DataFiles {
        specialties: &map,
        ..EMBEDDED
    };
    assert!(Knowledge::parse(&files).is_err());
}

#[test]
fn a_state_is_known_by_name_and_code() {
    let regions = &Knowledge::embedded().regions;
    assert!(!regions.source.is_empty() && regions.regions.len() == 56);
    for (typed, code) in [
        ("Washington", Some("US-WA")),
        (" washington ", Some("US-WA")),
        ("WA", Some("US-WA")),
        ("us-wa", Some("US-WA")),
        ("Washington (US-WA)", Some("US-WA")),
        ("California", Some("US-CA")),
        ("US-CA", Some("US-CA")),
        ("CA-ON", Some("CA-ON")),
        ("es", Some("ES")),
        // California or Canada, Delaware or Germany: nobody guesses.
        ("CA", None),
        ("de", None),
        ("US-ZZ", None),
        ("US", None),
        ("Somewhere", None),
        ("", None),
    ] {
        assert_eq!(regions.code_of(typed).as_deref(), code, "{typed}");
    }
    assert_eq!(regions.words("US-WA"), "Washington (US-WA)");
}

#[test]
fn every_rule_of_retention_names_its_law_and_asks_nobody_to_erase() {
    let rules = &Knowledge::embedded().retention.rules;
    assert!(!rules.is_empty());
    for rule in rules {
        assert_eq!(rule.fault(), None, "{}", rule.name);
        assert!(!rule.unconfirmed, "{}", rule.name);
    }
    let mammograms = rules.iter().find(|rule| rule.modalities == ["MG"]).unwrap();
    assert!(mammograms.years >= 10 && mammograms.source.contains("900.12(c)(4)"));
}
