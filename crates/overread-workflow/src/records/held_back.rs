//! What is held back from a case since it may be another patient's, and what a coordinator decides on it.

mod birth_date;
mod other_name;
mod other_sex;

use std::collections::BTreeSet;

use overread_ingest::{Receipt, ReceiptDocument};
use overread_model::access::Actor;
use overread_model::case::CaseRole;
use overread_model::completeness::{
    Belonging, PersonIdentity, belonging, has_other_family_name, report_hints,
};
use overread_model::hidden::Hidden;
use overread_model::ids::{CaseId, DocumentId};
use overread_model::problem::{Problem, ProblemKind};
use overread_model::text::counted;
use overread_model::time::{CalendarDate, Timestamp};
use overread_store::Tx;
use overread_store::audit::{self, AuditEvent};
use overread_store::checks::{self, HeldDecision, HeldRow, StudyRow};
use overread_store::documents;
use overread_store::held_papers::{self, PaperDecision};

use crate::casework::{self, CaseFile, Said, checked_reason};
use crate::{StepError, StepResult, Workflow, checking, limits, papers};

pub use birth_date::BirthDates;
pub(super) use birth_date::differing_birth_dates;
use birth_date::settle_birth_date;
pub(super) use other_name::has_another_name;
use other_name::other_name_told;
use other_sex::hold_other_sex;

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
    /// Which birth date is true, where these images give another one than the request and are the right patient's.
    pub birth_date: Option<CalendarDate>,
    /// Papers, and whose they are; what is not named goes on waiting.
    pub papers: &'a [(DocumentId, QuarantineDecision)],
    /// How it is known.
    pub reason: &'a str,
}

/// Decides on a held-back study and on papers that were held back with it. Where the images give another birth date than the
/// request, it says which is true, and a wrong one in the request is corrected, unless the result is out or the case has ended.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Invalid` without a reason, without the true birth date, or where the request is
/// wrong and may not be corrected by this coordinator now; `Stale` for a birth date that is not asked for or that neither gives
/// any more.
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
        let row = held_study(&mut tx, case_id, uid).await?;
        let mut kept = reason.to_owned();
        if is_released {
            kept.extend(other_name_told(&file, &row));
            let told =
                settle_birth_date(&mut tx, ctx, &mut file, actor, &row, decision, now).await?;
            kept.extend(told.map(|told| format!("\n{told}")));
        }
        decide_study(&mut tx, &mut file, actor, (&row, is_released, &kept), now).await?;
    }
    for (id, whose) in decision.papers {
        let right_patient = *whose == QuarantineDecision::RightPatient;
        decide_paper(&mut tx, &file, actor, (id, right_patient, reason), now).await?;
    }
    super::arriving::go_on(&mut tx, ctx, &mut file, is_released, now).await?;
    Ok(tx.commit().await?)
}

async fn held_study(tx: &mut Tx, case_id: &CaseId, uid: &str) -> StepResult<HeldRow> {
    let held = checks::held_back(tx, case_id).await?;
    held.into_iter()
        .find(|row| row.study.study_instance_uid == uid)
        .ok_or(StepError::NotFound)
}

async fn decide_study(
    tx: &mut Tx,
    file: &mut CaseFile,
    actor: &Actor,
    (row, right_patient, reason): (&HeldRow, bool, &str),
    now: Timestamp,
) -> StepResult<()> {
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

/// Returns whom a study names.
pub(crate) fn named_by(study: &StudyRow) -> PersonIdentity {
    PersonIdentity {
        name: study.patient_name.clone().map(Hidden),
        birth_date: study
            .patient_birth_date
            .as_deref()
            .and_then(|text| text.parse::<CalendarDate>().ok())
            .map(Hidden),
        sex: study.patient_sex.clone(),
        patient_id: study.patient_id.clone().map(Hidden),
        issuer: study.institution_name.clone().map(Hidden),
    }
}

/// Says why a name that fits is not enough, by which side lacks the birth date.
fn why_name_alone(wanted: &PersonIdentity, named: &PersonIdentity) -> &'static str {
    match (&wanted.birth_date, &named.birth_date) {
        (None, Some(_)) => {
            "The case has no birth date to compare with that of the images, and the images carry no number we know: the name alone fits, and two people can share it. Ask for the patient's birth date or the patient number of the exam, or confirm that these images are this patient's."
        }
        (None, None) => {
            "Neither the case nor the images have a birth date, and the images carry no number we know: the name alone fits, and two people can share it. Ask for the birth date and the patient number of the exam, or confirm that these images are this patient's."
        }
        (Some(_), _) => {
            "The images carry no birth date and no number we know: the name alone fits, and two people can share it. Ask for the birth date or the patient number of the exam, or confirm that these images are this patient's."
        }
    }
}

