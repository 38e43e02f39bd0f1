//! Two reports side by side on paper.

use overread_model::hidden::Hidden;
use overread_model::letter::Language;
use overread_model::time::{CalendarDate, Timestamp};
#[cfg(feature = "pdf")]
use serde_json::{Value, json};

use crate::reports::{ExamLine, PatientLine, Practice, Signature};
use crate::{cleaning, limits};
#[cfg(feature = "pdf")]
use crate::{
    dates,
    pdf::{PdfError, Sheet, render},
    reports::sheet::{exam_facts, nonempty, patient_facts, practice},
};

#[cfg(feature = "pdf")]
mod marks;
mod uncompared;
mod words;

pub use uncompared::uncompared;

/// What the two reports are to each other, as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// They say the same where it matters.
    Confirms,
    /// The second adds or adjusts.
    Refines,
    /// A difference may change what is done.
    ChangesManagement,
}

/// How two statements relate. The names are those of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// One states it, the other denies it.
    Contradicted,
    /// Other side.
    Laterality,
    /// Other place.
    Location,
    /// Other diagnosis.
    Interpretation,
    /// Other grade.
    Severity,
    /// Other size.
    Size,
    /// Other certainty.
    Certainty,
    /// More extent, number or kind.
    MoreDetail,
    /// The same.
    Agree,
    /// Only the original report says it.
    OnlyOriginal,
    /// Only the second report says it.
    OnlySecond,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 11] = [
        Self::Contradicted,
        Self::Laterality,
        Self::Location,
        Self::Interpretation,
        Self::Severity,
        Self::Size,
        Self::Certainty,
        Self::MoreDetail,
        Self::Agree,
        Self::OnlyOriginal,
        Self::OnlySecond,
    ];

    /// Returns the name JSON uses: `more_detail`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contradicted => "contradicted",
            Self::Laterality => "laterality",
            Self::Location => "location",
            Self::Interpretation => "interpretation",
            Self::Severity => "severity",
            Self::Size => "size",
            Self::Certainty => "certainty",
            Self::MoreDetail => "more_detail",
            Self::Agree => "agree",
            Self::OnlyOriginal => "only_original",
            Self::OnlySecond => "only_second",
        }
    }

    /// Returns the relation with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|relation| relation.name() == name)
    }
}

/// A place in a report, in Unicode code points of [`ReportText::text`] as given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First code point, from 0.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// One of the two reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportText {
    /// Who wrote it; empty when not known.
    pub author: String,
    /// When.
    pub date: Option<CalendarDate>,
    /// The whole text, as compared.
    pub text: Hidden<String>,
}

/// One row of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1; the marks in the texts carry it.
    pub number: u32,
    /// How the statements relate.
    pub relation: Relation,
    /// Whether it may change what is done.
    pub critical: bool,
    /// What it is about, in words: `disc extrusion, L5-S1, left`.
    pub subject: Hidden<String>,
    /// One plain sentence.
    pub sentence: Hidden<String>,
    /// Where the original report says so.
    pub original: Vec<Place>,
    /// Where the second report says so.
    pub second: Vec<Place>,
    /// A common difference between readers: printed small, below.
    pub variation: bool,
    /// What is known about how often readers differ on this.
    pub variation_note: Option<String>,
    /// The reviewer's note on this row, empty when there is none; absent when the reviewer left the row to the rules.
    pub reviewer: Option<Hidden<String>>,
}

/// A passage that was not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCompared {
    /// Whether it stands in the second report.
    pub in_second: bool,
    /// The words.
    pub text: Hidden<String>,
    /// Why.
    pub reason: String,
}

/// What the reviewer decided about the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The category signed.
    pub category: Category,
    /// The reviewer's words.
    pub note: Hidden<String>,
    /// Who, when.
    pub signature: Signature,
}

/// Everything the paper of a comparison shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcordanceDocument {
    /// Language of headings and dates.
    pub language: Language,
    /// From whom.
    pub practice: Practice,
    /// Whose images.
    pub patient: PatientLine,
    /// Which exam.
    pub exam: ExamLine,
    /// Our number of the case.
    pub case_number: String,
    /// The first report.
    pub original: ReportText,
    /// The second.
    pub second: ReportText,
    /// What the engine proposes; `None` when it proposes nothing.
    pub proposed: Option<Category>,
    /// Why, in plain words.
    pub reasons: Vec<String>,
    /// Share of statements understood, 0 to 100.
    pub coverage_percent: u8,
    /// The rows, those that matter first.
    pub rows: Vec<Row>,
    /// What was not compared.
    pub not_compared: Vec<NotCompared>,
    /// Doubts whether the two may be compared at all.
    pub doubts: Vec<String>,
    /// What the reviewer signed; `None` prints the proposal as such.
    pub decision: Option<Decision>,
    /// Version of the engine.
    pub engine: String,
    /// When this paper was made.
    pub made_at: Timestamp,
    /// Minutes east of UTC in which times are printed.
    pub utc_offset_minutes: i16,
}

/// Returns the comparison as tagged PDF/A-2a and PDF/UA-1, US Letter size on its side.
///
/// # Errors
/// When there is too much text, or the page cannot be set.
#[cfg(feature = "pdf")]
pub fn render_pdf(document: &ConcordanceDocument) -> Result<Vec<u8>, PdfError> {
    render(&Sheet {
        template: "/concordance.typ",
        data: &sheet(document),
        at: document.made_at,
    })
}

