//! Here live the cited clinical, legal and payer facts and their loader.
//!
//! Facts are data, never code: each entry of `data/` says where it comes from, and whether a clinician must still agree to
//! it. The data is part of the binary and is read once; a site may load files of the same shape instead.

mod coverage;
mod glossary;
mod insights;
mod regions;
mod retention;

use std::sync::LazyLock;

pub use coverage::{AppealClock, CoverageTables, DecisionClock};
pub use glossary::{BadGlossary, Glossary, GlossaryPart, Place, Term, Wording};
pub use insights::{Entry, entries};
use overread_model::choosing::{BadMap, SpecialtyMap};
use overread_model::completeness::RuleTables;
use overread_model::consent::ConsentText;
use overread_model::intake::IntakeTables;
use overread_model::letter::{BadCatalog, LetterCatalog};
use overread_model::reading::FirstReadingAttributes;
use overread_model::report::ReportTables;
pub use regions::{Region, Regions};
pub use retention::RetentionTables;

/// The texts of the data files.
#[derive(Debug, Clone, Copy)]
pub struct DataFiles<'a> {
    /// `completeness/rules.json`.
    pub rules: &'a str,
    /// `completeness/protocols.json`.
    pub protocols: &'a str,
    /// `subspecialty/map.json`.
    pub specialties: &'a str,
    /// `subspecialty/sides.json`.
    pub sides: &'a str,
    /// `codes/body_part_examined.json`.
    pub body_parts: &'a str,
    /// `codes/regions.json`.
    pub regions: &'a str,
    /// `triggers.json`.
    pub triggers: &'a str,
    /// `reading/first_reading_attributes.json`.
    pub first_reading: &'a str,
    /// `report/sections.json`.
    pub sections: &'a str,
    /// `insurance/timeframes.json`.
    pub coverage: &'a str,
    /// `consent/text.json`.
    pub consent: &'a str,
    /// `retention/rules.json`.
    pub retention: &'a str,
    /// `letters/catalog.json`.
    pub letters: &'a str,
    /// `letters/templates.en.json`.
    pub letters_en: &'a str,
    /// `letters/templates.es.json`.
    pub letters_es: &'a str,
    /// `glossary/*.json`.
    pub glossary: &'a [&'a str],
}

/// The files that are part of the binary.
pub const EMBEDDED: DataFiles<'static> = DataFiles {
    rules: include_str!("../data/completeness/rules.json"),
    protocols: include_str!("../data/completeness/protocols.json"),
    specialties: include_str!("../data/subspecialty/map.json"),
    sides: include_str!("../data/subspecialty/sides.json"),
    body_parts: include_str!("../data/codes/body_part_examined.json"),
    regions: include_str!("../data/codes/regions.json"),
    triggers: include_str!("../data/triggers.json"),
    first_reading: include_str!("../data/reading/first_reading_attributes.json"),
    sections: include_str!("../data/report/sections.json"),
    coverage: include_str!("../data/insurance/timeframes.json"),
    consent: include_str!("../data/consent/text.json"),
    retention: include_str!("../data/retention/rules.json"),
    letters: include_str!("../data/letters/catalog.json"),
    letters_en: include_str!("../data/letters/templates.en.json"),
    letters_es: include_str!("../data/letters/templates.es.json"),
    glossary: &[
        include_str!("../data/glossary/words.json"),
        include_str!("../data/glossary/spine.json"),
        include_str!("../data/glossary/brain.json"),
        include_str!("../data/glossary/head_neck.json"),
        include_str!("../data/glossary/chest.json"),
        include_str!("../data/glossary/heart_vessels.json"),
        include_str!("../data/glossary/abdomen.json"),
        include_str!("../data/glossary/pelvis.json"),
        include_str!("../data/glossary/pregnancy.json"),
        include_str!("../data/glossary/thyroid.json"),
        include_str!("../data/glossary/breast.json"),
        include_str!("../data/glossary/bones.json"),
        include_str!("../data/glossary/knee.json"),
        include_str!("../data/glossary/shoulder.json"),
        include_str!("../data/glossary/hip.json"),
        include_str!("../data/glossary/ankle_foot.json"),
        include_str!("../data/glossary/wrist_hand.json"),
        include_str!("../data/glossary/techniques.json"),
        include_str!("../data/glossary/categories.json"),
        include_str!("../data/glossary/directions.json"),
    ],
};

/// Every fact the rules take as an argument.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// Rules and protocols of the completeness check.
    pub rules: RuleTables,
    /// Which sub-specialty reads what.
    pub specialties: SpecialtyMap,
    /// States and territories in which licences are given.
    pub regions: Regions,
    /// Reasons to ask, red flags, urgency.
    pub intake: IntakeTables,
    /// What a reader is not told of images before the lock.
    pub first_reading: FirstReadingAttributes,
    /// Sections of the report.
    pub report: ReportTables,
    /// Clocks of payers.
    pub coverage: CoverageTables,
    /// What is signed as consent.
    pub consent: ConsentText,
    /// How long laws ask that images be kept.
    pub retention: RetentionTables,
    /// Letters: their facts and their wording.
    pub letters: LetterCatalog,
    /// The words of reports for who is not a physician.
    pub glossary: Glossary,
}

/// Says which of the data is unusable.
#[derive(Debug, thiserror::Error)]
pub enum BadKnowledge {
    /// Rules, protocols or the map.
    #[error("the tables of rules are unusable")]
    Rules(#[from] BadMap),
    /// The letters.
    #[error("the catalog of letters is unusable")]
    Letters(#[from] BadCatalog),
    /// The glossary.
    #[error("the glossary is unusable")]
    Glossary(#[from] BadGlossary),
    /// Another file.
    #[error("{file} cannot be read")]
    Json {
        /// Which file.
        file: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

fn json<'a, T: serde::Deserialize<'a>>(
    file: &'static str,
    text: &'a str,
) -> Result<T, BadKnowledge> {
    serde_json::from_str(text).map_err(|source| BadKnowledge::Json { file, source })
}

impl Knowledge {
    /// Reads data files.
    ///
    /// # Errors
    /// When a file is malformed, or files do not fit each other.
    pub fn parse(files: &DataFiles<'_>) -> Result<Self, BadKnowledge> {
        Ok(Self {
            rules: RuleTables::parse(files.rules, files.protocols)?,
            specialties: SpecialtyMap::parse(files.specialties, files.body_parts, files.sides)?,
            regions: json("codes/regions.json", files.regions)?,
            intake: json("triggers.json", files.triggers)?,
            first_reading: json("reading/first_reading_attributes.json", files.first_reading)?,
            report: json("report/sections.json", files.sections)?,
            coverage: json("insurance/timeframes.json", files.coverage)?,
            consent: json("consent/text.json", files.consent)?,
            retention: json("retention/rules.json", files.retention)?,
            letters: LetterCatalog::parse(files.letters, files.letters_en, files.letters_es)?,
            glossary: Glossary::parse(files.glossary)?,
        })
    }

    /// Returns the facts that are part of the binary; read at the first call, about ten milliseconds.
    pub fn embedded() -> &'static Self {
        static EMBEDDED_KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| {
            #[expect(
                clippy::expect_used,
                reason = "the data is part of the binary and a test reads it: a program without it must not start"
            )]
            Knowledge::parse(&EMBEDDED).expect("the embedded data is readable")
        });
        &EMBEDDED_KNOWLEDGE
    }
}
