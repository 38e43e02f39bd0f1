//! Here what the lexicon has no name for finds its like in the other report by its words.
//!
//! A sentence that was not understood, or a statement that found no partner, agrees with one of the other report when both
//! deny or both state it, on no other side or part, with most of their words in common. What weighs much is never set
//! together like this: a name is needed to call a grave finding the same.

use crate::align::{Pair, Pass};
use crate::frame::{Frame, Side, What};
use crate::lexicon::{CueKind, FindingId, Lexicon, NodeId};
use crate::reading::Section;
use crate::scope;
use crate::site::{self, Relation};
use crate::statement::Report;
use crate::text::{Kind, Text, Token};

/// Passages and statements of a report that are looked at, at most.
const PASSAGES_MAX: usize = 200;
/// Words a passage may have; a longer one says several things.
const WORDS_MAX: usize = 24;
/// Letters that two forms of a word may differ by at the end: "ossicular", "ossicle".
const ENDING_LETTERS: usize = 3;
/// Letters with which two forms of a word begin alike, at least.
const STEM_LETTERS: usize = 4;
/// Share of the words of the shorter passage that both have, in percent.
const SHARED_PERCENT: usize = 60;
/// Weight of a finding from which its name is needed.
const GRAVE: u8 = 3;
/// Words of a name, at most.
const NAME_WORDS: usize = 3;
/// Share by which the larger of two numbers may be over the smaller, in percent.
const NUMBER_PERCENT: f64 = 20.0;

/// One word of a passage that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Word(String),
    Place(NodeId),
    Finding(FindingId),
}

/// A passage with what it says.
#[derive(Debug)]
struct Said {
    /// The statement it is, unless nothing in it was understood.
    frame: Option<usize>,
    range: (usize, usize),
    content: Vec<Content>,
    /// It says that something is normal or not there.
    calm: bool,
    /// Something in it is denied.
    denied: bool,
    side: Option<Side>,
    numbers: Vec<f64>,
    directions: Vec<(usize, String)>,
    worrying: bool,
}

/// Sets together what two reports say in nearly the same words.
pub(crate) fn meet(lex: &Lexicon, o: &mut Report, s: &mut Report, pairs: &mut Vec<Pair>) {
    let alone = |own: fn(&Pair) -> Option<usize>, other: fn(&Pair) -> Option<usize>| {
        let open = pairs.iter().filter(|p| other(p).is_none());
        open.filter_map(own).collect::<Vec<usize>>()
    };
    let in_o = passages(lex, o, &alone(|p| p.original, |p| p.second));
    let in_s = passages(lex, s, &alone(|p| p.second, |p| p.original));
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for (i, a) in in_o.iter().enumerate() {
        for (j, b) in in_s.iter().enumerate() {
            let placed = match (frame_of(o, a), frame_of(s, b)) {
                (Some(x), Some(y)) => fits(lex, x, y),
                _ => true,
            };
            if let Some(shared) = alike(lex, a, b).filter(|_| placed) {
                found.push((shared, i, j));
            }
        }
    }
    found.sort_by_key(|(shared, i, j)| (std::cmp::Reverse(*shared), *i, *j));
    let (mut used_o, mut used_s) = (vec![false; in_o.len()], vec![false; in_s.len()]);
    for (_, i, j) in found {
        let (Some(u), Some(v)) = (used_o.get_mut(i), used_s.get_mut(j)) else {
            continue;
        };
        if *u || *v {
            continue;
        }
        (*u, *v) = (true, true);
        if let (Some(a), Some(b)) = (in_o.get(i), in_s.get(j)) {
            let name = name(lex, a, b);
            let (x, y) = (stated(o, a, &name), stated(s, b, &name));
            pairs.retain(|p| p.original != Some(x) && p.second != Some(y));
            pairs.push(Pair {
                original: Some(x),
                second: Some(y),
                pass: Pass::Worded,
            });
        }
    }
}

fn frame_of<'r>(report: &'r Report, said: &Said) -> Option<&'r Frame> {
    said.frame.and_then(|at| report.frames.get(at))
}

/// Lists what stands alone in a report: statements without a partner and sentences that were not understood.
fn passages(lex: &Lexicon, report: &Report, alone: &[usize]) -> Vec<Said> {
    let mut out = Vec::new();
    for &at in alone {
        let Some(frame) = report.frames.get(at) else {
            continue;
        };
        let light = frame
            .finding()
            .and_then(|id| lex.finding(id))
            .is_none_or(|f| f.weight < GRAVE || frame.denied);
        let told = matches!(frame.what, What::Finding(_) | What::Normal);
        let Some(&range) = frame.spans.first().filter(|_| light && told) else {
            continue;
        };
        if let Some(mut said) = read(lex, &report.text, range) {
            said.frame = Some(at);
            said.calm = !frame.present();
            said.side = frame.side;
            out.push(said);
        }
    }
    for &range in &report.unread {
        out.extend(read(lex, &report.text, range));
    }
    out.truncate(PASSAGES_MAX);
    out
}

