//! Here is gathered what tells two abnormal statements apart, whatever the rows made of it: the net below "confirms".

use crate::frame::Frame;
use crate::lexicon::{FindingId, Lexicon, NodeId};
use crate::marks::{ClassAt, Stage};
use crate::statement::Report;

mod files;
mod gather;
mod rows;
mod sites;
mod states;
mod twins;

pub(crate) use files::{Discerning, DiscerningFile, Staging};
pub(crate) use gather::gather;
use gather::{organ, tells_of};
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
