//! Images that contradict what is stored and that no case shows, for administrators: they see names of attributes and digests,
//! never a value.

use overread_ingest::differing_attributes;
use overread_model::access::Actor;
use overread_model::extent::{Digest, Extent};
use overread_model::ids::TokenId;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::deliveries::{self, AsideWithoutCase};
use overread_store::{Tx, people, tokens};

use super::{exam_words, require_administrator};
use crate::casework::checked_reason;
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

/// Lists what was set aside outside of every case.
pub(super) async fn lines(tx: &mut Tx) -> StepResult<Vec<ConflictLine>> {
    let mut lines = Vec::new();
    for row in deliveries::list_aside_without_case(tx, limits::ASIDE_SHOWN).await? {
        lines.push(line(tx, row).await?);
    }
    Ok(lines)
}

async fn line(tx: &mut Tx, row: AsideWithoutCase) -> StepResult<ConflictLine> {
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
        from: sender(tx, &aside.delivery_id).await?,
        at: Timestamp::from_micros(aside.created_at),
    };
    let extents = stored.as_ref().map(|stored| (stored.extent, aside.extent));
    let stored = match stored {
        None => None,
        Some(stored) => Some(Copy {
            digest: shown(&stored.digest),
            length_bytes: stored.extent.length_bytes,
            from: sender(tx, &stored.delivery_id).await?,
            at: Timestamp::from_micros(stored.created_at),
        }),
    };
    Ok(ConflictLine {
        id: aside.id,
        exam: exam_words(&modalities, &study_date),
        study_instance_uid: aside.study_instance_uid,
        sop_instance_uid: aside.sop_instance_uid,
        names_another_patient,
        newer,
        stored,
        differing: None,
        extents,
    })
}

fn shown(digest: &Digest) -> String {
    let digits: Vec<String> = digest
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let (start, end) = (
        digits.get(..6),
        digits.get(digits.len().saturating_sub(3)..),
    );
    let text = |digits: Option<&[String]>| digits.unwrap_or_default().concat();
    format!("{}…{}", text(start), text(end))
}

/// Says who brought a delivery: a person, a machine by the name of its token, a DICOM peer by its title.
async fn sender(tx: &mut Tx, delivery_id: &str) -> StepResult<String> {
    let id = delivery_id.parse().map_err(StepError::internal)?;
    let Some(row) = deliveries::find(tx, &id).await? else {
        return Ok("somebody whose delivery is not known any more".to_owned());
    };
    if let Some(name) = people::name_of(tx, &row.actor_id).await? {
        return Ok(name);
    }
    if let Some(name) = tokens::name_of(tx, &row.actor_id).await? {
        return Ok(format!("the machine “{name}”"));
    }
    let title = row.actor_id.parse::<TokenId>().ok();
    let title = title.filter(|_| row.source == "dimse").and_then(|id| {
        // A peer has no token; its title stands for one.
        let title = String::from_utf8(id.to_bytes().to_vec()).ok()?;
        Some(title.trim_end().to_owned())
    });
    Ok(match title {
        Some(title) => format!("the DICOM peer {title}"),
        None if row.actor_kind == "system" => "a command on the server".to_owned(),
        None => "a connected machine".to_owned(),
    })
}

/// Adds what differs to the first lines; outside any transaction, since it reads their files.
pub(super) async fn compare(ctx: &Workflow, lines: &mut [ConflictLine]) {
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
    newer_is_right: Option<bool>,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    require_administrator(actor)?;
    let reason = checked_reason(reason)?;
    let newer_is_right =
        newer_is_right.ok_or_else(|| StepError::invalid("right", "Say which is right."))?;
    let word = deliveries::verdict(newer_is_right);
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let waiting = deliveries::list_aside_without_case(&mut tx, limits::ASIDE_ROWS).await?;
    if !waiting.iter().any(|row| row.aside.id == id) {
        return Err(StepError::Stale);
    }
    let resolution = format!("{word}: {reason}");
    if !deliveries::settle_aside(&mut tx, id, &resolution, now).await? {
        return Err(StepError::Stale);
    }
    let event = AuditEvent::new("aside.closed")
        .on("conflict", id)
        .with(serde_json::json!({ "verdict": word }));
    audit::record(&mut tx, actor, &event, now).await?;
    Ok(tx.commit().await?)
}
