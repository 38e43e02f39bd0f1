//! Here a class, a stage, a density or a state that the reports give differently becomes a row with both quotes.

use super::{Mark, Said, organ, rival, tells_of};
use crate::lexicon::{Lexicon, NodeId};
use crate::limits::SPANS_MAX;
use crate::statement::Report;
use crate::types::{Class, Importance, Item, ItemKind, Polarity, Span};

/// How much a difference weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// Something else may be done.
    Step,
    /// Another class, density or letter on the same side of every step.
    Near,
}

/// Makes a row of each kind of mark of which the reports have nothing in common, unless a row tells it already.
pub(crate) fn rows(lex: &Lexicon, o: &Report, s: &Report, told: &[Item]) -> Vec<Item> {
    let (of_o, of_s) = (placed(lex, o), placed(lex, s));
    let mut done: Vec<&Said> = Vec::new();
    let mut out = Vec::new();
    for lead in &of_o {
        if done.iter().any(|d| one_kind(d, &lead.said)) {
            continue;
        }
        done.push(&lead.said);
        let kind = |list: &'_ [Mark]| -> Vec<Mark> {
            let alike = |m: &&Mark| one_kind(&m.said, &lead.said);
            list.iter().filter(alike).cloned().collect()
        };
        let (a, b) = (kind(&of_o), kind(&of_s));
        let same = |x: &Mark| b.iter().any(|y| rival(lex, &x.said, &y.said) == Some(true));
        if b.is_empty() || a.iter().any(same) {
            continue;
        }
        let step = a
            .iter()
            .any(|x| b.iter().any(|y| steps(lex, &x.said, &y.said)));
        let weight = if step { Weight::Step } else { Weight::Near };
        let row = row(lex, (o, &a), (s, &b), weight);
        if !told.iter().any(|t| tells(t, &row)) {
            out.extend(row);
        }
    }
    out
}

/// The marks that make rows; a density or stage told in a sentence of its own is of what the report tells of.
fn placed(lex: &Lexicon, report: &Report) -> Vec<Mark> {
    let known = organ(lex, &report.frames);
    let mut marks: Vec<Mark> = report.marks.iter().filter(|m| m.sets).cloned().collect();
    for mark in &mut marks {
        if let Said::Hounsfield(_, place) = &mut mark.said {
            *place = place.or(known);
        }
    }
    let classifications = &lex.discerning.classifications;
    marks.retain(|m| match m.said {
        Said::Hounsfield(_, place) => place.is_some(),
        Said::Graded(id, _) => {
            let of = classifications.get(id).and_then(|c| c.of);
            of.is_none_or(|of| tells_of(lex, &report.frames, of))
        }
        _ => true,
    });
    marks
}

fn one_kind(a: &Said, b: &Said) -> bool {
    match (a, b) {
        (Said::Graded(x, _), Said::Graded(y, _)) | (Said::State(x, _), Said::State(y, _)) => x == y,
        (Said::Stage(x), Said::Stage(y)) => x.letter == y.letter,
        (Said::Hounsfield(_, x), Said::Hounsfield(_, y)) => x == y,
        _ => false,
    }
}

/// Whether two densities differ by more than measurement.
pub(super) fn densities_apart(lex: &Lexicon, organ: Option<NodeId>, a: f64, b: f64) -> bool {
    let data = &lex.discerning.densities;
    let apart = (a - b).abs();
    apart >= data.apart || apart >= data.apart_at_step && crosses(lex, organ, a, b)
}

fn crosses(lex: &Lexicon, organ: Option<NodeId>, a: f64, b: f64) -> bool {
    let (small, big) = (a.min(b), a.max(b));
    let table = lex.discerning.densities.steps.iter();
    let mut of = table.filter(|(place, _)| Some(*place) == organ);
    // "Up to 10 HU": the step belongs to what lies below it.
    of.any(|(_, steps)| steps.iter().any(|s| small <= *s && *s < big))
}

