use std::collections::HashSet;

use super::{Class, SpanishFile, expanded};
use crate::lexicon::lexicon;
use crate::text::{self, Kind};

fn file() -> SpanishFile {
    serde_json::from_str(include_str!("../../data/spanish.json")).unwrap()
}

fn english(spanish: &str) -> String {
    let lex = lexicon();
    let mut read = text::read(spanish, usize::MAX, &lex.spelling);
    lex.spanish.translate(lex, &mut read);
    let words: Vec<&str> = read.tokens.iter().map(|t| t.norm.as_str()).collect();
    words.join(" ")
}

#[test]
fn the_table_is_whole_and_names_its_source() {
    let value: serde_json::Value =
        serde_json::from_str(include_str!("../../data/spanish.json")).unwrap();
    for key in ["source", "checked_on", "about"] {
        assert!(!value[key].as_str().unwrap().trim().is_empty(), "{key}");
    }
    let file = file();
    let lex = lexicon();
    let (mut seen, mut count) = (HashSet::new(), 0);
    for (spanish, _) in file.lists.iter().flat_map(|l| &l.words) {
        count += 1;
        for set in spanish.split('{').skip(1) {
            let name = set.split('}').next().unwrap();
            assert!(file.sets.contains_key(name), "{spanish}");
        }
        let phrase = expanded(spanish, &file.sets).pop().unwrap();
        let read = text::read(&phrase, usize::MAX, &lex.spelling);
        let (words, _) = lex.spanish.words(&read, &read.tokens);
        let key: Vec<String> = words.into_iter().map(|t| t.norm).collect();
        assert!(!key.is_empty(), "{spanish}");
        if !spanish.contains('{') {
            assert!(seen.insert(key), "{spanish} stands there twice");
        }
    }
    assert!(count >= 1_500, "{count}");
}

/// A word the lexicon does not know would be lost without anybody seeing it.
#[test]
fn every_finding_and_place_is_one_of_the_lexicon() {
    let lex = lexicon();
    let mut lost = Vec::new();
    for list in &file().lists {
        let named = ["findings", "further findings", "places"].contains(&list.name.as_str());
        for (spanish, to) in &list.words {
            let tokens = text::read(to, usize::MAX, &lex.spelling).tokens;
            let found = !lex.finding_terms.find(&tokens).is_empty()
                || !lex.node_terms.find(&tokens).is_empty();
            let lone = |t: &text::Token| t.is_word() && !lex.spelling.knows(&t.norm);
            let unknown = list.class == Class::Adjective && tokens.iter().any(lone);
            if named && !found || unknown {
                lost.push(format!("{spanish} = {to}"));
            }
        }
    }
    assert!(lost.is_empty(), "{}: {lost:#?}", lost.len());
}

#[test]
fn a_noun_and_its_adjectives_are_turned_round() {
    for (spanish, wanted) in [
        (
            "Estenosis foraminal derecha leve en L4-L5 sin listesis.",
            "mild right foraminal stenosis in l4 - l5 without listhesis .",
        ),
        (
            "Derrame pleural izquierdo y leve engrosamiento del septo con atelectasia.",
            "left pleural effusion and mild thickening of septo with atelectasis .",
        ),
        (
            "Los ligamentos cruzados anterior y posterior están íntegros.",
            "anterior and posterior cruciate ligament is intact .",
        ),
        ("El neumotórax no se observa.", "pneumothorax is not seen ."),
    ] {
        assert_eq!(english(spanish), wanted, "{spanish}");
    }
}

/// What is quoted of a report are its own words: places rise, none is outside, marks keep theirs.
#[test]
fn places_stay_in_order() {
    let spanish = "RM. Estenosis foraminal derecha leve en L4-L5, sin\nsignos de hernia; el disco está íntegro.";
    let lex = lexicon();
    let mut read = text::read(spanish, usize::MAX, &lex.spelling);
    let marks = |t: &text::Text| -> Vec<(usize, usize)> {
        let marks = t
            .tokens
            .iter()
            .filter(|t| !t.is_word() && t.kind != Kind::Newline);
        marks.map(|t| (t.start, t.end)).collect()
    };
    let before = marks(&read);
    lex.spanish.translate(lex, &mut read);
    assert_eq!(marks(&read), before);
    for pair in read.tokens.windows(2) {
        assert!(pair[0].start <= pair[1].start && pair[0].end <= pair[1].end);
    }
    assert!(read.tokens.iter().all(|t| t.end <= read.chars.len()));
}

#[test]
fn neighbours_of_spanish_and_english_stay_what_they_are() {
    for other in [
        "Sem evidência de fratura. Não há hérnia discal em L4-L5.",
        "Nessuna lesione. Non si osserva emorragia con una frattura della testa.",
        "Pas de fracture visible. Le disque est normal dans son ensemble.",
        "Sense fractura. El disc és normal amb els marges conservats.",
        "No fracture. The disc is normal with a mild bulge.",
        "Pneumothorax: no",
    ] {
        let lex = lexicon();
        let mut read = text::read(other, usize::MAX, &lex.spelling);
        lex.spanish.translate(lex, &mut read);
        assert!(read.spanish.is_empty(), "{other}");
    }
}
