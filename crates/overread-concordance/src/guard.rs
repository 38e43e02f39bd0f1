//! Here is checked whether the two reports may be compared at all, and what was left out.

use overread_model::name::Sameness;

use crate::discern;
use crate::exam::{self, Exam};
use crate::frame::Frame;
use crate::identity::Identity;
use crate::language;
use crate::lexicon::{Lexicon, NodeId};
use crate::limits::{COVERAGE_MIN, REPORT_CHARS_MAX};
use crate::statement::Report;
use crate::text::Text;
use crate::types::{GuardProblem, NotCompared, ReportSide, Span, Subject};

mod sides;

/// Passages listed as not compared, at most.
const LISTED_MAX: usize = 200;

/// Lists what the heads of the reports and the case say of different people or days, which comes before anything else.
pub(crate) fn identities(
    lex: &Lexicon,
    subject: &Subject<'_>,
    original: &str,
    second: &str,
) -> Vec<GuardProblem> {
    let case = Identity::of_case(subject.patient_name, subject.birth_date, subject.exam_dates);
    let o = Identity::of_report(lex, original);
    let s = Identity::of_report(lex, second);
    let mut problems = Vec::new();
    // Names and days stay out of the message: it is kept and printed beside other people's papers.
    for (a, b, who) in [
        (&case, &o, "The original report and the case"),
        (&case, &s, "The second report and the case"),
        (&o, &s, "The two reports"),
    ] {
        let person = a.person(b);
        if person == Some(Sameness::Spelling) {
            let message = format!(
                "The patient's name is spelled differently, by one letter, in {}: check that both are of this patient.",
                who.replacen("The", "the", 1)
            );
            problems.push(problem("spelling", message));
        }
        let other = person == Some(Sameness::Other);
        let checks = [
            ("patient", other, "name different patients"),
            (
                "birth_date",
                a.other_birth(b),
                "give different dates of birth",
            ),
            (
                "exam_date",
                a.other_exam(b),
                "give different dates of the examination",
            ),
        ];
        for (kind, apart, what) in checks {
            if apart {
                let message = format!(
                    "{who} {what}: check first that both reports are of this patient and this examination."
                );
                problems.push(problem(kind, message));
            }
        }
    }
    problems.extend(numbers(&o, &s));
    problems
}

/// Compares the numbers of patient and examination; another facility has numbers of its own, and the name or the birth
/// date then tells that it is the same person.
fn numbers(o: &Identity, s: &Identity) -> Vec<GuardProblem> {
    let known = o.person(s) == Some(Sameness::Same) || o.same_birth(s);
    let pairs = [
        ("patient_number", "patient numbers", o.other_number(s)),
        (
            "accession_number",
            "accession numbers",
            o.other_accession(s),
        ),
    ];
    let apart = pairs.into_iter().filter(|(_, _, apart)| *apart);
    apart
        .map(|(kind, what, _)| {
            if known {
                problem(&format!("{kind}_elsewhere"), format!("The two reports give different {what}: they name the same person, so one may be the number of another facility."))
            } else {
                problem(kind, format!("The two reports give different {what}: check first that both reports are of this patient and this examination."))
            }
        })
        .collect()
}

/// The exam as each report tells it: the same region, each with its own side.
pub(crate) struct Exams {
    /// The case names the region, not only a report.
    named: bool,
    pub(crate) original: Exam,
    pub(crate) second: Exam,
}

