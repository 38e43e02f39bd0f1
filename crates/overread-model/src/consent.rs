//! The text that is signed before anybody sees anything.

use serde::Deserialize;

use crate::letter::{Bilingual, Language};

/// The wording of the consent: `consent/text.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConsentText {
    /// What stands for an exam without a name.
    pub unnamed_exam: Bilingual,
    /// In the order in which they are read.
    pub paragraphs: Vec<ConsentParagraph>,
    /// What is signed later, by itself, to let the insurer read; it names neither organisation nor exam.
    pub insurer_added: ConsentParagraph,
}

/// One paragraph; `{organisation}` and `{exam}` stand for those of the case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConsentParagraph {
    /// Names it.
    pub id: String,
    /// What it says.
    pub text: Bilingual,
    /// Where it comes from.
    pub source: String,
    /// A lawyer must still agree to it.
    pub needs_sign_off: bool,
}

impl ConsentText {
    /// Returns every paragraph, also the one that is signed by itself.
    pub fn all(&self) -> impl Iterator<Item = &ConsentParagraph> {
        self.paragraphs.iter().chain([&self.insurer_added])
    }

    /// Returns the paragraphs in one language; an exam without a name is an empty text.
    pub fn of(&self, language: Language, organisation: &str, exam: &str) -> Vec<String> {
        let exam = match exam {
            "" => self.unnamed_exam.of(language),
            named => named,
        };
        let paragraphs = self.paragraphs.iter();
        paragraphs
            .map(|paragraph| {
                let text = paragraph.text.of(language);
                // The exam last: its name is typed by people, and braces in it stay what they are.
                text.replace("{organisation}", organisation)
                    .replace("{exam}", exam)
            })
            .collect()
    }
}
