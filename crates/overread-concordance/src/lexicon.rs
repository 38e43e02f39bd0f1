//! Here the data files become one lexicon, read once.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::answers::Answer;
use crate::differences::Differences;
use crate::discern::Discerning;
use crate::spanish::Spanish;
use crate::text::{self, Token};
use crate::weighing::Weighing;

mod build;
mod cues;
mod files;
mod phrases;
mod relations;
mod spelling;

pub(crate) use cues::{Cue, CueKind};
pub(crate) use phrases::{Hit, Phrases, joined};
pub(crate) use spelling::Spelling;

/// Index of a finding.
pub(crate) type FindingId = usize;
/// Index of a place.
pub(crate) type NodeId = usize;

/// Words by which a denial leaves out what is known to be there.
#[derive(Debug, Default)]
pub(crate) struct Presupposed {
    pub(crate) link: HashSet<String>,
    pub(crate) definite: HashSet<String>,
    /// Words after which the thing itself is denied.
    pub(crate) gone: HashSet<String>,
}

/// A finding of the lexicon.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    pub(crate) id: String,
    pub(crate) isa: Option<FindingId>,
    pub(crate) also: Option<FindingId>,
    pub(crate) site: Option<NodeId>,
    pub(crate) cats: Vec<String>,
    pub(crate) needs: Vec<NodeId>,
    pub(crate) device: bool,
    pub(crate) measure: bool,
    pub(crate) var: String,
    pub(crate) summary: bool,
    pub(crate) rank: u8,
    pub(crate) weight: u8,
    pub(crate) dx: bool,
    pub(crate) malignant: bool,
    pub(crate) benign: bool,
    pub(crate) descriptor: bool,
}

/// A place of the lexicon.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) parent: Option<NodeId>,
    pub(crate) also: Option<NodeId>,
    pub(crate) axis: String,
    pub(crate) side: Option<bool>,
    pub(crate) organ: bool,
    pub(crate) generic: bool,
}

/// Everything the engine knows about words.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    pub(crate) spelling: Spelling,
    pub(crate) findings: Vec<Finding>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) cues: Vec<Cue>,
    pub(crate) finding_terms: Phrases,
    pub(crate) node_terms: Phrases,
    pub(crate) cue_terms: Phrases,
    pub(crate) region_terms: Phrases,
    pub(crate) closing_terms: Phrases,
    pub(crate) end_line_terms: Phrases,
    /// Words and endings by which a sentence tells of a finding that has no name here.
    pub(crate) sign_terms: Phrases,
    pub(crate) sign_endings: Vec<String>,
    /// Words that answer a template, each with its place in `answers`.
    pub(crate) answer_terms: Phrases,
    pub(crate) answers: Vec<Answer>,
    pub(crate) sections: HashMap<String, String>,
    /// Words that may stand in a sentence that calls the whole examination normal.
    pub(crate) whole_exam: HashSet<String>,
    /// Titles of the first column of a table.
    pub(crate) table_titles: HashSet<String>,
    /// Words of a sentence that presents the patient: "58 year old".
    pub(crate) patient_terms: Phrases,
    /// Titles of its second column.
    pub(crate) value_titles: HashSet<String>,
    /// Words behind a finding that is looked for: "embolism protocol".
    pub(crate) purposes: HashSet<String>,
    pub(crate) presupposed: Presupposed,
    pub(crate) weighing: Weighing,
    pub(crate) differences: Differences,
    pub(crate) discerning: Discerning,
    pub(crate) spanish: Spanish,
    finding_gates: HashMap<String, Vec<NodeId>>,
    node_gates: HashMap<String, Vec<NodeId>>,
    fetal: HashMap<NodeId, NodeId>,
    /// Words for a limb that mean its veins beside a clot.
    pub(crate) limb_veins: HashMap<NodeId, NodeId>,
    resolve: Vec<(FindingId, NodeId, FindingId)>,
    finding_by_id: HashMap<String, FindingId>,
    node_by_id: HashMap<String, NodeId>,
}

/// Returns the lexicon; the data files are read on the first call.
pub(crate) fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(build::build)
}

