//! Here is told whether one of two like statements says more.

use super::{Both, Verdict, places, verdict};
use crate::clock;
use crate::frame::Frame;
use crate::lexicon::Lexicon;
use crate::site;
use crate::spots::{self, Counted};
use crate::types::Class;

pub(super) fn detail(both: &Both<'_>, a: &Frame, b: &Frame) -> Verdict {
    let lex = both.lex;
    let finding = |f: &Frame| f.finding().and_then(|id| lex.finding(id));
    let weight = |f: &Frame| finding(f).map_or(0, |x| x.weight);
    let broken = finding(a).is_some_and(|f| f.id.contains("fracture"));
    let sized = !a.sizes_mm.is_empty() || !b.sizes_mm.is_empty();
    let grades_count = weight(a).max(weight(b)) >= 2 && !broken && !sized;
    let narrower = |p: &Frame, q: &Frame| match (p.finding(), q.finding()) {
        (Some(x), Some(y)) => {
            x != y && lex.is_kind(x, y) && lex.finding(y).is_some_and(|f| f.site.is_some())
        }
        _ => false,
    };
    let part = |f: &Frame| {
        let axes = ["lobe", "part", "quadrant", "half", "chamber"];
        let mut nodes = f.nodes.iter().filter_map(|n| lex.node(*n));
        clock::told(f) || nodes.any(|n| axes.contains(&n.axis.as_str()))
    };
    let points = |p: &Frame, q: &Frame| {
        i32::from(!p.sizes_mm.is_empty()) * 2
            + i32::from(grades_count && (p.severity.is_some() || p.grade.is_some())) * 2
            + i32::from(narrower(p, q))
            + i32::from(!p.site_inferred && part(p) && !part(q)) * 2
    };
    let (x, y) = (points(a, b), points(b, a));
    if spots::relate(&a.spots, &b.spots) == Counted::Overlap {
        return verdict(Class::MoreDetail, "extent", places(lex, a, b));
    }
    if weight(a).max(weight(b)) >= 2 && (reaches_on(lex, a, b) || reaches_on(lex, b, a)) {
        return verdict(Class::MoreDetail, "extent", places(lex, a, b));
    }
    if (x - y).abs() >= 2 {
        let who = if y > x {
            "the second report adds detail"
        } else {
            "the original report has more detail"
        };
        return verdict(Class::MoreDetail, "detail", who);
    }
    verdict(Class::Agree, "same", "both reports say so")
}

/// Whether `more` names everything `less` does and a further part of the same organ: "ATFL and CFL".
fn reaches_on(lex: &Lexicon, less: &Frame, more: &Frame) -> bool {
    let own = |f: &Frame| -> Vec<usize> {
        let organ = |n: &usize| {
            lex.node(*n)
                .is_some_and(|n| n.axis == "organ" && !n.generic && !n.organ)
        };
        f.nodes.iter().copied().filter(organ).collect()
    };
    let (x, y) = (own(less), own(more));
    let apart = |n: &usize| !x.iter().any(|m| lex.is_part(*n, *m) || lex.is_part(*m, *n));
    let siblings = |n: &usize| x.iter().any(|m| site::same_organ(lex, *n, *m));
    less.levels.is_empty()
        && !less.site_inferred
        && !more.site_inferred
        && !x.is_empty()
        && x.iter().all(|n| y.contains(n))
        && y.iter().any(|n| apart(n) && siblings(n))
}
