//! The signature: a hash over a canonical form, who signed, when; and addenda chained to it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{ExamQuality, OverallAgreement, ReportDraft, ReportTables, SignContext, check_to_sign};
use crate::ids::{CaseId, PersonId, ReportId};
use crate::letter::Language;
use crate::limits;
use crate::text::FieldProblem;
use crate::time::Timestamp;

/// BLAKE3 of a signed text, in hex: the verification code on paper.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    /// Returns the 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who signs, as it stands under the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The account.
    pub person_id: PersonId,
    /// Name.
    pub name: String,
    /// Credentials.
    pub credentials: String,
    /// NPI, or licence number with state and country.
    pub licence: String,
    /// Sub-specialty in words.
    pub subspecialty: String,
    /// Conflicts of interest, or that there are none.
    pub conflict_statement: String,
}

/// A signed report; nothing of it changes any more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReport {
    /// The case.
    pub case_id: CaseId,
    /// The report.
    pub report_id: ReportId,
    /// Which version of the report this is, from 1.
    pub version: u32,
    /// Texts by section id, canonical.
    pub sections: BTreeMap<String, String>,
    /// How good the exam is.
    pub quality: ExamQuality,
    /// How it stands to the first report.
    pub agreement: OverallAgreement,
    /// Its language.
    pub language: Language,
    /// Who signed.
    pub signer: Signer,
    /// When.
    pub signed_at: Timestamp,
    /// Over all of the above.
    pub hash: ContentHash,
}

impl fmt::Debug for SignedReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignedReport")
            .field("report_id", &self.report_id)
            .field("version", &self.version)
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

impl SignedReport {
    /// Says whether the text is still the one that was signed.
    pub fn is_intact(&self) -> bool {
        self.compute_hash() == self.hash
    }

    fn compute_hash(&self) -> ContentHash {
        let mut form = Canonical::new("overread second report 1");
        form.put("case", self.case_id.as_str());
        form.put("report", self.report_id.as_str());
        form.put("version", &self.version.to_string());
        form.put("language", self.language.as_str());
        form.put("quality", self.quality.as_str());
        form.put("agreement", self.agreement.as_str());
        for (section, text) in &self.sections {
            form.put(&format!("section {section}"), text);
        }
        form.put_signer(&self.signer, self.signed_at);
        form.finish()
    }
}

/// Signs a report: checks it, puts it into canonical form, and hashes it.
///
/// # Errors
/// Everything that keeps it from being signed.
pub fn sign(
    draft: &ReportDraft,
    ids: (CaseId, ReportId, u32),
    context: &SignContext,
    signer: Signer,
    tables: &ReportTables,
    now: Timestamp,
) -> Result<SignedReport, Vec<FieldProblem>> {
    let mut problems = check_to_sign(draft, context, tables);
    if signer.name.trim().is_empty() {
        problems.push(FieldProblem::new(
            "signer",
            "Your account has no name to sign with.",
        ));
    }
    let Some(quality) = draft.quality.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    let sections = draft
        .sections
        .iter()
        .map(|(section, text)| (section.clone(), canonical_text(text)))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    let mut signed = SignedReport {
        case_id: ids.0,
        report_id: ids.1,
        version: ids.2,
        sections,
        quality,
        agreement: draft.agreement.unwrap_or(OverallAgreement::NoOriginal),
        language: draft.language,
        signer,
        signed_at: now,
        hash: ContentHash(String::new()),
    };
    signed.hash = signed.compute_hash();
    Ok(signed)
}

/// Something said after signing; the report stays as it was.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addendum {
    /// From 1.
    pub number: u32,
    /// Why.
    pub reason: String,
    /// What.
    pub text: String,
    /// Who.
    pub signer: Signer,
    /// When.
    pub signed_at: Timestamp,
    /// Over the hash before it, number, reason, text, signer and time.
    pub hash: ContentHash,
}

impl fmt::Debug for Addendum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Addendum")
            .field("number", &self.number)
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

impl Addendum {
    /// Says whether the addendum is the one that was signed, after the report or addendum with this hash.
    pub fn is_intact(&self, before: &ContentHash) -> bool {
        self.compute_hash(before) == self.hash
    }

    fn compute_hash(&self, before: &ContentHash) -> ContentHash {
        let mut form = Canonical::new("overread addendum 1");
        form.put("before", before.as_str());
        form.put("number", &self.number.to_string());
        form.put("reason", &self.reason);
        form.put("text", &self.text);
        form.put_signer(&self.signer, self.signed_at);
        form.finish()
    }
}

/// Adds an addendum, chained to the report and the addenda before it, so that none can be left out unseen.
///
/// # Errors
/// When text or reason are missing or too long, or identity was not proved again.
pub fn add_addendum(
    report: &SignedReport,
    earlier: &[Addendum],
    words: (&str, &str),
    signer: Signer,
    reauthenticated: bool,
    now: Timestamp,
) -> Result<Addendum, Vec<FieldProblem>> {
    let (reason, text) = (canonical_text(words.0), canonical_text(words.1));
    let mut problems = Vec::new();
    for (field, value, message) in [
        ("reason", &reason, "Say why the report needs an addendum."),
        ("text", &text, "Write the addendum."),
    ] {
        if !value.chars().any(char::is_alphanumeric) {
            problems.push(FieldProblem::new(field, message));
        } else if value.chars().count() > limits::REPORT_SECTION_CHARS {
            problems.push(FieldProblem::new(field, "This is too long."));
        }
    }
    if !reauthenticated {
        problems.push(FieldProblem::new(
            "password",
            "Enter your password again to sign.",
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let before = earlier.last().map_or(&report.hash, |last| &last.hash);
    let number = earlier
        .last()
        .map_or(0, |last| last.number)
        .saturating_add(1);
    let mut addendum = Addendum {
        number,
        reason,
        text,
        signer,
        signed_at: now,
        hash: ContentHash(String::new()),
    };
    addendum.hash = addendum.compute_hash(before);
    Ok(addendum)
}

/// Returns a text as it is signed: NFC, line ends `\n`, no space at line ends, no empty lines around.
fn canonical_text(text: &str) -> String {
    let text: String = text.nfc().collect();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// The canonical form that is hashed: each entry is `name NUL length NUL bytes LF`, so that no two texts can share one.
struct Canonical(blake3::Hasher);

impl Canonical {
    fn new(kind: &str) -> Self {
        let mut form = Self(blake3::Hasher::new());
        form.put("kind", kind);
        form
    }

    fn put(&mut self, name: &str, value: &str) {
        self.0.update(name.as_bytes());
        self.0.update(b"\0");
        self.0.update(value.len().to_string().as_bytes());
        self.0.update(b"\0");
        self.0.update(value.as_bytes());
        self.0.update(b"\n");
    }

    fn put_signer(&mut self, signer: &Signer, at: Timestamp) {
        self.put("signer", signer.person_id.as_str());
        self.put("name", &signer.name);
        self.put("credentials", &signer.credentials);
        self.put("licence", &signer.licence);
        self.put("subspecialty", &signer.subspecialty);
        self.put("conflicts", &signer.conflict_statement);
        self.put("at", &at.as_micros().to_string());
    }

    fn finish(self) -> ContentHash {
        ContentHash(self.0.finalize().to_hex().to_string())
    }
}
