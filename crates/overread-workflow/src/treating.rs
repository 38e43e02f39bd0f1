//! The treating physician behind a share link: opens, acknowledges, says what will be done.

use bytes::Bytes;
use overread_concordance::Concordance;
use overread_model::access::Actor;
use overread_model::time::Timestamp;
use serde::Deserialize;

use overread_model::case::CaseEvent;
use overread_model::ids::{CaseId, LinkId};
use overread_store::audit::{self, AuditEvent};
use overread_store::links::{self, LinkRow};
use overread_store::{Tx, cases, concordances, reports};

use crate::casework::{self, CaseFile, Said, checked_text};
use crate::comparing::{self, Correction};
use crate::reporting::{self, AddendumRow, Signature};
use crate::signing_in::Client;
use crate::{StepError, StepResult, Workflow, limits, passwords, printing, secrets, throttling};

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
    let row = guarded_find(ctx, secret, client, now).await?;
    if !is_unlocked(&row, secret, session, now) {
        return Ok(LinkDoor::PasscodeNeeded);
    }
    let mut tx = ctx.store.begin().await?;
    let (mut row, file, actor) = enter(&mut tx, secret, session, now).await?;
    let first = row.opened_at.is_none();
    row.opened_at = row.opened_at.or(Some(now.as_micros()));
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
    let view = view_of(&mut tx, ctx, &file, &row).await?;
    for what in ["second report", "original report", "comparison"] {
        let shown = match what {
            "original report" => view.original_text.is_some(),
            "comparison" => view.concordance.is_some(),
            _ => true,
        };
        if shown {
            casework::note_read(&mut tx, &actor, &file.case_id, what, now).await?;
        }
    }
    tx.commit().await?;
    Ok(LinkDoor::Open(Box::new(OpenLink {
        actor,
        csrf: secrets::derive("overread 2026 link csrf", secret),
        view,
    })))
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
    let row = guarded_find(ctx, secret, client, now).await?;
    let guess = throttling::Guess {
        target: format!("link {}", row.id),
        address: client.address.clone(),
        known_browser: None,
    };
    throttling::begin(ctx, &guess, now).await?;
    if passwords::fits(
        ctx.config.password_cost,
        passcode,
        row.passcode_hash.as_deref(),
    )
    .await?
    {
        throttling::succeeded(ctx, &guess).await?;
        let mut tx = ctx.store.begin().await?;
        let (mut row, _, _) = find(&mut tx, secret, now).await?;
        row.wrong_passcode_count = 0;
        links::update(&mut tx, &row).await?;
        tx.commit().await?;
        return Ok(unlock_value(
            &row,
            secret,
            now.plus_seconds(limits::LINK_UNLOCK_SECONDS),
        ));
    }
    let mut tx = ctx.store.begin().await?;
    let (mut row, file, actor) = find(&mut tx, secret, now).await?;
    row.wrong_passcode_count += 1;
    let over = row.wrong_passcode_count >= limits::LINK_PASSCODE_TRIES;
    if over {
        row.revoked_at = Some(now.as_micros());
        let what = "A link was closed after too many wrong passcodes";
        casework::note(
            &mut tx,
            &file,
            &Actor::System,
            "link.locked",
            what,
            Said::default(),
            now,
        )
        .await?;
    }
    links::update(&mut tx, &row).await?;
    audit::record(
        &mut tx,
        &actor,
        &AuditEvent::new("link.refused")
            .in_case(&file.case_id)
            .on("link", &row.id),
        now,
    )
    .await?;
    tx.commit().await?;
    if over {
        return Err(StepError::Limit(
            "There were too many wrong passcodes, so this link is closed. Ask for a new one."
                .to_owned(),
        ));
    }
    Err(StepError::invalid(
        "passcode",
        "This passcode is not right. Please check it and try again.",
    ))
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
    let mut tx = ctx.store.read().await?;
    let (row, _, actor) = enter(&mut tx, secret, session, now).await?;
    if row.with_images == 0 {
        return Err(StepError::NotFound);
    }
    Ok(actor)
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
    let mut tx = ctx.store.begin().await?;
    let (mut row, file, actor) = enter(&mut tx, secret, session, now).await?;
    if row.acknowledged_at.is_some() {
        return Ok(());
    }
    row.opened_at = row.opened_at.or(Some(now.as_micros()));
    row.acknowledged_at = Some(now.as_micros());
    row.last_used_at = Some(now.as_micros());
    links::update(&mut tx, &row).await?;
    let what = "The treating physician confirmed having read the result";
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
    if !DECISIONS.iter().any(|(value, _)| *value == form.decision) {
        return Err(StepError::invalid("decision", "Choose what you will do."));
    }
    let note = checked_text("note", &form.note, limits::LONG_TEXT_CHARACTERS, None)?;
    let mut tx = ctx.store.begin().await?;
    let (mut row, mut file, actor) = enter(&mut tx, secret, session, now).await?;
    row.opened_at = row.opened_at.or(Some(now.as_micros()));
    row.acknowledged_at = row.acknowledged_at.or(Some(now.as_micros()));
    row.last_used_at = Some(now.as_micros());
    row.decided_at = Some(now.as_micros());
    row.decision = Some(form.decision.clone());
    row.decision_note = Some(note.to_owned());
    links::update(&mut tx, &row).await?;
    let what = format!(
        "The treating physician decided: {}",
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
    let mut tx = ctx.store.begin().await?;
    let (_, file, actor) = enter(&mut tx, secret, session, now).await?;
    let row = reports::signed(&mut tx, &file.case_id)
        .await?
        .ok_or(StepError::NotFound)?;
    let paper = printing::report(&mut tx, ctx, &file, &row).await?;
    casework::note_read(&mut tx, &actor, &file.case_id, "second report", now).await?;
    tx.commit().await?;
    printing::print_report(paper).await
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

/// Returns a decision in words.
pub(crate) fn decision_words(value: &str) -> String {
    DECISIONS
        .iter()
        .find(|(known, _)| *known == value)
        .map_or(value, |(_, label)| label)
        .to_owned()
}

/// Finds a link that opens now. Wrong, revoked, expired, early and withdrawn ones look alike.
async fn find(tx: &mut Tx, secret: &str, now: Timestamp) -> StepResult<(LinkRow, CaseFile, Actor)> {
    if secret.len() > 64 {
        return Err(StepError::NotFound);
    }
    let row = links::find(tx, &secrets::hash(secret))
        .await?
        .ok_or(StepError::NotFound)?;
    if !is_in_force(&row, now) {
        return Err(StepError::NotFound);
    }
    let case_id: CaseId = row.case_id.parse().map_err(StepError::internal)?;
    let link_id: LinkId = row.id.parse().map_err(StepError::internal)?;
    let actor = Actor::Link {
        link_id,
        case_id: case_id.clone(),
    };
    // The link itself is the grant; what it may see is fixed here.
    let mut file = casework::load(tx, &Actor::System, &case_id, now).await?;
    file.hats =
        overread_model::case::CaseRole::worn_by(&actor, overread_model::case::Ties::default());
    file.rights = vec![
        overread_model::access::Right::ViewReport,
        overread_model::access::Right::Acknowledge,
    ];
    if file.row.delivered_at.is_none() {
        return Err(StepError::NotFound);
    }
    Ok((row, file, actor))
}

const fn is_in_force(row: &LinkRow, now: Timestamp) -> bool {
    row.revoked_at.is_none()
        && row.not_before <= now.as_micros()
        && row.expires_at > now.as_micros()
}

/// Finds a link, and slows an address down that tries secrets.
async fn guarded_find(
    ctx: &Workflow,
    secret: &str,
    client: &Client,
    now: Timestamp,
) -> StepResult<LinkRow> {
    let found = {
        let mut tx = ctx.store.read().await?;
        find(&mut tx, secret, now).await
    };
    match found {
        Ok((row, _, _)) => Ok(row),
        Err(StepError::NotFound) if !client.address.is_empty() => {
            let guess = throttling::Guess {
                target: format!("links from {}", client.address),
                address: client.address.clone(),
                known_browser: None,
            };
            throttling::begin(ctx, &guess, now).await?;
            Err(StepError::NotFound)
        }
        Err(error) => Err(error),
    }
}

/// Finds a link whose passcode, if it has one, was given in this browser.
async fn enter(
    tx: &mut Tx,
    secret: &str,
    session: Option<&str>,
    now: Timestamp,
) -> StepResult<(LinkRow, CaseFile, Actor)> {
    let found = find(tx, secret, now).await?;
    if is_unlocked(&found.0, secret, session, now) {
        Ok(found)
    } else {
        Err(StepError::NotFound)
    }
}

/// Returns what the browser keeps after the passcode fitted: an end, and a proof that only we can make.
fn unlock_value(row: &LinkRow, secret: &str, until: Timestamp) -> String {
    let until = until.as_micros();
    let bound = format!(
        "{secret}\n{}\n{until}",
        row.passcode_hash.as_deref().unwrap_or_default()
    );
    format!(
        "{until}.{}",
        secrets::derive("overread 2026 link unlock", &bound)
    )
}

fn is_unlocked(row: &LinkRow, secret: &str, session: Option<&str>, now: Timestamp) -> bool {
    if row.passcode_hash.is_none() {
        return true;
    }
    let Some((until, _)) = session.and_then(|value| value.split_once('.')) else {
        return false;
    };
    let Ok(until) = until.parse::<i64>() else {
        return false;
    };
    let expected = unlock_value(row, secret, Timestamp::from_micros(until));
    until > now.as_micros()
        && session.is_some_and(|value| secrets::same(value.as_bytes(), expected.as_bytes()))
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
    let addenda = reporting::addenda_of(tx, &row.id).await?;
    let comparison = concordances::newest(tx, &file.case_id).await?;
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
        addenda: addenda.iter().map(reporting::addendum_row).collect(),
        original_text: compared
            .map(|row| row.original_text.clone())
            .or(original.map(|row| row.body)),
        second_text: compared.map_or_else(
            || comparing::second_text_of(&signed),
            |row| row.second_text.clone(),
        ),
        concordance: concordance.transpose().map_err(StepError::internal)?,
        corrections: corrections
            .transpose()
            .map_err(StepError::internal)?
            .unwrap_or_default(),
        overall: compared.and_then(|row| row.overall.clone()),
        with_images: link.with_images != 0,
        expires_at: Timestamp::from_micros(link.expires_at),
        acknowledged_at: link.acknowledged_at.map(Timestamp::from_micros),
        decided_at: link.decided_at.map(Timestamp::from_micros),
        decisions: DECISIONS.to_vec(),
    })
}
