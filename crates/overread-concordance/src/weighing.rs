//! Here stand the tables of what a difference weighs: urgency, advice, change over time, counted parts, names.

use std::collections::HashMap;

use crate::lexicon::{FindingId, Hit, NodeId, Phrases};
use crate::text::Token;

mod files;

pub(crate) use files::WeighingFile;

/// What advice asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Observe,
    Test,
    /// To be read beside other facts.
    Correlate,
    Tissue,
    Operate,
    Refer,
    /// Somebody was told.
    Tell,
    /// That nothing is done.
    Nothing,
}

/// By which means, as a number of the table: MRI, ultrasound, colonoscopy.
pub(crate) type Means = usize;

/// How a finding changed since an earlier examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trend {
    Larger,
    Unchanged,
    Smaller,
    New,
}

impl Trend {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Larger => "larger than before",
            Self::Unchanged => "unchanged",
            Self::Smaller => "smaller than before",
            Self::New => "new",
        }
    }
}

/// What a label in the head of a report introduces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Patient,
    BirthDate,
    ExamDate,
    PatientNumber,
    Accession,
    /// Another entry: it ends the one before.
    Other,
}

/// What counts a part of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// Ribs, from 1 to 12.
    Rib,
    /// Rays of a hand or foot, from 1 to 5.
    Ray,
    /// A ray with a name of its own.
    Named(u8),
}

/// The tables in the form they are asked.
#[derive(Debug, Default)]
pub(crate) struct Weighing {
    pub(crate) lesion_mm: f64,
    /// Category schemes and the number from which one report alone matters.
    pub(crate) categories: Vec<(String, u8)>,
    /// Findings that matter today even when they are only possible.
    pub(crate) emergencies: Vec<FindingId>,
    /// Tubes and lines, and the places where they never belong.
    pub(crate) never: Vec<(FindingId, Vec<NodeId>)>,
    misplaced: Phrases,
    crowd: Phrases,
    /// Largest number that is fewer than many, and than what cannot be counted.
    pub(crate) crowd_over: [u8; 2],
    /// Findings that weigh more in an infant, and the words that tell of one.
    pub(crate) infant_findings: Vec<FindingId>,
    infant: Phrases,
    /// Kinds of a finding that change what is done about it.
    pub(crate) graver: Vec<FindingId>,
    /// Sizes in mm of a place, by which something else is done.
    pub(crate) place_steps_mm: Vec<(NodeId, Vec<f64>)>,
    /// Words that lead to the place in which something lies.
    pub(crate) leading: Vec<String>,
    /// Sizes in mm at which something else is done.
    pub(crate) steps_mm: Vec<(FindingId, Vec<f64>)>,
    worrying: Phrases,
    urgent: Phrases,
    /// Share of the longer span from which two spans until the next step differ.
    pub(crate) timing_apart: f64,
    advice: Phrases,
    actions: Vec<(Action, Option<Means>)>,
    means: Vec<String>,
    /// Words that deny, and words that call a step needed.
    denials: Vec<String>,
    needs: Vec<String>,
    trend: Phrases,
    trends: Vec<Option<Trend>>,
    opposite: Phrases,
    numbered: Phrases,
    numbers: Vec<Numbered>,
    /// Parts of the breast as arcs of the clock face on the right one, in hours.
    pub(crate) arcs: Vec<(NodeId, (u8, u8))>,
    /// Half hours that a position on the clock face may be off.
    pub(crate) clock_reach: u8,
    /// Where an hour is a position on the clock face.
    pub(crate) clock_context: Option<NodeId>,
    times: Phrases,
    spelled: HashMap<String, String>,
    pub(crate) labels: Vec<(Vec<String>, Label)>,
    pub(crate) no_names: Vec<String>,
}

impl Weighing {
    pub(crate) fn worrying(&self, tokens: &[Token]) -> Vec<Hit> {
        self.worrying.find(tokens)
    }

    /// Finds words of how many there are, without a number: 1 is many, 2 is more than can be counted.
    pub(crate) fn crowd(&self, tokens: &[Token]) -> Vec<(Hit, u8)> {
        let hits = self.crowd.find(tokens).into_iter();
        hits.filter_map(|hit| {
            let crowd = u8::try_from(hit.ids.iter().max()? + 1).ok()?;
            Some((hit, crowd))
        })
        .collect()
    }

    /// Whether words tell that the patient is an infant.
    pub(crate) fn is_infant(&self, tokens: &[Token]) -> bool {
        !self.infant.find(tokens).is_empty()
    }

    /// Whether words make an hour the time of day.
    pub(crate) fn tells_the_time(&self, tokens: &[Token]) -> bool {
        !self.times.find(tokens).is_empty()
    }

    /// Finds words that a tube or line lies in a wrong place.
    pub(crate) fn misplaced(&self, tokens: &[Token]) -> Vec<Hit> {
        self.misplaced.find(tokens)
    }

    pub(crate) fn urgent(&self, tokens: &[Token]) -> Vec<Hit> {
        self.urgent.find(tokens)
    }

    pub(crate) fn opposite(&self, tokens: &[Token]) -> Vec<Hit> {
        self.opposite.find(tokens)
    }

    /// Says whether a sentence calls a step not needed: "not clearly needed", "no clear need".
    pub(crate) fn unneeded(&self, tokens: &[Token]) -> bool {
        let behind = |at: usize| {
            let words = tokens.iter().skip(at + 1).take_while(|t| t.is_word());
            words.take(3).any(|t| self.needs.contains(&t.norm))
        };
        let mut tokens = tokens.iter().enumerate();
        tokens.any(|(at, t)| self.denials.contains(&t.norm) && behind(at))
    }

