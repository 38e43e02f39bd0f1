//! Who in the directory fits a case, best first, with every reason and every doubt written out.

use std::collections::BTreeSet;

use serde::Serialize;

use super::directory::{Reviewer, ReviewerKind};
use super::infer::{Confidence, Suggestion};
use super::map::SpecialtyMap;
use super::ties::tie;
use crate::case::ReviewerFacts;
use crate::ids::ReviewerId;
use crate::imaging::NO_IMAGES;
use crate::text::{counted, folded, listed};

/// What a case needs of a reviewer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewNeed {
    /// What the exam calls for.
    pub suggestions: Vec<Suggestion>,
    /// Sub-specialty the requester names; wins over the computed one.
    pub wanted_subspecialty: Option<String>,
    /// Modalities with images.
    pub modalities: BTreeSet<String>,
    /// Language the report is wanted in.
    pub language: String,
    /// Where the patient is: `US-WA`, `ES`; `None`: not known.
    pub patient_region: Option<String>,
    /// The opinion goes from physician to physician.
    pub consults_physician: bool,
    /// The patient was a child at the exam.
    pub is_child: bool,
    /// Who wrote the first report, as far as known.
    pub first_reader: String,
    /// Number of who wrote the first report.
    pub first_reader_npi: Option<String>,
    /// Facility and group of the first report, as the request names them.
    pub first_groups: Vec<String>,
    /// Where the exams were made, as the images name it.
    pub image_institutions: Vec<String>,
    /// Ties to the first group were told to the requester.
    pub tie_disclosed: bool,
    /// Entries that declined, or read for this case before.
    pub excluded: BTreeSet<ReviewerId>,
    /// Entries of people who know the first reading: they opened or entered the original report, or papers it may be among.
    pub not_blind: BTreeSet<ReviewerId>,
    /// Hours in which the report is wanted.
    pub wanted_within_hours: Option<u32>,
}

/// A reviewer as a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ranked {
    /// Names the entry.
    pub reviewer_id: ReviewerId,
    /// Points; more is better. They order the list and mean nothing else.
    pub score: i64,
    /// Why it fits, in words.
    pub reasons: Vec<String>,
    /// What to think of, in words.
    pub doubts: Vec<String>,
    /// Why it cannot be chosen; empty when it can.
    pub excluded_because: Vec<String>,
}

/// The two lists, kept apart: who reads images, and who decides on treatment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ranking {
    /// Radiologists, best first, those who cannot be chosen last.
    pub radiologists: Vec<Ranked>,
    /// Clinical specialists, the same way.
    pub clinical_specialists: Vec<Ranked>,
    /// Nothing tells which sub-specialty it is: a coordinator must look.
    pub low_confidence: bool,
}

/// Ranks the directory for a case.
pub fn rank(reviewers: &[Reviewer], need: &ReviewNeed, map: &SpecialtyMap) -> Ranking {
    let list = |kind: ReviewerKind| {
        let mut rows: Vec<(&Reviewer, Ranked)> = reviewers
            .iter()
            .filter(|reviewer| reviewer.kind == kind)
            .map(|reviewer| (reviewer, judge(reviewer, need, map)))
            .collect();
        rows.sort_by(|(left, a), (right, b)| {
            let out = |row: &Ranked| !row.excluded_because.is_empty();
            out(a)
                .cmp(&out(b))
                .then(b.score.cmp(&a.score))
                .then(
                    left.turnaround_hours
                        .unwrap_or(u32::MAX)
                        .cmp(&right.turnaround_hours.unwrap_or(u32::MAX)),
                )
                .then(
                    left.fee_cents
                        .unwrap_or(i64::MAX)
                        .cmp(&right.fee_cents.unwrap_or(i64::MAX)),
                )
                .then_with(|| left.name.cmp(&right.name))
        });
        rows.into_iter().map(|(_, row)| row).collect()
    };
    Ranking {
        radiologists: list(ReviewerKind::Radiologist),
        clinical_specialists: list(ReviewerKind::ClinicalSpecialist),
        low_confidence: need
            .suggestions
            .first()
            .is_none_or(|first| first.confidence == Confidence::Low),
    }
}

