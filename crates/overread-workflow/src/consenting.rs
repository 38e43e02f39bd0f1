//! Consent: who may see what, signed by typing the name.

mod paper;
mod taken_back;

use overread_model::access::Actor;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use serde::Deserialize;

use overread_model::access::Role;
use overread_model::case::{CaseEvent, CaseRole, CaseState};
use overread_model::letter::{Language, Requester};
use overread_model::text::folded;
use overread_model::time::CalendarDate;
use overread_store::consents::{self, ConsentRow as Row};
use overread_store::{audit, people};

use crate::casework::{self, CaseFile, Said, checked_text};
use crate::error::refuse_if_any;
use crate::{FieldProblem, StepError, StepResult, Workflow, limits};

pub use paper::{PaperConsent, enter_paper};

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
    /// The insurer of the case may read the second report and the comparison.
    pub scope_insurer: bool,
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
    /// `review`, `letters`, `share`, `email`, `insurer`.
    pub scopes: Vec<String>,
    /// Receivers.
    pub receivers: String,
    /// Signed.
    pub signed_at: Timestamp,
    /// Last instant it holds.
    pub open_until: Timestamp,
    /// Taken back.
    pub revoked_at: Option<Timestamp>,
    /// In force now.
    pub active: bool,
    /// Signed on paper, which is kept there; empty when it was signed here.
    pub paper_at: String,
    /// Who entered it, when it was signed on paper.
    pub entered_by: String,
}

/// What the consent page shows.
pub struct ConsentView {
    /// The text to be signed, one paragraph an item.
    pub text: Vec<String>,
    /// Its language: `en`, `es`.
    pub language: &'static str,
    /// Name that is expected as signature.
    pub signer_name: String,
    /// Authority must be stated.
    pub needs_authority: bool,
    /// The form with sensible choices filled in.
    pub form: SignConsent,
    /// What was signed before, newest first.
    pub signed: Vec<ConsentRow>,
    /// What an insurer would be allowed, when the consent in force does not say it and this reader may.
    pub insurer_question: Option<String>,
    /// This reader may sign now.
    pub may_sign: bool,
    /// The patient took the consent back, and this reader cannot sign another one.
    pub waits_for_patient: bool,
    /// This reader may revoke.
    pub may_revoke: bool,
    /// This reader may enter a consent that was signed on paper.
    pub may_enter_paper: bool,
    /// The patient of the request.
    pub patient_name: String,
}

/// Returns the consent page; noted as read.
///
/// # Errors
/// `NotFound`.
pub async fn view(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<ConsentView> {
    let mut tx = ctx.store.begin().await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    let mut signed = Vec::new();
    for row in consents::list(&mut tx, case_id).await? {
        let entered_by = match row.paper_at.is_empty() {
            true => None,
            false => people::name_of(&mut tx, &row.signed_by).await?,
        };
        signed.push(ConsentRow {
            entered_by: entered_by.unwrap_or_default(),
            ..row_of(row, now)
        });
    }
    let form = SignConsent {
        // Nothing is ticked beforehand: consent is given, not left standing.
        receivers: receivers_of(ctx, &file),
        expires_on: now.plus_days(limits::CONSENT_DAYS).date().to_string(),
        authority: file.intake.who.authority.clone(),
        ..SignConsent::default()
    };
    let in_force = signed.iter().any(|row| row.active);
    let signer = signer(&mut tx, actor, &file).await?;
    let may_anew = taken_back::may_sign_anew(&mut tx, actor, case_id).await?;
    let is_allowed = signed.iter().any(|row| row.active && row.allows(INSURER));
    let asks = in_force && !is_allowed && may_sign(actor, &file) && may_anew;
    casework::note_read(&mut tx, actor, case_id, "consent", now).await?;
    tx.commit().await?;
    Ok(ConsentView {
        insurer_question: asks.then(|| insurer_text(ctx, &file).to_owned()),
        text: text_of(ctx, &file),
        language: language_of(&file).as_str(),
        signer_name: signer.name,
        needs_authority: signer.needs_authority,
        form,
        may_sign: may_sign(actor, &file) && may_anew && !in_force,
        waits_for_patient: !may_anew && !in_force && !file.state.is_end(),
        may_revoke: in_force && (may_sign(actor, &file) || paper::may_take_back(&file, &signed)),
        may_enter_paper: paper::may_enter(&file) && !in_force,
        patient_name: file.intake.who.patient_name,
        signed,
    })
}

/// Signs; in consent_pending the case moves on to records_collecting. Here, in [`allow_insurer`] and in [`revoke`] one waits for
/// the other, so that nothing is added to what is being revoked.
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
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_sign(actor, &file) {
        return Err(StepError::Forbidden);
    }
    taken_back::require_may_sign_anew(&mut tx, actor, case_id).await?;
    let signer = signer(&mut tx, actor, &file).await?;
    let row = checked(ctx, actor, &file, &signer, form, now)?;
    let before = consents::list(&mut tx, case_id).await?;
    if before.into_iter().any(|row| row_of(row, now).active) {
        return Err(StepError::invalid(
            "",
            "A consent is in force already. Revoke it first to sign another one.",
        ));
    }
    put_in_force(&mut tx, ctx, &mut file, actor, (&row, Said::default()), now).await?;
    Ok(tx.commit().await?)
}

