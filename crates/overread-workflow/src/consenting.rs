//! Consent: who may see what, signed by typing the name.

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use serde::Deserialize;

use crate::{StepResult, Workflow};

/// What the signer fills in.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SignConsent {
    /// Images, reports and documents of this case may be used for the second opinion.
    pub scope_review: bool,
    /// Letters may be sent to the facility in the patient's name.
    pub scope_letters: bool,
    /// The result may be shared with the treating physician.
    pub scope_share: bool,
    /// News may come by e-mail (which never holds clinical content).
    pub scope_email: bool,
    /// Who may receive: free text, names of people and institutions.
    pub receivers: String,
    /// Last day it holds, 2026-03-02.
    pub expires_on: String,
    /// Full name, typed: the signature.
    pub signature: String,
    /// What the authority rests on, when a representative signs.
    pub authority: String,
}

/// A consent as kept.
pub struct ConsentRow {
    /// Names it.
    pub consent_id: String,
    /// Typed signature.
    pub signature: String,
    /// Authority, for a representative.
    pub authority: String,
    /// `review`, `letters`, `share`, `email`.
    pub scopes: Vec<String>,
    /// Receivers.
    pub receivers: String,
    /// Signed.
    pub signed_at: Timestamp,
    /// Last instant it holds.
    pub expires_at: Timestamp,
    /// Taken back.
    pub revoked_at: Option<Timestamp>,
    /// In force now.
    pub active: bool,
}

/// What the consent page shows.
pub struct ConsentView {
    /// The text to be signed, one paragraph an item.
    pub text: Vec<String>,
    /// Name that is expected as signature.
    pub signer_name: String,
    /// Authority must be stated.
    pub needs_authority: bool,
    /// The form with sensible choices filled in.
    pub form: SignConsent,
    /// What was signed before, newest first.
    pub signed: Vec<ConsentRow>,
    /// This reader may sign now.
    pub may_sign: bool,
    /// This reader may revoke.
    pub may_revoke: bool,
}

/// Returns the consent page.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ConsentView> {
    crate::unfinished((ctx, actor, case_id, now))
}

/// Signs; in consent_pending the case moves on to records_collecting.
///
/// # Errors
/// `NotFound`, `Forbidden` (staff cannot sign for a patient), `Invalid`.
pub async fn sign(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    form: &SignConsent,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, form.signature.as_str(), now))
}

/// Revokes the consent in force: reviewers' and physicians' grants and links end at once, the case goes on hold.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` when none is in force.
pub async fn revoke(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    crate::unfinished((ctx, actor, case_id, reason, now))
}
