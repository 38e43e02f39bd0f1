//! From what the images say of themselves to body regions, and from those to the sub-specialty that should read them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::asked::Places;
use super::map::{Group, SpecialtyMap, SpecialtyRule};
use crate::imaging::InstanceFacts;
use crate::limits;
use crate::text::{cut, folded};
use crate::time::CalendarDate;

/// Modalities that carry no images of their own.
const NOT_IMAGES: [&str; 13] = [
    "SR", "KO", "PR", "SEG", "DOC", "OT", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "RWV", "AU",
    "PLAN",
];
/// Younger is a child.
const ADULT_YEARS: i32 = 18;
/// Most different texts of one kind that are looked at.
const TEXTS_COUNT: usize = 200;

/// What one study says of itself, for the choice of a reviewer. Holds no name and no id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExamFacts {
    /// Modalities in the study.
    pub modalities: BTreeSet<String>,
    /// Code values of Anatomic Region Sequence.
    pub anatomic_region_codes: BTreeSet<String>,
    /// Body Part Examined.
    pub body_parts: BTreeSet<String>,
    /// Sides the images are marked with: `L`, `R`, `B`.
    pub lateralities: BTreeSet<String>,
    /// Study Description.
    pub study_description: String,
    /// Requested Procedure Description.
    pub requested_procedure_description: String,
    /// Meanings of the procedure codes.
    pub procedure_code_meanings: BTreeSet<String>,
    /// Series Descriptions and Protocol Names.
    pub series_texts: BTreeSet<String>,
    /// Patient's Sex.
    pub patient_sex: Option<String>,
    /// Patient's Age, as `004Y`.
    pub patient_age: Option<String>,
    /// Birth date.
    pub patient_birth_date: Option<CalendarDate>,
    /// Study Date.
    pub study_date: Option<CalendarDate>,
}

impl ExamFacts {
    /// Adds what one instance says; call it for the instances of one study only.
    pub fn add(&mut self, facts: &InstanceFacts) {
        let (study, series) = (&facts.study, &facts.series);
        self.modalities.insert(series.modality.clone());
        let keep = |set: &mut BTreeSet<String>, text: &str| {
            if set.len() < TEXTS_COUNT && !text.is_empty() {
                set.insert(text.to_owned());
            }
        };
        for code in &series.anatomic_region_codes {
            keep(&mut self.anatomic_region_codes, code);
        }
        for meaning in &study.procedure_code_meanings {
            keep(&mut self.procedure_code_meanings, meaning);
        }
        keep(
            &mut self.body_parts,
            series.body_part_examined.as_deref().unwrap_or(""),
        );
        let side = series.laterality.as_deref().unwrap_or("");
        keep(&mut self.lateralities, side.trim());
        keep(
            &mut self.series_texts,
            series.series_description.as_deref().unwrap_or(""),
        );
        keep(
            &mut self.series_texts,
            series.protocol_name.as_deref().unwrap_or(""),
        );
        let fill = |slot: &mut String, text: &Option<String>| {
            if slot.is_empty() {
                slot.clone_from(&text.clone().unwrap_or_default());
            }
        };
        fill(&mut self.study_description, &study.study_description);
        fill(
            &mut self.requested_procedure_description,
            &study.requested_procedure_description,
        );
        let date = |text: Option<&String>| text.and_then(|text| text.parse().ok());
        self.patient_sex = self
            .patient_sex
            .take()
            .or_else(|| study.patient_sex.clone());
        self.patient_age = self
            .patient_age
            .take()
            .or_else(|| study.patient_age.clone());
        let birth = study
            .patient_birth_date
            .as_ref()
            .map(|hidden| hidden.reveal());
        self.patient_birth_date = self.patient_birth_date.or_else(|| date(birth));
        self.study_date = self.study_date.or_else(|| date(study.study_date.as_ref()));
    }

