//! A report as the template reads it.

use overread_model::letter::Language;
use overread_model::time::Timestamp;
use serde_json::{Value, json};

use super::{ExamLine, PatientLine, Practice, ReportDocument, Signature, Standing, words};
use crate::blocks::prose;
use crate::{cleaning, dates, limits};

pub(super) fn sheet(report: &ReportDocument) -> Value {
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
        "addenda": report.addenda.iter().rev().map(|addendum| json!({
            "heading": words.addendum.replace("{at}", &at(addendum.signature.signed_at)),
            "prose": prose(addendum.text.reveal()),
            "signature": signature(&addendum.signature),
        })).collect::<Vec<_>>(),
        "disclaimer": cleaning::line(&or_own(&report.practice.disclaimer, words.disclaimer)),
        "made": words.made.replace("{at}", &at(report.made_at)),
        "case": words.case.replace("{number}", &cleaning::line(&report.case_number)),
    })
}

pub(crate) fn nonempty(text: &str) -> Option<String> {
    // Names out of DICOM files have no limit of their own; a page does.
    let clean = cleaning::cut(&cleaning::line(text), limits::LINE_CHARS);
    (!clean.is_empty()).then_some(clean)
}

fn or_own(text: &str, own: &str) -> String {
    nonempty(text).map_or_else(|| own.to_owned(), |_| text.to_owned())
}

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

fn labelled<const N: usize>(entries: [(&str, Option<String>); N]) -> Vec<(String, String)> {
    let given = entries
        .into_iter()
        .filter_map(|(label, text)| Some((label.to_owned(), text?)));
    given.collect()
}

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

fn facts(report: &ReportDocument, words: &words::Words) -> Vec<(String, String)> {
    let mut facts = patient_facts(&report.patient, report.language);
    let requested =
        nonempty(&report.requested_by).unwrap_or_else(|| words.self_referred.to_owned());
    facts.push((words.requested_by.to_owned(), requested));
    facts
}

/// The sections in the order of the reporting standard; what cannot wait comes first.
fn sections(report: &ReportDocument, words: &words::Words) -> Vec<Value> {
    let section = |id: &str, heading: &str, lead: Option<&str>, text: &str| {
        let prose = prose(text);
        let filled = lead.is_some() || !prose.is_empty();
        filled.then(|| json!({"id": id, "heading": heading, "lead": lead, "prose": prose}))
    };
    let quality = Some(words.quality_of(report.quality));
    let comparison = or_own(&report.comparison, words.no_comparison);
    let limits = or_own(&report.limits, words.limits_text);
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
