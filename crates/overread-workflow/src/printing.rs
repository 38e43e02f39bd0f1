//! Puts a case's facts on paper: the second report and the comparison.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use overread_concordance::{Concordance, Overall, ReportSide, Span};
use overread_documents::concordance as comparison_paper;
use overread_documents::concordance::{
    Category, ConcordanceDocument, NotCompared, Place, Relation, ReportText, Row,
};
use overread_documents::letters::Letter;
use overread_documents::reports as paper;
use overread_documents::reports::{
    ExamLine, Material, OriginalReport, PatientLine, Practice, ReportDocument,
};
use overread_model::hidden::Hidden;
use overread_model::letter::Language;
use overread_model::report::{Addendum, ExamQuality, SignedReport, Signer};
use overread_model::text::counted;
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::checks::{self, StudyRow};
use overread_store::concordances::ConcordanceRow;
use overread_store::reports::ReportRow;
use overread_store::{Tx, original_reports};

use crate::casework::CaseFile;
use crate::comparing::{self, Correction};
use crate::{StepError, StepResult, Workflow, records, reporting};

/// Returns `MR lumbar spine, 2026-03-02, Riverside Imaging (5 series, 112 images)`.
pub(crate) fn material_line(row: &StudyRow) -> String {
    let (what, extent) = material_parts(row);
    format!("{what} ({extent})")
}

fn material_parts(row: &StudyRow) -> (String, String) {
    let date = records::readable_date(Some(&row.study_date));
    let description = row
        .study_description
        .clone()
        .unwrap_or_else(|| row.modalities.replace('\\', ", "));
    let parts = [
        description,
        date,
        row.institution_name.clone().unwrap_or_default(),
    ];
    let what: Vec<&str> = parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    (
        what.join(", "),
        extent(row.series_count, row.instance_count),
    )
}

/// Returns `5 series, 112 images`.
fn extent(series_count: i64, instance_count: i64) -> String {
    let count = usize::try_from(instance_count).unwrap_or_default();
    let images = counted(count, "image", "images");
    // One series and many are the same word.
    format!("{series_count} series, {images}")
}

fn practice(ctx: &Workflow) -> Practice {
    Practice {
        name: ctx.config.organisation.clone(),
        contact: vec![ctx.config.public_url.clone()],
        ..Practice::default()
    }
}

fn patient(file: &CaseFile) -> PatientLine {
    let who = &file.intake.who;
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    PatientLine {
        name: who.patient_name.clone(),
        birth_date: who.patient_birth_date.parse::<CalendarDate>().ok(),
        identifier: filled(&who.patient_mrn),
        sex: filled(&who.patient_sex),
    }
}

fn exam(file: &CaseFile) -> ExamLine {
    let exam = &file.intake.exam;
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    ExamLine {
        name: file.row.title.clone(),
        date: exam.date.parse::<CalendarDate>().ok(),
        facility: filled(&exam.facility),
        accession: filled(&exam.accession),
    }
}

fn signature(
    signer: &Signer,
    signed_at: Timestamp,
    digest: &str,
    version: u32,
) -> paper::Signature {
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    paper::Signature {
        name: signer.name.clone(),
        credentials: signer.credentials.clone(),
        subspecialty: filled(&signer.subspecialty),
        license: filled(&signer.licence),
        conflict_statement: filled(&signer.conflict_statement),
        signed_at,
        digest: digest.to_owned(),
        version,
    }
}

fn addendum(addendum: &Addendum) -> paper::Addendum {
    let text = format!("{}\n\n{}", addendum.reason, addendum.text);
    paper::Addendum {
        text: Hidden(text),
        signature: signature(
            &addendum.signer,
            addendum.signed_at,
            addendum.hash.as_str(),
            addendum.number,
        ),
    }
}

