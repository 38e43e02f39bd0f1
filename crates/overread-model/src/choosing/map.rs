//! The sub-specialty map as data: groups of body regions, patterns, rules, codes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::sides::SideWords;
use crate::pattern::Pattern;
use crate::text::listed;

/// A region group of the map: `spine`, `knee`, `chest_abdomen`.
pub type Group = String;

/// Says what is wrong with the map.
#[derive(Debug, thiserror::Error)]
pub enum BadMap {
    /// The file is not the JSON it should be.
    #[error("{file} cannot be read")]
    Json {
        /// Which file.
        file: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A pattern is no regular expression.
    #[error("the pattern of {name} cannot be used")]
    Pattern {
        /// Of what.
        name: String,
        /// Why.
        #[source]
        source: regex::Error,
    },
    /// Something is named that is not there.
    #[error("{0}")]
    Inconsistent(String),
}

/// A sub-specialty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Subspecialty {
    /// Stable name.
    pub id: String,
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
    /// NUCC taxonomy codes.
    pub nucc: Vec<String>,
    /// Our tag, where NUCC has no code of its own.
    pub local_tag: Option<String>,
    /// What belongs to it.
    pub notes: String,
    /// Where it comes from.
    pub source: String,
    /// A clinician must still agree to it.
    #[serde(default)]
    pub needs_sign_off: bool,
}

/// A kind of clinical specialist.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClinicalKind {
    /// NUCC taxonomy code.
    pub nucc: String,
    /// English.
    pub en: String,
}

/// When a rule applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleWhen {
    /// One of these modalities is in the study.
    pub modality: Vec<String>,
    /// None of these modalities is in the study.
    pub not_modality: Vec<String>,
    /// The region is one of these.
    pub group: Vec<Group>,
    /// The patient's sex.
    pub sex: Option<String>,
}

/// Region and modality to sub-specialty; the first that matches counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SpecialtyRule {
    /// `R17`.
    pub id: String,
    /// When.
    pub when: RuleWhen,
    /// Who first.
    pub primary: String,
    /// Who else.
    #[serde(default)]
    pub alt: Vec<String>,
    /// Others come from the region's own rule.
    #[serde(default)]
    pub alt_from_group: bool,
    /// What to think of.
    #[serde(default)]
    pub note: Option<String>,
    /// Where it comes from.
    pub source: String,
    /// A clinician must still agree to it.
    #[serde(default)]
    pub needs_sign_off: bool,
}

/// A term of Body Part Examined.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BodyTerm {
    /// As (0018,0015) writes it.
    pub term: String,
    /// SNOMED CT code printed in DICOM; older terms have none.
    pub sct: Option<String>,
    /// Region group.
    pub group: Group,
    /// In words; older terms have none.
    #[serde(default)]
    pub meaning: Option<String>,
    /// Has a left and a right; `None` when the table does not say.
    #[serde(default)]
    pub paired: Option<bool>,
}

#[derive(Deserialize)]
struct MapFile {
    subspecialties: Vec<Subspecialty>,
    clinical_by_group: BTreeMap<Group, Vec<ClinicalKind>>,
    condition_rules: Vec<ConditionFile>,
    text_patterns: Vec<(Group, String)>,
    text_parts: Vec<(Group, String, String)>,
    kinds: Vec<KindFile>,
    rules: Vec<SpecialtyRule>,
    absorbs: BTreeMap<Group, BTreeSet<Group>>,
    related: BTreeMap<Group, BTreeSet<Group>>,
    modifiers: Vec<ModifierFile>,
    weights: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct KindFile {
    id: String,
    en: String,
    modalities: Vec<String>,
    named: String,
}

#[derive(Deserialize)]
struct ConditionFile {
    re: String,
    add: Vec<String>,
    #[serde(default)]
    only_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct ModifierFile {
    id: String,
    #[serde(default)]
    except_rules: Vec<String>,
}

#[derive(Deserialize)]
struct BodyFile {
    terms: Vec<BodyTerm>,
    variants: BTreeMap<String, String>,
}

/// Words of a diagnosis that call for a clinical specialist.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) pattern: Pattern,
    pub(super) add: Vec<String>,
    pub(super) only_groups: Vec<Group>,
}

/// A kind of exam as people name it: `X-ray` for CR, DX and RG.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) id: String,
    en: String,
    modalities: Vec<String>,
    pub(super) named: Pattern,
}

/// The map, ready for use: patterns and names checked.
#[derive(Debug, Clone)]
pub struct SpecialtyMap {
    /// Every sub-specialty.
    pub subspecialties: Vec<Subspecialty>,
    /// The rules, in order.
    pub rules: Vec<SpecialtyRule>,
    /// Clinical specialists of a region.
    pub clinical_by_group: BTreeMap<Group, Vec<ClinicalKind>>,
    /// Terms of Body Part Examined.
    pub body_terms: Vec<BodyTerm>,
    pub(super) variants: BTreeMap<String, String>,
    pub(super) conditions: Vec<Condition>,
    pub(super) patterns: Vec<(Group, Pattern)>,
    pub(super) parts: Vec<(Group, String, Pattern)>,
    pub(super) kinds: Vec<Kind>,
    pub(super) absorbs: BTreeMap<Group, BTreeSet<Group>>,
    /// Regions that lie in each other, or that people name for each other.
    pub(super) related: BTreeMap<Group, BTreeSet<Group>>,
    pub(super) weights: BTreeMap<String, f64>,
    pub(super) sides: SideWords,
    pub(super) not_for_children: Vec<String>,
}