/// Says why images wait for a coordinator by what they say of the patient themselves; `None` when they do not.
fn why_held(
    ctx: &Workflow,
    wanted: &PersonIdentity,
    named: &PersonIdentity,
) -> Option<&'static str> {
    match belonging(wanted, named, &ctx.knowledge.rules.identity) {
        Belonging::Fits => None,
        Belonging::OtherPerson => {
            Some("The name or birth date in these images does not fit the patient of this case.")
        }
        Belonging::Doubtful if has_other_family_name(wanted, named) => Some(
            "These images give another name than this case, though the birth date or the patient number fits: two people can be born on one day. When the name has changed or the case is wrong, correct it.",
        ),
        Belonging::Doubtful => Some(
            "The name or the birth date in these images is not quite the one of this case. Compare both letter by letter: twins and relatives are told apart by little. When the case is wrong, correct it.",
        ),
        Belonging::NameAlone => Some(why_name_alone(wanted, named)),
        Belonging::Unnamed => Some(
            "These images do not say whose they are: they carry no name and not this patient's number.",
        ),
    }
}

/// Judges whose images they are: what names somebody else or nobody leaves the case, what belongs is shown from now on.
pub(crate) async fn hold_strangers(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    now: Timestamp,
) -> StepResult<()> {
    let wanted = checking::patient_of(&file.intake);
    let mixed = checks::mixed_studies(tx, &file.case_id).await?;
    let shown = checks::studies(tx, &file.case_id).await?;
    let mut judged = Vec::new();
    for study in checks::studies_to_judge(tx, &file.case_id).await? {
        let reason = match mixed.contains(&study.id) {
            true => Some(
                "Some of these images give another name, birth date or patient number than the rest of the same exam.",
            ),
            false => why_held(ctx, &wanted, &named_by(&study)),
        };
        judged.push((study, reason));
    }
    hold_other_sex(&wanted, &shown, &mut judged);
    let mut is_any_held = false;
    for (study, reason) in judged {
        if let Some(reason) = reason
            && checks::hold_back(tx, &file.case_id, study.id, reason, now).await?
        {
            let event = AuditEvent::new("study.held_back")
                .in_case(&file.case_id)
                .on("study", study.id);
            audit::record(tx, &Actor::System, &event, now).await?;
            is_any_held = true;
        }
        // A study that is held back has no link any more; one that a coordinator confirmed has.
        checks::show_judged(tx, &file.case_id, study.id).await?;
    }
    if is_any_held {
        let what = "Images that do not name this patient were held back";
        let said = Said {
            note: "",
            staff_only: true,
        };
        casework::note(tx, file, &Actor::System, "quarantine.held", what, said, now).await?;
    }
    Ok(())
}

/// Holds back the papers of which it is in question whose they are: those that came with images which are no part of the case,
/// also when every one of these images was known already, and those that came without any while images wait for a decision.
pub(super) async fn hold_papers(
    tx: &mut Tx,
    case_id: &CaseId,
    receipt: &Receipt,
    now: Timestamp,
) -> StepResult<()> {
    held_papers::hold_with_images(tx, case_id, now).await?;
    held_papers::hold_without_images(tx, case_id, now).await?;
    if !receipt.documents.is_empty() && brought_strangers(tx, case_id, receipt).await? {
        let delivery = receipt.delivery.parse().map_err(StepError::internal)?;
        held_papers::hold_delivery(tx, case_id, &delivery, now).await?;
    }
    Ok(())
}

/// Returns the PDFs and text files of a delivery whose text names somebody else than the patient of the case. They are read
/// before anything is written, since that takes long.
pub(super) async fn papers_of_others(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    receipt: &Receipt,
    now: Timestamp,
) -> StepResult<Vec<DocumentId>> {
    let readable: Vec<DocumentId> = readable_papers(&receipt.documents)
        .filter_map(|paper| paper.id.parse().ok())
        .collect();
    if readable.is_empty() {
        return Ok(Vec::new());
    }
    let (patient, rows) = {
        let mut tx = ctx.store.read().await?;
        let file = casework::load(&mut tx, actor, case_id, now).await?;
        let mut rows = Vec::new();
        for id in &readable {
            let row = documents::find(&mut tx, id).await?;
            rows.extend(row.filter(|row| row.case_id.as_ref() == Some(case_id)));
        }
        (checking::patient_of(&file.intake), rows)
    };
    let mut others = Vec::new();
    for row in rows {
        if let Some(text) = text_of(ctx, &row).await
            && report_hints(&text).names_another(&patient, &ctx.knowledge.rules)
        {
            others.push(row.id);
        }
    }
    Ok(others)
}