/// Keeps a signed consent; in consent_pending the case moves on.
async fn put_in_force(
    tx: &mut overread_store::Tx,
    ctx: &Workflow,
    file: &mut CaseFile,
    actor: &Actor,
    (row, said): (&Row, Said<'_>),
    now: Timestamp,
) -> StepResult<()> {
    consents::insert(tx, row).await?;
    file.facts.consent.signed = true;
    (file.facts.consent.dated, file.facts.consent.expiry_set) = (true, true);
    (file.facts.consent.expired, file.facts.consent.revoked) = (false, false);
    file.facts.consent.authority_needed = row.authority_needed != 0;
    file.facts.consent.authority_shown = !row.authority.is_empty();
    if file.state == CaseState::ConsentPending {
        casework::apply(tx, ctx, file, actor, CaseEvent::ConsentSigned, said, now).await?;
        return Ok(());
    }
    let (event, what) = ("consent.signed", "A consent was signed");
    casework::note(tx, file, actor, event, what, said, now).await
}

/// Lets the insurer of the case read the result, beside what the consent in force allows already: for whoever signed without
/// that tick, or before there was one. It ends with the consent it adds to.
///
/// # Errors
/// `NotFound`, `Forbidden` (staff cannot sign for a patient), `Invalid` when none is in force, it says so already, or a representative's
/// authority is not known.
pub async fn allow_insurer(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    signature: &str,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_sign(actor, &file) {
        return Err(StepError::Forbidden);
    }
    taken_back::require_may_sign_anew(&mut tx, actor, case_id).await?;
    let signer = signer(&mut tx, actor, &file).await?;
    refuse_if_any(check_signature(signature, &signer).into_iter().collect())?;
    let rows = consents::list(&mut tx, case_id).await?;
    let in_force = |row: &Row| row.revoked_at.is_none() && row.expires_at > now.as_micros();
    let before = rows
        .into_iter()
        .find(in_force)
        .ok_or_else(|| StepError::invalid("", "There is no consent in force."))?;
    if is_given(&mut tx, case_id, INSURER, now).await? {
        return Err(StepError::invalid(
            "",
            "The consent in force says already that the insurer may read the result.",
        ));
    }
    let signed_by = casework::person_of(actor)?.as_str().to_owned();
    let authority = match (signer.needs_authority, before.signed_by == signed_by) {
        (false, _) => "",
        (true, true) => before.authority.trim(),
        (true, false) => file.intake.who.authority.trim(),
    };
    if signer.needs_authority && authority.is_empty() {
        return Err(StepError::invalid(
            "",
            "Nobody has said yet what your authority to sign for the patient rests on. Say it in the request first, for example mother, or power of attorney.",
        ));
    }
    let text = insurer_text(ctx, &file);
    let row = Row {
        id: casework::new_id(CaseId::from_random)?.as_str().to_owned(),
        signed_by,
        signature: signature.trim().to_owned(),
        authority: authority.to_owned(),
        authority_needed: i32::from(signer.needs_authority),
        scopes: INSURER.to_owned(),
        receivers: "the insurer of this case".to_owned(),
        text_digest: blake3::hash(text.as_bytes()).as_bytes().to_vec(),
        signed_at: now.as_micros(),
        paper_at: String::new(),
        ..before
    };
    consents::insert(&mut tx, &row).await?;
    casework::note(
        &mut tx,
        &file,
        actor,
        "consent.signed",
        "The insurer was allowed to read the result",
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Revokes the consent in force: reviewers', physicians' and insurers' grants, links and open invitations end at once, also those of
/// representatives, and the case goes on hold. After the patient's own word only the patient brings it back. A coordinator
/// does so for one signed on paper, when whoever signed it asks for that by letter or phone.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` when none is in force, or a coordinator gives no reason.
pub async fn revoke(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_text("reason", reason, limits::LONG_TEXT_CHARACTERS, None)?;
    let mut tx = ctx.store.begin().await?;
    audit::take_turn(&mut tx).await?;
    let mut file = casework::load(&mut tx, actor, case_id, now).await?;
    if !may_sign(actor, &file) {
        paper::take_back_for(&mut tx, &mut file, reason, now).await?;
    }
    if consents::revoke(&mut tx, case_id, reason, now).await? == 0 {
        return Err(StepError::invalid("", "There is no consent in force."));
    }
    taken_back::end_invitations(&mut tx, actor, case_id, now).await?;
    let said = Said {
        note: reason,
        staff_only: false,
    };
    if overread_model::case::rule_for(file.state, CaseEvent::ConsentRevoked).is_some() {
        casework::apply(
            &mut tx,
            ctx,
            &mut file,
            actor,
            CaseEvent::ConsentRevoked,
            said,
            now,
        )
        .await?;
    } else {
        // Before records and after the report there is nothing to put on hold; what others could see ends all the same.
        overread_store::grants::revoke_all_but_askers(&mut tx, case_id, now).await?;
        overread_store::links::revoke_all(&mut tx, case_id, now).await?;
        casework::note(
            &mut tx,
            &file,
            actor,
            "consent.revoked",
            "The consent was revoked",
            said,
            now,
        )
        .await?;
    }
    Ok(tx.commit().await?)
}

/// The scope without which an insurer does not see the case, unless it asked itself, and in no case the result.
pub(crate) const INSURER: &str = "insurer";
/// The scope without which the treating physician does not see the case.
pub(crate) const SHARE: &str = "share";

impl ConsentRow {
    fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|given| given == scope)
    }
}

/// Only the asking side signs, and never an employee in its place, nor who reads the case, in whatever role they are here.
fn may_sign(actor: &Actor, file: &CaseFile) -> bool {
    let role = matches!(
        actor.role(),
        Some(Role::Patient | Role::Representative | Role::ReferringPhysician)
    );
    role && file.wears(CaseRole::Requester)
        && !file.reads
        && !file.state.is_end()
        && file.state != CaseState::Draft
}

fn requester_of(file: &CaseFile) -> Option<Requester> {
    file.intake.who.requester.parse().ok()
}

fn needs_authority(file: &CaseFile) -> bool {
    matches!(
        requester_of(file),
        Some(Requester::PersonalRepresentative | Requester::ParentGuardian)
    )
}

/// Whose signature is expected, and whether authority must be stated with it.
struct Signer {
    name: String,
    needs_authority: bool,
}

/// A representative signs with the own name; everybody else as the request names them.
async fn signer(tx: &mut overread_store::Tx, actor: &Actor, file: &CaseFile) -> StepResult<Signer> {
    if actor.role() == Some(Role::Representative) {
        let name = overread_store::people::name_of(tx, actor.id())
            .await?
            .unwrap_or_default();
        return Ok(Signer {
            name,
            needs_authority: true,
        });
    }
    let who = &file.intake.who;
    let name = match requester_of(file) {
        None | Some(Requester::Patient) => &who.patient_name,
        // Patients sign in their own name, also where a physician or an insurer asked for them.
        Some(Requester::ReferringPhysician | Requester::Insurer)
            if actor.role() == Some(Role::Patient) =>
        {
            &who.patient_name
        }
        Some(_) if who.sender_name.trim().is_empty() => &who.patient_name,
        Some(_) => &who.sender_name,
    };
    Ok(Signer {
        name: name.clone(),
        needs_authority: needs_authority(file),
    })
}

fn receivers_of(ctx: &Workflow, file: &CaseFile) -> String {
    let physician = file.intake.why.physician_name.trim();
    let ours = format!(
        "the reviewers and coordinators of {}",
        ctx.config.organisation
    );
    if physician.is_empty() {
        ours
    } else {
        format!("{ours}; {physician}")
    }
}

/// Returns the text that is signed, in the language of the request; its digest is kept with the signature.
fn text_of(ctx: &Workflow, file: &CaseFile) -> Vec<String> {
    let (organisation, exam) = (&ctx.config.organisation, &file.row.title);
    ctx.knowledge
        .consent
        .of(language_of(file), organisation, exam)
}

fn language_of(file: &CaseFile) -> Language {
    file.intake.who.language.parse().unwrap_or_default()
}

/// Returns what is signed to let an insurer read beside a consent that does not say so.
fn insurer_text<'a>(ctx: &'a Workflow, file: &CaseFile) -> &'a str {
    let paragraph = &ctx.knowledge.consent.insurer_added;
    paragraph.text.of(language_of(file))
}

