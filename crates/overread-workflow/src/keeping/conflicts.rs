//! Images that contradict what is stored and that no case shows, for administrators: they see names of attributes and digests,
//! never a value.

use std::collections::BTreeMap;

use overread_ingest::differing_attributes;
use overread_model::access::Actor;
use overread_model::extent::{Digest, Extent};
use overread_model::time::Timestamp;
use overread_model::verdict::Verdict;
use overread_store::audit::{self, AuditEvent};
use overread_store::deliveries::{self, AsideWithoutCase};

use super::exam_words;
use crate::casework::checked_reason;
use crate::people::require_administrator;
use crate::senders::sender;
use crate::{StepError, StepResult, Workflow, limits};

/// An image that was set aside, beside what is stored.
pub struct ConflictLine {
    /// Names it.
    pub id: String,
    /// Modalities and date of the stored exam; empty when it is not stored.
    pub exam: String,
    /// DICOM's name of the exam that it claims to be of.
    pub study_instance_uid: String,
    /// DICOM's name for it.
    pub sop_instance_uid: String,
    /// It names another patient than its exam does; else other content is stored under its UID, or its exam is closed to whoever
    /// sent it.
    pub names_another_patient: bool,
    /// What was set aside.
    pub newer: Copy,
    /// What is stored under its UID.
    pub stored: Option<Copy>,
    /// Attributes that differ; `None` when they were not compared, and none when only pixel data do.
    pub differing: Option<Vec<String>>,
    extents: Option<(Extent, Extent)>,
}

/// One of both.
pub struct Copy {
    /// BLAKE3 of its bytes, the first and last digits.
    pub digest: String,
    /// How many bytes.
    pub length_bytes: u64,
    /// Who sent it, in words.
    pub from: String,
    /// When.
    pub at: Timestamp,
}

/// A page of what was set aside.
#[derive(Default)]
pub struct Conflicts {
    /// The newest first, at most [`limits::ASIDE_ON_A_PAGE`].
    pub lines: Vec<ConflictLine>,
    /// Behind how many the next page begins; `None` on the last.
    pub next: Option<u32>,
}

/// Lists what was set aside outside of every case behind the newest so many, with what differs for the first of it;
/// [`super::view`] audits the visit.
///
/// # Errors
/// `Forbidden` unless administrator.
pub async fn conflicts(ctx: &Workflow, actor: &Actor, after: u32) -> StepResult<Conflicts> {
    require_administrator(actor)?;
    let mut tx = ctx.store.read().await?;
    let page = limits::ASIDE_ON_A_PAGE;
    let mut rows = deliveries::list_aside_without_case(&mut tx, after, page + 1).await?;
    let has_more = rows.len() > page as usize;
    rows.truncate(page as usize);
    // A delivery may have brought all of them.
    let mut senders = BTreeMap::new();
    let deliveries = rows.iter().flat_map(|row| {
        let stored = row.stored.as_ref().map(|stored| &stored.delivery_id);
        [Some(&row.aside.delivery_id), stored].into_iter().flatten()
    });
    for id in deliveries {
        if !senders.contains_key(id) {
            senders.insert(id.clone(), sender(&mut tx, id).await?);
        }
    }
    drop(tx);
    let mut lines: Vec<ConflictLine> = rows.into_iter().map(|row| line(row, &senders)).collect();
    compare(ctx, &mut lines).await;
    Ok(Conflicts {
        lines,
        next: has_more.then(|| after.saturating_add(page)),
    })
}

fn line(row: AsideWithoutCase, senders: &BTreeMap<String, String>) -> ConflictLine {
    let from = |id: &String| senders.get(id).cloned().unwrap_or_default();
    let AsideWithoutCase {
        aside,
        stored,
        modalities,
        study_date,
    } = row;
    let names_another_patient = aside.names_another_patient();
    let newer = Copy {
        digest: shown(&aside.digest),
        length_bytes: aside.extent.length_bytes,
        from: from(&aside.delivery_id),
        at: Timestamp::from_micros(aside.created_at),
    };
    let extents = stored.as_ref().map(|stored| (stored.extent, aside.extent));
    let stored = stored.map(|stored| Copy {
        digest: shown(&stored.digest),
        length_bytes: stored.extent.length_bytes,
        from: from(&stored.delivery_id),
        at: Timestamp::from_micros(stored.created_at),
    });
    ConflictLine {
        id: aside.id,
        exam: exam_words(&modalities, &study_date),
        study_instance_uid: aside.study_instance_uid,
        sop_instance_uid: aside.sop_instance_uid,
        names_another_patient,
        newer,
        stored,
        differing: None,
        extents,
    }
}

fn shown(digest: &Digest) -> String {
    let digits = digest.to_string();
    let start = digits.get(..12).unwrap_or_default();
    let end = digits.get(digits.len().saturating_sub(6)..);
    format!("{start}…{}", end.unwrap_or_default())
}

/// Adds what differs to the first lines; outside any transaction, since it reads their files.
async fn compare(ctx: &Workflow, lines: &mut [ConflictLine]) {
    for line in lines.iter_mut().take(limits::ASIDE_LOOKED_AT) {
        if let Some((stored, newer)) = line.extents {
            line.differing = differing_attributes(&ctx.archive, stored, newer).await;
        }
    }
}

/// Closes the matter of an image that was set aside outside of every case, with which is right on record. What is stored stays in
/// any case, and what was set aside stays aside, with its bytes.
///
/// # Errors
/// `Forbidden` unless administrator; `Invalid` without a reason or without saying which is right; `Stale` when it was closed
/// meanwhile, or a case shows it by now.
pub async fn close_conflict(
    ctx: &Workflow,
    actor: &Actor,
    id: &str,
    verdict: Option<Verdict>,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    require_administrator(actor)?;
    let reason = checked_reason(reason)?;
    let verdict = verdict.ok_or_else(|| StepError::invalid("right", "Say which is right."))?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    if !deliveries::is_aside_without_case(&mut tx, id).await? {
        return Err(StepError::Stale);
    }
    if !deliveries::settle_aside(&mut tx, id, verdict, reason, now).await? {
        return Err(StepError::Stale);
    }
    let event = AuditEvent::new("aside.closed")
        .on("conflict", id)
        .with(serde_json::json!({ "verdict": verdict.as_str() }));
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}
