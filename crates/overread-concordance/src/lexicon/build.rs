//! Here the data files are made one lexicon.

use std::collections::{HashMap, HashSet};

use super::files::{self, AnatomyFile, FindingEntry, LanguageFile, NodeEntry};
use super::spelling::spelling;
use super::{Cue, CueKind, Finding, Lexicon, Node, NodeId, Presupposed, joined, terms};
use crate::answers::Answer;
use crate::differences::DifferencesFile;
use crate::discern::DiscerningFile;
use crate::spanish::Spanish;
use crate::weighing::WeighingFile;

pub(super) fn build() -> Lexicon {
    let (findings, anatomy) = files::load().unwrap_or_default();
    let language: LanguageFile =
        serde_json::from_str(include_str!("../../data/language.json")).unwrap_or_default();
    let (weighing, discerning) = (WeighingFile::load(), DiscerningFile::load());
    let words = [weighing.words(), discerning.words()].concat();
    let mut lex = Lexicon {
        spelling: spelling(&language, &findings, &anatomy, &words),
        ..Lexicon::default()
    };
    lex.finding_by_id = findings
        .findings
        .iter()
        .enumerate()
        .map(|(i, f)| (f.id.clone(), i))
        .collect();
    lex.node_by_id = anatomy
        .nodes
        .iter()
        .enumerate()
        .map(|(i, n)| (n.id.clone(), i))
        .collect();
    for (id, entry) in anatomy.nodes.iter().enumerate() {
        let node = lex.node_of(entry);
        lex.nodes.push(node);
        for term in terms(&entry.terms, &lex.spelling) {
            lex.node_terms.add(&term, id);
        }
    }
    for (id, entry) in findings.findings.iter().enumerate() {
        let finding = lex.finding_of(entry);
        lex.findings.push(finding);
        for term in terms(&entry.terms, &lex.spelling) {
            lex.finding_terms.add(&term, id);
        }
        for rule in entry.resolve.split(';').filter_map(|r| r.split_once('=')) {
            lex.add_resolve(&entry.id, rule.0.trim(), rule.1.trim());
        }
    }
    lex.finding_gates = lex.gates(&findings.gates);
    lex.node_gates = lex.gates(&anatomy.gates);
    lex.add_twins(&anatomy);
    for (general, place, name) in &findings.resolve {
        lex.add_resolve(general, place, name);
    }
    lex.add_cues(&language);
    lex.spanish = Spanish::load(&lex.spelling);
    lex.weighing = weighing.build(
        &lex.spelling,
        |name| lex.finding_named(name),
        |name| lex.node_named(name),
    );
    lex.discerning = discerning.build(
        &lex.spelling,
        |name| lex.finding_named(name),
        |name| lex.node_named(name),
    );
    lex.differences = DifferencesFile::load().build(
        &lex.spelling,
        |name| lex.finding_named(name),
        |name| lex.node_named(name),
    );
    lex
}