/// Whether something else may be done for the one than for the other.
fn steps(lex: &Lexicon, a: &Said, b: &Said) -> bool {
    match (a, b) {
        (Said::Graded(id, x), Said::Graded(_, y)) => {
            let (small, big) = (x.number.min(y.number), x.number.max(y.number));
            let known = lex.discerning.classifications.get(*id);
            known.is_some_and(|c| c.steps.iter().any(|s| small < *s && *s <= big))
        }
        (Said::Stage(x), Said::Stage(y)) => x.figure != y.figure,
        (Said::Hounsfield(x, organ), Said::Hounsfield(y, _)) => crosses(lex, *organ, *x, *y),
        _ => matches!(a, Said::State(..)),
    }
}

fn row(
    lex: &Lexicon,
    (o, a): (&Report, &[Mark]),
    (s, b): (&Report, &[Mark]),
    weight: Weight,
) -> Option<Item> {
    let said = &a.first()?.said;
    let name = match said {
        Said::Graded(id, _) => lex.discerning.classifications.get(*id)?.name.clone()?,
        Said::Stage(stage) if stage.letter == 't' => "tumor_stage".to_string(),
        Said::Stage(stage) if stage.letter == 'n' => "node_stage".to_string(),
        Said::Stage(_) => "metastasis_stage".to_string(),
        Said::State(id, _) => lex.discerning.states.get(*id)?.name.clone(),
        _ => "density".to_string(),
    };
    let (class, rule, importance) = judged(said, weight);
    let words = |report: &Report, list: &[Mark]| -> String {
        let each = list.iter().take(SPANS_MAX);
        let told: Vec<String> = each.map(|m| report.text.slice(m.start, m.end)).collect();
        told.join(", ")
    };
    let place = match said {
        Said::Hounsfield(_, place) => place.and_then(|p| lex.node(p)),
        _ => None,
    };
    let mut title = lex.weighing.words_of(&name);
    title.get_mut(..1)?.make_ascii_uppercase();
    Some(Item {
        denied_on: None,
        n: 0,
        kind: match said {
            Said::State(..) => ItemKind::Finding,
            Said::Hounsfield(..) => ItemKind::Measurement,
            _ => ItemKind::Category,
        },
        class,
        critical: class.is_critical(),
        sentence: format!(
            "{title}: original says \u{201c}{}\u{201d}, second says \u{201c}{}\u{201d}.",
            words(o, a),
            words(s, b)
        ),
        finding: name,
        site: place.map(|p| lex.weighing.words_of(&p.id)),
        side: None,
        polarity: Polarity::Present,
        original: Some(spans(o, a)),
        second: Some(spans(s, b)),
        rule_id: rule.to_string(),
        importance,
        variation: false,
        variation_note: None,
        needs_reader_check: false,
    })
}

/// The class of a difference, its rule and its importance.
fn judged(said: &Said, weight: Weight) -> (Class, &'static str, Importance) {
    let (detected, read) = (
        Importance::ImportantDetection,
        Importance::ImportantInterpretation,
    );
    let little = Importance::UnimportantInterpretation;
    match (said, weight) {
        (Said::State(_, true), _) => (Class::Contradicted, "denied-by-second", detected),
        (Said::State(..), _) => (Class::Contradicted, "denied-by-original", detected),
        (_, Weight::Step) => (Class::Interpretation, "class-step", read),
        (Said::Hounsfield(..), Weight::Near) => (Class::Size, "class-near", little),
        (_, Weight::Near) => (Class::Severity, "class-near", little),
    }
}

fn spans(report: &Report, marks: &[Mark]) -> Vec<Span> {
    let each = marks.iter().take(SPANS_MAX).map(|m| m.quote);
    each.map(|(start, end)| Span {
        start,
        end,
        text: report.text.slice(start, end),
    })
    .collect()
}

/// Whether a row tells of the same words on both sides already, and weighs as much.
fn tells(told: &Item, row: &Option<Item>) -> bool {
    let Some(row) = row else { return true };
    let meets = |a: &Option<Vec<Span>>, b: &Option<Vec<Span>>| {
        let (a, b) = (a.iter().flatten(), b.iter().flatten());
        a.into_iter()
            .any(|x| b.clone().any(|y| x.start < y.end && y.start < x.end))
    };
    let graded = matches!(
        told.class,
        Class::Interpretation | Class::Severity | Class::Contradicted
    );
    graded
        && (told.critical || !row.critical)
        && meets(&told.original, &row.original)
        && meets(&told.second, &row.second)
}
