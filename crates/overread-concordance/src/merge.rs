//! Here one report's repetitions become one statement, and its own contradictions are noticed.

use crate::frame::{Frame, What};
use crate::lexicon::Lexicon;
use crate::limits::SPANS_MAX;
use crate::reading::Section;
use crate::site::{self, Relation};
use crate::statement::Report;
use crate::text::Text;
use crate::types::{InternalContradiction, ReportSide, Span};

/// How far back a repetition is looked for, in statements.
const LOOK_BACK: usize = 400;

/// Joins repetitions; owners are renumbered.
pub(crate) fn merge(lex: &Lexicon, report: &mut Report) {
    let frames = std::mem::take(&mut report.frames);
    let mut kept: Vec<Frame> = Vec::new();
    let mut place: Vec<usize> = Vec::new();
    for frame in frames {
        let twin = (0..kept.len())
            .rev()
            .take(LOOK_BACK)
            .filter(|k| kept.get(*k).is_some_and(|k| repeats(lex, k, &frame)))
            .min_by_key(|k| {
                let exact = kept.get(*k).is_some_and(|k| {
                    k.what == frame.what
                        && site::relate(lex, k, &frame) == Relation::Same
                        && k.side == frame.side
                });
                (!exact, *k)
            });
        match twin {
            Some(at) => {
                place.push(at);
                if let Some(first) = kept.get_mut(at) {
                    absorb(lex, first, frame);
                }
            }
            None => {
                place.push(kept.len());
                kept.push(frame);
            }
        }
    }
    for (at, frame) in kept.iter_mut().enumerate() {
        frame.owner = frame
            .owner
            .and_then(|o| place.get(o).copied())
            .filter(|o| *o != at);
    }
    drop_summaries(lex, &mut kept);
    report.frames = kept;
}

fn repeats(lex: &Lexicon, first: &Frame, again: &Frame) -> bool {
    // The cheap questions first: most pairs are about different things.
    if first.denied != again.denied || !alike(lex, first, again) {
        return false;
    }
    if first.sentence == again.sentence && first.spans == again.spans && first.nodes != again.nodes
    {
        return false;
    }
    if first.amount.is_some() && again.amount.is_some() && first.amount != again.amount {
        return false;
    }
    let relation = site::relate(lex, first, again);
    let apart = matches!(relation, Relation::Unrelated | Relation::OtherPlace);
    if apart || !site::sides_meet(first.side, again.side) {
        return false;
    }
    let late = again.section == Section::Impression;
    match (&first.what, &again.what) {
        (What::Finding(a), What::Finding(b)) => {
            restated(lex, first, again, *a, *b)
                || repeated(lex, first, again, relation == Relation::Same)
        }
        (What::Category(_), What::Category(_)) => {
            first.value == again.value && (first.side == again.side || late)
        }
        _ => relation == Relation::Same && first.side == again.side && first.attr == again.attr,
    }
}

/// Whether two statements are about the same kind of thing at all.
fn alike(lex: &Lexicon, first: &Frame, again: &Frame) -> bool {
    match (&first.what, &again.what) {
        (What::Finding(a), What::Finding(b)) => {
            let diagnosis = |id: usize| lex.finding(id).is_some_and(|f| f.dx);
            // A diagnosis is tied to its lesion, not melted into it.
            let named = a != b && diagnosis(*b) && !diagnosis(*a);
            !named
                && (a == b
                    || lex.root(*a) == lex.root(*b)
                    || lex.is_kind(*a, *b)
                    || lex.is_kind(*b, *a))
        }
        (What::Category(a), What::Category(b)) => a == b,
        (What::Normal, What::Normal) => first.nodes == again.nodes,
        _ => false,
    }
}

/// The same finding told again, later or in the impression.
fn repeated(lex: &Lexicon, first: &Frame, again: &Frame, same_place: bool) -> bool {
    let (Some(a), Some(b)) = (first.finding(), again.finding()) else {
        return false;
    };
    let late = again.section == Section::Impression;
    let sizes = match (first.size(), again.size()) {
        (Some(x), Some(y)) => !lex.differences.apart.sizes(x, y),
        _ => true,
    };
    let placed = same_place
        || late
        || again.site_inferred
        || (again.levels.is_empty() && again.nodes == first.nodes);
    let sided = first.side == again.side || late || again.side.is_none();
    let graded = late || !grades_part(first, again);
    let exact = a == b && first.side == again.side && same_place;
    let apart = late || first.denied || first.sentence != again.sentence || exact;
    let kin = a == b || lex.is_kind(a, b) || lex.is_kind(b, a);
    kin && sizes && placed && sided && graded && apart
}

/// "Opacity in the lower lobe, in keeping with consolidation"; "contacts and displaces the S1 root".
fn restated(lex: &Lexicon, first: &Frame, again: &Frame, a: usize, b: usize) -> bool {
    let diagnosis = |id: usize| lex.finding(id).is_some_and(|f| f.dx);
    let ranked = |id: usize| lex.finding(id).is_some_and(|f| f.rank > 0);
    let near = again.sentence.saturating_sub(first.sentence) <= 1;
    let sizes = match (first.size(), again.size()) {
        (Some(x), Some(y)) => !lex.differences.apart.sizes(x, y),
        _ => true,
    };
    let kin = (a == b || lex.is_kind(a, b)) && !diagnosis(a) && !diagnosis(b);
    let roots = ranked(a) && ranked(b) && lex.root(a) == lex.root(b);
    let levelled =
        first.levels.is_empty() || again.levels.is_empty() || first.levels == again.levels;
    let sided = site::sides_meet(first.side, again.side)
        && (first.side == again.side || again.side.is_none() || first.side.is_none());
    let loose = !again.placed || !first.placed;
    !first.denied
        && near
        && sizes
        && levelled
        && sided
        && (roots && first.sentence == again.sentence
            || kin && loose && again.levels == first.levels)
}