    /// Takes in what another study says: both are read together.
    pub fn merge(&mut self, mut other: Self) {
        self.modalities.append(&mut other.modalities);
        let sets = [
            (&mut self.anatomic_region_codes, other.anatomic_region_codes),
            (&mut self.body_parts, other.body_parts),
            (&mut self.lateralities, other.lateralities),
            (
                &mut self.procedure_code_meanings,
                other.procedure_code_meanings,
            ),
            (&mut self.series_texts, other.series_texts),
        ];
        for (own, others) in sets {
            let free = TEXTS_COUNT.saturating_sub(own.len());
            own.extend(others.into_iter().take(free));
        }
        for (own, others) in [
            (&mut self.study_description, other.study_description),
            (
                &mut self.requested_procedure_description,
                other.requested_procedure_description,
            ),
        ] {
            if own.is_empty() {
                *own = others;
            } else if !others.is_empty() && *own != others {
                *own = format!("{own} / {others}");
            }
        }
        self.patient_sex = self.patient_sex.take().or(other.patient_sex);
        self.patient_age = self.patient_age.take().or(other.patient_age);
        self.patient_birth_date = self.patient_birth_date.or(other.patient_birth_date);
        self.study_date = self.study_date.or(other.study_date);
    }

    /// Returns the patient's age in whole years on the day of the study, if the images tell.
    pub fn age_years(&self) -> Option<i32> {
        // What the machine wrote on the day counts first: a birth date may have been changed when the name was taken out.
        let written = self.patient_age.as_deref().and_then(age_string_years);
        if written.is_some() {
            return written;
        }
        match (self.patient_birth_date, self.study_date) {
            (Some(birth), Some(study)) if study >= birth => {
                let had_birthday = (study.month(), study.day()) >= (birth.month(), birth.day());
                Some(study.year() - birth.year() - i32::from(!had_birthday))
            }
            _ => None,
        }
    }
}

/// Reads `004Y`, `018M`, `003W`, `010D` as whole years.
// PS3.5 6.2: AS is nnnD, nnnW, nnnM or nnnY.
fn age_string_years(text: &str) -> Option<i32> {
    let text = text.trim();
    let number: i32 = text.get(..text.len().checked_sub(1)?)?.parse().ok()?;
    match text.as_bytes().last()? {
        b'Y' => Some(number),
        b'M' => Some(number / 12),
        b'W' => Some(number / 52),
        b'D' => Some(number / 365),
        _ => None,
    }
}

/// How sure the inference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Only series texts, or nothing: a coordinator must look.
    Low,
    /// One good source.
    Medium,
    /// Two kinds of sources agree.
    High,
}

/// A kind of clinical specialist that fits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Clinical {
    /// NUCC code.
    pub nucc: String,
    /// In words.
    pub title: String,
}

/// What one region of an exam calls for. Never used to block, only to rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The region; `None` when nothing tells.
    pub group: Option<Group>,
    /// The rule that decided.
    pub rule: String,
    /// Sub-specialty that should read it.
    pub primary: String,
    /// Others that may.
    pub alternates: Vec<String>,
    /// How sure that is.
    pub confidence: Confidence,
    /// Why, in words: `Study description says LUMBAR SPINE`.
    pub reasons: Vec<String>,
    /// Clinical specialists who decide on treatment there.
    pub clinical: Vec<Clinical>,
    /// What to think of.
    pub note: Option<String>,
}

/// One kind of place where a region can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    AnatomicRegion,
    ProcedureCode,
    StudyDescription,
    RequestedProcedure,
    BodyPart,
    SeriesText,
}

impl Source {
    const fn key(self) -> &'static str {
        match self {
            Self::AnatomicRegion => "AnatomicRegionSequence",
            Self::ProcedureCode => "ProcedureCode",
            Self::StudyDescription => "StudyDescription",
            Self::RequestedProcedure => "RequestedProcedureDescription",
            Self::BodyPart => "BodyPartExamined",
            Self::SeriesText => "SeriesText",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::AnatomicRegion => "The images are coded as",
            Self::ProcedureCode => "The procedure code says",
            Self::StudyDescription => "Study description says",
            Self::RequestedProcedure => "The requested procedure says",
            Self::BodyPart => "Body part examined says",
            Self::SeriesText => "Series descriptions say",
        }
    }
}

