//! Here two aligned statements get their class, the rule that decided, and one plain sentence.

use crate::advice;
use crate::align::{Pair, Pass};
use crate::clock;
use crate::frame::{Frame, What};
use crate::lexicon::{Finding, FindingId, Lexicon};
use crate::marks::{Unit, level_name};
use crate::site::{self, Relation};
use crate::spots::{self, Counted};
use crate::types::Class;
use crate::weighing::Trend;

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
                    && stated
                        .finding()
                        .is_some_and(|id| both.lex.weighing.emergencies.contains(&id));
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
        Pass::Strict | Pass::OtherKind => strict(both, pair, a, b),
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

/// The difference in size of a pair that differs in another way too.
pub(crate) fn sizes(both: &Both<'_>, pair: &Pair) -> Option<Verdict> {
    let (a, b) = (both.o.get(pair.original?)?, both.s.get(pair.second?)?);
    if !a.present() || !b.present() {
        return None;
    }
    let verdict = measured(both.lex, a, b);
    (verdict.class == Class::Size).then_some(verdict)
}

fn measured(lex: &Lexicon, a: &Frame, b: &Frame) -> Verdict {
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

fn strict(both: &Both<'_>, pair: &Pair, a: &Frame, b: &Frame) -> Verdict {
    if let (What::Category(_), What::Category(_)) = (&a.what, &b.what) {
        return category(a, b);
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
        .or_else(|| counted(a, b));
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

/// Sizes less than a fifth apart on two sides of a size from which something else is done: 48 and 56 mm of an aorta.
fn step(lex: &Lexicon, a: &Frame, b: &Frame) -> Option<Verdict> {
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

fn category(a: &Frame, b: &Frame) -> Verdict {
    if crate::marks::same_category(&a.value, &b.value) {
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
    let differs = low <= 3 && high >= 4 || low == 4 && high == 5 && x.is_some() && y.is_some();
    differs.then(|| {
        verdict(
            Class::Certainty,
            "certainty",
            "one report is firm, the other is not",
        )
    })
}

/// Diagnoses tied to a lesion, the firmest first.
pub(crate) fn diagnoses<'a>(
    lex: &Lexicon,
    frames: &'a [Frame],
    at: usize,
) -> Vec<(usize, &'a Frame)> {
    let own = |f: &Frame| {
        f.finding()
            .and_then(|id| lex.finding(id))
            .is_some_and(|x| x.dx)
    };
    let mut out: Vec<(usize, &Frame)> = frames
        .iter()
        .enumerate()
        .filter(|(i, f)| {
            own(f) && !f.denied && (*i == at || f.owner == Some(at) && f.owner_same_sentence)
        })
        .collect();
    out.sort_by_key(|(i, f)| (std::cmp::Reverse(f.certainty), *i));
    out
}

fn diagnosis(both: &Both<'_>, pair: &Pair) -> Option<Verdict> {
    let lex = both.lex;
    let x = diagnoses(lex, both.o, pair.original?);
    let y = diagnoses(lex, both.s, pair.second?);
    let refused = |stated: &[(usize, &Frame)], other: &[Frame], at: usize| {
        stated
            .iter()
            .any(|(_, f)| other.iter().any(|g| refuses(lex, g, f, other.get(at), at)))
    };
    if refused(&x, both.s, pair.second?) || refused(&y, both.o, pair.original?) {
        return Some(verdict(
            Class::Interpretation,
            "diagnosis-denied",
            "one report names a diagnosis that the other denies",
        ));
    }
    let (Some((_, dx)), Some((_, dy))) = (x.first(), y.first()) else {
        return None;
    };
    let same = x
        .iter()
        .filter(|(_, f)| f.certainty == dx.certainty || f.certainty >= 4)
        .any(|(_, f)| {
            y.iter()
                .filter(|(_, g)| g.certainty == dy.certainty || g.certainty >= 4)
                .any(|(_, g)| kin(lex, f, g))
        });
    if same {
        return None;
    }
    let name = |f: &Frame| {
        f.finding()
            .and_then(|id| lex.finding(id))
            .map(|f| both.lex.weighing.words_of(&f.id))
            .unwrap_or_default()
    };
    Some(verdict(
        Class::Interpretation,
        "diagnosis",
        format!("original says {}, second says {}", name(dx), name(dy)),
    ))
}

/// "Bosniak III, not a simple cyst": the lesion is there, the diagnosis is denied.
fn refuses(
    lex: &Lexicon,
    denied: &Frame,
    stated: &Frame,
    lesion: Option<&Frame>,
    at: usize,
) -> bool {
    let diagnosis = denied
        .finding()
        .and_then(|id| lex.finding(id))
        .is_some_and(|x| x.dx && x.id != "malignancy");
    let tied = denied.owner == Some(at) || lesion.is_some_and(|l| l.sentence == denied.sentence);
    denied.denied && diagnosis && tied && denied.finding() == stated.finding()
}

fn kin(lex: &Lexicon, a: &Frame, b: &Frame) -> bool {
    match (a.finding(), b.finding()) {
        (Some(x), Some(y)) => x == y || lex.is_kind(x, y) || lex.is_kind(y, x),
        _ => false,
    }
}

fn kind(lex: &Lexicon, a: &Frame, b: &Frame, fx: &Finding, fy: &Finding) -> Option<Verdict> {
    let focal = lex.finding_named("focal_lesion");
    let is_focal = |f: &Frame| {
        f.finding()
            .zip(focal)
            .is_some_and(|(x, l)| lex.is_kind(x, l))
    };
    let one_lesion = is_focal(a) && is_focal(b) && !(fx.dx && fy.dx);
    if !kin(lex, a, b) && !one_lesion {
        let what = said(
            &lex.weighing.words_of(&fx.id),
            &lex.weighing.words_of(&fy.id),
        );
        let ranked = fx.rank > 0 && fy.rank > 0;
        return Some(if ranked {
            verdict(Class::Severity, "rank", what)
        } else {
            verdict(Class::Interpretation, "kind", what)
        });
    }
    if let Some(verdict) = types(lex, a, b, fx) {
        return Some(verdict);
    }
    let among = |list: &[FindingId]| a.finding().is_some_and(|id| list.contains(&id));
    if let (Some(p), Some(q)) = (a.acute, b.acute)
        && p != q
        && among(&lex.differences.aging)
    {
        return Some(verdict(
            Class::Interpretation,
            "age",
            "one report calls it acute, the other old",
        ));
    }
    if let (Some(p), Some(q)) = (a.grade, b.grade)
        && p != q
        && among(&lex.differences.typed)
    {
        return Some(verdict(
            Class::Interpretation,
            "type-number",
            said(&format!("type {p}"), &format!("type {q}")),
        ));
    }
    None
}

/// "Partial tear" against "complete tear", "not displaced" against "displaced".
fn types(lex: &Lexicon, a: &Frame, b: &Frame, finding: &Finding) -> Option<Verdict> {
    lex.differences.types.iter().find_map(|rule| {
        let (p, q) = (a.type_of(&rule.key)?, b.type_of(&rule.key)?);
        if p == q || !finding.id.contains(&rule.only) {
            return None;
        }
        Some(match rule.key.as_str() {
            "displaced" if p == "yes" => {
                verdict(rule.class, "displaced", said("displaced", "not displaced"))
            }
            "displaced" => verdict(rule.class, "displaced", said("not displaced", "displaced")),
            "malignancy" => verdict(rule.class, "benign-suspicious", said(p, q)),
            _ => verdict(rule.class, "type", said(p, q)),
        })
    })
}

fn said(a: &str, b: &str) -> String {
    format!("original says {a}, second says {b}")
}

fn graded(lex: &Lexicon, a: &Frame, b: &Frame, fx: &Finding) -> Option<Verdict> {
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
fn changed(a: &Frame, b: &Frame) -> Option<Verdict> {
    let (x, y) = (a.trend?, b.trend?);
    // What is new has grown from nothing.
    let grown = |t: Trend| matches!(t, Trend::New | Trend::Larger);
    (x != y && !(grown(x) && grown(y)))
        .then(|| verdict(Class::Interpretation, "trend", said(x.name(), y.name())))
}

/// "One metastasis" against "five metastases".
fn counted(a: &Frame, b: &Frame) -> Option<Verdict> {
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
    let what = match (a.count, b.count) {
        (Some(x), Some(y)) if x != y => said(&in_words(x), &in_words(y)),
        (Some(1), None) if b.many => said("one", "more than one"),
        (None, Some(1)) if a.many => said("more than one", "one"),
        _ => return None,
    };
    Some(verdict(Class::Severity, "count", what))
}

fn detail(both: &Both<'_>, a: &Frame, b: &Frame) -> Verdict {
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

/// Whether the place or side was taken from around on one side only.
pub(crate) fn unsure(lex: &Lexicon, a: &Frame, b: &Frame) -> bool {
    let site = a.site_inferred != b.site_inferred && site::relate(lex, a, b) != Relation::Same;
    let side = a.side_inferred != b.side_inferred && a.side == b.side && a.side.is_some();
    site || side
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
