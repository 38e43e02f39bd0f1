//! Images set aside since they contradict what is stored, and the coordinator who closes the matter.

use bytes::Bytes;
use overread_ingest::{Receipt, facts_of};
use overread_model::access::Actor;
use overread_model::case::CaseRole;
use overread_model::extent::Extent;
use overread_model::hidden::Hidden;
use overread_model::ids::CaseId;
use overread_model::problem::ProblemKind;
use overread_model::text::counted;
use overread_model::time::Timestamp;
use overread_model::verdict::Verdict;
use overread_store::audit::{self, AuditEvent};
use overread_store::deliveries::{self, Aside};
use overread_store::{Tx, checks};

use super::{StudyRow, readable_date, readable_name, study_of};
use crate::casework::{self, CaseFile, Said, checked_reason};
use crate::{StepError, StepResult, Workflow, limits, reading};

/// Images of one exam that were set aside for the same reason.
pub struct SetAside {
    /// DICOM's name of the exam they claim to belong to.
    pub study_instance_uid: String,
    /// The exam as it is stored; `None` when it is not stored any more.
    pub study: Option<StudyRow>,
    /// They name another patient than the exam; else other bytes are stored under their identifiers.
    pub names_another_patient: bool,
    /// The images, newest first.
    pub images: Vec<AsideImage>,
}

/// One image that was set aside.
pub struct AsideImage {
    /// Names it.
    pub id: String,
    /// Name of the file in its delivery; empty when that is not known.
    pub file: String,
    /// DICOM's name for it.
    pub sop_instance_uid: String,
    /// What it says of itself was read.
    pub was_read: bool,
    /// Patient as the image names them.
    pub patient_name: String,
    /// Birth date as the image gives it.
    pub patient_birth_date: String,
    /// Series and number, in words.
    pub place: String,
    /// Since when.
    pub since: Timestamp,
    extent: Extent,
}

/// What a coordinator closes.
pub struct Closing<'a> {
    /// DICOM's name of the exam.
    pub study: &'a str,
    /// Which of both reasons.
    pub names_another_patient: bool,
    /// How many images the page showed; others that came since are not closed unseen.
    pub count: usize,
    /// Which is right; `None` when that was not said.
    pub verdict: Option<Verdict>,
    /// How it is known which is right.
    pub reason: &'a str,
}

