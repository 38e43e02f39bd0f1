//! Here is found where one report has a finding at a place or on a side at which the other, which has it too, does not.

use std::collections::BTreeSet;

use super::present;
use crate::align::{Pair, Pass};
use crate::frame::{Frame, Side};
use crate::lexicon::{Lexicon, NodeId};
use crate::marks::Level;
use crate::spots::Spot;
use crate::statement::Report;
use crate::text::{Kind, Token};

/// Words between "and" and the place it joins.
const LEADING: [&str; 9] = [
    "of", "in", "at", "on", "the", "left", "right", "both", "also",
];

/// Places of one statement that the other report does not name.
#[derive(Debug, Default)]
struct Further {
    levels: Vec<Level>,
    spots: Vec<Spot>,
    nodes: Vec<NodeId>,
    /// The other report counts some of these parts; twice as many are told apart by their number.
    counted: bool,
    /// Parts named in a row with another place: "radius and ulna". Only these make a statement of their own.
    listed: Vec<NodeId>,
    side: Option<Side>,
}

impl Further {
    /// Says the statement again of these places alone: the levels of the spine apart from other parts of the body.
    fn parts(&self, of: &Frame) -> Vec<Frame> {
        let mut part = of.clone();
        (part.owner, part.count) = (None, None);
        let counted = !self.listed.is_empty() || self.counted;
        let mut out = Vec::new();
        if !self.levels.is_empty() {
            let mut level = part.clone();
            level.levels.clone_from(&self.levels);
            level.side = level.side.filter(|_| !counted);
            out.push(level);
        }
        if counted || self.side.is_some() && self.levels.is_empty() {
            part.side = self.side;
            if counted {
                part.levels.clear();
                part.spots.clone_from(&self.spots);
            }
            if !self.listed.is_empty() {
                part.nodes.clone_from(&self.listed);
            }
            out.push(part);
        }
        out
    }
}

/// Adds a statement of its own for every further site of a pair: "fracture of L1" against "fracture of L1 and L3".
pub(crate) fn further_sites(lex: &Lexicon, o: &mut Report, s: &mut Report, pairs: &mut Vec<Pair>) {
    let alike = |p: &&Pair| p.pass == Pass::Strict && p.original.is_some() && p.second.is_some();
    let told: Vec<&Pair> = pairs.iter().filter(alike).collect();
    let of_o = told.iter().filter_map(|p| p.original).collect();
    let of_s = told.iter().filter_map(|p| p.second).collect();
    let (more_o, more_s) = (parts(lex, of_o, (o, s)), parts(lex, of_s, (s, o)));
    for part in more_o {
        pairs.push(alone(Some(o.frames.len()), None));
        o.frames.push(part);
    }
    for part in more_s {
        pairs.push(alone(None, Some(s.frames.len())));
        s.frames.push(part);
    }
}

/// What these statements say of further sites; a row of levels stands in several pairs and is asked once.
fn parts(lex: &Lexicon, at: BTreeSet<usize>, (own, other): (&Report, &Report)) -> Vec<Frame> {
    let frames = at.into_iter().filter_map(|i| own.frames.get(i));
    let found = frames.filter_map(|f| Some((f, further(lex, f, (own, other))?)));
    found.flat_map(|(f, more)| more.parts(f)).collect()
}

fn alone(original: Option<usize>, second: Option<usize>) -> Pair {
    Pair {
        original,
        second,
        pass: Pass::Strict,
    }
}

/// Statements of a finding at a place or on a side where the other report, which has the finding, does not have it.
pub(super) fn elsewhere(lex: &Lexicon, own: &Report, other: &Report) -> Vec<(usize, usize)> {
    present(&own.frames)
        .filter(|(f, _)| further(lex, f, (own, other)).is_some())
        .filter_map(|(f, _)| f.spans.first().copied())
        .collect()
}

/// Where the other report, which has the finding, does not have it.
fn further(lex: &Lexicon, frame: &Frame, (own, other): (&Report, &Report)) -> Option<Further> {
    let (_, id) = present(std::slice::from_ref(frame)).next()?;
    let root = lex.root(id);
    let kin: Vec<&Frame> = present(&other.frames)
        .filter(|(_, k)| lex.root(*k) == root)
        .map(|(f, _)| f)
        .collect();
    if kin.is_empty() {
        return None;
    }
    let in_row = listed(lex, own, frame);
    let nodes = other_nodes(lex, frame, &kin, &in_row);
    let out = Further {
        levels: other_levels(frame, &kin),
        spots: other_spots(frame, &kin),
        counted: some_spots(frame, &kin),
        listed: nodes
            .iter()
            .copied()
            .filter(|n| in_row.contains(n))
            .collect(),
        nodes,
        side: other_side(lex, frame, &kin),
    };
    let nothing = out.levels.is_empty() && out.spots.is_empty() && out.nodes.is_empty();
    (!nothing || out.side.is_some()).then_some(out)
}

