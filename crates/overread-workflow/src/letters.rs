//! Letters of a case: drafted with live preview, made final as a locked PDF, sent with their clock.

mod changed;
mod filling;
mod paper;
mod saving;
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

use crate::casework::{self, CaseFile};
use crate::{StepError, StepResult, Workflow, checking, reading};

pub use changed::ChangedFact;
pub(crate) use changed::sent_astray;
pub use paper::{finalise, pdf, text};
pub use saving::{LetterDraft, save_draft};
pub(crate) use sending::{PROVIDER_REQUEST, asks_for_records, sent_of};
pub use sending::{SentLetterRow, answered, extended, sent};

use changed::{changed_in, follow, kept_of, outdated};
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
    /// What it says that the case does not say any more; of one that was sent, who and which exam it names.
    pub changed: Vec<ChangedFact>,
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
    /// Stands for what the case says, to hand back with what was typed beside it.
    pub facts_mark: String,
    /// What the case says otherwise since the draft was saved: filled in anew, or words of the draft's own to look at. The
    /// draft does not go out before it is saved again.
    pub changed: Vec<ChangedFact>,
    /// Fields in order.
    pub fields: Vec<LetterField>,
    /// What is missing before it can be final.
    pub problems: Vec<crate::FieldProblem>,
    /// What names the other side than the exam of the letter, in words: to be looked at, and no reason to keep the letter.
    pub other_side: Vec<String>,
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
            .map(|row| row_of(ctx, &file, row))
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
    let mut changed = Vec::new();
    if let Some(draft) = &draft {
        let kept = kept_of(draft)?;
        changed = changed_in(ctx, &file, kind, language, &kept);
        values.extend(kept.values);
        follow(ctx, &file, kind, &changed, &mut values);
    }
    let form = form_of(ctx, &file, kind, language, draft.as_ref(), &values, now);
    Ok(LetterForm { changed, ..form })
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

fn row_of(ctx: &Workflow, file: &CaseFile, row: Row) -> StepResult<LetterRow> {
    // What was corrected is told to nobody who reads the case before the lock.
    let tells = file.rights.contains(&Right::WriteLetters) && !reading::is_before_lock(file);
    Ok(LetterRow {
        changed: match tells {
            true => outdated(ctx, file, &row)?,
            false => Vec::new(),
        },
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
