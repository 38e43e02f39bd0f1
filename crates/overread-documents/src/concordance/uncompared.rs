//! The paper of two reports that could not be compared: the reason first, nothing set side by side.

use overread_model::letter::{Frame, Language};

use super::{Category, ConcordanceDocument, Decision, Relation, ReportText};
use crate::dates;
use crate::letters::{Block, Letter};

/// Differences named, at most.
const NAMED_MAX: usize = 40;

struct Words {
    title: &'static str,
    subject: &'static str,
    why: &'static str,
    read_both: &'static str,
    whose: &'static str,
    judgement: &'static str,
    unsigned: &'static str,
    categories: [&'static str; 3],
    signed: &'static str,
    seen: &'static str,
    seen_only: &'static str,
    notes: &'static str,
    original: &'static str,
    second: &'static str,
    made: &'static str,
    page: &'static str,
}

const ENGLISH: Words = Words {
    title: "Two radiology reports, not compared",
    subject: "These reports could not be compared",
    why: "Why",
    read_both: "Read both reports in full. Nothing in them was found to be the same.",
    whose: "Patient and exam",
    judgement: "The reviewer\u{2019}s judgement",
    unsigned: "No reviewer has signed a judgement yet.",
    categories: [
        "The reports agree where it matters.",
        "The second report adds or adjusts.",
        "A difference may change care.",
    ],
    signed: "Signed by {name}, {at}.",
    seen: "Differences that were seen all the same",
    seen_only: "There may be more.",
    notes: "The reviewer\u{2019}s notes on rows",
    original: "First report in full",
    second: "Second report in full",
    made: "Made {at} \u{b7} {engine}",
    page: "Page {page} of {pages}",
};

const SPANISH: Words = Words {
    title: "Dos informes radiol\u{f3}gicos, sin comparar",
    subject: "Estos informes no se pudieron comparar",
    why: "Por qu\u{e9}",
    read_both: "Lea ambos informes completos. No se encontr\u{f3} que nada en ellos sea lo mismo.",
    whose: "Paciente y estudio",
    judgement: "El juicio de quien revisa",
    unsigned: "Nadie ha firmado todav\u{ed}a un juicio.",
    categories: [
        "Los informes coinciden en lo importante.",
        "El segundo informe agrega o ajusta.",
        "Una diferencia puede cambiar la atenci\u{f3}n.",
    ],
    signed: "Firmado por {name}, {at}.",
    seen: "Diferencias que se vieron de todos modos",
    seen_only: "Puede haber m\u{e1}s.",
    notes: "Notas de quien revisa sobre las filas",
    original: "Primer informe completo",
    second: "Segundo informe completo",
    made: "Hecho el {at} \u{b7} {engine}",
    page: "P\u{e1}gina {page} de {pages}",
};

/// Sets the paper of a comparison that was not one.
pub fn uncompared(document: &ConcordanceDocument) -> Letter {
    let words = match document.language {
        Language::En => &ENGLISH,
        Language::Es => &SPANISH,
    };
    let mut blocks = vec![
        reasons(document, words),
        whose(document, words),
        judgement(document, words),
    ];
    blocks.extend(differences(document, words));
    blocks.extend(reviewer_notes(document, words));
    blocks.push(report(document, &document.original, words.original));
    blocks.push(report(document, &document.second, words.second));
    let at = dates::instant(
        document.made_at,
        document.utc_offset_minutes,
        document.language,
    );
    let made = words
        .made
        .replace("{at}", &at)
        .replace("{engine}", &document.engine);
    if let Some(last) = blocks.last_mut() {
        last.paragraphs.push(made);
    }
    Letter {
        kind: "uncompared_reports".to_owned(),
        title: words.title.to_owned(),
        language: document.language,
        frame: Frame::Form,
        sender: vec![document.practice.name.clone()],
        sender_contact: Vec::new(),
        date: String::new(),
        day: document.made_at.date(),
        recipient: Vec::new(),
        subject_label: String::new(),
        subject: words.subject.to_owned(),
        email_subject: words.title.to_owned(),
        salutation: String::new(),
        blocks,
        closing: String::new(),
        signature: Vec::new(),
        enclosures_label: String::new(),
        enclosures: Vec::new(),
        page_label: words.page.to_owned(),
    }
}

fn block(label: &str, paragraphs: Vec<String>, items: Vec<String>) -> Block {
    Block {
        id: String::new(),
        label: Some(label.to_owned()),
        paragraphs,
        items,
        numbered: false,
        quote: false,
        signature: None,
    }
}

fn reasons(document: &ConcordanceDocument, words: &Words) -> Block {
    let mut items: Vec<String> = Vec::new();
    for line in document.doubts.iter().chain(&document.reasons) {
        if !items.contains(line) {
            items.push(line.clone());
        }
    }
    block(words.why, vec![words.read_both.to_owned()], items)
}

fn whose(document: &ConcordanceDocument, words: &Words) -> Block {
    let day = |date| dates::long(date, document.language);
    let patient = [
        Some(document.patient.name.clone()),
        document.patient.birth_date.map(day),
        document.patient.identifier.clone(),
    ];
    let exam = [
        Some(document.exam.name.clone()),
        document.exam.date.map(day),
        document.exam.facility.clone(),
        Some(document.case_number.clone()),
    ];
    let line = |parts: &[Option<String>]| {
        let parts = parts.iter().flatten().filter(|part| !part.is_empty());
        parts.cloned().collect::<Vec<_>>().join(", ")
    };
    let lines = [line(&patient), line(&exam)];
    let lines = lines.into_iter().filter(|line| !line.is_empty());
    block(words.whose, lines.collect(), Vec::new())
}

fn judgement(document: &ConcordanceDocument, words: &Words) -> Block {
    let Some(decision) = &document.decision else {
        return block(words.judgement, vec![words.unsigned.to_owned()], Vec::new());
    };
    let mut lines = vec![
        category(decision, words).to_owned(),
        decision.note.reveal().clone(),
        signed(document, decision, words),
    ];
    lines.retain(|line| !line.trim().is_empty());
    block(words.judgement, lines, Vec::new())
}

fn category(decision: &Decision, words: &Words) -> &'static str {
    let [confirms, refines, changes] = words.categories;
    match decision.category {
        Category::Confirms => confirms,
        Category::Refines => refines,
        Category::ChangesManagement => changes,
    }
}

