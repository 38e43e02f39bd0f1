//! Saving what was typed into a letter, with what the case said beside it.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, LetterId};
use overread_model::letter::Language;
use overread_model::time::Timestamp;
use overread_store::letters::{self as rows, LetterRow as Row};

use super::changed::{Kept, kept_of, mark_of};
use super::filling::{case_facts, checked_values};
use super::{LetterValues, kind_of, language_of, writable};
use crate::casework::{self, Said};
use crate::{StepError, StepResult, Workflow, limits};

/// A draft as its form sends it.
pub struct LetterDraft<'a> {
    /// Kind.
    pub kind: &'a str,
    /// `en` or `es`.
    pub language: &'a str,
    /// Version of [`super::LetterForm`].
    pub version: i64,
    /// Mark of [`super::LetterForm`].
    pub facts_mark: &'a str,
    /// What was typed.
    pub values: &'a LetterValues,
}

/// Saves the draft and returns its id and new version. Where the case changed while it was typed, the facts that did are told
/// when it is opened again.
///
/// # Errors
/// As [`super::form`]; `Stale` when another tab saved; `Invalid` when a text is too long.
pub async fn save_draft(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    draft: &LetterDraft<'_>,
    now: Timestamp,
) -> StepResult<(LetterId, i64)> {
    let values = checked_values(ctx, draft.values)?;
    let version = draft.version;
    let mut tx = ctx.store.begin().await?;
    let file = writable(&mut tx, actor, case_id, now).await?;
    let kind = kind_of(ctx, &file, draft.kind)?;
    let language = language_of(draft.language);
    let known = rows::draft(&mut tx, case_id, &kind.id, language.as_str()).await?;
    let recipient = values.get("recipient.name").cloned().unwrap_or_default();
    let from_case = case_facts(ctx, &file, kind);
    let from_case = if mark_of(&from_case) == draft.facts_mark {
        Some(from_case)
    } else {
        known
            .as_ref()
            .map(kept_of)
            .transpose()?
            .and_then(|kept| kept.from_case)
    };
    let facts = serde_json::to_string(&Kept { values, from_case }).map_err(StepError::internal)?;
    if let Some(mut row) = known {
        row.version = version;
        (row.facts, row.recipient, row.changed_at) = (facts, recipient, now.as_micros());
        if !rows::update(&mut tx, &row).await? {
            return Err(StepError::Stale);
        }
        tx.commit().await?;
        return Ok((row.id.parse().map_err(StepError::internal)?, version + 1));
    }
    if version != 0 {
        return Err(StepError::Stale);
    }
    if rows::list(&mut tx, case_id).await?.len() >= limits::LETTERS_PER_CASE {
        return Err(StepError::Limit(
            "This case has too many letters.".to_owned(),
        ));
    }
    let letter_id = casework::new_id(LetterId::from_random)?;
    let row = new_row(
        &letter_id,
        case_id,
        actor,
        (&kind.id, language, facts, recipient),
        now,
    );
    rows::insert(&mut tx, &row).await.map_err(|error| {
        if error.is_unique_violation() {
            StepError::Stale
        } else {
            error.into()
        }
    })?;
    casework::note(
        &mut tx,
        &file,
        actor,
        "letter.drafted",
        "A letter was drafted",
        Said {
            note: "",
            staff_only: true,
        },
        now,
    )
    .await?;
    tx.commit().await?;
    Ok((letter_id, 1))
}

fn new_row(
    letter_id: &LetterId,
    case_id: &CaseId,
    actor: &Actor,
    what: (&str, Language, String, String),
    now: Timestamp,
) -> Row {
    let (kind, language, facts, recipient) = what;
    Row {
        id: letter_id.as_str().to_owned(),
        case_id: case_id.as_str().to_owned(),
        kind: kind.to_owned(),
        language: language.as_str().to_owned(),
        facts,
        state: "draft".to_owned(),
        version: 1,
        written_by: actor.id().to_owned(),
        created_at: now.as_micros(),
        changed_at: now.as_micros(),
        recipient,
        final_text: None,
        document_id: None,
        digest: None,
        finalised_at: None,
        channel: None,
        sent_at: None,
        answer_due_at: None,
        extended_at: None,
        extension_reason: None,
        answered_at: None,
    }
}
