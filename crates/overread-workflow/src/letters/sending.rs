//! Letters on their way: sent, answered, given more time, each with its clock.

use overread_model::access::Actor;
use overread_model::ids::{CaseId, LetterId};
use overread_model::letter::Language;
use overread_model::time::Timestamp;
use overread_store::Tx;
use overread_store::letters::{self as rows, LetterRow as Row};

use super::{ChangedFact, title_of, writable};
use crate::casework::{self, CaseFile, Said, checked_reason};
use crate::{StepError, StepResult, Workflow, consenting, limits};

/// A letter that was sent, with its clock.
pub struct SentLetterRow {
    /// The letter.
    pub letter_id: LetterId,
    /// In words.
    pub title: String,
    /// Receiver.
    pub recipient: String,
    /// `post`, `fax`, `email`, `portal`, `in_person`.
    pub channel: String,
    /// When.
    pub sent_at: Timestamp,
    /// Answer expected by (records letters: 30 days, 45 CFR 164.524(b)(2)).
    pub answer_due_at: Option<Timestamp>,
    /// Answered.
    pub answered_at: Option<Timestamp>,
    /// Past its time.
    pub overdue: bool,
}

/// Notes that the final letter was sent; a records letter starts its 30-day clock.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for an unknown channel or a letter that is not final.
pub async fn sent(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    channel: &str,
    now: Timestamp,
) -> StepResult<()> {
    if !CHANNELS.contains(&channel) {
        return Err(StepError::invalid("channel", "Choose how it was sent."));
    }
    change(
        ctx,
        actor,
        case_id,
        letter_id,
        ("letter.sent", "A letter was sent"),
        now,
        |row, file| {
            if row.state != "final" {
                return Err(StepError::invalid(
                    "",
                    "Make the letter final first; it is sent once.",
                ));
            }
            row.state = "sent".to_owned();
            row.channel = Some(channel.to_owned());
            row.sent_at = Some(now.as_micros());
            if row.kind == PROVIDER_REQUEST {
                let span = overread_model::duration::Span::BusinessDays(PROVIDER_ANSWER_DAYS);
                row.answer_due_at = Some(ctx.config.calendar.after(now, span).as_micros());
            } else if asks_for_records(&row.kind) {
                // 45 CFR 164.524(b)(2): 30 calendar days after receipt; counted from the sending, as the earliest day.
                row.answer_due_at = Some(now.plus_days(limits::RECORDS_CLOCK_DAYS).as_micros());
            }
            if asks_for_records(&row.kind) && file.facts.records.requested_at.is_none() {
                file.facts.records.requested_at = Some(now);
                file.facts.records.provider_to_provider = row.kind == PROVIDER_REQUEST;
            }
            Ok(())
        },
    )
    .await
}

/// Notes that a sent letter was answered: its clock stops.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn answered(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    now: Timestamp,
) -> StepResult<()> {
    change(
        ctx,
        actor,
        case_id,
        letter_id,
        ("letter.answered", "A letter was answered"),
        now,
        |row, _| {
            if row.state != "sent" {
                return Err(StepError::invalid(
                    "",
                    "Only a letter that was sent and not answered yet can be answered.",
                ));
            }
            row.state = "answered".to_owned();
            row.answered_at = Some(now.as_micros());
            Ok(())
        },
    )
    .await
}

/// Notes the facility's one written extension of 30 days.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid` for a second one or after the first 30 days.
pub async fn extended(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    reason: &str,
    now: Timestamp,
) -> StepResult<()> {
    let reason = checked_reason(reason)?;
    change(
        ctx,
        actor,
        case_id,
        letter_id,
        (
            "letter.extended",
            "The facility took its one extension of 30 days",
        ),
        now,
        |row, _| {
            let due_at = row
                .answer_due_at
                .filter(|due_at| row.state == "sent" && *due_at > now.as_micros());
            let (Some(due_at), None) = (due_at, row.extended_at) else {
                // 45 CFR 164.524(b)(2)(iii): once, in writing, within the first 30 days.
                return Err(StepError::invalid(
                    "",
                    "An extension holds once, when it comes in writing within the first 30 days.",
                ));
            };
            row.extended_at = Some(now.as_micros());
            row.extension_reason = Some(reason.to_owned());
            row.answer_due_at = Some(
                Timestamp::from_micros(due_at)
                    .plus_days(limits::RECORDS_CLOCK_DAYS)
                    .as_micros(),
            );
            Ok(())
        },
    )
    .await
}