fn checked(
    ctx: &Workflow,
    actor: &Actor,
    file: &CaseFile,
    signer: &Signer,
    form: &SignConsent,
    now: Timestamp,
) -> StepResult<Row> {
    let mut problems = Vec::new();
    if !form.scope_review {
        problems.push(FieldProblem::new(
            "scope_review",
            "Without this the second opinion is not possible.",
        ));
    }
    problems.extend(check_signature(&form.signature, signer));
    let authority = form.authority.trim();
    if signer.needs_authority && folded(authority).is_empty() {
        problems.push(FieldProblem::new(
            "authority",
            "Say what your authority rests on, for example mother, or power of attorney.",
        ));
    }
    let last = now.plus_days(limits::CONSENT_MAX_DAYS).date();
    let expires_on = form
        .expires_on
        .parse::<CalendarDate>()
        .ok()
        .filter(|day| *day >= now.date() && *day <= last);
    if expires_on.is_none() {
        problems.push(FieldProblem::new(
            "expires_on",
            "Choose a day from today on, at most three years ahead, as 2026-03-02.",
        ));
    }
    let (Some(expires_on), true) = (expires_on, problems.is_empty()) else {
        return Err(StepError::Invalid(problems));
    };
    let receivers = checked_text(
        "receivers",
        &form.receivers,
        limits::LONG_TEXT_CHARACTERS,
        Some("Say who may receive the records."),
    )?;
    let authority = checked_text("authority", authority, limits::SHORT_TEXT_CHARACTERS, None)?;
    let text = text_of(ctx, file).join("\n");
    Ok(Row {
        id: casework::new_id(CaseId::from_random)?.as_str().to_owned(),
        case_id: file.case_id.as_str().to_owned(),
        signed_by: casework::person_of(actor)?.as_str().to_owned(),
        signature: form.signature.trim().to_owned(),
        authority: authority.to_owned(),
        authority_needed: i32::from(signer.needs_authority),
        scopes: scopes_of([
            form.scope_review,
            form.scope_letters,
            form.scope_share,
            form.scope_email,
            form.scope_insurer,
        ]),
        receivers: receivers.to_owned(),
        text_digest: blake3::hash(text.as_bytes()).as_bytes().to_vec(),
        signed_at: now.as_micros(),
        // It holds to the end of its last day.
        expires_at: expires_on.plus_days(1).start().as_micros(),
        revoked_at: None,
        paper_at: String::new(),
    })
}

