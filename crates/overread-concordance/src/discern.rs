//! Here is gathered what tells two abnormal statements apart, whatever the rows made of it: the net below "confirms".

use serde::Deserialize;

use crate::frame::{Frame, Side};
use crate::hits::Marked;
use crate::lexicon::{FindingId, Lexicon, NodeId, Phrases, Spelling, terms};
use crate::statement::Report;
use crate::text::{Kind, Token};

/// Points of density from which two lesions are not alike.
const HOUNSFIELD_APART: f64 = 10.0;
/// Characters quoted of a statement, at most.
const QUOTE_CHARS_MAX: usize = 160;
/// Marks kept of one report, at most.
const MARKS_MAX: usize = 2000;

/// The data file as it stands.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct DiscerningFile {
    words: LinesFile,
    graded: GradedFile,
    status: TermsFile,
}

#[derive(Debug, Default, Deserialize)]
struct LinesFile {
    urgent: Vec<String>,
    lines: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct GradedFile {
    terms: String,
    between: String,
}

#[derive(Debug, Default, Deserialize)]
struct TermsFile {
    terms: String,
}

/// Words that discern, in the form they are asked.
#[derive(Debug, Default)]
pub(crate) struct Discerning {
    words: Phrases,
    /// Lines of words before this one are urgent.
    urgent: usize,
    graded: Phrases,
    between: Vec<String>,
    status: Phrases,
}

impl DiscerningFile {
    pub(crate) fn load() -> Self {
        serde_json::from_str(include_str!("../data/discerning.json")).unwrap_or_default()
    }

    pub(crate) fn build(self, spelling: &Spelling) -> Discerning {
        let phrases = |lists: &[String]| {
            let mut out = Phrases::default();
            for (id, list) in lists.iter().enumerate() {
                for term in terms(list, spelling) {
                    out.add(&term, id);
                }
            }
            out
        };
        let each = |list: &str| -> Vec<String> { list.split(';').map(str::to_string).collect() };
        Discerning {
            urgent: self.words.urgent.len(),
            words: phrases(&[self.words.urgent, self.words.lines].concat()),
            graded: phrases(&each(&self.graded.terms)),
            between: self
                .graded
                .between
                .split_whitespace()
                .map(str::to_string)
                .collect(),
            status: phrases(&[self.status.terms]),
        }
    }
}

/// What an abnormal statement says that another one may not say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// One of the words of a line of the data.
    Word(usize),
    /// Positive, involved: said of a structure where no finding is named.
    Status,
    /// "Stanford A": which classification, and the class.
    Graded(usize, String),
    /// "N3": T, N or M, and the figure.
    Stage(char, char),
    Hounsfield(f64),
    /// A size in mm and the kind of finding it is of.
    Size(FindingId, f64),
}

/// Something said, and the code points it stands at.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    said: Said,
    start: usize,
    end: usize,
}

/// Gathers what a sentence says and does not deny.
pub(crate) fn gather(
    lex: &Lexicon,
    tokens: &[Token],
    marked: &Marked<'_>,
    frames: &[Frame],
) -> Vec<Mark> {
    let data = &lex.discerning;
    let stated = |first: usize, last: usize| {
        (first..=last).all(|i| {
            let state = marked.states.get(i).copied().unwrap_or_default();
            let is_of_others = state.historical || state.hypothetical || state.other;
            !(state.denied || is_of_others || marked.is_contrast(i))
        })
    };
    let mut out = Vec::new();
    let mut add = |said: Said, first: usize, last: usize| {
        if stated(first, last)
            && let (Some(a), Some(b)) = (tokens.get(first), tokens.get(last))
        {
            let (start, end) = (a.start, b.end);
            out.push(Mark { said, start, end });
        }
    };
    for hit in data.words.find(tokens) {
        let line = hit.ids.first().copied().unwrap_or_default();
        add(Said::Word(line), hit.first, hit.last);
    }
    if !frames.iter().any(Frame::present) {
        for hit in data.status.find(tokens) {
            add(Said::Status, hit.first, hit.last);
        }
    }
    for hit in data.graded.find(tokens) {
        let between = |i: &usize| {
            let word = |t: &Token| data.between.contains(&t.norm);
            !tokens.get(*i).is_some_and(word)
        };
        let at = (hit.last + 1..hit.last + 3).find(between);
        let id = hit.ids.first().copied().unwrap_or_default();
        let mut first = hit.first;
        let mut next = at;
        while let Some(at) = next
            && let Some(class) = tokens.get(at).and_then(class_of)
        {
            let number = class.starts_with(|c: char| c.is_ascii_digit());
            add(Said::Graded(id, class), first, at);
            // "Segments II, IV and VII": the word speaks for all of them.
            let joins = |t: &Token| t.kind == Kind::Comma || t.is("and");
            let after = (at + 1..tokens.len()).find(|i| !tokens.get(*i).is_some_and(joins));
            next = after.filter(|i| number && *i > at + 1);
            first = next.unwrap_or(at);
        }
    }
    for (i, token) in tokens.iter().enumerate() {
        if let Some((letter, figure)) = stage_of(token) {
            add(Said::Stage(letter, figure), i, i);
        }
        let density = tokens.get(i + 1).is_some_and(|t| t.is("hu"));
        if token.kind == Kind::Number && density {
            add(Said::Hounsfield(token.value), i, i + 1);
        }
    }
    let roots: Vec<FindingId> = present(frames).map(|(_, id)| lex.root(id)).collect();
    for size in marked.sizes.iter().filter(|s| !s.aside) {
        for root in &roots {
            add(Said::Size(*root, size.mm), size.first, size.last);
        }
    }
    out.truncate(MARKS_MAX);
    out
}

