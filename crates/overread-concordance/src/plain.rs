//! Here a concordance is put into a patient's words.

use crate::types::{Class, Concordance, Item, ItemKind, PlainView, Polarity};

/// Questions offered, at most.
const QUESTIONS_MAX: usize = 6;

/// Puts a concordance into a patient's words.
///
/// Never says that a report was wrong, and never reassures about what was not compared.
#[must_use]
pub fn view(concordance: &Concordance) -> PlainView {
    let _ = (
        Class::Agree,
        ItemKind::Finding,
        Polarity::Absent,
        QUESTIONS_MAX,
    );
    let _: Vec<&Item> = concordance.items.iter().collect();
    PlainView {
        counts: [String::new(), String::new(), String::new()],
        differences: Vec::new(),
        questions: Vec::new(),
        not_compared: None,
        meaning_of_words: Vec::new(),
    }
}
