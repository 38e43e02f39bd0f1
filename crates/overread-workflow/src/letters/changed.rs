//! Facts of the case that changed after a letter took them: a draft must not go out with them, and what went out is told.

use overread_documents::letters::form as form_fields;
use overread_model::letter::{Field, FieldKind, Language, LetterKind};
use overread_model::text::folded;
use overread_store::Tx;
use overread_store::letters::{self as rows, LetterRow as Row};
use serde::{Deserialize, Serialize};

use super::filling::{case_facts, choices_of};
use super::{LetterValues, kind_of, requester_of, sending, title_of};
use crate::casework::CaseFile;
use crate::{StepError, StepResult, Workflow};

/// What a draft keeps.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Every field as it was saved.
    pub(super) values: LetterValues,
    /// What the case said when somebody last saw it beside the letter; nothing when nobody did.
    pub(super) from_case: Option<LetterValues>,
}

/// A fact of a letter that the case tells otherwise by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFact {
    /// Key of its field: `exam.name`.
    pub key: String,
    /// Label of its field.
    pub label: String,
    /// What the letter says.
    pub letter: String,
    /// What the case says now.
    pub case: String,
    /// The letter had it from the case, so it follows; else it has words of its own, which stay until somebody looks.
    pub follows: bool,
}

/// What names the patient and the exam: a letter that went out with another of these may have led somebody astray.
const TELLING: [&str; 8] = [
    "patient.name",
    "patient.dob",
    "patient.mrn",
    "exam.modality",
    "exam.name",
    "exam.body_part_label",
    "exam.date",
    "exam.accession",
];

/// Reads what a letter keeps; one from before only its values were kept knows nothing of the case.
pub(super) fn kept_of(row: &Row) -> StepResult<Kept> {
    if let Ok(kept) = serde_json::from_str(&row.facts) {
        return Ok(kept);
    }
    Ok(Kept {
        values: serde_json::from_str(&row.facts).map_err(StepError::internal)?,
        from_case: None,
    })
}

/// Returns a mark that changes with the facts of the case, for a form to hand back.
pub(super) fn mark_of(facts: &LetterValues) -> String {
    let mut hasher = blake3::Hasher::new();
    for (key, value) in facts {
        for text in [key, value] {
            hasher.update(&text.len().to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Returns which facts of a letter the case tells otherwise since they were last seen together.
pub(super) fn changed_in(
    ctx: &Workflow,
    file: &CaseFile,
    kind: &LetterKind,
    language: Language,
    kept: &Kept,
) -> Vec<ChangedFact> {
    let now = case_facts(ctx, file, kind);
    let fields = form_fields(&ctx.knowledge.letters, kind, requester_of(file));
    let text = |values: &LetterValues, key: &str| values.get(key).cloned().unwrap_or_default();
    let mut changed = Vec::new();
    for entry in fields {
        let (letter, case) = (text(&kept.values, entry.key), text(&now, entry.key));
        let seen = kept.from_case.as_ref().map(|seen| text(seen, entry.key));
        let is_of_case =
            now.contains_key(entry.key) || seen.as_ref().is_some_and(|seen| !seen.is_empty());
        if !is_of_case || letter == case || seen.as_ref() == Some(&case) {
            continue;
        }
        changed.push(ChangedFact {
            key: entry.key.to_owned(),
            label: entry.field.label.of(language).clone(),
            follows: seen.as_ref() == Some(&letter),
            letter: in_words(ctx, entry.field, letter, language),
            case: in_words(ctx, entry.field, case, language),
        });
    }
    changed
}

fn in_words(ctx: &Workflow, field: &Field, value: String, language: Language) -> String {
    let known = choices_of(ctx, field)
        .iter()
        .find(|choice| field.kind == FieldKind::Choice && choice.id == value);
    known.map_or(value, |choice| choice.of(language).to_owned())
}

/// Puts what the case says now where the letter only repeated what it said before.
pub(super) fn follow(
    ctx: &Workflow,
    file: &CaseFile,
    kind: &LetterKind,
    changed: &[ChangedFact],
    values: &mut LetterValues,
) {
    let now = case_facts(ctx, file, kind);
    for fact in changed.iter().filter(|fact| fact.follows) {
        let case = now.get(&fact.key).cloned().unwrap_or_default();
        values.insert(fact.key.clone(), case);
    }
}

/// Refuses a draft that says what the case does not say any more.
pub(super) fn refuse_changed(ctx: &Workflow, file: &CaseFile, row: &Row) -> StepResult<()> {
    let kind = kind_of(ctx, file, &row.kind)?;
    let changed = changed_in(ctx, file, kind, Language::En, &kept_of(row)?);
    if changed.is_empty() {
        return Ok(());
    }
    let labels: Vec<&str> = changed.iter().map(|fact| fact.label.as_str()).collect();
    Err(StepError::invalid(
        "",
        format!(
            "The request was corrected after this letter was saved: {}. Open the letter, read it and save it again.",
            labels.join(", ")
        ),
    ))
}

/// Returns what a locked letter says that the case does not say any more; of one that went out, who and which exam it names.
pub(super) fn outdated(ctx: &Workflow, file: &CaseFile, row: &Row) -> StepResult<Vec<ChangedFact>> {
    let kept = kept_of(row)?;
    let Ok(kind) = kind_of(ctx, file, &row.kind) else {
        return Ok(Vec::new());
    };
    let is_locked = row.state != "draft";
    if is_locked && kept.from_case.is_none() {
        return Ok(Vec::new());
    }
    let mut changed = changed_in(ctx, file, kind, Language::En, &kept);
    if is_locked && row.state != "final" {
        changed.retain(|fact| TELLING.contains(&fact.key.as_str()));
    }
    Ok(changed)
}

/// Tells of the letters that went out naming another patient or exam than the case does now, unless a newer one of the kind
/// went out right to the same recipient: what a hospital was told right leaves another one misled.
pub(crate) async fn sent_astray(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
) -> StepResult<Vec<String>> {
    let mut told = Vec::new();
    let mut right: Vec<Row> = Vec::new();
    let mut sent = rows::list(tx, &file.case_id).await?;
    sent.retain(|row| row.sent_at.is_some());
    sent.sort_by_key(|row| std::cmp::Reverse(row.sent_at));
    for row in sent {
        let changed = outdated(ctx, file, &row)?;
        if changed.is_empty() {
            right.push(row);
            continue;
        }
        let corrects = |one: &Row| {
            one.kind == row.kind
                && folded(&one.recipient) == folded(&row.recipient)
                && one.sent_at > row.sent_at
        };
        if right.iter().any(corrects) {
            continue;
        }
        let facts: Vec<String> = changed.iter().map(sending::told).collect();
        told.push(format!(
            "{} to {}: {}",
            title_of(ctx, &row.kind, Language::En.as_str()),
            row.recipient,
            facts.join("; ")
        ));
    }
    Ok(told)
}
