//! Here the data file of what weighs stands as it is written, and is brought into the form it is asked in.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Label, Numbered, Weighing, action, trend};
use crate::lexicon::{FindingId, NodeId, Phrases, Spelling, terms};

/// The data file as it stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WeighingFile {
    pub(super) alone: AloneFile,
    pub(super) emergencies: EmergenciesFile,
    pub(super) misplaced: MisplacedFile,
    pub(super) crowd: CrowdFile,
    pub(super) infant: InfantFile,
    pub(super) graver: EmergenciesFile,
    pub(super) steps_mm: Vec<StepsFile>,
    pub(super) urgent: TermsFile,
    pub(super) advice: AdviceFile,
    pub(super) unneeded: UnneededFile,
    pub(super) advice_timing: TimingFile,
    pub(super) trend: Vec<KindFile>,
    pub(super) opposite: String,
    pub(super) numbered: NumberedFile,
    pub(super) clock: ClockFile,
    pub(super) spelled: SpelledFile,
    pub(super) identity: IdentityFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AloneFile {
    pub(super) lesion_mm: f64,
    pub(super) worrying: String,
    pub(super) categories: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EmergenciesFile {
    pub(super) findings: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UnneededFile {
    pub(super) denials: String,
    pub(super) terms: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CrowdFile {
    pub(super) many: String,
    pub(super) countless: String,
    pub(super) over: [u8; 2],
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InfantFile {
    pub(super) terms: String,
    pub(super) findings: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MisplacedFile {
    pub(super) terms: String,
    pub(super) leading: String,
    pub(super) places: Vec<NeverFile>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct NeverFile {
    pub(super) device: String,
    pub(super) never: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct StepsFile {
    #[serde(default)]
    pub(super) finding: String,
    #[serde(default)]
    pub(super) place: String,
    pub(super) mm: Vec<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TermsFile {
    pub(super) terms: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AdviceFile {
    pub(super) table: Vec<KindFile>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct KindFile {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) what: String,
    pub(super) terms: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TimingFile {
    pub(super) apart_share: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NumberedFile {
    pub(super) rib: String,
    pub(super) ray: String,
    pub(super) names: Vec<(String, u8)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClockFile {
    pub(super) reach_half_hours: u8,
    pub(super) context: String,
    pub(super) arcs: Vec<ArcFile>,
    pub(super) times: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ArcFile {
    pub(super) node: String,
    pub(super) arc: (u8, u8),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SpelledFile {
    pub(super) words: HashMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IdentityFile {
    pub(super) patient: String,
    pub(super) birth_date: String,
    pub(super) exam_date: String,
    pub(super) patient_number: String,
    pub(super) accession: String,
    pub(super) others: String,
    pub(super) no_names: String,
}

impl WeighingFile {
    /// Reads the data file.
    pub(crate) fn load() -> Self {
        serde_json::from_str(include_str!("../../data/weighing.json")).unwrap_or_default()
    }

    /// Returns every word of the tables, which the mending of spelling leaves alone.
    pub(crate) fn words(&self) -> Vec<&str> {
        let kinds = self.advice.table.iter().chain(&self.trend);
        [
            &self.urgent.terms,
            &self.alone.worrying,
            &self.misplaced.terms,
            &self.crowd.many,
            &self.crowd.countless,
            &self.infant.terms,
            &self.opposite,
            &self.numbered.rib,
            &self.numbered.ray,
        ]
        .into_iter()
        .map(String::as_str)
        .chain(kinds.map(|k| k.terms.as_str()))
        .chain(self.numbered.names.iter().map(|(name, _)| name.as_str()))
        .collect()
    }

    /// Brings the tables into the form they are asked in.
    pub(crate) fn build(
        self,
        spelling: &Spelling,
        finding: impl Fn(&str) -> Option<FindingId>,
        node: impl Fn(&str) -> Option<NodeId>,
    ) -> Weighing {
        let phrases = |list: &str| {
            let mut out = Phrases::default();
            for term in terms(list, spelling) {
                out.add(&term, 0);
            }
            out
        };
        let leading = terms(&self.misplaced.leading, spelling).into_iter();
        let never = self.misplaced.places.iter().filter_map(|entry| {
            let places = entry.never.split_whitespace().filter_map(&node);
            Some((finding(&entry.device)?, places.collect()))
        });
        let arcs = self.clock.arcs.iter();
        let steps = self.steps_mm.iter();
        let place_steps = self.steps_mm.iter();
        let mut crowd = phrases(&self.crowd.many);
        for term in terms(&self.crowd.countless, spelling) {
            crowd.add(&term, 1);
        }
        let emergencies = self.emergencies.findings.split_whitespace();
        let mut out = Weighing {
            lesion_mm: self.alone.lesion_mm,
            timing_apart: self.advice_timing.apart_share,
            categories: categories(&self.alone.categories),
            emergencies: emergencies.filter_map(&finding).collect(),
            never: never.collect(),
            misplaced: phrases(&self.misplaced.terms),
            leading: leading.flatten().map(|t| t.norm).collect(),
            steps_mm: steps
                .filter_map(|step| Some((finding(&step.finding)?, step.mm.clone())))
                .collect(),
            place_steps_mm: place_steps
                .filter_map(|step| Some((node(&step.place)?, step.mm.clone())))
                .collect(),
            crowd,
            crowd_over: self.crowd.over,
            infant: phrases(&self.infant.terms),
            infant_findings: self
                .infant
                .findings
                .split_whitespace()
                .filter_map(&finding)
                .collect(),
            graver: self
                .graver
                .findings
                .split_whitespace()
                .filter_map(&finding)
                .collect(),
            worrying: phrases(&self.alone.worrying),
            urgent: phrases(&self.urgent.terms),
            opposite: phrases(&self.opposite),
            arcs: arcs
                .filter_map(|entry| Some((node(&entry.node)?, entry.arc)))
                .collect(),
            // Never more than half the face, whatever the table says.
            clock_reach: self.clock.reach_half_hours.min(12),
            times: phrases(&self.clock.times),
            clock_context: node(&self.clock.context),
            spelled: self.spelled.words,
            ..Weighing::default()
        };
        out.learn_advice(self.advice.table, spelling);
        out.learn_unneeded(&self.unneeded, spelling);
        out.learn_trends(&self.trend, spelling);
        out.learn_numbered(&self.numbered, spelling);
        out.learn_labels(&self.identity);
        out
    }
}

impl Weighing {
    fn learn_advice(&mut self, table: Vec<KindFile>, spelling: &Spelling) {
        for entry in table {
            let Some(action) = action(&entry.kind) else {
                // Words that only look like an action.
                for term in terms(&entry.terms, spelling) {
                    self.advice.add(&term, usize::MAX);
                }
                continue;
            };
            for term in terms(&entry.terms, spelling) {
                self.advice.add(&term, self.actions.len());
            }
            let means = (!entry.what.is_empty()).then(|| {
                self.means.push(entry.what);
                self.means.len() - 1
            });
            self.actions.push((action, means));
        }
    }

    fn learn_unneeded(&mut self, table: &UnneededFile, spelling: &Spelling) {
        let spelt = |list: &str| {
            let words = list.split_whitespace();
            words.map(|w| spelling.normalise(w)).collect()
        };
        self.denials = spelt(&table.denials);
        self.needs = spelt(&table.terms);
    }

    fn learn_trends(&mut self, table: &[KindFile], spelling: &Spelling) {
        for entry in table {
            for term in terms(&entry.terms, spelling) {
                self.trend.add(&term, self.trends.len());
            }
            self.trends.push(trend(&entry.kind));
        }
    }

    fn learn_numbered(&mut self, table: &NumberedFile, spelling: &Spelling) {
        let counted = [
            (table.rib.as_str(), Numbered::Rib),
            (table.ray.as_str(), Numbered::Ray),
        ];
        let names = table.names.iter();
        let named = names.map(|(name, n)| (name.as_str(), Numbered::Named(*n)));
        for (list, what) in counted.into_iter().chain(named) {
            for term in terms(list, spelling) {
                self.numbered.add(&term, self.numbers.len());
            }
            self.numbers.push(what);
        }
    }

    fn learn_labels(&mut self, table: &IdentityFile) {
        for (list, label) in [
            (&table.patient, Label::Patient),
            (&table.birth_date, Label::BirthDate),
            (&table.exam_date, Label::ExamDate),
            (&table.patient_number, Label::PatientNumber),
            (&table.accession, Label::Accession),
            (&table.others, Label::Other),
        ] {
            for term in list.split(';') {
                let words = term.split_whitespace().map(str::to_string).collect();
                self.labels.push((words, label));
            }
        }
        // The longest label that fits is the one meant: "patient id" before "patient".
        self.labels
            .sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        let no_names = table.no_names.split(';');
        self.no_names = no_names.map(|w| w.trim().to_string()).collect();
    }
}

fn categories(list: &str) -> Vec<(String, u8)> {
    list.split(';')
        .filter_map(|entry| entry.trim().split_once(' '))
        .filter_map(|(scheme, from)| Some((scheme.to_string(), from.parse().ok()?)))
        .collect()
}
