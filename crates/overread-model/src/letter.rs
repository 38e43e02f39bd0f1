//! The kinds of letters, the facts each needs, and the catalog that names both.
//!
//! The wording is data (`overread-knowledge/data/letters`); this module only says what the data looks like.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language Overread writes to people in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English as written in the United States.
    #[default]
    En,
    /// Spanish as written in the Americas.
    Es,
}

/// Says that a text names no language we write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a language we write: en or es is expected")]
pub struct NotALanguage;

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::En, Self::Es];

    /// Returns the BCP 47 tag: `en` or `es`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }
}

impl FromStr for Language {
    type Err = NotALanguage;

    fn from_str(text: &str) -> Result<Self, NotALanguage> {
        let primary = text.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| language.as_str().eq_ignore_ascii_case(primary))
            .ok_or(NotALanguage)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The same words in every language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual<T = String> {
    /// English.
    pub en: T,
    /// Spanish.
    pub es: T,
}

impl<T> Bilingual<T> {
    /// Returns the words in one language.
    pub fn of(&self, language: Language) -> &T {
        match language {
            Language::En => &self.en,
            Language::Es => &self.es,
        }
    }
}

/// Who writes a letter, seen from the patient.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Requester {
    /// The person whose images they are.
    #[default]
    Patient,
    /// A parent or guardian of a minor.
    ParentGuardian,
    /// Somebody with a power of attorney, a court appointment, or an executor.
    PersonalRepresentative,
    /// The physician who refers or treats.
    ReferringPhysician,
    /// The health plan.
    Insurer,
}

/// Says that a text names no requester.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a requester: patient, parent_guardian, personal_representative, referring_physician or insurer is expected"
)]
pub struct NotARequester;

impl Requester {
    /// Every requester, in the order in which pages list them.
    pub const ALL: [Self; 5] = [
        Self::Patient,
        Self::ParentGuardian,
        Self::PersonalRepresentative,
        Self::ReferringPhysician,
        Self::Insurer,
    ];

    /// Returns the requester as facts files and the catalog write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::ParentGuardian => "parent_guardian",
            Self::PersonalRepresentative => "personal_representative",
            Self::ReferringPhysician => "referring_physician",
            Self::Insurer => "insurer",
        }
    }

    /// Returns the requester in words for a page.
    pub const fn title(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Patient, Language::En) => "Patient",
            (Self::Patient, Language::Es) => "Paciente",
            (Self::ParentGuardian, Language::En) => "Parent or guardian",
            (Self::ParentGuardian, Language::Es) => "Madre, padre o tutela",
            (Self::PersonalRepresentative, Language::En) => "Personal representative",
            (Self::PersonalRepresentative, Language::Es) => "Representante personal",
            (Self::ReferringPhysician, Language::En) => "Referring physician",
            (Self::ReferringPhysician, Language::Es) => "Profesional médico remitente",
            (Self::Insurer, Language::En) => "Insurer",
            (Self::Insurer, Language::Es) => "Aseguradora",
        }
    }
}

impl FromStr for Requester {
    type Err = NotARequester;

    fn from_str(text: &str) -> Result<Self, NotARequester> {
        let folded = text.trim().to_ascii_lowercase().replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|requester| requester.as_str() == folded)
            .ok_or(NotARequester)
    }
}

/// How a fact is written, and so how a form asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line.
    Text,
    /// Some lines or paragraphs.
    Multiline,
    /// A day of the calendar.
    Date,
    /// A telephone number, as its owner writes it.
    Phone,
    /// An email address.
    Email,
    /// One or more short texts, each its own line.
    List,
    /// One of the catalog's choices, or words of one's own when `open`.
    Choice,
}

/// One fact a letter may need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// How it is written.
    pub kind: FieldKind,
    /// What a form calls it.
    pub label: Bilingual,
    /// One line of help, or nothing.
    #[serde(default)]
    pub hint: Option<Bilingual>,
    /// The list of [`LetterCatalog::choices`] that names its values, for `Choice` and `List`.
    #[serde(default)]
    pub choices: Option<String>,
    /// Whether words outside the choices are allowed too.
    #[serde(default)]
    pub open: bool,
}