pub(crate) fn terms(list: &str, spelling: &Spelling) -> Vec<Vec<Token>> {
    list.split(';')
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .map(|t| text::read(t, t.len(), spelling).tokens)
        .collect()
}

impl Lexicon {
    /// Whether a single word means a finding in this region.
    pub(crate) fn finding_word_fits(&self, word: &str, region: &[NodeId]) -> bool {
        self.finding_gates
            .get(word)
            .is_none_or(|g| self.gate_open(g, region))
    }

    /// Whether a single word means a place in this region.
    pub(crate) fn node_word_fits(&self, word: &str, region: &[NodeId]) -> bool {
        self.node_gates
            .get(word)
            .is_none_or(|g| self.gate_open(g, region))
    }

    fn gate_open(&self, gate: &[NodeId], region: &[NodeId]) -> bool {
        region.is_empty()
            || gate.iter().any(|g| {
                region
                    .iter()
                    .any(|r| self.is_part(*r, *g) || self.is_part(*g, *r))
            })
    }

    /// Returns the fetal counterpart of a place, or the place.
    pub(crate) fn fetal_place(&self, node: NodeId) -> NodeId {
        self.fetal.get(&node).copied().unwrap_or(node)
    }

    pub(crate) fn finding(&self, id: FindingId) -> Option<&Finding> {
        self.findings.get(id)
    }

    pub(crate) fn finding_named(&self, name: &str) -> Option<FindingId> {
        self.finding_by_id.get(name).copied()
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(crate) fn node_named(&self, name: &str) -> Option<NodeId> {
        self.node_by_id.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::files::LanguageFile;
    use super::{CueKind, lexicon};

    fn file(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn data_files_are_whole_and_name_their_source() {
        let files = [
            include_str!("../data/findings.json"),
            include_str!("../data/anatomy.json"),
            include_str!("../data/language.json"),
        ];
        for text in files {
            let value = file(text);
            assert!(!value["source"].as_str().unwrap().trim().is_empty());
            assert!(!value["checked_on"].as_str().unwrap().is_empty());
        }
        let words = file(files[2]);
        for table in ["answers", "signs", "tables"] {
            assert!(
                !words[table]["source"].as_str().unwrap().is_empty(),
                "{table}"
            );
        }
        let (findings, anatomy) = super::files::load().unwrap();
        let language: LanguageFile = serde_json::from_str(files[2]).unwrap();
        let lex = lexicon();
        let finding = |id: &str| id.is_empty() || lex.finding_named(id).is_some();
        let node = |id: &str| id.is_empty() || lex.node_named(id).is_some();
        let mut ids = std::collections::HashSet::new();
        for f in &findings.findings {
            assert!(ids.insert(&f.id), "{} stands there twice", f.id);
            assert!(
                finding(&f.isa) && finding(&f.also) && node(&f.site),
                "{}",
                f.id
            );
            assert!(f.needs.split_whitespace().all(node), "{}", f.id);
        }
        for answer in &language.answers.table {
            assert!(
                super::Answer::named(&answer.kind).is_some(),
                "{}",
                answer.kind
            );
        }
        assert!(anatomy.limb_veins.iter().all(|(a, b)| node(a) && node(b)));
        for n in &anatomy.nodes {
            assert!(node(&n.r#in) && node(&n.also), "{}", n.id);
        }
        for c in &language.cues {
            let known = CueKind::named(&c.kind).is_some() || c.kind == "level";
            assert!(known, "{}", c.kind);
        }
        for (general, place, name) in &findings.resolve {
            let never = place.ends_with("_never");
            assert!(
                finding(general) && (never || node(place)) && finding(name),
                "{general} {place} {name}"
            );
        }
    }

    #[test]
    fn spelling_is_folded() {
        let s = &lexicon().spelling;
        for (written, read) in [
            ("oedema", "edema"),
            ("haematoma", "hematoma"),
            ("herniaton", "herniation"),
            ("mensici", "meniscus"),
            ("foramina", "foramen"),
            ("stenosos", "stenosis"),
            ("nodules", "nodule"),
            ("without", "without"),
        ] {
            assert_eq!(s.normalise(written), read, "{written}");
        }
    }
}
