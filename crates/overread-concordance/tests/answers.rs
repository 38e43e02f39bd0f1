//! Templates: what stands after the colon, the question mark or in the box says whether it is there.

use overread_concordance::{Class, Overall, Polarity, compare, statements};

/// The polarity of the only statement of a line, `None` when the line states nothing.
fn check(line: &str, expected: Option<Polarity>) {
    let found = statements(line);
    assert!(found.len() <= 1, "{line}: {found:?}");
    assert_eq!(found.first().map(|s| s.polarity), expected, "{line}");
}

#[test]
fn a_denying_answer_denies() {
    let answers = [
        ": no",
        ": No.",
        ": NO",
        ": none",
        ": None.",
        ": nil",
        ": negative",
        ": absent",
        ": not seen",
        ": not identified",
        ": no evidence",
        ": 0",
        ": [ ]",
        ": \u{2610}",
        "? No",
        "? None.",
        " - none",
        " \u{2013} no",
        " (-)",
        " (no)",
        " | no",
        "\tno",
        "      no",
        " = no",
        " no",
        " ...... no",
        ":\nNone.",
        ":** No",
        ": no [x] yes [ ]",
        ": [ ] yes [x] no",
        ": ( ) present (x) absent",
        ": ninguno",
        ": negativo",
        ": ausente",
        ": N",
        ",no",
        "? A: no.",
        ": no se observa",
        ": None bilaterally",
        ": No.\n",
    ];
    for finding in ["Pulmonary embolism", "Hydronephrosis", "Rib fractures"] {
        for answer in answers {
            check(&format!("{finding}{answer}"), Some(Polarity::Absent));
            check(&format!("- {finding}{answer}"), Some(Polarity::Absent));
        }
    }
}

#[test]
fn an_affirming_answer_states() {
    let answers = [
        ": yes",
        ": Yes.",
        ": YES",
        ": Y",
        ",yes",
        ": present",
        ": positive",
        ": 3",
        ": [x]",
        ": [X]",
        ": \u{2611}",
        "? Yes",
        " - yes",
        " (+)",
        " | yes",
        "\tyes",
        "      yes",
        " yes",
        " ...... yes",
        ":\nYes.",
        ": [x] yes [ ] no",
        ": s\u{ed}",
        ": positivo",
        ": yes, on the right",
        ": Yes - small",
        ": small",
        ": possible",
        ": No change",
    ];
    for finding in ["Pulmonary embolism", "Hydronephrosis", "Rib fractures"] {
        for answer in answers {
            check(&format!("{finding}{answer}"), Some(Polarity::Present));
        }
    }
}

#[test]
fn what_was_not_answered_states_nothing() {
    for answer in [
        ": yes / no",
        ": n/a",
        ": not assessed",
        ": -",
        ": [ ] yes [ ] no",
        ": unknown",
    ] {
        check(&format!("Pulmonary embolism{answer}"), None);
    }
    check("[ ] No fracture", None);
    check("[ ] Normal liver", None);
}

#[test]
fn boxes_before_their_words_speak_of_them_alone() {
    for line in [
        "[ ] Pulmonary embolism [x] Pneumonia [ ] Pneumothorax",
        "\u{2610} Pulmonary embolism \u{2612} Pneumonia \u{2610} Pneumothorax",
        "- [ ] Pulmonary embolism\n- [x] Pneumonia\n- [ ] Pneumothorax",
        "Pulmonary embolism [ ] Pneumonia [x] Pneumothorax [ ]",
        "Pulmonary embolism: no, pneumonia: yes, pneumothorax: no",
        "Pulmonary embolism: No Pneumonia: Yes Pneumothorax: No",
        "Pulmonary embolism: No   Pneumonia: Yes   Pneumothorax: No",
        "1. Pulmonary embolism: no 2. Pneumonia: yes 3. Pneumothorax: no",
        "Pulmonary embolism? No. Pneumonia? Yes. Pneumothorax? No.",
        "Pulmonary embolism no; pneumonia yes; pneumothorax no",
    ] {
        let found = statements(line);
        let polarities: Vec<Polarity> = found.iter().map(|s| s.polarity).collect();
        use Polarity::{Absent, Present};
        assert_eq!(polarities, [Absent, Present, Absent], "{line}");
    }
}

