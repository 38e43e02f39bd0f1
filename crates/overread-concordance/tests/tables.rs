//! Tables with a header: a cell answers the header of its column for the label of its row.

use overread_concordance::{Overall, Polarity, compare, statements};

#[test]
fn a_tick_under_no_denies_and_one_under_yes_states() {
    let table = |yes: &str, no: &str| {
        format!("| Finding | Yes | No |\n|---|---|---|\n| Pulmonary embolism | {yes} | {no} |")
    };
    for (yes, no, expected) in [
        ("", "X", Polarity::Absent),
        ("X", "", Polarity::Present),
        ("[ ]", "[x]", Polarity::Absent),
        ("\u{2612}", "\u{2610}", Polarity::Present),
    ] {
        let found = statements(&table(yes, no));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].polarity, expected, "{yes} {no}");
        assert_eq!(
            found[0].finding.replace("_absent", ""),
            "pulmonary_embolism"
        );
    }
    for (yes, no) in [("", ""), ("X", "X")] {
        assert!(statements(&table(yes, no)).is_empty(), "{yes} {no}");
    }
    let found = compare("CT PE", &table("", "X"), &table("X", ""));
    assert_eq!(found.overall, Some(Overall::ChangesManagement));
    let found = compare("CT PE", &table("", "X"), "No pulmonary embolism.");
    assert_eq!(found.overall, Some(Overall::Confirms));
}

#[test]
fn a_cell_answers_the_header_of_its_column() {
    for (calm, worse) in [
        (
            "| Level | Canal stenosis |\n|---|---|\n| L3-L4 | none |\n| L4-L5 | none |",
            "| Level | Canal stenosis |\n|---|---|\n| L3-L4 | none |\n| L4-L5 | severe |",
        ),
        (
            "Level\tCanal stenosis\nL3-L4\tnone\nL4-L5\tmild",
            "Level\tCanal stenosis\nL3-L4\tsevere\nL4-L5\tmild",
        ),
        (
            "| Level | Canal stenosis |\n| L4-L5 | mild |",
            "| Level | Canal stenosis |\n| L4-L5 | severe |",
        ),
    ] {
        let found = compare("MRI lumbar spine", calm, worse);
        assert_ne!(found.overall, Some(Overall::Confirms), "{worse}");
        let found = compare("MRI lumbar spine", calm, calm);
        assert_eq!(found.overall, Some(Overall::Confirms), "{calm}");
    }
    let table = "| Level | Canal stenosis |\n| L4-L5 | severe |";
    let found = compare("MRI lumbar spine", table, "L4-L5: severe canal stenosis.");
    assert_eq!(found.overall, Some(Overall::Confirms), "{found:?}");
}

#[test]
fn any_bars_and_tabs_are_read_without_panic() {
    for text in [
        "|",
        "||||",
        "a|",
        "|a",
        "\t\t",
        "| Finding | Yes | No |\n|",
        "x | y | no\n|||\n\t|\t",
    ] {
        let _ = statements(text);
    }
}

#[test]
fn the_first_line_of_a_table_without_header_is_kept() {
    let table = "| Right | hydronephrosis |\n| Left | no hydronephrosis |";
    let found = statements(table);
    assert!(
        found.iter().any(|s| s.polarity == Polarity::Present),
        "{found:?}"
    );
}
