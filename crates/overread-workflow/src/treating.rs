//! The treating physician behind a share link: opens, acknowledges, says what will be done.

mod door;

use bytes::Bytes;
use overread_concordance::Concordance;
use overread_model::access::Actor;
use overread_model::case::CaseEvent;
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;
use overread_store::links::{self, LinkRow};
use overread_store::{Tx, cases, reports};
use serde::Deserialize;

use crate::casework::{self, CaseFile, Said, checked_text};
use crate::comparing::{self, Comparisons, Correction};
use crate::reporting::{self, AddendumRow, Signature};
use crate::signing_in::Client;
use crate::{StepError, StepResult, Workflow, delivering, limits, printing, secrets};

pub use door::{actor, csrf_matches, unlock};
use door::{enter, guarded_find, is_in_force, is_unlocked, other_party, refuse_party};

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
    /// When the result was changed, in order: by each addendum, and by each comparison signed again after the release.
    pub changes: Vec<Timestamp>,
    /// The newest addendum that is not part of the comparison was signed at.
    pub addendum_missing: Option<Timestamp>,
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
    /// What the reviewer remarked when signing it; may be empty.
    pub remark: String,
    /// Images may be seen.
    pub with_images: bool,
    /// Last instant the link opens.
    pub open_until: Timestamp,
    /// Acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// The receiver had opened or acknowledged the result before it was changed, and has not acknowledged since.
    pub unread_change: Option<Timestamp>,
    /// Decided.
    pub decided_at: Option<Timestamp>,
    /// A party of the case who is not the receiver is signed in in this browser: may read, and confirms nothing in the
    /// receiver's name.
    pub is_of_party: bool,
    /// Choices for the decision, value and label.
    pub decisions: Vec<(&'static str, &'static str)>,
}

impl LinkView {
    /// Says whether the result was changed since the decision.
    pub fn decided_before_change(&self) -> bool {
        let newest = self.changes.last().copied();
        self.decided_at.is_some_and(|at| newest > Some(at))
    }

    /// Returns how the result was changed since it was confirmed, as the end of a sentence.
    pub fn change_since_confirmed(&self) -> &'static str {
        let newest = self.addenda.last().map(|row| row.signed_at);
        if newest > self.acknowledged_at {
            "an addendum was signed since"
        } else {
            "the comparison of both reports was signed again since"
        }
    }
}

/// What the physician decides.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Decide {
    /// One of [`LinkView::decisions`].
    pub decision: String,
    /// Remark; may be empty.
    pub note: String,
    /// How many changes of the result the page showed.
    pub changes_shown: usize,
}

/// Opens a link; the first opening and every later one are audited and noted as read.
///
/// `session` is the value of the cookie set after the passcode fitted (see [`unlock`]), `person` who is signed in in the same
/// browser: when that is a party of the case, the result does not count as opened by the receiver.
///
/// # Errors
/// `NotFound` for a wrong, revoked, expired or not yet open link: they look alike. `Limit` from an address that tries secrets.
pub async fn open(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    person: Option<&Actor>,
    client: &Client,
    now: Timestamp,
) -> StepResult<LinkDoor> {
    let row = guarded_find(ctx, secret, client, now).await?;
    if !is_unlocked(&row, secret, session, now) {
        return Ok(LinkDoor::PasscodeNeeded);
    }
    let mut tx = ctx.store.begin().await?;
    let (mut row, file, actor) = enter(&mut tx, secret, session, now).await?;
    let party = other_party(&mut tx, person, &row, &file.case_id, now).await?;
    let first = row.opened_at.is_none() && party.is_none();
    if party.is_none() {
        row.opened_at = row.opened_at.or(Some(now.as_micros()));
    }
    row.last_used_at = Some(now.as_micros());
    links::update(&mut tx, &row).await?;
    if first {
        casework::note(
            &mut tx,
            &file,
            &actor,
            "link.opened",
            "The result was opened",
            Said::default(),
            now,
        )
        .await?;
    }
    let mut view = view_of(&mut tx, ctx, &file, &row).await?;
    view.is_of_party = party.is_some();
    for what in ["second report", "original report", "comparison"] {
        let shown = match what {
            "original report" => view.original_text.is_some(),
            "comparison" => view.concordance.is_some(),
            _ => true,
        };
        if shown {
            let reader = party.unwrap_or(&actor);
            casework::note_read(&mut tx, reader, &file.case_id, what, now).await?;
        }
    }
    tx.commit().await?;
    Ok(LinkDoor::Open(Box::new(OpenLink {
        actor,
        csrf: secrets::derive("overread 2026 link csrf", secret),
        view,
    })))
}