fn other_levels(frame: &Frame, kin: &[&Frame]) -> Vec<Level> {
    let all: Vec<Level> = kin.iter().flat_map(|f| &f.levels).copied().collect();
    // "L2 on L3" and "L2-L3" are one place: a disc is told by its neighbours too.
    let apart = |l: &Level| !all.is_empty() && !all.iter().any(|k| k.abs_diff(*l) <= 1);
    frame.levels.iter().copied().filter(apart).collect()
}

fn other_spots(frame: &Frame, kin: &[&Frame]) -> Vec<Spot> {
    let all: Vec<Spot> = kin.iter().flat_map(|f| &f.spots).copied().collect();
    let apart = |s: &Spot| !all.is_empty() && !all.iter().any(|k| k.near(*s));
    frame.spots.iter().copied().filter(apart).collect()
}

fn some_spots(frame: &Frame, kin: &[&Frame]) -> bool {
    let known = kin.iter().map(|f| f.spots.len()).sum::<usize>();
    !other_spots(frame, kin).is_empty() && frame.spots.len() < 2 * known
}

fn other_side(lex: &Lexicon, frame: &Frame, kin: &[&Frame]) -> Option<Side> {
    // "LLL" tells a side by itself.
    let of_part = |n: &NodeId| {
        let right = lex.node(*n)?.side?;
        Some(if right { Side::Right } else { Side::Left })
    };
    let of = |f: &Frame| -> Vec<Side> {
        let parts = f.nodes.iter().filter_map(of_part);
        f.side.into_iter().chain(parts).collect()
    };
    let sides: Vec<Vec<Side>> = kin.iter().map(|f| of(f)).collect();
    let told = |side: &Side| sides.iter().flatten().any(|s| s == side);
    let has = |side: Side| told(&side) || told(&Side::Both);
    if sides.iter().any(Vec::is_empty) {
        return None;
    }
    match frame.side? {
        Side::Both => match (has(Side::Left), has(Side::Right)) {
            (true, true) => None,
            (true, false) => Some(Side::Right),
            (false, true) => Some(Side::Left),
            (false, false) => Some(Side::Both),
        },
        side => (!has(side)).then_some(side),
    }
}

/// Places of a statement that stand behind "and" or a comma: "of the radius and of the ulna".
fn listed(lex: &Lexicon, report: &Report, frame: &Frame) -> Vec<NodeId> {
    let Some(&(start, end)) = frame.spans.first() else {
        return Vec::new();
    };
    let within = |t: &&Token| t.start >= start && t.end <= end;
    let tokens: Vec<Token> = report.text.tokens.iter().filter(within).cloned().collect();
    let joined = |first: usize| {
        let small = |t: &&Token| !LEADING.contains(&t.norm.as_str());
        let before = tokens.get(..first).and_then(|t| t.iter().rev().find(small));
        before.is_some_and(|t| t.kind == Kind::Comma || t.is("and"))
    };
    let hits = lex.node_terms.find(&tokens).into_iter();
    let hits = hits.filter(|h| joined(h.first)).flat_map(|h| h.ids);
    hits.filter(|id| frame.nodes.contains(id)).collect()
}

fn other_nodes(lex: &Lexicon, frame: &Frame, kin: &[&Frame], listed: &[NodeId]) -> Vec<NodeId> {
    let mut known: Vec<NodeId> = kin.iter().flat_map(|f| f.nodes.iter().copied()).collect();
    if kin.iter().any(|f| !f.levels.is_empty()) {
        known.extend(lex.node_named("spine"));
    }
    let body = lex.node_named("body");
    let axis = |n: NodeId| {
        // "Pelvis" beside "hip" names the region, not another place.
        let node = lex.node(n).filter(|n| !n.generic);
        let told = node.filter(|n| n.organ || n.parent.is_some() && n.parent != body);
        told.map(|n| n.axis.as_str())
    };
    // "ATFL and CFL" against "ATFL": what is named beside everything the other report names is no other word for it.
    let names_all = !known.is_empty() && known.iter().all(|k| frame.nodes.contains(k));
    let related = |a: NodeId, b: NodeId| {
        let organ = || axis(a) == Some("organ") && crate::site::same_organ(lex, a, b);
        a == b
            || lex.is_part(a, b)
            || lex.is_part(b, a)
            || !(names_all && listed.contains(&a)) && organ()
    };
    let apart = |n: &NodeId| {
        axis(*n).is_some()
            && known.iter().any(|k| axis(*k) == axis(*n))
            && !known.iter().any(|k| related(*n, *k))
    };
    if frame.site_inferred {
        return Vec::new();
    }
    frame.nodes.iter().copied().filter(apart).collect()
}
