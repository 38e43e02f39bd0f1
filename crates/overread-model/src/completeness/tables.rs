//! What `completeness/rules.json` and `completeness/protocols.json` hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::identity::IdentityTable;
use crate::choosing::BadMap;
use crate::pattern::Pattern;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The case does not go on without a recorded override.
    #[serde(rename(deserialize = "block"))]
    Blocker,
    /// Needs an answer or an acknowledgement.
    #[serde(rename(deserialize = "warn"))]
    Warning,
    /// Good to know; suggestions (`soft` in the data) are of this weight too.
    #[serde(alias = "soft")]
    Info,
}

impl Severity {
    /// Returns the weight as JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocker => "blocker",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One rule of the check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RuleEntry {
    /// `S01`.
    pub id: String,
    /// How much it weighs, unless the rule raises or lowers it.
    pub severity: Severity,
    /// What it looks at: `file`, `series`, `study`, `case`, …
    pub scope: String,
    /// Title, English.
    pub title_en: String,
    /// Title, Spanish.
    pub title_es: String,
    /// Attributes it looks at.
    pub tags: Vec<String>,
    /// What it tests, in words.
    pub test: String,
    /// What the person should do; `none` when nothing.
    pub patient_action: String,
    /// Where it comes from.
    pub source: String,
    /// `records` when a letter can ask for what is missing.
    pub letter: Option<String>,
    /// The letter names what was found as missing; without it, it asks for the whole exam as in any case.
    #[serde(default)]
    pub letter_names_it: bool,
    /// A clinician must still agree to it.
    #[serde(default)]
    pub needs_sign_off: bool,
}

impl RuleEntry {
    /// Returns what the person should do; `None` when nothing.
    pub fn action(&self) -> Option<&str> {
        let action = self.patient_action.as_str();
        (!action.starts_with("none")).then_some(action)
    }

    /// Returns what is said of a finding: the title, what was found in particular, and what to do.
    pub fn message(&self, detail: &str) -> String {
        let mut message = self.title_en.clone();
        if !detail.is_empty() {
            message = format!("{message}: {}", detail.trim_end_matches('.'));
        }
        message.push('.');
        match self.action() {
            Some(action) => format!("{message} {}.", action.trim_end_matches('.')),
            None => message,
        }
    }
}

#[derive(Deserialize)]
struct Codes {
    codes: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Words {
    re: String,
}

#[derive(Deserialize)]
struct RulesFile {
    identity_score: IdentityTable,
    secondary_capture_classes: BTreeSet<String>,
    conversion_type: BTreeMap<String, String>,
    report_titles: Codes,
    key_object_titles_that_list_everything: Codes,
    always_lossy_transfer_syntaxes: Codes,
    condition_words: Words,
    rules: Vec<RuleEntry>,
}

/// A series that is often part of an exam.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Expectation {
    /// Planes that fit; `*` fits all.
    pub planes: Vec<String>,
    /// Weightings that fit; `*` fits all.
    pub weightings: Vec<String>,
    /// What to call it.
    pub label: String,
    /// Its absence is not even mentioned.
    #[serde(default)]
    pub optional: bool,
    /// Reconstruction kernel; only on optional items.
    #[serde(default)]
    pub kernel: Option<String>,
}

/// Geometry an exam of this kind usually has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ProtocolGeometry {
    /// Thickest slice.
    pub slice_max_mm: Option<f64>,
    /// Widest gap between slices.
    pub gap_max_mm: Option<f64>,
    /// Largest pixel.
    pub pixel_area_max_mm2: Option<f64>,
    /// The thinnest axial series should be this thin.
    pub thinnest_axial_recommended_mm: Option<f64>,
}

/// Views a projection exam usually has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProtocolViews {
    /// View positions of each breast.
    pub each_breast: Vec<String>,
    /// Fewest views.
    pub min_views: Option<u32>,
}

