//! Letters of a case: drafted with live preview, made final as a locked PDF, sent with their clock.

mod filling;

use std::collections::BTreeMap;

use bytes::Bytes;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, DocumentId, LetterId};
use overread_model::time::Timestamp;

use overread_documents::letters::{Letter, list};
use overread_model::access::Right;
use overread_model::letter::{Language, LetterKind, Requester};
use overread_store::letters::{self as rows, LetterRow as Row};
use overread_store::{Tx, documents};

use crate::casework::{self, CaseFile, Said, checked_reason};
use crate::{StepError, StepResult, Workflow, checking, consenting, limits, papers};

use filling::{checked_values, composed, defaults, draft_letter, form_of};

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
    let (letter, kind_title, facts_row) = {
        let mut tx = ctx.store.read().await?;
        let file = writable(&mut tx, actor, case_id, now).await?;
        let row = rows::find(&mut tx, case_id, letter_id)
            .await?
            .ok_or(StepError::NotFound)?;
        if row.state != "draft" || row.version != version {
            return Err(StepError::Stale);
        }
        let kind = kind_of(ctx, &file, &row.kind)?;
        let language = language_of(&row.language);
        let letter = composed(ctx, &file, kind, language, &values_of(&row)?, now)
            .map_err(StepError::Invalid)?;
        (letter, kind.title.of(language).clone(), row)
    };
    let text = letter.to_text();
    let pdf = print(letter).await?;
    let digest = blake3::hash(&pdf);
    let name = format!("{kind_title}.pdf");
    let paper = papers::NewPaper {
        case_id,
        name: &name,
        media_type: "application/pdf",
        kind: papers::LETTER,
        bytes: pdf,
    };
    let document_id = papers::keep(ctx, paper, now).await?;
    let mut tx = ctx.store.begin().await?;
    let file = writable(&mut tx, actor, case_id, now).await?;
    let mut row = facts_row;
    row.state = "final".to_owned();
    row.final_text = Some(text);
    row.document_id = Some(document_id.as_str().to_owned());
    row.digest = Some(digest.as_bytes().to_vec());
    row.finalised_at = Some(now.as_micros());
    row.changed_at = now.as_micros();
    if !rows::update(&mut tx, &row).await? {
        return Err(StepError::Stale);
    }
    let said = Said {
        note: &kind_title,
        staff_only: false,
    };
    casework::note(
        &mut tx,
        &file,
        actor,
        "letter.final",
        "A letter was made final",
        said,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(document_id)
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
    if !CHANNELS.contains(&channel) {
        return Err(StepError::invalid("channel", "Choose how it was sent."));
    }
    change(
        ctx,
        actor,
        case_id,
        letter_id,
        ("letter.sent", "A letter was sent"),
        now,
        |row, file| {
            if row.state != "final" {
                return Err(StepError::invalid(
                    "",
                    "Make the letter final first; it is sent once.",
                ));
            }
            row.state = "sent".to_owned();
            row.channel = Some(channel.to_owned());
            row.sent_at = Some(now.as_micros());
            if row.kind == PROVIDER_REQUEST {
                let span = overread_model::duration::Span::BusinessDays(PROVIDER_ANSWER_DAYS);
                row.answer_due_at = Some(ctx.config.calendar.after(now, span).as_micros());
            } else if asks_for_records(&row.kind) {
                // 45 CFR 164.524(b)(2): 30 calendar days after receipt; counted from the sending, as the earliest day.
                row.answer_due_at = Some(now.plus_days(limits::RECORDS_CLOCK_DAYS).as_micros());
            }
            if asks_for_records(&row.kind) && file.facts.records.requested_at.is_none() {
                file.facts.records.requested_at = Some(now);
                file.facts.records.provider_to_provider = row.kind == PROVIDER_REQUEST;
            }
            Ok(())
        },
    )
    .await
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
    change(
        ctx,
        actor,
        case_id,
        letter_id,
        ("letter.answered", "A letter was answered"),
        now,
        |row, _| {
            if row.state != "sent" {
                return Err(StepError::invalid(
                    "",
                    "Only a letter that was sent and not answered yet can be answered.",
                ));
            }
            row.state = "answered".to_owned();
            row.answered_at = Some(now.as_micros());
            Ok(())
        },
    )
    .await
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
    let reason = checked_reason(reason)?;
    change(
        ctx,
        actor,
        case_id,
        letter_id,
        (
            "letter.extended",
            "The facility took its one extension of 30 days",
        ),
        now,
        |row, _| {
            let due_at = row
                .answer_due_at
                .filter(|due_at| row.state == "sent" && *due_at > now.as_micros());
            let (Some(due_at), None) = (due_at, row.extended_at) else {
                // 45 CFR 164.524(b)(2)(iii): once, in writing, within the first 30 days.
                return Err(StepError::invalid(
                    "",
                    "An extension holds once, when it comes in writing within the first 30 days.",
                ));
            };
            row.extended_at = Some(now.as_micros());
            row.extension_reason = Some(reason.to_owned());
            row.answer_due_at = Some(
                Timestamp::from_micros(due_at)
                    .plus_days(limits::RECORDS_CLOCK_DAYS)
                    .as_micros(),
            );
            Ok(())
        },
    )
    .await
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
    let letter = {
        let mut tx = ctx.store.begin().await?;
        let file = casework::load(&mut tx, actor, case_id, now).await?;
        file.require(Right::ViewDocuments)?;
        let row = rows::find(&mut tx, case_id, letter_id)
            .await?
            .ok_or(StepError::NotFound)?;
        casework::note_read(&mut tx, actor, case_id, "letter", now).await?;
        tx.commit().await?;
        if let Some(id) = row.document_id.as_deref() {
            let id: DocumentId = id.parse().map_err(StepError::internal)?;
            let mut tx = ctx.store.read().await?;
            let paper = documents::find(&mut tx, &id)
                .await?
                .ok_or(StepError::NotFound)?;
            drop(tx);
            return papers::bytes_of(ctx, &paper).await;
        }
        draft_letter(ctx, &file, &row, now)?
    };
    Ok(Bytes::from(print(letter).await?))
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
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::ViewDocuments)?;
    let row = rows::find(&mut tx, case_id, letter_id)
        .await?
        .ok_or(StepError::NotFound)?;
    casework::note_read(&mut tx, actor, case_id, "letter", now).await?;
    tx.commit().await?;
    match row.final_text.clone() {
        Some(text) => Ok(text),
        None => Ok(draft_letter(ctx, &file, &row, now)?.to_text()),
    }
}

