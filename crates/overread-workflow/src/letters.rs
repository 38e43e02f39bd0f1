//! Letters of a case: drafted with live preview, made final as a locked PDF, sent with their clock.

use std::collections::BTreeMap;

use bytes::Bytes;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, DocumentId, LetterId};
use overread_model::time::Timestamp;

use crate::{StepResult, Workflow};

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

/// A letter that was sent, with its clock.
pub struct SentLetterRow {
    /// The letter.
    pub letter_id: LetterId,
    /// In words.
    pub title: String,
    /// Receiver.
    pub recipient: String,
    /// `post`, `fax`, `email`, `portal`, `in_person`.
    pub channel: String,
    /// When.
    pub sent_at: Timestamp,
    /// Answer expected by (records letters: 30 days, 45 CFR 164.524(b)(2)).
    pub answer_due_at: Option<Timestamp>,
    /// Answered.
    pub answered_at: Option<Timestamp>,
    /// Past its time.
    pub overdue: bool,
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
    /// Choices of an enum.
    pub choices: Vec<String>,
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
    /// Preview as safe HTML (escaped by the renderer).
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
    crate::unfinished((ctx, actor, case_id, now))
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
    crate::unfinished((ctx, actor, case_id, kind, language, now))
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
    crate::unfinished((ctx, actor, case_id, kind, language, values.len(), now))
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
    crate::unfinished((
        ctx,
        actor,
        case_id,
        kind,
        language,
        version,
        values.len(),
        now,
    ))
}

/// Makes the letter final: the PDF is kept in the archive with its digest, the text is locked.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` with what is missing.
pub async fn finalise(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    version: i64,
    now: Timestamp,
) -> StepResult<DocumentId> {
    crate::unfinished((ctx, actor, case_id, letter_id, version, now))
}

/// Notes that the final letter was sent; a records letter starts its 30-day clock.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for an unknown channel or a letter that is not final.
pub async fn sent(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    channel: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, letter_id, channel, now))
}

/// Notes that a sent letter was answered: its clock stops.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn answered(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, letter_id, now))
}

/// Notes the facility's one written extension of 30 days.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for a second one or after the first 30 days.
pub async fn extended(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, letter_id, reason, now))
}

/// Returns the PDF: the locked one when final, else one made from the draft (watermarked by its file name only).
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` with what is missing.
pub async fn pdf(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    now: Timestamp,
) -> StepResult<Bytes> {
    crate::unfinished((ctx, actor, case_id, letter_id, now))
}

/// Returns the letter as plain text.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` with what is missing.
pub async fn text(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    now: Timestamp,
) -> StepResult<String> {
    crate::unfinished((ctx, actor, case_id, letter_id, now))
}
