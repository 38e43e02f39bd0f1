//! The words of the reports, explained to patients: where terms of the glossary stand, and what they mean.

use std::collections::{BTreeMap, BTreeSet};

use overread_knowledge::{Glossary, Place};
use overread_model::letter::Language;

/// Terms that our own sentences use in the sense everybody knows: "which side is right".
const OURS: [&str; 2] = ["word-en-left_right", "word-en-second_opinion"];

/// A part of a text: plain, or a term that is explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The words.
    pub(crate) text: String,
    /// The explanation it links to; empty when it has none.
    pub(crate) explained: String,
}

/// A term of the texts and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// Where links point: `word-en-effusion`.
    pub(crate) id: String,
    /// `en` or `es`.
    pub(crate) lang: &'static str,
    /// The term.
    pub(crate) term: String,
    /// What it means.
    pub(crate) means: String,
    /// What is commonly misread in it; may be empty.
    pub(crate) note: String,
}

/// Finds terms in texts and remembers what was found.
pub(super) struct Explainer<'a> {
    glossary: &'a Glossary,
    found: BTreeMap<String, Explanation>,
}

impl<'a> Explainer<'a> {
    pub(super) fn new(glossary: &'a Glossary) -> Self {
        Self {
            glossary,
            found: BTreeMap::new(),
        }
    }

    /// Cuts a sentence of ours at the terms it is about, of which only those are linked that no sentence before it had.
    pub(super) fn sentence(&mut self, text: &str) -> Vec<Word> {
        let known: BTreeSet<String> = self.found.values().map(|one| one.id.clone()).collect();
        let mut words = self.words(Language::En, text);
        for word in &mut words {
            let is_ours = OURS.contains(&word.explained.as_str());
            if is_ours || known.contains(&word.explained) {
                word.explained.clear();
            }
        }
        self.found.retain(|_, one| !OURS.contains(&one.id.as_str()));
        words
    }

    /// Cuts a text at its terms.
    pub(super) fn words(&mut self, language: Language, text: &str) -> Vec<Word> {
        let mut cut = self.cuts(language, &[text]);
        cut.pop().unwrap_or_default()
    }

    /// Cuts each piece of a text at the terms of the whole; a term that pieces share is not linked.
    pub(super) fn cuts(&mut self, language: Language, pieces: &[&str]) -> Vec<Vec<Word>> {
        let whole = pieces.concat();
        let mut places = self.glossary.find(language, &whole).into_iter().peekable();
        let mut start = 0;
        let mut cut = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let end = start + piece.len();
            let mut words = Vec::new();
            let mut at = start;
            while let Some(place) = places.next_if(|place| place.start < end) {
                if place.start < at || place.end > end {
                    continue;
                }
                push(&mut words, whole.get(at..place.start), String::new());
                let id = self.remember(language, &place);
                push(&mut words, whole.get(place.start..place.end), id);
                at = place.end;
            }
            push(&mut words, whole.get(at..end), String::new());
            cut.push(words);
            start = end;
        }
        cut
    }

    /// Returns what was found, each term once, in the order of the alphabet.
    pub(super) fn explanations(self) -> Vec<Explanation> {
        self.found.into_values().collect()
    }

    fn remember(&mut self, language: Language, place: &Place<'_>) -> String {
        let lang = language.as_str();
        let wording = place.term.of(language);
        let id = format!("word-{lang}-{}", place.term.id);
        let key = format!("{} {lang}", wording.term.to_lowercase());
        self.found.entry(key).or_insert_with(|| Explanation {
            id: id.clone(),
            lang,
            term: wording.term.clone(),
            means: wording.means.clone(),
            note: place
                .term
                .note
                .as_ref()
                .map(|note| note.of(language).clone())
                .unwrap_or_default(),
        });
        id
    }
}

fn push(words: &mut Vec<Word>, text: Option<&str>, explained: String) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        words.push(Word {
            text: text.to_owned(),
            explained,
        });
    }
}

/// Returns a text in which nothing is explained yet.
pub(super) fn unexplained(text: String) -> Vec<Word> {
    vec![Word {
        text,
        explained: String::new(),
    }]
}

/// Returns the text of its parts.
pub(super) fn plain(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use overread_knowledge::Knowledge;
    use overread_model::letter::Language;

    use super::{Explainer, Word, plain};

    fn explainer() -> Explainer<'static> {
        Explainer::new(&Knowledge::embedded().glossary)
    }

    #[test]
    fn a_term_is_linked_where_it_stands_first_and_explained_once() {
        let mut all = explainer();
        let text = "Effusion at the knee; the effusion is small.";
        let words = all.words(Language::En, text);
        assert_eq!(plain(&words), text);
        let linked: Vec<_> = words.iter().filter(|w| !w.explained.is_empty()).collect();
        let of_effusion = |id: &str| linked.iter().filter(|w| w.explained == id).count();
        let id = linked[0].explained.clone();
        assert_eq!(linked[0].text, "Effusion");
        assert_eq!(of_effusion(&id), 1);
        drop(all.words(Language::En, "No effusion."));
        let explained = all.explanations();
        assert_eq!(explained.iter().filter(|one| one.id == id).count(), 1);
        assert!(explained.iter().all(|one| !one.means.is_empty()));
    }

    #[test]
    fn our_own_sentences_explain_each_term_once_and_no_word_of_everyday() {
        let mut all = explainer();
        let text = "Which side is right for the effusion of the second report?";
        let linked = |words: &[Word]| words.iter().filter(|w| !w.explained.is_empty()).count();
        let first = all.sentence(text);
        assert_eq!((plain(&first), linked(&first)), (text.to_owned(), 1));
        let again = all.sentence(text);
        assert_eq!((plain(&again), linked(&again)), (text.to_owned(), 0));
        assert_eq!(all.explanations().len(), 1);
    }

    #[test]
    fn each_language_has_its_own_explanation() {
        let mut all = explainer();
        drop(all.words(Language::En, "Small effusion."));
        drop(all.words(Language::Es, "Peque\u{f1}o derrame."));
        let langs: Vec<_> = all.explanations().iter().map(|one| one.lang).collect();
        assert!(langs.contains(&"en") && langs.contains(&"es"), "{langs:?}");
    }

    #[test]
    fn pieces_keep_every_letter_and_share_no_term() {
        let pieces = [
            "There is an effu",
            "sion with \u{e9}dema",
            "",
            " and effusion.",
        ];
        let mut all = explainer();
        let cut = all.cuts(Language::En, &pieces);
        for (words, piece) in cut.iter().zip(pieces) {
            assert_eq!(plain(words), piece);
        }
        assert!(cut[0].iter().all(|word| word.explained.is_empty()));
    }
}