/// Reads what a passage says; `None` when it says nothing of its own, too much, or one thing and its opposite.
fn read(lex: &Lexicon, text: &Text, range: (usize, usize)) -> Option<Said> {
    let first = text.tokens.partition_point(|t| t.start < range.0);
    let end = text.tokens.partition_point(|t| t.end <= range.1);
    let tokens = text.tokens.get(first..end)?;
    if tokens.iter().filter(|t| t.is_word()).count() > WORDS_MAX {
        return None;
    }
    // A word of which the meaning is not known may turn the sentence.
    let unknown = |(from, to): &(usize, usize)| *from < range.1 && *to > range.0;
    if text.unknown.iter().any(unknown) {
        return None;
    }
    let cue_hits = lex.cue_terms.find(tokens);
    let cues = scope::cues(&cue_hits, lex);
    // What is said of the other report is no statement about the patient.
    let other = [CueKind::Report, CueKind::Agree, CueKind::Disagree];
    if cues.iter().any(|c| other.contains(&c.cue.kind)) {
        return None;
    }
    let states = scope::states(tokens, &cues);
    let mut content: Vec<(usize, Content)> = Vec::new();
    let mut covered = vec![false; tokens.len()];
    let mut cover = |first: usize, last: usize| {
        let free = covered
            .get(first..=last)
            .is_some_and(|c| !c.contains(&true));
        if free {
            for c in covered.iter_mut().take(last + 1).skip(first) {
                *c = true;
            }
        }
        free
    };
    for hit in lex.finding_terms.find_across_sides(tokens) {
        if let Some(id) = hit.ids.first().filter(|_| cover(hit.first, hit.last)) {
            content.push((hit.first, Content::Finding(*id)));
        }
    }
    for hit in lex.node_terms.find(tokens) {
        if let Some(id) = hit.ids.first().filter(|_| cover(hit.first, hit.last)) {
            content.push((hit.first, Content::Place(*id)));
        }
    }
    for hit in &cue_hits {
        cover(hit.first, hit.last);
    }
    for (at, token) in tokens.iter().enumerate() {
        let says = token.is_word() && token.norm.chars().count() > 2;
        if says && !covered.get(at).copied().unwrap_or(true) && !lex.spelling.is_common(&token.norm)
        {
            content.push((at, Content::Word(token.norm.clone())));
        }
    }
    let denied = |at: usize| states.get(at).is_some_and(|s| s.denied);
    let denials = content.iter().filter(|(at, _)| denied(*at)).count();
    let normal = cues.iter().any(|c| c.cue.kind == CueKind::Normal);
    if content.is_empty() || denials > 0 && denials < content.len() && !normal {
        return None;
    }
    let numbers = tokens.iter().filter(|t| t.kind == Kind::Number);
    let mut content: Vec<(usize, Content)> = content;
    content.sort_by_key(|(at, _)| *at);
    Some(Said {
        frame: None,
        range,
        content: content.into_iter().map(|(_, c)| c).collect(),
        calm: denials > 0 || normal,
        denied: denials > 0,
        side: side(tokens),
        numbers: numbers.map(|t| t.value).collect(),
        directions: directions(lex, tokens),
        worrying: !lex.weighing.worrying(tokens).is_empty(),
    })
}

fn side(tokens: &[Token]) -> Option<Side> {
    let named = |word: &str| tokens.iter().any(|t| t.is(word));
    let both = named("bilateral") || named("both") || named("bilaterally");
    match (named("left"), named("right"), both) {
        (_, _, true) | (true, true, _) => Some(Side::Both),
        (true, ..) => Some(Side::Left),
        (_, true, _) => Some(Side::Right),
        _ => None,
    }
}

fn directions(lex: &Lexicon, tokens: &[Token]) -> Vec<(usize, String)> {
    let groups = lex.differences.directions.iter().enumerate();
    groups
        .flat_map(|(n, group)| {
            let told = group
                .iter()
                .filter(|word| tokens.iter().any(|t| t.is(word)));
            told.map(move |word| (n, word.clone()))
        })
        .collect()
}

