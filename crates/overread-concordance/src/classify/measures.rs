//! Here sizes, grades, numbers and change over time are told apart.

use super::{Both, Verdict, said, verdict};
use crate::align::Pair;
use crate::frame::Frame;
use crate::lexicon::{Finding, Lexicon};
use crate::marks::Unit;
use crate::spots::{self, Counted};
use crate::types::Class;
use crate::weighing::Trend;

/// The difference in size of a pair that differs in another way too.
pub(crate) fn sizes(both: &Both<'_>, pair: &Pair) -> Option<Verdict> {
    let (a, b) = (both.o.get(pair.original?)?, both.s.get(pair.second?)?);
    if !a.present() || !b.present() {
        return None;
    }
    let verdict = measured(both.lex, a, b);
    (verdict.class == Class::Size).then_some(verdict)
}

pub(super) fn measured(lex: &Lexicon, a: &Frame, b: &Frame) -> Verdict {
    let apart = &lex.differences.apart;
    if let (Some(x), Some(y)) = (a.size(), b.size())
        && apart.sizes(x, y)
    {
        return verdict(
            Class::Size,
            "size",
            format!("original {x} mm, second {y} mm"),
        );
    }
    if let (Some((x, u)), Some((y, v))) = (a.amount, b.amount)
        && u != Unit::Percent
    {
        let differs = match u {
            Unit::Days => apart.days(x, y),
            _ => apart.amounts(x, y),
        };
        if u == v && differs {
            return verdict(Class::Size, "amount", format!("original {x}, second {y}"));
        }
    }
    verdict(Class::Agree, "same-measure", "both reports say so")
}

/// Sizes less than a fifth apart on two sides of a size from which something else is done: 48 and 56 mm of an aorta.
pub(super) fn step(lex: &Lexicon, a: &Frame, b: &Frame) -> Option<Verdict> {
    let (x, y) = (a.size()?, b.size()?);
    let (small, big) = (x.min(y), x.max(y));
    let table = lex.weighing.steps_mm.iter();
    let steps = table.clone().find(|(id, _)| Some(*id) == a.finding())?;
    let crossed = steps.1.iter().any(|s| small < *s && *s <= big);
    (crossed && lex.differences.apart.millimetres(small, big)).then(|| {
        let what = format!("original {x} mm, second {y} mm");
        verdict(Class::Size, "size-large", what)
    })
}

pub(super) fn graded(lex: &Lexicon, a: &Frame, b: &Frame, fx: &Finding) -> Option<Verdict> {
    if let (Some(p), Some(q)) = (a.grade, b.grade) {
        if p != q {
            let far = p.abs_diff(q) >= 2;
            return Some(verdict(
                Class::Severity,
                if far { "grade-far" } else { "grade-number" },
                format!("original says grade {p}, second says grade {q}"),
            ));
        }
        return None;
    }
    if let (Some((p, Unit::Percent)), Some((q, Unit::Percent))) = (a.amount, b.amount) {
        let far = (p - q).abs() >= lex.differences.apart.percent_points;
        return far.then(|| {
            let what = said(&format!("{p} %"), &format!("{q} %"));
            verdict(Class::Severity, "grade-far", what)
        });
    }
    if let (Some(p), Some(q)) = (a.severity, b.severity) {
        let sized = a.size().is_some() && b.size().is_some();
        if (p.1 < q.0 || q.1 < p.0) && !sized && !fx.measure && !fx.id.contains("fracture") {
            let name = |s: (u8, u8)| match s {
                (_, 1) => "mild",
                (1, 2) => "mild to moderate",
                (2, 2) => "moderate",
                (2, 3) => "moderate to severe",
                _ => "severe",
            };
            let far = p.1 + 1 < q.0 || q.1 + 1 < p.0;
            return Some(verdict(
                Class::Severity,
                if far { "grade-far" } else { "grade" },
                format!("original says {}, second says {}", name(p), name(q)),
            ));
        }
    }
    None
}

/// "Stable nodule" against "enlarging nodule".
pub(super) fn changed(a: &Frame, b: &Frame) -> Option<Verdict> {
    let (x, y) = (a.trend?, b.trend?);
    // What is new has grown from nothing.
    let grown = |t: Trend| matches!(t, Trend::New | Trend::Larger);
    (x != y && !(grown(x) && grown(y)))
        .then(|| verdict(Class::Interpretation, "trend", said(x.name(), y.name())))
}

/// "One metastasis" against "five metastases".
pub(super) fn counted(lex: &Lexicon, a: &Frame, b: &Frame) -> Option<Verdict> {
    let in_words = |n: u8| match n {
        1 => "one".to_string(),
        _ => n.to_string(),
    };
    if spots::relate(&a.spots, &b.spots) == Counted::Overlap {
        let (x, y) = (a.spots.len(), b.spots.len());
        let twice = x.max(y) >= 2 * x.min(y);
        return twice.then(|| {
            verdict(
                Class::Severity,
                "count",
                said(&x.to_string(), &y.to_string()),
            )
        });
    }
    if let (Some(x), Some(y)) = (a.count, b.count)
        && x != y
        && x.max(y) < 2 * x.min(y)
    {
        let what = said(&in_words(x), &in_words(y));
        return Some(verdict(Class::Severity, "count-slight", what));
    }
    let [many, countless] = lex.weighing.crowd_over;
    let outnumbers = |f: &Frame, n: u8| match f.crowd {
        0 => None,
        1 => (n <= many).then_some("many"),
        _ => (n <= countless).then_some("more than can be counted"),
    };
    match (a.count, b.count) {
        (Some(x), None) if outnumbers(b, x).is_some() => {
            let what = said(&in_words(x), outnumbers(b, x).unwrap_or_default());
            return Some(verdict(Class::Severity, "count", what));
        }
        (None, Some(y)) if outnumbers(a, y).is_some() => {
            let what = said(outnumbers(a, y).unwrap_or_default(), &in_words(y));
            return Some(verdict(Class::Severity, "count", what));
        }
        _ => {}
    }
    let what = match (a.count, b.count) {
        (Some(x), Some(y)) if x != y => said(&in_words(x), &in_words(y)),
        (Some(1), None) if b.many => said("one", "more than one"),
        (None, Some(1)) if a.many => said("more than one", "one"),
        _ => return None,
    };
    Some(verdict(Class::Severity, "count", what))
}