/// What speaks for each region: kinds of sources, each with the words it used.
type Evidence = BTreeMap<Group, BTreeMap<Source, String>>;

/// Returns what the study calls for: the best region first, then other regions the study description names.
///
/// `diagnosis` is what the requester wrote as reason and diagnosis; it adds clinical specialists only.
pub fn infer(exam: &ExamFacts, diagnosis: &str, map: &SpecialtyMap) -> Vec<Suggestion> {
    let evidence = gather(exam, map);
    let modalities: BTreeSet<&str> = exam
        .modalities
        .iter()
        .map(String::as_str)
        .filter(|modality| !NOT_IMAGES.contains(modality))
        .collect();
    let score = |sources: &BTreeMap<Source, String>| -> f64 {
        sources
            .keys()
            .filter_map(|source| map.weights.get(source.key()))
            .sum()
    };
    // The order of the patterns breaks ties, so that a study of two regions always starts with the same one.
    let place = |group: &str| map.patterns.iter().position(|(name, _)| name == group);
    let mut groups: Vec<&Group> = evidence.keys().collect();
    groups.sort_by(|a, b| {
        let (left, right) = (
            evidence.get(*a).map_or(0.0, score),
            evidence.get(*b).map_or(0.0, score),
        );
        right.total_cmp(&left).then_with(|| place(a).cmp(&place(b)))
    });
    let named_in_description = |group: &Group| {
        evidence
            .get(group)
            .is_some_and(|sources| sources.contains_key(&Source::StudyDescription))
    };
    let chosen: Vec<Option<&Group>> = match groups.split_first() {
        None => vec![None],
        Some((top, rest)) => std::iter::once(Some(*top))
            .chain(
                rest.iter()
                    .copied()
                    .filter(|g| named_in_description(g))
                    .map(Some),
            )
            .collect(),
    };
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for group in chosen {
        let sources = group.and_then(|group| evidence.get(group));
        let suggestion = suggest(group, sources, exam, &modalities, diagnosis, map);
        // One task for each distinct primary: brain and spine by one neuroradiologist.
        match suggestions
            .iter_mut()
            .find(|earlier| earlier.primary == suggestion.primary)
        {
            Some(earlier) => earlier.reasons.extend(suggestion.reasons),
            None => suggestions.push(suggestion),
        }
    }
    suggestions
}

/// Returns the places and the sides that a study names; the texts of its series are asked only where nothing else tells.
pub(super) fn places_of_exam(exam: &ExamFacts, map: &SpecialtyMap) -> Places {
    let mut places = Places::default();
    let titles = [
        &exam.study_description,
        &exam.requested_procedure_description,
    ];
    for text in titles.into_iter().chain(&exam.procedure_code_meanings) {
        places.add_text(text, map);
    }
    for part in &exam.body_parts {
        places.add_text(part, map);
    }
    for (group, sources) in gather(exam, map) {
        let coded = [Source::AnatomicRegion, Source::BodyPart];
        let words = coded.iter().find_map(|source| sources.get(source));
        if let Some(words) = words {
            places.groups.entry(group).or_insert_with(|| words.clone());
        }
    }
    for side in &exam.lateralities {
        places.add_side(side, map);
    }
    let names_no_side = !places.names_a_side();
    if places.groups.is_empty() {
        for text in &exam.series_texts {
            places.add_text(text, map);
        }
    } else if names_no_side {
        for text in &exam.series_texts {
            places.add_sides_in(text, map);
        }
    }
    places
}

