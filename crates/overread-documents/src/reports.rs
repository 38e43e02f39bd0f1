//! The second report on paper.

use overread_model::letter::Language;
use overread_model::time::{CalendarDate, Timestamp};

#[cfg(feature = "pdf")]
use crate::pdf::{PdfError, Sheet, render};

#[cfg(feature = "pdf")]
pub(crate) mod sheet;
#[cfg(feature = "pdf")]
mod words;

/// The practice a document comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Practice {
    /// Name on top of the page.
    pub name: String,
    /// Address lines.
    pub address: Vec<String>,
    /// Telephone, email, web, as they should be printed.
    pub contact: Vec<String>,
    /// What the deployment says under every report; empty for our own words.
    pub disclaimer: String,
}

/// Whose images they are. It holds patient data; its `Debug` shows none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PatientLine {
    /// The name as people write it.
    pub name: String,
    /// Date of birth.
    pub birth_date: Option<CalendarDate>,
    /// A second identifier: record number.
    pub identifier: Option<String>,
    /// Sex as the record says, in words.
    pub sex: Option<String>,
}

impl std::fmt::Debug for PatientLine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PatientLine(hidden)")
    }
}

/// The exam that was read again. It holds patient data; its `Debug` shows none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExamLine {
    /// `MRI of the lumbar spine without contrast`.
    pub name: String,
    /// When it was done.
    pub date: Option<CalendarDate>,
    /// Where.
    pub facility: Option<String>,
    /// Its number there.
    pub accession: Option<String>,
}

impl std::fmt::Debug for ExamLine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ExamLine(hidden)")
    }
}

/// How far a report has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Not signed: every page says so.
    #[default]
    Preliminary,
    /// Signed.
    Final,
    /// Signed, with one or more signed addenda.
    FinalWithAddendum,
}

/// Whether the images allow a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExamQuality {
    /// Good enough for every question.
    #[default]
    Diagnostic,
    /// Some questions stay open.
    Limited,
    /// No reading is possible.
    NonDiagnostic,
}

/// When the reader saw the original report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OriginalReport {
    /// There was none.
    #[default]
    NotAvailable,
    /// Before reading the images.
    ReadBefore,
    /// After an own first impression was locked, at that time.
    ReadAfter(Option<Timestamp>),
}

/// Something the reader had before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Material {
    /// What: `MRI lumbar spine, February 11, 2026, Riverside Imaging Center`.
    pub what: String,
    /// How much: `5 series, 112 images`.
    pub extent: String,
}

/// A signature as it stands in the record.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of who signed.
    pub name: String,
    /// Degrees.
    pub credentials: String,
    /// Sub-specialty.
    pub subspecialty: Option<String>,
    /// Licence or NPI, with its region.
    pub license: Option<String>,
    /// Conflicts of interest, in the signer's words; `None` prints nothing.
    pub conflict_statement: Option<String>,
    /// When.
    pub signed_at: Timestamp,
    /// BLAKE3 of the signed text, in hex.
    pub digest: String,
    /// Version of the report, from 1.
    pub version: u32,
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Signature")
            .field("signed_at", &self.signed_at)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Text added after signing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addendum {
    /// The words.
    pub text: overread_model::hidden::Hidden<String>,
    /// Who, when.
    pub signature: Signature,
}

/// Everything the paper of a second report shows. Texts are shown as typed; empty ones are left out.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportDocument {
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
    /// Who asked: name and role; empty prints "self-referred".
    pub requested_by: String,
    /// Preliminary or final.
    pub standing: Standing,
    /// The question asked.
    pub question: String,
    /// Clinical information given.
    pub clinical: String,
    /// What was seen.
    pub materials: Vec<Material>,
    /// What was not seen, and why.
    pub not_seen: Vec<String>,
    /// When the original report was opened.
    pub original_report: OriginalReport,
    /// Earlier exams compared with.
    pub comparison: String,
    /// Quality of the images.
    pub quality: ExamQuality,
    /// What limits it, and what that means for the reading.
    pub quality_text: String,
    /// Findings.
    pub findings: String,
    /// Impression.
    pub impression: String,
    /// How this agrees with the first report.
    pub agreement: String,
    /// Other possible explanations.
    pub alternatives: String,
    /// Suggested next steps.
    pub next_steps: String,
    /// Who was told what urgently, when and how.
    pub urgent: String,
    /// Limits of this opinion; empty prints our own words.
    pub limits: String,
    /// In plain words, for the patient.
    pub plain: String,
    /// Who signed; `None` for a preliminary report.
    pub signature: Option<Signature>,
    /// Added later, oldest first.
    pub addenda: Vec<Addendum>,
    /// When this paper was made.
    pub made_at: Timestamp,
    /// Minutes east of UTC in which times are printed.
    pub utc_offset_minutes: i16,
}

impl ReportDocument {
    /// Makes an empty preliminary report, to be filled.
    pub fn blank(language: Language, made_at: Timestamp) -> Self {
        Self {
            language,
            practice: Practice::default(),
            patient: PatientLine::default(),
            exam: ExamLine::default(),
            case_number: String::new(),
            requested_by: String::new(),
            standing: Standing::Preliminary,
            question: String::new(),
            clinical: String::new(),
            materials: Vec::new(),
            not_seen: Vec::new(),
            original_report: OriginalReport::NotAvailable,
            comparison: String::new(),
            quality: ExamQuality::Diagnostic,
            quality_text: String::new(),
            findings: String::new(),
            impression: String::new(),
            agreement: String::new(),
            alternatives: String::new(),
            next_steps: String::new(),
            urgent: String::new(),
            limits: String::new(),
            plain: String::new(),
            signature: None,
            addenda: Vec::new(),
            made_at,
            utc_offset_minutes: 0,
        }
    }
}

impl std::fmt::Debug for ReportDocument {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ReportDocument")
            .field("language", &self.language)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}

/// Returns the report as tagged PDF/A-2a and PDF/UA-1, US Letter size.
///
/// A report without a signature is printed as preliminary whatever `standing` says. Blocks while other documents are
/// set.
///
/// # Errors
/// When there is too much text, or the page cannot be set.
#[cfg(feature = "pdf")]
pub fn render_pdf(report: &ReportDocument) -> Result<Vec<u8>, PdfError> {
    render(&Sheet {
        template: "/second_report.typ",
        data: &sheet::sheet(report),
        at: report.made_at,
    })
}
