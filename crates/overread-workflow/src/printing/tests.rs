//! The paper of two reports that could not be compared, and words for counts.

use overread_concordance::{Concordance, compare};
use overread_documents::concordance::{
    Category, ConcordanceDocument, Relation, ReportText, uncompared,
};
use overread_documents::reports::{ExamLine, PatientLine, Practice};
use overread_model::hidden::Hidden;
use overread_model::ids::PersonId;
use overread_model::letter::Language;
use overread_model::report::{Addendum, Signer};
use overread_model::time::Timestamp;
use overread_store::concordances::ConcordanceRow;

use super::{addendum_lines, extent, printed_rows};
use crate::comparing::{Correction, as_judged};

fn document(language: Language, found: Concordance, texts: [&str; 2]) -> ConcordanceDocument {
    let text = |text: &str| ReportText {
        author: String::new(),
        date: None,
        text: Hidden(text.to_owned()),
    };
    ConcordanceDocument {
        language,
        practice: Practice::default(),
        patient: PatientLine::default(),
        exam: ExamLine::default(),
        case_number: "C-1".to_owned(),
        original: text(texts[0]),
        second: text(texts[1]),
        proposed: Some(Category::Refines),
        reasons: found.reasons.clone(),
        coverage_percent: 100,
        rows: printed_rows(&found.items, &[]),
        not_compared: Vec::new(),
        doubts: found
            .guard
            .problems
            .into_iter()
            .map(|problem| problem.message)
            .collect(),
        decision: None,
        engine: found.engine,
        made_at: Timestamp::from_micros(0),
        utc_offset_minutes: 0,
    }
}

fn check(found: Concordance, texts: [&str; 2], reason: &str) {
    let letter = uncompared(&document(Language::En, found, texts));
    let text = letter.to_text();
    let place = |words: &str| {
        text.find(words)
            .unwrap_or_else(|| panic!("{words}: {text}"))
    };
    assert!(place("could not be compared") < place(reason));
    assert!(place(reason) < place("First report in full"));
    assert!(place("First report in full") < place(texts[0]));
    assert!(place("Second report in full") < place(texts[1]));
    for calm in ["both reports say so", "adds or adjusts", "No difference"] {
        assert!(!text.contains(calm), "{text}");
    }
    assert!(letter.to_pdf().unwrap().starts_with(b"%PDF"));
}

#[test]
fn the_reason_stands_first_and_nothing_is_called_the_same() {
    let texts = [
        "MRI RIGHT KNEE. There is a tear of the medial meniscus. No fracture.",
        "MRI LEFT KNEE. There is a tear of the medial meniscus. No fracture.",
    ];
    let found = compare("MRI knee", texts[0], texts[1]);
    assert!(!found.comparable);
    check(found, texts, "titled right, the second left");
    let texts = ["Lungenembolie beidseits", "Keine Lungenembolie"];
    let found = compare("CT chest", texts[0], texts[1]);
    check(found, texts, "does not seem to be in English");
}

#[test]
fn a_result_of_the_first_rules_is_not_printed_as_a_comparison() {
    let texts = [
        "L4-L5: mild disc bulge.",
        "L4-L5: mild bulging of the disc.",
    ];
    let mut kept = serde_json::to_value(compare("MRI lumbar spine", texts[0], texts[1])).unwrap();
    let fields = kept.as_object_mut().unwrap();
    fields.remove("comparable");
    fields["engine"] = "overread-concordance 0.1.0 rules 1".into();
    let found: Concordance = serde_json::from_value(kept).unwrap();
    assert!(!found.comparable);
    check(found.marked_when_old(), texts, "made by older rules");
}

#[test]
fn the_paper_speaks_the_language_of_the_report() {
    let texts = ["Lungenembolie beidseits", "Keine Lungenembolie"];
    let found = compare("CT chest", texts[0], texts[1]);
    let text = uncompared(&document(Language::Es, found, texts)).to_text();
    assert!(text.contains("no se pudieron comparar"), "{text}");
}

#[test]
fn a_row_is_printed_as_the_reviewer_judged_it() {
    let text = "L4-L5 disc bulge.";
    let corrections = [Correction {
        item_idx: 0,
        class: "laterality".to_owned(),
        note: "Left on image 12.".to_owned(),
    }];
    let found = as_judged(compare("MRI lumbar spine", text, text), &corrections);
    let row = &printed_rows(&found.items, &corrections)[0];
    let note = row.reviewer.as_ref().map(|note| note.reveal().as_str());
    assert_eq!(note, Some("Left on image 12."));
    assert!(printed_rows(&found.items, &[])[0].reviewer.is_none());
    assert!(row.relation == Relation::Laterality && row.critical);
    assert!(row.sentence.0.contains("different sides"));
}

#[test]
fn one_image_is_no_plural() {
    for (counts, words) in [
        ((1, 1), "1 series, 1 image"),
        ((5, 112), "5 series, 112 images"),
        ((0, 0), "0 series, 0 images"),
    ] {
        assert_eq!(extent(counts.0, counts.1), words);
    }
}

fn addendum(number: u32, text: &str) -> Addendum {
    Addendum {
        number,
        reason: "Why.".to_owned(),
        text: text.to_owned(),
        signer: Signer {
            person_id: PersonId::from_random([1; 16]),
            name: String::new(),
            credentials: String::new(),
            licence: String::new(),
            subspecialty: String::new(),
            conflict_statement: String::new(),
        },
        signed_at: Timestamp::from_micros(0),
        hash: serde_json::from_str("\"\"").unwrap(),
    }
}

#[test]
fn every_addendum_that_is_not_compared_says_so_in_its_own_words() {
    let second = "IMPRESSION:\nA.\n\nADDENDUM 1\nFINDINGS:\nL4  12 mm".to_owned();
    let row = ConcordanceRow {
        id: String::new(),
        case_id: String::new(),
        report_id: String::new(),
        original_version: 1,
        inputs_digest: Vec::new(),
        engine_version: String::new(),
        result: String::new(),
        original_text: String::new(),
        second_text: second,
        made_at: 0,
        version: 1,
        corrections: String::new(),
        overall: None,
        note: String::new(),
        decided_by: None,
        decided_name: None,
        decided_at: None,
    };
    let addenda = [
        addendum(1, "L4  12 mm"),
        addendum(2, "L5  14 mm"),
        addendum(3, "S1"),
    ];
    for (language, apart) in [
        (Language::En, "It is not part of this comparison. Why."),
        (Language::Es, "No forma parte de esta comparación. Why."),
    ] {
        let lines: Vec<_> = addendum_lines(&row, &addenda, language).collect();
        let are_apart = lines.iter().map(|line| line.contains(apart));
        assert_eq!(are_apart.collect::<Vec<_>>(), [true, true, false]);
        assert!(lines[2].ends_with(" Why. L4  12 mm"), "{}", lines[2]);
    }
}
