//! Here is gathered what tells two abnormal statements apart, whatever the rows made of it: the net below "confirms".

use crate::frame::Frame;
use crate::hits::Marked;
use crate::lexicon::{FindingId, Hit, Lexicon, NodeId};
use crate::marks::{ClassAt, Stage, class_at, stage_at};
use crate::statement::Report;
use crate::text::{Kind, Token};

mod files;
mod rows;
mod sites;
mod states;
mod twins;

pub(crate) use files::{Discerning, DiscerningFile, Staging};
pub(crate) use rows::rows;
pub(crate) use sites::further_sites;

/// Characters quoted of a statement, at most.
const QUOTE_CHARS_MAX: usize = 160;
/// Marks kept of one report, at most: every one is set against every one of the other report.
pub(crate) const MARKS_MAX: usize = 2000;

/// What an abnormal statement says that another one may not say.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    /// One of the words of a line of the data.
    Word(usize),
    /// Positive, involved: said of a structure where no finding is named.
    Status,
    /// "Stanford A": which classification, and the class.
    Graded(usize, ClassAt),
    /// "N3": T, N or M, and the figure.
    Stage(Stage),
    /// A density in Hounsfield units, and the organ of it when its steps are known.
    Hounsfield(f64, Option<NodeId>),
    /// A size in mm and the kind of finding it is of.
    Size(FindingId, f64),
    /// "Proximal": the kind of finding, a group of words that exclude each other, and which of them.
    Opposed(FindingId, usize, usize),
    /// "No central embolism": the kind of finding that is denied in part.
    Narrowed(FindingId),
    /// "EMVI negative": which state of the data, and whether it is there.
    State(usize, bool),
}

/// Something said, and the code points it stands at.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    said: Said,
    start: usize,
    end: usize,
    /// The statement it stands in.
    quote: (usize, usize),
    /// Told of what the data asks for, or of nothing else: a difference makes a row.
    sets: bool,
}

impl Mark {
    /// Whether the sentence is understood by this alone.
    pub(crate) fn understood(&self) -> bool {
        self.sets
    }
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
        let stands = match said {
            Said::State(..) | Said::Narrowed(_) => true,
            Said::Word(line) => line >= data.standing,
            _ => false,
        };
        let told = stands || stated(first, last);
        if told && let (Some(a), Some(b)) = (tokens.get(first), tokens.get(last)) {
            let (start, end) = (a.start, b.end);
            let spans = frames.iter().flat_map(|f| &f.spans);
            let around =
                spans.filter(|s| s.0 <= start && end <= s.1 && s.1 - s.0 <= QUOTE_CHARS_MAX);
            out.push(Mark {
                sets: sets(lex, &said, frames),
                quote: around
                    .min_by_key(|s| s.1 - s.0)
                    .copied()
                    .unwrap_or((start, end)),
                said,
                start,
                end,
            });
        }
    };
    let spared = data.sparing.iter().any(|of| tells_of(lex, frames, *of));
    for hit in data.words.find(tokens) {
        if spared && data.spared.starting_at(tokens, hit.first).is_some() {
            continue;
        }
        let line = hit.ids.first().copied().unwrap_or_default();
        add(Said::Word(line), hit.first, hit.last);
    }
    let states = states::states(lex, tokens, marked);
    if !frames.iter().any(Frame::present) {
        for hit in data.status.find(tokens) {
            let answer = |s: &states::Told| s.first <= hit.first && hit.last <= s.last;
            if !states.iter().any(answer) {
                add(Said::Status, hit.first, hit.last);
            }
        }
    }
    for told in states {
        add(Said::State(told.which, told.yes), told.first, told.last);
    }
    for (id, class, first) in classes(lex, tokens) {
        add(Said::Graded(id, class), first, class.last);
    }
    let organ = organ(lex, frames);
    for (i, token) in tokens.iter().enumerate() {
        if let Some(stage) = stage_at(&data.staging, tokens, i) {
            add(Said::Stage(stage), i, i);
        }
        let density = tokens.get(i + 1).is_some_and(|t| t.is("hu"));
        if token.kind == Kind::Number && density {
            let sign = if below_zero(tokens, i) { -1.0 } else { 1.0 };
            add(Said::Hounsfield(sign * token.value, organ), i, i + 1);
        }
    }
    let roots: Vec<FindingId> = present(frames).map(|(_, id)| lex.root(id)).collect();
    for size in marked.sizes.iter().filter(|s| !s.aside) {
        for root in &roots {
            add(Said::Size(*root, size.mm), size.first, size.last);
        }
    }
    for hit in data.opposed.find(tokens) {
        let members = hit.ids.iter().filter_map(|line| data.members.get(*line));
        for (group, member) in members.copied() {
            for id in told_around(tokens, &hit, frames) {
                let said = Said::Opposed(lex.root(id), group, member);
                add(said, hit.first, hit.last);
            }
        }
    }
    let is_denied = |i: usize| marked.states.get(i).is_some_and(|state| state.denied);
    for hit in data.narrowing.find(tokens) {
        for (_, id) in denied(frames).filter(|_| is_denied(hit.last)) {
            add(Said::Narrowed(lex.root(id)), hit.first, hit.last);
        }
    }
    out
}