fn gather(exam: &ExamFacts, map: &SpecialtyMap) -> Evidence {
    let mut evidence = Evidence::new();
    let mut add = |group: Group, source: Source, words: &str| {
        let sources = evidence.entry(group).or_default();
        sources.entry(source).or_insert_with(|| words.to_owned());
    };
    for code in &exam.anatomic_region_codes {
        if let Some(term) = map
            .body_terms
            .iter()
            .find(|term| term.sct.as_deref() == Some(code))
        {
            add(
                term.group.clone(),
                Source::AnatomicRegion,
                term.meaning.as_deref().unwrap_or(&term.term),
            );
        }
    }
    for part in &exam.body_parts {
        if let Some((group, words)) = body_part_group(part, map) {
            add(group, Source::BodyPart, &words);
        }
    }
    let texts = std::iter::once((Source::StudyDescription, &exam.study_description))
        .chain([(
            Source::RequestedProcedure,
            &exam.requested_procedure_description,
        )])
        .chain(
            exam.procedure_code_meanings
                .iter()
                .map(|text| (Source::ProcedureCode, text)),
        )
        .chain(
            exam.series_texts
                .iter()
                .map(|text| (Source::SeriesText, text)),
        );
    for (source, text) in texts {
        for (group, words) in groups_in_text(text, map) {
            add(group, source, &words);
        }
    }
    evidence
}

/// Returns the regions a text names, with the words that name them; a wider region takes its parts with it.
pub(crate) fn groups_in_text(text: &str, map: &SpecialtyMap) -> BTreeMap<Group, String> {
    let text = folded(cut(text, limits::TEXT_FOR_PATTERNS_CHARS));
    let mut found: BTreeMap<Group, String> = map
        .patterns
        .iter()
        .filter_map(|(group, pattern)| {
            let words = pattern.find(&text)?.as_str().to_owned();
            Some((group.clone(), words))
        })
        .collect();
    let absorbed: BTreeSet<Group> = found
        .keys()
        .filter_map(|group| map.absorbs.get(group))
        .flatten()
        .cloned()
        .collect();
    found.retain(|group, _| !absorbed.contains(group));
    found
}

/// Returns the region of a Body Part Examined, by its term, a known variant, or the words in it.
fn body_part_group(part: &str, map: &SpecialtyMap) -> Option<(Group, String)> {
    let upper = part.trim().to_uppercase();
    let term = map.variants.get(&upper).unwrap_or(&upper);
    let known = map.body_terms.iter().find(|entry| entry.term == *term);
    known.map(|entry| (entry.group.clone(), upper.clone()))
}

fn suggest(
    group: Option<&Group>,
    sources: Option<&BTreeMap<Source, String>>,
    exam: &ExamFacts,
    modalities: &BTreeSet<&str>,
    diagnosis: &str,
    map: &SpecialtyMap,
) -> Suggestion {
    let rule = map
        .rules
        .iter()
        .find(|rule| applies(rule, group, modalities, exam.patient_sex.as_deref()));
    let is_fallback = rule.is_none_or(|rule| rule.when == super::RuleWhen::default());
    let mut primary = rule
        .map_or("general", |rule| rule.primary.as_str())
        .to_owned();
    let mut alternates = rule.map(|rule| rule.alt.clone()).unwrap_or_default();
    if rule.is_some_and(|rule| rule.alt_from_group) {
        alternates.extend(primary_of_region(group, exam, map).filter(|id| *id != primary));
    }
    let mut clinical = group
        .and_then(|group| map.clinical_by_group.get(group))
        .cloned()
        .unwrap_or_default();
    let is_child = exam.age_years().is_some_and(|age| age < ADULT_YEARS);
    let adult_only = rule.is_some_and(|rule| map.not_for_children.contains(&rule.id));
    if is_child && !adult_only && !is_fallback {
        alternates.insert(0, std::mem::replace(&mut primary, "pediatric".to_owned()));
        clinical.extend(
            map.clinical_by_group
                .get("pediatric_any")
                .cloned()
                .unwrap_or_default(),
        );
    }
    let mut clinical: Vec<Clinical> = clinical
        .into_iter()
        .map(|kind| Clinical {
            nucc: kind.nucc,
            title: kind.en,
        })
        .collect();
    for extra in conditions_of(diagnosis, group.map(String::as_str), map) {
        if clinical.iter().all(|known| known.nucc != extra.nucc) {
            clinical.push(extra);
        }
    }
    Suggestion {
        group: group.cloned(),
        rule: rule.map_or("R99", |rule| rule.id.as_str()).to_owned(),
        primary,
        alternates,
        confidence: confidence(sources, is_fallback, map),
        reasons: reasons(sources, modalities, exam, is_child),
        clinical,
        note: rule.and_then(|rule| rule.note.clone()),
    }
}