/// Collects points and words for one reviewer.
struct Judgement {
    score: i64,
    reasons: Vec<String>,
    doubts: Vec<String>,
}

impl Judgement {
    fn reason(&mut self, points: i64, text: impl Into<String>) {
        self.score += points;
        self.reasons.push(text.into());
    }

    fn doubt(&mut self, points: i64, text: impl Into<String>) {
        self.score -= points;
        self.doubts.push(text.into());
    }
}

fn judge(reviewer: &Reviewer, need: &ReviewNeed, map: &SpecialtyMap) -> Ranked {
    let mut judgement = Judgement {
        score: 0,
        reasons: Vec::new(),
        doubts: Vec::new(),
    };
    match reviewer.kind {
        ReviewerKind::Radiologist => {
            judge_subspecialty(reviewer, need, map, &mut judgement);
            judge_modalities(reviewer, need, &mut judgement);
        }
        ReviewerKind::ClinicalSpecialist => judge_clinical(reviewer, need, map, &mut judgement),
    }
    judge_terms(reviewer, need, &mut judgement);
    judge_place(reviewer, need, &mut judgement);
    Ranked {
        reviewer_id: reviewer.reviewer_id.clone(),
        score: judgement.score,
        reasons: judgement.reasons,
        doubts: judgement.doubts,
        excluded_because: check_choice(reviewer, need),
    }
}

/// Says whether a reviewer has a sub-specialty: by its id, or by a NUCC code and, where NUCC has no code, our tag.
fn has_subspecialty(reviewer: &Reviewer, id: &str, map: &SpecialtyMap) -> bool {
    if reviewer.subspecialties.iter().any(|own| own == id) {
        return true;
    }
    map.subspecialty(id).is_some_and(|entry| {
        let has_code = entry
            .nucc
            .iter()
            .any(|code| reviewer.subspecialties.contains(code));
        let has_tag = entry
            .local_tag
            .as_ref()
            .is_none_or(|tag| reviewer.local_tags.contains(tag));
        has_code && has_tag
    })
}

fn title<'a>(id: &'a str, map: &'a SpecialtyMap) -> &'a str {
    map.subspecialty(id).map_or(id, |entry| &entry.en)
}

fn judge_subspecialty(
    reviewer: &Reviewer,
    need: &ReviewNeed,
    map: &SpecialtyMap,
    judgement: &mut Judgement,
) {
    if let Some(wanted) = &need.wanted_subspecialty {
        let words = title(wanted, map);
        if has_subspecialty(reviewer, wanted, map) {
            judgement.reason(60, format!("{words}, as you asked for"));
        } else {
            judgement.doubt(
                0,
                format!("You asked for {words}, which is not among the sub-specialties"),
            );
        }
    }
    let Some(first) = need.suggestions.first() else {
        return;
    };
    let because = first.reasons.first().map_or("", String::as_str);
    let alternate = first
        .alternates
        .iter()
        .position(|id| has_subspecialty(reviewer, id, map));
    if has_subspecialty(reviewer, &first.primary, map) {
        judgement.reason(
            50,
            format!(
                "{}, which this exam calls for. {because}.",
                title(&first.primary, map)
            ),
        );
    } else if let Some(place) = alternate {
        let id = first.alternates.get(place).map_or("", String::as_str);
        let points = 35 - 5 * i64::try_from(place.min(4)).unwrap_or(4);
        judgement.reason(
            points,
            format!("{}, which reads such exams too. {because}.", title(id, map)),
        );
    } else if has_subspecialty(reviewer, "general", map) {
        judgement.reason(5, "Reads all kinds of exams");
    } else {
        let words = title(&first.primary, map);
        judgement.doubt(20, format!("{words} is not among the sub-specialties"));
    }
    for other in need.suggestions.iter().skip(1) {
        if has_subspecialty(reviewer, &other.primary, map) {
            judgement.reason(
                15,
                format!(
                    "Also {}, for the other body part of this exam",
                    title(&other.primary, map)
                ),
            );
        }
    }
}

