//! Letters of a case.

use overread_model::access::{Actor, Right};
use overread_model::ids::{CaseId, LetterId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;

/// A letter's row.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LetterRow {
    /// `LetterId`.
    pub id: String,
    /// In which case.
    pub case_id: String,
    /// Kind.
    pub kind: String,
    /// `en` or `es`.
    pub language: String,
    /// What was typed, as JSON.
    pub facts: String,
    /// `draft`, `final`, `sent`, `answered`.
    pub state: String,
    /// Counts up with each save.
    pub version: i64,
    /// Who wrote it.
    pub written_by: String,
    /// UTC µs.
    pub created_at: i64,
    /// UTC µs.
    pub changed_at: i64,
    /// Receiver in words.
    pub recipient: String,
    /// Plain text, once final.
    pub final_text: Option<String>,
    /// The locked PDF, once final.
    pub document_id: Option<String>,
    /// Its digest.
    pub digest: Option<Vec<u8>>,
    /// UTC µs.
    pub finalised_at: Option<i64>,
    /// How it was sent.
    pub channel: Option<String>,
    /// UTC µs.
    pub sent_at: Option<i64>,
    /// Answer expected by, UTC µs.
    pub answer_due_at: Option<i64>,
    /// The one extension, UTC µs.
    pub extended_at: Option<i64>,
    /// Its reason.
    pub extension_reason: Option<String>,
    /// UTC µs.
    pub answered_at: Option<i64>,
}

macro_rules! columns {
    () => {
        "id, case_id, kind, language, facts, state, version, written_by, created_at, changed_at, recipient, final_text, \
         document_id, digest, finalised_at, channel, sent_at, answer_due_at, extended_at, extension_reason, answered_at"
    };
}

/// Adds a draft.
///
/// # Errors
/// When the database fails, or there is a draft of this kind and language already.
pub async fn insert(tx: &mut Tx, row: &LetterRow) -> StoreResult<()> {
    on!(tx, c => sqlx::query(
            "insert into letter (id, case_id, kind, language, facts, state, version, written_by, created_at, changed_at, \
             recipient) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(&row.id).bind(&row.case_id).bind(&row.kind).bind(&row.language).bind(&row.facts).bind(&row.state)
        .bind(row.version).bind(&row.written_by).bind(row.created_at).bind(row.changed_at).bind(&row.recipient)
        .execute(&mut *c).await?.rows_affected());
    Ok(())
}

/// Saves everything that changes in a letter when its version is still the one that was read; says whether it was.
///
/// # Errors
/// When the database fails.
pub async fn update(tx: &mut Tx, row: &LetterRow) -> StoreResult<bool> {
    let done = on!(tx, c => sqlx::query(
            "update letter set facts = $1, state = $2, changed_at = $3, recipient = $4, final_text = $5, document_id = $6, \
             digest = $7, finalised_at = $8, channel = $9, sent_at = $10, answer_due_at = $11, extended_at = $12, \
             extension_reason = $13, answered_at = $14, version = version + 1 where id = $15 and version = $16")
        .bind(&row.facts).bind(&row.state).bind(row.changed_at).bind(&row.recipient).bind(&row.final_text)
        .bind(&row.document_id).bind(&row.digest).bind(row.finalised_at).bind(&row.channel).bind(row.sent_at)
        .bind(row.answer_due_at).bind(row.extended_at).bind(&row.extension_reason).bind(row.answered_at)
        .bind(&row.id).bind(row.version)
        .execute(&mut *c).await?.rows_affected());
    Ok(done == 1)
}

/// Finds a letter of a case.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, case_id: &CaseId, id: &LetterId) -> StoreResult<Option<LetterRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from letter where id = $1 and case_id = $2"))
        .bind(id.as_str()).bind(case_id.as_str()).fetch_optional(&mut *c).await?),
    )
}

/// Finds the draft of a kind and language.
///
/// # Errors
/// When the database fails.
pub async fn draft(
    tx: &mut Tx,
    case_id: &CaseId,
    kind: &str,
    language: &str,
) -> StoreResult<Option<LetterRow>> {
    Ok(on!(tx, c => sqlx::query_as(concat!("select ", columns!(),
            " from letter where case_id = $1 and kind = $2 and language = $3 and state = 'draft'"))
        .bind(case_id.as_str()).bind(kind).bind(language).fetch_optional(&mut *c).await?))
}

/// Lists the letters of a case, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<LetterRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from letter where case_id = $1 order by created_at desc, id"))
        .bind(case_id.as_str()).fetch_all(&mut *c).await?),
    )
}

/// Lists sent letters whose answer is overdue, in cases the actor may see, longest first.
///
/// # Errors
/// When the database fails.
pub async fn overdue(
    tx: &mut Tx,
    actor: &Actor,
    now: Timestamp,
    limit: i64,
) -> StoreResult<Vec<LetterRow>> {
    Ok(
        on!(tx, c => sqlx::query_as(concat!("select ", columns!(), " from letter where answer_due_at <= $1 \
            and answered_at is null and state = 'sent' and ($2 = 1 or case_id in (select case_id from case_grant \
            where subject_kind = $3 and subject_id = $4 and right_ = $5 and revoked_at is null and from_at <= $1 \
            and (until_at is null or until_at > $1))) and case_id in (select id from case_ where ended_at is null) \
            order by answer_due_at, id limit $6"))
        .bind(now.as_micros()).bind(i64::from(actor.sees_every_case())).bind(actor.kind()).bind(actor.id())
        .bind(Right::ViewCase.as_str()).bind(limit)
        .fetch_all(&mut *c).await?),
    )
}