#[derive(Deserialize)]
struct ProtocolFile {
    id: String,
    modality: Vec<String>,
    groups: Vec<String>,
    text: String,
    #[serde(default)]
    expect: Vec<Expectation>,
    #[serde(default)]
    geometry: ProtocolGeometry,
    #[serde(default)]
    views: ProtocolViews,
    source: String,
    #[serde(default)]
    needs_sign_off: bool,
}

#[derive(Deserialize)]
struct ProtocolsFile {
    protocols: Vec<ProtocolFile>,
}

/// What an exam of one kind often includes. Expectations never block.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// `mr_lumbar_spine`.
    pub id: String,
    /// Modalities it is about.
    pub modality: Vec<String>,
    /// Region groups it is about; `*` for all.
    pub groups: Vec<String>,
    /// Words that must be in the descriptions; `None` for any.
    pub text: Option<Pattern>,
    /// Series.
    pub expect: Vec<Expectation>,
    /// Geometry.
    pub geometry: ProtocolGeometry,
    /// Views.
    pub views: ProtocolViews,
    /// Where it comes from.
    pub source: String,
    /// A clinician must still agree to it.
    pub needs_sign_off: bool,
}

/// Rules and protocols, ready for use.
#[derive(Debug, Clone)]
pub struct RuleTables {
    /// The rules; one that is not listed does not run.
    pub rules: Vec<RuleEntry>,
    /// The protocols.
    pub protocols: Vec<Protocol>,
    /// How people are told apart.
    pub identity: IdentityTable,
    pub(super) secondary_capture_classes: BTreeSet<String>,
    pub(super) conversion_types: BTreeMap<String, String>,
    pub(super) report_titles: BTreeSet<String>,
    pub(super) whole_content_titles: BTreeSet<String>,
    pub(super) lossy_transfer_syntaxes: BTreeSet<String>,
    pub(super) condition_words: Pattern,
}

impl RuleTables {
    /// Reads `completeness/rules.json` and `completeness/protocols.json`.
    ///
    /// # Errors
    /// When a file is malformed or a pattern cannot be compiled.
    pub fn parse(rules: &str, protocols: &str) -> Result<Self, BadMap> {
        let rules: RulesFile = serde_json::from_str(rules).map_err(|source| BadMap::Json {
            file: "completeness/rules.json",
            source,
        })?;
        let protocols: ProtocolsFile =
            serde_json::from_str(protocols).map_err(|source| BadMap::Json {
                file: "completeness/protocols.json",
                source,
            })?;
        let protocols = protocols
            .protocols
            .into_iter()
            .map(compile)
            .collect::<Result<_, BadMap>>()?;
        let condition_words =
            Pattern::parse(&rules.condition_words.re).map_err(|source| BadMap::Pattern {
                name: "condition_words".to_owned(),
                source,
            })?;
        Ok(Self {
            rules: rules.rules,
            protocols,
            identity: rules.identity_score,
            secondary_capture_classes: rules.secondary_capture_classes,
            conversion_types: rules.conversion_type,
            report_titles: rules.report_titles.codes,
            whole_content_titles: rules.key_object_titles_that_list_everything.codes,
            lossy_transfer_syntaxes: rules.always_lossy_transfer_syntaxes.codes,
            condition_words,
        })
    }

    /// Returns a rule by its id.
    pub fn rule(&self, id: &str) -> Option<&RuleEntry> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

fn compile(file: ProtocolFile) -> Result<Protocol, BadMap> {
    let text = match file.text.as_str() {
        "" => None,
        words => Some(Pattern::parse(words).map_err(|source| BadMap::Pattern {
            name: file.id.clone(),
            source,
        })?),
    };
    Ok(Protocol {
        id: file.id,
        modality: file.modality,
        groups: file.groups,
        text,
        expect: file.expect,
        geometry: file.geometry,
        views: file.views,
        source: file.source,
        needs_sign_off: file.needs_sign_off,
    })
}