/// Returns the sub-specialty that would read the region on plain images of the body, whatever the modality.
fn primary_of_region(
    group: Option<&Group>,
    exam: &ExamFacts,
    map: &SpecialtyMap,
) -> Option<String> {
    group?;
    let none = BTreeSet::new();
    map.rules
        .iter()
        .filter(|rule| rule.when.modality.is_empty() && !rule.when.group.is_empty())
        .find(|rule| applies(rule, group, &none, exam.patient_sex.as_deref()))
        .map(|rule| rule.primary.clone())
}

fn applies(
    rule: &SpecialtyRule,
    group: Option<&Group>,
    modalities: &BTreeSet<&str>,
    sex: Option<&str>,
) -> bool {
    let when = &rule.when;
    let has = |list: &[String]| {
        list.iter()
            .any(|modality| modalities.contains(modality.as_str()))
    };
    (when.modality.is_empty() || has(&when.modality))
        && !has(&when.not_modality)
        && (when.group.is_empty() || group.is_some_and(|group| when.group.contains(group)))
        && when.sex.as_deref().is_none_or(|wanted| sex == Some(wanted))
}

fn confidence(
    sources: Option<&BTreeMap<Source, String>>,
    is_fallback: bool,
    map: &SpecialtyMap,
) -> Confidence {
    /// A source with this weight is good alone.
    const GOOD: f64 = 0.7;
    if is_fallback {
        return Confidence::Low;
    }
    let Some(sources) = sources else {
        // A rule that matched without a region knows the modality, which is set by the machine.
        return Confidence::Medium;
    };
    let weight = |source: &Source| map.weights.get(source.key()).copied().unwrap_or(0.0);
    if sources.len() >= 2 {
        Confidence::High
    } else if sources.keys().any(|source| weight(source) >= GOOD) {
        Confidence::Medium
    } else {
        Confidence::Low
    }
}

fn reasons(
    sources: Option<&BTreeMap<Source, String>>,
    modalities: &BTreeSet<&str>,
    exam: &ExamFacts,
    is_child: bool,
) -> Vec<String> {
    let mut reasons: Vec<String> = sources
        .into_iter()
        .flatten()
        .map(|(source, words)| format!("{} {words}", source.words()))
        .collect();
    if reasons.is_empty() {
        let list: Vec<&str> = modalities.iter().copied().collect();
        reasons.push(if list.is_empty() {
            "The images do not say what they show".to_owned()
        } else {
            format!(
                "The images do not name a body part; modality {}",
                list.join(", ")
            )
        });
    }
    if is_child && let Some(age) = exam.age_years() {
        reasons.push(format!("The patient was {age} years old at the exam"));
    }
    reasons
}

/// Returns the clinical specialists that words of a diagnosis call for.
pub fn conditions_of(diagnosis: &str, group: Option<&str>, map: &SpecialtyMap) -> Vec<Clinical> {
    let text = folded(cut(diagnosis, limits::TEXT_FOR_PATTERNS_CHARS));
    let mut found: Vec<Clinical> = Vec::new();
    for rule in &map.conditions {
        let in_region = rule.only_groups.is_empty()
            || group.is_some_and(|group| rule.only_groups.iter().any(|only| only == group));
        if !in_region || !rule.pattern.is_match(&text) {
            continue;
        }
        for nucc in &rule.add {
            if found.iter().all(|known| known.nucc != *nucc) {
                let title = map
                    .clinical_kind(nucc)
                    .map_or(nucc, |kind| &kind.en)
                    .clone();
                found.push(Clinical {
                    nucc: nucc.clone(),
                    title,
                });
            }
        }
    }
    found
}
