//! Fills a letter from the case, and says what is missing.

use overread_documents::letters::{
    FactProblem, Letter, LetterFacts, compose, concerns, facts_from_pairs, form as form_fields,
    own_words, preview as preview_of,
};
use overread_model::choosing::AskedExam;
use overread_model::letter::{Choice, Field, FieldKind, Language, LetterKind, Requester};
use overread_model::time::Timestamp;
use overread_store::letters::LetterRow as Row;
use overread_store::{Tx, checks};

use super::changed::{kept_of, mark_of, refuse_changed};
use super::{
    LetterField, LetterForm, LetterValues, asks_for_records, kind_of, language_of, requester_of,
};
use crate::casework::{CaseFile, checked_text};
use crate::{FieldProblem, StepError, StepResult, Workflow, checking, limits};

/// Keeps known fields only, each of a length a letter can have.
pub(super) fn checked_values(ctx: &Workflow, values: &LetterValues) -> StepResult<LetterValues> {
    let mut kept = LetterValues::new();
    for (key, value) in values
        .iter()
        .filter(|(key, _)| ctx.knowledge.letters.fields.contains_key(*key))
    {
        kept.insert(
            key.clone(),
            checked_text(key, value, limits::LONG_TEXT_CHARACTERS, None)?.to_owned(),
        );
    }
    Ok(kept)
}

/// Returns what the case already says, for a letter's form.
pub(super) async fn defaults(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    kind: &LetterKind,
    language: Language,
    now: Timestamp,
) -> StepResult<LetterValues> {
    let mut values = case_facts(ctx, file, kind);
    values.insert("today".to_owned(), now.date().to_string());
    for (key, items) in &kind.default_lists {
        let mut items = items.of(language).clone();
        if key == "scope.items" && asks_for_records(&kind.id) {
            let missing = checking::missing_items(tx, &file.case_id, language).await?;
            items.splice(0..0, missing);
        }
        values.insert(key.clone(), items.join("\n"));
    }
    let enclosed = kind.enclosures_of(requester_of(file));
    if !enclosed.is_empty() && kind.required.iter().any(|key| key == "enclosures") {
        let has_images = !checks::studies(tx, &file.case_id).await?.is_empty();
        let enclosed = enclosed
            .into_iter()
            .filter(|id| has_images || *id != "images");
        values.insert(
            "enclosures".to_owned(),
            enclosed.collect::<Vec<_>>().join("\n"),
        );
    }
    Ok(values)
}

/// Returns the answers of the request that a letter repeats.
pub(super) fn case_facts(ctx: &Workflow, file: &CaseFile, kind: &LetterKind) -> LetterValues {
    let (who, exam, why) = (&file.intake.who, &file.intake.exam, &file.intake.why);
    // The name of the account may be another one than that on the records.
    let patient_writes = requester_of(file) == Requester::Patient;
    let sender_name = if patient_writes {
        &who.patient_name
    } else {
        &who.sender_name
    };
    let mut pairs = vec![
        ("sender.name", sender_name.as_str()),
        ("sender.credentials", &who.sender_credentials),
        ("sender.address", &who.sender_address),
        ("sender.phone", &who.sender_phone),
        ("sender.email", &who.sender_email),
        ("patient.name", &who.patient_name),
        ("patient.dob", &who.patient_birth_date),
        ("patient.mrn", &who.patient_mrn),
        ("relation", &who.relation),
        ("authority", &who.authority),
        ("exam.modality", &exam.modality),
        ("exam.name", &exam.name),
        ("exam.body_part_label", &exam.body_part),
        ("exam.date", &exam.date),
        ("exam.facility", &exam.facility),
        ("exam.accession", &exam.accession),
        ("symptoms", &why.symptoms),
        ("diagnosis.text", &why.diagnosis),
        ("reason", &why.reason),
        ("question", &why.question),
        ("pcp.name", &why.physician_name),
        ("pcp.phone", &why.physician_phone),
        ("pcp.role", &why.physician_role),
    ];
    pairs.extend(recipient_of(ctx, file, kind));
    let filled = pairs
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty());
    filled
        .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
        .collect()
}

