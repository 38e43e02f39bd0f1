//! Here two places are compared: the same, a part of each other, other place of one organ, or unrelated.

use crate::clock;
use crate::frame::{Frame, Side, WHOLE};
use crate::lexicon::{Lexicon, NodeId};
use crate::marks::Level;
use crate::spots::{self, Counted};

/// How two places relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Both say the same place.
    Same,
    /// One is a part of the other, or one is not given.
    Compatible,
    /// Another place of the same organ.
    OtherPlace,
    /// Nothing to do with each other.
    Unrelated,
}

/// Compares the places of two frames, sides apart.
pub(crate) fn relate(lex: &Lexicon, a: &Frame, b: &Frame) -> Relation {
    let apart = spots::relate(&a.spots, &b.spots) == Counted::Apart || clock::apart(lex, a, b);
    match relate_anatomy(lex, a, b) {
        Relation::Unrelated => Relation::Unrelated,
        _ if apart => Relation::OtherPlace,
        // One report counts the part and the other does not: they fit, and may not be the same.
        Relation::Same if a.spots.is_empty() != b.spots.is_empty() => Relation::Compatible,
        other => other,
    }
}

fn relate_anatomy(lex: &Lexicon, a: &Frame, b: &Frame) -> Relation {
    let levels = relate_levels(&a.levels, &b.levels);
    let nodes = relate_nodes(lex, &a.nodes, &b.nodes);
    match (levels, nodes) {
        (_, Relation::Unrelated) => Relation::Unrelated,
        (Relation::OtherPlace, _) => Relation::OtherPlace,
        // Parts of one spinal segment are not places to confuse: only the level counts.
        (l, Relation::OtherPlace) if in_spine(lex, a) && in_spine(lex, b) => {
            if l == Relation::Same {
                Relation::Same
            } else {
                Relation::Compatible
            }
        }
        (_, Relation::OtherPlace) => Relation::OtherPlace,
        (Relation::Same, _) => Relation::Same,
        (l, n)
            if l == Relation::Compatible
                && n == Relation::Same
                && a.levels.is_empty() == b.levels.is_empty() =>
        {
            Relation::Same
        }
        _ => Relation::Compatible,
    }
}

fn in_spine(lex: &Lexicon, f: &Frame) -> bool {
    lex.node_named("spine")
        .is_some_and(|s| f.nodes.iter().any(|n| lex.organ_of(*n) == Some(s)))
}

fn near(a: Level, b: Level) -> bool {
    a == b || (a.abs_diff(b) == 1)
}

fn relate_levels(a: &[Level], b: &[Level]) -> Relation {
    if a.is_empty() || b.is_empty() {
        return Relation::Compatible;
    }
    if a.iter().any(|x| b.contains(x)) {
        return Relation::Same;
    }
    if a.iter().any(|x| b.iter().any(|y| near(*x, *y))) {
        return Relation::Compatible;
    }
    Relation::OtherPlace
}

fn relate_nodes(lex: &Lexicon, a: &[NodeId], b: &[NodeId]) -> Relation {
    let mut any_same = false;
    let mut other_place = false;
    let mut axes: Vec<&str> = Vec::new();
    for node in a
        .iter()
        .filter_map(|n| lex.node(*n))
        .filter(|n| !n.generic || n.axis != "organ")
    {
        if !axes.contains(&node.axis.as_str()) {
            axes.push(&node.axis);
        }
    }
    for axis in axes {
        let on = |list: &[NodeId]| -> Vec<NodeId> {
            list.iter()
                .copied()
                .filter(|n| {
                    lex.node(*n)
                        .is_some_and(|n| n.axis == axis && (!n.generic || axis != "organ"))
                })
                .collect()
        };
        let (x, y) = (on(a), on(b));
        if x.is_empty() || y.is_empty() {
            continue;
        }
        let pairs = || x.iter().flat_map(|p| y.iter().map(move |q| (*p, *q)));
        if pairs().any(|(p, q)| p == q) {
            any_same = true;
        } else if pairs().any(|(p, q)| lex.is_part(p, q) || lex.is_part(q, p)) {
        } else if axis != "organ" || pairs().any(|(p, q)| same_organ(lex, p, q)) {
            other_place = true;
        } else {
            return Relation::Unrelated;
        }
    }
    // A lobe of the lung and a place in the brain lie on different axes and still have nothing in common.
    if !any_same
        && !other_place
        && !a.is_empty()
        && !b.is_empty()
        && across_axes_unrelated(lex, a, b)
    {
        return Relation::Unrelated;
    }
    match (other_place, any_same) {
        (true, _) => Relation::OtherPlace,
        (_, true) => Relation::Same,
        _ => Relation::Compatible,
    }
}

