//! Here the data files become one lexicon, read once.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::differences::{Differences, DifferencesFile};
use crate::limits::{TYPO_LETTERS_MAX, TYPO_LETTERS_MIN};
use crate::text::{self, Kind, Token};
use crate::weighing::{Weighing, WeighingFile};

/// Index of a finding.
pub(crate) type FindingId = usize;
/// Index of a place.
pub(crate) type NodeId = usize;

#[derive(Debug, Default, Deserialize)]
struct FindingsFile {
    gates: Vec<(String, String)>,
    resolve: Vec<(String, String, String)>,
    findings: Vec<FindingEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FindingEntry {
    id: String,
    isa: String,
    also: String,
    site: String,
    cat: String,
    terms: String,
    needs: String,
    resolve: String,
    kind: String,
    var: String,
    summary: String,
    rank: u8,
    w: u8,
    dx: u8,
    mal: u8,
    ben: u8,
    desc: u8,
}

#[derive(Debug, Default, Deserialize)]
struct AnatomyFile {
    gates: Vec<(String, String)>,
    fetal: Vec<(String, String)>,
    nodes: Vec<NodeEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeEntry {
    id: String,
    r#in: String,
    also: String,
    terms: String,
    axis: String,
    side: String,
    organ: u8,
    generic: u8,
}

#[derive(Debug, Default, Deserialize)]
struct LanguageFile {
    cues: Vec<CueEntry>,
    sections: HashMap<String, String>,
    regions: HashMap<String, String>,
    presupposed: PresupposedFile,
    whole_exam: WholeExamFile,
    end_matter: EndMatterFile,
    spelling: SpellingFile,
}

/// Words of what stands below a report: signatures, addresses, notices.
#[derive(Debug, Default, Deserialize)]
struct EndMatterFile {
    /// The report ends here.
    closing: String,
    /// The line itself is no statement.
    line: String,
}

#[derive(Debug, Default, Deserialize)]
struct PresupposedFile {
    link: String,
    definite: String,
    gone: String,
}

/// Words by which a denial leaves out what is known to be there.
#[derive(Debug, Default)]
pub(crate) struct Presupposed {
    pub(crate) link: HashSet<String>,
    pub(crate) definite: HashSet<String>,
    /// Words after which the thing itself is denied.
    pub(crate) gone: HashSet<String>,
}

#[derive(Debug, Default, Deserialize)]
struct WholeExamFile {
    words: String,
}

#[derive(Debug, Default, Deserialize)]
struct CueEntry {
    kind: String,
    #[serde(default)]
    value: serde_json::Value,
    terms: String,
}

#[derive(Debug, Default, Deserialize)]
struct SpellingFile {
    replace: Vec<(String, String)>,
    plural: HashMap<String, String>,
    abbreviation: HashMap<String, String>,
    common_words: String,
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

/// A word that changes what is around it.
#[derive(Debug)]
pub(crate) struct Cue {
    pub(crate) kind: CueKind,
    pub(crate) value: String,
    pub(crate) range: (u8, u8),
}

/// What a cue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CueKind {
    Neg,
    NegPost,
    Pseudo,
    End,
    Firm,
    Likely,
    Possible,
    Unlikely,
    Hypo,
    Hist,
    Other,
    Left,
    Right,
    Both,
    Sev,
    Acute,
    Chronic,
    Qual,
    Additional,
    Prior,
    Distance,
    NotSize,
    Many,
    Anaphor,
    Below,
    Above,
    Normal,
    Limited,
    Attr,
    Report,
    Said,
    Agree,
    Disagree,
    Recommend,
    Admin,
    Type,
    Rads,
    GradeWord,
    Modality,
}

impl CueKind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "neg" => Self::Neg,
            "negpost" => Self::NegPost,
            "pseudo" => Self::Pseudo,
            "end" => Self::End,
            "firm" => Self::Firm,
            "likely" => Self::Likely,
            "possible" => Self::Possible,
            "unlikely" => Self::Unlikely,
            "hypo" => Self::Hypo,
            "hist" => Self::Hist,
            "other" => Self::Other,
            "left" => Self::Left,
            "right" => Self::Right,
            "both" => Self::Both,
            "sev" => Self::Sev,
            "acute" => Self::Acute,
            "chronic" => Self::Chronic,
            "qual" => Self::Qual,
            "additional" => Self::Additional,
            "prior" => Self::Prior,
            "distance" => Self::Distance,
            "notsize" => Self::NotSize,
            "many" => Self::Many,
            "anaphor" => Self::Anaphor,
            "below" => Self::Below,
            "above" => Self::Above,
            "normal" => Self::Normal,
            "limited" => Self::Limited,
            "attr" => Self::Attr,
            "report" => Self::Report,
            "said" => Self::Said,
            "agree" => Self::Agree,
            "disagree" => Self::Disagree,
            "recommend" => Self::Recommend,
            "admin" => Self::Admin,
            "type" => Self::Type,
            "rads" => Self::Rads,
            "gradeword" => Self::GradeWord,
            "modality" => Self::Modality,
            _ => return None,
        })
    }

    /// Cues that keep their meaning inside the name of a finding.
    pub(crate) fn works_inside_a_finding(self) -> bool {
        matches!(
            self,
            Self::Left
                | Self::Right
                | Self::Both
                | Self::Sev
                | Self::Type
                | Self::Acute
                | Self::Chronic
                | Self::Many
                | Self::GradeWord
        )
    }
}