/// Returns the papers whose text is read on arrival: so many PDFs, and text files of so many bytes together.
fn readable_papers(papers: &[ReceiptDocument]) -> impl Iterator<Item = &ReceiptDocument> {
    let of_type = |wanted: &'static str| papers.iter().filter(move |one| one.media_type == wanted);
    let pdfs = of_type("application/pdf")
        .filter(|paper| paper.bytes <= limits::ORIGINAL_FILE_BYTES as u64)
        .take(limits::PDFS_READ_ON_ARRIVAL);
    let mut left = limits::CHECKED_TEXT_BYTES;
    let texts = of_type("text/plain").filter(move |paper| {
        let fits = paper.bytes <= left;
        left -= if fits { paper.bytes } else { 0 };
        fits
    });
    pdfs.chain(texts)
}

/// Returns the text of a paper; a scan, and what cannot be read, has none and so names nobody.
async fn text_of(ctx: &Workflow, row: &documents::DocumentRow) -> Option<String> {
    let bytes = papers::bytes_if_readable(ctx, row).await?;
    if row.media_type == "text/plain" {
        return Some(papers::decoded(&bytes));
    }
    let (text, _) = papers::text_of(&bytes).await.ok()?;
    Some(text)
}

/// Holds back papers whose text names somebody else.
pub(super) async fn hold_named(
    tx: &mut Tx,
    file: &CaseFile,
    papers: &[DocumentId],
    now: Timestamp,
) -> StepResult<()> {
    for id in papers {
        held_papers::hold(tx, &file.case_id, id, now).await?;
    }
    if papers.is_empty() {
        return Ok(());
    }
    let told = (
        "paper.held",
        "A paper that names another patient was held back",
    );
    note_decision(tx, file, &Actor::System, told, "", now).await
}

/// Adds to a receipt which of its studies wait for a coordinator. It is not kept: it holds until somebody decides.
pub(super) async fn tell_what_waits(
    tx: &mut Tx,
    case_id: &CaseId,
    receipt: &mut Receipt,
) -> StepResult<()> {
    let waiting = checks::held_back(tx, case_id).await?;
    let brought = receipt.studies.iter();
    let brought = brought.map(|one| one.study_instance_uid.as_str());
    if let Some(message) = waiting_of(&brought.collect(), &waiting) {
        receipt.problems.push(Problem {
            path: String::new(),
            kind: ProblemKind::HeldBack,
            message,
        });
    }
    Ok(())
}

/// Says which studies of a delivery wait for a coordinator, where one does.
pub(super) fn waiting_of(brought: &BTreeSet<&str>, waiting: &[HeldRow]) -> Option<String> {
    let waits = |row: &&HeldRow| brought.contains(row.study.study_instance_uid.as_str());
    let count = waiting.iter().filter(waits).count();
    let what = counted(
        count,
        "exam of this delivery waits",
        "exams of this delivery wait",
    );
    (count > 0).then(|| {
        format!(
            "{what} for a coordinator, who must first find out whose images they are; until then nobody else sees them"
        )
    })
}

/// Says whether a delivery brought images that are no part of the case, or may be two people's.
async fn brought_strangers(tx: &mut Tx, case_id: &CaseId, receipt: &Receipt) -> StepResult<bool> {
    if receipt.kept_aside > 0
        || receipt
            .problems
            .iter()
            .any(|problem| problem.kind == ProblemKind::OtherPatient)
    {
        return Ok(true);
    }
    let shown = checks::studies(tx, case_id).await?;
    let is_shown = |uid: &str| shown.iter().any(|row| row.study_instance_uid == uid);
    let mut brought = receipt.studies.iter();
    Ok(brought.any(|one| !is_shown(&one.study_instance_uid)))
}

#[cfg(test)]
mod tests {
    use overread_model::completeness::PersonIdentity;
    use overread_model::hidden::Hidden;

    use super::why_name_alone;

    #[test]
    fn who_lacks_the_birth_date_is_named() {
        let born = |date: &str| PersonIdentity {
            birth_date: date.parse().ok().map(Hidden),
            ..PersonIdentity::default()
        };
        let check = |case: &str, images: &str, begins: &str| {
            let why = why_name_alone(&born(case), &born(images));
            assert!(why.starts_with(begins), "{case} {images}: {why}");
        };
        check("1970-03-02", "", "The images carry no birth date");
        check("", "1970-03-02", "The case has no birth date");
        check("", "", "Neither the case nor the images");
    }
}
