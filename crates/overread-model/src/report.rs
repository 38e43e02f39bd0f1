//! Here lives the second report: its sections, what it needs before it is signed, the signature, the addendum; and the
//! original report, which its reader may open only after the first impression is locked.

mod plain;
mod sign;
mod tables;

use std::collections::BTreeMap;

pub use plain::{plain_text_hints, reading_grade};
use serde::{Deserialize, Serialize};
pub use sign::{Addendum, ContentHash, SignedReport, Signer, add_addendum, sign};
pub use tables::{
    ActionableCategory, CertaintyPhrase, Code, DiscrepancyTables, ReportTables, Required,
    SectionEntry,
};

use crate::letter::Language;
use crate::limits;
use crate::text::FieldProblem;
use crate::time::Timestamp;

/// Where the text of an original report came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginalSource {
    /// Typed or pasted by a person.
    Paste,
    /// A text file.
    TextFile,
    /// A PDF with text.
    Pdf,
    /// A DICOM structured report.
    StructuredReport,
}

impl OriginalSource {
    /// Returns the source as columns and JSON write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paste => "paste",
            Self::TextFile => "text_file",
            Self::Pdf => "pdf",
            Self::StructuredReport => "structured_report",
        }
    }
}

/// Returns the text of an original report as it is kept: line ends made alike, nothing else touched.
///
/// # Errors
/// When there is no text, or more than a report ever has.
pub fn check_original(text: &str) -> Result<String, FieldProblem> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if !text.chars().any(char::is_alphanumeric) {
        return Err(FieldProblem::new(
            "text",
            "There is no text in this report. If it is a scan, type or paste what it says.",
        ));
    }
    if text.chars().count() > limits::ORIGINAL_REPORT_CHARS {
        return Err(FieldProblem::new(
            "text",
            "This is longer than a report. Paste the report of this exam alone.",
        ));
    }
    // Control characters would break pages and letters; a report has none but line ends and tabs.
    Ok(text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect())
}

/// What the reviewer saw before the original report was opened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstImpression {
    /// In the reviewer's words.
    pub text: String,
    /// Locked at; it cannot be changed afterwards.
    pub locked_at: Timestamp,
}

impl std::fmt::Debug for FirstImpression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FirstImpression")
            .field("locked_at", &self.locked_at)
            .finish_non_exhaustive()
    }
}

/// Locks the first impression.
///
/// # Errors
/// When nothing is written, too much is, or it is locked already.
pub fn lock_first_impression(
    text: &str,
    locked_before: Option<&FirstImpression>,
    now: Timestamp,
) -> Result<FirstImpression, FieldProblem> {
    let problem = |message: &str| Err(FieldProblem::new("first_impression", message));
    if locked_before.is_some() {
        return problem("Your first impression is locked already. It cannot be changed.");
    }
    let text = text.trim();
    if !says_something(text) {
        return problem(
            "Write in a few words what you see, for example “Nothing abnormal”. It shows later what you saw before you \
             knew the first report, and it cannot be changed.",
        );
    }
    if text.chars().count() > limits::REPORT_SECTION_CHARS {
        return problem("This is too long for a first impression.");
    }
    Ok(FirstImpression {
        text: text.to_owned(),
        locked_at: now,
    })
}

/// Says whether a text has words enough to mean something: two or more, for `Nothing abnormal` and `Torn ACL` are the shortest.
fn says_something(text: &str) -> bool {
    const WORDS: usize = 2;
    const LETTERS: usize = 7;
    let letters = |word: &str| word.chars().filter(|c| c.is_alphabetic()).count();
    let words = text
        .split_whitespace()
        .map(letters)
        .filter(|count| *count >= 2);
    let (count, sum) = words.fold((0, 0), |(count, sum), letters| (count + 1, sum + letters));
    count >= WORDS && sum >= LETTERS
}

/// How good the exam is for the question asked.
// CID 7036: RADLEX RID12, RID13, RID14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExamQuality {
    /// Good enough.
    Diagnostic,
    /// Usable with limits.
    Limited,
    /// Not usable.
    NonDiagnostic,
}