/// Folds spelling: British forms, plurals, abbreviations, small misspellings.
#[derive(Debug, Default)]
pub(crate) struct Spelling {
    replace: Vec<(String, String)>,
    plural: HashMap<String, String>,
    abbreviation: HashMap<String, String>,
    known: HashSet<String>,
    common: HashSet<String>,
    deletions: HashMap<String, String>,
}

impl Spelling {
    /// Returns the one spelling of a lower-case word.
    pub(crate) fn normalise(&self, word: &str) -> String {
        let folded = self.fold(word);
        let letters = folded.chars().count();
        if !(TYPO_LETTERS_MIN..=TYPO_LETTERS_MAX).contains(&letters)
            || self.known.contains(&folded)
            || self.common.contains(&folded)
            || self.common.contains(word)
            || folded.chars().any(|c| !c.is_ascii_lowercase())
        {
            return folded;
        }
        self.mend(&folded).unwrap_or(folded)
    }

    /// Whether the lexicon has a word, already in its one spelling.
    pub(crate) fn knows(&self, word: &str) -> bool {
        self.known.contains(word) || self.common.contains(word)
    }

    fn fold(&self, word: &str) -> String {
        if let Some(long) = self.abbreviation.get(word) {
            return long.clone();
        }
        if let Some(single) = self.plural.get(word) {
            return single.clone();
        }
        let mut w = word.to_string();
        if w.len() > 3 {
            for (from, to) in &self.replace {
                if w.contains(from.as_str()) {
                    w = w.replace(from.as_str(), to);
                }
            }
        }
        if let Some(single) = self.plural.get(&w) {
            return single.clone();
        }
        let keep = ["ss", "us", "is", "as", "os"]
            .iter()
            .any(|e| w.ends_with(e))
            && !w.ends_with("eas");
        if w.len() > 3 && w.ends_with("ies") {
            w.truncate(w.len() - 3);
            w.push('y');
        } else if w.len() > 3 && w.ends_with('s') && !keep {
            w.pop();
        }
        w
    }

    fn mend(&self, word: &str) -> Option<String> {
        let first = word.chars().next();
        let near_plural = |one: &String| {
            self.plural
                .iter()
                .any(|(many, o)| o == one && near(word, many))
        };
        let fits = |candidate: &String| {
            candidate.chars().next() == first && (near(word, candidate) || near_plural(candidate))
        };
        if let Some(found) = self.deletions.get(word).filter(|c| fits(c)) {
            return Some(found.clone());
        }
        for shorter in without_one(word) {
            if self.known.contains(&shorter) && shorter.len() >= TYPO_LETTERS_MIN && fits(&shorter)
            {
                return Some(shorter);
            }
            if let Some(found) = self.deletions.get(&shorter).filter(|c| fits(c)) {
                return Some(found.clone());
            }
        }
        None
    }
}

