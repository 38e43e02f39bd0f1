//! Here the words and marks of one sentence are gathered that tell an abnormal statement from another one.

use super::{Mark, QUOTE_CHARS_MAX, Said, denied, present, states};
use crate::frame::Frame;
use crate::hits::Marked;
use crate::lexicon::{FindingId, Hit, Lexicon, NodeId};
use crate::marks::{ClassAt, class_at, stage_at};
use crate::text::{Kind, Token};

/// Gathers what a sentence says and does not deny.
pub(crate) fn gather(
    lex: &Lexicon,
    tokens: &[Token],
    marked: &Marked<'_>,
    frames: &[Frame],
) -> Vec<Mark> {
    let mut sentence = Sentence {
        lex,
        tokens,
        marked,
        frames,
        out: Vec::new(),
    };
    sentence.words();
    sentence.states();
    sentence.figures();
    sentence.opposed();
    sentence.narrowed();
    sentence.out
}

struct Sentence<'a> {
    lex: &'a Lexicon,
    tokens: &'a [Token],
    marked: &'a Marked<'a>,
    frames: &'a [Frame],
    out: Vec<Mark>,
}

impl Sentence<'_> {
    /// Keeps a mark, unless it is denied or of another time or person.
    fn add(&mut self, said: Said, first: usize, last: usize) {
        // The word that denies is a part of these.
        let stands = match said {
            Said::State(..) | Said::Narrowed(_) => true,
            Said::Word(line) => line >= self.lex.discerning.standing,
            _ => false,
        };
        if !(stands || self.stated(first, last)) {
            return;
        }
        let (Some(a), Some(b)) = (self.tokens.get(first), self.tokens.get(last)) else {
            return;
        };
        let (start, end) = (a.start, b.end);
        let spans = self.frames.iter().flat_map(|f| &f.spans);
        let around = spans.filter(|s| s.0 <= start && end <= s.1 && s.1 - s.0 <= QUOTE_CHARS_MAX);
        let quote = around.min_by_key(|s| s.1 - s.0);
        self.out.push(Mark {
            sets: sets(self.lex, &said, self.frames),
            quote: quote.copied().unwrap_or((start, end)),
            said,
            start,
            end,
        });
    }

    fn stated(&self, first: usize, last: usize) -> bool {
        (first..=last).all(|i| {
            let state = self.marked.states.get(i).copied().unwrap_or_default();
            let is_of_others = state.historical || state.hypothetical || state.other;
            !(state.denied || is_of_others || self.marked.is_contrast(i))
        })
    }

    fn words(&mut self) {
        let data = &self.lex.discerning;
        let mut sparing = data.sparing.iter();
        let spared = sparing.any(|of| tells_of(self.lex, self.frames, *of));
        for hit in data.words.find(self.tokens) {
            if spared && data.spared.starting_at(self.tokens, hit.first).is_some() {
                continue;
            }
            let line = hit.ids.first().copied().unwrap_or_default();
            self.add(Said::Word(line), hit.first, hit.last);
        }
    }

    fn states(&mut self) {
        let states = states::states(self.lex, self.tokens, self.marked);
        if !self.frames.iter().any(Frame::present) {
            for hit in self.lex.discerning.status.find(self.tokens) {
                let answer = |s: &states::Told| s.first <= hit.first && hit.last <= s.last;
                if !states.iter().any(answer) {
                    self.add(Said::Status, hit.first, hit.last);
                }
            }
        }
        for told in states {
            self.add(Said::State(told.which, told.yes), told.first, told.last);
        }
    }

    /// Classes, stages, densities and sizes.
    fn figures(&mut self) {
        for (id, class, first) in classes(self.lex, self.tokens) {
            self.add(Said::Graded(id, class), first, class.last);
        }
        let organ = organ(self.lex, self.frames);
        let tokens = self.tokens;
        for (i, token) in tokens.iter().enumerate() {
            if let Some(stage) = stage_at(&self.lex.discerning.staging, tokens, i) {
                self.add(Said::Stage(stage), i, i);
            }
            let density = tokens.get(i + 1).is_some_and(|t| t.is("hu"));
            if token.kind == Kind::Number && density {
                let sign = if below_zero(tokens, i) { -1.0 } else { 1.0 };
                self.add(Said::Hounsfield(sign * token.value, organ), i, i + 1);
            }
        }
        let (lex, frames) = (self.lex, self.frames);
        for size in self.marked.sizes.iter().filter(|s| !s.aside) {
            for (_, id) in present(frames) {
                let said = Said::Size(lex.root(id), size.mm);
                self.add(said, size.first, size.last);
            }
        }
    }

    fn opposed(&mut self) {
        let data = &self.lex.discerning;
        for hit in data.opposed.find(self.tokens) {
            let members = hit.ids.iter().filter_map(|line| data.members.get(*line));
            for (group, member) in members.copied() {
                for id in self.told_around(&hit) {
                    let said = Said::Opposed(self.lex.root(id), group, member);
                    self.add(said, hit.first, hit.last);
                }
            }
        }
    }

    /// The findings told where these words stand; of the whole sentence, when they stand in no statement.
    fn told_around(&self, words: &Hit) -> Vec<FindingId> {
        let start = self.tokens.get(words.first).map_or(usize::MAX, |t| t.start);
        let inside = |f: &Frame| f.spans.iter().any(|s| s.0 <= start && start < s.1);
        let nowhere = !self.frames.iter().any(inside);
        let told = present(self.frames).filter(|(f, _)| nowhere || inside(f));
        told.map(|(_, id)| id).collect()
    }

    fn narrowed(&mut self) {
        let (lex, frames) = (self.lex, self.frames);
        for hit in lex.discerning.narrowing.find(self.tokens) {
            let state = self.marked.states.get(hit.last);
            if state.is_some_and(|state| state.denied) {
                for (_, id) in denied(frames) {
                    self.add(Said::Narrowed(lex.root(id)), hit.first, hit.last);
                }
            }
        }
    }
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
pub(super) fn tells_of(lex: &Lexicon, frames: &[Frame], kind: FindingId) -> bool {
    present(frames).any(|(_, id)| lex.is_kind(id, kind))
}

/// The one organ these statements are of whose densities are known.
pub(super) fn organ(lex: &Lexicon, frames: &[Frame]) -> Option<NodeId> {
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
