//! The patients' glossary: its texts are plain, its words are found, and it calms nobody.

use std::collections::BTreeSet;

use overread_knowledge::{Glossary, Knowledge, Term, Wording};
use overread_model::letter::Language;
use overread_testkit::readability::{english_grade, spanish_perspicuity};
use proptest::prelude::*;

/// A seventh grader in the United States is twelve: the level that health agencies ask of texts for patients.
const ENGLISH_GRADE_MAX: f64 = 7.0;
/// The INFLESZ scale calls 55 to 65 "normal": what most adults read with ease, and its authors' bar for texts for patients.
const SPANISH_PERSPICUITY_MIN: f64 = 55.0;

fn glossary() -> &'static Glossary {
    &Knowledge::embedded().glossary
}

/// Leaves out the name that the text explains: the patient has to learn that word anyway.
fn without_name(text: &str, wording: &Wording) -> String {
    let mut phrases: Vec<&str> = std::iter::once(&wording.term)
        .chain(&wording.words)
        .map(String::as_str)
        .collect();
    phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut rest = text.to_owned();
    for phrase in phrases {
        let (found, phrase) = (rest.to_lowercase(), phrase.to_lowercase());
        // The texts are such that small letters stand where the large ones stood.
        assert_eq!(found.len(), rest.len(), "{text}");
        if let Some(at) = found.find(&phrase) {
            let end = at + phrase.len();
            if !is_letter(found[..at].chars().next_back())
                && !is_letter(found[end..].chars().next())
            {
                rest.replace_range(at..end, "");
            }
        }
    }
    rest
}

/// The texts of an entry that are too hard to read.
fn too_hard(term: &Term) -> Vec<String> {
    let notes = |language: Language| term.note.as_ref().map(|note| note.of(language).as_str());
    let mut hard = Vec::new();
    for text in std::iter::once(term.en.means.as_str()).chain(notes(Language::En)) {
        let grade = english_grade(&without_name(text, &term.en));
        if grade.is_some_and(|grade| grade > ENGLISH_GRADE_MAX) {
            hard.push(format!(
                "{} {:.1}: {text}",
                term.id,
                grade.unwrap_or_default()
            ));
        }
    }
    for text in std::iter::once(term.es.means.as_str()).chain(notes(Language::Es)) {
        let figure = spanish_perspicuity(&without_name(text, &term.es));
        if figure.is_some_and(|figure| figure < SPANISH_PERSPICUITY_MIN) {
            hard.push(format!(
                "{} {:.1}: {text}",
                term.id,
                figure.unwrap_or_default()
            ));
        }
    }
    hard
}

#[test]
fn every_text_is_plain() {
    let hard: Vec<String> = glossary().terms().flat_map(too_hard).collect();
    assert!(
        hard.is_empty(),
        "{} texts:\n{}",
        hard.len(),
        hard.join("\n")
    );
}

#[test]
fn a_hard_text_is_noticed() {
    let mut term = glossary()
        .terms()
        .find(|term| term.id == "mass")
        .unwrap()
        .clone();
    term.en.means =
        "Heterogeneous space-occupying abnormality of indeterminate histological composition."
            .to_owned();
    term.es.means =
        "Anormalidad heterogénea ocupante de espacio, de composición histológica indeterminada."
            .to_owned();
    assert_eq!(too_hard(&term).len(), 2);
    // The name itself does not count, the same word within another one does.
    let wording = &term.en;
    assert_eq!(
        without_name("A mass is here. Massive.", wording),
        "A  is here. Massive."
    );
}

#[test]
fn it_is_large_and_every_part_says_where_it_comes_from() {
    assert!(
        glossary().terms().count() >= 600,
        "{}",
        glossary().terms().count()
    );
    assert!(
        glossary()
            .terms()
            .filter(|term| term.note.is_some())
            .count()
            >= 40
    );
    for part in glossary().parts() {
        assert!(
            part.source.len() > 20 && part.checked_on.len() == 10 && part.needs_sign_off,
            "{}",
            part.region
        );
        assert!(part.terms.len() >= 10, "{}", part.region);
    }
}

