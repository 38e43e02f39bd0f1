//! Here the rows add up to a proposal: confirms, refines or changes management.

use crate::limits::COVERAGE_MIN;
use crate::statement::Report;
use crate::types::{Class, Importance, Item, ItemKind, Overall, Polarity};

/// Rows named in the reasons, at most.
const REASONS_MAX: usize = 6;

/// Proposes the category and says why.
pub(crate) fn decide(
    items: &[Item],
    o: &Report,
    s: &Report,
    coverage: f64,
) -> (Overall, Vec<String>) {
    let rows: Vec<&Item> = items
        .iter()
        .filter(|i| i.kind != ItemKind::Recommendation)
        .collect();
    let mut reasons = Vec::new();
    for item in rows.iter().filter(|i| changes(i, s.agrees && !s.disagrees)) {
        reasons.push(item.sentence.clone());
    }
    if !reasons.is_empty() {
        reasons.truncate(REASONS_MAX);
        return (Overall::ChangesManagement, reasons);
    }
    let points: u32 = rows.iter().map(|i| weight(i)).sum();
    let needed = if s.agrees && !s.disagrees { 6 } else { 2 };
    if points >= needed {
        let mut listed: Vec<String> = rows
            .iter()
            .filter(|i| weight(i) > 0)
            .map(|i| i.sentence.clone())
            .collect();
        listed.truncate(REASONS_MAX);
        return (Overall::Refines, listed);
    }
    if coverage < COVERAGE_MIN || o.frames.is_empty() || s.frames.is_empty() {
        let percent = (coverage * 100.0).round();
        return (
            Overall::Refines,
            vec![format!(
                "Too much of the reports was not understood to call this a confirmation (understood: {percent} %)."
            )],
        );
    }
    (
        Overall::Confirms,
        vec!["No difference was found between the statements that were compared.".to_string()],
    )
}

fn changes(item: &Item, agrees: bool) -> bool {
    let important = matches!(
        item.importance,
        Importance::ImportantDetection | Importance::ImportantInterpretation
    );
    match item.class {
        c if c.is_critical() => important || !agrees,
        Class::OnlySecond => {
            item.polarity == Polarity::Present && item.rule_id == "only-second-serious"
        }
        Class::Size => item.rule_id == "size-large",
        _ => false,
    }
}

fn weight(item: &Item) -> u32 {
    let important = matches!(
        item.importance,
        Importance::ImportantDetection | Importance::ImportantInterpretation
    );
    match item.class {
        Class::Agree => 0,
        Class::MoreDetail => 1,
        Class::OnlyOriginal | Class::OnlySecond if item.polarity == Polarity::Absent => 0,
        Class::OnlyOriginal => 2 * u32::from(important) + u32::from(!item.variation),
        Class::OnlySecond => 2 + 2 * u32::from(important) + u32::from(!item.variation),
        _ => 6,
    }
}
