//! What the page of a case's records shows, to whom.

use overread_ingest::Receipt;
use overread_model::access::{Actor, Right};
use overread_model::case::CaseRole;
use overread_model::ids::{CaseId, DeliveryId, DocumentId};
use overread_model::problem::{Problem, ProblemKind};
use overread_model::time::Timestamp;
use overread_store::{Tx, checks, deliveries, documents, held_papers};

use super::deleted::{self, DeletedImages};
use super::held_back::{BirthDates, differing_birth_dates, has_another_name, waiting_of};
use super::hidden_papers;
use super::readable::{readable_date, readable_name};
use super::set_aside::{self, SetAside};
use crate::casework::{self, CaseFile};
use crate::checking::{self, CheckView, NotKeptView};
use crate::letters::{self, SentLetterRow};
use crate::senders::sender_of;
use crate::{StepError, StepResult, Workflow, filing, reading};

/// One delivery in the list.
pub struct DeliveryRow {
    /// Names it.
    pub delivery_id: DeliveryId,
    /// When.
    pub received_at: Timestamp,
    /// Who brought it, in words.
    pub from: String,
    /// Its end has not come: it broke off, or is still under way.
    pub is_open: bool,
    /// Instances kept.
    pub instances_stored: i64,
    /// Instances known already.
    pub duplicates: i64,
    /// How often an instance was refused or set aside that no list of problems names, since the delivery has no receipt (STOW-RS, C-STORE).
    pub refused: i64,
    /// What of it waits for a coordinator, in words.
    pub waiting: Vec<String>,
    /// What could not be used, per file.
    pub problems: Vec<Problem>,
}

/// One study of the case.
pub struct StudyRow {
    /// DICOM's name for it.
    pub study_instance_uid: String,
    /// Day, as 2026-03-02; empty when unknown.
    pub study_date: String,
    /// Description; empty when unknown.
    pub description: String,
    /// Institution; empty when unknown.
    pub institution: String,
    /// Patient as the images name them, for reading.
    pub patient_name: String,
    /// Birth date as the images give it, 2026-03-02.
    pub patient_birth_date: String,
    /// Modalities.
    pub modalities: Vec<String>,
    /// How many.
    pub series_count: i64,
    /// How many, images and others.
    pub instance_count: i64,
    /// How many of them are no images: reports, notes, marks and the like; counted for the studies of a case alone, else 0.
    pub other_count: i64,
}

/// A study that looks like another patient's: invisible in the case until somebody decides.
pub struct QuarantineRow {
    /// The study.
    pub study: StudyRow,
    /// Why it is held back, in words.
    pub reason: String,
    /// Since.
    pub since: Timestamp,
    /// Both birth dates, where the images give another one than the request.
    pub birth_dates: Option<BirthDates>,
    /// Its name cannot be the patient's either.
    pub has_other_name: bool,
    /// Numbers of the other cases that hold it.
    pub held_by: Vec<String>,
    /// Papers that came with it and wait for a decision.
    pub papers: Vec<DocumentRow>,
}

/// An exam that was sent here and is kept outside this case.
pub struct OutsideRow {
    /// The exam as it is stored.
    pub study: StudyRow,
    /// How many of its stored images the largest delivery to this case held, where this reader may know it.
    pub sent_count: Option<i64>,
    /// Numbers of the other cases that hold it.
    pub held_by: Vec<String>,
    /// It names somebody else than the patient of this case.
    pub names_another: bool,
}

impl OutsideRow {
    /// Says whether images may open with the exam that were not sent here.
    pub fn may_open_more(&self) -> bool {
        self.sent_count
            .is_none_or(|sent| sent < self.study.instance_count)
    }
}

