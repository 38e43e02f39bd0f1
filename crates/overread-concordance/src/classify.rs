//! Here two aligned statements get their class, the rule that decided, and one plain sentence.

use crate::advice;
use crate::align::{Pair, Pass};
use crate::frame::{Frame, What};
use crate::lexicon::Lexicon;
use crate::marks::level_name;
use crate::site::{self, Relation};
use crate::types::Class;

mod detail;
mod diagnosis;
mod measures;

use detail::detail;
use diagnosis::{diagnoses, diagnosis, graver, kind};
pub(crate) use measures::sizes;
use measures::{changed, counted, graded, measured, step};

/// What was decided for a pair.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) class: Class,
    pub(crate) rule: &'static str,
    pub(crate) what_differs: String,
}

/// Both reports' frames, for rules that need the neighbours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Both<'a> {
    pub(crate) lex: &'a Lexicon,
    pub(crate) o: &'a [Frame],
    pub(crate) s: &'a [Frame],
}

pub(crate) fn verdict(
    class: Class,
    rule: &'static str,
    what_differs: impl Into<String>,
) -> Verdict {
    Verdict {
        class,
        rule,
        what_differs: what_differs.into(),
    }
}

/// Decides the class of a pair.
pub(crate) fn classify(both: &Both<'_>, pair: &Pair) -> Verdict {
    let a = pair.original.and_then(|i| both.o.get(i));
    let b = pair.second.and_then(|j| both.s.get(j));
    match (a, b) {
        (Some(a), Some(b)) => paired(both, pair, a, b),
        (Some(_), None) => verdict(
            Class::OnlyOriginal,
            "only-original",
            "only the original report says it",
        ),
        _ => verdict(
            Class::OnlySecond,
            "only-second",
            "only the second report says it",
        ),
    }
}

fn paired(both: &Both<'_>, pair: &Pair, a: &Frame, b: &Frame) -> Verdict {
    match pair.pass {
        Pass::Denial => {
            let stated = if a.present() { a } else { b };
            if stated.certainty <= 3 {
                let urgent = stated.certainty == 3
                    && stated.finding().is_some_and(|id| both.lex.is_emergency(id));
                return verdict(
                    Class::Certainty,
                    if urgent {
                        "certainty-emergency"
                    } else {
                        "certainty-denied"
                    },
                    "one report does not exclude it, the other denies it",
                );
            }
            verdict(
                Class::Contradicted,
                if a.present() {
                    "denied-by-second"
                } else {
                    "denied-by-original"
                },
                "one report states it, the other denies it",
            )
        }
        Pass::OtherSide => verdict(Class::Laterality, "other-side", sides(a, b)),
        Pass::OtherSideAndKind => verdict(
            Class::Laterality,
            "other-side-and-kind",
            sides_and_kinds(both.lex, a, b),
        ),
        Pass::OtherPlace | Pass::OtherPlaceAlone => {
            verdict(Class::Location, "other-place", places(both.lex, a, b))
        }
        Pass::Calm => calm(both.lex, a, b),
        Pass::Worded => verdict(
            Class::Agree,
            "same-words",
            "both reports say it in nearly the same words",
        ),
        Pass::Strict | Pass::OtherKind | Pass::Alike => strict(both, pair, a, b),
    }
}

fn sides(a: &Frame, b: &Frame) -> String {
    let name = |f: &Frame| f.side.map_or("no side", crate::frame::Side::name);
    format!("original says {}, second says {}", name(a), name(b))
}

/// "original says right disc protrusion, second says left disc extrusion".
fn sides_and_kinds(lex: &Lexicon, a: &Frame, b: &Frame) -> String {
    let name = |f: &Frame| {
        let side = f.side.map_or("no side", crate::frame::Side::name);
        format!("{side} {}", lex.weighing.words_of(&f.name(lex)))
    };
    said(&name(a), &name(b))
}

fn places(lex: &Lexicon, a: &Frame, b: &Frame) -> String {
    let name = |f: &Frame| f.site_name(lex).unwrap_or_else(|| "no place".into());
    format!("original says {}, second says {}", name(a), name(b))
}

fn calm(lex: &Lexicon, a: &Frame, b: &Frame) -> Verdict {
    if matches!((&a.what, &b.what), (What::Measured, What::Measured)) {
        return measured(lex, a, b);
    }
    verdict(Class::Agree, "both-normal", "both reports say so")
}