/// Learns what the exam is and lists the doubts.
pub(crate) fn check(lex: &Lexicon, name: &str, o: &Text, s: &Text) -> (Exams, Vec<GuardProblem>) {
    let mut known = exam::of_name(lex, name);
    let (of_o, of_s) = (exam::of_report(lex, o), exam::of_report(lex, s));
    let mut problems = Vec::new();
    for (text, who) in [(o, "original"), (s, "second")] {
        if !text.tokens.iter().any(|t| t.is_word()) {
            problems.push(problem(
                "empty",
                format!("The {who} report has no words to compare."),
            ));
        }
        if !language::is_english(text, lex) {
            problems.push(problem("language", format!("The {who} report does not seem to be in English or Spanish. Other languages are not understood here: have it translated, or read it in full.")));
        }
    }
    let reports = [(&of_o, o), (&of_s, s)];
    problems.extend(sides::doubts(lex, &known, name, reports));
    problems.extend(sexes(lex, o, s));
    let stated = |e: &Exam| e.region.clone();
    for (e, who) in [(&of_o, "original"), (&of_s, "second")] {
        let related = e.region.iter().any(|r| {
            known
                .region
                .iter()
                .any(|k| lex.is_part(*r, *k) || lex.is_part(*k, *r) || same_name(lex, *r, *k))
        });
        if !e.region.is_empty() && !known.region.is_empty() && !related && !e.modalities.is_empty()
        {
            problems.push(problem("body_part", other_part(who)));
        }
        let shared = e.modalities.iter().any(|m| known.modalities.contains(m));
        if !shared && !e.modalities.is_empty() && !known.modalities.is_empty() {
            problems.push(problem(
                "modality",
                format!(
                    "The {who} report seems to be about another kind of examination: check it."
                ),
            ));
        }
    }
    known.infant = exam::infant(lex, name, [o, s]);
    let is_named = !known.region.is_empty();
    if known.region.is_empty() {
        known.region = if of_o.region.is_empty() {
            stated(&of_s)
        } else {
            stated(&of_o)
        };
        known.fetal |= of_o.fetal || of_s.fetal;
    }
    let [original, second] = sides::of_reports(lex, &known, reports).map(|side| Exam {
        side,
        ..known.clone()
    });
    let exams = Exams {
        named: is_named,
        original,
        second,
    };
    (exams, problems)
}

/// Compares the sex of the patient as the organs of each report tell it.
fn sexes(lex: &Lexicon, o: &Text, s: &Text) -> Option<GuardProblem> {
    let sex = |text: &Text| lex.differences.sex(&text.tokens);
    let (a, b) = (sex(o)?, sex(s)?);
    (a != b).then(|| problem("sex", "One report names organs of a woman, the other organs of a man: check first that both reports are of this patient.".to_string()))
}

fn problem(kind: &str, message: String) -> GuardProblem {
    GuardProblem {
        kind: kind.to_string(),
        message,
    }
}

/// Statements with a place of their own from which a report without a title tells which part of the body it is about.
const PLACES_THAT_TELL: usize = 2;

/// A trauma CT of the cervical spine is dictated as one of the neck, and the other way round.
fn same_name(lex: &Lexicon, a: NodeId, b: NodeId) -> bool {
    let pair = [lex.node_named("neck"), lex.node_named("cervical_spine")];
    pair.contains(&Some(a)) && pair.contains(&Some(b))
}

/// Tells of a report none of whose places belongs to the part of the body that was examined, while the other report is
/// about it: whatever its title says.
pub(crate) fn elsewhere(lex: &Lexicon, exams: &Exams, o: &Report, s: &Report) -> Vec<GuardProblem> {
    let region = &exams.original.region;
    let near = |n: &NodeId| {
        region
            .iter()
            .any(|k| lex.is_part(*n, *k) || lex.is_part(*k, *n))
    };
    let in_spine = lex.node_named("spine").is_some_and(|spine| near(&spine));
    let own_place = |f: &&Frame| {
        let named = |n: &NodeId| lex.node(*n).is_some_and(|n| !n.generic);
        !f.levels.is_empty() || f.placed && f.nodes.iter().any(named)
    };
    let fits = |f: &&Frame| f.nodes.iter().any(near) || !f.levels.is_empty() && in_spine;
    let places = [o, s].map(|report| {
        let placed = report.frames.iter().filter(own_place);
        (placed.clone().count(), placed.filter(fits).count())
    });
    let told = |other: usize, own: usize, who: &str| {
        let ((all, fitting), (_, known)) = (places.get(own)?, places.get(other)?);
        let is_elsewhere = *all >= PLACES_THAT_TELL && *fitting == 0 && *known > 0;
        is_elsewhere.then(|| problem("body_part", other_part(who)))
    };
    if !exams.named {
        return Vec::new();
    }
    [told(1, 0, "original"), told(0, 1, "second")]
        .into_iter()
        .flatten()
        .collect()
}

