//! The second report on paper.

use overread_model::letter::Language;
use overread_model::time::{CalendarDate, Timestamp};
#[cfg(feature = "pdf")]
use serde_json::{Value, json};

#[cfg(feature = "pdf")]
use crate::blocks::prose;
#[cfg(feature = "pdf")]
use crate::pdf::{PdfError, Sheet, render};
#[cfg(feature = "pdf")]
use crate::{cleaning, dates};

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

/// The exam that was read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
        data: &sheet(report),
        at: report.made_at,
    })
}

#[cfg(feature = "pdf")]
fn sheet(report: &ReportDocument) -> Value {
    let words = words::of(report.language);
    let standing = match (&report.signature, report.standing) {
        (None, _) => Standing::Preliminary,
        (Some(_), Standing::FinalWithAddendum) => Standing::FinalWithAddendum,
        (Some(_), _) if !report.addenda.is_empty() => Standing::FinalWithAddendum,
        (Some(_), standing) => standing,
    };
    let at = |when| dates::instant(when, report.utc_offset_minutes, report.language);
    let signature = |signature: &Signature| signature_value(signature, &words, &at);
    json!({
        "language": report.language,
        "title": words.title,
        "page_label": words.page,
        "preliminary": standing == Standing::Preliminary,
        "standing": words.standing(standing),
        "standing_note": words.standing_note(standing),
        "practice": practice(&report.practice),
        "patient": facts(report, &words),
        "exam": exam_facts(&report.exam, report.language),
        "sections": sections(report, &words),
        "plain_heading": words.plain,
        "plain": prose(&report.plain),
        "signature_heading": words.signature,
        "signature": report.signature.as_ref().map(signature),
        "unsigned": words.unsigned,
        "addendum_heading": words.addendum,
        "addenda": report.addenda.iter().map(|addendum| json!({
            "prose": prose(addendum.text.reveal()),
            "signature": signature(&addendum.signature),
        })).collect::<Vec<_>>(),
        "disclaimer": nonempty(&report.practice.disclaimer).unwrap_or_else(|| words.disclaimer.to_owned()),
        "made": words.made.replace("{at}", &at(report.made_at)),
        "case": words.case.replace("{number}", &cleaning::line(&report.case_number)),
    })
}

#[cfg(feature = "pdf")]
pub(crate) fn nonempty(text: &str) -> Option<String> {
    let clean = cleaning::line(text);
    (!clean.is_empty()).then_some(clean)
}

#[cfg(feature = "pdf")]
pub(crate) fn practice(practice: &Practice) -> Value {
    let clean = |lines: &[String]| {
        lines
            .iter()
            .filter_map(|line| nonempty(line))
            .collect::<Vec<_>>()
    };
    json!({
        "name": cleaning::line(&practice.name),
        "address": clean(&practice.address),
        "contact": clean(&practice.contact),
    })
}

#[cfg(feature = "pdf")]
fn labelled<const N: usize>(entries: [(&str, Option<String>); N]) -> Vec<(String, String)> {
    let given = entries
        .into_iter()
        .filter_map(|(label, text)| Some((label.to_owned(), text?)));
    given.collect()
}

#[cfg(feature = "pdf")]
pub(crate) fn patient_facts(patient: &PatientLine, language: Language) -> Vec<(String, String)> {
    let words = words::of(language);
    let birth_date = patient.birth_date.map(|date| dates::long(date, language));
    labelled([
        (words.patient, nonempty(&patient.name)),
        (words.born, birth_date),
        (
            words.identifier,
            patient.identifier.as_deref().and_then(nonempty),
        ),
        (words.sex, patient.sex.as_deref().and_then(nonempty)),
    ])
}

#[cfg(feature = "pdf")]
pub(crate) fn exam_facts(exam: &ExamLine, language: Language) -> Vec<(String, String)> {
    let words = words::of(language);
    let date = exam.date.map(|date| dates::long(date, language));
    labelled([
        (words.exam, nonempty(&exam.name)),
        (words.exam_date, date),
        (words.facility, exam.facility.as_deref().and_then(nonempty)),
        (
            words.accession,
            exam.accession.as_deref().and_then(nonempty),
        ),
    ])
}