/// Gathers the paper of the signed report.
pub(crate) async fn report(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    row: &ReportRow,
) -> StepResult<ReportDocument> {
    let signed = reporting::signed_content(row)?;
    let addenda = reporting::addenda_of(tx, &row.id).await?;
    let studies = checks::studies(tx, &file.case_id).await?;
    let last = addenda
        .last()
        .map_or(signed.signed_at, |addendum| addendum.signed_at);
    let text = |key: &str| signed.sections.get(key).cloned().unwrap_or_default();
    let limitations: Vec<String> =
        serde_json::from_str(&row.limitations).map_err(StepError::internal)?;
    let opened_at = file.task.as_ref().and_then(|task| task.original_opened_at);
    let locked_at = file
        .task
        .as_ref()
        .and_then(|task| task.first_impression_at)
        .map(Timestamp::from_micros);
    Ok(ReportDocument {
        practice: practice(ctx),
        patient: patient(file),
        exam: exam(file),
        case_number: file.row.number.clone().unwrap_or_default(),
        requested_by: requested_by(file),
        standing: if addenda.is_empty() {
            paper::Standing::Final
        } else {
            paper::Standing::FinalWithAddendum
        },
        question: text("request"),
        clinical: text("clinical"),
        materials: materials(&signed, &studies),
        not_seen: limitations,
        original_report: match (file.facts.report.original_present, opened_at) {
            (true, Some(_)) => OriginalReport::ReadAfter(locked_at),
            _ => OriginalReport::NotAvailable,
        },
        comparison: text("comparison"),
        quality: quality(signed.quality),
        quality_text: text("technique_quality"),
        findings: text("findings"),
        impression: text("impression"),
        agreement: agreement(&signed),
        alternatives: text("alternatives"),
        next_steps: text("recommendations"),
        urgent: text("urgent"),
        limits: text("limits"),
        plain: text("plain"),
        signature: Some(signature(
            &signed.signer,
            signed.signed_at,
            signed.hash.as_str(),
            signed.version,
        )),
        addenda: addenda.iter().map(addendum).collect(),
        utc_offset_minutes: offset(ctx),
        // The same signed text gives the same paper, whenever it is printed.
        ..ReportDocument::blank(signed.language, last)
    })
}

fn offset(ctx: &Workflow) -> i16 {
    i16::try_from(ctx.config.calendar.ahead_of_utc_minutes).unwrap_or_default()
}

/// The reviewer's own list of materials stands first, the counts of the archive beside it.
fn materials(signed: &SignedReport, studies: &[StudyRow]) -> Vec<Material> {
    let typed = signed
        .sections
        .get("materials")
        .map(String::as_str)
        .unwrap_or_default();
    let lines: Vec<Material> = typed
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| Material {
            what: line.trim().to_owned(),
            extent: String::new(),
        })
        .collect();
    if !lines.is_empty() {
        return lines;
    }
    studies
        .iter()
        .map(material_parts)
        .map(|(what, extent)| Material { what, extent })
        .collect()
}

fn requested_by(file: &CaseFile) -> String {
    let who = &file.intake.who;
    match who.requester.as_str() {
        "patient" | "" => String::new(),
        "parent_guardian" => format!("{} ({})", who.sender_name, who.relation),
        _ => who.sender_name.clone(),
    }
}

fn agreement(signed: &SignedReport) -> String {
    let overall = signed.agreement.title(signed.language);
    match signed.sections.get("agreement") {
        Some(text) => format!("{overall}.\n\n{text}"),
        None => format!("{overall}."),
    }
}

const fn quality(quality: ExamQuality) -> paper::ExamQuality {
    match quality {
        ExamQuality::Diagnostic => paper::ExamQuality::Diagnostic,
        ExamQuality::Limited => paper::ExamQuality::Limited,
        ExamQuality::NonDiagnostic => paper::ExamQuality::NonDiagnostic,
    }
}

/// Prints a report where waiting for the typesetter does no harm.
pub(crate) async fn print_report(document: ReportDocument) -> StepResult<Bytes> {
    let printed = tokio::task::spawn_blocking(move || paper::render_pdf(&document));
    Ok(Bytes::from(
        printed
            .await
            .map_err(StepError::internal)?
            .map_err(StepError::internal)?,
    ))
}

/// The paper of a comparison.
pub(crate) enum ComparisonPaper {
    /// Statement beside statement.
    Aligned(Box<ConcordanceDocument>),
    /// Why nothing could be set side by side, and both reports in full.
    Uncompared(Box<Letter>),
}