#[test]
fn an_entry_says_what_a_thing_is_and_nothing_more() {
    const FORBIDDEN: [&str; 28] = [
        "worry",
        "harmless",
        "dangerous",
        "should see",
        "ask your",
        "call your",
        "nothing to fear",
        "good news",
        "fortunately",
        "very common",
        "usually fine",
        "safe",
        "treat with",
        "go to the",
        "you need",
        "you should",
        "preocup",
        "inofensiv",
        "peligros",
        "consulte",
        "llame a",
        "acuda",
        "tranquil",
        "por suerte",
        "no pasa nada",
        "usted debe",
        "debe ir",
        "es común",
    ];
    for term in glossary().terms() {
        for wording in [&term.en, &term.es] {
            let text = wording.means.to_lowercase();
            let found = FORBIDDEN.iter().find(|word| text.contains(**word));
            assert!(found.is_none(), "{}: {found:?}", term.id);
            assert!(
                wording.means.ends_with('.'),
                "{}: {}",
                term.id,
                wording.means
            );
            assert!(
                wording.means.matches(". ").count() <= 2,
                "{} is long",
                term.id
            );
        }
        let notes = term.note.iter().flat_map(|note| [&note.en, &note.es]);
        for note in notes.map(|note| note.to_lowercase()) {
            let found = FORBIDDEN.iter().find(|word| note.contains(**word));
            assert!(found.is_none(), "{}: {found:?}", term.id);
        }
    }
}

#[test]
fn the_misread_words_carry_a_note() {
    for id in [
        "degenerative",
        "lesion",
        "mass",
        "unremarkable",
        "negative",
        "positive",
        "acute",
        "cannot_exclude",
        "no_significant",
        "suspicious",
        "birads_3",
        "stable",
        "artifact",
        "incidental",
        "age_related",
        "clinical_correlation",
        "possible",
        "probable",
        "consistent_with",
    ] {
        let term = glossary().terms().find(|term| term.id == id);
        assert!(term.is_some_and(|term| term.note.is_some()), "{id}");
    }
}

fn found(language: Language, text: &str) -> Vec<(&str, &str)> {
    let places = glossary().find(language, text).into_iter();
    places
        .map(|place| (place.term.id.as_str(), &text[place.start..place.end]))
        .collect()
}

#[test]
fn a_report_shows_its_terms() {
    let text = "IMPRESSION: L4\u{2013}L5 disc extrusion touches the nerve root. A small extrusion at L5-S1.\nCannot be\nexcluded: discitis.";
    assert_eq!(
        found(Language::En, text),
        [
            ("impression", "IMPRESSION"),
            ("disc_extrusion", "disc extrusion"),
            ("nerve_root", "nerve root"),
            ("cannot_exclude", "Cannot be\nexcluded"),
            ("discitis", "discitis"),
        ]
    );
    assert_eq!(
        found(
            Language::Es,
            "Hernia discal L4-L5. NO SE PUEDE DESCARTAR lesion osea."
        ),
        [
            ("disc_herniation", "Hernia discal"),
            ("cannot_exclude", "NO SE PUEDE DESCARTAR"),
            ("bone_lesion", "lesion osea")
        ]
    );
}

#[test]
fn words_that_mean_something_else_there_are_left_alone() {
    // T1 is a vertebra, a tumor stage or a kind of image; a temporal bone is no lobe; an aortic root is no nerve root.
    for (text, ids) in [
        ("T1-T2 level", vec![]),
        ("T1N0M0", vec![]),
        ("Temporal bone", vec!["bone"]),
        ("aortic root", vec!["aorta"]),
        ("prior to surgery", vec![]),
        ("the spermatic cord", vec![]),
        ("papillary projection", vec!["solid"]),
        ("the tonsils are in normal position", vec!["normal"]),
        ("ICD-10", vec![]),
        ("massive amassed nodulectomy", vec![]),
        ("tell us it is as he or she had it", vec![]),
        ("cerebellar tonsils", vec!["cerebellum"]),
        ("BI-RADS 30", vec!["birads"]),
        ("inguinal lymph nodes", vec!["groin", "lymph_node"]),
        (
            "hyperintense on T1-weighted images",
            vec!["hyperintense", "t1_weighted"],
        ),
    ] {
        let found: Vec<&str> = found(Language::En, text)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        assert_eq!(found, ids, "{text}");
    }
    assert_eq!(
        found(
            Language::Es,
            "es mas de lo que se ve en la cara anterior, el resto"
        ),
        [("anterior", "anterior")]
    );
}

