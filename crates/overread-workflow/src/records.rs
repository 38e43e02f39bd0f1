//! Records of a case: deliveries, studies, documents, and what is held back for a person to decide.

mod held_back;
mod set_aside;

use bytes::Bytes;
use overread_ingest::Receipt;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, DeliveryId, DocumentId};
use overread_model::imaging::NO_IMAGES;
use overread_model::problem::{Problem, ProblemKind};
use overread_model::time::Timestamp;
use tokio::io::AsyncRead;

use overread_ingest::{DeliveryOptions, DeliverySource, IngestError};
use overread_model::access::{Right, Role};
use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_model::time::CalendarDate;
use overread_store::{Tx, checks, deliveries, documents, held_papers};

use crate::casework::{self, CaseFile, Said};
use crate::checking::{self, CheckView, NotKeptView};
use crate::letters::{self, SentLetterRow};
use crate::senders::sender_of;
use crate::{StepError, StepResult, Workflow, filing, papers, reading};
use held_back::{
    differing_birth_dates, has_another_name, hold_named, hold_papers, papers_of_others,
    tell_what_waits, waiting_of,
};

pub(crate) use held_back::{hold_strangers, named_by};

pub use set_aside::{AsideImage, Closing, SetAside, close_aside, set_aside_file};

pub use held_back::{BirthDates, HeldBackDecision, QuarantineDecision, decide_quarantine};

/// What arrives.
pub enum Incoming<R> {
    /// A ZIP, streamed.
    Zip(R),
    /// One file with its name.
    File {
        /// Name as the sender gave it; never used as a path.
        name: String,
        /// Its bytes.
        body: R,
    },
}