#[cfg(feature = "pdf")]
fn sheet(document: &ConcordanceDocument) -> Value {
    let language = document.language;
    let words = words::of(language);
    let at = |when| dates::instant(when, document.utc_offset_minutes, language);
    let differing = |row: &&Row| row.relation != Relation::Agree && !row.variation;
    let folded = |row: &&Row| row.relation != Relation::Agree && row.variation;
    let agreed: Vec<String> = document
        .rows
        .iter()
        .filter(|row| row.relation == Relation::Agree)
        .filter_map(|row| {
            let subject = nonempty(row.subject.reveal())?;
            Some(match row.reviewer {
                Some(_) => format!("{subject} ({})", words.reviewer.to_lowercase()),
                None => subject,
            })
        })
        .collect();
    let rows = |keep: &dyn Fn(&&Row) -> bool| -> Vec<Value> {
        let kept = document
            .rows
            .iter()
            .filter(keep)
            .take(limits::CONCORDANCE_ROWS);
        kept.map(|row| row_value(document, row, &words)).collect()
    };
    let decision = document.decision.as_ref();
    let mut facts = patient_facts(&document.patient, language);
    facts.extend(exam_facts(&document.exam, language));
    json!({
        "language": language,
        "title": words.title,
        "page_label": words.page,
        "practice": practice(&document.practice),
        "facts": facts,
        "words": words.map(),
        "category": decision.map(|decision| decision.category).or(document.proposed)
            .map(|category| words.category(category)),
        "signed": decision.map(|decision| words.signed
            .replace("{name}", &signer(&decision.signature))
            .replace("{at}", &at(decision.signature.signed_at))),
        "digest": decision.map(|decision| cleaning::line(&decision.signature.digest)),
        "note": decision.and_then(|decision| nonempty(decision.note.reveal())),
        "proposed": document.proposed
            .filter(|proposed| decision.is_some_and(|decision| decision.category != *proposed))
            .map(|proposed| words.was_proposed.replace("{category}", words.category(proposed))),
        "reasons": document.reasons.iter().filter_map(|line| nonempty(line)).collect::<Vec<_>>(),
        "doubts": document.doubts.iter().filter_map(|line| nonempty(line)).collect::<Vec<_>>(),
        "coverage": words.coverage.replace("{percent}", &document.coverage_percent.min(100).to_string()),
        "rows": rows(&differing),
        "folded": rows(&folded),
        "agreed": agreed,
        "notes": notes(document).map(|(row, note)| json!({
            "number": row.number,
            "subject": cleaning::line(row.subject.reveal()),
            "text": note,
        })).collect::<Vec<_>>(),
        "not_compared": document.not_compared.iter().take(limits::CONCORDANCE_ROWS).map(|passage| json!({
            "report": if passage.in_second { words.second } else { words.original },
            "text": cleaning::cut(&cleaning::line(passage.text.reveal()), limits::LINE_CHARS),
            "reason": cleaning::line(&passage.reason),
        })).collect::<Vec<_>>(),
        "original": text_value(document, &document.original, words.original, |row| &row.original),
        "second": text_value(document, &document.second, words.second, |row| &row.second),
        "made": words.made.replace("{at}", &at(document.made_at)).replace("{engine}", &cleaning::line(&document.engine)),
        "case": words.case.replace("{number}", &cleaning::line(&document.case_number)),
    })
}

/// Lists what the reviewer wrote about single rows, in full.
fn notes(document: &ConcordanceDocument) -> impl Iterator<Item = (&Row, String)> {
    document.rows.iter().filter_map(|row| {
        let note = row.reviewer.as_ref()?.reveal();
        let note = cleaning::cut(&cleaning::line(note), limits::ROW_NOTE_CHARS);
        (!note.is_empty()).then_some((row, note))
    })
}

#[cfg(feature = "pdf")]
fn signer(signature: &Signature) -> String {
    let name = cleaning::line(&signature.name);
    match nonempty(&signature.credentials) {
        Some(credentials) => format!("{name}, {credentials}"),
        None => name,
    }
}

#[cfg(feature = "pdf")]
fn row_value(document: &ConcordanceDocument, row: &Row, words: &words::Words) -> Value {
    let quotes = |report: &ReportText, places: &[Place]| -> Vec<String> {
        let quotes = places
            .iter()
            .filter_map(|place| marks::quote(report.text.reveal(), *place));
        quotes.take(4).collect()
    };
    json!({
        "number": row.number,
        "critical": row.critical,
        "relation": words.relation(row.relation),
        "subject": cleaning::line(row.subject.reveal()),
        "sentence": cleaning::line(row.sentence.reveal()),
        "original": quotes(&document.original, &row.original),
        "second": quotes(&document.second, &row.second),
        "note": row.variation_note.as_deref().and_then(nonempty),
        "judged": row.reviewer.as_ref().map(|_| words.reviewer),
    })
}

#[cfg(feature = "pdf")]
fn text_value(
    document: &ConcordanceDocument,
    report: &ReportText,
    heading: &str,
    places: impl Fn(&Row) -> &Vec<Place>,
) -> Value {
    let spans = document
        .rows
        .iter()
        .filter(|row| row.relation != Relation::Agree)
        .take(limits::CONCORDANCE_ROWS)
        .flat_map(|row| {
            let weight = match (row.critical, row.variation) {
                (true, _) => marks::Weight::Critical,
                (false, false) => marks::Weight::Plain,
                (false, true) => marks::Weight::Folded,
            };
            places(row).iter().map(move |place| marks::Span {
                place: *place,
                number: row.number,
                weight,
            })
        });
    let by = [
        nonempty(&report.author),
        report.date.map(|date| dates::long(date, document.language)),
    ];
    let by: Vec<String> = by.into_iter().flatten().collect();
    json!({
        "heading": heading,
        "by": by.join(" · "),
        "paragraphs": marks::paragraphs(report.text.reveal(), &spans.collect::<Vec<_>>()),
    })
}