fn grades_part(a: &Frame, b: &Frame) -> bool {
    match (a.severity, b.severity) {
        (Some(x), Some(y)) => x.1 < y.0 || y.1 < x.0,
        _ => false,
    }
}

fn absorb(lex: &Lexicon, first: &mut Frame, again: Frame) {
    if let (Some(a), Some(b)) = (first.finding(), again.finding()) {
        let rank = |id: usize| lex.finding(id).map_or(0, |f| f.rank);
        if a != b && (lex.is_kind(b, a) || rank(b) > rank(a) && rank(a) > 0) {
            first.what = What::Finding(b);
        }
    }
    learn_side(first, &again);
    for span in again.spans {
        if first.spans.len() < SPANS_MAX && !first.spans.contains(&span) {
            first.spans.push(span);
        }
    }
    for node in again.nodes {
        let generic = lex.node(node).is_some_and(|n| n.generic);
        if !first.nodes.contains(&node) && !generic && !again.site_inferred && first.nodes.len() < 4
        {
            first.nodes.push(node);
        }
    }
    if first.levels.is_empty() {
        first.levels = again.levels;
    }
    first.placed |= again.placed;
    first.explains |= again.explains;
    if first.sizes_mm.is_empty() {
        first.sizes_mm = again.sizes_mm;
    }
    first.severity = match (first.severity, again.severity) {
        // "Moderate" above and "moderate to severe" in the summary: the wider of the two.
        (Some(a), Some(b)) if a.0 <= b.1 && b.0 <= a.1 => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    };
    first.grade = first.grade.or(again.grade);
    first.acute = first.acute.or(again.acute);
    first.count = first.count.or(again.count);
    first.trend = first.trend.or(again.trend);
    first.worrying |= again.worrying;
    first.misplaced |= again.misplaced;
    if first.spots.is_empty() {
        first.spots = again.spots;
    }
    first.certainty = first.certainty.max(again.certainty);
    first.descriptor &= again.descriptor;
    for (key, value) in again.types {
        if first.type_of(&key).is_none() {
            first.types.push((key, value));
        }
    }
}

/// A side is inferred only while no repetition tells it: "left focus, consistent with infarct. Left infarct."
fn learn_side(first: &mut Frame, again: &Frame) {
    if first.side.is_none() {
        first.side_inferred = again.side_inferred;
        first.side = again.side;
    } else if first.side == again.side {
        first.side_inferred &= again.side_inferred;
    }
}

/// "Multilevel degenerative change" says nothing new beside the changes themselves.
fn drop_summaries(lex: &Lexicon, frames: &mut [Frame]) {
    let detailed = frames.iter().any(|f| {
        f.present()
            && f.finding().and_then(|id| lex.finding(id)).is_some_and(|x| {
                !x.summary
                    && matches!(
                        x.var.as_str(),
                        "degeneration" | "facet" | "disc" | "stenosis" | "foramen"
                    )
            })
    });
    for frame in frames.iter_mut() {
        let summary = frame
            .finding()
            .and_then(|id| lex.finding(id))
            .is_some_and(|x| x.summary);
        if summary && detailed {
            frame.descriptor = true;
        }
    }
}

/// Finds passages of one report that do not fit together.
pub(crate) fn contradictions(
    lex: &Lexicon,
    report: &Report,
    side: ReportSide,
) -> Vec<InternalContradiction> {
    let mut out = Vec::new();
    let summed = |f: &Frame| f.section == Section::Impression;
    let frames = report.frames.iter().enumerate();
    for (i, a) in frames.filter(|(_, f)| f.present() && summed(f) && !f.side_inferred) {
        let before = report.frames.iter().take(i);
        let mut told = before.filter(|b| {
            let opposite = matches!((a.side, b.side), (Some(x), Some(y)) if x.opposite(y));
            let same = a.finding() == b.finding() && b.present() && !summed(b);
            same && opposite && !b.side_inferred && one_lesion(lex, a, b)
        });
        let twin = |c: &Frame| {
            let same = c.present() && c.finding() == a.finding() && c.side == a.side;
            same && !summed(c) && !std::ptr::eq(c, a)
        };
        if let Some(first) = told.next()
            && !report.frames.iter().any(twin)
        {
            for b in std::iter::once(first).chain(told) {
                out.extend(contradiction(lex, &report.text, side, b, a, "side"));
            }
        }
        if out.len() >= 50 {
            break;
        }
    }
    out
}

/// Whether two statements of one finding have one place, and no two sizes.
fn one_lesion(lex: &Lexicon, a: &Frame, b: &Frame) -> bool {
    let apart = match (a.size(), b.size()) {
        (Some(x), Some(y)) => lex.differences.apart.sizes(x, y),
        _ => false,
    };
    !apart && site::relate(lex, a, b) == Relation::Same
}

fn contradiction(
    lex: &Lexicon,
    text: &Text,
    report: ReportSide,
    first: &Frame,
    second: &Frame,
    what: &str,
) -> Option<InternalContradiction> {
    let span = |f: &Frame| {
        f.spans.first().map(|&(start, end)| Span {
            start,
            end,
            text: text.slice(start, end),
        })
    };
    let name = first.name(lex);
    let words = |f: &Frame| f.side.map_or("no side", crate::frame::Side::name);
    let sentence = format!(
        "The body says {}, the impression says {}: {}.",
        words(first),
        words(second),
        lex.weighing.words_of(&name)
    );
    Some(InternalContradiction {
        report,
        finding: name,
        what: what.to_string(),
        first: span(first)?,
        second: span(second)?,
        sentence,
    })
}