fn strict(both: &Both<'_>, pair: &Pair, a: &Frame, b: &Frame) -> Verdict {
    if let (What::Category(x), What::Category(_)) = (&a.what, &b.what) {
        return category(both.lex, x, a, b);
    }
    if let (What::Advice, What::Advice) = (&a.what, &b.what) {
        return advice::compare(both.lex, a, b);
    }
    let known = |f: &Frame| f.finding().and_then(|id| both.lex.finding(id));
    let (Some(fx), Some(fy)) = (known(a), known(b)) else {
        return measured(both.lex, a, b);
    };
    if a.misplaced != b.misplaced {
        let who = if a.misplaced {
            "only the original report says that it lies in the wrong place"
        } else {
            "only the second report says that it lies in the wrong place"
        };
        return verdict(Class::Location, "device-misplaced", who);
    }
    let decided = diagnosis(both, pair)
        .or_else(|| kind(both.lex, a, b, fx, fy))
        .or_else(|| changed(a, b))
        .or_else(|| graded(both.lex, a, b, fx))
        .or_else(|| graver(both.lex, a, b))
        .or_else(|| counted(both.lex, a, b));
    if let Some(v) = decided {
        return v;
    }
    if fx.measure || fy.measure {
        return measured(both.lex, a, b);
    }
    let size = measured(both.lex, a, b);
    if size.class != Class::Agree {
        return size;
    }
    if let Some(step) = step(both.lex, a, b) {
        return step;
    }
    certainty(both, pair, a, b).unwrap_or_else(|| detail(both, a, b))
}

fn category(lex: &Lexicon, scheme: &str, a: &Frame, b: &Frame) -> Verdict {
    if crate::marks::same_category(&lex.differences.scores, scheme, &a.value, &b.value) {
        return verdict(
            Class::Agree,
            "same-category",
            "both reports give the same category",
        );
    }
    let what = format!(
        "original {}, second {}",
        a.value.to_uppercase(),
        b.value.to_uppercase()
    );
    verdict(Class::Interpretation, "category", what)
}

/// A lesion is as certain as the diagnosis given for it.
fn certainty(both: &Both<'_>, pair: &Pair, a: &Frame, b: &Frame) -> Option<Verdict> {
    let named = |frames: &[Frame], at: Option<usize>| {
        at.and_then(|i| {
            diagnoses(both.lex, frames, i)
                .first()
                .map(|(_, d)| d.certainty)
        })
    };
    let (x, y) = (named(both.o, pair.original), named(both.s, pair.second));
    let (p, q) = (x.unwrap_or(a.certainty), y.unwrap_or(b.certainty));
    let (low, high) = (p.min(q), p.max(q));
    if low <= 2 && high >= 4 {
        return Some(verdict(
            Class::Certainty,
            "certainty-opposed",
            "one report calls it likely or sure, the other unlikely",
        ));
    }
    let differs = low <= 3 && high >= 4 || low == 4 && high == 5 && x.is_some() && y.is_some();
    differs.then(|| {
        verdict(
            Class::Certainty,
            "certainty",
            "one report is firm, the other is not",
        )
    })
}

fn said(a: &str, b: &str) -> String {
    format!("original says {a}, second says {b}")
}

/// Whether the place or side was taken from around on one side only, or the two names are not the same.
pub(crate) fn unsure(lex: &Lexicon, a: &Frame, b: &Frame) -> bool {
    let site = a.site_inferred != b.site_inferred && site::relate(lex, a, b) != Relation::Same;
    let side = a.side_inferred != b.side_inferred && a.side == b.side && a.side.is_some();
    let named = match (a.finding(), b.finding()) {
        (Some(x), Some(y)) => x != y && lex.differences.alike(x, y),
        _ => false,
    };
    site || side || named
}

/// Names where both statements stand.
pub(crate) fn common_site(
    lex: &Lexicon,
    a: Option<&Frame>,
    b: Option<&Frame>,
    class: Class,
) -> Option<String> {
    let name = |f: Option<&Frame>| f.and_then(|f| f.site_name(lex));
    let (p, q) = (name(a), name(b));
    if class == Class::Location
        && let (Some(p), Some(q)) = (&p, &q)
    {
        return Some(format!("{p} / {q}"));
    }
    if class == Class::Contradicted {
        let stated = [a, b].into_iter().flatten().find(|f| f.present());
        if let Some(name) = stated.and_then(|f| f.site_name(lex)) {
            return Some(name);
        }
    }
    let level = [a, b]
        .into_iter()
        .flatten()
        .find(|f| !f.levels.is_empty() && f.finding().is_some());
    if let Some(f) = level {
        return f
            .site_name(lex)
            .or_else(|| f.levels.first().map(|l| level_name(*l)));
    }
    p.or(q)
}