fn across_axes_unrelated(lex: &Lexicon, a: &[NodeId], b: &[NodeId]) -> bool {
    let solid = |list: &[NodeId]| -> Vec<NodeId> {
        list.iter()
            .copied()
            .filter(|n| lex.node(*n).is_some_and(|n| !n.generic))
            .collect()
    };
    let (x, y) = (solid(a), solid(b));
    if x.is_empty() || y.is_empty() {
        return false;
    }
    !x.iter().any(|p| {
        y.iter()
            .any(|q| lex.is_part(*p, *q) || lex.is_part(*q, *p) || same_organ(lex, *p, *q))
    })
}

/// Whether two places lie in the same organ.
pub(crate) fn same_organ(lex: &Lexicon, a: NodeId, b: NodeId) -> bool {
    match (lex.organ_of(a), lex.organ_of(b)) {
        (Some(x), Some(y)) => x == y,
        _ => false,
    }
}

/// Whether a statement about `wide` covers `narrow`: every part of the narrow place lies in the wide one.
pub(crate) fn covers(lex: &Lexicon, wide: &Frame, narrow: &Frame) -> bool {
    if !wide.levels.is_empty()
        && !wide
            .levels
            .iter()
            .any(|w| narrow.levels.iter().any(|n| near(*w, *n)))
    {
        return false;
    }
    let one_sided = matches!(wide.side, Some(Side::Left | Side::Right));
    if !sides_meet(wide.side, narrow.side) || one_sided && narrow.side.is_none() {
        return false;
    }
    let whole = wide.attr.as_deref() == Some(WHOLE);
    if whole || denied_without_place(lex, wide, narrow) {
        return true;
    }
    let home = narrow
        .finding()
        .and_then(|id| lex.finding(id))
        .and_then(|f| f.site);
    let mut solid: Vec<NodeId> = Vec::new();
    let mut general: Vec<NodeId> = Vec::new();
    for &id in &wide.nodes {
        match lex.node(id) {
            Some(n) if n.generic => general.push(id),
            Some(n) if n.axis == "region" => {}
            Some(_) => solid.push(id),
            None => {}
        }
    }
    if let Some(own) = wide
        .finding()
        .and_then(|id| lex.finding(id))
        .and_then(|f| f.site)
        .filter(|h| lex.organ_of(*h).is_some())
    {
        let at_home = |n: &NodeId| lex.is_part(*n, own) || lex.is_part(own, *n);
        if solid.iter().any(at_home) {
            solid.retain(at_home);
        }
    }
    if solid.is_empty() {
        let inside = |g: &NodeId| {
            narrow
                .nodes
                .iter()
                .chain(home.iter())
                .any(|n| lex.is_part(*n, *g))
        };
        let bony = |g: &NodeId| {
            lex.node(*g)
                .is_some_and(|n| matches!(n.id.as_str(), "bone" | "marrow"))
        };
        let denied = wide.finding().is_some();
        return general.is_empty()
            || general.iter().any(inside)
            || denied && general.iter().any(bony) && !in_soft_organ(lex, narrow, home);
    }
    covers_places(lex, &solid, narrow, home)
}

