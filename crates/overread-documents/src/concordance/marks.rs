//! Cuts a report's text where marks begin and end.

use serde::Serialize;

use super::Place;
use crate::{cleaning, limits};

/// How strongly a passage is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Weight {
    /// A common difference between readers.
    Folded,
    /// A difference.
    Plain,
    /// A difference that may change what is done.
    Critical,
}

/// A marked passage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) place: Place,
    pub(super) number: u32,
    pub(super) weight: Weight,
}

/// Words of one paragraph that carry the same marks. Its `Debug` shows the marks, never the words.
#[derive(PartialEq, Eq, Serialize)]
pub(super) struct Run {
    pub(super) text: String,
    /// The strongest mark over these words.
    pub(super) weight: Option<Weight>,
    /// Numbers of the rows whose passage ends here.
    pub(super) ends: Vec<u32>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Run")
            .field("weight", &self.weight)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// One paragraph of a report.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Paragraph {
    pub(super) runs: Vec<Run>,
    /// Whether an empty line stood before it.
    pub(super) gap: bool,
}

/// Returns the words at a place, on one line; `None` when the place is outside the text or empty.
pub(super) fn quote(text: &str, place: Place) -> Option<String> {
    let length = place.end.checked_sub(place.start)?;
    let words: String = text.chars().skip(place.start).take(length).collect();
    let words = cleaning::cut(&cleaning::line(&words), limits::LINE_CHARS);
    (!words.is_empty()).then_some(words)
}

/// Returns the text as paragraphs of runs. Passages may overlap and may cross lines; those outside the text are left
/// out.
pub(super) fn paragraphs(text: &str, spans: &[Span]) -> Vec<Paragraph> {
    let characters: Vec<char> = text.chars().take(limits::SECTION_CHARS).collect();
    let spans: Vec<Span> = spans
        .iter()
        .copied()
        .filter(|span| span.place.start < span.place.end && span.place.end <= characters.len())
        .collect();
    let mut cuts: Vec<usize> = vec![0, characters.len()];
    cuts.extend(
        spans
            .iter()
            .flat_map(|span| [span.place.start, span.place.end]),
    );
    for (index, character) in characters.iter().enumerate() {
        if *character == '\n' || *character == '\r' {
            cuts.extend([index, index + 1]);
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    let mut lines: Vec<Vec<Run>> = vec![Vec::new()];
    for pair in cuts.windows(2) {
        let [start, end] = pair else { continue };
        let words: String = characters
            .get(*start..*end)
            .unwrap_or_default()
            .iter()
            .collect();
        if words == "\n" || words == "\r" {
            if words == "\n" || characters.get(*end) != Some(&'\n') {
                lines.push(Vec::new());
            }
            continue;
        }
        let over = spans
            .iter()
            .filter(|span| span.place.start <= *start && *end <= span.place.end);
        let weight = over.map(|span| span.weight).max();
        let ending = spans.iter().filter(|span| span.place.end == *end);
        let mut ends: Vec<u32> = ending.map(|span| span.number).collect();
        ends.sort_unstable();
        ends.dedup();
        if let Some(paragraph) = lines.last_mut() {
            paragraph.push(Run {
                text: spaced(&words),
                weight,
                ends,
            });
        }
    }
    let mut out: Vec<Paragraph> = Vec::new();
    let mut gap = false;
    for runs in lines {
        if runs.iter().all(|run| run.text.trim().is_empty()) {
            gap = !out.is_empty();
        } else {
            out.push(Paragraph { runs, gap });
            gap = false;
        }
    }
    out
}

/// Cleans words but keeps the spaces at their ends, since runs stand next to each other.
fn spaced(words: &str) -> String {
    let clean = cleaning::line(words);
    if clean.is_empty() {
        return if words.is_empty() {
            String::new()
        } else {
            " ".to_owned()
        };
    }
    let space = |at: Option<char>| {
        if at.is_some_and(char::is_whitespace) {
            " "
        } else {
            ""
        }
    };
    format!(
        "{}{clean}{}",
        space(words.chars().next()),
        space(words.chars().next_back())
    )
}

#[cfg(test)]
mod tests {
    use super::{Paragraph, Place, Run, Span, Weight, paragraphs, quote};

    fn span(start: usize, end: usize, number: u32, weight: Weight) -> Span {
        Span {
            place: Place { start, end },
            number,
            weight,
        }
    }

    fn shape(text: &str, spans: &[Span]) -> String {
        let run = |run: &Run| {
            let weight = match run.weight {
                None => "",
                Some(Weight::Folded) => "~",
                Some(Weight::Plain) => "*",
                Some(Weight::Critical) => "!",
            };
            let ends: Vec<String> = run.ends.iter().map(u32::to_string).collect();
            format!("{weight}{}{weight}{}", run.text, ends.join(","))
        };
        let lines = paragraphs(text, spans);
        let one = |line: &Paragraph| {
            let runs: String = line.runs.iter().map(run).collect();
            if line.gap { format!("\n{runs}") } else { runs }
        };
        let lines: Vec<String> = lines.iter().map(one).collect();
        lines.join("\n")
    }

    #[test]
    fn marks_stand_where_the_words_are() {
        assert_eq!(
            shape("a bb c", &[span(2, 4, 7, Weight::Critical)]),
            "a !bb!7 c"
        );
        assert_eq!(
            shape("ábc déf", &[span(4, 7, 1, Weight::Plain)]),
            "ábc *déf*1"
        );
    }

    #[test]
    fn passages_overlap_and_cross_lines() {
        let spans = [
            span(0, 5, 1, Weight::Plain),
            span(3, 8, 2, Weight::Critical),
        ];
        assert_eq!(shape("abc de\nfg", &spans), "*abc*! d!1!e!\n!f!2g");
        assert_eq!(shape("\n\nab\n\n\ncd\nef", &[]), "ab\n\ncd\nef");
    }

    #[test]
    fn passages_outside_are_left_out() {
        assert_eq!(
            shape(
                "abc",
                &[span(2, 9, 1, Weight::Plain), span(2, 2, 2, Weight::Plain)]
            ),
            "abc"
        );
        assert_eq!(quote("abc", Place { start: 2, end: 1 }), None);
        assert_eq!(
            quote("abc", Place { start: 1, end: 99 }).as_deref(),
            Some("bc")
        );
    }
}
