//! Records of a case: deliveries, studies, documents, and what is held back for a person to decide.

use bytes::Bytes;
use overread_ingest::Receipt;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, DeliveryId, DocumentId};
use overread_model::time::Timestamp;
use tokio::io::AsyncRead;

use crate::checking::CheckView;
use crate::letters::SentLetterRow;
use crate::{StepResult, Workflow};

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
    /// What could not be used, per file.
    pub problems: Vec<overread_model::problem::Problem>,
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
    /// How many.
    pub instance_count: i64,
}

/// A study that looks like another patient's: invisible in the case until somebody decides.
pub struct QuarantineRow {
    /// The study.
    pub study: StudyRow,
    /// Why it is held back, in words.
    pub reason: String,
    /// Since.
    pub since: Timestamp,
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
    /// Deliveries, newest first.
    pub deliveries: Vec<DeliveryRow>,
    /// Studies that can be seen.
    pub studies: Vec<StudyRow>,
    /// Studies held back; their facts only for coordinators, else empty.
    pub quarantine: Vec<QuarantineRow>,
    /// How many are held back.
    pub quarantine_count: usize,
    /// Documents.
    pub documents: Vec<DocumentRow>,
    /// The last check, when there is something to check.
    pub check: Option<CheckView>,
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

/// What a person decides on a held-back study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineDecision {
    /// It is the right patient (a name changed, a typing error): show it in the case.
    RightPatient,
    /// It is another patient: keep it out of the case for good.
    OtherPatient,
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
    crate::unfinished((ctx, actor, case_id, now))
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
    let _ = incoming;
    crate::unfinished((ctx, actor, case_id, now))
}

/// Decides on a held-back study.
///
/// # Errors
/// `NotFound`, `Forbidden` unless coordinator, `Invalid` without a reason.
pub async fn decide_quarantine(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    study_instance_uid: &str,
    decision: QuarantineDecision,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((
        ctx,
        actor,
        case_id,
        study_instance_uid,
        decision,
        reason,
        now,
    ))
}

/// Returns a document's bytes; the reading is audited. A reviewer does not get the original report before the lock.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn document(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    document_id: &DocumentId,
    now: Timestamp,
) -> StepResult<DocumentBytes> {
    crate::unfinished((ctx, actor, case_id, document_id, now))
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
    crate::unfinished((ctx, actor, case_id, version, now))
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
    crate::unfinished((ctx, actor, case_id, version, now))
}