/// One document of the case.
pub struct DocumentRow {
    /// Names it.
    pub document_id: DocumentId,
    /// Name as it came.
    pub name: String,
    /// `application/pdf`.
    pub media_type: String,
    /// Sort: `report`, `letter`, `scan`, `text`, `other`.
    pub kind: String,
    /// Size.
    pub length_bytes: u64,
    /// When.
    pub created_at: Timestamp,
}

/// What the records page shows.
pub struct RecordsView {
    /// Version of the case to hand back with changes.
    pub version: i64,
    /// Deliveries, newest first; none for a reviewer before the lock, whom their files would tell of reports.
    pub deliveries: Vec<DeliveryRow>,
    /// Studies that can be seen.
    pub studies: Vec<StudyRow>,
    /// Studies held back; their facts only for coordinators, else empty.
    pub quarantine: Vec<QuarantineRow>,
    /// The patient as the request names them, to compare with; only for coordinators, else empty.
    pub patient: (String, String),
    /// How many are held back.
    pub quarantine_count: usize,
    /// How many papers are held back; none for a reviewer before the lock.
    pub held_paper_count: usize,
    /// Exams that were sent here and are kept outside this case; only for coordinators.
    pub outside: Vec<OutsideRow>,
    /// Images set aside since they contradict what is stored; only for coordinators, none for one who reads before the lock.
    pub set_aside: Vec<SetAside>,
    /// Papers held back without a study that waits; only for coordinators.
    pub held_papers: Vec<DocumentRow>,
    /// Documents; none of those held back or kept out.
    pub documents: Vec<DocumentRow>,
    /// Its images were deleted, and none came since; nothing is to be solved then.
    pub deleted: Option<DeletedImages>,
    /// The last check, when there is something to check.
    pub check: Option<CheckView>,
    /// What was sent and refused; its series only for coordinators who do not read before the lock.
    pub not_kept: NotKeptView,
    /// Letters sent for records, with their clocks.
    pub letters: Vec<SentLetterRow>,
    /// This reader may add.
    pub may_add: bool,
    /// This reader may decide on held-back studies, override findings and accept the records.
    pub may_decide: bool,
}

/// Returns the records page; the visit is audited.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<RecordsView> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::ViewDocuments)?;
    let decides = file.wears(CaseRole::Coordinator);
    let held = checks::held_back(&mut tx, case_id).await?;
    let held = held_shown(&mut tx, &file, held).await?;
    let studies = counted_studies(&mut tx, &file).await?;
    let papers = documents::list_of_case(&mut tx, case_id).await?;
    let check = checking::view_of(&mut tx, ctx, &file, now).await?;
    let taken = hidden_papers(&mut tx, &file).await?;
    let kept_out = held_papers::list(&mut tx, case_id).await?;
    let arrived = arrived(&mut tx, ctx, &file, &held).await?;
    let quarantine_count = held.len();
    let held_paper_count = arrived.waiting.len();
    let desk = if decides {
        to_decide(&mut tx, ctx, &file, held, &papers, &arrived.waiting).await?
    } else {
        ToDecide::default()
    };
    let takes_records = file.state.takes_records();
    let deleted = deleted::of_case(&mut tx, actor, (case_id, takes_records)).await?;
    let deleted = deleted.filter(|deleted| {
        studies.is_empty() && quarantine_count == 0 && arrived.is_nothing_since(deleted.at)
    });
    let mut view = RecordsView {
        set_aside: desk.set_aside,
        version: file.row.version,
        patient: if decides {
            let who = &file.intake.who;
            (who.patient_name.clone(), who.patient_birth_date.clone())
        } else {
            Default::default()
        },
        deliveries: arrived.deliveries,
        studies,
        quarantine_count,
        held_paper_count,
        quarantine: desk.quarantine,
        held_papers: desk.papers,
        outside: desk.outside,
        documents: papers
            .iter()
            .filter(|row| !taken.contains(&row.id) && !kept_out.contains(&row.id))
            .map(document_of)
            .collect(),
        deleted,
        check,
        not_kept: arrived.not_kept,
        letters: letters::sent_of(&mut tx, ctx, case_id, now).await?,
        may_add: file.rights.contains(&Right::AddRecords) && takes_records,
        may_decide: decides,
    };
    casework::note_read(&mut tx, actor, case_id, "records", now).await?;
    tx.commit().await?;
    set_aside::look(ctx, &mut view.set_aside).await;
    Ok(view)
}