/// One delivery in the list.
pub struct DeliveryRow {
    /// Names it.
    pub delivery_id: DeliveryId,
    /// When.
    pub received_at: Timestamp,
    /// Who brought it, in words.
    pub from: String,
    /// Instances kept.
    pub instances_stored: i64,
    /// Instances known already.
    pub duplicates: i64,
    /// Instances refused or set aside that no list of problems names, since the delivery has no receipt (STOW-RS, C-STORE).
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
    /// How many of its stored images the largest delivery to this case held.
    pub sent_count: i64,
    /// Numbers of the other cases that hold it.
    pub held_by: Vec<String>,
    /// It names somebody else than the patient of this case.
    pub names_another: bool,
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

/// A document's bytes.
pub struct DocumentBytes {
    /// Name as it came.
    pub name: String,
    /// Type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
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
    let studies = reading::studies_shown(&mut tx, &file).await?;
    let papers = documents::list_of_case(&mut tx, case_id).await?;
    let before_lock = reading::is_before_lock(&file);
    let mut check = checking::view_of(&mut tx, case_id).await?;
    if let Some(check) = check.as_mut().filter(|_| before_lock) {
        check.leave_out_first_reading(&ctx.knowledge.rules);
    }
    let taken = hidden_papers(&mut tx, &file).await?;
    let kept_out = held_papers::list(&mut tx, case_id).await?;
    let deliveries = if before_lock {
        Vec::new()
    } else {
        deliveries_of(&mut tx, case_id, &held).await?
    };
    let quarantine_count = held.len();
    let waiting = if before_lock {
        Vec::new()
    } else {
        held_papers::list_waiting(&mut tx, case_id).await?
    };
    let held_paper_count = waiting.len();
    let desk = if decides {
        to_decide(&mut tx, ctx, &file, held, &papers, &waiting).await?
    } else {
        ToDecide::default()
    };
    let mut view = RecordsView {
        set_aside: desk.set_aside,
        version: file.row.version,
        patient: if decides {
            let who = &file.intake.who;
            (who.patient_name.clone(), who.patient_birth_date.clone())
        } else {
            Default::default()
        },
        deliveries,
        studies: counted_studies(&mut tx, studies).await?,
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
        check,
        not_kept: checking::not_kept_of(&mut tx, case_id, decides && !before_lock).await?,
        letters: letters::sent_of(&mut tx, ctx, case_id, now).await?,
        may_add: file.rights.contains(&Right::AddRecords) && file.state.takes_records(),
        may_decide: decides,
    };
    casework::note_read(&mut tx, actor, case_id, "records", now).await?;
    tx.commit().await?;
    set_aside::look(ctx, &mut view.set_aside).await;
    Ok(view)
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
    for row in filing::outside(tx, &file.case_id).await? {
        outside.push(OutsideRow {
            sent_count: row.sent_count,
            held_by: filing::held_by(tx, &file.case_id, &row.study).await?,
            names_another: filing::names_another(ctx, file, &row.study),
            study: study_of(reading::study_shown(file, row.study)),
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

/// Takes a delivery in, for a case or (coordinators and archive machines) for none; what names another patient is
/// held back; a case that waits for records moves to its check, which runs at once.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Limit`, `Invalid` when nothing could be read.
pub async fn receive<R>(
    ctx: &Workflow,
    actor: &Actor,
    case_id: Option<&CaseId>,
    incoming: Incoming<R>,
    now: Timestamp,
) -> StepResult<Receipt>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    match case_id {
        Some(case_id) => {
            may_receive(ctx, actor, case_id, now).await?;
        }
        None if matches!(actor.role(), Some(Role::Coordinator | Role::Archive)) => {}
        None => return Err(StepError::Forbidden),
    }
    let source = match &incoming {
        Incoming::Zip(_) => DeliverySource::Zip,
        Incoming::File { .. } => DeliverySource::File,
    };
    let options = DeliveryOptions {
        case_id: case_id.cloned(),
        actor: actor.clone(),
        now,
        source,
    };
    let receipt = match incoming {
        Incoming::Zip(body) => ctx.ingest.zip_stream(body, options).await,
        Incoming::File { name, body } => ctx.ingest.one_file(&name, body, options).await,
    };
    let Some(case_id) = case_id else {
        return receipt.map_err(|error: IngestError| StepError::internal(error));
    };
    match receipt {
        Ok(mut receipt) => {
            arrived(ctx, actor, case_id, &mut receipt, now).await?;
            Ok(receipt)
        }
        Err(error) => {
            // What it stored before it broke off is judged now; should that fail, the next round does it.
            if let Err(error) = arrived(ctx, actor, case_id, &mut Receipt::default(), now).await {
                tracing::warn!(case.id = %case_id, %error, "what a broken-off delivery left was not judged");
            }
            Err(StepError::internal(error))
        }
    }
}

/// Asks whether the actor may add records to the case as it stands; nothing is taken in before.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` while the case is a draft, delivered or closed.
pub async fn may_receive(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.read().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    match file.state.why_no_records() {
        None => Ok(()),
        Some(why) => Err(StepError::invalid("", why)),
    }
}

/// Checks what the case holds now and moves it on: a case that waits for records to its check.
async fn go_on(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    is_usable: bool,
    now: Timestamp,
) -> StepResult<()> {
    checking::judge(tx, ctx, file, now).await?;
    let waits = matches!(
        file.state,
        CaseState::RecordsCollecting | CaseState::RecordsDeficient
    );
    if waits && is_usable && file.facts.records.study_count > 0 {
        checking::as_system(tx, ctx, file, CaseEvent::RecordsReceived, now).await?;
    }
    checking::settle(tx, ctx, file, now).await
}

/// Returns a document's bytes; the reading is audited. A reviewer does not get the original report before the lock.
///
/// # Errors
/// `NotFound`, `Forbidden` for those who may open no papers of the case.
pub async fn document(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    document_id: &DocumentId,
    now: Timestamp,
) -> StepResult<DocumentBytes> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::ViewDocuments)?;
    let row = documents::find(&mut tx, document_id)
        .await?
        .filter(|row| row.case_id.as_ref() == Some(case_id))
        .ok_or(StepError::NotFound)?;
    if hidden_papers(&mut tx, &file).await?.contains(document_id) {
        // As for a paper that is not there: that it is there is told to nobody who may not open it.
        return Err(StepError::NotFound);
    }
    casework::note_read(&mut tx, actor, case_id, "documents", now).await?;
    tx.commit().await?;
    let bytes = papers::bytes_of(ctx, &row).await?;
    Ok(DocumentBytes {
        name: row.name,
        media_type: row.media_type,
        bytes,
    })
}

/// Says that everything the requester has was sent: records_collecting or records_deficient -> records_check.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` when no study arrived.
pub async fn received(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.require(Right::AddRecords)?;
    file.expect(version)?;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::RecordsReceived,
        Said::default(),
        now,
    )
    .await?;
    checking::judge(&mut tx, ctx, &mut file, now).await?;
    checking::settle(&mut tx, ctx, &mut file, now).await?;
    Ok(tx.commit().await?)
}

/// Accepts the records: records_check -> matching.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` while a blocker is open.
pub async fn accept(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    file.expect(version)?;
    if !checks::held_back(&mut tx, case_id).await?.is_empty() {
        return Err(StepError::invalid(
            "",
            "Decide first on the images that are held back.",
        ));
    }
    checking::judge(&mut tx, ctx, &mut file, now).await?;
    casework::apply(
        &mut tx,
        ctx,
        &mut file,
        actor,
        CaseEvent::RecordsAccepted,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Does what follows from a delivery that came in by another door (command line, STOW): holds other patients' studies
/// back, checks, moves the case on; adds to the receipt what waits for a coordinator. [`receive`] does it by itself.
///
/// # Errors
/// `NotFound` when the actor may not see the case.
pub async fn arrived(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    receipt: &mut Receipt,
    now: Timestamp,
) -> StepResult<()> {
    let others = papers_of_others(ctx, actor, case_id, receipt, now).await?;
    let mut tx = ctx.store.begin().await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    hold_strangers(&mut tx, ctx, &file, now).await?;
    hold_papers(&mut tx, case_id, receipt, now).await?;
    hold_named(&mut tx, &file, &others, now).await?;
    tell_what_waits(&mut tx, case_id, receipt).await?;
    if receipt.is_usable() || !receipt.documents.is_empty() {
        let what = "Images or papers were added";
        casework::note(
            &mut tx,
            &file,
            actor,
            "delivery.added",
            what,
            Said::default(),
            now,
        )
        .await?;
    }
    go_on(&mut tx, ctx, &mut file, receipt.is_usable(), now).await?;
    Ok(tx.commit().await?)
}

/// Returns the papers that somebody may not open: those of a disc that is held back, and for a reviewer whatever may hold
/// the first reading before the first impression is locked.
async fn hidden_papers(tx: &mut Tx, file: &CaseFile) -> StepResult<Vec<DocumentId>> {
    let mut hidden = Vec::new();
    if !file.wears(CaseRole::Coordinator) {
        hidden = held_papers::list(tx, &file.case_id).await?;
    }
    if reading::may_open(file) {
        return Ok(hidden);
    }
    // A picture may be a photograph of the first report, and our own letters may print it.
    let papers = documents::list_of_case(tx, &file.case_id).await?;
    hidden.extend(papers.into_iter().map(|row| row.id));
    Ok(hidden)
}

async fn deliveries_of(
    tx: &mut Tx,
    case_id: &CaseId,
    held: &[checks::HeldRow],
) -> StepResult<Vec<DeliveryRow>> {
    let mut list = Vec::new();
    for row in deliveries::list_of_case(tx, case_id).await? {
        let receipt = row
            .receipt
            .as_deref()
            .and_then(|text| serde_json::from_str::<Receipt>(text).ok());
        let refused = receipt.as_ref().map_or(row.problem_count, |_| 0);
        let receipt = receipt.unwrap_or_default();
        let waiting = waiting_of(&receipt, held);
        let mut problems = receipt.problems;
        // What was kept of it on arrival may be decided by now.
        problems.retain(|problem| problem.kind != ProblemKind::HeldBack);
        let from = sender_of(tx, &row).await?;
        list.push(DeliveryRow {
            delivery_id: row.id.parse().map_err(StepError::internal)?,
            received_at: Timestamp::from_micros(row.started_at),
            from,
            instances_stored: row.instances_stored,
            duplicates: row.duplicates,
            refused,
            waiting: waiting.into_iter().collect(),
            problems,
        });
    }
    Ok(list)
}

/// Returns studies with how many of their instances are no images.
async fn counted_studies(tx: &mut Tx, rows: Vec<checks::StudyRow>) -> StepResult<Vec<StudyRow>> {
    let mut studies = Vec::new();
    for row in rows {
        let series = checks::instances_by_series(tx, row.id).await?;
        let others = series
            .into_iter()
            .filter(|(modality, _)| NO_IMAGES.contains(&modality.as_str()));
        let other_count = others.map(|(_, count)| count).sum();
        studies.push(StudyRow {
            other_count,
            ..study_of(row)
        });
    }
    Ok(studies)
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
        study: study_of(reading::study_shown(file, row.study)),
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

/// Returns a name as people write it: `Ana Ruiz` for `RUIZ^ANA` stays in the letters the images use.
pub(crate) fn readable_name(name: Option<&str>) -> String {
    // PS3.5 6.2.1.1: family^given^middle^prefix^suffix; groups by `=`, the first one is shown.
    let group = name
        .unwrap_or_default()
        .split('=')
        .find(|group| !group.trim().is_empty())
        .unwrap_or_default();
    let mut parts = group.split('^').map(str::trim);
    let family = parts.next().unwrap_or_default();
    let mut words: Vec<&str> = parts
        .by_ref()
        .take(2)
        .filter(|part| !part.is_empty())
        .collect();
    if !family.is_empty() {
        words.push(family);
    }
    words.join(" ")
}

/// Returns a DICOM date as 2026-03-02; empty when it is none.
pub(crate) fn readable_date(text: Option<&str>) -> String {
    text.and_then(|text| text.parse::<CalendarDate>().ok())
        .map_or_else(String::new, |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::{readable_date, readable_name};

    #[test]
    fn names_and_dates_are_written_for_people() {
        assert_eq!(readable_name(Some("Ruiz^Ana^Maria")), "Ana Maria Ruiz");
        assert_eq!(
            readable_name(Some("Yamada^Tarou=山田^太郎")),
            "Tarou Yamada"
        );
        assert_eq!(readable_name(Some("Ana Ruiz")), "Ana Ruiz");
        assert_eq!(readable_name(None), "");
        assert_eq!(readable_date(Some("20260302")), "2026-03-02");
        assert_eq!(readable_date(Some("yesterday")), "");
    }
}