/// Whether a finding lies in an organ that is no bone: "no bone lesion" says nothing of the liver.
fn in_soft_organ(lex: &Lexicon, frame: &Frame, home: Option<NodeId>) -> bool {
    let named = |name: &&str| lex.node_named(name);
    let cavities: Vec<NodeId> = [
        "head", "neck", "chest", "abdomen", "pelvis", "breast", "fetus",
    ]
    .iter()
    .filter_map(named)
    .collect();
    let bone = lex.node_named("bone");
    let soft = |n: &NodeId| {
        cavities.iter().any(|c| lex.is_part(*n, *c)) && !bone.is_some_and(|b| lex.is_part(*n, b))
    };
    let mut places = frame.nodes.iter().chain(home.iter());
    !places
        .clone()
        .any(|n| bone.is_some_and(|b| lex.is_part(*n, b)))
        && places.any(soft)
}

/// "No evidence of pulmonary embolism" names the finding, not a place: it denies the embolus wherever it lies.
///
/// Only for serious findings at home in one organ, denied in their own name or in a neighbour of that organ.
fn denied_without_place(lex: &Lexicon, wide: &Frame, narrow: &Frame) -> bool {
    let Some(id) = wide.finding().filter(|id| narrow.finding() == Some(*id)) else {
        return false;
    };
    let serious = lex.finding(id).filter(|f| f.weight >= 3);
    let Some(home) = serious.and_then(|f| f.site) else {
        return false;
    };
    let (Some(own), Some(around)) = (lex.node(home), lex.node(home).and_then(|n| n.parent)) else {
        return false;
    };
    let own_name = |n: &NodeId| {
        *n == home
            || lex
                .node(*n)
                .is_some_and(|node| node.organ && node.parent == own.parent)
    };
    wide.denied
        && !wide.placed
        && !wide.site_inferred
        && own.organ
        && wide.nodes.iter().all(own_name)
        && narrow.nodes.iter().all(|n| lex.is_part(*n, around))
}

/// On each axis the wide place names, the narrow place must lie in it.
fn covers_places(lex: &Lexicon, solid: &[NodeId], narrow: &Frame, home: Option<NodeId>) -> bool {
    let axis_of = |n: NodeId| lex.node(n).map_or("organ", |n| n.axis.as_str());
    let named: Vec<NodeId> = narrow
        .nodes
        .iter()
        .copied()
        .filter(|n| {
            lex.node(*n)
                .is_some_and(|n| !n.generic && n.axis != "region")
        })
        .collect();
    let at_home: Vec<NodeId> = named
        .iter()
        .copied()
        .filter(|n| {
            home.is_some_and(|h| {
                lex.organ_of(h).is_some() && (lex.is_part(*n, h) || lex.is_part(h, *n))
            })
        })
        .collect();
    let mut axes: Vec<&str> = solid.iter().map(|n| axis_of(*n)).collect();
    axes.dedup();
    axes.iter().all(|axis| {
        let wide: Vec<NodeId> = solid
            .iter()
            .copied()
            .filter(|n| axis_of(*n) == *axis)
            .collect();
        let inside = |n: &NodeId| wide.iter().any(|w| lex.is_part(*n, *w));
        if *axis != "organ" {
            return named.iter().filter(|n| axis_of(**n) == *axis).any(inside);
        }
        let organs: Vec<NodeId> = named
            .iter()
            .copied()
            .filter(|n| axis_of(*n) == "organ")
            .collect();
        if at_home.is_empty() {
            let list = if organs.is_empty() { &named } else { &organs };
            let broad = home.is_some_and(|h| lex.organ_of(h).is_none());
            return if broad {
                !list.is_empty() && list.iter().all(inside)
            } else {
                list.iter().any(inside)
            };
        }
        at_home.iter().any(inside)
    })
}

/// Whether two sides can be the same.
pub(crate) fn sides_meet(a: Option<Side>, b: Option<Side>) -> bool {
    match (a, b) {
        (Some(x), Some(y)) => !x.opposite(y),
        _ => true,
    }
}
