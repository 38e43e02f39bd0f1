//! Letters on paper: made final and locked, as PDF and as plain text.

use bytes::Bytes;
use overread_documents::letters::Letter;
use overread_model::access::{Actor, Right};
use overread_model::ids::{CaseId, DocumentId, LetterId};
use overread_model::time::Timestamp;
use overread_store::documents;
use overread_store::letters as rows;

use super::changed::{Kept, kept_of, refuse_changed};
use super::filling::{case_facts, draft_letter};
use super::{kind_of, language_of, refuse_before_lock, writable};
use crate::casework::{self, CaseFile, Said};
use crate::{StepError, StepResult, Workflow, papers};

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
        let letter = draft_letter(ctx, &file, &row, now)?;
        let mut row = row;
        let kept = Kept {
            values: kept_of(&row)?.values,
            from_case: Some(case_facts(ctx, &file, kind)),
        };
        row.facts = serde_json::to_string(&kept).map_err(StepError::internal)?;
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
    refuse_changed(ctx, &file, &facts_row)?;
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
    let (file, row) = opened(ctx, actor, case_id, letter_id, now).await?;
    let Some(id) = row.document_id.as_deref() else {
        return Ok(Bytes::from(
            print(draft_letter(ctx, &file, &row, now)?).await?,
        ));
    };
    let id: DocumentId = id.parse().map_err(StepError::internal)?;
    let mut tx = ctx.store.read().await?;
    let paper = documents::find(&mut tx, &id)
        .await?
        .ok_or(StepError::NotFound)?;
    drop(tx);
    papers::bytes_of(ctx, &paper).await
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
    let (file, row) = opened(ctx, actor, case_id, letter_id, now).await?;
    match row.final_text {
        Some(text) => Ok(text),
        None => Ok(draft_letter(ctx, &file, &row, now)?.to_text()),
    }
}

/// Returns a letter with its case, and writes down that it was read.
async fn opened(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    now: Timestamp,
) -> StepResult<(CaseFile, rows::LetterRow)> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::ViewDocuments)?;
    refuse_before_lock(&file)?;
    let row = rows::find(&mut tx, case_id, letter_id)
        .await?
        .ok_or(StepError::NotFound)?;
    casework::note_read(&mut tx, actor, case_id, "letter", now).await?;
    tx.commit().await?;
    Ok((file, row))
}

/// Prints a letter where waiting for the typesetter does no harm.
async fn print(letter: Letter) -> StepResult<Vec<u8>> {
    let printed = tokio::task::spawn_blocking(move || letter.to_pdf());
    printed
        .await
        .map_err(StepError::internal)?
        .map_err(StepError::internal)
}
