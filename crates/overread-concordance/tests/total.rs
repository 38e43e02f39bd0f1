//! Any text gives an answer: no panic, true places, no hang.

use overread_concordance::{Class, Concordance, compare, context_of, jsonl, plain, statements};
use proptest::prelude::*;

use crate::pairs::own;

fn places_are_true(found: &Concordance, original: &str, second: &str) {
    let check = |spans: &Option<Vec<overread_concordance::Span>>, text: &str| {
        for span in spans.iter().flatten() {
            let there: String = text
                .chars()
                .skip(span.start)
                .take(span.end - span.start)
                .collect();
            assert!(span.start < span.end);
            assert_eq!(there, span.text);
        }
    };
    for item in &found.items {
        check(&item.original, original);
        check(&item.second, second);
        match item.class {
            Class::Laterality | Class::Location => assert!(item.critical),
            Class::Agree | Class::MoreDetail => assert!(!item.critical),
            _ => {}
        }
    }
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("No".to_string()),
        Just("left".to_string()),
        Just("L4-L5:".to_string()),
        Just("disc extrusion".to_string()),
        Just("8 mm".to_string()),
        Just("not".to_string()),
        Just("IMPRESSION:".to_string()),
        Just("\n".to_string()),
        Just("1.".to_string()),
        Just("BI-RADS 4B".to_string()),
        Just(",".to_string()),
        Just(".".to_string()),
        Just("rather than".to_string()),
        Just("32w1d".to_string()),
        Just("the level below".to_string()),
        Just("non".to_string()),
        "\\PC{0,8}",
        "[a-z0-9/\\-]{1,9}",
    ];
    proptest::collection::vec(word, 0..40).prop_map(|w| w.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_unicode(exam in "\\PC{0,20}", a in "\\PC{0,200}", b in "\\PC{0,200}") {
        let found = compare(&exam, &a, &b);
        places_are_true(&found, &a, &b);
        let _ = plain::view(&found, plain::Reader::Patient);
    }

    #[test]
    fn report_like_noise(a in words(), b in words()) {
        let found = compare("MRI lumbar spine", &a, &b);
        places_are_true(&found, &a, &b);
        let _ = (plain::view(&found, plain::Reader::Patient), statements(&a), context_of(&a, &b));
    }

    #[test]
    fn the_same_twice(a in words()) {
        let found = compare("CT chest", &a, &a);
        prop_assert_eq!(&found, &compare("CT chest", &a, &a));
    }

    #[test]
    fn any_line(line in "\\PC{0,80}") {
        let _ = (jsonl::compare_line(&line), jsonl::statements_line(&line));
    }
}

#[test]
fn places_count_code_points() {
    let original = "Fractura \u{e1}\u{1f600}. Left paracentral disc extrusion at L4-L5.";
    let found = compare(
        "MRI lumbar spine",
        original,
        "Right paracentral disc extrusion at L4-L5.",
    );
    places_are_true(
        &found,
        original,
        "Right paracentral disc extrusion at L4-L5.",
    );
    assert!(!found.items.is_empty());
}

#[test]
fn long_reports_end() {
    let pairs = own("a");
    let mut long = String::new();
    while long.len() < 200_000 {
        for pair in &pairs.pairs {
            long.push_str(pair["original"].as_str().unwrap());
            long.push('\n');
        }
    }
    let started = std::time::Instant::now();
    let found = compare("CT abdomen", &long, &long);
    println!(
        "200 kB against 200 kB: {:?}, {} rows",
        started.elapsed(),
        found.items.len()
    );
    assert!(
        started.elapsed().as_secs() < 60,
        "took {:?}",
        started.elapsed()
    );
    let one_word = "a".repeat(200_000);
    let _ = compare("CT", &one_word, &"L4-".repeat(60_000));
    let _ = compare("CT", &"no, ".repeat(50_000), &"1 x ".repeat(50_000));
}

#[test]
fn lines_answer_in_the_agreed_form() {
    let line =
        r#"{"id":"x","exam":"MRI knee","original":"ACL tear.","second":"The ACL is intact."}"#;
    let answer: serde_json::Value =
        serde_json::from_str(&jsonl::compare_line(line).unwrap()).unwrap();
    assert_eq!(answer["id"], "x");
    assert_eq!(answer["overall"], "changes_management");
    assert_eq!(answer["items"][0]["class"], "contradicted");
    assert_eq!(answer["items"][0]["original"][0]["start"], 0);
    let line = r#"{"id":"y","sentence":"No pleural effusion.","concept":"pleural effusion"}"#;
    let answer: serde_json::Value =
        serde_json::from_str(&jsonl::statements_line(line).unwrap()).unwrap();
    assert_eq!(answer["negation"], "negated");
    assert!(jsonl::compare_line("not json").is_err());
}