impl ExamQuality {
    /// Every judgement, best first.
    pub const ALL: [Self; 3] = [Self::Diagnostic, Self::Limited, Self::NonDiagnostic];

    /// Returns the judgement as columns, forms and JSON write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Diagnostic => "diagnostic",
            Self::Limited => "limited",
            Self::NonDiagnostic => "non_diagnostic",
        }
    }

    /// Reads what `as_str` writes.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|quality| quality.as_str() == text)
    }

    /// Returns the RADLEX code.
    pub const fn radlex(self) -> &'static str {
        match self {
            Self::Diagnostic => "RID12",
            Self::Limited => "RID13",
            Self::NonDiagnostic => "RID14",
        }
    }

    /// Returns the judgement in words.
    pub const fn title(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Diagnostic, Language::En) => "Diagnostic quality",
            (Self::Diagnostic, Language::Es) => "Calidad diagnóstica",
            (Self::Limited, Language::En) => "Limited quality",
            (Self::Limited, Language::Es) => "Calidad limitada",
            (Self::NonDiagnostic, Language::En) => "Not diagnostic",
            (Self::NonDiagnostic, Language::Es) => "No diagnóstica",
        }
    }
}

/// How the second report stands to the first as a whole, by its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverallAgreement {
    /// The same in everything that matters.
    Agree,
    /// Differs, unlikely to change what is done.
    DiffersMinor,
    /// Differs, likely to change what is done.
    DiffersMajor,
    /// There is no first report.
    NoOriginal,
}

impl OverallAgreement {
    /// Every value.
    pub const ALL: [Self; 4] = [
        Self::Agree,
        Self::DiffersMinor,
        Self::DiffersMajor,
        Self::NoOriginal,
    ];

    /// Returns the value as columns, forms and JSON write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::DiffersMinor => "differs_minor",
            Self::DiffersMajor => "differs_major",
            Self::NoOriginal => "no_original",
        }
    }

    /// Reads what `as_str` writes.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }

    /// Returns the value in words.
    pub const fn title(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Agree, Language::En) => "Agrees with the first report",
            (Self::Agree, Language::Es) => "Coincide con el primer informe",
            (Self::DiffersMinor, Language::En) => "Differs, unlikely to change care",
            (Self::DiffersMinor, Language::Es) => "Difiere, poco probable que cambie la atención",
            (Self::DiffersMajor, Language::En) => "Differs, likely to change care",
            (Self::DiffersMajor, Language::Es) => "Difiere, probable que cambie la atención",
            (Self::NoOriginal, Language::En) => "No first report available",
            (Self::NoOriginal, Language::Es) => "No hay primer informe",
        }
    }
}

/// A second report while it is written. Its `Debug` shows which sections have text, never the text.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportDraft {
    /// Texts by section id (`findings`, `impression`, …).
    pub sections: BTreeMap<String, String>,
    /// How good the exam is.
    pub quality: Option<ExamQuality>,
    /// How it stands to the first report.
    pub agreement: Option<OverallAgreement>,
    /// The language it is written in.
    pub language: Language,
}

impl std::fmt::Debug for ReportDraft {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ReportDraft")
            .field("sections", &self.sections.keys().collect::<Vec<_>>())
            .field("quality", &self.quality)
            .field("agreement", &self.agreement)
            .field("language", &self.language)
            .finish()
    }
}

/// Keys of a form that are no sections but choices.
pub const QUALITY_KEY: &str = "quality";
/// Key of the overall agreement in a form.
pub const AGREEMENT_KEY: &str = "agreement_overall";