/// Counts the words two passages share; `None` when they do not say the same.
fn alike(lex: &Lexicon, a: &Said, b: &Said) -> Option<usize> {
    let apart = match (a.side, b.side) {
        (Some(x), Some(y)) => x != y,
        _ => false,
    };
    if a.calm != b.calm || apart || turned(a, b) || !a.calm && a.worrying != b.worrying {
        return None;
    }
    let near = |x: &f64, y: &f64| {
        let (low, high) = (x.min(*y), x.max(*y));
        high * 100.0 <= low * (100.0 + NUMBER_PERCENT)
    };
    let counted = !a.numbers.is_empty() && !b.numbers.is_empty();
    if counted
        && !a
            .numbers
            .iter()
            .any(|x| b.numbers.iter().any(|y| near(x, y)))
    {
        return None;
    }
    let shared: Vec<&Content> = a
        .content
        .iter()
        .filter(|x| b.content.iter().any(|y| same(lex, x, y)))
        .collect();
    let (short, long) = (
        a.content.len().min(b.content.len()),
        a.content.len().max(b.content.len()),
    );
    let told = shared.iter().any(|c| !matches!(c, Content::Place(_)));
    let known = shared.iter().any(|c| match c {
        Content::Word(word) => lex.spelling.knows(word),
        _ => true,
    });
    let most = shared.len() * 100 >= short * SHARED_PERCENT;
    let enough = shared.len() >= 2 || a.calm && shared.len() == short && long <= 2;
    (told && known && most && enough).then_some(shared.len())
}

/// Whether two passages name different parts: the one anterior, the other posterior.
fn turned(a: &Said, b: &Said) -> bool {
    a.directions.iter().any(|(group, _)| {
        let of = |said: &Said| -> Vec<String> {
            let own = said.directions.iter().filter(|(g, _)| g == group);
            own.map(|(_, word)| word.clone()).collect()
        };
        let (x, y) = (of(a), of(b));
        !y.is_empty() && x != y
    })
}

fn same(lex: &Lexicon, a: &Content, b: &Content) -> bool {
    match (a, b) {
        (Content::Word(x), Content::Word(y)) => same_word(x, y),
        (Content::Place(x), Content::Place(y)) => lex.is_part(*x, *y) || lex.is_part(*y, *x),
        (Content::Finding(x), Content::Finding(y)) => lex.is_kind(*x, *y) || lex.is_kind(*y, *x),
        _ => false,
    }
}

/// Whether two words are forms of one.
fn same_word(x: &str, y: &str) -> bool {
    let (a, b) = (x.chars().count(), y.chars().count());
    let begin = x.chars().zip(y.chars()).take_while(|(p, q)| p == q).count();
    let short = a.min(b).saturating_sub(ENDING_LETTERS).max(STEM_LETTERS);
    x == y || begin >= short && a.max(b) - begin <= 2 * ENDING_LETTERS
}

/// Whether two statements may be one, apart from their words.
fn fits(lex: &Lexicon, a: &Frame, b: &Frame) -> bool {
    let graded = match (a.severity, b.severity) {
        (Some(p), Some(q)) => p.1 < q.0 || q.1 < p.0,
        _ => false,
    };
    let here = matches!(
        site::relate(lex, a, b),
        Relation::Same | Relation::Compatible
    );
    here && !graded && site::sides_meet(a.side, b.side) && a.historical == b.historical
}

/// Names what two passages say by the words they share.
fn name(lex: &Lexicon, a: &Said, b: &Said) -> String {
    let shared = a
        .content
        .iter()
        .filter(|x| b.content.iter().any(|y| same(lex, x, y)));
    let words = shared.filter_map(|c| match c {
        Content::Word(word) => Some(word.clone()),
        Content::Place(id) => lex.node(*id).map(|n| n.id.clone()),
        Content::Finding(id) => lex.finding(*id).map(|f| f.id.clone()),
    });
    let mut told: Vec<String> = Vec::new();
    for word in words {
        if !told.contains(&word) {
            told.push(word);
        }
    }
    told.truncate(NAME_WORDS);
    told.join("_")
}

/// Returns the statement of a passage, made from its words when it was none.
fn stated(report: &mut Report, said: &Said, name: &str) -> usize {
    if let Some(at) = said.frame {
        return at;
    }
    let mut frame = Frame::new(What::Worded, Section::Findings, usize::MAX);
    frame.value = match (said.calm, said.denied) {
        (true, true) => format!("{name}_absent"),
        (true, false) => format!("{name}_normal"),
        _ => name.to_string(),
    };
    frame.denied = said.calm;
    frame.side = said.side;
    frame.spans.push(said.range);
    report.frames.push(frame);
    report.unread.retain(|passage| *passage != said.range);
    report.telling.retain(|passage| *passage != said.range);
    report.frames.len() - 1
}
