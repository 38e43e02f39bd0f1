//! Here two report texts become aligned statements and discrepancies: pure, no model weights.

mod advice;
mod align;
mod amended;
mod answers;
mod classify;
mod clock;
mod differences;
mod discern;
mod exam;
mod frame;
mod guard;
mod hits;
mod identity;
mod importance;
mod items;
pub mod jsonl;
mod judged;
mod language;
mod lexicon;
mod limits;
mod marks;
mod mention;
mod merge;
mod overall;
pub mod plain;
mod reading;
mod scope;
mod site;
mod spanish;
mod spots;
mod statement;
mod tables;
mod text;
mod types;
mod weighing;
mod wording;

pub use scope::context_of;
pub use types::{
    Class, Concordance, Context, Experiencer, Guard, GuardProblem, Importance,
    InternalContradiction, Item, ItemKind, Negation, NotCompared, Overall, PlainView, Polarity,
    ReportSide, Span, Stance, Statement, Subject, Temporality,
};

/// Version of rules and lexicon; kept with every stored concordance.
pub const ENGINE: &str = concat!(
    "overread-concordance ",
    env!("CARGO_PKG_VERSION"),
    " rules 19"
);

/// Sets two reports of one exam side by side.
///
/// Total and deterministic: any text gives an answer, the same texts give the same answer.
#[must_use]
pub fn compare(exam: &str, original: &str, second: &str) -> Concordance {
    compare_case(
        &Subject {
            exam,
            ..Subject::default()
        },
        original,
        second,
    )
}

/// Sets two reports side by side that should be about this person and examination.
///
/// Total and deterministic: any text gives an answer, the same texts give the same answer.
#[must_use]
pub fn compare_case(subject: &Subject<'_>, original: &str, second: &str) -> Concordance {
    let lex = lexicon::lexicon();
    let (text_o, text_s) = (tables::read(lex, original), tables::read(lex, second));
    let mut problems = guard::identities(lex, subject, original, second);
    let (exams, more) = guard::check(lex, subject.exam, &text_o, &text_s);
    problems.extend(more);
    let mut o = statement::read(lex, &exams.original, text_o);
    let mut s = statement::read(lex, &exams.second, text_s);
    for doubt in guard::elsewhere(lex, &exams, &o, &s) {
        if !problems.contains(&doubt) {
            problems.push(doubt);
        }
    }
    merge::merge(lex, &mut o);
    merge::merge(lex, &mut s);
    let mut internal = merge::contradictions(lex, &o, ReportSide::Original);
    internal.extend(merge::contradictions(lex, &s, ReportSide::Second));
    amended::amend(lex, &mut o);
    amended::amend(lex, &mut s);
    align::tell_opposite_sides(lex, &o.frames, &mut s.frames);
    align::tell_opposite_sides(lex, &s.frames, &mut o.frames);
    let mut pairs = align::align(lex, &o.frames, &s.frames);
    discern::further_sites(lex, &mut o, &mut s, &mut pairs);
    wording::meet(lex, &mut o, &mut s, &mut pairs);
    let mut items = items::items(lex, &exams, &o, &s, &pairs);
    let not_compared = guard::not_compared(&o, &s, original, second);
    let coverage = guard::coverage(&o).min(guard::coverage(&s));
    let problems = guard::limits_of_reading(&o, &s, problems);
    let mut obstacles = guard::obstacles(&problems, &o, &s, coverage);
    if obstacles.is_empty() && items.is_empty() {
        obstacles.push(guard::NOTHING_SET_AGAINST.to_owned());
    }
    let comparable = obstacles.is_empty();
    if !comparable {
        items::withhold_calm(&mut items);
    }
    let (overall, reasons) = overall::decide(lex, &items, &o, &s, obstacles);
    Concordance {
        engine: ENGINE.to_string(),
        items,
        comparable,
        overall,
        reasons,
        coverage,
        not_compared,
        guard: Guard { problems },
        internal_contradictions: internal,
    }
}

/// Writes one of our identifiers, such as `acl_tear` or `rul`, in words a person reads.
#[must_use]
pub fn words_of(identifier: &str) -> String {
    lexicon::lexicon().weighing.words_of(identifier)
}

/// Whether a short label, such as the name of a series, names something that a reader finds: "follow-up carcinoma".
///
/// What is measured or was put into the body is no such thing, nor what every examination names, such as an abnormality.
/// A text too long to be a label is not searched to its end, and is taken to name one.
#[must_use]
pub fn names_finding(label: &str) -> bool {
    if label.chars().nth(limits::LABEL_CHARS_MAX).is_some() {
        return true;
    }
    let lex = lexicon::lexicon();
    let read = text::read(label, limits::LABEL_CHARS_MAX, &lex.spelling);
    let hits = lex.finding_terms.find(&read.tokens);
    hits.iter()
        .flat_map(|hit| &hit.ids)
        .filter_map(|id| lex.finding(*id))
        .any(|f| f.weight >= 1 && !f.device && !f.measure && !f.descriptor)
}

/// Reads the statements of one report.
#[must_use]
pub fn statements(text: &str) -> Vec<Statement> {
    let lex = lexicon::lexicon();
    let read = tables::read(lex, text);
    let known = exam::of_report(lex, &read);
    let report = statement::read(lex, &known, read);
    report
        .frames
        .iter()
        .filter_map(|f| items::statement(lex, &report.text, f))
        .collect()
}

/// Whether more of a report stands in Spanish than in any other language.
#[must_use]
pub fn is_spanish(report: &str) -> bool {
    let lex = lexicon::lexicon();
    let spanish = tables::read(lex, report).spanish;
    let characters: usize = spanish
        .iter()
        .map(|(start, end)| end.saturating_sub(*start))
        .sum();
    characters * 2 > report.chars().count()
}

/// Reads what a text says about the other report as a whole; `None` when it does not say, or says both.
#[must_use]
pub fn stance(text: &str) -> Option<Stance> {
    let lex = lexicon::lexicon();
    let read = tables::read(lex, text);
    let report = statement::read(lex, &exam::Exam::default(), read);
    match (report.agrees, report.disagrees) {
        (true, false) => Some(Stance::Agrees),
        (false, true) => Some(Stance::Differs),
        _ => None,
    }
}
