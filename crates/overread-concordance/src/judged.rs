//! Here the reviewer's judgement of single rows is laid over what the rules found.

use crate::plain;
use crate::types::{Class, Concordance};

/// The rule named where the reviewer decided.
const BY_REVIEWER: &str = "reviewer";

impl Concordance {
    /// Returns the comparison as the reviewer judged it, row by position from 0: what every page and paper shows.
    ///
    /// A row called the same is no alarm, one called another side is. The alarm of a row whose class stays as it was
    /// stays too: the rules may raise it for more than its class. A row that is no row is passed over.
    #[must_use]
    pub fn as_judged(mut self, judged: &[(usize, Class)]) -> Self {
        for (at, item) in self.items.iter_mut().enumerate() {
            let Some((_, class)) = judged.iter().find(|(row, _)| *row == at) else {
                continue;
            };
            item.variation = false;
            if item.class != *class {
                item.class = *class;
                item.critical = class.is_critical();
                // What the rules decided and wrote speaks of their own class.
                item.rule_id = BY_REVIEWER.to_string();
                item.sentence = plain::difference(item);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::plain::{Reader, view};
    use crate::{Class, Concordance, compare};

    const EXAM: &str = "MRI lumbar spine";

    fn spoken(found: &Concordance) -> String {
        let told = view(found, Reader::Patient);
        [told.counts.join(" "), told.differences.join(" ")].join(" ")
    }

    #[test]
    fn the_patient_reads_what_the_reviewer_judged() {
        let text = "L4-L5 disc bulge.";
        let found = compare(EXAM, text, text);
        assert!(spoken(&found).contains("say the same about one"));
        let judged = found.clone().as_judged(&[(0, Class::Laterality)]);
        assert!(judged.items[0].critical);
        let words = spoken(&judged);
        assert!(words.contains("different sides"), "{words}");
        assert!(!words.contains("say the same about"), "{words}");
        assert!(judged.items[0].sentence.contains("different sides"));
        // Which of the two denies it, the reviewer did not say.
        let words = spoken(&found.as_judged(&[(0, Class::Contradicted), (9, Class::Size)]));
        assert!(words.contains("One report describes"), "{words}");
    }

    #[test]
    fn advice_is_told_as_the_reviewer_judged_it() {
        let calm = "L4-L5: disc bulge.";
        let more = format!("{calm} Urgent decompression today.");
        let found = compare(EXAM, calm, &more);
        let at = found
            .items
            .iter()
            .position(|i| i.rule_id == "only-second-urgent");
        let at = at.unwrap();
        assert!(
            spoken(&found).contains("Only the second report says that something must be done soon")
        );
        let told = |class| spoken(&found.clone().as_judged(&[(at, class)]));
        for (class, words) in [
            (Class::OnlyOriginal, "Only the first report"),
            (Class::Contradicted, "the other advises against it"),
            (Class::Interpretation, "advise different next steps"),
        ] {
            let judged = found.clone().as_judged(&[(at, class)]);
            let row = &judged.items[at];
            assert!(row.sentence.contains(words), "{class:?} {}", row.sentence);
            assert!(!row.sentence.contains("Only the second"), "{class:?}");
            let asked = view(&judged, Reader::Patient).questions.join(" ");
            assert!(!asked.contains("today"), "{class:?} {asked}");
            assert!(!told(class).contains("must be done soon"), "{class:?}");
        }
        assert!(told(Class::Contradicted).contains("the other advises against it"));
        assert!(!told(Class::Agree).contains("must be done"));
        // The same class keeps what the rules know of it.
        assert!(told(Class::OnlySecond).contains("must be done soon"));
    }

    #[test]
    fn a_note_on_an_alarm_does_not_silence_it() {
        let first = "The heart is of normal size.";
        let second = "The heart is of normal size. Acute pulmonary embolism.";
        let found = compare("CT chest", first, second);
        let at = found
            .items
            .iter()
            .position(|i| i.class == Class::OnlySecond);
        let at = at.unwrap();
        assert!(found.items[at].critical);
        let noted = found.clone().as_judged(&[(at, Class::OnlySecond)]);
        assert!(noted.items[at].critical);
        assert_eq!(noted.items[at].sentence, found.items[at].sentence);
        let same = found.as_judged(&[(at, Class::Agree)]);
        assert!(!same.items[at].critical);
        assert!(same.items[at].sentence.starts_with("Both reports"));
    }
}