/// Whether two words are one slip apart: a letter more, less, other, or two swapped.
fn near(a: &str, b: &str) -> bool {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (la, lb) = (a.len(), b.len());
    if la.abs_diff(lb) > 1 {
        return false;
    }
    let tail = tail.min(la.min(lb) - head.min(la.min(lb)));
    let (ra, rb) = (la - head - tail, lb - head - tail);
    let swapped =
        ra == 2 && rb == 2 && a.get(head) == b.get(head + 1) && a.get(head + 1) == b.get(head);
    ra.max(rb) <= 1 || swapped
}

fn without_one(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    (0..chars.len())
        .map(|skip| {
            chars
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != skip)
                .map(|(_, c)| *c)
                .collect()
        })
        .collect()
}

/// Phrases with what they stand for; the longest one wins.
#[derive(Debug, Default)]
pub(crate) struct Phrases {
    /// For each place in the tree of words: the next word and where it leads.
    next: Vec<HashMap<String, usize>>,
    payload: HashMap<usize, Vec<usize>>,
}

/// A phrase found in a text: token range (inclusive) and what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) ids: Vec<usize>,
}

/// "L4", or the "5" of "L4-5".
fn level_like(token: &Token) -> bool {
    let mut chars = token.norm.chars();
    let letter = matches!(chars.next(), Some('c' | 't' | 'l' | 's'));
    let digits = chars.as_str();
    let named =
        letter && (1..=2).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
    named || token.kind == Kind::Number && token.norm.len() <= 2
}

fn skipped(token: &Token) -> bool {
    matches!(token.kind, Kind::Hyphen | Kind::Slash)
        || (token.is_word() && matches!(token.norm.as_str(), "the" | "a" | "an"))
}

impl Phrases {
    pub(crate) fn add(&mut self, words: &[Token], id: usize) {
        let mut at = 0;
        let last = words.len().saturating_sub(1);
        for (i, token) in words.iter().enumerate() {
            // A last "a" is a letter, as in "Weber A", not an article.
            if skipped(token) && !(i == last && token.is("a")) {
                continue;
            }
            if self.next.len() <= at {
                self.next.resize_with(at + 1, HashMap::new);
            }
            let fresh = self.next.len();
            let Some(children) = self.next.get_mut(at) else {
                return;
            };
            let to = *children.entry(token.norm.clone()).or_insert(fresh);
            if to == fresh {
                self.next.push(HashMap::new());
            }
            at = to;
        }
        if at != 0 {
            let ids = self.payload.entry(at).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }

    /// Like `find`, but words of side may stand inside a phrase: "fluid in the left mastoid".
    pub(crate) fn find_across_sides(&self, tokens: &[Token]) -> Vec<Hit> {
        self.scan(tokens, true)
    }

    /// Finds all phrases from left to right, the longest first, none overlapping.
    pub(crate) fn find(&self, tokens: &[Token]) -> Vec<Hit> {
        self.scan(tokens, false)
    }

    fn scan(&self, tokens: &[Token], across: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match self.longest(tokens, at, across) {
                Some(hit) => {
                    at = hit.last + 1;
                    hits.push(hit);
                }
                None => at += 1,
            }
        }
        hits
    }

    fn longest(&self, tokens: &[Token], first: usize, across: bool) -> Option<Hit> {
        if tokens.get(first).is_none_or(skipped) {
            return None;
        }
        let mut node = 0;
        let mut best = None;
        for (offset, token) in tokens.iter().skip(first).take(24).enumerate() {
            let Some(&n) = self.next.get(node).and_then(|c| c.get(&token.norm)) else {
                let side = across
                    && node != 0
                    && (matches!(token.norm.as_str(), "left" | "right" | "bilateral" | "both")
                        || level_like(token));
                if skipped(token) || side {
                    continue;
                }
                break;
            };
            node = n;
            if let Some(ids) = self.payload.get(&node) {
                best = Some(Hit {
                    first,
                    last: first + offset,
                    ids: ids.clone(),
                });
            }
        }
        best
    }
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
    pub(crate) sections: HashMap<String, String>,
    /// Words that may stand in a sentence that calls the whole examination normal.
    pub(crate) whole_exam: HashSet<String>,
    pub(crate) presupposed: Presupposed,
    pub(crate) weighing: Weighing,
    pub(crate) differences: Differences,
    finding_gates: HashMap<String, Vec<NodeId>>,
    node_gates: HashMap<String, Vec<NodeId>>,
    fetal: HashMap<NodeId, NodeId>,
    resolve: Vec<(FindingId, NodeId, FindingId)>,
    finding_by_id: HashMap<String, FindingId>,
    node_by_id: HashMap<String, NodeId>,
}