#[test]
fn a_label_is_only_the_topic_of_a_sentence_that_denies_it() {
    check("Fracture: No acute fracture.", Some(Polarity::Absent));
    check("Nodules: There are no nodules.", Some(Polarity::Absent));
    check("Fracture - no acute.", Some(Polarity::Absent));
    check("Effusion: no significant.", Some(Polarity::Absent));
    check("Stroke? No evidence of infarct.", Some(Polarity::Absent));
    let kept = statements("L4-5 disc protrusion: no nerve compression.");
    assert!(
        kept.iter()
            .any(|s| s.finding == "disc_protrusion" && s.polarity == Polarity::Present)
    );
    let kept = statements("Mild canal stenosis - no cord compression.");
    assert!(
        kept.iter()
            .any(|s| s.finding.contains("stenosis") && s.polarity == Polarity::Present)
    );
    check(
        "A liver mass (not seen previously).",
        Some(Polarity::Present),
    );
}

#[test]
fn opposite_answers_never_confirm() {
    for (original, second) in [
        ("Pulmonary embolism: no.", "Pulmonary embolism: yes."),
        ("Fractures: none", "Fractures: 3"),
        ("Fracture - no acute.", "Fracture - yes."),
        ("Stroke? No", "Stroke? Yes"),
        ("Hydronephrosis | no", "Hydronephrosis | yes"),
        ("Pulmonary embolism: [ ]", "Pulmonary embolism: [x]"),
        ("Pulmonary embolism: ninguno", "Pulmonary embolism: s\u{ed}"),
        ("Gallbladder: normal.", "Gallbladder: stones."),
    ] {
        for (a, b) in [(original, second), (second, original)] {
            let found = compare("CT", a, b);
            assert_eq!(
                found.overall,
                Some(Overall::ChangesManagement),
                "{a} / {b}: {found:?}"
            );
            assert_eq!(found.items[0].class, Class::Contradicted, "{a} / {b}");
        }
    }
}

#[test]
fn a_number_answers_how_many() {
    let found = compare("XR chest", "Rib fractures: 1", "Rib fractures: 4");
    assert_eq!(found.items[0].class, Class::Severity, "{found:?}");
    let found = compare("XR chest", "Rib fractures: 2", "Two rib fractures.");
    assert_eq!(found.overall, Some(Overall::Confirms), "{found:?}");
}

#[test]
fn the_same_answers_in_other_words_confirm() {
    let found = compare(
        "CT chest",
        "Pulmonary embolism: No\nPneumonia: No\nPleural effusion: [ ]\nPneumothorax | no",
        "No pulmonary embolism. Pneumonia: negative. No pleural effusion. Pneumothorax? None.",
    );
    assert_eq!(found.overall, Some(Overall::Confirms), "{found:?}");
}

#[test]
fn other_answers_for_other_places_are_listed_and_never_confirmed() {
    let calm = "No fracture. Conus normal. Alignment normal.";
    let one = format!("{calm}\nDisc herniation: L4-5 yes, L5-S1 no.");
    let other = format!("{calm}\nDisc herniation at L4-5.");
    let found = compare("MRI lumbar spine", &one, &other);
    assert_ne!(found.overall, Some(Overall::Confirms), "{found:?}");
    assert!(
        found
            .not_compared
            .iter()
            .any(|n| n.span.text.contains("L5-S1 no")),
        "{found:?}"
    );
}

#[test]
fn a_tick_before_a_denial_keeps_the_denial() {
    for tick in [
        "[x]", "- [x]", "(x)", "[X]", "\u{2612}", "\u{2713}", "\u{2611}",
    ] {
        check(
            &format!("{tick} No pulmonary embolism"),
            Some(Polarity::Absent),
        );
        check(
            &format!("{tick} Pulmonary embolism"),
            Some(Polarity::Present),
        );
        let ticked = format!("{tick} No pulmonary embolism\n{tick} Heart size normal");
        let found = compare("CT PE", &ticked, "Pulmonary embolism. Heart size normal.");
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{tick}");
    }
}

#[test]
fn letters_and_figures_answer_behind_an_equal_sign() {
    for (line, polarity) in [
        ("Pulmonary embolism = 0", Polarity::Absent),
        ("Pulmonary embolism = 1", Polarity::Present),
        ("Pulmonary embolism: F", Polarity::Absent),
        ("Pulmonary embolism: T", Polarity::Present),
        ("Pulmonary embolism: +", Polarity::Present),
        ("Pulmonary embolism: ++", Polarity::Present),
    ] {
        check(line, Some(polarity));
    }
}
