//! The same letters on paper.

use overread_documents::letters::{self, Letter, compose};
use overread_model::letter::{Language, Requester};

use crate::hostile::{NASTY, letter_with};
use crate::snapshots;
use crate::worlds::{CATALOG, facts, facts_in, kind, today};

/// Returns the words of a PDF without their spaces, since a line may break anywhere.
pub(crate) fn words(pdf: &[u8]) -> String {
    let text = pdf_extract::extract_text_from_mem(pdf).unwrap();
    squeeze(&text)
}

pub(crate) fn squeeze(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{200B}')
        .collect()
}

fn check(letter: &Letter, name: &str) {
    let pdf = letter
        .to_pdf()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    snapshots::show(&format!("{name}.pdf"), &pdf);
    let words = words(&pdf);
    let blocks = letter.blocks.iter();
    let mut texts: Vec<&String> = blocks
        .flat_map(|block| {
            block
                .paragraphs
                .iter()
                .chain(&block.items)
                .chain(&block.label)
        })
        .collect();
    texts.extend(
        letter
            .recipient
            .iter()
            .chain(&letter.sender)
            .chain(&letter.enclosures)
            .chain(&letter.signature),
    );
    texts.extend([&letter.subject, &letter.salutation, &letter.closing]);
    for text in texts {
        assert!(
            words.contains(&squeeze(text)),
            "{name}: {text:?} is not on paper:\n{words}"
        );
    }
    let raw = String::from_utf8_lossy(&pdf);
    for claim in ["pdfaid:part", "pdfuaid:part"] {
        assert!(raw.contains(claim), "{name} does not claim {claim}");
    }
    assert!(
        raw.contains("/StructTreeRoot") || raw.contains("/MarkInfo") || raw.contains("/ObjStm"),
        "{name} has no tags"
    );
}

#[test]
fn every_kind_is_set_in_both_languages() {
    for entry in letters::list(&CATALOG) {
        for (requester, language) in [
            (entry.requesters[0], Language::En),
            (*entry.requesters.last().unwrap(), Language::Es),
        ] {
            let facts = facts_in(&entry.id, requester, language);
            let letter = compose(&CATALOG, entry, &facts, language, today()).unwrap();
            check(
                &letter,
                &format!("{}.{}.{language}", entry.id, requester.as_str()),
            );
        }
    }
}

#[test]
fn hostile_text_is_set_as_text() {
    for (index, text) in NASTY.into_iter().enumerate() {
        let letter = letter_with(text);
        let pdf = letter
            .to_pdf()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        snapshots::show(&format!("hostile.{index}.pdf"), &pdf);
        if text.is_ascii() {
            let visible: String = text.chars().filter(|c| !c.is_control()).collect();
            assert!(words(&pdf).contains(&squeeze(visible.trim())), "{text}");
        }
    }
}

#[test]
fn what_no_font_shows_is_marked_and_told() {
    let letter = letter_with("王小明 😀 Ana");
    let pdf = letter.to_pdf().unwrap();
    snapshots::show("fonts.pdf", &pdf);
    assert_eq!(
        overread_documents::unprintable("Ana López – «ñ» “€” 王"),
        vec!['王']
    );
    assert!(words(&pdf).contains("Ana"));
}

#[test]
fn a_word_without_end_stays_on_the_paper() {
    let pdf = letter_with(&"W".repeat(480)).to_pdf().unwrap();
    snapshots::show("endless.pdf", &pdf);
    assert!(words(&pdf).matches('W').count() >= 480 * 5);
}

#[test]
fn the_same_letter_gives_the_same_bytes() {
    let facts = facts("thank_you", Requester::Patient);
    let letter = compose(&CATALOG, kind("thank_you"), &facts, Language::En, today()).unwrap();
    assert_eq!(letter.to_pdf().unwrap(), letter.to_pdf().unwrap());
}

#[test]
fn the_title_of_the_file_names_nobody() {
    let facts = facts("second_opinion_request", Requester::Patient);
    let letter = compose(
        &CATALOG,
        kind("second_opinion_request"),
        &facts,
        Language::Es,
        today(),
    )
    .unwrap();
    let pdf = letter.to_pdf().unwrap();
    let raw = String::from_utf8_lossy(&pdf);
    let metadata = raw
        .split("<?xpacket begin")
        .nth(1)
        .and_then(|rest| rest.split("<?xpacket end").next())
        .unwrap();
    assert!(
        metadata.contains("Solicitud de segunda opinión"),
        "{metadata}"
    );
    assert!(!metadata.contains("Avery"), "{metadata}");
}