fn signed(document: &ConcordanceDocument, decision: &Decision, words: &Words) -> String {
    let at = dates::instant(
        decision.signature.signed_at,
        document.utc_offset_minutes,
        document.language,
    );
    words
        .signed
        .replace("{name}", &decision.signature.name)
        .replace("{at}", &at)
}

/// Only what differs: that something is the same is never said here.
fn differences(document: &ConcordanceDocument, words: &Words) -> Option<Block> {
    let calm = |relation| matches!(relation, Relation::Agree | Relation::MoreDetail);
    let rows = document.rows.iter().filter(|row| !calm(row.relation));
    let items: Vec<String> = rows
        .take(NAMED_MAX)
        .map(|row| row.sentence.reveal().clone())
        .collect();
    (!items.is_empty()).then(|| block(words.seen, vec![words.seen_only.to_owned()], items))
}

fn reviewer_notes(document: &ConcordanceDocument, words: &Words) -> Option<Block> {
    let items: Vec<String> = super::notes(document)
        .map(|(row, note)| format!("{}: {note}", row.subject.reveal()))
        .collect();
    (!items.is_empty()).then(|| block(words.notes, Vec::new(), items))
}

fn report(document: &ConcordanceDocument, report: &ReportText, label: &str) -> Block {
    let by = [
        Some(report.author.clone()).filter(|author| !author.is_empty()),
        report.date.map(|date| dates::long(date, document.language)),
    ];
    let by: Vec<String> = by.into_iter().flatten().collect();
    let lines = report.text.reveal().lines().map(str::trim);
    let mut paragraphs = vec![by.join(", ")];
    paragraphs.extend(lines.map(str::to_owned));
    paragraphs.retain(|line| !line.is_empty());
    block(label, paragraphs, Vec::new())
}