impl Lexicon {
    fn node_of(&self, entry: &NodeEntry) -> Node {
        let axis = if entry.axis.is_empty() {
            "organ"
        } else {
            &entry.axis
        };
        let side = match entry.side.as_str() {
            "left" => Some(false),
            "right" => Some(true),
            _ => None,
        };
        Node {
            id: entry.id.clone(),
            parent: self.node_by_id.get(&entry.r#in).copied(),
            also: self.node_by_id.get(&entry.also).copied(),
            axis: axis.to_string(),
            side,
            organ: entry.organ == 1,
            generic: entry.generic == 1,
        }
    }

    fn finding_of(&self, entry: &FindingEntry) -> Finding {
        Finding {
            id: entry.id.clone(),
            isa: self.finding_by_id.get(&entry.isa).copied(),
            also: self.finding_by_id.get(&entry.also).copied(),
            site: self.node_by_id.get(&entry.site).copied(),
            cats: entry.cat.split_whitespace().map(str::to_string).collect(),
            needs: entry
                .needs
                .split_whitespace()
                .filter_map(|n| self.node_by_id.get(n).copied())
                .collect(),
            device: entry.kind == "device",
            measure: entry.kind == "measure",
            var: entry.var.clone(),
            summary: !entry.summary.is_empty(),
            rank: entry.rank,
            weight: entry.w,
            dx: entry.dx == 1,
            malignant: entry.mal == 1,
            benign: entry.ben == 1,
            descriptor: entry.desc == 1,
        }
    }

    fn gates(&self, list: &[(String, String)]) -> HashMap<String, Vec<NodeId>> {
        let ids = |places: &str| {
            let ids = places.split_whitespace();
            ids.filter_map(|p| self.node_by_id.get(p).copied())
                .collect::<Vec<NodeId>>()
        };
        let spelt = |words: &str| {
            words
                .split(' ')
                .map(|w| self.spelling.normalise(w))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut gates: HashMap<String, Vec<NodeId>> = HashMap::new();
        for (word, places) in list {
            gates.entry(spelt(word)).or_default().extend(ids(places));
        }
        gates
    }

    /// Learns which parts of a foetus and which veins of a limb go by the name of another part.
    fn add_twins(&mut self, anatomy: &AnatomyFile) {
        for (mother, fetal) in &anatomy.fetal {
            if let (Some(a), Some(b)) = (self.node_named(mother), self.node_named(fetal)) {
                self.fetal.insert(a, b);
            }
        }
        for (limb, veins) in &anatomy.limb_veins {
            if let (Some(a), Some(b)) = (self.node_named(limb), self.node_named(veins)) {
                self.limb_veins.insert(a, b);
            }
        }
    }

    fn add_resolve(&mut self, general: &str, place: &str, name: &str) {
        let ids = (
            self.finding_by_id.get(general),
            self.node_by_id.get(place),
            self.finding_by_id.get(name),
        );
        if let (Some(&g), Some(&p), Some(&n)) = ids {
            self.resolve.push((g, p, n));
        }
    }

    /// Takes in what tells a table, and a sentence that presents the patient.
    fn add_layout(&mut self, language: &LanguageFile) {
        for title in terms(&language.tables.titles, &self.spelling) {
            self.table_titles.insert(joined(&title));
        }
        for term in terms(&language.patient.terms, &self.spelling) {
            self.patient_terms.add(&term, 0);
        }
        for title in terms(&language.tables.values, &self.spelling) {
            self.value_titles.insert(joined(&title));
        }
    }

    fn add_cues(&mut self, language: &LanguageFile) {
        for entry in &language.cues {
            let Some(kind) = CueKind::named(&entry.kind) else {
                continue;
            };
            let range = entry.value.as_array().map_or((0, 0), |v| {
                let at = |i: usize| v.get(i).and_then(serde_json::Value::as_u64).unwrap_or(0) as u8;
                (at(0), at(1))
            });
            let value = entry.value.as_str().unwrap_or_default().to_string();
            let id = self.cues.len();
            self.cues.push(Cue { kind, value, range });
            for term in terms(&entry.terms, &self.spelling) {
                self.cue_terms.add(&term, id);
            }
        }
        for term in terms(&language.signs.terms, &self.spelling) {
            self.sign_terms.add(&term, 0);
        }
        let endings = language.signs.endings.split_whitespace();
        self.sign_endings = endings.map(str::to_string).collect();
        for entry in &language.answers.table {
            let Some(answer) = Answer::named(&entry.kind) else {
                continue;
            };
            let id = self.answers.len();
            self.answers.push(answer);
            for term in terms(&entry.terms, &self.spelling) {
                self.answer_terms.add(&term, id);
            }
        }
        let words = |list: &str| -> HashSet<String> {
            list.split_whitespace().map(str::to_string).collect()
        };
        self.purposes = words(&language.purposes.words);
        let known = &language.presupposed;
        self.presupposed = Presupposed {
            link: words(&known.link),
            definite: words(&known.definite),
            gone: words(&known.gone),
        };
        self.add_layout(language);
        for word in terms(&language.whole_exam.words, &self.spelling)
            .into_iter()
            .flatten()
        {
            self.whole_exam.insert(word.norm);
        }
        for term in terms(&language.end_matter.closing, &self.spelling) {
            self.closing_terms.add(&term, 0);
        }
        for term in terms(&language.end_matter.line, &self.spelling) {
            self.end_line_terms.add(&term, 0);
        }
        for (name, list) in &language.sections {
            for term in terms(list, &self.spelling) {
                self.sections.insert(joined(&term), name.clone());
            }
        }
        for (node, list) in &language.regions {
            let Some(&id) = self.node_by_id.get(node) else {
                continue;
            };
            for term in terms(list, &self.spelling) {
                self.region_terms.add(&term, id);
            }
        }
    }
}