/// What came and what did not, as it came; nothing of it before the lock, since its numbers may be those of reports.
#[derive(Default)]
struct Arrived {
    deliveries: Vec<DeliveryRow>,
    not_kept: NotKeptView,
    waiting: Vec<(DocumentId, Option<i64>)>,
}

impl Arrived {
    fn is_nothing_since(&self, moment: Timestamp) -> bool {
        let has_come = |row: &DeliveryRow| row.received_at > moment;
        self.not_kept.file_count == 0 && !self.deliveries.iter().any(has_come)
    }
}

async fn arrived(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    held: &[checks::HeldRow],
) -> StepResult<Arrived> {
    if reading::is_before_lock(file) {
        return Ok(Arrived::default());
    }
    let with_series = file.wears(CaseRole::Coordinator);
    Ok(Arrived {
        deliveries: deliveries_of(tx, &file.case_id, held).await?,
        not_kept: checking::not_kept_of(tx, ctx, &file.case_id, with_series).await?,
        waiting: held_papers::list_waiting(tx, &file.case_id).await?,
    })
}

/// What a coordinator has to decide on.
#[derive(Default)]
struct ToDecide {
    quarantine: Vec<QuarantineRow>,
    papers: Vec<DocumentRow>,
    outside: Vec<OutsideRow>,
    set_aside: Vec<SetAside>,
}

async fn to_decide(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    held: Vec<checks::HeldRow>,
    papers: &[documents::DocumentRow],
    waiting: &[(DocumentId, Option<i64>)],
) -> StepResult<ToDecide> {
    let of_study = |study: Option<i64>| -> Vec<DocumentRow> {
        let ids = waiting.iter().filter(|one| one.1 == study);
        ids.filter_map(|(id, _)| papers.iter().find(|row| row.id == *id))
            .map(document_of)
            .collect()
    };
    let mut outside = Vec::new();
    for row in filing::outside_shown(tx, file).await? {
        outside.push(OutsideRow {
            sent_count: row.sent_count,
            held_by: filing::held_by(tx, &file.case_id, &row.study).await?,
            names_another: filing::names_another(ctx, file, &row.study),
            study: study_of(row.study),
        });
    }
    let mut quarantine = Vec::new();
    for row in held {
        let held_by = filing::held_by(tx, &file.case_id, &row.study).await?;
        quarantine.push(held_of(of_study(Some(row.study.id)), held_by, row, file));
    }
    Ok(ToDecide {
        quarantine,
        papers: of_study(None),
        outside,
        // They lie as they came, with everything an image can carry of the first reading.
        set_aside: if reading::is_before_lock(file) {
            Vec::new()
        } else {
            set_aside::list(tx, &file.case_id).await?
        },
    })
}

