//! Here the data file of what discerns stands as it is written, and is brought into the form it is asked in.

use serde::Deserialize;

use crate::lexicon::{FindingId, NodeId, Phrases, Spelling, terms};

/// The data file as it stands.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct DiscerningFile {
    pub(super) words: LinesFile,
    pub(super) opposed: OpposedFile,
    pub(super) narrowing: TermsFile,
    pub(super) numbered: NumberedFile,
    pub(super) spared: SparedFile,
    pub(super) graded: GradedFile,
    pub(super) staging: StagingFile,
    pub(super) densities: DensitiesFile,
    pub(super) states: StatesFile,
    pub(super) status: TermsFile,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct LinesFile {
    pub(super) urgent: Vec<String>,
    pub(super) lines: Vec<String>,
    pub(super) standing: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OpposedFile {
    pub(super) groups: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct NumberedFile {
    pointers: String,
    units: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct SparedFile {
    terms: String,
    pub(super) findings: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct GradedFile {
    between: String,
    pub(super) table: Vec<GradeFile>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct GradeFile {
    pub(super) name: String,
    pub(super) terms: String,
    #[serde(default)]
    of: String,
    steps: Vec<u8>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct StagingFile {
    near: String,
    signal: String,
    leading: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct DensitiesFile {
    apart: f64,
    apart_at_step: f64,
    pub(super) table: Vec<DensityFile>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct DensityFile {
    place: String,
    hu: Vec<f64>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct StatesFile {
    open: String,
    pub(super) table: Vec<StateFile>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct StateFile {
    name: String,
    pub(super) terms: String,
    bare: String,
    yes: String,
    no: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct TermsFile {
    terms: String,
}

/// A classification whose class may differ.
#[derive(Debug)]
pub(crate) struct Classification {
    /// What a row of it is called; none for a word of many classifications.
    pub(crate) name: Option<String>,
    /// The kind of finding it must be told of.
    pub(crate) of: Option<FindingId>,
    /// Classes from which something else is done.
    pub(crate) steps: Vec<u8>,
}

/// What is told as there or not there in words of its own.
#[derive(Debug)]
pub(crate) struct StateOf {
    pub(crate) name: String,
    /// What the name alone says.
    pub(crate) bare: Option<bool>,
    /// Words of an answer: 0 says yes, 1 no, 2 neither.
    pub(crate) answers: Phrases,
}

/// Words beside a bare T and figure.
#[derive(Debug, Default)]
pub(crate) struct Staging {
    pub(crate) near: Vec<String>,
    pub(crate) signal: Vec<String>,
    pub(crate) leading: Vec<String>,
}

/// From where two densities in Hounsfield units are not alike.
#[derive(Debug, Default)]
pub(crate) struct Densities {
    pub(crate) apart: f64,
    pub(crate) apart_at_step: f64,
    pub(crate) steps: Vec<(NodeId, Vec<f64>)>,
}

/// Words that discern, in the form they are asked.
#[derive(Debug, Default)]
pub(crate) struct Discerning {
    pub(crate) words: Phrases,
    /// Lines of words before this one are urgent.
    pub(crate) urgent: usize,
    /// Lines from this one on count as they stand: the word that denies is a part of them.
    pub(crate) standing: usize,
    /// Words that exclude each other.
    pub(crate) opposed: Phrases,
    /// Group and member of each line of `opposed`.
    pub(crate) members: Vec<(usize, usize)>,
    /// Words that make a denial deny less.
    pub(crate) narrowing: Phrases,
    /// Words before a number that says only where to look.
    pub(crate) pointers: Vec<String>,
    /// Words behind a number that make it a measure.
    pub(crate) units: Vec<String>,
    /// Words that are not urgent beside these findings.
    pub(crate) spared: Phrases,
    pub(crate) sparing: Vec<FindingId>,
    pub(crate) graded: Phrases,
    pub(crate) classifications: Vec<Classification>,
    pub(crate) between: Vec<String>,
    pub(crate) staging: Staging,
    pub(crate) densities: Densities,
    pub(crate) state_terms: Phrases,
    pub(crate) states: Vec<StateOf>,
    pub(crate) status: Phrases,
}

impl DiscerningFile {
    pub(crate) fn load() -> Self {
        serde_json::from_str(include_str!("../../data/discerning.json")).unwrap_or_default()
    }

    /// Returns the names of what is classified or told, which the mending of spelling leaves alone.
    pub(crate) fn words(&self) -> Vec<&str> {
        let graded = self.graded.table.iter().map(|g| g.terms.as_str());
        let states = self.states.table.iter().map(|s| s.terms.as_str());
        graded.chain(states).collect()
    }

    pub(crate) fn build(
        self,
        spelling: &Spelling,
        finding: impl Fn(&str) -> Option<FindingId>,
        node: impl Fn(&str) -> Option<NodeId>,
    ) -> Discerning {
        let phrases = |lists: &[&str]| {
            let mut out = Phrases::default();
            for (id, list) in lists.iter().enumerate() {
                for term in terms(list, spelling) {
                    out.add(&term, id);
                }
            }
            out
        };
        let spelt = |list: &str| -> Vec<String> {
            let words = list.split_whitespace();
            words.map(|w| spelling.normalise(w)).collect()
        };
        let words = &self.words;
        let lines = words.urgent.iter().chain(&words.lines);
        let lines: Vec<&str> = lines.chain(&words.standing).map(String::as_str).collect();
        let groups = self.opposed.groups.iter().enumerate();
        let opposed = groups.flat_map(|(group, members)| {
            let members = members.split('|').enumerate();
            members.map(move |(member, words)| ((group, member), words))
        });
        let (members, opposed): (Vec<_>, Vec<&str>) = opposed.unzip();
        let graded: Vec<&str> = self.graded.table.iter().map(|g| g.terms.as_str()).collect();
        let states: Vec<&str> = self.states.table.iter().map(|s| s.terms.as_str()).collect();
        let open = self.states.open.as_str();
        let state = |s: &StateFile| StateOf {
            name: s.name.clone(),
            bare: (!s.bare.is_empty()).then_some(s.bare == "yes"),
            answers: phrases(&[&s.yes, &s.no, open]),
        };
        let classification = |g: &GradeFile| Classification {
            name: (!g.name.is_empty()).then(|| g.name.clone()),
            of: finding(&g.of),
            steps: g.steps.clone(),
        };
        let steps = self.densities.table.iter();
        let steps = steps.filter_map(|d| Some((node(&d.place)?, d.hu.clone())));
        let sparing = self.spared.findings.split_whitespace();
        Discerning {
            urgent: self.words.urgent.len(),
            standing: self.words.urgent.len() + self.words.lines.len(),
            opposed: phrases(&opposed),
            members,
            narrowing: phrases(&[&self.narrowing.terms]),
            pointers: spelt(&self.numbered.pointers),
            units: spelt(&self.numbered.units),
            words: phrases(&lines),
            spared: phrases(&[&self.spared.terms]),
            sparing: sparing.filter_map(&finding).collect(),
            graded: phrases(&graded),
            state_terms: phrases(&states),
            between: spelt(&self.graded.between),
            staging: Staging {
                near: spelt(&self.staging.near),
                signal: spelt(&self.staging.signal),
                leading: spelt(&self.staging.leading),
            },
            densities: Densities {
                apart: self.densities.apart,
                apart_at_step: self.densities.apart_at_step,
                steps: steps.collect(),
            },
            states: self.states.table.iter().map(state).collect(),
            classifications: self.graded.table.iter().map(classification).collect(),
            status: phrases(&[&self.status.terms]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DiscerningFile;
    use crate::lexicon::lexicon;

    #[test]
    fn every_table_names_its_source_and_no_word_says_two_things() {
        let value: serde_json::Value =
            serde_json::from_str(include_str!("../../data/discerning.json")).unwrap();
        let sourced = |v: &serde_json::Value| v["source"].as_str().is_some_and(|s| s.len() > 10);
        let tables = [
            "words",
            "opposed",
            "narrowing",
            "numbered",
            "spared",
            "graded",
            "staging",
            "densities",
            "states",
            "status",
        ];
        assert!(sourced(&value) && tables.iter().all(|t| sourced(&value[*t])));
        for table in ["graded", "densities"] {
            let rows = value[table]["table"].as_array().unwrap();
            assert!(rows.iter().all(sourced), "{table}");
        }
        let keys = ["jurisdiction", "checked_on", "checked_by"];
        assert!(keys.iter().all(|k| value[*k].is_string()));
        let file: DiscerningFile = serde_json::from_value(value).unwrap();
        let known = &lexicon().discerning;
        let sparing = file.spared.findings.split_whitespace().count();
        assert_eq!(known.sparing.len(), sparing);
        assert_eq!(known.densities.steps.len(), file.densities.table.len());
        let graded = file.graded.table.iter().zip(&known.classifications);
        for (row, built) in graded {
            assert_eq!(row.of.is_empty(), built.of.is_none(), "{}", row.terms);
            assert!(row.steps.is_sorted(), "{}", row.terms);
        }
        let lists = |list: Vec<String>, found: &crate::lexicon::Phrases| {
            for (line, list) in list.iter().enumerate() {
                for term in crate::lexicon::terms(list, &lexicon().spelling) {
                    let hit = found.starting_at(&term, 0);
                    assert_eq!(hit.map(|h| h.ids), Some(vec![line]), "{list}");
                }
            }
        };
        let terms = file.graded.table.into_iter().map(|g| g.terms).collect();
        lists(terms, &known.graded);
        let terms = file.states.table.iter().map(|s| s.terms.clone()).collect();
        lists(terms, &known.state_terms);
        for (row, built) in file.states.table.into_iter().zip(&known.states) {
            lists(vec![row.yes, row.no], &built.answers);
        }
        let words = file.words;
        let words = [words.urgent, words.lines, words.standing].concat();
        lists(words, &known.words);
        let opposed = file.opposed.groups.join("|");
        let opposed = opposed.split('|').map(str::to_owned).collect();
        lists(opposed, &known.opposed);
    }
}