fn present(frames: &[Frame]) -> impl Iterator<Item = (&Frame, FindingId)> {
    let told = |f: &&Frame| f.present() && !f.historical && f.certainty > 2;
    frames
        .iter()
        .filter(told)
        .filter_map(|f| f.finding().map(|id| (f, id)))
}

/// Reads "II", "2" and "b" behind the name of a classification.
fn class_of(token: &Token) -> Option<String> {
    let roman = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii"];
    if let Some(at) = roman.iter().position(|r| token.is(r)) {
        return Some((at + 1).to_string());
    }
    let letter = token.norm.len() == 1 && token.norm.starts_with(['a', 'b', 'c', 'd']);
    let number = token.kind == Kind::Number && token.norm.len() == 1;
    (letter || number).then(|| token.norm.clone())
}

/// Reads "cT1a", "N3" and "M0"; a bare "T1" may be a vertebra.
fn stage_of(token: &Token) -> Option<(char, char)> {
    let bare = token.norm.strip_prefix('y').unwrap_or(&token.norm);
    let (clinical, rest) = match bare.strip_prefix(['c', 'p']) {
        Some(rest) => (true, rest),
        None => (false, bare),
    };
    let mut chars = rest.chars();
    let (letter, figure) = (chars.next()?, chars.next()?);
    let known = matches!(letter, 'n' | 'm') || letter == 't' && clinical;
    let sub = chars.as_str();
    let fits = sub.is_empty() || sub.len() == 1 && sub.starts_with(['a', 'b', 'c', 'd']);
    (known && fits && ('0'..='4').contains(&figure)).then_some((letter, figure))
}

/// What one report alone states.
#[derive(Debug, Default)]
pub(crate) struct Apart {
    pub(crate) reasons: Vec<String>,
    /// One of it may change what is done.
    pub(crate) urgent: bool,
}

/// Says what one report alone states; of a report that agrees, what it leaves out is no difference.
pub(crate) fn apart(lex: &Lexicon, o: &Report, s: &Report, agrees: bool) -> Apart {
    let mut out = Apart::default();
    for (own, other, who) in [(o, s, "original"), (s, o, "second")] {
        if agrees && who == "original" {
            continue;
        }
        let mut places: Vec<(usize, usize)> = Vec::new();
        let alone = own
            .marks
            .iter()
            .filter(|m| !answered(lex, &m.said, &other.marks));
        for mark in alone {
            let urgent = matches!(mark.said, Said::Word(line) if line < lex.discerning.urgent);
            out.urgent |= urgent;
            // What is urgent is told first.
            places.insert(
                if urgent { 0 } else { places.len() },
                (mark.start, mark.end),
            );
        }
        places.extend(elsewhere(lex, own, other));
        places.dedup();
        for (start, end) in places {
            let words = own.text.slice(start, end.min(start + QUOTE_CHARS_MAX));
            let told = format!(
                "Only the {who} report says \u{201c}{words}\u{201d}: read it before calling the reports alike."
            );
            if !out.reasons.contains(&told) {
                out.reasons.push(told);
            }
        }
    }
    out
}

/// Whether the other report says the same, or nothing that can be set against it.
fn answered(lex: &Lexicon, said: &Said, other: &[Mark]) -> bool {
    let mut rivals = other.iter().map(|m| &m.said).peekable();
    match said {
        Said::Word(_) | Said::Status => rivals.any(|r| r == said),
        Said::Graded(key, _) => none_or_any(rivals, |r| match r {
            Said::Graded(k, _) if k == key => Some(r == said),
            _ => None,
        }),
        Said::Stage(letter, _) => none_or_any(rivals, |r| match r {
            Said::Stage(l, _) if l == letter => Some(r == said),
            _ => None,
        }),
        Said::Hounsfield(hu) => none_or_any(rivals, |r| match r {
            Said::Hounsfield(b) => Some((hu - b).abs() < HOUNSFIELD_APART),
            _ => None,
        }),
        Said::Size(root, mm) => none_or_any(rivals, |r| match r {
            Said::Size(k, b) if k == root => Some(!lex.differences.apart.sizes(*mm, *b)),
            _ => None,
        }),
    }
}