/// Finds the classes of a sentence: which classification, the class, and the token it begins at.
fn classes(lex: &Lexicon, tokens: &[Token]) -> Vec<(usize, ClassAt, usize)> {
    let data = &lex.discerning;
    let mut out: Vec<(usize, ClassAt, usize)> = Vec::new();
    for hit in data.graded.find(tokens) {
        // The "stage" of "Ficat stage II" was read with its name.
        if out.iter().any(|(_, class, _)| hit.first <= class.last) {
            continue;
        }
        let between = |i: &usize| {
            let mark = |t: &Token| matches!(t.kind, Kind::Colon | Kind::Hyphen | Kind::Dash);
            let word = |t: &Token| data.between.contains(&t.norm) || mark(t);
            !tokens.get(*i).is_some_and(word)
        };
        let mut next = (hit.last + 1..hit.last + 4).find(between);
        let id = hit.ids.first().copied().unwrap_or_default();
        let mut first = hit.first;
        while let Some(at) = next
            && let Some(class) = class_at(tokens, at)
        {
            out.push((id, class, first));
            let number = tokens
                .get(at)
                .is_some_and(|t| t.norm.len() > 1 || t.kind == Kind::Number);
            // "Segments II, IV and VII": the word speaks for all of them.
            let joins = |t: &Token| t.kind == Kind::Comma || t.is("and");
            let after = (class.last + 1..tokens.len()).find(|i| !tokens.get(*i).is_some_and(joins));
            next = after.filter(|i| number && *i > class.last + 1);
            first = next.unwrap_or(at);
        }
    }
    out
}

/// "-10 HU": a dash right before the number, and no number before it.
fn below_zero(tokens: &[Token], at: usize) -> bool {
    let mut before = (0..at).rev().map_while(|i| tokens.get(i));
    let start = tokens.get(at).map_or(0, |t| t.start);
    let dash = before
        .next()
        .is_some_and(|t| matches!(t.kind, Kind::Dash | Kind::Hyphen) && t.end == start);
    dash && !before.next().is_some_and(|t| t.kind == Kind::Number)
}

/// Whether a mark is told of what the data asks for.
fn sets(lex: &Lexicon, said: &Said, frames: &[Frame]) -> bool {
    match said {
        Said::Graded(id, _) => {
            let known = lex.discerning.classifications.get(*id);
            known.filter(|c| c.name.is_some()).is_some_and(|c| {
                let nothing = present(frames).next().is_none();
                c.of.is_none_or(|of| nothing || tells_of(lex, frames, of))
            })
        }
        // M1 and M2 are parts of an artery too.
        Said::Stage(stage) => stage.letter != 'm' || stage.figure <= 1,
        Said::Hounsfield(..) | Said::State(..) => true,
        Said::Word(_) | Said::Status | Said::Size(..) | Said::Opposed(..) | Said::Narrowed(_) => {
            false
        }
    }
}

/// Whether one of these statements is of this kind of finding.
fn tells_of(lex: &Lexicon, frames: &[Frame], kind: FindingId) -> bool {
    present(frames).any(|(_, id)| lex.is_kind(id, kind))
}

