//! Here stand the tables of what is a difference: measures apart, types, ages, paired organs, what readers agree on.

use serde::Deserialize;

use crate::lexicon::{FindingId, NodeId, Phrases, Spelling, terms};
use crate::text::Token;
use crate::types::Class;

/// Room for what a computer cannot write down exactly.
const EXACT: f64 = 1e-9;

/// The data file as it stands.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct DifferencesFile {
    apart: Apart,
    grown: Grown,
    types: TypesFile,
    scores: Scores,
    sexes: SexesFile,
    alike: AlikeFile,
    aging: ListFile,
    typed: ListFile,
    readers: ReadersFile,
    paired: PairedFile,
    neighbours: NeighboursFile,
    wording: WordingFile,
}

/// From where two measures of one thing are more than measurement apart.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(crate) struct Apart {
    mm: f64,
    share: f64,
    days: f64,
    amount_share: f64,
    /// Points of a narrowing in percent.
    pub(crate) percent_points: f64,
}

/// From where a difference in size may change what is done.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(crate) struct Grown {
    /// How many times the smaller size.
    pub(crate) times: f64,
    /// Size of a lesion of middle weight.
    pub(crate) lesion_mm: f64,
}

/// Two scores of early infarction that are one.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(crate) struct Scores {
    /// Points by which readers may differ.
    reach: u8,
    /// The score from which something else is done.
    step: u8,
}

impl Scores {
    pub(crate) fn same(&self, a: u8, b: u8) -> bool {
        a.abs_diff(b) <= self.reach && (a < self.step) == (b < self.step)
    }
}

/// Words of organs that only one sex has.
#[derive(Debug, Default, Deserialize)]
struct SexesFile {
    female: String,
    male: String,
}

#[derive(Debug, Default, Deserialize)]
struct TypesFile {
    table: Vec<TypeRule>,
}

/// A word of type that makes a difference.
#[derive(Debug, Deserialize)]
pub(crate) struct TypeRule {
    pub(crate) key: String,
    pub(crate) class: Class,
    /// Word in the name of the findings it is kept for; empty for every finding.
    #[serde(default)]
    pub(crate) only: String,
}

#[derive(Debug, Default, Deserialize)]
struct AlikeFile {
    groups: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ListFile {
    findings: String,
}

#[derive(Debug, Default, Deserialize)]
struct ReadersFile {
    notes: Vec<NoteFile>,
}

#[derive(Debug, Default, Deserialize)]
struct NoteFile {
    kinds: String,
    note: String,
}

#[derive(Debug, Default, Deserialize)]
struct PairedFile {
    regions: String,
    organs: String,
}

#[derive(Debug, Default, Deserialize)]
struct NeighboursFile {
    regions: String,
}

#[derive(Debug, Default, Deserialize)]
struct WordingFile {
    directions: String,
    narrowing: String,
    vague: String,
    lying: String,
    causing: String,
    in_open_vessels: String,
    sound: String,
}

/// The tables in the form they are asked.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    pub(crate) apart: Apart,
    pub(crate) grown: Grown,
    pub(crate) types: Vec<TypeRule>,
    pub(crate) scores: Scores,
    female: Phrases,
    male: Phrases,
    /// Groups of names that readers give one finding.
    alike: Vec<Vec<FindingId>>,
    /// Findings of which the age decides what is done.
    pub(crate) aging: Vec<FindingId>,
    /// Findings whose number names a type.
    pub(crate) typed: Vec<FindingId>,
    /// Regions of which the body has two.
    pub(crate) paired_regions: Vec<NodeId>,
    /// Organs of which the body has two and which an examination may be of one.
    pub(crate) paired_organs: Vec<NodeId>,
    /// Groups of regions that share a stretch of the body.
    neighbours: Vec<Vec<NodeId>>,
    /// Groups of words that tell one part of a structure from another.
    pub(crate) directions: Vec<Vec<String>>,
    /// Words that tie what is denied to something else.
    pub(crate) narrowing: Vec<String>,
    /// Findings that a vessel may have and still be open.
    pub(crate) in_open_vessels: Vec<FindingId>,
    /// Findings that are well and which nothing normal denies.
    pub(crate) sound: Vec<FindingId>,
    /// Words that say too little by themselves to deny a finding that has a name.
    pub(crate) vague: Vec<String>,
    /// Words that tell where something lies.
    pub(crate) lying: Vec<String>,
    /// Words before a cause.
    pub(crate) causing: Vec<String>,
    notes: Vec<NoteFile>,
}

impl DifferencesFile {
    /// Reads the data file.
    pub(crate) fn load() -> Self {
        serde_json::from_str(include_str!("../data/differences.json")).unwrap_or_default()
    }

    /// Brings the tables into the form they are asked in.
    pub(crate) fn build(
        self,
        spelling: &Spelling,
        finding: impl Fn(&str) -> Option<FindingId>,
        node: impl Fn(&str) -> Option<NodeId>,
    ) -> Differences {
        let findings = |list: &str| -> Vec<FindingId> {
            list.split_whitespace().filter_map(&finding).collect()
        };
        let nodes =
            |list: &str| -> Vec<NodeId> { list.split_whitespace().filter_map(&node).collect() };
        let words =
            |list: &str| -> Vec<String> { list.split_whitespace().map(str::to_string).collect() };
        let phrases = |list: &str| {
            let mut out = Phrases::default();
            for term in terms(list, spelling) {
                out.add(&term, 0);
            }
            out
        };
        Differences {
            scores: self.scores,
            female: phrases(&self.sexes.female),
            male: phrases(&self.sexes.male),
            apart: self.apart,
            grown: self.grown,
            types: self.types.table,
            alike: self.alike.groups.iter().map(|g| findings(g)).collect(),
            aging: findings(&self.aging.findings),
            typed: findings(&self.typed.findings),
            paired_regions: nodes(&self.paired.regions),
            paired_organs: nodes(&self.paired.organs),
            neighbours: self.neighbours.regions.split(';').map(nodes).collect(),
            in_open_vessels: findings(&self.wording.in_open_vessels),
            sound: findings(&self.wording.sound),
            lying: words(&self.wording.lying),
            vague: words(&self.wording.vague),
            narrowing: words(&self.wording.narrowing),
            causing: words(&self.wording.causing),
            directions: self
                .wording
                .directions
                .split(';')
                .map(|group| group.split_whitespace().map(str::to_string).collect())
                .collect(),
            notes: self.readers.notes,
        }
    }
}