fn judge_modalities(reviewer: &Reviewer, need: &ReviewNeed, judgement: &mut Judgement) {
    if reviewer.modalities.is_empty() || need.modalities.is_empty() {
        return;
    }
    let all: Vec<&str> = need
        .modalities
        .iter()
        .map(String::as_str)
        .filter(|modality| !NO_IMAGES.contains(modality))
        .collect();
    let missing: Vec<&str> = all
        .iter()
        .copied()
        .filter(|modality| !reviewer.modalities.iter().any(|read| read == modality))
        .collect();
    if missing.is_empty() {
        judgement.reason(15, format!("Reads {}", listed(&all)));
    } else {
        judgement.doubt(
            25,
            format!("Does not say that they read {}", listed(&missing)),
        );
    }
}

fn judge_clinical(
    reviewer: &Reviewer,
    need: &ReviewNeed,
    map: &SpecialtyMap,
    judgement: &mut Judgement,
) {
    let kinds = need
        .suggestions
        .iter()
        .flat_map(|suggestion| &suggestion.clinical);
    let found = kinds.enumerate().find(|(_, kind)| {
        reviewer.subspecialties.contains(&kind.nucc)
            || reviewer.subspecialties.iter().any(|own| {
                map.subspecialty(own)
                    .is_some_and(|entry| entry.nucc.contains(&kind.nucc))
            })
    });
    match found {
        Some((place, kind)) => {
            let points = 50 - 5 * i64::try_from(place.min(6)).unwrap_or(6);
            judgement.reason(
                points,
                format!("{} treats what this exam shows", kind.title),
            );
        }
        None => judgement.doubt(20, "Not one of the specialists this exam usually leads to"),
    }
}

fn judge_terms(reviewer: &Reviewer, need: &ReviewNeed, judgement: &mut Judgement) {
    if need.is_child {
        if reviewer.paediatric {
            judgement.reason(15, "Sees children");
        } else {
            judgement.doubt(25, "Does not say that they see children");
        }
    }
    if !need.language.is_empty() {
        let speaks = reviewer
            .languages
            .iter()
            .any(|language| language.eq_ignore_ascii_case(&need.language));
        if speaks {
            judgement.reason(10, format!("Writes in {}", language_words(&need.language)));
        } else {
            judgement.doubt(
                15,
                format!(
                    "The report would have to be translated into {}",
                    language_words(&need.language)
                ),
            );
        }
    }
    match (reviewer.turnaround_hours, need.wanted_within_hours) {
        (Some(hours), Some(wanted)) if hours <= wanted => {
            judgement.reason(10, format!("Usually answers within {}", span_words(hours)));
        }
        (Some(hours), Some(_)) => {
            judgement.doubt(
                10,
                format!("Usually takes {}, longer than wanted", span_words(hours)),
            );
        }
        (Some(hours), None) => {
            judgement.reason(0, format!("Usually answers within {}", span_words(hours)))
        }
        (None, _) => {}
    }
}

fn judge_place(reviewer: &Reviewer, need: &ReviewNeed, judgement: &mut Judgement) {
    match &need.patient_region {
        None if need.consults_physician => judgement.doubt(
            0,
            "It is not known where the patient is, so the licence could not be checked",
        ),
        None => {}
        Some(region) if is_licensed(reviewer, region) => {
            judgement.reason(5, format!("Licensed in {region}"));
        }
        Some(region) if need.consults_physician => judgement.doubt(
            0,
            format!("No licence in {region}; gives the opinion from physician to physician"),
        ),
        Some(_) => {}
    }
    if let Some(tie) = tie(reviewer, need).filter(|_| need.tie_disclosed) {
        judgement.doubt(20, format!("{tie}; this was disclosed"));
    }
}

/// Says whether a licence covers a region: `ES` covers `ES-MD`, `US-WA` covers only itself.
fn is_licensed(reviewer: &Reviewer, region: &str) -> bool {
    reviewer.licence_regions.iter().any(|own| {
        own.eq_ignore_ascii_case(region)
            || (!own.is_empty()
                && !own.contains('-')
                && region
                    .split_once('-')
                    .is_some_and(|(country, _)| country.eq_ignore_ascii_case(own)))
    })
}

