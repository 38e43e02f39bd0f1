//! Here the sides of the exam, of both titles and of both bodies are held against each other.

use super::problem;
use crate::exam::{self, Exam};
use crate::frame::Side;
use crate::lexicon::Lexicon;
use crate::text::Text;
use crate::types::GuardProblem;

/// What the title of a report names, with its text: the original report, then the second.
type Titled<'a> = [(&'a Exam, &'a Text); 2];

const WHO: [&str; 2] = ["original", "second"];

/// Lists where the case and the reports name different sides.
pub(super) fn doubts(
    lex: &Lexicon,
    known: &Exam,
    name: &str,
    reports: Titled<'_>,
) -> Vec<GuardProblem> {
    let mut problems = Vec::new();
    let [(of_o, o), (of_s, s)] = reports;
    if (exam::paired(lex, &known.region) || known.region.is_empty())
        && let (Some(a), Some(b)) = (of_o.side, of_s.side)
        && a.opposite(b)
    {
        problems.push(problem("side", format!("The original report is titled {}, the second {}: check that both are about the same body part.", a.name(), b.name())));
    }
    for ((titled, text), who) in reports.into_iter().zip(WHO) {
        let how = match titled.side {
            Some(_) => "is titled",
            None => "speaks only of the",
        };
        let told = exam::side_told(lex, titled.side, text, &known.region);
        if let (Some(a), Ok(Some(b))) = (known.side, told)
            && a.opposite(b)
        {
            problems.push(problem("side", format!("The examination is of the {}, the {who} report {how} {}: check that both are about the same body part.", a.name(), b.name())));
        }
    }
    problems.extend(organ_sides(lex, name, o, s));
    problems
}

/// Returns the side of what each report tells without one. The side of the case, else of the other title, stands in only
/// where a report names none: no words of a report change their side because another paper names another one.
pub(super) fn of_reports(lex: &Lexicon, known: &Exam, reports: Titled<'_>) -> [Option<Side>; 2] {
    let [(of_o, _), (of_s, _)] = reports;
    let paired = exam::paired(lex, &known.region);
    let side = |titled: &Exam, text: &Text, other: &Exam| {
        let told = exam::side_told(lex, titled.side, text, &known.region).ok();
        let own = told.filter(|_| paired)?;
        own.or(known.side).or(other.side)
    };
    let [(_, o), (_, s)] = reports;
    [side(of_o, o, of_s), side(of_s, s, of_o)]
}

/// Compares the side of a breast, a kidney, an eye in the titles, which no region of the body tells.
fn organ_sides(lex: &Lexicon, name: &str, o: &Text, s: &Text) -> Vec<GuardProblem> {
    let mut problems = Vec::new();
    let titles = [
        (
            exam::organ_side(lex, &exam::name_tokens(lex, name)),
            "examination is",
        ),
        (
            exam::organ_side(lex, exam::title(lex, o)),
            "original report is titled",
        ),
        (
            exam::organ_side(lex, exam::title(lex, s)),
            "second report is titled",
        ),
    ];
    for (k, (first, who)) in titles.iter().enumerate() {
        for (other, whose) in titles.iter().skip(k + 1) {
            if let (Some((organ, a)), Some((same, b))) = (first, other)
                && organ == same
                && a.opposite(*b)
            {
                problems.push(problem("side", format!("The {who} {}, the {whose} {}: check that both are about the same body part.", a.name(), b.name())));
            }
        }
    }
    problems
}
