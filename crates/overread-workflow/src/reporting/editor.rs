//! The fields of the report's editor and of the signed report.

use overread_model::letter::Language;
use overread_model::report::{
    AGREEMENT_KEY, ExamQuality, OverallAgreement, QUALITY_KEY, ReportDraft, SignContext,
    SignedReport,
};
use overread_model::time::Timestamp;
use overread_store::{Tx, reports};

use super::{KeptVersion, SectionField, Sections};
use crate::casework::CaseFile;
use crate::{StepError, StepResult, Workflow, printing, reading};

/// Sections that the editor does not show: each has its own way.
pub(super) const NOT_IN_EDITOR: [&str; 2] = ["addendum", "key_images"];

pub(super) fn kept_of(row: reports::KeptRow) -> StepResult<KeptVersion> {
    let draft: ReportDraft = serde_json::from_str(&row.draft).map_err(StepError::internal)?;
    let mut sections = draft.sections;
    sections.extend(
        draft
            .quality
            .map(|quality| (QUALITY_KEY.to_owned(), quality.as_str().to_owned())),
    );
    sections.extend(
        draft
            .agreement
            .map(|agreement| (AGREEMENT_KEY.to_owned(), agreement.as_str().to_owned())),
    );
    Ok(KeptVersion {
        kept_id: row.id,
        saved_at: Timestamp::from_micros(row.saved_at),
        sections,
    })
}

/// Returns the sections of the signed report that have text, with the two judgements in words.
pub(crate) fn signed_fields(ctx: &Workflow, signed: &SignedReport) -> Vec<SectionField> {
    let field = |key: &str, title: &str, text: &str| SectionField {
        key: key.to_owned(),
        title: title.to_owned(),
        hint: String::new(),
        required: false,
        text: text.to_owned(),
        suggested: String::new(),
        choices: Vec::new(),
    };
    let language = signed.language;
    let mut fields = Vec::new();
    for entry in &ctx.knowledge.report.sections {
        if entry.id == "technique_quality" {
            fields.push(field(
                QUALITY_KEY,
                quality_title(language),
                signed.quality.title(language),
            ));
        }
        if entry.id == "agreement" {
            fields.push(field(
                AGREEMENT_KEY,
                agreement_title(language),
                signed.agreement.title(language),
            ));
        }
        if let Some(text) = signed.sections.get(&entry.id) {
            fields.push(field(&entry.id, entry.title(language), text));
        }
    }
    fields
}

pub(super) const fn quality_title(language: Language) -> &'static str {
    match language {
        Language::En => "Quality of the exam",
        Language::Es => "Calidad del estudio",
    }
}

pub(super) const fn agreement_title(language: Language) -> &'static str {
    match language {
        Language::En => "Agreement as a whole",
        Language::Es => "Concordancia en conjunto",
    }
}

/// Returns the editor's fields in order, the two judgements before the section they belong to.
pub(super) fn fields_of(
    ctx: &Workflow,
    draft: &ReportDraft,
    context: &SignContext,
    suggested: &Sections,
) -> Vec<SectionField> {
    let language = draft.language;
    let mut fields = Vec::new();
    for entry in &ctx.knowledge.report.sections {
        if NOT_IN_EDITOR.contains(&entry.id.as_str())
            || (entry.id == "urgent" && !context.urgent_opened)
        {
            continue;
        }
        if entry.id == "technique_quality" {
            fields.push(quality_field(draft));
        }
        if entry.id == "agreement" {
            fields.push(agreement_field(draft, context));
            if !context.original_present {
                continue;
            }
        }
        let offered = suggested.get(&entry.id).cloned();
        fields.push(SectionField {
            key: entry.id.clone(),
            title: entry.title(language).to_owned(),
            hint: entry
                .usual(language)
                .map_or_else(String::new, |usual| usual_hint(usual, language)),
            required: entry.required.applies(context),
            text: draft.sections.get(&entry.id).cloned().unwrap_or_default(),
            suggested: offered
                .or_else(|| entry.suggestion(language).map(str::to_owned))
                .unwrap_or_default(),
            choices: Vec::new(),
        });
    }
    fields
}

/// Returns how to say in a section that there is nothing to say: it must be written, for it is a judgement.
fn usual_hint(usual: &str, language: Language) -> String {
    match language {
        Language::En => format!("If that is so, write: {usual}."),
        Language::Es => format!("Si es así, escriba: {usual}."),
    }
}

/// Returns the draft as it will be signed: sections left empty hold the text that was offered for them.
pub(super) fn completed(
    ctx: &Workflow,
    mut draft: ReportDraft,
    suggested: &Sections,
) -> ReportDraft {
    let language = draft.language;
    for entry in &ctx.knowledge.report.sections {
        let text = draft.sections.entry(entry.id.clone()).or_default();
        if text.trim().is_empty() {
            let offered = suggested.get(&entry.id).map(String::as_str);
            *text = offered
                .or_else(|| entry.suggestion(language))
                .unwrap_or_default()
                .to_owned();
        }
    }
    draft.sections.retain(|_, text| !text.is_empty());
    draft
}

pub(super) fn quality_field(draft: &ReportDraft) -> SectionField {
    let language = draft.language;
    SectionField {
        key: QUALITY_KEY.to_owned(),
        title: quality_title(language).to_owned(),
        hint: String::new(),
        required: true,
        text: draft
            .quality
            .map_or_else(String::new, |quality| quality.as_str().to_owned()),
        suggested: String::new(),
        choices: ExamQuality::ALL
            .into_iter()
            .map(|value| (value.as_str().to_owned(), value.title(language).to_owned()))
            .collect(),
    }
}

pub(super) fn agreement_field(draft: &ReportDraft, context: &SignContext) -> SectionField {
    let language = draft.language;
    let fits = |value: &OverallAgreement| {
        (*value == OverallAgreement::NoOriginal) != context.original_present
    };
    let choices = OverallAgreement::ALL.into_iter().filter(fits);
    SectionField {
        key: AGREEMENT_KEY.to_owned(),
        title: agreement_title(language).to_owned(),
        hint: String::new(),
        required: context.original_present,
        text: draft
            .agreement
            .map_or_else(String::new, |agreement| agreement.as_str().to_owned()),
        suggested: String::new(),
        choices: choices
            .map(|value| (value.as_str().to_owned(), value.title(language).to_owned()))
            .collect(),
    }
}

/// Returns what the case already says, offered while a section is empty.
pub(super) async fn suggestions(tx: &mut Tx, file: &CaseFile) -> StepResult<Sections> {
    let why = &file.intake.why;
    let studies = reading::studies_shown(tx, file).await?;
    let materials: Vec<String> = studies.iter().map(printing::material_line).collect();
    // What somebody was told it is, and why they doubt it, comes from the first reading.
    let (told, doubt) = if reading::may_open(file) {
        (why.diagnosis.trim(), why.reason.trim())
    } else {
        ("", "")
    };
    let clinical: Vec<&str> = [why.symptoms.trim(), told]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    let question = if why.question.trim().is_empty() {
        doubt
    } else {
        why.question.trim()
    };
    let parts = [
        ("request", question.to_owned()),
        ("materials", materials.join("\n")),
        ("clinical", clinical.join("\n")),
    ];
    let filled = parts.into_iter().filter(|(_, text)| !text.is_empty());
    Ok(filled.map(|(key, text)| (key.to_owned(), text)).collect())
}
