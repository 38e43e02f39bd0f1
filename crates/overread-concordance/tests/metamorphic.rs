//! Saying the same in other words is no difference; saying something else is.

use overread_concordance::{Class, Concordance, ItemKind, Polarity, compare};

use crate::pairs::own;

fn reports() -> Vec<(String, String)> {
    ["a", "b", "c", "d"]
        .iter()
        .flat_map(|b| own(b).pairs)
        .flat_map(|p| {
            let text = |k: &str| p[k].as_str().unwrap().to_string();
            [
                (text("exam"), text("original")),
                (text("exam"), text("second")),
            ]
        })
        .collect()
}

fn false_difference(found: &Concordance) -> bool {
    found.items.iter().any(|i| {
        let silent = i.polarity == Polarity::Absent
            && matches!(i.class, Class::OnlyOriginal | Class::OnlySecond);
        i.kind != ItemKind::Recommendation && i.class != Class::Agree && !silent
    })
}

/// Share of reports that differ from their own rewording.
fn noise(name: &str, reword: impl Fn(&str) -> String) -> f64 {
    let all = reports();
    let mut wrong = 0;
    for (exam, text) in &all {
        let other = reword(text);
        let found = compare(exam, text, &other);
        if false_difference(&found) {
            wrong += 1;
            let shown: Vec<&String> = found
                .items
                .iter()
                .filter(|i| !matches!(i.class, Class::Agree))
                .take(3)
                .map(|i| &i.sentence)
                .collect();
            println!("{name}: {shown:?}");
        }
    }
    let rate = f64::from(wrong) / all.len() as f64;
    println!("{name}: false difference in {rate:.3}");
    rate
}

#[test]
fn the_report_itself() {
    assert!(noise("itself", str::to_string) <= 0.02);
}

#[test]
fn other_units() {
    let rate = noise("units", |t| {
        let mut out = String::new();
        let words: Vec<&str> = t.split(' ').collect();
        for (i, word) in words.iter().enumerate() {
            let unit = words
                .get(i + 1)
                .map(|u| u.trim_end_matches([',', '.', ';', ')']));
            let plain = word
                .parse::<f64>()
                .ok()
                .filter(|_| i == 0 || words[i - 1] != "x");
            match (plain, unit) {
                (Some(v), Some("mm")) => out.push_str(&format!("{} ", v / 10.0)),
                _ if i > 0
                    && word.starts_with("mm")
                    && words[i - 1].parse::<f64>().is_ok()
                    && (i < 2 || words[i - 2] != "x") =>
                {
                    out.push_str(&format!("{} ", word.replacen("mm", "cm", 1)));
                }
                _ => {
                    out.push_str(word);
                    out.push(' ');
                }
            }
        }
        out
    });
    assert!(rate <= 0.05, "{rate}");
}

#[test]
fn other_level_notation() {
    let rate = noise("levels", |t| {
        let mut out = t.to_string();
        for (a, b) in [
            ("L4-L5", "L4/5"),
            ("L5-S1", "L5/S1"),
            ("L3-L4", "L3/4"),
            ("C5-C6", "C5/6"),
            ("L4-5", "L4-L5"),
            ("C4-C5", "C4-5"),
            ("L3-4", "L3/L4"),
        ] {
            out = out.replace(a, b);
        }
        out
    });
    assert!(rate <= 0.05, "{rate}");
}

#[test]
fn without_section_headings() {
    let rate = noise("headings", |t| {
        let mut out = t.to_string();
        for h in [
            "FINDINGS:",
            "Findings:",
            "IMPRESSION:",
            "Impression:",
            "FINDINGS",
            "IMPRESSION",
            "Conclusion:",
            "Opinion:",
        ] {
            out = out.replace(h, "");
        }
        out
    });
    assert!(rate <= 0.05, "{rate}");
}

#[test]
fn lines_in_another_order() {
    let rate = noise("order", |t| t.lines().rev().collect::<Vec<_>>().join("\n"));
    assert!(rate <= 0.10, "{rate}");
}

/// Share of flips that are noticed.
fn noticed(name: &str, flips: &[(&str, &str)], classes: &[Class]) -> f64 {
    let (mut seen, mut all) = (0, 0);
    for (exam, text) in &reports() {
        for (from, to) in flips {
            let Some(at) = text.find(from) else { continue };
            let flipped = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
            let found = compare(exam, text, &flipped);
            all += 1;
            let hit = found.items.iter().any(|i| {
                classes.contains(&i.class)
                    || matches!(i.class, Class::OnlyOriginal | Class::OnlySecond)
                        && i.polarity == Polarity::Present
            });
            seen += usize::from(hit);
            if !hit {
                let line = text[at.saturating_sub(0)..]
                    .chars()
                    .take(60)
                    .collect::<String>();
                println!("{name} not noticed: {from} -> {to}: {line:?}");
            }
        }
    }
    let rate = seen as f64 / all.max(1) as f64;
    println!("{name}: {seen} of {all} noticed");
    rate
}

#[test]
fn a_flipped_grade_is_found() {
    let rate = noticed(
        "grade",
        &[
            ("Mild ", "Severe "),
            ("mild ", "severe "),
            ("severe ", "mild "),
            ("moderate ", "severe "),
        ],
        &[Class::Severity, Class::Interpretation, Class::Contradicted],
    );
    assert!(rate >= 0.80, "{rate}");
}

#[test]
fn a_flipped_side_is_found() {
    let rate = noticed(
        "side",
        &[
            (" left ", " right "),
            (" right ", " left "),
            ("Left ", "Right "),
        ],
        &[Class::Laterality, Class::Contradicted, Class::Location],
    );
    assert!(rate >= 0.80, "{rate}");
}

#[test]
fn a_dropped_denial_is_found() {
    let rate = noticed(
        "denial",
        &[
            ("No ", "There is "),
            (" no ", " a "),
            (" without ", " with "),
        ],
        &[Class::Contradicted, Class::Certainty],
    );
    assert!(rate >= 0.70, "{rate}");
}
