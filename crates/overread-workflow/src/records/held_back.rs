//! What is held back from a case since it may be another patient's, and what a coordinator decides on it.

use overread_ingest::Receipt;
use overread_model::access::Actor;
use overread_model::case::CaseRole;
use overread_model::completeness::{Belonging, PersonIdentity, belonging};
use overread_model::hidden::Hidden;
use overread_model::ids::{CaseId, DocumentId};
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::Tx;
use overread_store::audit::{self, AuditEvent};
use overread_store::checks::{self, HeldDecision};
use overread_store::held_papers::{self, PaperDecision};

use crate::casework::{self, CaseFile, Said, checked_reason};
use crate::{StepError, StepResult, Workflow, checking};

/// What a person decides on a held-back study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineDecision {
    /// It is the right patient (a name changed, a typing error): show it in the case.
    RightPatient,
    /// It is another patient: keep it out of the case for good.
    OtherPatient,
}

/// What a coordinator decides on what is held back.
pub struct HeldBackDecision<'a> {
    /// A study by DICOM's name, and whose it is.
    pub study: Option<(&'a str, QuarantineDecision)>,
    /// Papers, and whose they are; what is not named goes on waiting.
    pub papers: &'a [(DocumentId, QuarantineDecision)],
    /// How it is known.
    pub reason: &'a str,
}

/// Decides on a held-back study and on papers that were held back with it.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Invalid` without a reason.
pub async fn decide_quarantine(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    decision: &HeldBackDecision<'_>,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(decision.reason)?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require_hat(CaseRole::Coordinator)?;
    if decision.study.is_none() && decision.papers.is_empty() {
        return Err(StepError::invalid("", "Choose whose they are."));
    }
    let mut is_released = false;
    if let Some((uid, whose)) = decision.study {
        is_released = whose == QuarantineDecision::RightPatient;
        decide_study(&mut tx, &mut file, actor, (uid, is_released, reason), now).await?;
    }
    for (id, whose) in decision.papers {
        let right_patient = *whose == QuarantineDecision::RightPatient;
        decide_paper(&mut tx, &file, actor, (id, right_patient, reason), now).await?;
    }
    super::go_on(&mut tx, ctx, &mut file, is_released, now).await?;
    Ok(tx.commit().await?)
}

async fn decide_study(
    tx: &mut Tx,
    file: &mut CaseFile,
    actor: &Actor,
    (uid, right_patient, reason): (&str, bool, &str),
    now: Timestamp,
) -> StepResult<()> {
    let held = checks::held_back(tx, &file.case_id).await?;
    let row = held
        .into_iter()
        .find(|row| row.study.study_instance_uid == uid)
        .ok_or(StepError::NotFound)?;
    let kept = HeldDecision {
        study_id: row.study.id,
        right_patient,
        reason,
        decided_by: actor.id(),
    };
    if !checks::decide_held(tx, &file.case_id, kept, now).await? {
        return Err(StepError::Stale);
    }
    if right_patient {
        file.row.identity_confirmed = 1;
        file.facts.records.identity_confirmed = true;
        file.save(tx).await?;
    }
    let told = if right_patient {
        (
            "quarantine.released",
            "A coordinator confirmed that images held back are this patient's",
        )
    } else {
        (
            "quarantine.kept_out",
            "A coordinator kept images of another patient out of the case",
        )
    };
    note_decision(tx, file, actor, told, reason, now).await
}

async fn decide_paper(
    tx: &mut Tx,
    file: &CaseFile,
    actor: &Actor,
    (document_id, right_patient, reason): (&DocumentId, bool, &str),
    now: Timestamp,
) -> StepResult<()> {
    let kept = PaperDecision {
        document_id,
        right_patient,
        reason,
        decided_by: actor.id(),
    };
    if !held_papers::decide(tx, &file.case_id, kept, now).await? {
        return Err(StepError::Stale);
    }
    let told = if right_patient {
        (
            "paper.released",
            "A coordinator confirmed that a paper held back is this patient's",
        )
    } else {
        (
            "paper.kept_out",
            "A coordinator kept a paper of another patient out of the case",
        )
    };
    note_decision(tx, file, actor, told, reason, now).await
}

async fn note_decision(
    tx: &mut Tx,
    file: &CaseFile,
    actor: &Actor,
    told: (&'static str, &str),
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let said = Said {
        note: reason,
        staff_only: true,
    };
    casework::note(tx, file, actor, told.0, told.1, said, now).await
}

/// Judges whose images they are: what names somebody else or nobody leaves the case, what belongs is shown from now on; returns
/// how many are newly held back.
pub(super) async fn hold_strangers(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<usize> {
    let wanted = checking::patient_of(&file.intake);
    let weights = &ctx.knowledge.rules.identity_weights;
    let mut held = 0;
    for study in checks::studies_to_judge(tx, &file.case_id).await? {
        let named = PersonIdentity {
            name: study.patient_name.clone().map(Hidden),
            birth_date: study
                .patient_birth_date
                .as_deref()
                .and_then(|text| text.parse::<CalendarDate>().ok())
                .map(Hidden),
            sex: study.patient_sex.clone(),
            patient_id: study.patient_id.clone().map(Hidden),
            issuer: study.institution_name.clone().map(Hidden),
        };
        let reason = match belonging(&wanted, &named, weights) {
            Belonging::Fits => None,
            Belonging::OtherPerson => Some(
                "The name or birth date in these images does not fit the patient of this case.",
            ),
            Belonging::Unnamed => Some(
                "These images do not say whose they are: they carry no name and not this patient's number.",
            ),
        };
        if let Some(reason) = reason
            && checks::hold_back(tx, &file.case_id, study.id, reason, now).await?
        {
            let event = AuditEvent::new("study.held_back")
                .in_case(&file.case_id)
                .on("study", study.id);
            audit::record(tx, &Actor::System, &event, now).await?;
            held += 1;
        }
        // A study that is held back has no link any more; one that a coordinator confirmed has.
        checks::show_judged(tx, &file.case_id, study.id).await?;
    }
    Ok(held)
}

/// Holds back the papers that came with images which are held back, also when every one of these images was known already.
pub(super) async fn hold_papers(
    tx: &mut Tx,
    case_id: &CaseId,
    receipt: &Receipt,
    now: Timestamp,
) -> StepResult<()> {
    held_papers::hold_with_images(tx, case_id, now).await?;
    if receipt.documents.is_empty() {
        return Ok(());
    }
    let kept_out = held_papers::studies_kept_out(tx, case_id).await?;
    let mut brought = receipt.studies.iter().map(|one| &one.study_instance_uid);
    if brought.any(|uid| kept_out.contains(uid)) {
        let delivery = receipt.delivery.parse().map_err(StepError::internal)?;
        held_papers::hold_delivery(tx, case_id, &delivery, now).await?;
    }
    Ok(())
}