/// Gathers the paper of a comparison.
pub(crate) async fn comparison(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    compared: (&ConcordanceRow, &[Addendum]),
    signed: &SignedReport,
) -> StepResult<ComparisonPaper> {
    let (row, addenda) = compared;
    let concordance: Concordance =
        serde_json::from_str(&row.result).map_err(StepError::internal)?;
    let corrections: Vec<Correction> =
        serde_json::from_str(&row.corrections).map_err(StepError::internal)?;
    let concordance = comparing::as_judged(concordance.marked_when_old(), &corrections);
    let original = original_reports::newest(tx, &file.case_id).await?;
    let (author, date) = original.map_or((String::new(), None), |row| {
        (row.author, row.report_date.parse::<CalendarDate>().ok())
    });
    let decision = row
        .overall
        .as_deref()
        .and_then(comparing::overall_named)
        .zip(row.decided_at)
        .map(|(overall, at)| comparison_paper::Decision {
            category: category(overall),
            note: Hidden(row.note.clone()),
            signature: signature(
                &signed.signer,
                Timestamp::from_micros(at),
                signed.hash.as_str(),
                signed.version,
            ),
        });
    let document = ConcordanceDocument {
        language: signed.language,
        practice: practice(ctx),
        patient: patient(file),
        exam: exam(file),
        case_number: file.row.number.clone().unwrap_or_default(),
        original: ReportText {
            author,
            date,
            text: Hidden(row.original_text.clone()),
        },
        second: ReportText {
            author: signed.signer.name.clone(),
            date: Some(signed.signed_at.date()),
            text: Hidden(row.second_text.clone()),
        },
        proposed: concordance.overall.map(category),
        coverage_percent: (concordance.coverage.clamp(0.0, 1.0) * 100.0).floor() as u8,
        rows: printed_rows(&concordance.items, &corrections),
        not_compared: concordance.not_compared.into_iter().map(passage).collect(),
        doubts: addendum_lines(row, addenda, signed.language)
            .chain(
                concordance
                    .guard
                    .problems
                    .into_iter()
                    .map(|one| one.message),
            )
            .collect(),
        reasons: concordance.reasons,
        decision,
        engine: row.engine_version.clone(),
        made_at: Timestamp::from_micros(row.decided_at.unwrap_or(row.made_at)),
        utc_offset_minutes: offset(ctx),
    };
    Ok(if concordance.comparable {
        ComparisonPaper::Aligned(Box::new(document))
    } else {
        ComparisonPaper::Uncompared(Box::new(comparison_paper::uncompared(&document)))
    })
}

/// Returns what of the addenda must be read before the comparison.
fn addendum_lines(
    row: &ConcordanceRow,
    addenda: &[Addendum],
    language: Language,
) -> impl Iterator<Item = String> {
    let lines = addenda.iter().rev().map(move |addendum| {
        let at = addendum.signed_at.date();
        let (first, apart) = match language {
            Language::En => (
                format!(
                    "Addendum of {}, after the report was signed: read this first.",
                    at.in_english()
                ),
                "It is not part of this comparison.",
            ),
            Language::Es => (
                format!("Adenda del {at}, posterior a la firma del informe: léala primero."),
                "No forma parte de esta comparación.",
            ),
        };
        let apart = comparing::lacks(row, addendum).then_some(apart);
        let parts = [Some(first.as_str()), apart];
        let signed = [&addendum.reason, &addendum.text].map(|part| Some(part.trim()));
        let parts = parts.into_iter().chain(signed).flatten();
        parts
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    lines.collect::<Vec<_>>().into_iter()
}

fn printed_rows(items: &[overread_concordance::Item], corrections: &[Correction]) -> Vec<Row> {
    let judged = |at| corrections.iter().find(|one| one.item_idx == at);
    let rows = items.iter().enumerate();
    rows.filter_map(|(at, item)| printed_row(item, judged(at)))
        .collect()
}

fn printed_row(item: &overread_concordance::Item, judged: Option<&Correction>) -> Option<Row> {
    let places = |spans: &Option<Vec<Span>>| {
        let spans = spans.iter().flatten();
        spans
            .map(|span| Place {
                start: span.start,
                end: span.end,
            })
            .collect()
    };
    let subject = [
        Some(overread_concordance::words_of(&item.finding)),
        item.site.clone(),
        item.side.clone(),
    ];
    Some(Row {
        number: item.n,
        relation: Relation::from_name(item.class.name())?,
        critical: item.critical,
        subject: Hidden(subject.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        sentence: Hidden(item.sentence.clone()),
        original: places(&item.original),
        second: places(&item.second),
        variation: item.variation,
        variation_note: item.variation_note.clone(),
        reviewer: judged.map(|one| Hidden(one.note.clone())),
    })
}

fn passage(passage: overread_concordance::NotCompared) -> NotCompared {
    NotCompared {
        in_second: passage.report == ReportSide::Second,
        text: Hidden(passage.span.text),
        reason: passage.reason,
    }
}

const fn category(overall: Overall) -> Category {
    match overall {
        Overall::Confirms => Category::Confirms,
        Overall::Refines => Category::Refines,
        Overall::ChangesManagement => Category::ChangesManagement,
    }
}

/// Prints a comparison where waiting for the typesetter does no harm.
pub(crate) async fn print_comparison(paper: ComparisonPaper) -> StepResult<Bytes> {
    let printed = tokio::task::spawn_blocking(move || match paper {
        ComparisonPaper::Aligned(document) => comparison_paper::render_pdf(&document),
        ComparisonPaper::Uncompared(letter) => letter.to_pdf(),
    });
    Ok(Bytes::from(
        printed
            .await
            .map_err(StepError::internal)?
            .map_err(StepError::internal)?,
    ))
}
