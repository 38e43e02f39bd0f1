//! Delivering: release, share links for the treating physician, who has opened what.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, LinkId};
use overread_model::time::Timestamp;
use serde::Deserialize;

use crate::cases::ReadRow;
use crate::secrets::Secret;
use crate::{StepResult, Workflow};

/// What is filled in for a link.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct NewLink {
    /// Name of the receiver.
    pub recipient_name: String,
    /// Where the mail goes; empty: the address is handed over in another way.
    pub recipient_email: String,
    /// First day it opens, 2026-03-02; empty: at once.
    pub not_before: String,
    /// Last day it opens; empty: `limits::LINK_DAYS`.
    pub expires_on: String,
    /// Passcode told by another way; empty: none.
    pub passcode: String,
    /// The images may be seen too.
    pub with_images: bool,
}

/// A link just made: the address is shown once.
pub struct MadeLink {
    /// Names it.
    pub link_id: LinkId,
    /// Stands in the address.
    pub secret: Secret,
    /// `https://…/links/SECRET`.
    pub address: String,
}

/// How far a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkProgress {
    /// Sent, not opened.
    Sent,
    /// Opened.
    Opened,
    /// Acknowledged.
    Acknowledged,
    /// Said what will be done.
    Decided,
    /// Taken back.
    Revoked,
    /// Over before it was opened.
    Expired,
}

/// A link in the list.
pub struct LinkRow {
    /// Names it.
    pub link_id: LinkId,
    /// Receiver.
    pub recipient_name: String,
    /// Receiver's address.
    pub recipient_email: String,
    /// Made.
    pub created_at: Timestamp,
    /// Opens from.
    pub not_before: Timestamp,
    /// Opens until.
    pub expires_at: Timestamp,
    /// A passcode is asked.
    pub has_passcode: bool,
    /// Images may be seen.
    pub with_images: bool,
    /// How far.
    pub progress: LinkProgress,
    /// Mail handed over to the mail server (or written to the mail folder).
    pub mailed_at: Option<Timestamp>,
    /// First opened.
    pub opened_at: Option<Timestamp>,
    /// Last used.
    pub last_used_at: Option<Timestamp>,
    /// Acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// Decided.
    pub decided_at: Option<Timestamp>,
    /// What the physician decided, in words.
    pub decision: String,
    /// Remark of the physician.
    pub decision_note: String,
    /// Taken back.
    pub revoked_at: Option<Timestamp>,
    /// Unread past its time.
    pub overdue: bool,
}

/// What the page of acting shows.
pub struct ActView {
    /// Version of the case.
    pub version: i64,
    /// State of the case.
    pub state: String,
    /// Category the reviewer signed; none when nothing was compared.
    pub overall: Option<String>,
    /// Suggested receiver: name and e-mail from the request.
    pub suggested: NewLink,
    /// Links, newest first.
    pub links: Vec<LinkRow>,
    /// Who has read what and when.
    pub reads: Vec<ReadRow>,
    /// Why it cannot be released yet; empty when it can or was.
    pub release_problems: Vec<crate::FieldProblem>,
    /// This reader may release now.
    pub may_release: bool,
    /// This reader may make and revoke links.
    pub may_share: bool,
    /// This reader may open the follow-up, ask for a third opinion or close.
    pub may_close: bool,
    /// Outcome, once closed.
    pub outcome: String,
}

/// Returns the page of acting.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ActView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Releases the result: report_final -> delivered; the requester is told.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Stale`, `Invalid` with what is missing.
pub async fn release(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    version: i64,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, version, now))
}

/// Makes a share link for the treating physician and mails it when an address is given.
///
/// # Errors
/// `NotFound`, `Forbidden` (no consent to share), `Invalid`, `Limit`.
pub async fn share(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    form: &NewLink,
    now: Timestamp,
) -> StepResult<MadeLink> {
    crate::unfinished((ctx, actor, case_id, form.with_images, now))
}

/// Takes a link back at once.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn revoke(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    link_id: &LinkId,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, link_id, now))
}
