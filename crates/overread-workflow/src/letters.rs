//! Letters of a case: drafted with live preview, made final as a locked PDF, sent with their clock.

mod filling;
mod paper;
mod sending;

use std::collections::BTreeMap;

use overread_model::access::Actor;
use overread_model::ids::{CaseId, DocumentId, LetterId};
use overread_model::time::Timestamp;

use overread_documents::letters::list;
use overread_model::access::Right;
use overread_model::letter::{Language, LetterKind, Requester};
use overread_store::Tx;
use overread_store::letters::{self as rows, LetterRow as Row};

use crate::casework::{self, CaseFile, Said};
use crate::{StepError, StepResult, Workflow, checking, limits, reading};

pub use paper::{finalise, pdf, text};
pub(crate) use sending::{PROVIDER_REQUEST, asks_for_records, sent_of};
pub use sending::{SentLetterRow, answered, extended, sent};

use filling::{checked_values, defaults, form_of};

/// A kind of letter that can be written in this case.
pub struct LetterKindRow {
    /// `second_opinion_request`.
    pub kind: String,
    /// In words.
    pub title: String,
    /// Why one would send it now; empty when nothing asks for it.
    pub suggested_because: String,
}

/// A letter of the case.
pub struct LetterRow {
    /// Names it.
    pub letter_id: LetterId,
    /// Kind.
    pub kind: String,
    /// In words.
    pub title: String,
    /// `en` or `es`.
    pub language: String,
    /// `draft`, `final`, `sent`, `answered`.
    pub state: String,
    /// Last change.
    pub updated_at: Timestamp,
    /// The locked PDF, once final.
    pub document_id: Option<DocumentId>,
    /// Its BLAKE3 digest in hex, once final.
    pub digest: Option<String>,
}

/// What the page of letters shows.
pub struct LettersView {
    /// Kinds that can be written, suggested ones first.
    pub kinds: Vec<LetterKindRow>,
    /// Letters so far, newest first.
    pub letters: Vec<LetterRow>,
    /// Sent ones with their clocks.
    pub sent: Vec<SentLetterRow>,
    /// This reader may write.
    pub may_write: bool,
}

/// One field of a letter's form.
pub struct LetterField {
    /// Key: `sender.name`.
    pub key: String,
    /// Label in the page's language.
    pub label: String,
    /// `text`, `multiline`, `date`, `email`, `phone`, `list`, `enum`.
    pub input: String,
    /// Choices of an enum: value, and words in the letter's language.
    pub choices: Vec<(String, String)>,
    /// One line of help; may be empty.
    pub hint: String,
    /// The letter needs it.
    pub required: bool,
    /// Value so far: typed, or taken from the case.
    pub value: String,
}

/// The form of one letter.
pub struct LetterForm {
    /// Kind.
    pub kind: String,
    /// In words.
    pub title: String,
    /// Language of the letter.
    pub language: String,
    /// The draft, once saved.
    pub letter_id: Option<LetterId>,
    /// Version of the draft to hand back; 0 before the first save.
    pub version: i64,
    /// Fields in order.
    pub fields: Vec<LetterField>,
    /// What is missing before it can be final.
    pub problems: Vec<crate::FieldProblem>,
    /// Labels of what the letter prints as it was typed, where that may be another language than the letter's.
    pub as_typed: Vec<String>,
    /// Preview as safe HTML (escaped by the renderer); gaps are marked while facts are missing.
    pub preview_html: String,
}

/// What was typed into a letter's form.
pub type LetterValues = BTreeMap<String, String>;

/// Returns the page of letters.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<LettersView> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::ViewDocuments)?;
    let language = language_of(&file.intake.who.language);
    let asked = checking::letters_asked_for(&mut tx, case_id).await?;
    let requester = requester_of(&file);
    let mut kinds: Vec<LetterKindRow> = list(&ctx.knowledge.letters)
        .iter()
        .filter(|kind| kind.requesters.contains(&requester))
        .map(|kind| LetterKindRow {
            kind: kind.id.clone(),
            title: kind.title.of(language).clone(),
            suggested_because: asked
                .iter()
                .find(|(asked, _)| *asked == kind.id)
                .map_or_else(String::new, |(_, why)| why.clone()),
        })
        .collect();
    kinds.sort_by_key(|kind| kind.suggested_because.is_empty());
    let letters = rows::list(&mut tx, case_id).await?;
    Ok(LettersView {
        kinds,
        letters: letters
            .into_iter()
            .map(|row| row_of(ctx, row))
            .collect::<StepResult<_>>()?,
        sent: sent_of(&mut tx, ctx, case_id, now).await?,
        may_write: file.rights.contains(&Right::WriteLetters) && !file.state.is_end(),
    })
}

