//! The patients' glossary: the words that radiology reports use, in plain English and Spanish.
//!
//! An entry says what a thing is. It never says what it means for whoever reads it, advises nothing and calms nobody.

mod finder;

use std::collections::BTreeSet;

use overread_model::letter::{Bilingual, Language};
use serde::Deserialize;

use finder::Finder;

/// A term in one language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// Its name, as a sentence would hold it: `herniated disc`.
    pub term: String,
    /// What else reports call it: abbreviations, plurals, other forms.
    pub words: Vec<String>,
    /// What it is, in one or two short sentences.
    pub means: String,
}

/// An entry of the glossary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Its name for the program.
    pub id: String,
    /// In English.
    pub en: Wording,
    /// In Spanish.
    pub es: Wording,
    /// What patients commonly misread in it.
    #[serde(default)]
    pub note: Option<Bilingual>,
}

impl Term {
    /// Returns the term in one language.
    pub fn of(&self, language: Language) -> &Wording {
        match language {
            Language::En => &self.en,
            Language::Es => &self.es,
        }
    }
}

/// The terms of one part of the body, or of one matter: a file of the data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlossaryPart {
    /// What the part is about: `spine`.
    pub region: String,
    /// Where it holds.
    pub jurisdiction: String,
    /// When it was last read through: 2026-11-23.
    pub checked_on: String,
    /// By whom.
    pub checked_by: String,
    /// Where it comes from.
    pub source: String,
    /// A clinician must still agree to it.
    pub needs_sign_off: bool,
    /// The entries.
    pub terms: Vec<Term>,
}

/// A place in a text where a term stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Which term.
    pub term: &'a Term,
    /// Where it begins, in bytes of the text; a border of characters.
    pub start: usize,
    /// Where it ends, in bytes of the text; a border of characters.
    pub end: usize,
}

/// Says why a glossary is unusable.
#[derive(Debug, thiserror::Error)]
pub enum BadGlossary {
    /// A file is not of this shape.
    #[error("a file of the glossary cannot be read")]
    Json(#[from] serde_json::Error),
    /// A file, an entry or a word says nothing.
    #[error("the glossary holds an empty text: {0}")]
    Empty(String),
    /// Two entries have one name, or are called the same.
    #[error("the glossary holds twice: {0}")]
    Twice(String),
}

/// The whole glossary.
#[derive(Debug, Clone)]
pub struct Glossary {
    parts: Vec<GlossaryPart>,
    finders: Bilingual<Finder>,
}

impl Glossary {
    /// Reads the files of a glossary.
    ///
    /// # Errors
    /// When a file is malformed, a text in it is empty, or two entries are called the same in one language.
    pub fn parse(files: &[&str]) -> Result<Self, BadGlossary> {
        let parts = files
            .iter()
            .map(|text| Ok(serde_json::from_str(text)?))
            .collect::<Result<Vec<GlossaryPart>, BadGlossary>>()?;
        let mut ids = BTreeSet::new();
        let mut finders = Bilingual {
            en: Finder::default(),
            es: Finder::default(),
        };
        for (number, term) in parts.iter().flat_map(|part| &part.terms).enumerate() {
            if !ids.insert(term.id.as_str()) {
                return Err(BadGlossary::Twice(term.id.clone()));
            }
            let texts = [&term.id, &term.en.means, &term.es.means];
            let notes = term.note.iter().flat_map(|note| [&note.en, &note.es]);
            if texts
                .into_iter()
                .chain(notes)
                .any(|text| text.trim().is_empty())
            {
                return Err(BadGlossary::Empty(term.id.clone()));
            }
            add(&mut finders.en, &term.en, number)?;
            add(&mut finders.es, &term.es, number)?;
        }
        Ok(Self { parts, finders })
    }

    /// Returns the parts, in the order of the files.
    pub fn parts(&self) -> &[GlossaryPart] {
        &self.parts
    }

    /// Returns every entry, in the order of the files.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.parts.iter().flat_map(|part| &part.terms)
    }

    /// Returns where the terms stand in a text of this language, each once, where it stands first.
    ///
    /// The places are in the order of the text and do not overlap: of two that begin together the longer counts. Letters
    /// count the same large or small, with or without accents. Only whole words count. Takes a time linear in the text.
    pub fn find(&self, language: Language, text: &str) -> Vec<Place<'_>> {
        let terms: Vec<&Term> = self.terms().collect();
        let found = self.finders.of(language).find(text);
        found
            .into_iter()
            .filter_map(|(number, range)| {
                Some(Place {
                    term: terms.get(number)?,
                    start: range.start,
                    end: range.end,
                })
            })
            .collect()
    }
}

fn add(finder: &mut Finder, wording: &Wording, number: usize) -> Result<(), BadGlossary> {
    for phrase in std::iter::once(&wording.term).chain(&wording.words) {
        if !finder.add(phrase, number)? {
            return Err(BadGlossary::Twice(phrase.clone()));
        }
    }
    Ok(())
}
