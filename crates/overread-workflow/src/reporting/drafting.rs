//! Writing the report: drafts, and versions kept beside them.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, ReportId};
use overread_model::time::Timestamp;
use overread_store::reports;

use super::{BEING_WRITTEN, Sections, draft_of, own_draft};
use crate::casework;
use crate::{StepError, StepResult, Workflow, limits};

/// What saving a draft led to.
pub enum DraftSaved {
    /// Kept as the newest.
    Saved {
        /// New version.
        version: i64,
        /// When.
        saved_at: Timestamp,
    },
    /// Another tab saved first: this text was kept beside it, nothing is lost.
    Conflict {
        /// Version of the newest draft.
        version: i64,
        /// Names the text that was kept beside.
        kept_id: String,
    },
}

/// Saves the draft's sections (those given; others stay).
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for an unknown section, a text too long, or a signed report.
pub async fn save_draft(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    fields: &Sections,
    now: Timestamp,
) -> StepResult<DraftSaved> {
    let edit = DraftEdit {
        version,
        fields,
        before: None,
    };
    autosave(ctx, actor, case_id, edit, now).await
}

/// What an editor sends while somebody writes.
#[derive(Clone, Copy)]
pub struct DraftEdit<'a> {
    /// Version that the text was based on.
    pub version: i64,
    /// Sections as they are now.
    pub fields: &'a Sections,
    /// Sections as this editor sent them last without hearing an answer; when the newest draft is just that, it is the
    /// editor's own, and what it sends now goes on from there.
    pub before: Option<&'a Sections>,
}

/// Saves the draft as [`save_draft`] does, and knows an editor's own text again when its answer was lost on the way:
/// a page that was left, a connection that broke.
///
/// # Errors
/// As [`save_draft`].
pub async fn autosave(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    edit: DraftEdit<'_>,
    now: Timestamp,
) -> StepResult<DraftSaved> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let task = file.own_task()?;
    file.require_state(
        &BEING_WRITTEN,
        "The report is not open for writing at present.",
    )?;
    let mut row = own_draft(&mut tx, actor, &file, task, now).await?;
    if row.signed_at.is_some() {
        return Err(StepError::invalid(
            "",
            "The report is signed and cannot change. Add an addendum instead.",
        ));
    }
    let stored = draft_of(&row)?;
    let with = |fields: &Sections| {
        let mut draft = stored.clone();
        draft
            .apply(fields, &ctx.knowledge.report)
            .map_err(StepError::Invalid)?;
        serde_json::to_string(&draft).map_err(StepError::internal)
    };
    let text = with(edit.fields)?;
    let unchanged = serde_json::to_string(&stored).map_err(StepError::internal)?;
    let newest = row.version;
    if newest != edit.version && text == unchanged {
        return Ok(DraftSaved::Saved {
            version: newest,
            saved_at: Timestamp::from_micros(row.saved_at),
        });
    }
    let is_own = match edit.before {
        Some(before) => with(before)? == unchanged,
        None => false,
    };
    if newest == edit.version || is_own {
        row.draft = text;
        row.saved_at = now.as_micros();
        if reports::save(&mut tx, &row).await? {
            tx.commit().await?;
            return Ok(DraftSaved::Saved {
                version: newest + 1,
                saved_at: now,
            });
        }
        return Err(StepError::Stale);
    }
    let kept_id = casework::new_id(ReportId::from_random)?.as_str().to_owned();
    let kept = reports::KeptRow {
        id: kept_id.clone(),
        saved_at: now.as_micros(),
        draft: text,
    };
    reports::keep(&mut tx, &row.id, &kept, limits::KEPT_VERSIONS).await?;
    tx.commit().await?;
    Ok(DraftSaved::Conflict {
        version: newest,
        kept_id,
    })
}

/// Drops a kept version after its writer has taken over what was needed.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn drop_kept(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    kept_id: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let row = reports::of_task(&mut tx, &file.own_task()?.id)
        .await?
        .ok_or(StepError::NotFound)?;
    if !reports::drop_kept(&mut tx, &row.id, kept_id).await? {
        return Err(StepError::NotFound);
    }
    Ok(tx.commit().await?)
}