fn other_part(who: &str) -> String {
    format!("The {who} report seems to be about another body part than the examination: check it.")
}

/// Adds what the reports say about their own limits.
pub(crate) fn limits_of_reading(
    o: &Report,
    s: &Report,
    mut problems: Vec<GuardProblem>,
) -> Vec<GuardProblem> {
    for (r, who) in [(o, "original"), (s, "second")] {
        if let Some(&(start, end)) = r.limited.first() {
            let words = r.text.slice(start, end.min(start + 160));
            problems.push(problem("limited", format!("The {who} report says that something could not be judged well: \u{201c}{words}\u{201d}")));
        }
        if r.marks.len() >= discern::MARKS_MAX {
            problems.push(problem("length", format!("The {who} report is too long to be compared to its end: compare the rest by eye.")));
        }
    }
    problems
}

/// Doubts after which nothing may be called the same.
const STOPPING: [&str; 12] = [
    "patient",
    "birth_date",
    "exam_date",
    "patient_number",
    "accession_number",
    "sex",
    "empty",
    "body_part",
    "modality",
    "side",
    "language",
    "length",
];

/// What is told when both reports were understood and no row came of them.
pub(crate) const NOTHING_SET_AGAINST: &str =
    "No statement of one report could be set against one of the other. Read both reports.";

/// Says why the reports cannot be compared; empty when they can.
pub(crate) fn obstacles(
    problems: &[GuardProblem],
    o: &Report,
    s: &Report,
    coverage: f64,
) -> Vec<String> {
    let mut out: Vec<String> = problems
        .iter()
        .filter(|p| STOPPING.contains(&p.kind.as_str()))
        .map(|p| p.message.clone())
        .collect();
    for (report, who) in [(o, "original"), (s, "second")] {
        if report.frames.is_empty() {
            out.push(format!(
                "Nothing in the {who} report was understood, so nothing was compared with it. Read both reports."
            ));
        }
    }
    if coverage < COVERAGE_MIN && !o.frames.is_empty() && !s.frames.is_empty() {
        let percent = (coverage * 100.0).floor();
        out.push(format!(
            "Too much of the reports was not understood to compare them (understood: {percent} %)."
        ));
    }
    out
}

/// Lists the passages that were not compared.
pub(crate) fn not_compared(
    o: &Report,
    s: &Report,
    original: &str,
    second: &str,
) -> Vec<NotCompared> {
    let mut out = Vec::new();
    for (r, report, whole) in [
        (o, ReportSide::Original, original),
        (s, ReportSide::Second, second),
    ] {
        let all = r.text.chars.len();
        let nothing = r.frames.is_empty() && r.unread.is_empty() && all > 0;
        // A report of which nothing was understood is listed whole, however short it is.
        let whole_text = nothing.then_some((0, all));
        for &(start, end) in r.unread.iter().chain(&whole_text).take(LISTED_MAX) {
            let span = Span {
                start,
                end,
                text: r.text.slice(start, end),
            };
            out.push(NotCompared {
                report,
                span,
                reason: "No finding was recognised in this sentence.".to_string(),
            });
        }
        let length = r.text.chars.len();
        if length >= REPORT_CHARS_MAX && whole.chars().nth(length).is_some() {
            let span = Span {
                start: length,
                end: length,
                text: String::new(),
            };
            out.push(NotCompared {
                report,
                span,
                reason: "The report is longer than can be read; the rest was left out.".to_string(),
            });
        }
    }
    out
}

/// Returns the share of finding-bearing sentences that were understood.
pub(crate) fn coverage(r: &Report) -> f64 {
    if r.bearing == 0 {
        return 0.0;
    }
    let missed = r.unread.len().min(r.bearing);
    (r.bearing - missed) as f64 / r.bearing as f64
}
