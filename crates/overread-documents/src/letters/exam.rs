//! The exam in the words of a letter's language. What our tables do not know stands in a Spanish letter as it was
//! written, in quotes: a side or a contrast is never guessed.

use overread_model::letter::{Choice, Language, LetterCatalog};

use super::LetterFacts;
use super::placeholders::capital;

/// Returns the kind of exam and the body part: `Resonancia magnética de columna lumbar`; else the exam's name.
pub(super) fn title(
    catalog: &LetterCatalog,
    facts: &LetterFacts,
    language: Language,
) -> Option<String> {
    own_words(catalog, facts, language)
        .map(|words| capital(&words))
        .or_else(|| name(catalog, facts, language))
}

/// Returns the exam as a sentence names it; in Spanish, an English name follows in quotes.
pub(super) fn name(
    catalog: &LetterCatalog,
    facts: &LetterFacts,
    language: Language,
) -> Option<String> {
    let written = facts.text("exam.name")?;
    if language == Language::En || is_spanish(catalog, written) {
        return Some(written.to_owned());
    }
    let quoted = quoted(written);
    Some(match own_words(catalog, facts, language) {
        Some(words) => format!("{words} ({quoted})"),
        None => quoted,
    })
}

/// Returns the body part in words.
pub(super) fn body_part(
    catalog: &LetterCatalog,
    facts: &LetterFacts,
    language: Language,
) -> Option<String> {
    let written = facts.text("exam.body_part_label")?;
    Some(match (find(catalog, "body_part", written), language) {
        (Some(choice), _) => choice.of(language).to_owned(),
        (None, Language::En) => written.to_owned(),
        (None, Language::Es) => quoted(written),
    })
}

/// Returns kind and body part joined, when both are known; a Spanish letter takes only words of our tables.
fn own_words(catalog: &LetterCatalog, facts: &LetterFacts, language: Language) -> Option<String> {
    let label = facts.text("exam.modality_label");
    let code = facts.text("exam.modality");
    let part = facts.text("exam.body_part_label")?;
    let listed = |list: &str, text: Option<&str>| {
        let choice = find(catalog, list, text?)?;
        Some(choice.of(language).to_owned())
    };
    let listed_part = listed("body_part", Some(part));
    let listed_kind = || listed("modality", label).or_else(|| listed("modality", code));
    let (kind, part) = match language {
        Language::En => (
            label.map(str::to_owned).or_else(listed_kind)?,
            listed_part.unwrap_or_else(|| part.to_owned()),
        ),
        Language::Es => (in_sentence(&listed_kind()?), listed_part?),
    };
    let words = &catalog.templates.of(language).common.words;
    let joined = words.get("exam_title")?;
    Some(
        joined
            .replace("{kind}", &kind)
            .replace("{body_part}", &part),
    )
}

fn find<'a>(catalog: &'a LetterCatalog, list: &str, written: &str) -> Option<&'a Choice> {
    let written = written.trim().to_lowercase();
    let fits = |name: &str| name.to_lowercase() == written;
    let list = catalog.choices.get(list)?;
    list.iter()
        .find(|choice| fits(&choice.id) || fits(&choice.en) || fits(&choice.es))
}

/// Says whether a name begins with a kind of exam in Spanish.
fn is_spanish(catalog: &LetterCatalog, written: &str) -> bool {
    let first_of = |text: &str| {
        let text = text.to_lowercase();
        text.split_whitespace().next().map(str::to_owned)
    };
    let first = first_of(written);
    let kinds = catalog.choices.get("modality").into_iter().flatten();
    // A word that is the same in English tells nothing.
    let mut spanish = kinds.filter(|kind| first_of(&kind.es) != first_of(&kind.en));
    spanish.any(|kind| first_of(&kind.es) == first)
}

fn quoted(written: &str) -> String {
    format!("«{written}»")
}

fn in_sentence(kind: &str) -> String {
    let mut characters = kind.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}