/// Returns whom a letter of this kind goes to, as far as the case says it.
pub(super) fn recipient_of<'a>(
    ctx: &'a Workflow,
    file: &'a CaseFile,
    kind: &LetterKind,
) -> Vec<(&'static str, &'a str)> {
    let exam = &file.intake.exam;
    match kind.id.as_str() {
        id if asks_for_records(id) || id == "records_reminder" => vec![
            ("recipient.kind", "facility"),
            ("recipient.name", &exam.facility),
            ("recipient.address", &exam.facility_address),
        ],
        "followup_treating_physician" => {
            vec![
                ("recipient.kind", "doctor"),
                ("recipient.name", &file.intake.why.physician_name),
            ]
        }
        "second_opinion_request" => vec![
            ("recipient.kind", "group"),
            ("recipient.name", &ctx.config.organisation),
        ],
        _ => Vec::new(),
    }
}

fn facts_of(
    ctx: &Workflow,
    file: &CaseFile,
    values: &LetterValues,
    left_out: &[FactProblem],
) -> Result<LetterFacts, Vec<FactProblem>> {
    let requester = requester_of(file);
    let pairs = values
        .iter()
        .filter(|(key, _)| left_out.iter().all(|problem| problem.field != **key))
        // The case says who writes; what it said of another requester before does not count any more.
        .filter(|(key, _)| concerns(key, requester))
        .map(|(key, value)| (key.as_str(), value.as_str()));
    facts_from_pairs(
        &ctx.knowledge.letters,
        pairs.chain([("requester", requester.as_str())]),
    )
}

/// Writes the letter, or says what is missing.
pub(super) fn composed(
    ctx: &Workflow,
    file: &CaseFile,
    kind: &LetterKind,
    language: Language,
    values: &LetterValues,
    now: Timestamp,
) -> Result<Letter, Vec<FieldProblem>> {
    let shown = |problems| shown(problems, language);
    let facts = facts_of(ctx, file, values, &[]).map_err(shown)?;
    compose(&ctx.knowledge.letters, kind, &facts, language, now.date()).map_err(shown)
}

fn shown(problems: Vec<FactProblem>, language: Language) -> Vec<FieldProblem> {
    problems
        .into_iter()
        .map(|problem| FieldProblem::new(problem.field.clone(), problem.message(language)))
        .collect()
}

/// Shows the letter as far as it goes, with gaps marked, and says what is missing or wrong.
fn previewed(
    ctx: &Workflow,
    file: &CaseFile,
    kind: &LetterKind,
    language: Language,
    values: &LetterValues,
    now: Timestamp,
) -> Previewed {
    let wrong = facts_of(ctx, file, values, &[]).err().unwrap_or_default();
    let Ok(facts) = facts_of(ctx, file, values, &wrong) else {
        return Previewed {
            problems: shown(wrong, language),
            ..Previewed::default()
        };
    };
    let preview = preview_of(&ctx.knowledge.letters, kind, &facts, language, now.date());
    let mut problems = preview.problems;
    problems.retain(|problem| wrong.iter().all(|known| known.field != problem.field));
    problems.extend(wrong);
    // The pages ask in English, and who speaks Spanish may answer in it.
    let may_differ = language == Language::Es || file.intake.who.language == Language::Es.as_str();
    let as_typed = if may_differ {
        own_words(&ctx.knowledge.letters, kind, &facts, language)
    } else {
        Vec::new()
    };
    Previewed {
        html: preview.html,
        problems: shown(problems, language),
        as_typed: as_typed.into_iter().map(str::to_owned).collect(),
    }
}

#[derive(Default)]
struct Previewed {
    html: String,
    problems: Vec<FieldProblem>,
    as_typed: Vec<String>,
}

