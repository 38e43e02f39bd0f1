//! What `report/sections.json` holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::SignContext;
use crate::letter::Language;

/// A code of a coding scheme.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Code {
    /// `LN`, `SCT`, `DCM`.
    pub scheme: String,
    /// The code.
    pub code: String,
    /// Its meaning.
    pub meaning: String,
}

/// When a section must be filled before signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Required {
    /// Always.
    Always,
    /// When the case has an original report.
    WhenOriginal,
    /// When the urgent track was opened.
    WhenUrgent,
    /// Never.
    No,
}

impl Required {
    /// Says whether the section must be filled in this case.
    pub const fn applies(self, context: &SignContext) -> bool {
        match self {
            Self::Always => true,
            Self::WhenOriginal => context.original_present,
            Self::WhenUrgent => context.urgent_opened,
            Self::No => false,
        }
    }
}

impl<'de> Deserialize<'de> for Required {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Flag(bool),
            Words(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Flag(true) => Ok(Self::Always),
            Written::Flag(false) => Ok(Self::No),
            Written::Words(words) if words == "when an original report exists" => {
                Ok(Self::WhenOriginal)
            }
            Written::Words(words) if words == "when the urgent track was opened" => {
                Ok(Self::WhenUrgent)
            }
            Written::Words(_) => Err(serde::de::Error::custom("unknown condition of a section")),
        }
    }
}

/// One section of the report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SectionEntry {
    /// Stable name: `findings`.
    pub id: String,
    /// Heading, English.
    pub en: String,
    /// Heading, Spanish.
    pub es: String,
    /// Heading code for a structured report (PS3.16 CID 7001).
    pub sr: Option<Code>,
    /// When it must be filled.
    pub required: Required,
    /// What belongs in it.
    #[serde(default)]
    pub fields: Vec<String>,
    /// What is offered while it is empty, English.
    #[serde(default, alias = "default")]
    pub default_en: Option<String>,
    /// What is offered while it is empty, Spanish.
    #[serde(default)]
    pub default_es: Option<String>,
    /// What is often written, English; shown beside the empty section and never filled in, since it is a judgement.
    #[serde(default)]
    pub usual_en: Option<String>,
    /// What is often written, Spanish.
    #[serde(default)]
    pub usual_es: Option<String>,
    /// A rule in words.
    #[serde(default)]
    pub rule: Option<String>,
    /// Where it comes from.
    pub source: String,
}

impl SectionEntry {
    /// Returns the heading.
    pub fn title(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Es => &self.es,
        }
    }

    /// Returns what is often written in the section, for the hint beside it.
    pub fn usual(&self, language: Language) -> Option<&str> {
        match language {
            Language::En => self.usual_en.as_deref(),
            Language::Es => self.usual_es.as_deref(),
        }
    }

    /// Returns what stands in the section while nothing else was written; never a judgement about the patient.
    pub fn suggestion(&self, language: Language) -> Option<&str> {
        match language {
            Language::En => self.default_en.as_deref(),
            Language::Es => self.default_es.as_deref(),
        }
    }
}

/// The words of the discrepancy model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DiscrepancyTables {
    /// How one finding stands to the other report.
    pub relation: Vec<String>,
    /// What kind of difference.
    pub kind: Vec<String>,
    /// How much it matters, with words.
    pub significance: BTreeMap<String, String>,
    /// How rows make the whole.
    pub overall: String,
    /// What the published series found, with citation.
    pub evidence: String,
}

/// How fast a finding must reach somebody.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ActionableCategory {
    /// `critical`, `urgent`, `significant/unexpected`.
    pub label: String,
    /// Within what.
    pub time: String,
    /// How.
    pub method: String,
}

/// A phrase for how sure something is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CertaintyPhrase {
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
    /// What it stands for.
    pub p: String,
}

/// Everything the report needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReportTables {
    /// Sections in the order of the report.
    pub sections: Vec<SectionEntry>,
    /// What a signature shows.
    pub signature_fields: Vec<String>,
    /// The discrepancy model.
    pub discrepancy: DiscrepancyTables,
    /// Phrases for certainty, surest first.
    pub certainty_lexicon: Vec<CertaintyPhrase>,
}

impl ReportTables {
    /// Returns a section by its id.
    pub fn section(&self, id: &str) -> Option<&SectionEntry> {
        self.sections.iter().find(|section| section.id == id)
    }
}
