//! Here the rows add up to a proposal: confirms, refines or changes management.

use crate::discern;
use crate::lexicon::Lexicon;
use crate::statement::Report;
use crate::text::{Kind, Token};
use crate::types::{Class, Importance, Item, ItemKind, Overall, Polarity};

/// Rows named in the reasons, at most.
const REASONS_MAX: usize = 6;
/// Characters quoted of a passage that was not understood, at most.
const QUOTE_CHARS_MAX: usize = 160;

/// Proposes the category and says why; what stood in the way of comparing rules out any.
pub(crate) fn decide(
    lex: &Lexicon,
    items: &[Item],
    o: &Report,
    s: &Report,
    obstacles: Vec<String>,
) -> (Option<Overall>, Vec<String>) {
    if !obstacles.is_empty() {
        return (None, obstacles);
    }
    let rows: Vec<&Item> = items
        .iter()
        .filter(|i| i.kind != ItemKind::Recommendation || counts(i))
        .collect();
    let agrees = s.agrees && !s.disagrees;
    let mut changing = rows.iter().filter(|i| changes(i, agrees)).peekable();
    if changing.peek().is_some() {
        let listed = changing.take(REASONS_MAX).map(|i| i.sentence.clone());
        return (Some(Overall::ChangesManagement), listed.collect());
    }
    let apart = discern::apart(lex, o, s, agrees);
    if apart.urgent {
        let mut listed = apart.reasons;
        listed.truncate(REASONS_MAX);
        return (Some(Overall::ChangesManagement), listed);
    }
    let points: u32 = rows.iter().map(|i| weight(i)).sum();
    let needed = if agrees { 6 } else { 2 };
    if points >= needed {
        let mut listed: Vec<String> = rows
            .iter()
            .filter(|i| weight(i) > 0)
            .map(|i| i.sentence.clone())
            .collect();
        listed.truncate(REASONS_MAX);
        return (Some(Overall::Refines), listed);
    }
    let mut open = told_by_one(o, s);
    open.extend(apart.reasons);
    open.truncate(REASONS_MAX);
    if !open.is_empty() {
        return (Some(Overall::Refines), open);
    }
    (Some(Overall::Confirms), calm(items))
}

/// Passages that tell of a finding, were not understood, and stand in one report only.
fn told_by_one(o: &Report, s: &Report) -> Vec<String> {
    let mut out = Vec::new();
    for (own, other, who) in [(o, s, "original"), (s, o, "second")] {
        let alone = own.telling.iter().filter(|p| !says_too(own, other, **p));
        out.extend(alone.map(|&(start, end)| {
            let words = own.text.slice(start, end.min(start + QUOTE_CHARS_MAX));
            format!("Only the {who} report says \u{201c}{words}\u{201d}, which was not understood: read it before calling the reports alike.")
        }));
    }
    out.truncate(REASONS_MAX);
    out
}

/// Whether the other report has most words of a passage in one of its own that was not understood either.
fn says_too(own: &Report, other: &Report, passage: (usize, usize)) -> bool {
    let words = |report: &Report, (start, end): (usize, usize)| -> Vec<String> {
        let inside = |t: &&Token| t.start >= start && t.end <= end;
        let long = |t: &&Token| t.is_word() && t.norm.len() > 3 || t.kind == Kind::Number;
        let tokens = report.text.tokens.iter().filter(inside).filter(long);
        tokens.map(|t| t.norm.clone()).collect()
    };
    let told = words(own, passage);
    other.unread.iter().chain(&other.telling).any(|p| {
        let again = words(other, *p);
        told.iter().filter(|w| again.contains(w)).count() * 4 >= told.len() * 3
    })
}

/// Why nothing is proposed to change. Advice that differs and does not count is named all the same.
fn calm(items: &[Item]) -> Vec<String> {
    let named: Vec<String> = items
        .iter()
        .filter(|item| is_other_advice(item))
        .take(REASONS_MAX)
        .map(|i| i.sentence.clone())
        .collect();
    let what = if named.is_empty() {
        "No difference was found between the statements that were compared."
    } else {
        "Apart from the advice below, no difference was found between the statements that were compared."
    };
    std::iter::once(what.to_string()).chain(named).collect()
}

/// Whether the reports advise different things here, however little it weighs.
pub(crate) const fn is_other_advice(item: &Item) -> bool {
    matches!(item.kind, ItemKind::Recommendation)
        && !matches!(item.class, Class::Agree | Class::MoreDetail)
}

/// Advice that both reports give and that differs; what one alone advises only when it is critical.
fn counts(advice: &Item) -> bool {
    let both = advice.original.is_some() && advice.second.is_some();
    advice.critical || both && advice.rule_id != "advice-minor"
}

fn changes(item: &Item, agrees: bool) -> bool {
    let important = matches!(
        item.importance,
        Importance::ImportantDetection | Importance::ImportantInterpretation
    );
    match item.class {
        c if c.is_critical() => item.critical && (important || !agrees),
        _ => item.critical,
    }
}

fn weight(item: &Item) -> u32 {
    let important = matches!(
        item.importance,
        Importance::ImportantDetection | Importance::ImportantInterpretation
    );
    match item.class {
        Class::Agree => 0,
        // A further bone or ligament is more than a word more.
        Class::MoreDetail if item.rule_id == "extent" => 2,
        Class::MoreDetail => 1,
        Class::OnlyOriginal | Class::OnlySecond if item.polarity == Polarity::Absent => 0,
        Class::OnlyOriginal => 2 * u32::from(important) + u32::from(!item.variation),
        Class::OnlySecond => 2 + 2 * u32::from(important) + u32::from(!item.variation),
        _ => 6,
    }
}