/// The one organ these statements are of whose densities are known.
fn organ(lex: &Lexicon, frames: &[Frame]) -> Option<NodeId> {
    let known = lex
        .discerning
        .densities
        .steps
        .iter()
        .map(|(place, _)| *place);
    let told = |place: &NodeId| {
        let here = |f: &&Frame| f.nodes.iter().any(|n| lex.is_part(*n, *place));
        frames.iter().filter(|f| f.present()).find(here).is_some()
    };
    let mut places = known.filter(told);
    places.next().filter(|_| places.next().is_none())
}

fn present(frames: &[Frame]) -> impl Iterator<Item = (&Frame, FindingId)> {
    let told = |f: &&Frame| f.present() && !f.historical && f.certainty > 2;
    frames
        .iter()
        .filter(told)
        .filter_map(|f| f.finding().map(|id| (f, id)))
}

fn denied(frames: &[Frame]) -> impl Iterator<Item = (&Frame, FindingId)> {
    let told = frames.iter().filter(|f| f.denied);
    told.filter_map(|f| f.finding().map(|id| (f, id)))
}

/// The findings told where these words stand; of the whole sentence, when they stand in no statement.
fn told_around(tokens: &[Token], words: &Hit, frames: &[Frame]) -> Vec<FindingId> {
    let start = tokens.get(words.first).map_or(usize::MAX, |t| t.start);
    let inside = |f: &Frame| f.spans.iter().any(|s| s.0 <= start && start < s.1);
    let nowhere = !frames.iter().any(inside);
    let told = present(frames).filter(|(f, _)| nowhere || inside(f));
    told.map(|(_, id)| id).collect()
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
    if s.disagrees {
        let told =
            "The second report says that it disagrees: read it before calling the reports alike.";
        out.reasons.push(told.to_owned());
    }
    for (own, other, who) in [(o, s, "original"), (s, o, "second")] {
        if agrees && who == "original" {
            continue;
        }
        let mut places: Vec<(usize, usize)> = Vec::new();
        let alone = own
            .marks
            .iter()
            .filter(|m| !answered(lex, &m.said, other, agrees));
        for mark in alone {
            let urgent = matches!(mark.said, Said::Word(line) if line < lex.discerning.urgent);
            out.urgent |= urgent;
            // What is urgent is told first.
            places.insert(
                if urgent { 0 } else { places.len() },
                (mark.start, mark.end),
            );
        }
        places.extend(sites::elsewhere(lex, own, other));
        places.extend(twins::apart(lex, own, other));
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
fn answered(lex: &Lexicon, said: &Said, other: &Report, agrees: bool) -> bool {
    let mut rivals = other.marks.iter().map(|m| &m.said);
    match said {
        Said::Word(_) | Said::Status => rivals.any(|r| r == said),
        // What the other report does not deny at all is compared as a finding; whoever agrees need not say all of it again.
        Said::Narrowed(root) => {
            let mut whole = denied(&other.frames).filter(|(_, id)| lex.root(*id) == *root);
            agrees || rivals.any(|r| r == said) || whole.next().is_none()
        }
        _ => none_or_any(rivals, |r| rival(lex, said, r)),
    }
}

/// Whether two marks say the same; `None` when they are not of one kind.
fn rival(lex: &Lexicon, a: &Said, b: &Said) -> Option<bool> {
    match (a, b) {
        (Said::Graded(k, x), Said::Graded(l, y)) if k == l => Some(x.same(*y)),
        (Said::Stage(x), Said::Stage(y)) if x.letter == y.letter => Some(x.same(*y)),
        (Said::Hounsfield(x, p), Said::Hounsfield(y, q)) => {
            let organ = p.or(*q).filter(|_| p.is_none() || q.is_none() || p == q);
            Some(!rows::densities_apart(lex, organ, *x, *y))
        }
        (Said::State(k, x), Said::State(l, y)) if k == l => Some(x == y),
        (Said::Opposed(k, g, x), Said::Opposed(l, h, y)) if (k, g) == (l, h) => Some(x == y),
        (Said::Size(k, x), Said::Size(l, y)) if k == l => {
            Some(!lex.differences.apart.sizes(*x, *y))
        }
        _ => None,
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