/// Kind of the letter from one practice to another.
pub(crate) const PROVIDER_REQUEST: &str = "provider_records_request";
/// What we ask of a practice that another practice writes to, business days.
const PROVIDER_ANSWER_DAYS: u32 = 5;
/// How a letter can go out.
const CHANNELS: [&str; 5] = ["post", "fax", "email", "portal", "in_person"];

/// Says whether a letter asks a facility for records, and so starts the records clock.
pub(crate) fn asks_for_records(kind: &str) -> bool {
    kind == PROVIDER_REQUEST || kind == "records_request_access"
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

/// Changes a letter by a rule, with its line in the timeline.
async fn change(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    what: (&'static str, &str),
    now: Timestamp,
    rule: impl FnOnce(&mut Row, &mut CaseFile) -> StepResult<()>,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = writable(&mut tx, actor, case_id, now).await?;
    let mut row = rows::find(&mut tx, case_id, letter_id)
        .await?
        .ok_or(StepError::NotFound)?;
    if what.0 == "letter.sent"
        && file.facts.intake.submitted_at.is_some()
        && !file.wears(overread_model::case::CaseRole::Requester)
    {
        consenting::require_scope(&mut tx, case_id, "letters", now).await?;
    }
    let asked_before = file.facts.records.requested_at;
    rule(&mut row, &mut file)?;
    row.changed_at = now.as_micros();
    if !rows::update(&mut tx, &row).await? {
        return Err(StepError::Stale);
    }
    let collecting = file.state == overread_model::case::CaseState::RecordsCollecting;
    if collecting
        && (asked_before.is_none() && file.facts.records.requested_at.is_some()
            || row.extended_at == Some(now.as_micros()))
    {
        // The facility's clock is the case's clock while records are collected.
        file.row.due_at = row.answer_due_at;
        file.save(&mut tx).await?;
    }
    let said = Said {
        note: &row.recipient,
        staff_only: false,
    };
    casework::note(&mut tx, &file, actor, what.0, what.1, said, now).await?;
    Ok(tx.commit().await?)
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

/// Lists the letters that were sent, with their clocks.
pub(crate) async fn sent_of(
    tx: &mut Tx,
    ctx: &Workflow,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Vec<SentLetterRow>> {
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let mut list = Vec::new();
    for row in rows::list(tx, case_id).await? {
        let Some(sent_at) = at(row.sent_at) else {
            continue;
        };
        let (due_at, answered_at) = (at(row.answer_due_at), at(row.answered_at));
        list.push(SentLetterRow {
            letter_id: row.id.parse().map_err(StepError::internal)?,
            title: title_of(ctx, &row.kind, Language::En.as_str()),
            recipient: row.recipient,
            channel: row.channel.unwrap_or_default(),
            sent_at,
            overdue: answered_at.is_none() && due_at.is_some_and(|due_at| due_at <= now),
            answer_due_at: due_at,
            answered_at,
        });
    }
    Ok(list)
}

/// Prints a letter where waiting for the typesetter does no harm.
async fn print(letter: Letter) -> StepResult<Vec<u8>> {
    let printed = tokio::task::spawn_blocking(move || letter.to_pdf());
    printed
        .await
        .map_err(StepError::internal)?
        .map_err(StepError::internal)
}