impl ReportDraft {
    /// Takes over the fields of a form; fields that are not given stay as they are.
    ///
    /// # Errors
    /// Unknown sections, unknown choices, and texts that are too long; nothing is taken over then.
    pub fn apply(
        &mut self,
        fields: &BTreeMap<String, String>,
        tables: &ReportTables,
    ) -> Result<(), Vec<FieldProblem>> {
        let mut next = self.clone();
        let mut problems = Vec::new();
        for (key, value) in fields {
            match next.apply_one(key, value, tables) {
                Ok(()) => {}
                Err(message) => problems.push(FieldProblem::new(key, message)),
            }
        }
        if problems.is_empty() {
            *self = next;
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn apply_one(&mut self, key: &str, value: &str, tables: &ReportTables) -> Result<(), String> {
        let choice = value.trim();
        if key == QUALITY_KEY {
            self.quality = match ExamQuality::from_text(choice) {
                None if !choice.is_empty() => {
                    return Err("Choose one of the listed judgements.".to_owned());
                }
                quality => quality,
            };
        } else if key == AGREEMENT_KEY {
            self.agreement = match OverallAgreement::from_text(choice) {
                None if !choice.is_empty() => {
                    return Err("Choose one of the listed answers.".to_owned());
                }
                agreement => agreement,
            };
        } else if tables.section(key).is_none() {
            return Err("The report has no such section.".to_owned());
        } else if value.chars().count() > limits::REPORT_SECTION_CHARS {
            let limit = limits::REPORT_SECTION_CHARS;
            return Err(format!(
                "This section is too long: at most {limit} characters."
            ));
        } else {
            self.sections
                .insert(key.to_owned(), value.replace("\r\n", "\n"));
        }
        Ok(())
    }

    /// Returns a section's text without space around it; empty when there is none.
    pub fn text(&self, section: &str) -> &str {
        self.sections.get(section).map_or("", |text| text.trim())
    }
}

/// What the case says that the report must answer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignContext {
    /// An original report is in the case.
    pub original_present: bool,
    /// The first impression is locked.
    pub first_impression_locked: bool,
    /// The urgent track was opened.
    pub urgent_opened: bool,
    /// The review went on with something missing, or findings of the check were overridden.
    pub limitation_needed: bool,
    /// The signer's identity was proved again just now.
    pub reauthenticated: bool,
    /// The signer stated conflicts of interest, or none.
    pub conflict_stated: bool,
}

/// Returns what keeps a report from being signed; the field is the section id, or the key of the choice.
pub fn check_to_sign(
    draft: &ReportDraft,
    context: &SignContext,
    tables: &ReportTables,
) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    for entry in &tables.sections {
        let needed = entry.required.applies(context);
        if needed && !draft.text(&entry.id).chars().any(char::is_alphanumeric) {
            let title = entry.title(Language::En);
            problems.push(FieldProblem::new(
                &entry.id,
                format!("The section “{title}” is still empty. Write in it before you sign."),
            ));
        }
    }
    let mut add = |field: &str, message: &str| problems.push(FieldProblem::new(field, message));
    match draft.quality {
        None => add(QUALITY_KEY, "Judge the quality of the exam."),
        Some(ExamQuality::NonDiagnostic) if draft.agreement == Some(OverallAgreement::Agree) => {
            add(
                AGREEMENT_KEY,
                "You judged the exam not diagnostic, so it cannot confirm the first report.",
            )
        }
        Some(_) => {}
    }
    match (draft.agreement, context.original_present) {
        (None, true) => add(
            AGREEMENT_KEY,
            "Say whether you agree with the first report.",
        ),
        (Some(OverallAgreement::NoOriginal), true) => add(
            AGREEMENT_KEY,
            "There is a first report in this case. Say whether you agree with it.",
        ),
        (Some(agreement), false) if agreement != OverallAgreement::NoOriginal => add(
            AGREEMENT_KEY,
            "There is no first report in this case to agree or disagree with.",
        ),
        _ => {}
    }
    if context.original_present && !context.first_impression_locked {
        add(
            "first_impression",
            "Lock your first impression before you sign.",
        );
    }
    if context.limitation_needed && draft.text("limits").is_empty() {
        add(
            "limits",
            "Something was missing in this review. Name it under the limits.",
        );
    }
    if !context.conflict_stated {
        add(
            "conflict_statement",
            "State your conflicts of interest, or that you have none.",
        );
    }
    if !context.reauthenticated {
        add("password", "Enter your password again to sign.");
    }
    problems.dedup_by(|later, earlier| later.field == earlier.field);
    problems
}

#[cfg(test)]
mod tests;