/// Refuses a link that does not open now, or shares no images of this case. The passcode was asked before: see [`actor`].
pub(crate) async fn require_images(
    tx: &mut Tx,
    actor: &Actor,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<()> {
    let of_case = links::list(tx, case_id).await?;
    let link = of_case.iter().find(|row| row.id == actor.id());
    let is_shared = link.is_some_and(|row| is_in_force(row, now) && row.with_images != 0);
    let case = cases::find(tx, case_id).await?;
    if is_shared && case.is_some_and(|row| row.delivered_at.is_some()) {
        Ok(())
    } else {
        Err(StepError::NotFound)
    }
}

/// Acknowledges the result: "I have read it", with as many changes of it as the page showed. Twice is as once; after a change it
/// is asked and counted again, and the case keeps both.
///
/// # Errors
/// As [`open`]; `Invalid` for a party of the case who is signed in in the same browser, and when a change came since the
/// page was shown.
pub async fn acknowledge(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    person: Option<&Actor>,
    changes_shown: usize,
    now: Timestamp,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let (mut row, file, actor) = enter(&mut tx, secret, session, now).await?;
    refuse_party(&mut tx, person, &row, &file.case_id, now).await?;
    let changes = refuse_unseen(&mut tx, &file, changes_shown).await?;
    let is_again = delivering::missed_change(&row, &changes).is_some();
    if row.acknowledged_at.is_some() && !is_again {
        return Ok(());
    }
    row.opened_at = row.opened_at.or(Some(now.as_micros()));
    row.acknowledged_at = Some(now.as_micros());
    row.last_used_at = Some(now.as_micros());
    links::update(&mut tx, &row).await?;
    let what = if is_again {
        "The link sent to the treating physician was used to confirm that the result was read with what was signed since"
    } else {
        "The link sent to the treating physician was used to confirm that the result was read"
    };
    casework::note(
        &mut tx,
        &file,
        &actor,
        "link.acknowledged",
        what,
        Said::default(),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Says what will be done; the case shows it. A decision says nothing of having read the result: [`acknowledge`] does.
///
/// # Errors
/// As [`open`]; `Invalid` for an unknown choice, for a party of the case who is signed in in the same browser, and when a
/// change came since the page was shown.
pub async fn decide(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    person: Option<&Actor>,
    form: &Decide,
    now: Timestamp,
) -> StepResult<()> {
    if !DECISIONS.iter().any(|(value, _)| *value == form.decision) {
        return Err(StepError::invalid("decision", "Choose what you will do."));
    }
    let note = checked_text("note", &form.note, limits::LONG_TEXT_CHARACTERS, None)?;
    let mut tx = ctx.store.begin().await?;
    let (mut row, mut file, actor) = enter(&mut tx, secret, session, now).await?;
    refuse_party(&mut tx, person, &row, &file.case_id, now).await?;
    refuse_unseen(&mut tx, &file, form.changes_shown).await?;
    row.opened_at = row.opened_at.or(Some(now.as_micros()));
    row.last_used_at = Some(now.as_micros());
    row.decided_at = Some(now.as_micros());
    row.decision = Some(form.decision.clone());
    row.decision_note = Some(note.to_owned());
    links::update(&mut tx, &row).await?;
    let what = format!(
        "The link sent to the treating physician was used to decide: {}",
        decision_words(&form.decision)
    );
    casework::note(
        &mut tx,
        &file,
        &actor,
        "link.decided",
        &what,
        Said {
            note,
            staff_only: false,
        },
        now,
    )
    .await?;
    if form.decision == "further_test"
        && overread_model::case::rule_for(file.state, CaseEvent::FurtherTestOrdered).is_some()
    {
        casework::apply(
            &mut tx,
            ctx,
            &mut file,
            &actor,
            CaseEvent::FurtherTestOrdered,
            Said::default(),
            now,
        )
        .await?;
    }
    Ok(tx.commit().await?)
}

/// Returns the signed report as PDF for the holder of the link; a party of the case is noted as its reader by name.
///
/// # Errors
/// As [`open`].
pub async fn report_pdf(
    ctx: &Workflow,
    secret: &str,
    session: Option<&str>,
    person: Option<&Actor>,
    now: Timestamp,
) -> StepResult<Bytes> {
    let mut tx = ctx.store.begin().await?;
    let (link, file, actor) = enter(&mut tx, secret, session, now).await?;
    let row = reports::signed(&mut tx, &file.case_id)
        .await?
        .ok_or(StepError::NotFound)?;
    let paper = printing::report(&mut tx, ctx, &file, &row).await?;
    let party = other_party(&mut tx, person, &link, &file.case_id, now).await?;
    let reader = party.unwrap_or(&actor);
    casework::note_read(&mut tx, reader, &file.case_id, "second report", now).await?;
    tx.commit().await?;
    printing::print_report(paper).await
}

/// Refuses words on a page that lacks a change of the result; returns when each was signed.
async fn refuse_unseen(
    tx: &mut Tx,
    file: &CaseFile,
    changes_shown: usize,
) -> StepResult<Vec<Timestamp>> {
    let changes = delivering::changes(tx, &file.case_id, file.row.delivered_at).await?;
    if changes.len() == changes_shown {
        return Ok(changes);
    }
    Err(StepError::invalid(
        "",
        "An addendum, or the comparison with it, was signed since this page was opened. It is shown now: read it first.",
    ))
}

/// What a treating physician can decide, value and label.
const DECISIONS: [(&str, &str); 6] = [
    ("discuss", "I will go through both reports with the patient"),
    ("plan_unchanged", "The plan stays as it is"),
    ("plan_changed", "The plan changes"),
    ("further_test", "I order a further test"),
    ("third_opinion", "I advise a third opinion"),
    ("other", "Something else"),
];

/// What others are told of the decisions that the physician says of itself.
const TOLD: [(&str, &str); 3] = [
    (
        "discuss",
        "The doctor will go through both reports with the patient",
    ),
    ("further_test", "The doctor orders a further test"),
    ("third_opinion", "The doctor advises a third opinion"),
];

/// Returns a decision as others are told of it.
pub(crate) fn decision_told(value: &str) -> String {
    let told = TOLD.iter().find(|(known, _)| *known == value);
    told.map_or_else(|| decision_words(value), |(_, words)| (*words).to_owned())
}

/// Returns a decision in words.
pub(crate) fn decision_words(value: &str) -> String {
    DECISIONS
        .iter()
        .find(|(known, _)| *known == value)
        .map_or(value, |(_, label)| label)
        .to_owned()
}

async fn view_of(
    tx: &mut Tx,
    ctx: &Workflow,
    file: &CaseFile,
    link: &LinkRow,
) -> StepResult<LinkView> {
    let row = reports::signed(tx, &file.case_id)
        .await?
        .ok_or(StepError::NotFound)?;
    let signed = reporting::signed_content(&row)?;
    // Nothing is shown behind a link that nobody signed.
    let known = Comparisons::of(tx, &file.case_id).await?;
    let (addenda, comparison) = (known.addenda, known.signed);
    let addendum_missing = comparison
        .as_ref()
        .and_then(|row| comparing::missing(row, &addenda))
        .map(|addendum| addendum.signed_at);
    let changes = delivering::changes(tx, &file.case_id, file.row.delivered_at).await?;
    let original = overread_store::original_reports::newest(tx, &file.case_id).await?;
    let intake = &file.intake;
    let sections = reporting::signed_fields(ctx, &signed);
    let corrections = comparison
        .as_ref()
        .map(|row| serde_json::from_str(&row.corrections));
    let concordance = comparison
        .as_ref()
        .map(|row| serde_json::from_str(&row.result));
    let compared = comparison.as_ref();
    Ok(LinkView {
        recipient_name: link.recipient_name.clone(),
        patient_name: intake.who.patient_name.clone(),
        patient_birth_date: intake.who.patient_birth_date.clone(),
        exam: file.row.title.clone(),
        exam_date: intake.exam.date.clone(),
        question: intake.why.question.clone(),
        sections: sections
            .into_iter()
            .map(|field| ReportSection {
                title: field.title,
                text: field.text,
            })
            .collect(),
        signature: reporting::signature_of(&signed),
        addendum_missing,
        unread_change: delivering::missed_change(link, &changes),
        changes,
        addenda: addenda.iter().map(reporting::addendum_row).collect(),
        original_text: compared
            .map(|row| row.original_text.clone())
            .or(original.map(|row| row.body)),
        second_text: compared.map_or_else(
            || comparing::second_text_of(&signed, &addenda),
            |row| row.second_text.clone(),
        ),
        concordance: concordance.transpose().map_err(StepError::internal)?,
        corrections: corrections
            .transpose()
            .map_err(StepError::internal)?
            .unwrap_or_default(),
        overall: compared.and_then(|row| row.overall.clone()),
        remark: compared.map(|row| row.note.clone()).unwrap_or_default(),
        with_images: link.with_images != 0,
        open_until: delivering::open_until(link),
        acknowledged_at: link.acknowledged_at.map(Timestamp::from_micros),
        decided_at: link.decided_at.map(Timestamp::from_micros),
        is_of_party: false,
        decisions: DECISIONS.to_vec(),
    })
}