/// The findings of the comparison that have no plain name of their own.
const WITHOUT_TERM: &[&str] = &[];

#[test]
fn findings_of_the_comparison_have_a_term() {
    let file = include_str!("../../overread-concordance/data/findings.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let (mut count, mut without) = (0, BTreeSet::new());
    for finding in file["findings"].as_array().unwrap() {
        if finding["w"].as_u64().unwrap_or_default() == 0 {
            continue;
        }
        count += 1;
        let mut phrases = finding["terms"].as_str().unwrap().split("; ");
        // The whole phrase is a term, not a part of it.
        let has_term = phrases.any(|phrase| {
            let places = glossary().find(Language::En, phrase);
            matches!(places.as_slice(), [place] if place.start == 0 && place.end == phrase.len())
        });
        if !has_term {
            without.insert(finding["id"].as_str().unwrap());
        }
    }
    assert!(count > 250, "{count}");
    let expected: BTreeSet<&str> = WITHOUT_TERM.iter().copied().collect();
    assert_eq!(
        without,
        expected,
        "of {count} findings {} have a term",
        count - without.len()
    );
}

#[test]
fn a_broken_glossary_is_refused() {
    let part = |terms: &str| {
        format!(
            r#"{{"region": "r", "jurisdiction": "any", "checked_on": "d", "checked_by": "b", "source": "s",
               "needs_sign_off": true, "terms": [{terms}]}}"#
        )
    };
    let term = |id: &str, en: &str, means: &str| {
        format!(
            r#"{{"id": "{id}", "en": {{"term": "{en}", "words": [], "means": "{means}"}},
               "es": {{"term": "es {id}", "words": [], "means": "x"}}}}"#
        )
    };
    let check = |terms: &[String]| {
        Glossary::parse(&[&part(&terms.join(","))]).map_err(|error| error.to_string())
    };
    assert!(check(&[term("a", "one", "x"), term("b", "two", "x")]).is_ok());
    for (terms, says) in [
        (
            vec![term("a", "one", "x"), term("a", "two", "x")],
            "twice: a",
        ),
        (
            vec![term("a", "one", "x"), term("b", "Oné", "x")],
            "twice: Oné",
        ),
        (vec![term("a", "one", " ")], "empty text: a"),
        (vec![term("a", "gray/white", "x")], "empty text: gray/white"),
    ] {
        let error = check(&terms).expect_err("it is refused");
        assert!(error.ends_with(says), "{error}");
    }
    assert!(Glossary::parse(&["{"]).is_err());
}

proptest! {
    /// Odd texts: places lie on borders of characters, in order, apart, once each, and never within a word.
    #[test]
    fn places_are_sound(
        pieces in prop::collection::vec(
            prop_oneof![
                Just("disc herniation".to_owned()), Just("MASS".to_owned()), Just("óseo".to_owned()), Just("\u{AD}".to_owned()),
                Just("\u{301}".to_owned()), Just("-".to_owned()), Just("\n".to_owned()), Just("3.".to_owned()),
                Just("cannot be ".to_owned()), Just("🦴".to_owned()), "\\PC{0,6}", "[ \\n\\t]{0,3}",
            ],
            0..40,
        )
    ) {
        let text = pieces.concat();
        for language in Language::ALL {
            let places = glossary().find(language, &text);
            let ids: BTreeSet<&str> = places.iter().map(|place| place.term.id.as_str()).collect();
            prop_assert_eq!(ids.len(), places.len());
            let mut last = 0;
            for place in places {
                prop_assert!(place.start >= last && place.end > place.start);
                prop_assert!(text.get(place.start..place.end).is_some());
                let before = text[..place.start].chars().next_back();
                let after = text[place.end..].chars().next();
                prop_assert!(!before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric));
                last = place.end;
            }
        }
    }
}

#[test]
fn the_longest_text_costs_its_length() {
    // Words that begin phrases and never end them are the most costly: each is looked at once for each word of a phrase.
    let text = "cannot be entirely ".repeat(50_000);
    assert!(glossary().find(Language::En, &text).is_empty());
    let text = format!("{}mass", "a\u{AD}".repeat(500_000));
    assert!(glossary().find(Language::En, &text).is_empty());
}
