//! Here the rows add up to a proposal: confirms, refines or changes management.

use crate::statement::Report;
use crate::types::{Class, Importance, Item, ItemKind, Overall, Polarity};

/// Rows named in the reasons, at most.
const REASONS_MAX: usize = 6;

/// Proposes the category and says why; what stood in the way of comparing comes first and rules out `Confirms`.
pub(crate) fn decide(items: &[Item], s: &Report, obstacles: Vec<String>) -> (Overall, Vec<String>) {
    let rows: Vec<&Item> = items
        .iter()
        .filter(|i| i.kind != ItemKind::Recommendation)
        .collect();
    let agrees = s.agrees && !s.disagrees;
    let mut changing = rows.iter().filter(|i| changes(i, agrees)).peekable();
    if changing.peek().is_some() {
        let listed = changing.take(REASONS_MAX).map(|i| i.sentence.clone());
        return (
            Overall::ChangesManagement,
            obstacles.into_iter().chain(listed).collect(),
        );
    }
    if !obstacles.is_empty() {
        return (Overall::Refines, obstacles);
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
        return (Overall::Refines, listed);
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
        c if c.is_critical() => item.critical && (important || !agrees),
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