async fn deliveries_of(
    tx: &mut Tx,
    case_id: &CaseId,
    held: &[checks::HeldRow],
) -> StepResult<Vec<DeliveryRow>> {
    let mut list = Vec::new();
    // A receipt of STOW-RS or C-STORE names no exams.
    let held_by_delivery = match held.is_empty() {
        true => Vec::new(),
        false => checks::held_by_delivery(tx, case_id).await?,
    };
    for row in deliveries::list_of_case(tx, case_id).await? {
        let receipt = row
            .receipt
            .as_deref()
            .and_then(|text| serde_json::from_str::<Receipt>(text).ok());
        // A receipt of STOW-RS tells of what was left outside the case alone.
        let listed = receipt.as_ref().map_or(0, |receipt| receipt.problems.len());
        let refused = match (&receipt, row.source.as_str()) {
            (Some(_), source) if source != "stow" => 0,
            _ => row.problem_count - i64::try_from(listed).unwrap_or_default(),
        };
        let receipt = receipt.unwrap_or_default();
        let listed = receipt.studies.iter();
        let listed = listed.map(|one| one.study_instance_uid.as_str());
        let stored = held_by_delivery.iter();
        let stored = stored.filter(|(delivery, _)| *delivery == row.id);
        let stored = stored.map(|(_, study)| study.as_str());
        let waiting = waiting_of(&listed.chain(stored).collect(), held);
        let mut problems = receipt.problems;
        // What was kept of it on arrival may be decided by now.
        problems.retain(|problem| problem.kind != ProblemKind::HeldBack);
        let from = sender_of(tx, &row).await?;
        list.push(DeliveryRow {
            delivery_id: row.id.parse().map_err(StepError::internal)?,
            received_at: Timestamp::from_micros(row.started_at),
            from,
            is_open: row.finished_at.is_none(),
            instances_stored: row.instances_stored,
            duplicates: row.duplicates,
            refused,
            waiting: waiting.into_iter().collect(),
            problems,
        });
    }
    Ok(list)
}

/// Returns the studies of the case with how many of their instances are no images, both as this person may know them.
async fn counted_studies(tx: &mut Tx, file: &CaseFile) -> StepResult<Vec<StudyRow>> {
    let rows = reading::studies_shown(tx, file).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut others = if reading::is_before_lock(file) {
        checks::others_without_reports(tx, &ids).await?
    } else {
        checks::others(tx, &ids).await?
    };
    let counted = rows.into_iter().map(|row| StudyRow {
        other_count: others.remove(&row.id).unwrap_or_default(),
        ..study_of(row)
    });
    Ok(counted.collect())
}

/// Returns what is held back as this person may know it: before the lock without the reports among it.
async fn held_shown(
    tx: &mut Tx,
    file: &CaseFile,
    held: Vec<checks::HeldRow>,
) -> StepResult<Vec<checks::HeldRow>> {
    let mut shown = Vec::new();
    for row in held {
        if let Some(study) = reading::as_shown(tx, file, vec![row.study]).await?.pop() {
            shown.push(checks::HeldRow { study, ..row });
        }
    }
    Ok(shown)
}

pub(crate) fn study_of(row: checks::StudyRow) -> StudyRow {
    StudyRow {
        study_date: readable_date(Some(&row.study_date)),
        description: row.study_description.unwrap_or_default(),
        institution: row.institution_name.unwrap_or_default(),
        patient_name: readable_name(row.patient_name.as_deref()),
        patient_birth_date: readable_date(row.patient_birth_date.as_deref()),
        modalities: row
            .modalities
            .split('\\')
            .filter(|modality| !modality.is_empty())
            .map(str::to_owned)
            .collect(),
        series_count: row.series_count,
        instance_count: row.instance_count,
        other_count: 0,
        study_instance_uid: row.study_instance_uid,
    }
}

fn held_of(
    papers: Vec<DocumentRow>,
    held_by: Vec<String>,
    row: checks::HeldRow,
    file: &CaseFile,
) -> QuarantineRow {
    QuarantineRow {
        papers,
        held_by,
        has_other_name: has_another_name(file, &row),
        birth_dates: differing_birth_dates(file, &row),
        study: study_of(row.study),
        reason: row.reason,
        since: Timestamp::from_micros(row.held_at),
    }
}

fn document_of(row: &documents::DocumentRow) -> DocumentRow {
    DocumentRow {
        document_id: row.id.clone(),
        name: row.name.clone(),
        media_type: row.media_type.clone(),
        kind: row.kind.clone(),
        length_bytes: row.extent.length_bytes,
        created_at: Timestamp::from_micros(row.created_at),
    }
}
