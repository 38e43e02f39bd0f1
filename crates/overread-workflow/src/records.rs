//! Records of a case: deliveries, studies, documents, and what is held back for a person to decide.

mod arriving;
mod deleted;
mod held_back;
mod readable;
mod set_aside;
mod shown;

use bytes::Bytes;
use overread_model::access::{Actor, Right};
use overread_model::case::CaseRole;
use overread_model::ids::{CaseId, DocumentId};
use overread_model::time::Timestamp;
use overread_store::{Tx, documents, held_papers};

use crate::casework::{self, CaseFile};
use crate::{StepError, StepResult, Workflow, papers, reading};

pub use arriving::{Incoming, accept, arrived, may_receive, receive, received};
pub use deleted::{DeletedBy, DeletedImages};
pub use held_back::{BirthDates, HeldBackDecision, QuarantineDecision, decide_quarantine};
pub(crate) use held_back::{hold_strangers, named_by};
pub(crate) use readable::{readable_date, readable_name};
pub use set_aside::{AsideImage, Closing, SetAside, close_aside, set_aside_file};
pub(crate) use shown::study_of;
pub use shown::{DeliveryRow, DocumentRow, OutsideRow, QuarantineRow, RecordsView, StudyRow, view};

/// A document's bytes.
pub struct DocumentBytes {
    /// Name as it came.
    pub name: String,
    /// Type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
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
