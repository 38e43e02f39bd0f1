//! Letters: facts in, a letter out, in either language and for every requester who may send it.

use overread_model::letter::{Language, LetterCatalog, LetterKind, Requester};
use serde::Serialize;

mod compose;
mod exam;
mod facts;
mod html;
mod own_words;
#[cfg(feature = "pdf")]
mod paper;
pub(crate) mod placeholders;
mod problems;
mod rules;
mod samples;
mod text;

pub use compose::{Preview, compose, preview};
pub use facts::{FactValue, LetterFacts, facts_from_pairs, parse_facts};
pub use own_words::own_words;
pub use problems::{FactProblem, FactProblemKind};
pub use rules::concerns;
pub use samples::sample;

/// Returns every kind of letter, in the order in which pages list them.
pub fn list(catalog: &LetterCatalog) -> &[LetterKind] {
    &catalog.letters
}

/// One question a form asks for a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField<'a> {
    /// The key of the fact: `patient.name`.
    pub key: &'a str,
    /// How it is written, its label, help and choices.
    pub field: &'a overread_model::letter::Field,
    /// Whether the letter is not written without it.
    pub required: bool,
}

/// Returns the facts a form asks for, required ones first, for one kind and one requester.
pub fn form<'a>(
    catalog: &'a LetterCatalog,
    kind: &'a LetterKind,
    requester: Requester,
) -> Vec<FormField<'a>> {
    let required = rules::required_keys(kind, requester);
    let optional = kind
        .optional
        .iter()
        .map(String::as_str)
        .filter(|key| !required.contains(key) && rules::concerns(key, requester));
    let entry = |key: &'a str, required| {
        let field = catalog.fields.get(key)?;
        Some(FormField {
            key,
            field,
            required,
        })
    };
    let first = required.iter().filter_map(|key| entry(key, true));
    first
        .chain(optional.filter_map(|key| entry(key, false)))
        .collect()
}

/// A piece of a letter's body, ready to be set. It holds patient data; its `Debug` shows the name alone.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// The block's name in the template, the same in every language.
    pub id: String,
    /// Words set off at the start.
    pub label: Option<String>,
    /// Paragraphs, never empty texts.
    pub paragraphs: Vec<String>,
    /// Items below them.
    pub items: Vec<String>,
    /// Whether the items are numbered.
    pub numbered: bool,
    /// Whether the text stands indented.
    pub quote: bool,
    /// Lines to sign on, for a form.
    pub signature: Option<SignatureLines>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Block")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What stands at the lines a person signs on. It names a person, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SignatureLines {
    /// Under the first line.
    pub sign: String,
    /// Under the second.
    pub date: String,
    /// What the printed name is called.
    pub name_label: String,
    /// The printed name.
    pub name: String,
}

/// A finished letter, the same for paper, page and plain text.
///
/// It holds patient data: show it only to who may read it; its `Debug` shows the kind alone.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Which kind.
    pub kind: String,
    /// What a list calls the kind; also the title of the PDF, free of patient data.
    pub title: String,
    /// The language.
    pub language: Language,
    /// The shape of the page.
    pub frame: overread_model::letter::Frame,
    /// Who writes: name with credentials, then address lines.
    pub sender: Vec<String>,
    /// How to reach the sender: telephone, email, with their labels.
    pub sender_contact: Vec<(String, String)>,
    /// The day, in words.
    pub date: String,
    /// The same day as data.
    #[serde(skip)]
    pub day: overread_model::time::CalendarDate,
    /// To whom: name, then address lines. Empty for a form.
    pub recipient: Vec<String>,
    /// The word before the subject.
    pub subject_label: String,
    /// The subject on paper; may name the patient.
    pub subject: String,
    /// The subject of an email; never names the patient.
    pub email_subject: String,
    /// `Dear Dr. Rivera,`; empty for a form.
    pub salutation: String,
    /// The body.
    pub blocks: Vec<Block>,
    /// `Sincerely,`; empty for a form.
    pub closing: String,
    /// Under the signature: name with credentials, role.
    pub signature: Vec<String>,
    /// The word above the enclosures.
    pub enclosures_label: String,
    /// What is enclosed.
    pub enclosures: Vec<String>,
    /// `Page {page} of {pages}` in the letter's language.
    pub page_label: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Letter")
            .field("kind", &self.kind)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

impl Letter {
    /// Returns the letter as plain text, for portals and mail; lines are not wrapped.
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    /// Returns the letter as one escaped `<article class="letter">`, for a preview in a page.
    pub fn to_html_fragment(&self) -> String {
        html::render(self)
    }

    /// Returns the letter as tagged PDF/A-2a and PDF/UA-1, US Letter size.
    ///
    /// The same letter gives the same bytes. Blocks for some 20 ms and while other documents are set.
    ///
    /// # Errors
    /// When the page cannot be set; nothing the facts hold leads there but their sheer length.
    #[cfg(feature = "pdf")]
    pub fn to_pdf(&self) -> Result<Vec<u8>, crate::PdfError> {
        paper::render(self)
    }
}