#[cfg(feature = "pdf")]
fn facts(report: &ReportDocument, words: &words::Words) -> Vec<(String, String)> {
    let mut facts = patient_facts(&report.patient, report.language);
    let requested =
        nonempty(&report.requested_by).unwrap_or_else(|| words.self_referred.to_owned());
    facts.push((words.requested_by.to_owned(), requested));
    facts
}

/// The sections in the order of the reporting standard; what cannot wait comes first.
#[cfg(feature = "pdf")]
fn sections(report: &ReportDocument, words: &words::Words) -> Vec<Value> {
    let section = |id: &str, heading: &str, lead: Option<&str>, text: &str| {
        let prose = prose(text);
        let filled = lead.is_some() || !prose.is_empty();
        filled.then(|| json!({"id": id, "heading": heading, "lead": lead, "prose": prose}))
    };
    let or =
        |text: &str, own: &str| nonempty(text).map_or_else(|| own.to_owned(), |_| text.to_owned());
    let quality = Some(words.quality_of(report.quality));
    let comparison = or(&report.comparison, words.no_comparison);
    let limits = or(&report.limits, words.limits_text);
    let sections = [
        section("urgent", words.urgent, None, &report.urgent),
        section("question", words.question, None, &report.question),
        section("clinical", words.clinical, None, &report.clinical),
        Some(materials(report, words)),
        section("comparison", words.comparison, None, &comparison),
        section("quality", words.quality, quality, &report.quality_text),
        section("findings", words.findings, None, &report.findings),
        section("agreement", words.agreement, None, &report.agreement),
        section("impression", words.impression, None, &report.impression),
        section(
            "alternatives",
            words.alternatives,
            None,
            &report.alternatives,
        ),
        section("next_steps", words.next_steps, None, &report.next_steps),
        section("limits", words.limits, None, &limits),
    ];
    sections.into_iter().flatten().collect()
}

#[cfg(feature = "pdf")]
fn materials(report: &ReportDocument, words: &words::Words) -> Value {
    let at = |when| dates::instant(when, report.utc_offset_minutes, report.language);
    let seen = report.materials.iter().map(|material| {
        (
            cleaning::line(&material.what),
            cleaning::line(&material.extent),
        )
    });
    let not_seen = report.not_seen.iter().filter_map(|line| nonempty(line));
    json!({
        "id": "materials",
        "heading": words.materials,
        "seen": seen.collect::<Vec<_>>(),
        "seen_what": words.material_what,
        "seen_extent": words.material_extent,
        "not_seen_label": words.not_seen,
        "not_seen": not_seen.collect::<Vec<_>>(),
        "none_seen": words.none_seen,
        "original": words.original_report(report.original_report, at),
    })
}

#[cfg(feature = "pdf")]
fn signature_value(
    signature: &Signature,
    words: &words::Words,
    at: &dyn Fn(Timestamp) -> String,
) -> Value {
    let credentials = nonempty(&signature.credentials);
    let name = cleaning::line(&signature.name);
    let rows = [
        (
            words.subspecialty,
            signature.subspecialty.as_deref().and_then(nonempty),
        ),
        (
            words.license,
            signature.license.as_deref().and_then(nonempty),
        ),
        (
            words.conflict,
            signature.conflict_statement.as_deref().and_then(nonempty),
        ),
        (words.version, Some(signature.version.to_string())),
        (words.digest, nonempty(&signature.digest)),
    ];
    let rows: Vec<(&str, String)> = rows
        .into_iter()
        .filter_map(|(label, text)| Some((label, text?)))
        .collect();
    json!({
        "name": credentials.map_or_else(|| name.clone(), |text| format!("{name}, {text}")),
        "signed": words.signed.replace("{at}", &at(signature.signed_at)),
        "rows": rows,
    })
}