/// Says whether two names are the same person: the same words in any order, titles left out.
pub(super) fn is_same_person(left: &str, right: &str) -> bool {
    const TITLES: [&str; 10] = [
        "DR", "DRA", "PROF", "MD", "DO", "PHD", "FRCR", "MBBS", "FACR", "M",
    ];
    let words = |name: &str| -> BTreeSet<String> {
        folded(name)
            .split(' ')
            .filter(|word| word.len() > 1 && !TITLES.contains(word))
            .map(str::to_owned)
            .collect()
    };
    let (left, right) = (words(left), words(right));
    left.len() >= 2 && right.len() >= 2 && (left.is_subset(&right) || right.is_subset(&left))
}

fn is_first_reader(reviewer: &Reviewer, need: &ReviewNeed) -> bool {
    let by_number = reviewer.npi.is_some() && reviewer.npi == need.first_reader_npi;
    by_number || is_same_person(&reviewer.name, &need.first_reader)
}

/// Returns why a reviewer cannot be chosen for a case, in words; empty when nothing stands against it.
pub fn check_choice(reviewer: &Reviewer, need: &ReviewNeed) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut add = |text: String| reasons.push(text);
    if !reviewer.active {
        add("Takes no cases at present".to_owned());
    }
    if !reviewer.credential_active {
        add("The credentials were not checked, or have ended".to_owned());
    }
    if is_first_reader(reviewer, need) {
        add("Wrote the first report".to_owned());
    }
    if need.excluded.contains(&reviewer.reviewer_id) {
        add("Declined this case, or read it before".to_owned());
    }
    if need.not_blind.contains(&reviewer.reviewer_id) {
        add(
            "Has opened or entered the original report or papers of this case, so the first impression would not be blind"
                .to_owned(),
        );
    }
    if let Some(tie) = tie(reviewer, need).filter(|_| !need.tie_disclosed) {
        add(tie);
    }
    if need.patient_region.is_none() && !need.consults_physician {
        add(
            "It is not known in which state the patient lives, so the licence cannot be checked"
                .to_owned(),
        );
    }
    if let Some(region) = &need.patient_region
        && !is_licensed(reviewer, region)
        && !need.consults_physician
    {
        add(format!("Has no licence in {region}"));
    }
    if let Some(capacity) = reviewer.capacity
        && reviewer.open_task_count >= capacity
    {
        let open = counted(reviewer.open_task_count as usize, "open case", "open cases");
        add(format!("Has {open} and takes no more"));
    }
    reasons
}

impl ReviewNeed {
    /// Returns what the guards of the case need to know of a reviewer.
    ///
    /// A patient whose place is unknown is not covered by any licence: a coordinator must fill it in, or the opinion must
    /// go from physician to physician.
    pub fn reviewer_facts(&self, reviewer: &Reviewer, conflict_stated: bool) -> ReviewerFacts {
        let region = self.patient_region.as_deref();
        ReviewerFacts {
            credential_active: reviewer.credential_active && reviewer.active,
            licence_fits: region.is_some_and(|region| is_licensed(reviewer, region)),
            consults_physician: self.consults_physician,
            is_first_reader: is_first_reader(reviewer, self),
            same_group: tie(reviewer, self).is_some(),
            tie_disclosed: self.tie_disclosed,
            conflict_stated,
        }
    }
}

fn span_words(hours: u32) -> String {
    if hours < 48 {
        counted(hours as usize, "hour", "hours")
    } else {
        format!("{} days", hours.div_ceil(24))
    }
}

/// Returns a language by name; a code that has none here stays as it is.
pub fn language_words(code: &str) -> &str {
    match code.to_ascii_lowercase().as_str() {
        "en" => "English",
        "es" => "Spanish",
        "de" => "German",
        "fr" => "French",
        "it" => "Italian",
        "pt" => "Portuguese",
        "zh" => "Chinese",
        "ar" => "Arabic",
        "ru" => "Russian",
        "vi" => "Vietnamese",
        _ => code,
    }
}
