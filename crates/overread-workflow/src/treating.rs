//! The treating physician behind a share link: opens, acknowledges, says what will be done.

use bytes::Bytes;
use overread_concordance::Concordance;
use overread_model::access::Actor;
use overread_model::time::Timestamp;
use serde::Deserialize;

use crate::comparing::Correction;
use crate::reporting::{AddendumRow, Signature};
use crate::signing_in::Client;
use crate::{StepResult, Workflow};

/// What a link answers before anything is shown.
pub enum LinkDoor {
    /// A passcode is asked first.
    PasscodeNeeded,
    /// Open: the actor for every further step, and for `/dicom-web` when images are shared.
    Open(Box<OpenLink>),
}

/// An open link.
pub struct OpenLink {
    /// `Actor::Link`.
    pub actor: Actor,
    /// Token for the forms behind the link.
    pub csrf: String,
    /// What to show.
    pub view: LinkView,
}

/// One section of the signed report.
pub struct ReportSection {
    /// Heading.
    pub title: String,
    /// Text.
    pub text: String,
}

/// What the physician sees.
pub struct LinkView {
    /// Receiver.
    pub recipient_name: String,
    /// Patient's name.
    pub patient_name: String,
    /// Patient's birth date.
    pub patient_birth_date: String,
    /// Exam in words.
    pub exam: String,
    /// Day of the exam.
    pub exam_date: String,
    /// Question that was asked.
    pub question: String,
    /// Signed second report.
    pub sections: Vec<ReportSection>,
    /// Its signature.
    pub signature: Signature,
    /// Addenda.
    pub addenda: Vec<AddendumRow>,
    /// Original report, when there is one.
    pub original_text: Option<String>,
    /// Second report as it was compared.
    pub second_text: String,
    /// Comparison, when there is one.
    pub concordance: Option<Concordance>,
    /// Corrections of the reviewer.
    pub corrections: Vec<Correction>,
    /// Category the reviewer signed.
    pub overall: Option<String>,
    /// Images may be seen.
    pub with_images: bool,
    /// Last instant the link opens.
    pub expires_at: Timestamp,
    /// Acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// Decided.
    pub decided_at: Option<Timestamp>,
    /// Choices for the decision, value and label.
    pub decisions: Vec<(&'static str, &'static str)>,
}

/// What the physician decides.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Decide {
    /// One of [`LinkView::decisions`].
    pub decision: String,
    /// Remark; may be empty.
    pub note: String,
}

/// Opens a link; the first opening and every later one are audited and noted as read.
///
/// `session` is the value of the cookie set after the passcode fitted (see [`unlock`]).
///
/// # Errors
/// `NotFound` for a wrong, revoked, expired or not yet open link: they look alike. `Limit` from an address that tries secrets.
pub async fn open(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    client: &Client,
    now: Timestamp,
) -> StepResult<LinkDoor> {
    crate::unfinished((ctx, secret, session, client, now))
}

/// Checks the passcode and returns the cookie value that opens the link from this browser.
///
/// # Errors
/// As [`open`]; `Invalid` with field `passcode`; `Limit` after too many wrong ones: the link is then revoked.
pub async fn unlock(
    ctx: &Workflow,
    secret: &str,
    passcode: &str,
    client: &Client,
    now: Timestamp,
) -> StepResult<String> {
    crate::unfinished((ctx, secret, passcode.len(), client, now))
}

/// Returns the actor of an open link without noting a reading: for `/dicom-web` requests made from its viewer.
///
/// # Errors
/// As [`open`].
pub async fn actor(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    now: Timestamp,
) -> StepResult<Actor> {
    crate::unfinished((ctx, secret, session, now))
}

/// Says whether the token of a form belongs to this link (constant time).
pub fn csrf_matches(secret: &str, presented: &str) -> bool {
    crate::secrets::same(
        crate::secrets::derive("overread 2026 link csrf", secret).as_bytes(),
        presented.as_bytes(),
    )
}

/// Acknowledges the result: "I have read it". Twice is as once.
///
/// # Errors
/// As [`open`].
pub async fn acknowledge(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, secret, session, now))
}

/// Says what will be done; the case shows it.
///
/// # Errors
/// As [`open`]; `Invalid` for an unknown choice.
pub async fn decide(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    form: &Decide,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, secret, session, form.decision.as_str(), now))
}

/// Returns the signed report as PDF for the holder of the link.
///
/// # Errors
/// As [`open`].
pub async fn report_pdf(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    now: Timestamp,
) -> StepResult<Bytes> {
    crate::unfinished((ctx, secret, session, now))
}
