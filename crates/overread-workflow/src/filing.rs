//! Images that arrived for no case (by C-STORE, by STOW, from the command line), and the case a coordinator puts them into.

use std::collections::BTreeSet;

use overread_ingest::Receipt;
use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::studies::{self, StudyKey};
use overread_store::{Tx, checks, deliveries};

use crate::records::{self, StudyRow};
use crate::{StepError, StepResult, Workflow, limits};

/// A page of the studies that are in no case.
pub struct Unfiled {
    /// The first to arrive first, at most `limits::UNFILED_ON_A_PAGE`.
    pub studies: Vec<StudyRow>,
    /// How many there are in all.
    pub count: i64,
    /// Behind which study the next page begins; `None` on the last.
    pub next: Option<StudyKey>,
}

/// Lists the studies that are in no case and stand behind this one; the reading is audited.
///
/// # Errors
/// `NotFound` unless coordinator.
pub async fn list(
    ctx: &Workflow,
    actor: &Actor,
    after: StudyKey,
    now: Timestamp,
) -> StepResult<Unfiled> {
    coordinates(actor)?;
    let mut tx = ctx.store.begin().await?;
    let count = studies::count_unfiled(&mut tx).await?;
    let mut rows = studies::unfiled(&mut tx, after, limits::UNFILED_ON_A_PAGE as i64 + 1).await?;
    let has_more = rows.len() > limits::UNFILED_ON_A_PAGE;
    rows.truncate(limits::UNFILED_ON_A_PAGE);
    for study in &rows {
        let event = AuditEvent::new("study.listed").on("study", study.id);
        audit::record(&mut tx, actor, &event, now).await?;
    }
    tx.commit().await?;
    let last = rows.last().map(|study| StudyKey(study.id));
    Ok(Unfiled {
        next: last.filter(|_| has_more),
        studies: rows.into_iter().map(records::study_of).collect(),
        count,
    })
}

/// Puts a study that is in no case into one. Whose images they are is judged there as for every delivery: what names
/// another patient is held back.
///
/// # Errors
/// `NotFound` unless coordinator and for an unknown case, `Invalid` while the case takes no records or when a person decided
/// there that the images are another patient's, `Stale` when the study is in a case by now.
pub async fn put(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    study_instance_uid: &str,
    now: Timestamp,
) -> StepResult<()> {
    coordinates(actor)?;
    records::may_receive(ctx, actor, case_id, now).await?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let study = studies::lock_unfiled(&mut tx, study_instance_uid)
        .await?
        .ok_or(StepError::Stale)?;
    if studies::is_of_other_patient(&mut tx, StudyKey(study.id), case_id).await? {
        return Err(StepError::invalid(
            "case",
            "In this case somebody decided that these images are another patient's. They were not put into it. Choose the case of the patient they belong to.",
        ));
    }
    file_in(ctx, tx, actor, case_id, &study, now).await
}

/// Lists the exams that were sent to a case and are kept outside it: known from another case, or from none.
pub(crate) async fn outside(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<checks::StudyRow>> {
    let mut sent: BTreeSet<String> = BTreeSet::new();
    for delivery in deliveries::list_of_case(tx, case_id).await? {
        let receipt = delivery.receipt.as_deref();
        let receipt = receipt.and_then(|text| serde_json::from_str::<Receipt>(text).ok());
        let studies = receipt.into_iter().flat_map(|receipt| receipt.studies);
        sent.extend(studies.map(|study| study.study_instance_uid));
    }
    let aside = deliveries::list_aside(tx, Some(case_id), limits::ASIDE_ROWS).await?;
    sent.extend(aside.into_iter().map(|row| row.study_instance_uid));
    for row in checks::studies_to_judge(tx, case_id).await? {
        sent.remove(&row.study_instance_uid);
    }
    for row in checks::held_back(tx, case_id).await? {
        sent.remove(&row.study.study_instance_uid);
    }
    let mut outside = Vec::new();
    for uid in sent {
        let Some(row) = checks::study_by_uid(tx, &uid).await? else {
            continue;
        };
        let is_refused = studies::is_of_other_patient(tx, StudyKey(row.id), case_id).await?;
        if row.instance_count > 0 && !is_refused {
            outside.push(row);
        }
    }
    Ok(outside)
}

/// Takes an exam that was sent to a case and is kept outside it into the case, beside where it is. Whose images they are is
/// judged as for every delivery.
///
/// # Errors
/// `NotFound` unless coordinator, `Invalid` while the case takes no records, `Stale` when nothing of this exam waits.
pub async fn take_in(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    study_instance_uid: &str,
    now: Timestamp,
) -> StepResult<()> {
    coordinates(actor)?;
    records::may_receive(ctx, actor, case_id, now).await?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let study = outside(&mut tx, case_id)
        .await?
        .into_iter()
        .find(|row| row.study_instance_uid == study_instance_uid)
        .ok_or(StepError::Stale)?;
    file_in(ctx, tx, actor, case_id, &study, now).await
}

/// Links a study to the case, puts it on record, and judges it as what has arrived.
async fn file_in(
    ctx: &Workflow,
    mut tx: Tx,
    actor: &Actor,
    case_id: &CaseId,
    study: &checks::StudyRow,
    now: Timestamp,
) -> StepResult<()> {
    studies::link_pending(&mut tx, StudyKey(study.id), case_id, now).await?;
    let event = AuditEvent::new("study.filed")
        .in_case(case_id)
        .on("study", study.id);
    audit::record(&mut tx, actor, &event, now).await?;
    tx.commit().await?;
    let mut receipt = Receipt {
        duplicates: u64::try_from(study.instance_count).unwrap_or_default(),
        ..Receipt::default()
    };
    records::arrived(ctx, actor, case_id, &mut receipt, now).await
}

fn coordinates(actor: &Actor) -> StepResult<()> {
    match actor.role() {
        Some(Role::Coordinator) => Ok(()),
        _ => Err(StepError::NotFound),
    }
}