/// Returns a letter's form, filled from the draft if there is one, else from the case.
///
/// # Errors
/// `NotFound` for the case or an unknown kind, `Forbidden`.
pub async fn form(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    kind: &str,
    language: &str,
    now: Timestamp,
) -> StepResult<LetterForm> {
    let mut tx = ctx.store.read().await?;
    let file = writable(&mut tx, actor, case_id, now).await?;
    refuse_before_lock(&file)?;
    let kind = kind_of(ctx, &file, kind)?;
    let language = language_of(language);
    let draft = rows::draft(&mut tx, case_id, &kind.id, language.as_str()).await?;
    let mut values = defaults(&mut tx, ctx, &file, kind, language, now).await?;
    if let Some(draft) = &draft {
        values.extend(values_of(draft)?);
    }
    Ok(form_of(
        ctx,
        &file,
        kind,
        language,
        draft.as_ref(),
        &values,
        now,
    ))
}

/// Returns the preview of what is typed, saving nothing.
///
/// # Errors
/// As [`form`].
pub async fn preview(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    kind: &str,
    language: &str,
    values: &LetterValues,
    now: Timestamp,
) -> StepResult<LetterForm> {
    let mut tx = ctx.store.read().await?;
    let file = writable(&mut tx, actor, case_id, now).await?;
    let kind = kind_of(ctx, &file, kind)?;
    let language = language_of(language);
    let draft = rows::draft(&mut tx, case_id, &kind.id, language.as_str()).await?;
    Ok(form_of(
        ctx,
        &file,
        kind,
        language,
        draft.as_ref(),
        &checked_values(ctx, values)?,
        now,
    ))
}

/// Saves the draft and returns its id and new version.
///
/// # Errors
/// As [`form`]; `Stale` when another tab saved; `Invalid` when a text is too long.
#[expect(
    clippy::too_many_arguments,
    reason = "a letter is named by case, kind and language"
)]
pub async fn save_draft(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    kind: &str,
    language: &str,
    version: i64,
    values: &LetterValues,
    now: Timestamp,
) -> StepResult<(LetterId, i64)> {
    let values = checked_values(ctx, values)?;
    let mut tx = ctx.store.begin().await?;
    let file = writable(&mut tx, actor, case_id, now).await?;
    let kind = kind_of(ctx, &file, kind)?;
    let language = language_of(language);
    let facts = serde_json::to_string(&values).map_err(StepError::internal)?;
    let recipient = values.get("recipient.name").cloned().unwrap_or_default();
    if let Some(mut row) = rows::draft(&mut tx, case_id, &kind.id, language.as_str()).await? {
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

fn language_of(text: &str) -> Language {
    if text == "es" {
        Language::Es
    } else {
        Language::En
    }
}

fn requester_of(file: &CaseFile) -> Requester {
    file.intake.who.requester.parse().unwrap_or_default()
}

/// Loads a case in which the actor may write letters.
async fn writable(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CaseFile> {
    let file = casework::load(tx, actor, case_id, now).await?;
    file.require(Right::WriteLetters)?;
    if file.state.is_end() {
        return Err(StepError::invalid(
            "",
            "The case has ended; no letters are written any more.",
        ));
    }
    Ok(file)
}

/// A letter may print the first reading; that there is one is told to nobody who may not open it.
fn refuse_before_lock(file: &CaseFile) -> StepResult<()> {
    if reading::is_before_lock(file) {
        return Err(StepError::NotFound);
    }
    Ok(())
}

fn kind_of<'a>(ctx: &'a Workflow, file: &CaseFile, kind: &str) -> StepResult<&'a LetterKind> {
    let found = ctx
        .knowledge
        .letters
        .letter(kind)
        .ok_or(StepError::NotFound)?;
    if found.requesters.contains(&requester_of(file)) {
        Ok(found)
    } else {
        Err(StepError::NotFound)
    }
}

fn values_of(row: &Row) -> StepResult<LetterValues> {
    serde_json::from_str(&row.facts).map_err(StepError::internal)
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

fn row_of(ctx: &Workflow, row: Row) -> StepResult<LetterRow> {
    Ok(LetterRow {
        title: title_of(ctx, &row.kind, &row.language),
        letter_id: row.id.parse().map_err(StepError::internal)?,
        kind: row.kind,
        language: row.language,
        state: row.state,
        updated_at: Timestamp::from_micros(row.changed_at),
        document_id: row
            .document_id
            .map(|id| id.parse())
            .transpose()
            .map_err(StepError::internal)?,
        digest: row
            .digest
            .map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect()),
    })
}

fn title_of(ctx: &Workflow, kind: &str, language: &str) -> String {
    let kind = ctx
        .knowledge
        .letters
        .letter(kind)
        .map(|found| found.title.of(language_of(language)).clone());
    kind.unwrap_or_else(|| "Letter".to_owned())
}