/// Returns what was ticked, in the order of the form, as it is kept.
fn scopes_of(ticks: [bool; 5]) -> String {
    let scopes = ["review", "letters", SHARE, "email", INSURER];
    let ticked = scopes.into_iter().zip(ticks).filter(|(_, ticked)| *ticked);
    let words: Vec<&str> = ticked.map(|(word, _)| word).collect();
    words.join(" ")
}

fn check_signature(signature: &str, signer: &Signer) -> Option<FieldProblem> {
    let fits = folded(signature) == folded(&signer.name) && !signature.trim().is_empty();
    (!fits).then(|| {
        FieldProblem::new(
            "signature",
            "Type the full name as it stands in the request. This is your signature.",
        )
    })
}

fn row_of(row: Row, now: Timestamp) -> ConsentRow {
    ConsentRow {
        active: row.revoked_at.is_none() && row.expires_at > now.as_micros(),
        consent_id: row.id,
        signature: row.signature,
        authority: row.authority,
        scopes: row.scopes.split(' ').map(str::to_owned).collect(),
        receivers: row.receivers,
        signed_at: Timestamp::from_micros(row.signed_at),
        open_until: Timestamp::from_micros(row.expires_at).last_moment_before(),
        revoked_at: row.revoked_at.map(Timestamp::from_micros),
        paper_at: row.paper_at,
        entered_by: String::new(),
    }
}

/// Says whether a consent in force has this scope.
pub(crate) async fn is_given(
    tx: &mut overread_store::Tx,
    case_id: &CaseId,
    scope: &str,
    now: Timestamp,
) -> StepResult<bool> {
    let rows = consents::list(tx, case_id).await?;
    Ok(rows
        .into_iter()
        .map(|row| row_of(row, now))
        .any(|row| row.active && row.allows(scope)))
}

/// Refuses a step that needs this scope of a consent in force.
pub(crate) async fn require_scope(
    tx: &mut overread_store::Tx,
    case_id: &CaseId,
    scope: &str,
    now: Timestamp,
) -> StepResult<()> {
    if is_given(tx, case_id, scope, now).await? {
        return Ok(());
    }
    Err(StepError::invalid(
        "",
        "The consent in force does not allow this. Ask the patient for it first.",
    ))
}