/// Lists the images set aside, grouped by exam and reason.
pub(super) async fn list(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<SetAside>> {
    let mut groups: Vec<SetAside> = Vec::new();
    let rows = deliveries::list_conflicts(tx, case_id, limits::ASIDE_SHOWN).await?;
    let names = file_names(tx, &rows).await?;
    for (row, file) in rows.into_iter().zip(names) {
        let names_another_patient = row.names_another_patient();
        let image = AsideImage {
            id: row.id,
            file,
            sop_instance_uid: row.sop_instance_uid,
            was_read: false,
            patient_name: String::new(),
            patient_birth_date: String::new(),
            place: String::new(),
            since: Timestamp::from_micros(row.created_at),
            extent: row.extent,
        };
        let uid = row.study_instance_uid;
        let known = groups.iter_mut().find(|group| {
            group.study_instance_uid == uid && group.names_another_patient == names_another_patient
        });
        match known {
            Some(group) => group.images.push(image),
            None => groups.push(SetAside {
                study: checks::study_by_uid(tx, &uid).await?.map(study_of),
                study_instance_uid: uid,
                names_another_patient,
                images: vec![image],
            }),
        }
    }
    Ok(groups)
}

/// Returns the file names of images set aside, where the receipt of their delivery leaves no doubt which file it was.
async fn file_names(tx: &mut Tx, rows: &[Aside]) -> StepResult<Vec<String>> {
    let mut names = Vec::new();
    for row in rows {
        let same =
            |other: &&Aside| other.delivery_id == row.delivery_id && other.reason == row.reason;
        let name = if rows.iter().filter(same).count() == 1 {
            only_file(tx, row).await?
        } else {
            None
        };
        names.push(name.unwrap_or_default());
    }
    Ok(names)
}

async fn only_file(tx: &mut Tx, row: &Aside) -> StepResult<Option<String>> {
    let id = row.delivery_id.parse().map_err(StepError::internal)?;
    let receipt = deliveries::find(tx, &id).await?.and_then(|row| row.receipt);
    let receipt: Option<Receipt> = receipt.and_then(|text| serde_json::from_str(&text).ok());
    let wanted = if row.names_another_patient() {
        ProblemKind::OtherPatient
    } else {
        ProblemKind::Conflict
    };
    let problems = receipt.into_iter().flat_map(|receipt| receipt.problems);
    let mut paths = problems
        .filter(|problem| problem.kind == wanted)
        .map(|problem| problem.path);
    let first = paths.next();
    Ok(first.filter(|_| paths.next().is_none()))
}

/// Adds what the first images say of themselves; outside any transaction, since it reads their files.
pub(super) async fn look(ctx: &Workflow, groups: &mut [SetAside]) {
    let images = groups.iter_mut().flat_map(|group| &mut group.images);
    for image in images.take(limits::ASIDE_LOOKED_AT) {
        let Some(facts) = facts_of(&ctx.archive, image.extent).await else {
            continue;
        };
        let shown = |text: &Option<Hidden<String>>| text.as_ref().map(|text| text.reveal().clone());
        image.was_read = true;
        image.patient_name = readable_name(shown(&facts.study.patient_name).as_deref());
        image.patient_birth_date = readable_date(shown(&facts.study.patient_birth_date).as_deref());
        let series = facts.series.series_description.unwrap_or_default();
        let number = facts
            .instance_number
            .map(|number| format!("image {number}"));
        let parts = [Some(series).filter(|text| !text.is_empty()), number];
        image.place = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    }
}

/// Closes the matter of images set aside, with which is right on record. What is stored stays in any case, and what was set aside
/// stays aside, with its bytes.
///
/// # Errors
/// `NotFound`, also for who reads the case and has not locked, `Forbidden` unless coordinator, `Invalid` without a reason,
/// `Stale` when other images wait than the page showed.
pub async fn close_aside(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    closing: &Closing<'_>,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    // Before anything is said of the form: who may not do this learns nothing of it.
    let file = for_coordinator(&mut tx, actor, case_id, now).await?;
    let reason = checked_reason(closing.reason)?;
    let verdict = closing
        .verdict
        .ok_or_else(|| StepError::invalid("right", "Say which is right."))?;
    let groups = list(&mut tx, case_id).await?;
    let group = groups.into_iter().find(|group| {
        group.study_instance_uid == closing.study
            && group.names_another_patient == closing.names_another_patient
    });
    let images = group.map(|group| group.images).unwrap_or_default();
    if images.is_empty() || images.len() != closing.count {
        return Err(StepError::Stale);
    }
    for image in &images {
        if !deliveries::settle_aside(&mut tx, &image.id, verdict, reason, now).await? {
            return Err(StepError::Stale);
        }
        let event = AuditEvent::new("aside.closed")
            .in_case(case_id)
            .on("conflict", &image.id)
            .with(serde_json::json!({ "verdict": verdict.as_str() }));
        audit::record(&mut tx, actor, &event, now).await?;
    }
    let count = counted(images.len(), "image", "images");
    let what = match verdict {
        Verdict::NewerIsRight => format!(
            "A coordinator decided that what was set aside ({count}) is right and not what is stored: it must be sent again, for a new case, with identifiers of its own"
        ),
        Verdict::StoredKept => {
            format!("A coordinator kept what is stored, and closed the matter of {count} set aside")
        }
    };
    let said = Said {
        note: reason,
        staff_only: true,
    };
    casework::note(&mut tx, &file, actor, "aside.decided", &what, said, now).await?;
    Ok(tx.commit().await?)
}

/// Returns the file of an image that was set aside, so that a coordinator can look at it; the reading is audited.
///
/// # Errors
/// `NotFound`, also for who reads the case and has not locked, `Forbidden` unless coordinator, `Limit` for a file that is too large.
pub async fn set_aside_file(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    id: &str,
    now: Timestamp,
) -> StepResult<Bytes> {
    let mut tx = ctx.store.begin().await?;
    for_coordinator(&mut tx, actor, case_id, now).await?;
    let rows = deliveries::list_conflicts(&mut tx, case_id, limits::ASIDE_SHOWN).await?;
    let row = rows.into_iter().find(|row| row.id == id);
    let extent = row.ok_or(StepError::NotFound)?.extent;
    if extent.length_bytes > limits::DOCUMENT_BYTES {
        return Err(StepError::Limit(
            "This file is too large to be opened here.".to_owned(),
        ));
    }
    let event = AuditEvent::new("aside.opened")
        .in_case(case_id)
        .on("conflict", id);
    audit::record(&mut tx, actor, &event, now).await?;
    casework::note_read(&mut tx, actor, case_id, "an image set aside", now).await?;
    tx.commit().await?;
    let read = ctx.archive.read(extent, 0..extent.length_bytes).await;
    read.map_err(StepError::internal)
}

async fn for_coordinator(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<CaseFile> {
    let file = casework::load(tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    if reading::is_before_lock(&file) {
        // As on the page of records: what was set aside may carry the first reading.
        return Err(StepError::NotFound);
    }
    Ok(file)
}