/// A value that facts name by a short code and letters write in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The code.
    pub id: String,
    /// The words in English.
    pub en: String,
    /// The words in Spanish.
    pub es: String,
}

impl Choice {
    /// Returns the words in one language.
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Es => &self.es,
        }
    }
}

/// The shape of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// Sender, date, recipient, subject, salutation, body, closing, enclosures.
    #[default]
    Letter,
    /// A title, numbered sections and signature lines.
    Form,
}

/// One kind of letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterKind {
    /// The name in commands and addresses: `second_opinion_request`.
    pub id: String,
    /// What a list calls it.
    pub title: Bilingual,
    /// Who sends it and when, in one sentence.
    pub purpose: Bilingual,
    /// Who may send it.
    pub requesters: Vec<Requester>,
    /// The shape of the page.
    #[serde(default)]
    pub frame: Frame,
    /// Which salutation is used when `recipient.kind` is not given.
    pub recipient_kind: String,
    /// Facts without which it is not written.
    pub required: Vec<String>,
    /// Facts it uses when they are there.
    pub optional: Vec<String>,
    /// Enclosures named when the facts name none.
    #[serde(default)]
    default_enclosures: Vec<String>,
    /// What some requesters enclose besides.
    #[serde(default)]
    enclosures_by_requester: BTreeMap<Requester, Vec<String>>,
    /// Items used when the facts leave a list fact out, by fact key.
    #[serde(default)]
    pub default_lists: BTreeMap<String, Bilingual<Vec<String>>>,
    /// The law or rule behind it.
    pub legal_basis: String,
    /// By when what must happen.
    pub deadline: String,
    /// Where this entry comes from.
    pub source: String,
    /// The day the source was read, YYYY-MM-DD.
    pub checked_on: String,
    /// Who read it.
    pub checked_by: String,
}

impl LetterKind {
    /// Returns what this requester encloses when the facts name nothing.
    pub fn enclosures_of(&self, requester: Requester) -> Vec<&str> {
        let own = self.enclosures_by_requester.get(&requester);
        let items = self
            .default_enclosures
            .iter()
            .chain(own.into_iter().flatten());
        items.map(String::as_str).collect()
    }
}

/// One piece of a letter's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateBlock {
    /// The same in every language.
    pub id: String,
    /// Words set off at the start: `Symptoms.`
    #[serde(default)]
    pub label: Option<String>,
    /// The text with `{{fact}}` in it; `[[…]]` is left out when a fact inside is missing.
    #[serde(default)]
    pub text: String,
    /// Texts that differ by who writes; the rest use `text`.
    #[serde(default)]
    pub by_requester: BTreeMap<Requester, String>,
    /// Conditions, comma between: `fact`, `!fact`, `requester=patient`, `requester!=patient`.
    #[serde(default)]
    pub when: Option<String>,
    /// The fact whose items follow the text.
    #[serde(default)]
    pub list: Option<String>,
    /// Whether those items are numbered.
    #[serde(default)]
    pub numbered: bool,
    /// Whether the text continues the paragraph before.
    #[serde(default)]
    pub join: bool,
    /// Whether the text stands indented, to be found at a glance.
    #[serde(default)]
    pub quote: bool,
    /// Whether lines for a signature and a date are drawn here.
    #[serde(default)]
    pub signature: bool,
}

/// The wording of one kind of letter in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The subject line on paper.
    pub subject_paper: String,
    /// The subject of an email: never a name, a birth date or a diagnosis.
    pub subject_email: String,
    /// `default` or `formal`.
    #[serde(default)]
    pub closing: Option<String>,
    /// The body.
    pub blocks: Vec<TemplateBlock>,
}

/// Words every letter of a language shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommonWords {
    /// By recipient kind.
    pub salutation: BTreeMap<String, String>,
    /// `default` and `formal`.
    pub closing: BTreeMap<String, String>,
    /// Every fixed word of the page: `enclosures`, `phone`, `email`, `page`, …
    pub words: BTreeMap<String, String>,
}