/// Kind of the letter from one practice to another.
pub(crate) const PROVIDER_REQUEST: &str = "provider_records_request";

/// What we ask of a practice that another practice writes to, business days.
const PROVIDER_ANSWER_DAYS: u32 = 5;

/// How a letter can go out.
const CHANNELS: [&str; 5] = ["post", "fax", "email", "portal", "in_person"];

/// Says whether a letter asks a facility for records, and so starts the records clock.
pub(crate) fn asks_for_records(kind: &str) -> bool {
    kind == PROVIDER_REQUEST || kind == "records_request_access"
}

/// Changes a letter by a rule, with its line in the timeline.
async fn change(
    ctx: &Workflow,
    actor: &Actor,
    case_id: &CaseId,
    letter_id: &LetterId,
    what: (&'static str, &str),
    now: Timestamp,
    rule: impl FnOnce(&mut Row, &mut CaseFile) -> StepResult<()>,
) -> StepResult<()> {
    let mut tx = ctx.store.begin().await?;
    let mut file = writable(&mut tx, actor, case_id, now).await?;
    let mut row = rows::find(&mut tx, case_id, letter_id)
        .await?
        .ok_or(StepError::NotFound)?;
    if what.0 == "letter.sent"
        && file.facts.intake.submitted_at.is_some()
        && !file.wears(overread_model::case::CaseRole::Requester)
    {
        consenting::require_scope(&mut tx, case_id, "letters", now).await?;
    }
    let asked_before = file.facts.records.requested_at;
    rule(&mut row, &mut file)?;
    row.changed_at = now.as_micros();
    if !rows::update(&mut tx, &row).await? {
        return Err(StepError::Stale);
    }
    let collecting = file.state == overread_model::case::CaseState::RecordsCollecting;
    if collecting
        && (asked_before.is_none() && file.facts.records.requested_at.is_some()
            || row.extended_at == Some(now.as_micros()))
    {
        // The facility's clock is the case's clock while records are collected.
        file.row.due_at = row.answer_due_at;
        file.save(&mut tx).await?;
    }
    let said = Said {
        note: &row.recipient,
        staff_only: false,
    };
    casework::note(&mut tx, &file, actor, what.0, what.1, said, now).await?;
    Ok(tx.commit().await?)
}

/// Returns in words what a letter says, and what the case says now.
pub(super) fn told(fact: &ChangedFact) -> String {
    let quoted = |text: &str| match text {
        "" => "nothing".to_owned(),
        text => format!("\"{text}\""),
    };
    let (letter, case) = (quoted(&fact.letter), quoted(&fact.case));
    format!("{}: it says {letter}, the request now {case}", fact.label)
}

/// Lists the letters that were sent, with their clocks.
pub(crate) async fn sent_of(
    tx: &mut Tx,
    ctx: &Workflow,
    case_id: &CaseId,
    now: Timestamp,
) -> StepResult<Vec<SentLetterRow>> {
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let mut list = Vec::new();
    for row in rows::list(tx, case_id).await? {
        let Some(sent_at) = at(row.sent_at) else {
            continue;
        };
        let (due_at, answered_at) = (at(row.answer_due_at), at(row.answered_at));
        list.push(SentLetterRow {
            letter_id: row.id.parse().map_err(StepError::internal)?,
            title: title_of(ctx, &row.kind, Language::En.as_str()),
            recipient: row.recipient,
            channel: row.channel.unwrap_or_default(),
            sent_at,
            overdue: answered_at.is_none() && due_at.is_some_and(|due_at| due_at <= now),
            answer_due_at: due_at,
            answered_at,
        });
    }
    Ok(list)
}
