//! Why instances of a store request were refused, in words: in Warning headers for its sender, in the log for the operator.

use std::collections::BTreeMap;

use axum::http::HeaderMap;

use crate::caller::Caller;
use crate::limits::{REFUSAL_RANGES, REFUSAL_WARNINGS};
use crate::warning::warn;

/// What was refused, by failure reason and words. The words hold no patient data.
#[derive(Default)]
pub(super) struct Refused<'a>(BTreeMap<(u16, &'a str), Items>);

/// Where they stand in the two sequences of the answer, counted from 1.
#[derive(Default)]
struct Items {
    failed: Vec<usize>,
    others: Vec<usize>,
}

impl Items {
    const fn count(&self) -> usize {
        self.failed.len() + self.others.len()
    }

    fn places(&self) -> String {
        let sequences = [
            ("Failed SOP Sequence", &self.failed),
            ("Other Failures Sequence", &self.others),
        ];
        let named = sequences.into_iter().filter(|(_, items)| !items.is_empty());
        let places = named.map(|(name, items)| format!("{name}, item {}", listed(items)));
        places.collect::<Vec<_>>().join("; ")
    }
}

/// Lists numbers that ascend, those in a row as one range.
fn listed(numbers: &[usize]) -> String {
    let rows = numbers.chunk_by(|one, next| one + 1 == *next);
    let mut texts: Vec<String> = rows
        .take(REFUSAL_RANGES + 1)
        .filter_map(|row| match (row.first()?, row.last()?) {
            (first, last) if first == last => Some(first.to_string()),
            (first, last) => Some(format!("{first}-{last}")),
        })
        .collect();
    if texts.len() > REFUSAL_RANGES {
        texts.truncate(REFUSAL_RANGES);
        texts.push("further ones".to_owned());
    }
    texts.join(" ")
}

impl<'a> Refused<'a> {
    /// Adds one of the Failed SOP Sequence, by its number there.
    pub(super) fn add_failed(&mut self, why: (u16, &'a str), number: usize) {
        self.0.entry(why).or_default().failed.push(number);
    }

    /// Adds one of the Other Failures Sequence, by its number there.
    pub(super) fn add_other(&mut self, why: (u16, &'a str), number: usize) {
        self.0.entry(why).or_default().others.push(number);
    }

    /// Says it to the sender.
    // PS3.18 table I.1-1 has a code for each and no place for words, and an Error Comment (0000,0902) stands in command sets
    // alone (PS3.5 7.1); 10.5.3.1 leaves the Warning header. Which words are of which item its number says.
    pub(super) fn warn(&self, headers: &mut HeaderMap) {
        for ((reason, words), items) in self.0.iter().take(REFUSAL_WARNINGS) {
            let (count, places) = (items.count(), items.places());
            let were = if count == 1 { "was" } else { "were" };
            let text = format!(
                "{count} of the instances {were} refused with reason {reason:04X}H: {words} ({places})"
            );
            warn(headers, &text);
        }
    }

    /// Says it to the operator, without the UIDs, which lead to a patient.
    pub(super) fn log(&self, caller: &Caller) {
        for ((reason, words), items) in self.0.iter().take(REFUSAL_WARNINGS) {
            tracing::warn!(
                sender = caller.actor.kind(),
                refused = items.count(),
                status = reason,
                reason = words,
                "instances of a store request were refused"
            );
        }
        let rest = self.0.values().skip(REFUSAL_WARNINGS);
        let rest: usize = rest.map(Items::count).sum();
        if rest > 0 {
            tracing::warn!(
                sender = caller.actor.kind(),
                refused = rest,
                reasons = self.0.len() - REFUSAL_WARNINGS,
                "further instances of the store request were refused, for other reasons"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::listed;
    use crate::limits::REFUSAL_RANGES;

    #[test]
    fn items_are_listed_in_few_words() {
        assert_eq!(listed(&[1]), "1");
        assert_eq!(listed(&[1, 2, 3, 5, 7, 8]), "1-3 5 7-8");
        let odd: Vec<usize> = (0..REFUSAL_RANGES).map(|number| 2 * number + 1).collect();
        assert!(listed(&odd).ends_with("39"));
        let more: Vec<usize> = (0..100).map(|number| 2 * number + 1).collect();
        assert!(listed(&more).ends_with("39 further ones"));
    }
}