/// Whether nothing can be set against a mark, or one of what can is the same.
fn none_or_any<'a>(
    rivals: impl Iterator<Item = &'a Said>,
    same: impl Fn(&Said) -> Option<bool>,
) -> bool {
    let told: Vec<bool> = rivals.filter_map(same).collect();
    told.is_empty() || told.contains(&true)
}

/// Statements of a finding at a place or on a side where the other report, which has the finding, does not have it.
fn elsewhere(lex: &Lexicon, own: &Report, other: &Report) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    for (frame, id) in present(&own.frames) {
        let root = lex.root(id);
        let kin: Vec<&Frame> = present(&other.frames)
            .filter(|(_, k)| lex.root(*k) == root)
            .map(|(f, _)| f)
            .collect();
        if !kin.is_empty()
            && (other_level(frame, &kin) || other_side(frame, &kin) || other_node(lex, frame, &kin))
        {
            out.extend(frame.spans.first());
        }
    }
    out
}

fn other_level(frame: &Frame, kin: &[&Frame]) -> bool {
    let all: Vec<_> = kin.iter().flat_map(|f| &f.levels).collect();
    let spots: Vec<_> = kin.iter().flat_map(|f| &f.spots).collect();
    // "L2 on L3" and "L2-L3" are one place: a disc is told by its neighbours too.
    let near = |l: &u8| all.iter().any(|k| k.abs_diff(*l) <= 1);
    !all.is_empty() && !frame.levels.iter().all(near)
        || !spots.is_empty()
            && frame
                .spots
                .iter()
                .any(|s| !spots.iter().any(|k| k.near(*s)))
}

fn other_side(frame: &Frame, kin: &[&Frame]) -> bool {
    let sides: Vec<Side> = kin.iter().filter_map(|f| f.side).collect();
    let has = |side: Side| sides.contains(&side) || sides.contains(&Side::Both);
    let silent = sides.len() < kin.len();
    match frame.side {
        _ if silent => false,
        Some(Side::Both) => !(has(Side::Left) && has(Side::Right)),
        Some(side) => !has(side),
        None => false,
    }
}

fn other_node(lex: &Lexicon, frame: &Frame, kin: &[&Frame]) -> bool {
    let known: Vec<NodeId> = kin.iter().flat_map(|f| f.nodes.iter().copied()).collect();
    let body = lex.node_named("body");
    let axis = |n: NodeId| {
        // "Pelvis" beside "hip" names the region, not another place.
        let node = lex.node(n).filter(|n| !n.generic);
        let told = node.filter(|n| n.organ || n.parent.is_some() && n.parent != body);
        told.map(|n| n.axis.as_str())
    };
    let related = |a: NodeId, b: NodeId| {
        let one_organ = axis(a) == Some("organ") && crate::site::same_organ(lex, a, b);
        a == b || lex.is_part(a, b) || lex.is_part(b, a) || one_organ
    };
    !frame.site_inferred
        && frame.nodes.iter().any(|n| {
            axis(*n).is_some()
                && known.iter().any(|k| axis(*k) == axis(*n))
                && !known.iter().any(|k| related(*n, *k))
        })
}

#[cfg(test)]
mod tests {
    use super::{DiscerningFile, class_of, stage_of};
    use crate::lexicon::lexicon;
    use crate::text;

    #[test]
    fn every_table_names_its_source_and_no_word_says_two_things() {
        let value: serde_json::Value =
            serde_json::from_str(include_str!("../data/discerning.json")).unwrap();
        let sourced = |v: &serde_json::Value| v["source"].as_str().is_some_and(|s| s.len() > 10);
        let tables = ["words", "graded", "status"];
        assert!(sourced(&value) && tables.iter().all(|t| sourced(&value[*t])));
        let keys = ["jurisdiction", "checked_on", "checked_by"];
        assert!(keys.iter().all(|k| value[*k].is_string()));
        let file: DiscerningFile = serde_json::from_value(value).unwrap();
        let words = &lexicon().discerning.words;
        for (line, list) in [file.words.urgent, file.words.lines]
            .concat()
            .iter()
            .enumerate()
        {
            for term in crate::lexicon::terms(list, &lexicon().spelling) {
                let hit = words.starting_at(&term, 0);
                assert_eq!(hit.map(|h| h.ids), Some(vec![line]), "{list}");
            }
        }
    }

    #[test]
    fn stages_and_classes_are_read() {
        let token = |word: &str| text::read(word, 9, &lexicon().spelling).tokens.remove(0);
        for (word, expected) in [
            ("N3", Some(('n', '3'))),
            ("cT1a", Some(('t', '1'))),
            ("ypN0", Some(('n', '0'))),
            ("M1c", Some(('m', '1'))),
            ("T8", None),
            ("T1", None),
            ("N12", None),
        ] {
            assert_eq!(stage_of(&token(word)), expected, "{word}");
        }
        for (word, expected) in [
            ("III", Some("3")),
            ("B", Some("b")),
            ("3", Some("3")),
            ("x", None),
        ] {
            assert_eq!(class_of(&token(word)).as_deref(), expected, "{word}");
        }
    }
}