    /// Finds what advice asks for, and by which means.
    pub(crate) fn actions(&self, tokens: &[Token]) -> Vec<(Hit, Action, Option<Means>)> {
        let hits = named(&self.advice, &self.actions, tokens).into_iter();
        hits.map(|(hit, (action, means))| (hit, action, means))
            .collect()
    }

    /// Names a means as a reader does.
    pub(crate) fn means_name(&self, means: Means) -> &str {
        self.means.get(means).map_or("", String::as_str)
    }

    /// Finds words of change over time.
    pub(crate) fn trends(&self, tokens: &[Token]) -> Vec<(Hit, Trend)> {
        named(&self.trend, &self.trends, tokens)
            .into_iter()
            .filter_map(|(hit, trend)| Some((hit, trend?)))
            .collect()
    }

    /// Finds counted parts of the body.
    pub(crate) fn numbered(&self, tokens: &[Token]) -> Vec<(Hit, Numbered)> {
        named(&self.numbered, &self.numbers, tokens)
    }

    /// Writes an identifier such as `rul_nodule` in words.
    pub(crate) fn words_of(&self, id: &str) -> String {
        let words: Vec<&str> = id
            .split(['_', ' '])
            .map(|word| {
                let (bare, mark) = match word.strip_suffix(',') {
                    Some(bare) => (bare, true),
                    None => (word, false),
                };
                match self.spelled.get(bare) {
                    Some(full) if !mark => full.as_str(),
                    _ => word,
                }
            })
            .collect();
        words.join(" ")
    }
}

fn named<T: Copy>(phrases: &Phrases, list: &[T], tokens: &[Token]) -> Vec<(Hit, T)> {
    phrases
        .find(tokens)
        .into_iter()
        .filter_map(|hit| {
            let value = *list.get(*hit.ids.first()?)?;
            Some((hit, value))
        })
        .collect()
}

fn action(name: &str) -> Option<Action> {
    Some(match name {
        "observe" => Action::Observe,
        "test" => Action::Test,
        "correlate" => Action::Correlate,
        "tissue" => Action::Tissue,
        "operate" => Action::Operate,
        "refer" => Action::Refer,
        "tell" => Action::Tell,
        "nothing" => Action::Nothing,
        _ => return None,
    })
}

fn trend(name: &str) -> Option<Trend> {
    Some(match name {
        "larger" => Trend::Larger,
        "unchanged" => Trend::Unchanged,
        "smaller" => Trend::Smaller,
        "new" => Trend::New,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{WeighingFile, action, trend};
    use crate::lexicon::lexicon;

    #[test]
    fn every_table_names_its_source_and_is_understood() {
        let value: serde_json::Value =
            serde_json::from_str(include_str!("../data/weighing.json")).unwrap();
        let sourced = |v: &serde_json::Value| v["source"].as_str().is_some_and(|s| s.len() > 10);
        let dated = ["jurisdiction", "checked_on", "checked_by"];
        assert!(dated.iter().all(|k| value[*k].is_string()));
        assert!(sourced(&value) && sourced(&value["alone"]) && sourced(&value["urgent"]));
        assert!(sourced(&value["numbered"]) && sourced(&value["spelled"]));
        assert!(sourced(&value["emergencies"]) && sourced(&value["misplaced"]));
        let file: WeighingFile = serde_json::from_value(value.clone()).unwrap();
        assert!(sourced(&value["clock"]));
        assert_eq!(lexicon().weighing.arcs.len(), file.clock.arcs.len());
        assert_eq!(lexicon().weighing.clock_reach, file.clock.reach_half_hours);
        assert!(lexicon().weighing.clock_context.is_some());
        let emergencies = file.emergencies.findings.split_whitespace().count();
        assert_eq!(lexicon().weighing.emergencies.len(), emergencies);
        let never = |list: &[(usize, Vec<usize>)]| list.iter().map(|n| n.1.len()).sum::<usize>();
        let places = file.misplaced.places.iter();
        let named: usize = places.map(|p| p.never.split_whitespace().count()).sum();
        assert_eq!(never(&lexicon().weighing.never), named);
        assert!(file.misplaced.places.iter().all(|p| !p.never.is_empty()));
        let steps = value["steps_mm"].as_array().unwrap();
        assert!(steps.iter().all(sourced));
        let known = |k: &str| k.is_empty() || action(k).is_some();
        assert!(file.advice.table.iter().all(|k| known(&k.kind)));
        assert!(sourced(&value["advice"]) && sourced(&value["advice_timing"]));
        assert!(
            file.trend
                .iter()
                .all(|k| k.kind.is_empty() || trend(&k.kind).is_some())
        );
        let weighing = &lexicon().weighing;
        let of_places = weighing.place_steps_mm.len();
        assert_eq!(weighing.steps_mm.len() + of_places, steps.len());
        for table in ["crowd", "infant", "graver"] {
            assert!(sourced(&value[table]), "{table}");
        }
        let count = |list: &str| list.split_whitespace().count();
        assert_eq!(weighing.infant_findings.len(), count(&file.infant.findings));
        assert_eq!(weighing.graver.len(), count(&file.graver.findings));
        assert_eq!(lexicon().weighing.categories.len(), 8);
    }

    #[test]
    fn short_names_are_written_out() {
        let w = &lexicon().weighing;
        assert_eq!(w.words_of("acl_tear"), "anterior cruciate ligament tear");
        assert_eq!(w.words_of("rul"), "right upper lobe");
        assert_eq!(w.words_of("disc_extrusion"), "disc extrusion");
    }
}