/// Returns the lexicon; the data files are read on the first call.
pub(crate) fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(build)
}

fn build() -> Lexicon {
    let findings: FindingsFile =
        serde_json::from_str(include_str!("../data/findings.json")).unwrap_or_default();
    let anatomy: AnatomyFile =
        serde_json::from_str(include_str!("../data/anatomy.json")).unwrap_or_default();
    let language: LanguageFile =
        serde_json::from_str(include_str!("../data/language.json")).unwrap_or_default();
    let weighing = WeighingFile::load();
    let mut lex = Lexicon {
        spelling: spelling(&language, &findings, &anatomy, &weighing.words()),
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
    for (mother, fetal) in &anatomy.fetal {
        if let (Some(a), Some(b)) = (lex.node_named(mother), lex.node_named(fetal)) {
            lex.fetal.insert(a, b);
        }
    }
    for (general, place, name) in &findings.resolve {
        lex.add_resolve(general, place, name);
    }
    lex.add_cues(&language);
    lex.weighing = weighing.build(
        &lex.spelling,
        |name| lex.finding_named(name),
        |name| lex.node_named(name),
    );
    lex.differences =
        DifferencesFile::load().build(|name| lex.finding_named(name), |name| lex.node_named(name));
    lex
}

pub(crate) fn terms(list: &str, spelling: &Spelling) -> Vec<Vec<Token>> {
    list.split(';')
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .map(|t| text::read(t, t.len(), spelling).tokens)
        .collect()
}

fn spelling(
    language: &LanguageFile,
    findings: &FindingsFile,
    anatomy: &AnatomyFile,
    weighing: &[&str],
) -> Spelling {
    let file = &language.spelling;
    let mut s = Spelling {
        replace: file.replace.clone(),
        plural: file.plural.clone(),
        abbreviation: file.abbreviation.clone(),
        ..Spelling::default()
    };
    s.common = file
        .common_words
        .split_whitespace()
        .map(|w| s.fold(w))
        .collect();
    let mut known = HashSet::new();
    let lists = findings
        .findings
        .iter()
        .map(|f| f.terms.as_str())
        .chain(anatomy.nodes.iter().map(|n| n.terms.as_str()));
    for list in lists {
        for token in terms(list, &s).into_iter().flatten() {
            known.insert(token.norm);
        }
    }
    let cues: Vec<String> = language
        .cues
        .iter()
        .map(|c| c.terms.as_str())
        .chain(weighing.iter().copied())
        .flat_map(|list| terms(list, &s))
        .flatten()
        .map(|t| t.norm)
        .collect();
    let mut sorted: Vec<&String> = known.iter().collect();
    sorted.sort();
    for word in sorted {
        let letters = word.chars().count();
        if (TYPO_LETTERS_MIN..=TYPO_LETTERS_MAX).contains(&letters) {
            for shorter in without_one(word) {
                s.deletions.entry(shorter).or_insert_with(|| word.clone());
            }
        }
    }
    let mut plurals: Vec<(&String, &String)> = file
        .plural
        .iter()
        .filter(|(many, one)| known.contains(*one) && many.len() >= TYPO_LETTERS_MIN)
        .collect();
    plurals.sort();
    for (many, one) in plurals {
        for shorter in without_one(many) {
            s.deletions.entry(shorter).or_insert_with(|| one.clone());
        }
    }
    s.common.extend(cues);
    s.known = known;
    s
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
            places
                .split_whitespace()
                .filter_map(|p| self.node_by_id.get(p).copied())
                .collect()
        };
        let spelt = |words: &str| {
            words
                .split(' ')
                .map(|w| self.spelling.normalise(w))
                .collect::<Vec<_>>()
                .join(" ")
        };
        list.iter()
            .map(|(word, places)| (spelt(word), ids(places)))
            .collect()
    }

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
        let words = |list: &str| list.split_whitespace().map(str::to_string).collect();
        let known = &language.presupposed;
        self.presupposed = Presupposed {
            link: words(&known.link),
            definite: words(&known.definite),
            gone: words(&known.gone),
        };
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

    /// Whether `node` is `whole` or a part of it.
    pub(crate) fn is_part(&self, node: NodeId, whole: NodeId) -> bool {
        let mut at = Some(node);
        let mut steps = 0;
        while let Some(id) = at {
            if id == whole {
                return true;
            }
            let Some(n) = self.nodes.get(id) else {
                return false;
            };
            if n.also
                .is_some_and(|a| a == whole || (steps < 6 && a != id && self.is_part(a, whole)))
            {
                return true;
            }
            at = n.parent;
            steps += 1;
            if steps > 24 {
                return false;
            }
        }
        false
    }

    /// Returns the nearest organ around a place.
    pub(crate) fn organ_of(&self, node: NodeId) -> Option<NodeId> {
        let mut at = Some(node);
        for _ in 0..24 {
            let id = at?;
            let n = self.nodes.get(id)?;
            if n.organ {
                return Some(id);
            }
            at = n.parent;
        }
        None
    }

    /// Whether finding `narrow` is `wide` or a kind of it.
    pub(crate) fn is_kind(&self, narrow: FindingId, wide: FindingId) -> bool {
        let mut at = Some(narrow);
        for _ in 0..12 {
            let Some(id) = at else { return false };
            if id == wide {
                return true;
            }
            let Some(f) = self.findings.get(id) else {
                return false;
            };
            if f.also == Some(wide) {
                return true;
            }
            at = f.isa;
        }
        false
    }

    /// Whether a general finding takes this name at some place.
    pub(crate) fn names(&self, general: FindingId, name: FindingId) -> bool {
        self.resolve
            .iter()
            .any(|(g, _, n)| *g == general && *n == name)
    }

    /// Returns the widest finding a finding belongs to.
    pub(crate) fn root(&self, id: FindingId) -> FindingId {
        let mut at = id;
        for _ in 0..12 {
            match self.findings.get(at).and_then(|f| f.isa) {
                Some(up) => at = up,
                None => break,
            }
        }
        at
    }

    /// Gives a general finding at these places its own name; the most exact place decides.
    pub(crate) fn resolved(&self, id: FindingId, places: &[NodeId]) -> FindingId {
        let fits = |place: NodeId| places.iter().any(|&p| self.is_part(p, place));
        self.resolve
            .iter()
            .enumerate()
            .filter(|(_, (general, place, _))| *general == id && fits(*place))
            .max_by_key(|(at, (_, place, _))| {
                let nodal = self
                    .nodes
                    .get(*place)
                    .is_some_and(|n| n.id.ends_with("nodes"));
                (nodal, self.depth(*place), std::cmp::Reverse(*at))
            })
            .map_or(id, |(_, (_, _, name))| *name)
    }

    fn depth(&self, node: NodeId) -> usize {
        let mut at = Some(node);
        let mut steps = 0;
        while let Some(parent) = at.and_then(|id| self.nodes.get(id)).and_then(|n| n.parent) {
            at = Some(parent);
            steps += 1;
            if steps > 24 {
                break;
            }
        }
        steps
    }
}

/// Returns the words of a token list in one line, without articles and hyphens.
pub(crate) fn joined(tokens: &[Token]) -> String {
    let words: Vec<&str> = tokens
        .iter()
        .filter(|t| !skipped(t) && t.kind != Kind::Newline)
        .map(|t| t.norm.as_str())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let findings: FindingsFile = serde_json::from_str(files[0]).unwrap();
        let anatomy: AnatomyFile = serde_json::from_str(files[1]).unwrap();
        let language: LanguageFile = serde_json::from_str(files[2]).unwrap();
        let lex = lexicon();
        let finding = |id: &str| id.is_empty() || lex.finding_named(id).is_some();
        let node = |id: &str| id.is_empty() || lex.node_named(id).is_some();
        for f in &findings.findings {
            assert!(
                finding(&f.isa) && finding(&f.also) && node(&f.site),
                "{}",
                f.id
            );
            assert!(f.needs.split_whitespace().all(node), "{}", f.id);
        }
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