/// All wording of one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    /// The language.
    pub language: Language,
    /// What every letter shares.
    pub common: CommonWords,
    /// By letter kind.
    pub letters: BTreeMap<String, Template>,
}

/// Every kind of letter with its facts and its wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterCatalog {
    /// Facts by key, as `patient.name`.
    pub fields: BTreeMap<String, Field>,
    /// Lists of choices by name.
    pub choices: BTreeMap<String, Vec<Choice>>,
    /// The kinds, in the order in which pages list them.
    pub letters: Vec<LetterKind>,
    /// The wording.
    pub templates: Bilingual<Templates>,
}

/// Says what is wrong with the catalog's data.
#[derive(Debug, thiserror::Error)]
pub enum BadCatalog {
    /// A file is not the JSON it should be.
    #[error("letters/{file} cannot be read")]
    Json {
        /// Which file.
        file: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The files do not fit each other.
    #[error("letters: {0}")]
    Inconsistent(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    fields: BTreeMap<String, Field>,
    choices: BTreeMap<String, Vec<Choice>>,
    letters: Vec<LetterKind>,
}

impl LetterCatalog {
    /// Reads `catalog.json`, `templates.en.json` and `templates.es.json`, and checks that they fit each other.
    ///
    /// # Errors
    /// When a file is malformed, or a letter lacks its wording, a source or the description of a fact.
    pub fn parse(catalog: &str, english: &str, spanish: &str) -> Result<Self, BadCatalog> {
        let file: CatalogFile = read("catalog.json", catalog)?;
        let templates = Bilingual {
            en: read("templates.en.json", english)?,
            es: read("templates.es.json", spanish)?,
        };
        let this = Self {
            fields: file.fields,
            choices: file.choices,
            letters: file.letters,
            templates,
        };
        this.check_consistency()?;
        Ok(this)
    }

    /// Returns one kind by its id; hyphens are as good as underscores.
    pub fn letter(&self, id: &str) -> Option<&LetterKind> {
        let folded = id.trim().to_ascii_lowercase().replace('-', "_");
        self.letters.iter().find(|letter| letter.id == folded)
    }

    /// Returns a choice of a list by its code.
    pub fn choice(&self, list: &str, id: &str) -> Option<&Choice> {
        self.choices
            .get(list)?
            .iter()
            .find(|choice| choice.id == id)
    }

    fn check_consistency(&self) -> Result<(), BadCatalog> {
        let bad = |text: String| Err(BadCatalog::Inconsistent(text));
        for letter in &self.letters {
            let id = &letter.id;
            if letter.source.trim().is_empty() || letter.checked_on.trim().is_empty() {
                return bad(format!("{id} has no source"));
            }
            for key in letter.required.iter().chain(&letter.optional) {
                if !self.fields.contains_key(key) {
                    return bad(format!("{id} needs {key}, which is no field"));
                }
            }
            let (Some(english), Some(spanish)) = (
                self.templates.en.letters.get(id),
                self.templates.es.letters.get(id),
            ) else {
                return bad(format!("{id} lacks its wording"));
            };
            let ids = |template: &Template| -> Vec<(String, Option<String>)> {
                let blocks = template.blocks.iter();
                blocks
                    .map(|block| (block.id.clone(), block.when.clone()))
                    .collect()
            };
            if ids(english) != ids(spanish) {
                return bad(format!("{id} has different blocks in English and Spanish"));
            }
        }
        for (key, field) in &self.fields {
            if let Some(list) = &field.choices
                && !self.choices.contains_key(list)
            {
                return bad(format!(
                    "{key} takes its choices from {list}, which is no list"
                ));
            }
        }
        Ok(())
    }
}

fn read<'a, T: Deserialize<'a>>(file: &'static str, text: &'a str) -> Result<T, BadCatalog> {
    serde_json::from_str(text).map_err(|source| BadCatalog::Json { file, source })
}
