//! Images that arrived for no case (by C-STORE, by STOW, from the command line), and the case a coordinator puts them into.

use std::collections::BTreeMap;

use overread_ingest::Receipt;
use overread_model::access::{Actor, Role};
use overread_model::completeness::{Belonging, belonging};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::audit::{self, AuditEvent};
use overread_store::studies::{self, StudyKey};
use overread_store::{Tx, cases, checks, deliveries};

use crate::casework::{self, Said, checked_reason};
use crate::checking;
use crate::records::{self, StudyRow};
use crate::{StepError, StepResult, Workflow, limits, reading};

/// An exam that was sent to a case and is kept outside it.
pub(crate) struct Outside {
    /// The exam as it is stored.
    pub(crate) study: checks::StudyRow,
    /// How many of its stored images the largest delivery to this case held, where this person may know it.
    pub(crate) sent_count: Option<i64>,
}

/// What a coordinator takes into a case that was kept outside it.
#[derive(Clone, Copy)]
pub struct TakeIn<'a> {
    /// DICOM's name of the exam.
    pub study: &'a str,
    /// How many images of it the page showed; it is not taken in when there are others by now.
    pub image_count: i64,
    /// How it is known that they belong here.
    pub reason: &'a str,
    /// They are known to be this patient's although they name somebody else.
    pub is_patient_known: bool,
}

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
pub(crate) async fn outside(tx: &mut Tx, case_id: &CaseId) -> StepResult<Vec<Outside>> {
    let mut sent: BTreeMap<String, i64> = BTreeMap::new();
    for delivery in deliveries::list_of_case(tx, case_id).await? {
        let receipt = delivery.receipt.as_deref();
        let receipt = receipt.and_then(|text| serde_json::from_str::<Receipt>(text).ok());
        let studies = receipt.into_iter().flat_map(|receipt| receipt.studies);
        for study in studies {
            let count: u64 = study.series.iter().map(|series| series.instances).sum();
            let known = sent.entry(study.study_instance_uid).or_default();
            // Deliveries may repeat each other, so they are not added up.
            *known = (*known).max(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
    let aside = deliveries::list_aside(tx, Some(case_id), limits::ASIDE_ROWS).await?;
    for row in aside {
        sent.entry(row.study_instance_uid).or_default();
    }
    for row in checks::studies_to_judge(tx, case_id).await? {
        sent.remove(&row.study_instance_uid);
    }
    for row in checks::held_back(tx, case_id).await? {
        sent.remove(&row.study.study_instance_uid);
    }
    let mut outside = Vec::new();
    for (uid, sent_count) in sent {
        let Some(row) = checks::study_by_uid(tx, &uid).await? else {
            continue;
        };
        let is_refused = studies::is_of_other_patient(tx, StudyKey(row.id), case_id).await?;
        if row.instance_count > 0 && !is_refused {
            outside.push(Outside {
                sent_count: Some(sent_count.min(row.instance_count)),
                study: row,
            });
        }
    }
    Ok(outside)
}

/// As [`outside`], as this person may know it: before the lock without the reports among the exams, and without how many images
/// were sent, since that counts reports as well.
pub(crate) async fn outside_shown(
    tx: &mut Tx,
    file: &casework::CaseFile,
) -> StepResult<Vec<Outside>> {
    let mut shown = Vec::new();
    for Outside { study, sent_count } in outside(tx, &file.case_id).await? {
        if let Some(study) = reading::as_shown(tx, file, vec![study]).await?.pop() {
            shown.push(Outside {
                sent_count: sent_count.filter(|_| !reading::is_before_lock(file)),
                study,
            });
        }
    }
    Ok(shown)
}

/// Takes an exam that was sent to a case and is kept outside it into the case, beside where it is: the whole of it, also what was
/// not sent here. Whose images they are is judged as for every delivery.
///
/// # Errors
/// `NotFound` unless coordinator, `Invalid` without a reason, while the case takes no records, or when the images name another
/// patient and nobody says that it is known whose they are; `Stale` when nothing of this exam waits, or other images than the
/// page showed.
pub async fn take_in(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    wanted: TakeIn<'_>,
    now: Timestamp,
) -> StepResult<()> {
    coordinates(actor)?;
    records::may_receive(ctx, actor, case_id, now).await?;
    let reason = checked_reason(wanted.reason)?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let found = outside_shown(&mut tx, &file).await?;
    let Outside { study, sent_count } = found
        .into_iter()
        .find(|row| row.study.study_instance_uid == wanted.study)
        .filter(|row| row.study.instance_count == wanted.image_count)
        .ok_or(StepError::Stale)?;
    if names_another(ctx, &file, &study) && !wanted.is_patient_known {
        return Err(StepError::invalid(
            "is_patient_known",
            "The name or birth date in these images does not fit the patient of this case. Correct the request if it is wrong; or say that it is known that these images are this patient's.",
        ));
    }
    let mut what = "A coordinator took an exam into this case that was kept outside it".to_owned();
    if let Some(sent) = sent_count {
        let all = study.instance_count;
        what = format!("{what}: {sent} of its {all} images had been sent here");
    }
    let said = Said {
        note: reason,
        staff_only: true,
    };
    casework::note(&mut tx, &file, actor, "study.taken_in", &what, said, now).await?;
    file_in(ctx, tx, actor, case_id, &study, now).await
}

/// Says whether a study names somebody else than the patient of the case.
pub(crate) fn names_another(
    ctx: &Workflow,
    file: &casework::CaseFile,
    study: &checks::StudyRow,
) -> bool {
    let wanted = checking::patient_of(&file.intake);
    let table = &ctx.knowledge.rules.identity;
    belonging(&wanted, &records::named_by(study), table) == Belonging::OtherPerson
}

/// Returns the numbers of the other cases that hold a study, in words.
pub(crate) async fn held_by(
    tx: &mut Tx,
    case_id: &CaseId,
    study: &checks::StudyRow,
) -> StepResult<Vec<String>> {
    let numbers = cases::others_with_study(tx, study.id, case_id).await?;
    let words =
        |number: Option<String>| number.unwrap_or_else(|| "one without a number".to_owned());
    Ok(numbers.into_iter().map(words).collect())
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