pub(super) fn draft_letter(
    ctx: &Workflow,
    file: &CaseFile,
    row: &Row,
    now: Timestamp,
) -> StepResult<Letter> {
    refuse_changed(ctx, file, row)?;
    let kind = kind_of(ctx, file, &row.kind)?;
    composed(
        ctx,
        file,
        kind,
        language_of(&row.language),
        &kept_of(row)?.values,
        now,
    )
    .map_err(StepError::Invalid)
}

pub(super) fn form_of(
    ctx: &Workflow,
    file: &CaseFile,
    kind: &LetterKind,
    language: Language,
    draft: Option<&Row>,
    values: &LetterValues,
    now: Timestamp,
) -> LetterForm {
    let previewed = previewed(ctx, file, kind, language, values, now);
    let fields = form_fields(&ctx.knowledge.letters, kind, requester_of(file));
    LetterForm {
        kind: kind.id.clone(),
        title: kind.title.of(language).clone(),
        language: language.as_str().to_owned(),
        letter_id: draft.and_then(|row| row.id.parse().ok()),
        version: draft.map_or(0, |row| row.version),
        facts_mark: mark_of(&case_facts(ctx, file, kind)),
        changed: Vec::new(),
        fields: fields
            .into_iter()
            .map(|entry| LetterField {
                key: entry.key.to_owned(),
                label: entry.field.label.of(language).clone(),
                input: input_of(entry.field.kind).to_owned(),
                choices: choices_of(ctx, entry.field)
                    .iter()
                    .map(|choice| (choice.id.clone(), choice.of(language).to_owned()))
                    .collect(),
                hint: entry
                    .field
                    .hint
                    .as_ref()
                    .map_or_else(String::new, |hint| hint.of(language).clone()),
                required: entry.required,
                value: value_of(ctx, entry.field, values.get(entry.key), language),
            })
            .collect(),
        other_side: on_other_side(ctx, kind, file, language, values),
        problems: previewed.problems,
        as_typed: previewed.as_typed,
        preview_html: previewed.html,
    }
}

/// Fields in people's own words.
const OWN_WORDS: [&str; 4] = ["symptoms", "diagnosis.text", "reason", "question"];

/// Says which own words of a letter name the other side than its exam.
fn on_other_side(
    ctx: &Workflow,
    kind: &LetterKind,
    file: &CaseFile,
    language: Language,
    values: &LetterValues,
) -> Vec<String> {
    let said = |key: &str| values.get(key).map(String::as_str).unwrap_or_default();
    let asked = AskedExam {
        name: said("exam.name"),
        body_part: said("exam.body_part_label"),
        ..AskedExam::default()
    };
    let fields = form_fields(&ctx.knowledge.letters, kind, requester_of(file));
    let own = fields
        .into_iter()
        .filter(|entry| OWN_WORDS.contains(&entry.key));
    own.filter_map(|entry| {
        let told = asked.differs_in_side(said(entry.key), &ctx.knowledge.specialties)?;
        Some(format!("{}: {told}", entry.field.label.of(language)))
    })
    .collect()
}

const fn input_of(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Multiline => "multiline",
        FieldKind::Date => "date",
        FieldKind::Email => "email",
        FieldKind::Phone => "phone",
        FieldKind::List => "list",
        FieldKind::Choice => "enum",
        FieldKind::Text => "text",
    }
}

pub(super) fn choices_of<'a>(ctx: &'a Workflow, field: &Field) -> &'a [Choice] {
    let list = field.choices.as_deref();
    list.and_then(|name| ctx.knowledge.letters.choices.get(name))
        .map_or(&[], Vec::as_slice)
}

/// Returns a value as its field shows it: the items of a list in words, since people type words there.
fn value_of(ctx: &Workflow, field: &Field, value: Option<&String>, language: Language) -> String {
    let value = value.map(String::as_str).unwrap_or_default();
    if field.kind != FieldKind::List {
        return value.to_owned();
    }
    let choices = choices_of(ctx, field);
    let words = |item: &str| {
        let known = choices.iter().find(|choice| choice.id == item.trim());
        known.map_or_else(|| item.to_owned(), |choice| choice.of(language).to_owned())
    };
    value.lines().map(words).collect::<Vec<_>>().join("\n")
}