/// Sex of a patient as the organs of a report tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sex {
    Female,
    Male,
}

impl Differences {
    /// Whether two names may stand for one finding.
    pub(crate) fn alike(&self, x: FindingId, y: FindingId) -> bool {
        let mut groups = self.alike.iter();
        groups.any(|group| group.contains(&x) && group.contains(&y))
    }

    /// Whether two regions share a stretch of the body: the neck and the cervical spine.
    pub(crate) fn neighbours(&self, x: NodeId, y: NodeId) -> bool {
        let mut groups = self.neighbours.iter();
        groups.any(|group| group.contains(&x) && group.contains(&y))
    }

    /// Tells the sex by the organs named; `None` when none is, or those of both are.
    pub(crate) fn sex(&self, tokens: &[Token]) -> Option<Sex> {
        let named = |list: &Phrases| !list.find(tokens).is_empty();
        match (named(&self.female), named(&self.male)) {
            (true, false) => Some(Sex::Female),
            (false, true) => Some(Sex::Male),
            _ => None,
        }
    }
}

impl Apart {
    /// Whether two sizes in mm are more than measurement apart.
    pub(crate) fn sizes(&self, a: f64, b: f64) -> bool {
        let (small, big) = (a.min(b), a.max(b));
        self.millimetres(a, b) && (big - small) / big.max(EXACT) >= self.share - EXACT
    }

    /// Whether two sizes are apart in mm, whatever their share.
    pub(crate) fn millimetres(&self, a: f64, b: f64) -> bool {
        (a - b).abs() >= self.mm - EXACT
    }

    /// Whether two ages of gestation in days are apart.
    pub(crate) fn days(&self, a: f64, b: f64) -> bool {
        (a - b).abs() > self.days
    }

    /// Whether two weights or volumes are apart.
    pub(crate) fn amounts(&self, a: f64, b: f64) -> bool {
        (a - b).abs() / a.max(b).max(EXACT) >= self.amount_share
    }
}

impl Differences {
    /// What is known about how often readers agree on a kind of finding.
    pub(crate) fn note(&self, kind: &str) -> Option<&str> {
        let of = |n: &&NoteFile| n.kinds.split_whitespace().any(|k| k == kind);
        self.notes.iter().find(of).map(|n| n.note.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::DifferencesFile;
    use crate::lexicon::lexicon;

    #[test]
    fn every_table_names_its_source_and_is_understood() {
        let value: serde_json::Value =
            serde_json::from_str(include_str!("../data/differences.json")).unwrap();
        let sourced = |v: &serde_json::Value| v["source"].as_str().is_some_and(|s| s.len() > 10);
        let tables = [
            "apart",
            "grown",
            "types",
            "alike",
            "aging",
            "typed",
            "readers",
            "paired",
            "scores",
            "sexes",
            "neighbours",
            "wording",
        ];
        assert!(
            ["jurisdiction", "checked_on", "checked_by"]
                .iter()
                .all(|k| value[*k].is_string())
        );
        assert!(sourced(&value) && tables.iter().all(|t| sourced(&value[*t])));
        assert!(
            value["readers"]["notes"]
                .as_array()
                .unwrap()
                .iter()
                .all(sourced)
        );
        let file: DifferencesFile = serde_json::from_value(value).unwrap();
        let found = &lexicon().differences;
        let count = |list: &str| list.split_whitespace().count();
        let groups = file.alike.groups.iter().map(|g| count(g));
        assert!(found.alike.iter().map(Vec::len).eq(groups));
        assert_eq!(found.aging.len(), count(&file.aging.findings));
        assert_eq!(found.typed.len(), count(&file.typed.findings));
        assert_eq!(found.paired_regions.len(), count(&file.paired.regions));
        assert_eq!(found.paired_organs.len(), count(&file.paired.organs));
        let groups = file.neighbours.regions.split(';').map(count);
        assert!(found.neighbours.iter().map(Vec::len).eq(groups));
        for (list, kind) in [("facet", true), ("degeneration", true), ("", false)] {
            assert_eq!(found.note(list).is_some(), kind, "{list}");
        }
    }

    #[test]
    fn ages_of_gestation_differ_by_more_than_a_week() {
        let apart = &lexicon().differences.apart;
        for (a, b, expect) in [(140.0, 147.0, false), (140.0, 148.0, true)] {
            assert_eq!(apart.days(a, b), expect, "{a} {b}");
            assert_eq!(apart.days(b, a), expect, "{b} {a}");
        }
    }

    #[test]
    fn a_size_differs_by_millimetres_and_by_its_share() {
        let apart = &lexicon().differences.apart;
        for (a, b, expect) in [
            (10.0, 13.0, true),
            (10.0, 12.0, false),
            (20.0, 23.0, false),
            (12.0, 15.0, true),
            (0.0, 0.0, false),
        ] {
            assert_eq!(apart.sizes(a, b), expect, "{a} {b}");
        }
    }
}