pub(super) fn pattern(name: &str, text: &str) -> Result<Pattern, BadMap> {
    Pattern::parse(text).map_err(|source| BadMap::Pattern {
        name: name.to_owned(),
        source,
    })
}

impl SpecialtyMap {
    /// Reads `subspecialty/map.json`, `codes/body_part_examined.json` and `subspecialty/sides.json`.
    ///
    /// # Errors
    /// When a file is malformed, a pattern is none, or a rule names a sub-specialty that is not there.
    pub fn parse(map: &str, body_parts: &str, sides: &str) -> Result<Self, BadMap> {
        let map: MapFile = read("subspecialty/map.json", map)?;
        let body: BodyFile = read("codes/body_part_examined.json", body_parts)?;
        let conditions = map
            .condition_rules
            .into_iter()
            .map(|rule| {
                Ok(Condition {
                    pattern: pattern("a condition", &rule.re)?,
                    add: rule.add,
                    only_groups: rule.only_groups,
                })
            })
            .collect::<Result<_, BadMap>>()?;
        let patterns = map
            .text_patterns
            .into_iter()
            .map(|(group, text)| pattern(&group, &text).map(|pattern| (group, pattern)))
            .collect::<Result<_, BadMap>>()?;
        let parts = map
            .text_parts
            .into_iter()
            .map(|(group, part, text)| pattern(&part, &text).map(|pattern| (group, part, pattern)))
            .collect::<Result<_, BadMap>>()?;
        let kinds = map
            .kinds
            .into_iter()
            .map(|kind| {
                Ok(Kind {
                    named: pattern(&kind.id, &kind.named)?,
                    id: kind.id,
                    en: kind.en,
                    modalities: kind.modalities,
                })
            })
            .collect::<Result<_, BadMap>>()?;
        let not_for_children = map
            .modifiers
            .into_iter()
            .find(|modifier| modifier.id == "M1")
            .map(|modifier| modifier.except_rules)
            .unwrap_or_default();
        let this = Self {
            subspecialties: map.subspecialties,
            rules: map.rules,
            clinical_by_group: map.clinical_by_group,
            body_terms: body.terms,
            variants: body.variants,
            conditions,
            patterns,
            parts,
            kinds,
            absorbs: map.absorbs,
            related: map.related,
            weights: map.weights,
            sides: SideWords::parse(sides)?,
            not_for_children,
        };
        this.check_names()?;
        Ok(this)
    }

    /// Returns a sub-specialty by its id.
    pub fn subspecialty(&self, id: &str) -> Option<&Subspecialty> {
        self.subspecialties.iter().find(|entry| entry.id == id)
    }

    /// Returns a kind of clinical specialist by its NUCC code.
    pub fn clinical_kind(&self, nucc: &str) -> Option<&ClinicalKind> {
        self.clinical_by_group
            .values()
            .flatten()
            .find(|kind| kind.nucc == nucc)
    }

    /// Returns the kind of exam that a modality belongs to.
    pub(super) fn kind_of(&self, modality: &str) -> Option<&str> {
        let has = |kind: &&Kind| kind.modalities.iter().any(|own| own == modality);
        self.kinds.iter().find(has).map(|kind| kind.id.as_str())
    }

    /// Says whether a region has a left and a right, as far as the table of body parts tells.
    pub(super) fn has_sides(&self, group: &Group) -> bool {
        let mut terms = self.body_terms.iter().filter(|term| term.group == *group);
        !terms.all(|term| term.paired == Some(false))
    }

    /// Returns kinds of exams in words.
    pub(super) fn kind_words(&self, ids: &BTreeSet<String>) -> String {
        let named = self.kinds.iter().filter(|kind| ids.contains(&kind.id));
        let words: Vec<&str> = named.map(|kind| kind.en.as_str()).collect();
        listed(&words)
    }

    fn check_names(&self) -> Result<(), BadMap> {
        for rule in &self.rules {
            for id in std::iter::once(&rule.primary).chain(&rule.alt) {
                if self.subspecialty(id).is_none() {
                    let text = format!("rule {} names {id}, which is no sub-specialty", rule.id);
                    return Err(BadMap::Inconsistent(text));
                }
            }
        }
        if !self
            .rules
            .iter()
            .any(|rule| rule.when == RuleWhen::default())
        {
            return Err(BadMap::Inconsistent(
                "no rule applies to everything".to_owned(),
            ));
        }
        Ok(())
    }
}

pub(super) fn read<'a, T: Deserialize<'a>>(file: &'static str, text: &'a str) -> Result<T, BadMap> {
    serde_json::from_str(text).map_err(|source| BadMap::Json { file, source })
}
