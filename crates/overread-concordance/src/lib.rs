//! Here two report texts become aligned statements and discrepancies: pure, no model weights.

mod align;
mod classify;
mod exam;
mod frame;
mod guard;
mod hits;
mod items;
pub mod jsonl;
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
mod statement;
mod text;
mod types;

pub use scope::context_of;
pub use types::{
    Class, Concordance, Context, Experiencer, Guard, GuardProblem, Importance,
    InternalContradiction, Item, ItemKind, Negation, NotCompared, Overall, PlainView, Polarity,
    ReportSide, Span, Stance, Statement, Temporality,
};

/// Version of rules and lexicon; kept with every stored concordance.
pub const ENGINE: &str = concat!(
    "overread-concordance ",
    env!("CARGO_PKG_VERSION"),
    " rules 3"
);

/// Sets two reports of one exam side by side.
///
/// Total and deterministic: any text gives an answer, the same texts give the same answer.
#[must_use]
pub fn compare(exam: &str, original: &str, second: &str) -> Concordance {
    let lex = lexicon::lexicon();
    let (text_o, text_s) = (
        text::read(original, limits::REPORT_CHARS_MAX, &lex.spelling),
        text::read(second, limits::REPORT_CHARS_MAX, &lex.spelling),
    );
    let (known, problems) = guard::check(lex, exam, &text_o, &text_s);
    let mut o = statement::read(lex, &known, text_o);
    let mut s = statement::read(lex, &known, text_s);
    merge::merge(lex, &mut o);
    merge::merge(lex, &mut s);
    let mut internal = merge::contradictions(lex, &o, ReportSide::Original);
    internal.extend(merge::contradictions(lex, &s, ReportSide::Second));
    let pairs = align::align(lex, &o.frames, &s.frames);
    let mut items = items::items(lex, &known, &o, &s, &pairs);
    let not_compared = guard::not_compared(&o, &s, original, second);
    let coverage = guard::coverage(&o).min(guard::coverage(&s));
    let problems = guard::limits_of_reading(&o, &s, problems);
    let obstacles = guard::obstacles(&problems, &o, &s, coverage);
    let comparable = obstacles.is_empty();
    if !comparable {
        items::withhold_calm(&mut items);
    }
    let (overall, reasons) = overall::decide(&items, &s, obstacles);
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

/// Reads the statements of one report.
#[must_use]
pub fn statements(text: &str) -> Vec<Statement> {
    let lex = lexicon::lexicon();
    let read = text::read(text, limits::REPORT_CHARS_MAX, &lex.spelling);
    let known = exam::of_report(lex, &read);
    let report = statement::read(lex, &known, read);
    report
        .frames
        .iter()
        .filter_map(|f| items::statement(lex, &report.text, f))
        .collect()
}

/// Reads what a text says about the other report as a whole; `None` when it does not say, or says both.
#[must_use]
pub fn stance(text: &str) -> Option<Stance> {
    let lex = lexicon::lexicon();
    let read = text::read(text, limits::REPORT_CHARS_MAX, &lex.spelling);
    let report = statement::read(lex, &exam::Exam::default(), read);
    match (report.agrees, report.disagrees) {
        (true, false) => Some(Stance::Agrees),
        (false, true) => Some(Stance::Differs),
        _ => None,
    }
}
