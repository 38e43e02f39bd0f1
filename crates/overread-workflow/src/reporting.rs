//! The second report: draft with autosave, signature, addendum, PDF.

use std::collections::BTreeMap;

use bytes::Bytes;
use overread_model::access::Actor;
use overread_model::ids::{CaseId, ReportId};
use overread_model::time::Timestamp;

use crate::{StepResult, Workflow};

/// Texts of the report by section id (`findings`, `impression`, ...), plus `quality` (`diagnostic`, `limited`,
/// `non_diagnostic`) and `agreement_overall` where asked.
pub type Sections = BTreeMap<String, String>;

/// One section of the editor.
pub struct SectionField {
    /// Section id: `findings`.
    pub key: String,
    /// Heading.
    pub title: String,
    /// What belongs here, for the page; may be empty.
    pub hint: String,
    /// Needed to sign.
    pub required: bool,
    /// Text so far.
    pub text: String,
    /// Text offered while the section is empty; may be empty.
    pub suggested: String,
    /// Fixed choices instead of free text, value and label; empty for free text.
    pub choices: Vec<(String, String)>,
}

/// A text that was saved from another tab and did not win; nothing is lost.
pub struct KeptVersion {
    /// Names it.
    pub kept_id: String,
    /// When.
    pub saved_at: Timestamp,
    /// Its sections.
    pub sections: Sections,
}

/// An addendum.
pub struct AddendumRow {
    /// 1, 2, ...
    pub number: i64,
    /// Why.
    pub reason: String,
    /// Text.
    pub text: String,
    /// Who.
    pub signed_by: String,
    /// When.
    pub signed_at: Timestamp,
    /// BLAKE3 over report hash, number, reason and text, in hex.
    pub hash: String,
}

/// A signature.
pub struct Signature {
    /// Name with credentials.
    pub name: String,
    /// When.
    pub signed_at: Timestamp,
    /// BLAKE3 of the signed content in hex: the verification code.
    pub hash: String,
    /// Declared independence.
    pub conflict_statement: String,
}

/// What the report page shows: the editor for its writer, the signed report for readers.
pub struct ReportDesk {
    /// The report.
    pub report_id: ReportId,
    /// Version of the draft to hand back.
    pub version: i64,
    /// Version of the case.
    pub case_version: i64,
    /// Sections in order.
    pub sections: Vec<SectionField>,
    /// What keeps it from being signed, field = section id.
    pub problems: Vec<crate::FieldProblem>,
    /// Versions of other tabs that did not win, newest first.
    pub kept: Vec<KeptVersion>,
    /// Signature, once signed.
    pub signature: Option<Signature>,
    /// Addenda in order.
    pub addenda: Vec<AddendumRow>,
    /// The first impression with its time, when locked and this reader may see it.
    pub first_impression: Option<(String, Timestamp)>,
    /// Overridden findings of the check, to be named as limits.
    pub limitations: Vec<String>,
    /// This reader may write the draft.
    pub may_edit: bool,
    /// This reader may sign now.
    pub may_sign: bool,
    /// This reader may add an addendum.
    pub may_add_addendum: bool,
    /// Last save.
    pub saved_at: Option<Timestamp>,
}

/// What saving a draft led to.
pub enum DraftSaved {
    /// Kept as the newest.
    Saved {
        /// New version.
        version: i64,
        /// When.
        saved_at: Timestamp,
    },
    /// Another tab saved first: this text was kept beside it, nothing is lost.
    Conflict {
        /// Version of the newest draft.
        version: i64,
        /// Names the text that was kept beside.
        kept_id: String,
    },
}

/// Returns the report page; for the accepted reviewer a draft is made on the first visit.
///
/// # Errors
/// `NotFound` when there is nothing this reader may see: drafts are the writer's alone.
pub async fn desk(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ReportDesk> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Saves the draft's sections (those given; others stay).
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for an unknown section, a text too long, or a signed report.
pub async fn save_draft(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    fields: &Sections,
    now: Timestamp,
) -> StepResult<DraftSaved> {
    crate::unfinished((ctx, actor, case_id, version, fields.len(), now))
}

/// Drops a kept version after its writer has taken over what was needed.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn drop_kept(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    kept_id: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, kept_id, now))
}

/// Signs: the password is asked again, the text is locked, hash and time are kept; in_review -> report_final.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` with missing sections or field `password`, `Limit`.
pub async fn sign(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    password: &str,
    now: Timestamp,
) -> StepResult<Signature> {
    let _ = password;
    crate::unfinished((ctx, actor, case_id, version, now))
}

/// Adds a signed addendum to the signed report.
///
/// # Errors
/// As [`sign`].
pub async fn addendum(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    text: &str,
    password: &str,
    now: Timestamp,
) -> StepResult<()> {
    let _ = (text, password);
    crate::unfinished((ctx, actor, case_id, reason, now))
}

/// Asks the requester for more: in_review -> info_requested; the clock stops.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` without a question.
pub async fn request_info(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    question: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, question, now))
}

/// Answers the reviewer's question: info_requested -> in_review.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn supply_info(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    answer: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, answer, now))
}

/// Returns the signed report as PDF, addenda included; noted as read.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn pdf(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Bytes> {
    crate::unfinished((ctx, actor, case_id, now))
}
